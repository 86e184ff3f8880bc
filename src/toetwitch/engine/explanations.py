"""The k most probable explanations: complete assignments in order of probability, by whichever exact scheme is cheaper.

A plan that sums auxiliary variables first gives them in order (`toetwitch.engine.assignment`). Where a noisy-max has
many parents such a plan joins them all in one table.
"""

from __future__ import annotations

__all__ = ["Explained", "most_probable_explanations", "ranked"]

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from toetwitch.engine.assignment import most_probable
from toetwitch.engine.assignment_weight import log_weight
from toetwitch.engine.factors import Evidence
from toetwitch.engine.potentials import Potential
from toetwitch.engine.program import Program

Explained: TypeAlias = tuple[float, tuple[int, ...]]
TIED = 1e-12
"""Relative difference of logarithms below which assignments may change places by rounding."""
TIED_STATES = 20_000
"""States, over all assignments, that are looked at beyond the k-th for ties with it: which of more than that many
equally probable assignments are listed is up to the plan, and always the same."""


def most_probable_explanations(
    program: Callable[[], Program], potentials: Sequence[Potential], evidence: Evidence, sizes: Sequence[int], k: int
) -> tuple[Explained, ...]:
    """Return the k largest weights, in logarithms, and their assignments; fewer when fewer are possible.

    Equally probable assignments come in the order of their states, first variable first.

    Parameters
    ----------
    program
        Makes or finds the program of a plan without pruning that sums auxiliary variables first.
    potentials, evidence, sizes
        The network and the numbers of a single lane.
    k
        How many.
    """
    count = len(sizes)
    walks = most_probable(program(), potentials, evidence, count)
    observed = {v: int(state[0]) for v, state in evidence.states.items()}
    found = []
    for _, states in _with_ties(walks, k, TIED_STATES // max(1, count)):
        whole = tuple({**observed, **states}[v] for v in range(count))
        found.append((log_weight(potentials, whole, evidence.weights, sizes), whole))
    return ranked(found, k)


def ranked(found: Sequence[Explained], k: int) -> tuple[Explained, ...]:
    """Return the first k, most probable first, the equally probable in the order of their states."""
    return tuple(sorted(found, key=lambda one: (-one[0], one[1]))[:k])


def _with_ties(
    walks: Iterator[tuple[float, dict[int, int]]], k: int, most: int
) -> Iterator[tuple[float, Mapping[int, int]]]:
    """Yield the first k and at most `most` that tie with the k-th."""
    last = 0.0
    for place, (value, states) in enumerate(itertools.islice(walks, k + most)):
        if place >= k and value < last - TIED * max(1.0, abs(last)):
            return
        if place < k:
            last = value
        yield value, states
