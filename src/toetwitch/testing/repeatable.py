"""Draws that are the same on every machine, and the smallest draw that fails.

A check that finds another counterexample on another machine is no regression test. Hypothesis seeds its draws, and
besides tries constants that it finds in the source of whatever modules happen to be loaded; here the seed is fixed and
those constants are left out.
"""

from __future__ import annotations

__all__ = ["drawn", "smallest_failing", "without_found_constants"]

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from unittest import mock

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture import providers

Value = TypeVar("Value")

SEED = 1
STARTS = 3
"""Hypothesis gives up shrinking after some hundred tries without success; of three starts one ends at few nodes."""
CONSTANTS = "_maybe_draw_constant"
"""What draws a constant from loaded modules, in versions of Hypothesis that do so."""


@contextlib.contextmanager
def without_found_constants() -> Iterator[None]:
    """Draw no constants from the source of loaded modules, for as long as the context lasts."""
    provider: Any = getattr(providers, "HypothesisProvider", None)
    if not hasattr(provider, CONSTANTS):
        yield
        return
    with mock.patch.object(provider, CONSTANTS, return_value=None):
        yield


def drawn(strategy: st.SearchStrategy[Value], count: int, *, start: int = SEED) -> tuple[Value, ...]:
    """Return up to `count` draws, the same ones on every run; fewer where draws are rejected or there are no more.

    Parameters
    ----------
    strategy
        What to draw from.
    count
        How many.
    start
        The seed.

    Examples
    --------
    >>> drawn(st.integers(0, 9), 3) == drawn(st.integers(0, 9), 3)
    True
    """
    found: list[Value] = []
    _run(strategy, found.append, count, start, (Phase.generate,))
    return tuple(found)


def smallest_failing(
    strategy: st.SearchStrategy[Value],
    fails: Callable[[Value], str | None],
    *,
    count: int = 400,
    start: int = SEED,
) -> tuple[Value, str] | None:
    """Return the smallest draw that fails, and how it fails; None when `count` draws all hold.

    Parameters
    ----------
    strategy
        What to draw from.
    fails
        Returns how a draw fails, or None.
    count
        How many draws are tried before shrinking.
    start
        The seed.

    Examples
    --------
    >>> smallest_failing(st.integers(0, 99), lambda n: "too large" if n > 10 else None)
    (11, 'too large')
    """
    found = [_shrunk(strategy, fails, count, start + turn) for turn in range(STARTS)]
    return min((one for one in found if one is not None), key=lambda one: len(repr(one[0])), default=None)


def _shrunk(
    strategy: st.SearchStrategy[Value], fails: Callable[[Value], str | None], count: int, start: int
) -> tuple[Value, str] | None:
    last: list[tuple[Value, str]] = []

    def tried(value: Value) -> None:
        detail = fails(value)
        if detail is not None:
            # Hypothesis ends with the smallest failure it knows, so the last one seen is that.
            last[:] = [(value, detail)]
            raise _FoundError

    # What answers differently from time to time ends the search with another error; the best found stands.
    with contextlib.suppress(Exception):
        _run(strategy, tried, count, start, (Phase.generate, Phase.shrink))
    return last[0] if last else None


class _FoundError(Exception):
    """A draw fails."""


def _run(
    strategy: st.SearchStrategy[Value],
    tried: Callable[[Value], None],
    count: int,
    start: int,
    phases: tuple[Phase, ...],
) -> None:
    @seed(start)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )
    @given(strategy)
    def run(value: Value) -> None:
        tried(value)

    with without_found_constants():
        run()
