"""Credible intervals hold the truth of worlds drawn from the cited ranges about as often as they claim."""

from __future__ import annotations

import numpy as np
import pytest

import toetwitch as tt
from tests.commands.running import SMALL
from toetwitch.reasoning.interval_coverage import interval_coverage
from toetwitch.reasoning.simulation import World, simulate


@pytest.fixture(scope="module")
def model() -> tt.Model:
    """Return the small model."""
    return tt.load_model(SMALL)


def coverage(model: tt.Model, name: str, level: float) -> float:
    """Return the share of causes and people whose interval holds the truth."""
    cohort = simulate(model.definition.network, name, 60, complaint="numbness", rng=np.random.default_rng(7))
    found = interval_coverage(
        model.network.inference, cohort, model.causes, level=level, draws=150, rng=np.random.default_rng(8)
    )
    assert found.level == level
    assert found.held.total == 60 * len(model.causes)
    assert found.held_of_leading.total == 60
    assert found.held.value is not None
    return found.held.value


def test_drawn_worlds_are_held_as_often_as_claimed(model: tt.Model) -> None:
    """Of worlds drawn from the ranges, wide intervals hold most and narrow ones about their share."""
    assert coverage(model, "numbers drawn", 0.9) > 0.8
    assert 0.25 < coverage(model, "numbers drawn", 0.5) < 0.8


def test_the_model_itself_is_inside_its_intervals(model: tt.Model) -> None:
    """The posterior of the stated numbers is the median world, so it is nearly always held."""
    assert coverage(model, "as the model", 0.9) > 0.97


def test_everybody_comes_from_a_world(model: tt.Model) -> None:
    """Each person's world is one of the cohort's, and a world with shifted priors is the model with those shifts."""
    cohort = simulate(model.definition.network, "rarer", 20, complaint="numbness", rng=np.random.default_rng(7))
    assert cohort.world_of.shape == (20,)
    assert set(cohort.world_of.tolist()) <= set(range(len(cohort.worlds)))
    assert set(cohort.worlds[0].shifts.values()) == {0.5}
    assert World().shifts == {}
