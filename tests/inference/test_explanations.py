from __future__ import annotations

import json
import math
from itertools import product

import numpy as np
import pytest

from toetwitch import ImpossibleEvidenceError, Network, jeffrey, likelihood, load_model
from toetwitch.engine.assignment_weight import log_weight
from toetwitch.errors import EvidenceError
from toetwitch.knowledge import Cpt, NetworkDefinition, Variable


def sprinkler():
    """Return rain, a hose, and grass that is wet for sure when both are on."""
    tables = (
        Cpt("rain", (), [0.8, 0.2]),
        Cpt("hose", (), [0.7, 0.3]),
        Cpt("wet", ("rain", "hose"), [[[1.0, 0.0], [0.3, 0.7]], [[0.2, 0.8], [0.0, 1.0]]]),
    )
    return Network(NetworkDefinition((Variable("rain"), Variable("hose"), Variable("wet")), tables))


def enumerated():
    """Return every possible assignment with its probability, most probable first, computed by hand."""
    wet = {(0, 0): 0.0, (0, 1): 0.7, (1, 0): 0.8, (1, 1): 1.0}
    found = []
    for rain, hose, grass in product((0, 1), repeat=3):
        chance = (0.8, 0.2)[rain] * (0.7, 0.3)[hose] * (wet[rain, hose] if grass else 1 - wet[rain, hose])
        if chance:
            named = {"rain": rain, "hose": hose, "wet": grass}
            found.append((chance, {id: str(bool(s)).lower() for id, s in named.items()}))
    return sorted(found, key=lambda one: -one[0])


def test_the_list_is_the_enumeration():
    """A k past the number of possible assignments lists each of them once, in order, and together they are certain."""
    found = sprinkler().k_best({}, 100)
    assert [dict(case.states) for case in found] == [states for _, states in enumerated()]
    np.testing.assert_allclose([math.exp(case.log_probability) for case in found], [p for p, _ in enumerated()])
    assert found.covered == pytest.approx(1.0, abs=1e-12)
    assert found.log_evidence == pytest.approx(0.0, abs=1e-12)


def test_the_first_is_the_mpe_and_probabilities_are_given_the_evidence():
    """The first explanation is `mpe`; P(assignment | evidence) is its joint probability over P(evidence)."""
    net = sprinkler()
    found = net.k_best({"wet": True, "rain": likelihood({"false": 0.5, "true": 1.0})}, 2)
    assert dict(found.cases[0].states) == net.mpe({"wet": True, "rain": likelihood({"false": 0.5, "true": 1.0})})
    weights = {"false": 0.5, "true": 1.0}
    wet = [(p * weights[s["rain"]], s) for p, s in enumerated() if s["wet"] == "true"]
    total = sum(p for p, _ in wet)
    expected = sorted((p / total for p, _ in wet), reverse=True)[:2]
    np.testing.assert_allclose([case.given_evidence for case in found], expected, rtol=1e-12)


def test_impossible_and_jeffrey_evidence_and_a_bad_k_are_refused():
    """The refusals are those of `mpe`; a k that is no positive integer is named."""
    net = sprinkler()
    with pytest.raises(ImpossibleEvidenceError) as caught:
        net.k_best({"rain": False, "hose": False, "wet": True}, 3)
    assert set(caught.value.clash) == {"rain", "hose", "wet"}
    with pytest.raises(EvidenceError, match="Jeffrey evidence on 'wet'"):
        net.k_best({"wet": jeffrey({"true": 0.5, "false": 0.5})}, 3)
    for bad in (0, -1, 1.5, True, "3"):
        with pytest.raises(EvidenceError, match="expected how many"):
            net.k_best({}, bad)


def test_the_result_shows_itself():
    """The frame has a row an assignment, the dictionary is JSON, and later lines tell what differs from the first."""
    found = sprinkler().k_best({"wet": True}, 2)
    frame = found.to_frame()
    assert list(frame.index) == [1, 2]
    assert list(frame.columns) == ["log_probability", "given_evidence", "rain", "hose", "wet"]
    assert frame["hose"].tolist() == [case.states["hose"] for case in found]
    assert json.loads(json.dumps(found.to_dict()))["explanations"][0]["states"] == dict(found.cases[0].states)
    assert "as the first, but" in str(found).splitlines()[2]
    with pytest.raises(AttributeError):
        found.cases = ()


def test_the_toe_model_is_explained_without_expanding_its_tables():
    """`mpe` answers a case of the toe model; no change of one or two variables makes its answer more probable."""
    net = load_model().network
    case = {"toe_movement": True, "foot_drop": True}
    found = net.mpe(case)
    assert found["toe_movement"] == found["foot_drop"] == "true"
    resolved, variables = net.inference.resolved, list(net.variables.values())
    states = [v.states.index(found[v.id]) for v in variables]

    def weight(states):
        return log_weight(resolved.potentials, tuple(states), {}, resolved.sizes)

    best = weight(states)
    assert best == pytest.approx(net.log_probability(found), abs=1e-9)
    free = [i for i, v in enumerate(variables) if v.id not in case]
    rng = np.random.default_rng(0)
    pairs = [(i, int(rng.choice(free))) for i in free for _ in range(3)] + [(i, i) for i in free]
    for pair in pairs:
        changed = list(states)
        for i in pair:
            changed[i] = (states[i] + 1) % len(variables[i].states)
        assert weight(changed) <= best + 1e-9
