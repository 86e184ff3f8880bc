"""The most probable explanations by branch and bound, where no plan that sums first is small enough.

A node leaves each variable some of its states. The relaxed passes (`toetwitch.engine.relaxation`) bound each variable
at each of its states; what cannot reach the k-th best assignment known so far is ruled out for good, and the rest is
split at the variable where the bounds differ most. Where many variables have one state left, a plan that observes them
takes over. Unobserved noisy-max leaves are chosen when all else is (`toetwitch.engine.leaf_choices`). The node with the
largest bound goes first, so when no bound is left above the k-th best, the list is proved. A search that would need
more work than allowed ends in an error and never in a list.

References
----------
Park, J. D. & Darwiche, A. (2003). Solving MAP exactly using systematic search. UAI, 459-468.
"""

from __future__ import annotations

__all__ = ["search_explanations"]

import heapq
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine.assignment_weight import log_weight
from toetwitch.engine.factors import Evidence
from toetwitch.engine.leaf_choices import Leaf, best_first, leaf_bound, leaf_rows
from toetwitch.engine.potentials import Potential
from toetwitch.engine.relaxation import Relaxation
from toetwitch.errors import SearchLimitError

Array = NDArray[np.float64]
Allowed = dict[int, NDArray[np.intp]]
Relax = Callable[[Mapping[int, int]], Relaxation]
FEWER = 0.8
"""A share of variables left below which a new plan is worth making."""
CLOSE = 1e-11
"""Relative difference of logarithms that the search does not tell apart: above rounding, below any interest."""
MOST_ENTRIES = 1e9
"""Work that a search may do, in table entries: minutes, and the same work on any machine."""
PASS_ENTRIES = 200_000
"""What a pass over small tables and the leaves' bounds cost besides, in the same unit."""
SMALL_ENTRIES = 2**14
"""Plans smaller than this run faster than another is made."""


def search_explanations(
    relax: Relax,
    leaves: Sequence[Leaf],
    potentials: Sequence[Potential],
    evidence: Evidence,
    sizes: Sequence[int],
    k: int,
    most_entries: float = MOST_ENTRIES,
) -> list[tuple[float, tuple[int, ...]]]:
    """Return the k largest weights of complete assignments, in logarithms, with the assignments.

    Parameters
    ----------
    relax
        Gives bounds from a plan without the leaves that observes these states besides the evidence.
    leaves
        Unobserved leaves that the plan leaves out.
    potentials, evidence, sizes
        The network and the numbers of a single lane.
    k
        How many.
    most_entries
        Table entries after which the search gives up.

    Raises
    ------
    SearchLimitError
        When the work allowed does not prove the list; carries the best assignment's value and the bound reached.
    """
    return _Search(relax, leaves, potentials, evidence, sizes, k, most_entries).run()


class _Search:
    def __init__(
        self,
        relax: Relax,
        leaves: Sequence[Leaf],
        potentials: Sequence[Potential],
        evidence: Evidence,
        sizes: Sequence[int],
        k: int,
        most_entries: float,
    ) -> None:
        self.relax = relax
        self.first = relax({})
        self.leaves = leaves
        self.potentials = potentials
        self.weights = evidence.weights
        self.sizes = sizes
        self.count = self.first.count
        self.k = k
        self.left = most_entries
        own = {leaf.noisy for leaf in leaves} | {leaf.table for leaf in leaves}
        self.core = [potential for index, potential in enumerate(potentials) if index not in own]
        self.observed = {v: np.array([int(state[0])]) for v, state in evidence.states.items()}
        hidden = {leaf.variable for leaf in leaves} | set(self.observed)
        self.variables = [v for v in range(self.count) if v not in hidden]
        self.pool: dict[tuple[int, ...], float] = {}
        self.tried: set[tuple[int, ...]] = set()
        self.cut = -math.inf

    def run(self) -> list[tuple[float, tuple[int, ...]]]:
        allowed = {v: np.arange(self.sizes[v]) for v in self.variables}
        heap: list[tuple[float, int, Allowed, Relaxation]] = [(-math.inf, 0, allowed, self.first)]
        made = 0
        while heap:
            negative, _, node, relaxation = heapq.heappop(heap)
            if self._hopeless(-negative):
                break
            relaxation = self._smaller(node, relaxation)
            for bound, child in self._split(node, -negative, relaxation):
                if not self._hopeless(bound):
                    made += 1
                    heapq.heappush(heap, (-bound, made, child, relaxation))
        return [(value, states) for states, value in self.pool.items()]

    def _smaller(self, node: Allowed, relaxation: Relaxation) -> Relaxation:
        """Return bounds from a plan that observes what a node leaves no choice in, where that is much."""
        decided = {v: int(node[v][0]) for v in relaxation.variables if len(node[v]) == 1}
        if relaxation.entries < SMALL_ENTRIES or len(decided) < (1.0 - FEWER) * len(relaxation.variables):
            return relaxation
        return self.relax({v: int(node[v][0]) for v in self.variables if len(node[v]) == 1})

    def _hopeless(self, bound: float) -> bool:
        if bound == -math.inf:
            return True
        return bound <= self.cut + CLOSE * max(1.0, abs(self.cut)) if self.cut > -math.inf else False

    def _split(self, node: Allowed, bound: float, relaxation: Relaxation) -> list[tuple[float, Allowed]]:
        """Rule states out, note the assignment that looks best, and return the parts of a node that remain."""
        free = [v for v in self.variables if len(node[v]) > 1]
        if not free:
            self._note({v: int(node[v][0]) for v in self.variables})
            return []
        by_state = self._bounds(node, free, relaxation)
        best = {v: int(node[v][int(np.argmax(bounds))]) for v, bounds in by_state.items()}
        self._climb({v: best.get(v, int(node[v][0])) for v in self.variables})
        bound = min(bound, *(float(bounds.max()) for bounds in by_state.values()))
        if self._hopeless(bound):
            return []
        kept = {v: np.array([not self._hopeless(float(b)) for b in bounds]) for v, bounds in by_state.items()}
        reduced = {**node, **{v: node[v][kept[v]] for v in free}}
        if any(len(reduced[v]) == 0 for v in free):
            return []
        still = [v for v in free if len(reduced[v]) > 1]
        if 2 * len(still) <= len(free):
            return [(bound, reduced)]
        # Where the runner-up lies furthest below the best, one part is large and the others are soon done with.
        gaps = {v: float(np.subtract(*np.sort(by_state[v][kept[v]])[-1:-3:-1])) for v in still}
        chosen = max(still, key=lambda v: (gaps[v], -v))
        bounds = by_state[chosen][kept[chosen]]
        return [
            (min(bound, float(b)), {**reduced, chosen: np.array([state])})
            for b, state in zip(bounds, reduced[chosen], strict=True)
        ]

    def _bounds(self, node: Allowed, free: Sequence[int], relaxation: Relaxation) -> dict[int, Array]:
        """Return, for each free variable, the bound at each of the states it may take."""
        constant, logs = self._factors(node, relaxation)
        self.left -= relaxation.entries + PASS_ENTRIES
        found = relaxation.bounds(logs)
        if self.left < 0:
            bound = max((float(found[v].max()) + constant for v in free), default=-math.inf)
            raise SearchLimitError(best=max(self.pool.values(), default=-math.inf), bound=bound)
        return {v: found[v][node[v]] + constant for v in free}

    def _factors(self, node: Allowed, relaxation: Relaxation) -> tuple[float, dict[int, Array]]:
        """Return a constant and the logarithms of weights: evidence, states ruled out, and the leaves' bounds."""
        logs: dict[int, Array] = {}
        for v in relaxation.variables:
            column = np.full(self.sizes[v], -math.inf)
            column[node[v]] = 0.0
            if v in self.weights:
                with np.errstate(divide="ignore"):
                    column = column + np.log(self.weights[v][:, 0])
            logs[v] = column
        constant = 0.0
        everything = {**node, **self.observed}
        for leaf in self.leaves:
            more, factors = leaf_bound(leaf, self.potentials, self.sizes, everything)
            constant += more
            for v, factor in factors.items():
                if v in logs:
                    logs[v] = logs[v] + factor
                else:
                    constant += float(factor[everything[v][0]])
        return constant, logs

    def _climb(self, states: dict[int, int]) -> None:
        """Note an assignment and, where it is better than any before, those that single changes of state lead to."""
        before = max(self.pool.values(), default=-math.inf)
        value = self._note(states)
        while value > before:
            before = value
            for v in self.variables:
                for state in range(self.sizes[v]):
                    if state != states[v]:
                        other = self._note({**states, v: state})
                        if other > value:
                            states, value = {**states, v: state}, other

    def _note(self, states: Mapping[int, int]) -> float:
        """Add the assignments with these states, the leaves at their best k, to what is known; return the best's log.

        Minus infinity for states that are impossible or known already.
        """
        key = tuple(states[v] for v in self.variables)
        if key in self.tried:
            return -math.inf
        self.tried.add(key)
        whole = {**dict.fromkeys(range(self.count), 0), **{v: int(s[0]) for v, s in self.observed.items()}, **states}
        core = log_weight(self.core, tuple(whole[v] for v in range(self.count)), self.weights, self.sizes)
        if core == -math.inf:
            return -math.inf
        rows = [leaf_rows(leaf, self.potentials, self.sizes[leaf.variable], whole) for leaf in self.leaves]
        ways = best_first(rows, self.k)
        for more, chosen in ways:
            placed = {**whole, **{leaf.variable: s for leaf, s in zip(self.leaves, chosen, strict=True)}}
            self.pool[tuple(placed[v] for v in range(self.count))] = core + more
        best = heapq.nlargest(self.k, self.pool.items(), key=lambda one: one[1])
        self.pool = dict(best)
        if len(best) == self.k:
            self.cut = best[-1][1]
        return core + ways[0][0]
