"""The posterior's own level is the highest over the danger readings, whichever way those are answered."""

from __future__ import annotations

import numpy as np
import pytest

import toetwitch as tt
from toetwitch.evidence import read_evidence
from toetwitch.reasoning import assessment
from toetwitch.reasoning.danger import danger_readings
from toetwitch.reasoning.triage import gravest_by_posterior

MODEL = tt.load_model()
CASES: dict[str, dict[str, object]] = {
    "two present": {"foot_drop": True, "numbness": True, "age_group": "60_plus"},
    "graded": {"muscle_weakness": "significant", "movement_duration": "over_4_weeks", "numbness": False},
    "soft context": {"widespread_twitching": True, "severe_movements": True, "high_stress": tt.likelihood(0.7)},
}


@pytest.mark.parametrize("name", CASES)
def test_signed_sums_and_a_plan_answer_the_readings_alike(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every danger reading has the posterior that a plan of its own gives, to the digits that a level needs."""
    assessor, inference = MODEL.assessor, MODEL.network.inference
    evidence = read_evidence(CASES[name], MODEL.network.variables)
    sizes = {id: len(variable.states) for id, variable in MODEL.network.variables.items()}
    readings = danger_readings(evidence, assessor.book.policy.danger_findings, sizes)
    assert readings
    assert next(iter(readings.values())).shape[1] > 1
    targets = ["motor_neuron_disease", "lumbar_radiculopathy", "central_motor_lesion"]
    by_plan = inference.lanes(evidence.without(*readings), readings, targets)[1]

    def refuse(*_: object) -> None:
        raise tt.BudgetExceededError("refused", clique=(), bytes_needed=1, budget=0)

    # Where no plan fits, the sums are taken.
    monkeypatch.setattr(type(inference), "plan", refuse)
    by_sums = assessor._over_coded_readings(evidence, readings, targets)
    assert by_sums is not None
    for id in targets:
        assert np.allclose(by_sums[id], by_plan[id][1], atol=1e-5)


def test_a_case_at_the_top_reads_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the case itself asks for the highest level that probabilities can, no reading is computed."""

    def refuse(*_: object) -> None:
        raise AssertionError("a reading was computed")

    monkeypatch.setattr(assessment.Assessor, "_over_readings", refuse)
    evidence = read_evidence({"foot_drop": True}, MODEL.network.variables)
    certain = dict.fromkeys(MODEL.causes, 1.0)
    top = MODEL.assessor.posterior_rank(evidence, certain)
    assert top == gravest_by_posterior(MODEL.assessor.book)
