"""To do is not to see, and the counterfactual world shares its chance with the actual one."""

from __future__ import annotations

import json
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings

import toetwitch as tt
from toetwitch.errors import EvidenceError, ImpossibleEvidenceError, UnknownNameError
from toetwitch.inference import Disablement
from toetwitch.knowledge import Cpt, NetworkDefinition, Variable
from toetwitch.knowledge.red_flag import level_rank
from toetwitch.network import Network
from toetwitch.testing.strategies import Question, networks, questions

SMALL = tt.load_model(Path(__file__).resolve().parents[1] / "data" / "small_model")


def mutilated(net: Network, do: dict[str, str]) -> Network:
    """Return the network with the arcs into the set variables cut and their tables made certain, by hand."""
    variables, tables = [], []
    for variable in net.variables.values():
        table = net.definition.table_of[variable.id]
        if variable.id in do:
            table = Cpt(variable.id, (), np.eye(len(variable.states))[variable.index(do[variable.id])])
        variables.append(variable)
        tables.append(table)
    return Network(NetworkDefinition(tuple(variables), tuple(tables)))


PLAIN = networks(nodes=(3, 6), kinds=("cpt", "noisy_max"), solved=False, determinism=False)
"""No solved numbers: a hand-cut network would solve them anew."""


@settings(deadline=None, max_examples=12)
@given(questions(PLAIN))
def test_doing_is_seeing_in_the_cut_network(question: Question) -> None:
    """P(. | evidence, do) is P(. | evidence) in the network whose arcs into the set variable are cut."""
    net, evidence = Network(question.network), dict(question.evidence)
    if net.read(evidence).jeffrey:
        return  # A statement about a marginal is fitted to one network, and these are two.
    for id, variable in net.variables.items():
        do = {id: variable.states[-1]}
        rest = {other: value for other, value in evidence.items() if other != id}
        seen = net.what_if(rest, do).seen
        truth = mutilated(net, do).posterior(rest, list(seen))
        for target, row in seen.items():
            assert row == pytest.approx(truth[target], abs=1e-10)


@settings(deadline=None, max_examples=12)
@given(networks(nodes=(3, 6), determinism=False))
def test_nothing_above_an_intervention_is_learnt(definition: NetworkDefinition) -> None:
    """P(non-descendant | do) is its prior: do differs from see only below."""
    net, graph = Network(definition), definition.graph()
    prior = net.posterior({})
    for id, variable in net.variables.items():
        after = net.what_if({}, {id: variable.states[-1]}).seen
        for target in after:
            if target not in nx.descendants(graph, id):
                assert after[target] == pytest.approx(prior[target], abs=1e-10)


@settings(deadline=None, max_examples=12)
@given(questions(networks(nodes=(3, 5), determinism=False)))
def test_setting_what_was_seen_changes_nothing(question: Question) -> None:
    """Had the observed state been set, everything would be as it is (consistency), and non-descendants always are."""
    net, evidence = Network(question.network), dict(question.evidence)
    graph = net.graph()
    posterior = net.posterior(evidence, list(net.variables))
    for id, state in net.read(evidence).hard.items():
        same = net.counterfactual(evidence, {id: net.variables[id].states[state]})
        for target, row in same.items():
            assert row == pytest.approx(posterior[target], abs=1e-10)
    first = next(iter(net.variables))
    other = net.counterfactual(evidence, {first: net.variables[first].states[-1]})
    for target, row in other.items():
        assert sum(row.values()) == pytest.approx(1, abs=1e-10)
        if target not in nx.descendants(graph, first):
            assert row == pytest.approx(posterior[target], abs=1e-10)


@settings(deadline=None, max_examples=12)
@given(networks(nodes=(3, 5), determinism=False))
def test_with_nothing_seen_the_counterfactual_is_the_intervention(definition: NetworkDefinition) -> None:
    """Without evidence, what would have been is what would be seen under the intervention."""
    net = Network(definition)
    for id, variable in net.variables.items():
        answer = net.what_if({}, {id: variable.states[-1]})
        for target, row in answer.instead.items():
            assert row == pytest.approx(answer.seen[target], abs=1e-10)


def test_switching_a_cause_off_agrees_with_necessity() -> None:
    """P(a finding would be absent had a cause been off) is the necessity found by another route."""
    model = tt.load_model()
    graph, kinds = model.network.graph(), {id: v.kind for id, v in model.network.variables.items()}
    evidence = {"fasciculation": True, "numbness": True, "caffeine_intake": "high"}
    # Necessity holds other causes as they were, so only causes that lead to findings alone must agree.
    causes = [
        id for id in model.causes if all(kinds[below] in ("finding", "test") for below in nx.descendants(graph, id))
    ][:4]
    assert causes
    necessity = Disablement(model.network.inference, causes).necessity(model.network.read(evidence))
    for cause in causes:
        instead = model.counterfactual(evidence, {cause: False}, ["fasciculation", "numbness"])
        for finding, row in instead.items():
            assert row["false"] == pytest.approx(necessity[cause][finding], abs=1e-9)


def test_a_known_counterfactual() -> None:
    """A wet lawn on a rainy day: by quantiles it would be wet without the rain with 0.1 / 0.8."""
    tables = (Cpt("rain", (), [0.8, 0.2]), Cpt("wet", ("rain",), [[0.9, 0.1], [0.2, 0.8]]))
    net = Network(NetworkDefinition((Variable("rain"), Variable("wet")), tables))
    found = net.counterfactual({"rain": True, "wet": True}, {"rain": False})
    assert found["wet"]["true"] == pytest.approx(0.125)


def test_what_cannot_be_set_is_refused() -> None:
    """A finding of a model, an unknown id, an unknown state and impossible evidence are each named."""
    with pytest.raises(EvidenceError, match="'weakness' is a finding; expected a context or a cause"):
        SMALL.what_if({}, {"weakness": "severe"})
    with pytest.raises(UnknownNameError):
        SMALL.what_if({}, {"agee": "old"})
    with pytest.raises(UnknownNameError):
        SMALL.what_if({}, {"age": "ancient"})
    for ask in (SMALL.what_if, SMALL.counterfactual, SMALL.network.what_if, SMALL.network.counterfactual):
        with pytest.raises(EvidenceError, match="an intervention of type str"):
            ask({}, "heavy_load")
    sure = Network(
        NetworkDefinition(
            (Variable("rain"), Variable("wet")), (Cpt("rain", (), [0.5, 0.5]), Cpt("wet", ("rain",), np.eye(2)))
        )
    )
    with pytest.raises(ImpossibleEvidenceError):
        sure.what_if({"wet": True}, {"rain": False})


def test_every_form_says_the_same() -> None:
    """Dict, frame and text of a what-if agree, and the dict is JSON."""
    answer = SMALL.what_if({"numbness": True}, {"heavy_load": False})
    again = json.loads(json.dumps(answer.to_dict()))
    assert again["instead"]["numbness"] == dict(answer.instead["numbness"])
    assert answer.to_frame().loc[("numbness", "true"), "instead"] == answer.instead["numbness"]["true"]
    assert "heavy_load = false" in str(answer)


CASE = {
    "toe_movement": False,
    "fasciculation": True,
    "caffeine_intake": "high",
    "foot_drop": False,
    "muscle_weakness": "none",
}


def test_advice_is_ranked_by_what_would_persist() -> None:
    """Steps that may be offered stand by expected relief, and relief is the counterfactual of the step."""
    model = tt.load_model()
    answer = model.advise(CASE)
    assert answer.silent == ""
    offered = [step.expected_relief for step in answer.steps if step.status == "offered"]
    assert offered == sorted(offered, reverse=True)
    step = next(step for step in answer.steps if "caffeine_intake" in step.advice.acts_on)
    instead = model.counterfactual(CASE, dict(step.advice.acts_on), ["fasciculation"])["fasciculation"]
    assert step.persists["fasciculation"] == pytest.approx(instead["true"], abs=1e-12)
    assert 0 < step.persists["fasciculation"] < 1
    assert answer.without == pytest.approx({"fasciculation": 1.0})
    json.dumps(answer.to_dict())
    assert len(answer.to_frame()) == len(answer.steps) + len(answer.withheld)


def test_advice_is_silent_when_help_comes_first() -> None:
    """From the policy's level on there are no steps, only the level."""
    model = tt.load_model()
    answer = model.advise({**CASE, "foot_drop": True})
    assert level_rank(answer.level) >= level_rank(model.definition.rules.policy.no_main_advice_from)
    assert answer.steps == ()
    assert "comes first" in str(answer)


def test_contraindicated_steps_are_withheld_and_medicines_are_for_the_prescriber() -> None:
    """A step is withheld where its contraindication holds; no step suggests stopping a prescribed medicine alone."""
    answer = tt.load_model().advise({**CASE, "chronic_kidney_disease": True, "ssri_medication": True})
    assert "hydrate" in [step.advice.id for step in answer.withheld]
    for step in answer.steps:
        if not step.advice.self_directed:
            assert step.status in ("with a prescriber", "already so")
            assert step.status == "already so" or "Never stop or change" in step.reason


def test_a_model_answers_what_if_without_being_told_of_what() -> None:
    """By default the causes and what the evidence speaks of are told, less what is set; that fits the memory."""
    model = tt.load_model()
    case = {"fasciculation": True, "caffeine_intake": "high", "toe_movement": True}
    answer = model.what_if(case, {"caffeine_intake": "none_or_low"})
    assert set(answer.instead) == {*model.causes, "fasciculation", "toe_movement"}
    assert answer.instead.keys() == model.counterfactual(case, {"caffeine_intake": "none_or_low"}).keys()
    assert answer.instead["fasciculation"]["true"] < answer.before["fasciculation"]["true"] == 1
