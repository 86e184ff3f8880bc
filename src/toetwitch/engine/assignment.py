"""The most probable complete assignments, in order, by one upward pass with maxima and walks back by regret.

Auxiliary variables are summed out, all others maximised over. A sum and a maximum do not commute, so the plan must
eliminate the auxiliary variables first. Numbers are logarithms: a complete assignment of a large network may be less
probable than any double.

After the pass, the logarithm of an assignment's product is that of the best one, less a regret at each clique: how far
the clique's entry lies below the largest that agrees with its separator. Regrets of cliques further down can always be
zero. So the next best assignment is one of those found before, changed at one clique to that clique's next entry and
completed below it without regret; a heap holds the candidates.

References
----------
Dawid, A. P. (1992). Applications of a general propagation algorithm for probabilistic expert systems. Statistics and
Computing 2, 25-36.
Nilsson, D. (1998). An efficient algorithm for finding the M most probable configurations in probabilistic expert
systems. Statistics and Computing 8, 159-173.
Eppstein, D. (1998). Finding the k shortest paths. SIAM J. Computing 28, 652-673 (regrets).
"""

from __future__ import annotations

__all__ = ["most_probable"]

import heapq
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine.arithmetic import LOGARITHMIC
from toetwitch.engine.factors import Evidence, build_factor
from toetwitch.engine.potentials import Potential
from toetwitch.engine.program import Program

Array = NDArray[np.float64]
States = NDArray[np.intp]


def most_probable(
    program: Program, potentials: Sequence[Potential], evidence: Evidence, count: int
) -> Iterator[tuple[float, dict[int, int]]]:
    """Yield the possible assignments with the natural logarithm of their product, largest first.

    Parameters
    ----------
    program
        Made from a plan without pruning that sums auxiliary variables first.
    potentials, evidence
        The numbers of a single lane.
    count
        Variables below this number are maximised over, the others summed.
    """
    best, tables = _upward(program, potentials, evidence, count)
    if best == -np.inf:
        return
    walk = _Walk(program, tables, count)
    drawn = 0
    heap: list[tuple[float, int, int, int, dict[int, int]]] = [(0.0, drawn, 0, 0, {})]
    while heap:
        regret, _, place, rank, origin = heapq.heappop(heap)
        states = walk.follow(origin, place, rank)
        yield best - regret, states
        # At the clique where this one departs from its origin the next entry; at those below it the second best.
        for later in range(place, len(walk.steps)):
            following = rank + 1 if later == place else 1
            regrets = walk.regrets(states, later)
            if following < len(regrets):
                drawn += 1
                more = float(regrets[following] - regrets[following - 1])
                heapq.heappush(heap, (regret + more, drawn, later, following, states))


def _upward(
    program: Program, potentials: Sequence[Potential], evidence: Evidence, count: int
) -> tuple[float, list[Array]]:
    """Return the logarithm of the largest product, and each clique's table with all that is below it taken in."""
    plan = program.plan
    inbox: list[list[Array]] = [
        [
            program.piece_axes[index].spread(build_factor(plan.pieces[index], potentials, evidence, LOGARITHMIC))
            for index in clique.pieces
        ]
        for clique in plan.cliques
    ]
    best = 0.0
    tables: list[Array] = []
    for number, clique in enumerate(plan.cliques):
        table = np.zeros((*(plan.sizes[v] for v in clique.variables), 1))
        for factor in inbox[number]:
            table = table + factor
        summed = [axis for axis, v in enumerate(clique.residual) if v >= count]
        if summed:
            kept = [axis for axis in range(table.ndim) if axis not in summed]
            moved = table.transpose(*summed, *kept)
            table = LOGARITHMIC.sum(moved.reshape(-1, *(table.shape[axis] for axis in kept)))
        tables.append(table)
        message = table.max(axis=tuple(range(len(clique.residual) - len(summed))))
        if clique.parent >= 0:
            inbox[clique.parent].append(program.message_axes[number].spread(message))
        else:
            best += float(message[0])
    for index in plan.scalars:
        best += float(build_factor(plan.pieces[index], potentials, evidence, LOGARITHMIC)[0])
    return best, tables


class _Walk:
    """The cliques where something is chosen, roots first, and their entries ranked as they are met."""

    def __init__(self, program: Program, tables: Sequence[Array], count: int) -> None:
        self.sizes = program.plan.sizes
        self.steps: list[tuple[tuple[int, ...], tuple[int, ...], Array]] = []
        for number in reversed(range(len(tables))):
            clique = program.plan.cliques[number]
            chosen = tuple(v for v in clique.residual if v < count)
            if chosen:
                self.steps.append((chosen, clique.separator, tables[number]))
        self.ranked: dict[tuple[int, tuple[int, ...]], tuple[States, Array]] = {}

    def follow(self, origin: dict[int, int], place: int, rank: int) -> dict[int, int]:
        """Return the assignment that departs from its origin by the entry of that rank, best from there on."""
        found = dict(origin)
        for later in range(place, len(self.steps)):
            order, _ = self._entries(found, later)
            chosen = self.steps[later][0]
            position = int(order[rank if later == place else 0])
            for variable in reversed(chosen):
                position, found[variable] = divmod(position, self.sizes[variable])
        return found

    def regrets(self, states: dict[int, int], place: int) -> Array:
        """Return the regrets of the possible entries of the clique at `place`, smallest first."""
        return self._entries(states, place)[1]

    def _entries(self, states: dict[int, int], place: int) -> tuple[States, Array]:
        """Return the possible entries that agree with the separator, best first, and their regrets."""
        _, separator, table = self.steps[place]
        key = (place, tuple(states[v] for v in separator))
        if key not in self.ranked:
            index: tuple[Any, ...] = (..., *key[1], 0)
            slab = table[index].ravel()
            order = np.argsort(-slab, kind="stable")
            order = order[slab[order] > -np.inf]
            self.ranked[key] = order, slab[order[0]] - slab[order]
        return self.ranked[key]
