"""Sets of up to 128 variables as two 64-bit words, in compiled code.

The decorator that the modules of compiled code share is here too. What numba keeps of a function contains the
functions it calls, and is renewed when the function's own file changes: after editing one of these modules by hand,
empty `__pycache__`.
"""

from __future__ import annotations

__all__ = ["MOST", "compiled"]

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

MOST = 128
"""Variables and noisy-max nodes that one case may need; more are answered by a plan."""


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function for machine types: on first use, kept on disk, without the interpreter's lock."""
    return numba.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")(function)


@compiled
def popcount(word):  # type: ignore[no-untyped-def]
    """Count the set bits of a 64-bit word."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@compiled
def bit_low(index):  # type: ignore[no-untyped-def]
    """Return the lower word of a set of one."""
    return np.uint64(1) << np.uint64(index) if index < 64 else np.uint64(0)


@compiled
def bit_high(index):  # type: ignore[no-untyped-def]
    """Return the upper word of a set of one."""
    return np.uint64(1) << np.uint64(index - 64) if index >= 64 else np.uint64(0)


@compiled
def holds(low, high, index):  # type: ignore[no-untyped-def]
    """Return whether a set has a member."""
    if index < 64:
        return (low >> np.uint64(index)) & np.uint64(1) != 0
    return (high >> np.uint64(index - 64)) & np.uint64(1) != 0


@compiled
def weigh(low, high, size_masks, size_logs):  # type: ignore[no-untyped-def]
    """Return the base-two logarithm of the size of a table over a set."""
    total = 0.0
    for kind in range(size_logs.shape[0]):
        total += size_logs[kind] * (popcount(low & size_masks[kind, 0]) + popcount(high & size_masks[kind, 1]))
    return total
