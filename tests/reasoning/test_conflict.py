"""Conflict is a sum of logs that can be had one by one; a rare case is reconciled by its cause."""

from __future__ import annotations

import json
import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings

import toetwitch as tt
from toetwitch.errors import EvidenceError, ImpossibleEvidenceError
from toetwitch.evidence import likelihood
from toetwitch.inference.simulation import simulate
from toetwitch.knowledge import Cpt, NetworkDefinition, Variable
from toetwitch.network import Network
from toetwitch.testing.strategies import Question, networks, questions


def weather(rain: float) -> Network:
    """Return rain, and two things that show it."""
    show = [[0.95, 0.05], [0.1, 0.9]]
    tables = (Cpt("rain", (), [1 - rain, rain]), Cpt("wet", ("rain",), show), Cpt("umbrella", ("rain",), show))
    return Network(NetworkDefinition(tuple(map(Variable, ("rain", "wet", "umbrella"))), tables))


@settings(deadline=None, max_examples=12)
@given(questions(networks(nodes=(3, 5), determinism=False)))
def test_the_measure_is_the_sum_of_logs(question: Question) -> None:
    """The measure, its localisation and each finding's posterior given the rest equal asking the network each alone."""
    net, evidence = Network(question.network), dict(question.evidence)
    if set(net.read(evidence).ids) != set(net.read(evidence).hard):
        return
    answer = net.conflict(evidence)
    whole = net.log_probability(evidence)
    alone = {id: net.log_probability({id: value}) for id, value in evidence.items()}
    assert answer.measure == pytest.approx(sum(alone.values()) - whole, abs=1e-9)
    assert answer.log_evidence == pytest.approx(whole, abs=1e-9)
    for fit in answer.fits:
        rest = {id: value for id, value in evidence.items() if id != fit.id}
        assert fit.conflict == pytest.approx(alone[fit.id] + net.log_probability(rest) - whole, abs=1e-9)
        assert dict(fit.expected) == pytest.approx(net.posterior(rest, [fit.id])[fit.id], abs=1e-9)
        assert fit.given_rest == pytest.approx(
            fit.expected[net.variables[fit.id].states[net.read(evidence).hard[fit.id]]], abs=1e-9
        )
    for (a, b), value in answer.pairs.items():
        both = net.log_probability({a: evidence[a], b: evidence[b]})
        assert value == pytest.approx(alone[a] + alone[b] - both, abs=1e-9)


def test_agreeing_findings_fit_and_opposed_ones_conflict() -> None:
    """What one cause shows twice fits; what it shows once and denies once is in conflict."""
    net = weather(0.3)
    assert net.conflict({"wet": True, "umbrella": True}).verdict == "fits"
    opposed = net.conflict({"wet": True, "umbrella": False})
    assert opposed.verdict == "conflict"
    assert opposed.measure > 0
    assert "no single hypothesis" in str(opposed)


def test_a_rare_cause_makes_a_rare_case_not_a_conflict() -> None:
    """Findings that only a rare disease brings together are reconciled by it."""
    symptom = [[[0.9, 0.1], [0.99, 0.01]], [[0.02, 0.98], [0.02, 0.98]]]
    other = [[[0.99, 0.01], [0.9, 0.1]], [[0.02, 0.98], [0.02, 0.98]]]
    tables = (
        Cpt("rare", (), [1 - 1e-4, 1e-4]),
        Cpt("kind", (), [0.5, 0.5]),
        Cpt("rash", ("rare", "kind"), symptom),
        Cpt("fever", ("rare", "kind"), other),
    )
    net = Network(NetworkDefinition(tuple(map(Variable, ("rare", "kind", "rash", "fever"))), tables))
    answer = net.conflict({"rash": True, "fever": True}, ["rare"])
    assert answer.measure > 0
    assert answer.verdict == "rare case"
    assert answer.reconciled_by == ("rare", "true")
    prior, after = net.posterior({})["rare"]["true"], net.posterior({"rash": True, "fever": True})["rare"]["true"]
    assert answer.measure + math.log(prior) - math.log(after) <= 0


def test_the_finding_that_fits_least_is_named() -> None:
    """Two findings agree and a third denies: the third is the odd one out."""
    show = [[0.95, 0.05], [0.1, 0.9]]
    names = ("rain", "wet", "umbrella", "clouds")
    tables = (Cpt("rain", (), [0.7, 0.3]), *(Cpt(id, ("rain",), show) for id in names[1:]))
    net = Network(NetworkDefinition(tuple(map(Variable, names)), tables))
    assert net.conflict({"wet": True, "umbrella": True, "clouds": False}).least_fitting == "clouds"


def test_the_surprise_of_a_picture_is_its_tail_and_its_bound_holds() -> None:
    """The simulated surprise agrees with summing every answer at most as probable, and never passes the bound."""
    net = weather(0.3)
    for wet, umbrella in product((True, False), repeat=2):
        case = {"wet": wet, "umbrella": umbrella}
        all_logs = [net.log_probability({"wet": a, "umbrella": b}) for a, b in product((True, False), repeat=2)]
        here = net.log_probability(case)
        tail = sum(math.exp(log) for log in all_logs if log <= here + 1e-12)
        answer = net.conflict(case, rng=np.random.default_rng(1), draws=4000)
        assert answer.surprise == pytest.approx(tail, abs=4 * math.sqrt(0.25 / 4000) + 1 / 4000)
        assert tail <= answer.surprise_bound + 1e-12


def test_simulated_cases_have_the_models_marginals() -> None:
    """Frequencies in drawn cases agree with the exact priors of the toe model."""
    model = tt.load_model()
    drawn = simulate(model.network.inference, 4000, np.random.default_rng(0))
    prior = model.network.posterior({}, ["stress_response", "fasciculation", "age_group", "numbness"])
    for id, row in prior.items():
        for state, p in enumerate(row.values()):
            assert (drawn[id] == state).mean() == pytest.approx(p, abs=5 * math.sqrt(p * (1 - p) / 4000))


def test_soft_and_impossible_evidence() -> None:
    """Likelihoods count whatever their scale, the surprise needs hard evidence, and the impossible raises."""
    net = weather(0.3)
    low = net.conflict({"wet": likelihood({"true": 0.9, "false": 0.3}), "umbrella": False})
    high = net.conflict({"wet": likelihood({"true": 9.0, "false": 3.0}), "umbrella": False})
    assert low.measure == pytest.approx(high.measure, abs=1e-12)
    with pytest.raises(EvidenceError, match="expected hard evidence alone"):
        net.conflict({"wet": likelihood(0.9)}, rng=np.random.default_rng(0))
    sure = Network(
        NetworkDefinition((Variable("a"), Variable("b")), (Cpt("a", (), [0.5, 0.5]), Cpt("b", ("a",), np.eye(2))))
    )
    with pytest.raises(ImpossibleEvidenceError):
        sure.conflict({"a": True, "b": False})
    assert net.conflict({}).measure == 0.0
    assert net.conflict({}).least_fitting == ""


def test_every_form_says_the_same() -> None:
    """Dict, frame and text agree on the toe model; the dict is JSON."""
    answer = tt.load_model().conflict({"fasciculation": True, "numbness": True, "caffeine_intake": "high"})
    again = json.loads(json.dumps(answer.to_dict(), allow_nan=False))
    assert again["measure"] == answer.measure
    assert answer.to_frame().index[0] == answer.least_fitting
    assert answer.least_fitting in str(answer)
