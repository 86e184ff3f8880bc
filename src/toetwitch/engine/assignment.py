"""The most probable complete assignment, by the upward pass with maxima and one walk back.

Auxiliary variables are summed out, all others maximised over. A sum and a maximum do not commute, so the plan must
eliminate the auxiliary variables first. Numbers are logarithms: a complete assignment of a large network may be less
probable than any double.

References
----------
Dawid, A. P. (1992). Applications of a general propagation algorithm for probabilistic expert systems. Statistics and
Computing 2, 25-36.
"""

from __future__ import annotations

__all__ = ["most_probable"]

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine.arithmetic import LOGARITHMIC
from toetwitch.engine.factors import Evidence, build_factor
from toetwitch.engine.potentials import Potential
from toetwitch.engine.program import Program

Array = NDArray[np.float64]


def most_probable(
    program: Program, potentials: Sequence[Potential], evidence: Evidence, count: int
) -> tuple[float, dict[int, int]]:
    """Return the natural logarithm of the largest product, and the states that reach it.

    Parameters
    ----------
    program
        Made from a plan without pruning that sums auxiliary variables first.
    potentials, evidence
        The numbers of a single lane.
    count
        Variables below this number are maximised over, the others summed.
    """
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
    return best, _walk_back(program, tables, count)


def _walk_back(program: Program, tables: Sequence[Array], count: int) -> dict[int, int]:
    states: dict[int, int] = {}
    for number in reversed(range(len(tables))):
        clique = program.plan.cliques[number]
        chosen = [v for v in clique.residual if v < count]
        if not chosen:
            continue
        place: tuple[Any, ...] = (..., *(states[v] for v in clique.separator), 0)
        slab = tables[number][place]
        position = int(np.argmax(slab))
        shape = tuple(program.plan.sizes[v] for v in chosen)
        for variable, state in zip(chosen, np.unravel_index(position, shape), strict=True):
            states[variable] = int(state)
    return states
