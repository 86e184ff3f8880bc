"""Simulated people follow the model that they are drawn from."""

from __future__ import annotations

import numpy as np
import pytest

import toetwitch as tt
from tests.commands.running import SMALL
from toetwitch.errors import EvidenceError
from toetwitch.reasoning.simulation import COHORTS, simulate

PEOPLE = 4000


@pytest.fixture(scope="module")
def model() -> tt.Model:
    """Return the small model."""
    return tt.load_model(SMALL)


def test_people_are_as_the_model_says(model: tt.Model) -> None:
    """Among people with a complaint each variable is as frequent as its posterior, within five standard errors."""
    cohort = simulate(model.definition.network, COHORTS[0], PEOPLE, complaint="numbness", rng=np.random.default_rng(5))
    expected = model.network.posterior({"numbness": True})
    for id, row in expected.items():
        for state, p in enumerate(row.values()):
            seen = float((cohort.states[id] == state).mean())
            assert abs(seen - p) < 5 * np.sqrt(p * (1 - p) / PEOPLE) + 1e-9, (id, state)


def test_prior_odds_move_the_causes(model: tt.Model) -> None:
    """Causes are rarer where their odds are halved, and commoner where they are doubled."""
    share = {
        name: simulate(
            model.definition.network, name, PEOPLE, complaint="numbness", rng=np.random.default_rng(5)
        ).states["nerve_injury"].mean()
        for name in ("rarer", COHORTS[0], "commoner")
    }  # fmt: skip
    assert share["rarer"] < share[COHORTS[0]] < share["commoner"]


def test_an_unknown_disease_has_no_listed_cause() -> None:
    """People with a disease outside the model have the complaint and none of the causes."""
    network = tt.load_model().definition.network
    cohort = simulate(network, "unknown disease", 50, complaint="toe_movement", rng=np.random.default_rng(5))
    assert (cohort.states["toe_movement"] == 1).all()
    assert not any(cohort.states[v.id].any() for v in network.of_kind("cause") if v.id != "idiopathic_cramps")


@pytest.mark.parametrize("name", COHORTS)
def test_rows_are_evidence_that_tells_the_complaint(name: str) -> None:
    """Every cohort gives rows of known ids and states, in which everybody tells the complaint; no cause is told."""
    model = tt.load_model()
    cohort = simulate(model.definition.network, name, 7, complaint="toe_movement", rng=np.random.default_rng(5))
    rows = cohort.rows(model.definition.network)
    assert len(rows) == 7
    for row in rows:
        assert row["toe_movement"] is True
        assert not set(row) & set(model.causes)
        model.network.read(row)


def test_the_same_seed_draws_the_same_people(model: tt.Model) -> None:
    """Chance enters by the generator alone."""
    twice = [
        simulate(model.definition.network, name, 20, complaint="numbness", rng=np.random.default_rng(2)).rows(
            model.definition.network
        )
        for name in ("numbers drawn", "numbers drawn")
    ]
    assert twice[0] == twice[1]


def test_another_cohort_is_refused(model: tt.Model) -> None:
    """A cohort of another name is refused, and so is a complaint that nobody has."""
    with pytest.raises(EvidenceError, match="expected one of as the model"):
        simulate(model.definition.network, "others", 1, complaint="numbness", rng=np.random.default_rng(0))
