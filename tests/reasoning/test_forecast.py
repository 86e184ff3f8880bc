"""Scores of probabilities are least for the truth, and reliability counts every forecast once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from toetwitch.reasoning.forecast import brier, log_score, reliability


@pytest.mark.parametrize("score", [brier, log_score])
def test_scores_are_proper(score: Callable[..., float]) -> None:
    """Whatever the frequency of an outcome, no stated probability scores better than that frequency."""
    for frequency in (0.1, 0.35, 0.8):
        happened = np.zeros(1000)
        happened[: int(1000 * frequency)] = 1
        honest = score(np.full(1000, frequency), happened)
        assert all(honest <= score(np.full(1000, p), happened) + 1e-12 for p in np.linspace(0.01, 0.99, 50))


def test_reliability_counts_every_forecast_once() -> None:
    """Each forecast falls in one bin, the ends 0 and 1 included, and the hits add up."""
    said = np.array([0.0, 0.005, 0.01, 0.3, 0.5, 0.99, 1.0])
    happened = np.array([0, 0, 1, 0, 1, 1, 1])
    bins = reliability(said, happened)
    assert sum(b.happened.total for b in bins) == 7
    assert sum(b.happened.hits for b in bins) == 4
    assert all(b.low <= b.mean <= b.high for b in bins)
