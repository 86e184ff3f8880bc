"""In which order to sum variables out: greedy heuristics with random ties, cheapest result kept.

Summing a variable out joins all its neighbours, so the order decides the size of every table that is ever built.
Finding the best order is NP-hard; greedy rules come close in milliseconds. Which rule wins differs from network to
network, so several run and the cheapest order is kept. Sets of variables are the bits of Python integers: a
neighbourhood of a hundred variables is one number, and counting missing edges is `bit_count`.

References
----------
Kjaerulff, U. (1990). Triangulation of graphs: algorithms giving small total state space. Aalborg University R-90-09.
Fishelson, M. & Geiger, D. (2004). Optimizing exact genetic linkage computations. J. Comput. Biol. 11, 263-275.
"""

from __future__ import annotations

__all__ = ["RULES", "Elimination", "adjacency", "eliminate", "follow", "members"]

import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

RULES = ("fill", "weighted_fill", "weight", "fill_then_weight")
"""Greedy rules: number of edges added, their weight, size of the table built, edges with ties by table size."""


@dataclass(frozen=True, slots=True)
class Elimination:
    """An order and, for each step, the set of neighbours (as bits) at the time of elimination.

    Attributes
    ----------
    order
        Variables, first eliminated first.
    neighbours
        Bit set of the variables joined at each step, the eliminated one not included.
    entries
        Sum of the sizes of all tables built, as a float because it may be astronomic.
    """

    order: tuple[int, ...]
    neighbours: tuple[int, ...]
    entries: float


def adjacency(count: int, scopes: Iterable[Sequence[int]]) -> list[int]:
    """Return for each variable the bit set of those it shares a scope with.

    Examples
    --------
    >>> adjacency(3, [(0, 1), (1, 2)])
    [2, 5, 2]
    """
    graph = [0] * count
    for scope in scopes:
        together = 0
        for variable in scope:
            together |= 1 << variable
        for variable in scope:
            graph[variable] |= together
    return [neighbours & ~(1 << variable) for variable, neighbours in enumerate(graph)]


def eliminate(
    graph: Sequence[int],
    sizes: Sequence[int],
    variables: Sequence[int],
    rule: str,
    *,
    seed: int = 0,
    first: Iterable[int] = (),
    limit: float = math.inf,
) -> Elimination | None:
    """Eliminate `variables` greedily; return None as soon as the cost passes `limit`.

    Parameters
    ----------
    graph
        Neighbourhood of each variable as a bit set.
    sizes
        Number of states of each variable.
    variables
        What to eliminate.
    rule
        One of `RULES`.
    seed
        Breaks ties; the same seed gives the same order.
    first
        Variables that must go before all others.
    limit
        Give up when the tables would hold more entries than this.
    """
    adjacent = list(graph)
    log_size = [math.log2(size) for size in sizes]
    chance = random.Random(seed)
    jitter = {variable: chance.random() for variable in variables}
    early = set(first)
    score = _scorer(rule, adjacent, log_size)
    scores = {variable: (score(variable), jitter[variable], variable) for variable in variables}
    order: list[int] = []
    joined: list[int] = []
    entries = 0.0
    remaining = set(variables)
    waiting = early & remaining
    while remaining:
        pool = waiting or remaining
        variable = min(map(scores.__getitem__, pool))[2]
        near = adjacent[variable]
        joining = members(near)
        entries += 2.0 ** min(1000.0, log_size[variable] + sum(log_size[other] for other in joining))
        if entries > limit:
            return None
        order.append(variable)
        joined.append(near)
        remaining.discard(variable)
        waiting.discard(variable)
        dirty = _join(adjacent, variable, near, joining)
        for other in members(dirty):
            scores[other] = (score(other), jitter[other], other)
    return Elimination(tuple(order), tuple(joined), entries)


def follow(graph: Sequence[int], sizes: Sequence[int], order: Sequence[int]) -> Elimination:
    """Eliminate in a given order.

    Parameters
    ----------
    graph
        Neighbourhood of each variable as a bit set.
    sizes
        Number of states of each variable.
    order
        First eliminated first.
    """
    adjacent = list(graph)
    joined = []
    entries = 0.0
    for variable in order:
        near = adjacent[variable]
        joining = members(near)
        entries += math.prod([float(sizes[other]) for other in joining], start=float(sizes[variable]))
        joined.append(near)
        _join(adjacent, variable, near, joining)
    return Elimination(tuple(order), tuple(joined), entries)


def _join(adjacent: list[int], variable: int, near: int, joining: Sequence[int]) -> int:
    """Connect `joining`, remove `variable`, and return whose score may have changed."""
    dirty = near
    gone = ~(1 << variable)
    for other in joining:
        before = adjacent[other]
        after = (before | near) & gone & ~(1 << other)
        if after & ~before:
            dirty |= after
        adjacent[other] = after
    return dirty


def _scorer(rule: str, adjacent: list[int], log_size: Sequence[float]) -> Callable[[int], tuple[float, ...]]:
    def fill(variable: int) -> int:
        near = adjacent[variable]
        missing = 0
        for other in members(near):
            missing += (near & ~adjacent[other]).bit_count() - 1
        return missing // 2

    def weight(variable: int) -> float:
        return log_size[variable] + sum([log_size[other] for other in members(adjacent[variable])])

    def weighted_fill(variable: int) -> float:
        near = adjacent[variable]
        total = 0.0
        for other in members(near):
            absent = near & ~adjacent[other] & ~(1 << other)
            if absent:
                total += log_size[other] * sum([log_size[one] for one in members(absent)])
        return total

    if rule == "fill":
        return lambda variable: (fill(variable),)
    if rule == "weighted_fill":
        return lambda variable: (weighted_fill(variable), weight(variable))
    if rule == "weight":
        return lambda variable: (weight(variable),)
    return lambda variable: (fill(variable), weight(variable))


def members(bits: int) -> list[int]:
    """Return the variables whose bits are set, ascending.

    Examples
    --------
    >>> members(0b1101)
    [0, 2, 3]
    """
    found = []
    while bits:
        low = bits & -bits
        found.append(low.bit_length() - 1)
        bits ^= low
    return found
