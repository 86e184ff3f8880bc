"""Many ragged cases on one plan agree with the sum over every combination of states, reading by reading."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import toetwitch as tt
from toetwitch.evidence import Evidence, likelihood
from toetwitch.inference import ExactInference
from toetwitch.inference.expansion import SAFE_AMPLIFICATION
from toetwitch.inference.ragged import answer_readings, answer_rows, log_probability_without
from toetwitch.inference.skeleton import Readings
from toetwitch.testing.oracle import Enumeration
from toetwitch.testing.strategies.networks import networks, noisy_or_networks

ROUNDING = 1e-12
"""Evidence less probable than this may be rounding alone: a contribution is what is stated less the background."""

NETWORKS = st.one_of(
    noisy_or_networks(causes=(1, 3), findings=(1, 4)),
    networks(nodes=(2, 6), kinds=("noisy_max", "cpt", "noisy_max"), max_parents=3, solved=False),
)


@st.composite
def cohorts(draw: st.DrawFn) -> tuple[ExactInference, np.ndarray[Any, Any], dict[str, np.ndarray[Any, Any]]]:
    """Return a network that has findings, codes of a few cases, and soft evidence for some."""
    inference = ExactInference(draw(NETWORKS))
    assume(inference.expander.leaves)
    sizes = [len(v.states) for v in inference.network.variables]
    rows = draw(st.integers(1, 5))
    codes = [[draw(st.integers(-1, size - 1)) for size in sizes] for _ in range(rows)]
    soft = {}
    if draw(st.booleans()):
        place = draw(st.integers(0, len(sizes) - 1))
        weights = [[draw(st.sampled_from([0.1, 0.5, 1.0])) for _ in range(sizes[place])] for _ in range(rows)]
        soft[inference.network.variables[place].id] = np.array(weights)
        for row in codes:
            row[place] = -1
    return inference, np.array(codes, dtype=np.int64), soft


def told(
    inference: ExactInference, codes: np.ndarray[Any, Any], soft: Mapping[str, np.ndarray[Any, Any]], row: int
) -> dict[str, object]:
    """Return a row as the evidence that a person would write."""
    known: dict[str, object] = {
        v.id: v.states[code] for v, code in zip(inference.network.variables, codes, strict=True) if code >= 0
    }
    for id, weights in soft.items():
        known[id] = likelihood(dict(zip(inference.network.by_id[id].states, map(float, weights[row]), strict=True)))
    return known


def improbable(log_probability: float) -> bool:
    """Return whether evidence is possible by rounding alone."""
    return -math.inf < log_probability < math.log(ROUNDING)


def answered(inference: ExactInference, codes: Any, soft: Any, **more: Any) -> Readings:
    """Return what the skeleton answers for every variable that it holds of the network's own."""
    hidden = np.full((len(codes), len(inference.resolved.hidden)), -1)
    targets = [i for i in inference.skeleton.kept if i < len(inference.network.variables)]
    own = {inference.index(id): weights for id, weights in soft.items()}
    return inference.skeleton.answer(np.hstack([codes, hidden]), own, targets, **more)


@settings(max_examples=100, deadline=None)
@given(cohorts())
def test_lanes_equal_enumeration(cohort: Any) -> None:
    """A case that fits has the oracle's log-evidence and posteriors, as precisely as it says."""
    inference, codes, soft = cohort
    truth = Enumeration(inference.network)
    found = answered(inference, codes, soft)
    for row, own in enumerate(codes):
        if not found.answered[row] or found.amplification[row] > SAFE_AMPLIFICATION:
            continue
        evidence = told(inference, own, soft, row)
        log_probability = truth.log_probability(evidence)
        if improbable(log_probability) or improbable(found.log_evidence[row]):
            continue
        assert found.log_evidence[row] == pytest.approx(log_probability, abs=1e-9)
        if not math.isinf(log_probability):
            expected = truth.posterior(evidence)
            for i, marginals in found.marginals.items():
                id = inference.network.variables[i].id
                assert marginals[row] == pytest.approx(expected[id], abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(cohorts(), st.data())
def test_readings_equal_cases_of_their_own(cohort: Any, data: st.DataObject) -> None:
    """A reading of a case, with some answers milder or unknown, is answered as a case that says so would be."""
    inference, codes, soft = cohort
    truth = Enumeration(inference.network)
    ids = [v.id for v in inference.network.variables]
    targets = [ids[i] for i in inference.skeleton.kept if i < len(ids)]
    rows = np.sort(np.array([data.draw(st.integers(0, len(codes) - 1)) for _ in range(6)]))
    read = codes[rows].copy()
    for k in range(len(ids)):
        for n in range(len(rows)):
            if read[n, k] >= 0 and data.draw(st.booleans()):
                read[n, k] = data.draw(st.integers(-1, read[n, k]))
    logs, values = answer_readings(inference, codes, soft, rows, read, targets)
    for n, row in enumerate(rows.tolist()):
        evidence = told(inference, read[n], soft, row)
        if improbable(truth.log_probability(evidence)) or improbable(logs[n]):
            continue
        assert logs[n] == pytest.approx(truth.log_probability(evidence), abs=1e-5)
        expected = truth.posterior(evidence)
        for id in targets:
            assert values[id][n] == pytest.approx(expected.get(id, np.zeros(len(values[id][n]))), abs=1e-5)


@settings(max_examples=60, deadline=None)
@given(cohorts())
def test_rows_equal_enumeration_whichever_way_they_go(cohort: Any) -> None:
    """Every row of a batch is answered, with the oracle's numbers, whether it fits the skeleton or not."""
    inference, codes, soft = cohort
    truth = Enumeration(inference.network)
    ids = [v.id for v in inference.network.variables]
    targets = [ids[i] for i in inference.skeleton.kept if i < len(ids)]
    log_evidence, marginals = answer_rows(inference, codes, soft, targets)
    without = log_probability_without(inference, codes, soft, targets[:2])
    for row, own in enumerate(codes):
        evidence = told(inference, own, soft, row)
        if improbable(truth.log_probability(evidence)) or improbable(log_evidence[row]):
            continue
        assert log_evidence[row] == pytest.approx(truth.log_probability(evidence), abs=1e-9)
        expected = truth.posterior(evidence)
        for id in targets:
            assert marginals[id][row] == pytest.approx(expected.get(id, 0 * marginals[id][row]), abs=1e-9)
        if expected:
            joint = truth.joint(evidence, targets[:2]).reshape(-1)[0]
            share = math.exp(without[row] - log_evidence[row])
            assert share == pytest.approx(joint, abs=1e-9)


def test_threads_and_neighbours_change_no_bit() -> None:
    """A cohort gives the same bits on one thread and on two, and at a repeat."""
    inference = tt.load_model().network.inference
    rng = np.random.default_rng(3)
    sizes = np.array([len(v.states) for v in inference.network.variables])
    codes = np.where(rng.random((60, len(sizes))) < 0.1, rng.integers(0, sizes, (60, len(sizes))), -1)
    answers = [answered(inference, codes, {}, threads=threads) for threads in (1, 2, 1)]
    for other in answers[1:]:
        assert np.array_equal(answers[0].log_evidence, other.log_evidence)
        assert all(np.array_equal(answers[0].marginals[i], other.marginals[i]) for i in other.marginals)


def test_a_case_of_too_many_lanes_is_left_out_and_costs_the_others_nothing() -> None:
    """With a limit of lanes, cases past it are marked as not answered; the rest are."""
    inference = tt.load_model().network.inference
    place = {v.id: k for k, v in enumerate(inference.network.variables)}
    codes = np.full((2, len(place)), -1)
    codes[0, [place["fasciculation"], place["numbness"], place["sleep_disruption"]]] = 1
    codes[1, place["numbness"]] = 0
    found = answered(inference, codes, {}, most_lanes=4)
    assert found.answered.tolist() == [False, True]
    assert found.log_evidence[0] == 0.0
    assert np.isfinite(found.log_evidence[1])


@settings(max_examples=100, deadline=None)
@given(cohorts(), st.data())
def test_sums_without_signs_equal_enumeration_and_lose_no_digit(cohort: Any, data: st.DataObject) -> None:
    """Whichever findings are summed over who brought them about, answers are the oracle's; all so, none cancels."""
    inference, codes, soft = cohort
    truth = Enumeration(inference.network)
    everything = data.draw(st.booleans())
    width = len(inference.resolved.sizes)
    picked = np.array([[everything or data.draw(st.booleans()) for _ in range(width)] for _ in codes])
    found = answered(inference, codes, soft, unsigned=picked)
    for row, own in enumerate(codes):
        if not found.answered[row] or found.amplification[row] > SAFE_AMPLIFICATION:
            continue
        evidence = told(inference, own, soft, row)
        assert found.log_evidence[row] == pytest.approx(truth.log_probability(evidence), abs=1e-9)
        expected = truth.posterior(evidence)
        for i, marginals in found.marginals.items():
            id = inference.network.variables[i].id
            assert marginals[row] == pytest.approx(expected.get(id, 0 * marginals[row]), abs=1e-9)
    alone = not any(set(table.above) for table in inference.skeleton.findings.tables.values())
    if everything and not soft and alone:
        assert found.amplification[found.answered] == pytest.approx(1.0)


def test_a_shared_pattern_and_ragged_rows_have_the_answers_of_single_cases() -> None:
    """Rows that share a pattern with many others, and rows that do not, are answered as the case alone is."""
    inference = tt.load_model().network.inference
    ids = [v.id for v in inference.network.variables]
    place = {id: k for k, id in enumerate(ids)}
    codes = np.full((300, len(ids)), -1)
    codes[:200, [place["fasciculation"], place["numbness"]]] = [1, 0]
    codes[:100, place["age_group"]] = 2
    rng = np.random.default_rng(5)
    for row in range(200, 300):
        codes[row, rng.choice(len(ids), 3, replace=False)] = 0
    targets = ["akathisia", "lumbar_radiculopathy"]
    log_evidence, marginals = answer_rows(inference, codes, {}, targets)
    for row in (0, 99, 100, 199, 200, 250, 299):
        hard = {id: int(codes[row, place[id]]) for id in ids if codes[row, place[id]] >= 0}
        alone = inference.posterior(Evidence(hard, {}, {}), targets)
        assert log_evidence[row] == pytest.approx(alone.log_evidence, abs=1e-10)
        for id in targets:
            assert marginals[id][row] == pytest.approx(alone.marginals[id], abs=1e-10)
