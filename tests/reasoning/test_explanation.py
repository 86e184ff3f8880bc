"""An explanation adds up: from the prior to the posterior, by contributions that the arcs carry."""

from __future__ import annotations

import json
import math
from itertools import pairwise, permutations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings

import toetwitch as tt
from toetwitch.errors import ImpossibleEvidenceError, UnknownNameError
from toetwitch.knowledge import Cpt, NetworkDefinition, Variable
from toetwitch.network import Network
from toetwitch.reasoning import explanation
from toetwitch.reasoning.carriers import active_path
from toetwitch.testing.strategies import Question, networks, questions

SPRINKLER = Network(
    NetworkDefinition(
        tuple(map(Variable, ("rain", "sprinkler", "wet", "news"))),
        (
            Cpt("rain", (), [0.8, 0.2]),
            Cpt("sprinkler", (), [0.7, 0.3]),
            Cpt("wet", ("rain", "sprinkler"), [[[0.95, 0.05], [0.2, 0.8]], [[0.1, 0.9], [0.05, 0.95]]]),
            Cpt("news", (), [0.5, 0.5]),
        ),
    )
)


def log_odds(net: Network, evidence: dict[str, object], target: str) -> float:
    """Return ln odds(target = its last state | evidence)."""
    *rest, last = net.posterior(evidence, [target])[target].values()
    return math.log(last) - math.log(sum(rest))


def by_orders(net: Network, evidence: dict[str, object], target: str) -> dict[str, float]:
    """Return Shapley values by their definition: the mean gain over all orders."""
    gains: dict[str, list[float]] = {id: [] for id in evidence}
    for order in permutations(evidence):
        known: dict[str, object] = {}
        for id in order:
            before = log_odds(net, known, target)
            known = {**known, id: evidence[id]}
            gains[id].append(log_odds(net, known, target) - before)
    return {id: float(np.mean(values)) for id, values in gains.items()}


@settings(deadline=None, max_examples=12)
@given(questions(networks(nodes=(3, 6), determinism=False)))
def test_contributions_sum_from_prior_to_posterior(question: Question) -> None:
    """The prior and the contributions add up to the posterior, to 1e-9, and so does the waterfall."""
    net, evidence = Network(question.network), dict(question.evidence)
    for target in net.variables:
        answer = net.explain(evidence, target)
        if answer.posterior_log_odds is None:
            assert answer.certain
            continue
        assert answer.prior_log_odds == pytest.approx(log_odds(net, {}, target), abs=1e-9)
        assert answer.posterior_log_odds == pytest.approx(log_odds(net, evidence, target), abs=1e-9)
        total = answer.prior_log_odds + sum(answer.contributions.values())
        assert total == pytest.approx(answer.posterior_log_odds, abs=1e-9)
        steps = answer.prior_log_odds + sum(step.weight for step in answer.waterfall)
        assert steps == pytest.approx(answer.posterior_log_odds, abs=1e-9)


@settings(deadline=None, max_examples=12)
@given(questions(networks(nodes=(4, 6), determinism=False)))
def test_a_separated_finding_contributes_exactly_zero(question: Question) -> None:
    """What is d-separated from the target under every subset of the other findings contributes 0.0, not nearly 0."""
    net, evidence = Network(question.network), dict(question.evidence)
    moral = nx.moral_graph(net.graph())
    target = next(iter(net.variables))
    answer = net.explain(evidence, target)
    for id, value in answer.contributions.items():
        if not nx.has_path(moral, id, target):
            assert value == 0.0
            assert answer.carriers[id] == ()


def test_values_are_the_mean_over_all_orders() -> None:
    """Contributions are Shapley values by their definition."""
    evidence = {"wet": True, "sprinkler": True, "news": False}
    answer = SPRINKLER.explain(evidence, "rain")
    assert answer.contributions == pytest.approx(by_orders(SPRINKLER, evidence, "rain"), abs=1e-12)
    assert answer.contributions["news"] == 0.0
    assert answer.standard_errors == {}
    assert answer.error_bound == 0.0


def test_roles_and_explaining_away() -> None:
    """A cause that explains the finding takes from it, argues against the other cause, and shows as an interaction."""
    answer = SPRINKLER.explain({"wet": True, "sprinkler": True, "news": False}, "rain")
    assert (answer.supporting, answer.conflicting, answer.neutral) == (("wet",), ("sprinkler",), ("news",))
    assert answer.interactions["wet", "sprinkler"] < 0
    assert [str(arc) for arc in answer.carriers["wet"]] == ["rain -> wet"]
    assert [str(arc) for arc in answer.carriers["sprinkler"]] == ["rain -> wet", "sprinkler -> wet"]


def test_sampled_values_agree_within_their_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the exact size the sum stays exact and each value is within the stated bound of the exact one."""
    model = tt.load_model()
    evidence = {"numbness": True, "diabetes": True, "lumbar_spine_disease": True, "foot_drop": False}
    exact = model.explain(evidence, "peripheral_neuropathy")
    monkeypatch.setattr(explanation, "EXACT_ITEMS", 2)
    sampled = model.explain(evidence, "peripheral_neuropathy")
    assert 0 < sampled.error_bound < 0.2
    assert sampled.contributions == pytest.approx(exact.contributions, abs=sampled.error_bound)
    total = sampled.prior_log_odds + sum(sampled.contributions.values())
    assert sampled.posterior_log_odds is not None
    assert total == pytest.approx(sampled.posterior_log_odds, abs=1e-9)


def test_certain_and_observed_targets_have_a_clear_answer() -> None:
    """An observed or certain target is said to be so; no infinity is added up."""
    rain, wet = Variable("rain"), Variable("wet")
    sure = Network(NetworkDefinition((rain, wet), (Cpt("rain", (), [0.8, 0.2]), Cpt("wet", ("rain",), np.eye(2)))))
    assert sure.explain({"wet": True}, "rain").certain == "rain = true is certain under the evidence"
    assert sure.explain({"wet": False}, "rain").certain == "rain = true is impossible under the evidence"
    observed = sure.explain({"rain": True}, "rain")
    assert observed.certain == "rain = true is observed: nothing is left to explain"
    assert observed.posterior_log_odds is None
    assert "observed" in str(observed)
    with pytest.raises(ImpossibleEvidenceError):
        sure.explain({"rain": True, "wet": False}, "rain")
    with pytest.raises(UnknownNameError, match="rain"):
        sure.explain({}, "rian")


@settings(deadline=None, max_examples=12)
@given(networks(nodes=(4, 6)))
def test_active_paths_are_where_networkx_finds_dependence(definition: NetworkDefinition) -> None:
    """A path is found exactly when the two are not d-separated given the others."""
    graph, ids = definition.graph(), list(definition.by_id)
    for given_ids in ([], ids[2:3], ids[2:4]):
        path = active_path(definition, ids[0], ids[1], given_ids)
        assert bool(path) != nx.is_d_separator(graph, {ids[0]}, {ids[1]}, set(given_ids))
        assert all(graph.has_edge(a, b) or graph.has_edge(b, a) for a, b in pairwise(path))


def test_the_toe_models_contributions_name_links_mechanisms_and_sources() -> None:
    """Each contribution leads to the stated links, with their mechanism and works; unexplained findings are named."""
    model = tt.load_model()
    evidence = {"fasciculation": True, "caffeine_intake": "high", "numbness": True}
    answer = model.explain(evidence, "caffeine_effect")
    (arc,) = answer.carriers["fasciculation"]
    assert arc.paths == ("fasciculation.link[caffeine_effect=true]",)
    assert arc.mechanisms
    assert set(arc.sources) <= set(model.definition.sources)
    assert arc.sources
    assert answer.unexplained == ("numbness",)
    assert answer.supporting[0] == "caffeine_intake"


def test_every_form_says_the_same() -> None:
    """Dict, frame and text hold the contributions; the dict is JSON."""
    answer = SPRINKLER.explain({"wet": True, "sprinkler": True}, "rain")
    again = json.loads(json.dumps(answer.to_dict(), allow_nan=False))
    assert again["contributions"] == dict(answer.contributions)
    frame = answer.to_frame()
    assert frame["contribution"].to_dict() == dict(answer.contributions)
    assert frame.loc["sprinkler", "role"] == "conflicting"
    assert f"{answer.contributions['wet']:+.2f}" in str(answer)
