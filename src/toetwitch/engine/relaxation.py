"""An upper bound on the largest product of complete assignments, from a plan in any order.

Summing an auxiliary variable out after maximising over another gives at least what the other way round does. So one
pass up and one back over the cheapest plan, with a maximum at each variable and a sum at each auxiliary one, bound the
most probable assignment from above, for each state of each variable. Where every maximised variable has a single state
left the bound is the value itself.

References
----------
Park, J. D. & Darwiche, A. (2003). Solving MAP exactly using systematic search. UAI, 459-468.
"""

from __future__ import annotations

__all__ = ["Relaxation"]

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine.arithmetic import LOGARITHMIC
from toetwitch.engine.factors import Evidence, build_factor
from toetwitch.engine.potentials import Potential
from toetwitch.engine.program import Program
from toetwitch.engine.reduction import Weights

Array = NDArray[np.float64]


class Relaxation:
    """Bounds for any weights on the variables.

    Parameters
    ----------
    program
        From a plan whose pattern weights every variable that is maximised over.
    potentials, evidence
        Of a single lane; weights of observed variables among them.
    count
        Variables below this number are maximised over, the others summed.
    """

    def __init__(self, program: Program, potentials: Sequence[Potential], evidence: Evidence, count: int) -> None:
        self.program = program
        self.count = count
        plan = program.plan
        self.constants: list[Array] = []
        self.weighted: list[list[tuple[int, int]]] = []
        for clique in plan.cliques:
            table = np.zeros((*(plan.sizes[v] for v in clique.variables), 1))
            weighted = []
            for index in clique.pieces:
                piece = plan.pieces[index]
                if isinstance(piece, Weights):
                    weighted.append((index, piece.variable))
                else:
                    factor = build_factor(piece, potentials, evidence, LOGARITHMIC)
                    table = table + program.piece_axes[index].spread(factor)
            self.constants.append(table)
            self.weighted.append(weighted)
        scalars = [build_factor(plan.pieces[index], potentials, evidence, LOGARITHMIC) for index in plan.scalars]
        self.scalar = float(sum(float(value[0]) for value in scalars))
        self.children: list[list[int]] = [[] for _ in plan.cliques]
        for number, clique in enumerate(plan.cliques):
            if clique.parent >= 0:
                self.children[clique.parent].append(number)
        self.variables = frozenset(v for clique in plan.cliques for v in clique.residual if v < count)

    @property
    def entries(self) -> int:
        """Entries of all tables."""
        return self.program.plan.entries

    def bounds(self, logs: Mapping[int, Array]) -> dict[int, Array]:
        """Return, for each variable maximised over, the natural logarithm of the bound at each of its states.

        Parameters
        ----------
        logs
            Logarithms of the weights of these variables, shape (size,).
        """
        plan = self.program.plan
        own: list[Array] = []
        messages: list[Array] = []
        total = self.scalar
        for number, clique in enumerate(plan.cliques):
            table = self.constants[number]
            for index, variable in self.weighted[number]:
                table = table + self.program.piece_axes[index].spread(logs[variable][:, np.newaxis])
            own.append(table)
            for child in self.children[number]:
                table = table + messages[child]
            message = self._eliminate(table, clique.variables, clique.separator)
            if clique.parent >= 0:
                messages.append(self.program.message_axes[number].spread(message))
            else:
                total += float(message[0])
                messages.append(message)
        return self._back(own, messages, total)

    def _back(self, own: list[Array], messages: Sequence[Array], total: float) -> dict[int, Array]:
        plan = self.program.plan
        found: dict[int, Array] = {}
        for number in reversed(range(len(plan.cliques))):
            clique = plan.cliques[number]
            if clique.parent < 0:
                # The other trees of the forest, and what has no variable, count in every bound.
                top = float(messages[number][0])
                own[number] = own[number] + (total - top if top > -np.inf else total)
            children = self.children[number]
            before = [own[number]]
            for child in children:
                before.append(before[-1] + messages[child])
            self._read(before[-1], clique.variables, clique.residual, found)
            after: Array | None = None
            for child, product in zip(reversed(children), reversed(before[:-1]), strict=True):
                rest = product if after is None else product + after
                below = plan.cliques[child]
                message = self._eliminate(rest, clique.variables, below.separator)
                own[child] = own[child] + message.reshape((1,) * len(below.residual) + message.shape)
                after = messages[child] if after is None else after + messages[child]
            own[number] = before[0]
        return found

    def _read(self, belief: Array, variables: Sequence[int], residual: Sequence[int], found: dict[int, Array]) -> None:
        shown = [v for v in variables if v < self.count]
        reduced = self._eliminate(belief, variables, shown)
        for axis, v in enumerate(shown):
            if v in residual:
                others = tuple(other for other in range(len(shown)) if other != axis)
                found[v] = reduced[..., 0].max(axis=others)

    def _eliminate(self, table: Array, variables: Sequence[int], kept: Sequence[int]) -> Array:
        """Sum the auxiliary variables out, then maximise over the others, but for those kept; axes in their order."""
        shape = tuple(self.program.plan.sizes[v] for v in variables)
        table = np.broadcast_to(table, (*shape, 1))
        summed = [axis for axis, v in enumerate(variables) if v >= self.count and v not in kept]
        maximised = [axis for axis, v in enumerate(variables) if v < self.count and v not in kept]
        stay = [variables.index(v) for v in kept]
        moved = table.transpose(*summed, *maximised, *stay, len(variables))
        if summed:
            moved = LOGARITHMIC.sum(moved.reshape(-1, *moved.shape[len(summed) :]))
        if maximised:
            moved = moved.max(axis=tuple(range(len(maximised))))
        return moved
