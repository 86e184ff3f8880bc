"""Which explanation leads."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toetwitch.reasoning.ranking import information_gain, ranked

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
