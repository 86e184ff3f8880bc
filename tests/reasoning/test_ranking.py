"""Which explanation leads."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import toetwitch as tt
from toetwitch.reasoning.ranking import information_gain, leaders, ranked

SMALL = tt.load_model(Path(__file__).resolve().parents[1] / "data" / "small_model")
INSIDE = st.floats(1e-6, 1 - 1e-6)


@given(INSIDE, INSIDE)
def test_gain_has_the_sign_of_the_change(posterior: float, prior: float) -> None:
    """A case that makes a cause likelier gains, one that makes it less likely loses, and an unmoved cause has zero."""
    gain = information_gain(posterior, prior)
    assert gain * (posterior - prior) >= 0
    assert (gain == 0) or posterior != prior


@given(INSIDE, INSIDE, INSIDE)
def test_gain_rises_with_the_posterior(prior: float, one: float, other: float) -> None:
    """From one prior, the likelier posterior never gains less."""
    low, high = sorted((one, other))
    assert information_gain(low, prior) <= information_gain(high, prior) + 1e-12


@pytest.mark.parametrize(
    ("posterior", "prior", "gain"), [(1.0, 0.5, math.log(2)), (0.0, 0.5, -math.log(2)), (1, 0, math.inf)]
)
def test_gain_at_the_ends(posterior: float, prior: float, gain: float) -> None:
    """Certainty has the gain of its surprise."""
    assert information_gain(posterior, prior) == pytest.approx(gain)


def test_ranking_breaks_ties_by_posterior_then_id() -> None:
    """Causes about which the case says nothing stand in posterior order, then by id."""
    assert ranked({"a": 0.1, "b": 1.7}, {"a": 0.4, "b": 0.3, "c": 0.9, "d": 0.9}) == ("b", "a", "c", "d")


CASES = ({}, {"numbness": True}, {"weakness": "mild", "numbness": False, "age": "old"}, {"trips": True})


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_verb_means_the_same_by_leading(case: dict[str, object]) -> None:
    """What leads in questions, sensitivity and intervals is the first of the ranking that `assess` gives."""
    first = SMALL.assess(case).ranking[0]
    assert SMALL.next_questions(case).leading == first
    assert SMALL.sensitivity(case, SMALL.causes[0]).leading == first
    assert SMALL.intervals(case, draws=20, rng=np.random.default_rng(0)).leading == first


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_leading_cause_after_an_answer_is_that_of_the_case_with_it(case: dict[str, object]) -> None:
    """Each answer's leading cause is the first of the ranking of the case with that answer."""
    for question in SMALL.next_questions(case).candidates:
        for state, effect in question.answers.items():
            assert effect.leading == SMALL.assess({**case, question.id: state}).ranking[0]


def test_leaders_are_the_first_of_the_ranking_in_every_lane() -> None:
    """Of random probabilities, ties among them, the vectorised leader is the first that `ranked` gives."""
    rng = np.random.default_rng(0)
    ids = ["a", "b", "c"]
    after, before = ({id: rng.integers(0, 4, 400) / 4 for id in ids} for _ in range(2))
    found = leaders(after, before)
    for n in range(400):
        here, there = ({id: float(table[id][n]) for id in ids} for table in (after, before))
        assert found[n] == ranked({id: information_gain(here[id], there[id]) for id in ids}, here)[0]
