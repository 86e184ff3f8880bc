"""Probabilities and distributions: round numbers first, then any, then the extreme ones.

A failing example should be readable, so everything shrinks towards halves and tenths.
"""

from __future__ import annotations

__all__ = ["EXTREME", "distributions", "odds_ratios", "probabilities"]

from collections.abc import Sequence

from hypothesis import strategies as st

EXTREME = (1e-300, 1e-150, 1e-30, 1e-12, 1e-6)
"""Probabilities that break arithmetic which does not scale: two of them multiply to less than a double can hold."""

ROUND = (0.5, 0.2, 0.1, 0.8, 0.9, 0.3, 0.01, 0.05, 0.95, 0.7)
AWKWARD = (0.37, 0.004, 0.62, 0.11, 0.999, 1 / 3, 0.0625, 0.855, 0.123456789, 0.48)
"""Numbers without a pattern, so that errors do not cancel."""


def probabilities(*, sure: bool = True, extreme: bool = False) -> st.SearchStrategy[float]:
    """Return a strategy for probabilities.

    Parameters
    ----------
    sure
        Whether 0 and 1 may be drawn.
    extreme
        Whether numbers down to 1e-300, and their complements as far as doubles go, may be drawn.

    Examples
    --------
    >>> from hypothesis import find
    >>> 0.6 < find(probabilities(), lambda p: p > 0.6) <= 1
    True
    """
    certain = (0.0, 1.0) * 3 if sure else ()
    tiny = (*EXTREME, *(1 - p for p in EXTREME if 1 - p < 1)) if extreme else ()
    return st.sampled_from((*ROUND, *AWKWARD, *certain, *tiny))


def odds_ratios() -> st.SearchStrategy[float]:
    """Return a strategy for odds ratios, below and above one.

    Examples
    --------
    >>> from hypothesis import find
    >>> 0 < find(odds_ratios(), lambda ratio: ratio < 1) < 1
    True
    """
    return st.sampled_from((2.0, 0.5, 3.0, 1.0, 8.0, 0.1, 25.0, 1.7, 0.62, 4.4))


def distributions(size: int, *, determinism: bool = True, extreme: bool = False) -> st.SearchStrategy[list[float]]:
    """Return a strategy for distributions over `size` states.

    Parameters
    ----------
    size
        Number of states.
    determinism
        Whether states may have probability 0, one of them 1 included.
    extreme
        Whether states may have probabilities down to 1e-300.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(distributions(3), lambda p: True)
    [0.3333333333333333, 0.3333333333333333, 0.3333333333333333]
    """
    zeros = (0.0,) * 3 if determinism else ()
    weights = st.sampled_from((1.0, 2.0, 3.0, 5.0, 10.0, 1.7, 0.37, 50.0, *zeros, *(EXTREME if extreme else ())))
    entries = st.lists(weights, min_size=size, max_size=size)
    return entries.filter(lambda row: max(row) > 0.1).map(_normalised)


def _normalised(weights: Sequence[float]) -> list[float]:
    total = sum(weights)
    return [weight / total for weight in weights]
