"""How good probabilities are: Brier and log scores, and whether what is said in p of 100 cases happens in p of 100.

References
----------
Brier (1950), Verification of forecasts expressed in terms of probability. Monthly Weather Review 78, 1-3.
Gneiting & Raftery (2007), Strictly proper scoring rules, prediction, and estimation. JASA 102, 359-378.
"""

from __future__ import annotations

__all__ = ["BINS", "Bin", "brier", "log_score", "reliability"]

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toetwitch.reasoning.scoring import Proportion

BINS = (0.0, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Edges of the bins of a reliability table: narrow where most probabilities are."""

FLOOR = 1e-12
"""A probability is scored as at least this, so that one surprise is not infinitely bad."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bin:
    """The forecasts between two probabilities.

    Parameters
    ----------
    low, high
        The bin.
    mean
        The mean of what was said.
    happened
        How often it was so.
    """

    low: float
    high: float
    mean: float
    happened: Proportion


def brier(said: Array, happened: Array) -> float:
    """Return the mean squared difference between probability and outcome: 0 is perfect, 0.25 what 1/2 always gets.

    Examples
    --------
    >>> brier(np.array([0.5, 0.5]), np.array([1.0, 0.0]))
    0.25
    """
    return float(np.mean((said - happened) ** 2))


def log_score(said: Array, happened: Array) -> float:
    """Return the mean surprise in nats: minus the natural log of the probability given to what happened.

    Examples
    --------
    >>> round(log_score(np.array([0.5, 0.5]), np.array([1.0, 0.0])), 4)
    0.6931
    """
    given = np.where(happened > 0, said, 1 - said)
    return float(-np.mean(np.log(np.maximum(given, FLOOR))))


def reliability(said: Array, happened: Array) -> tuple[Bin, ...]:
    """Return what happened by what was said, one entry for each bin that is not empty.

    Examples
    --------
    >>> print(*[(b.mean, str(b.happened)) for b in reliability(np.array([0.5, 0.5]), np.array([1.0, 0.0]))])
    (0.5, '1/2 = 50 % (9-91)')
    """
    found = []
    for low, high in itertools.pairwise(BINS):
        inside = (said >= low) & ((said < high) | (high == BINS[-1]))
        if inside.any():
            hits = Proportion(int(happened[inside].sum()), int(inside.sum()))
            found.append(Bin(low, high, float(said[inside].mean()), hits))
    return tuple(found)
