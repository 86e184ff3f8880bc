"""The intercept of a logistic table that gives a cited prevalence: Newton's method kept inside a bracket."""

from __future__ import annotations

__all__ = ["logit", "sigmoid", "solve_intercept"]

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SOLVE_TOLERANCE = 1e-13
SOLVE_STEPS = 200
INTERCEPT_BOUND = 750.0
"""Beyond |750| the logistic function is 0 or 1: the smallest double is e to the power -745."""


def solve_intercept(weights: Array, log_odds: Array, target: Array) -> Array:
    """Return a, shape (lanes,), with sum(weights * sigmoid(a + log_odds)) == target in every lane."""
    low = np.full(target.shape, -INTERCEPT_BOUND) - log_odds.max(axis=0)
    high = np.full(target.shape, INTERCEPT_BOUND) - log_odds.min(axis=0)
    a = np.clip(logit(target) - (weights * log_odds).sum(axis=0), low, high)
    for _ in range(SOLVE_STEPS):
        p = sigmoid(a + log_odds)
        error = (weights * p).sum(axis=0) - target
        # A lane that is done stays put: its next step would leave a bracket that it now bounds.
        done = np.abs(error) <= SOLVE_TOLERANCE * target
        if done.all():
            break
        low, high = np.where(error > 0, low, a), np.where(error > 0, a, high)
        slope = (weights * p * (1 - p)).sum(axis=0)
        step = a - error / np.maximum(slope, 1e-300)
        a = np.where(done, a, np.where((step > low) & (step < high), step, (low + high) / 2))
    return np.asarray(a)


def sigmoid(x: Array) -> Array:
    """Return the logistic function, without overflow on either side."""
    small = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1 / (1 + small), small / (1 + small)))


def logit(p: Array) -> Array:
    """Return the natural log of the odds."""
    return np.asarray(np.log(p) - np.log1p(-p))
