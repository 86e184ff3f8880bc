"""Rows that miss one by the rounding of printed decimals.

Files print a few digits, so three thirds may sum to 0.9999999. Such a row is no typo, yet it makes an answer depend on
which barren nodes an algorithm happens to leave out, by as much as it is off. It is divided by its sum; a row that
misses one by more than rounding has been refused before.
"""

from __future__ import annotations

__all__ = ["FLOATING_POINT", "without_rounding"]

import numpy as np
from numpy.typing import NDArray

FLOATING_POINT = 1e-12
"""A row this close to one is off by the arithmetic of its sum, not by its digits, and is left as it stands."""


def without_rounding(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the table with its rows, along the last axis, summing to one.

    Examples
    --------
    >>> without_rounding(np.array([[0.3333333, 0.6666666], [0.3, 0.7]])).sum(axis=-1).tolist()
    [1.0, 1.0]
    """
    sums = values.sum(axis=-1, keepdims=True)
    return np.asarray(np.where(np.abs(sums - 1) > FLOATING_POINT, values / sums, values))
