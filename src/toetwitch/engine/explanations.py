"""The k most probable explanations: complete assignments in order of probability, by whichever exact scheme is cheaper.

A plan that sums auxiliary variables first gives them in order (`toetwitch.engine.assignment`). Where a noisy-max has
many parents such a plan joins them all in one table, and a search over the variables that are no leaves takes its place
(`toetwitch.engine.explanation_search`).
"""

from __future__ import annotations

__all__ = ["Explained", "Keep", "most_probable_explanations", "ranked"]

import itertools
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Protocol, TypeAlias, TypeVar

import numpy as np

from toetwitch.engine.assignment import most_probable
from toetwitch.engine.assignment_weight import log_weight
from toetwitch.engine.explanation_search import search_explanations
from toetwitch.engine.factors import Evidence
from toetwitch.engine.leaf_choices import find_leaves
from toetwitch.engine.plan import make_plan
from toetwitch.engine.potentials import NoisyMax, Potential
from toetwitch.engine.program import Program, compile_plan
from toetwitch.engine.relaxation import Relaxation
from toetwitch.engine.structure import Pattern, Structure, noisy_children
from toetwitch.errors import BudgetExceededError, SearchLimitError

Explained: TypeAlias = tuple[float, tuple[int, ...]]
TIED = 1e-12
"""Relative difference of logarithms below which assignments may change places by rounding."""
TIED_STATES = 20_000
"""States, over all assignments, that are looked at beyond the k-th for ties with it: which of more than that many
equally probable assignments are listed is up to the plan, and always the same."""
SUMMED_BYTES = 2**25
"""A plan that sums first and needs less memory than this is faster than any search."""
Kept = TypeVar("Kept")


class Keep(Protocol):
    """Returns what was made for a key before, or makes it."""

    def __call__(self, key: Hashable, make: Callable[[], Kept]) -> Kept:
        """Return it."""


def most_probable_explanations(
    structure: Structure,
    potentials: Sequence[Potential],
    evidence: Evidence,
    pattern: Pattern,
    k: int,
    *,
    count: int,
    memory_budget: int,
    keep: Keep,
) -> tuple[Explained, ...]:
    """Return the k largest weights, in logarithms, and their assignments; fewer when fewer are possible.

    Equally probable assignments come in the order of their states, first variable first. Which of those that tie with
    the k-th are listed is up to the scheme where it is a search, or where very many tie; it is always the same.

    Parameters
    ----------
    structure, potentials, evidence, pattern
        The network, and the question on a single lane.
    k
        How many.
    count
        Variables below this number are maximised over, those past it summed out.
    memory_budget
        Bytes that a run may need.
    keep
        The cache of programs.

    Raises
    ------
    BudgetExceededError
        When neither scheme fits the memory.
    SearchLimitError
        When the search needs more work than is allowed.
    """

    def summed(budget: int) -> tuple[Explained, ...]:
        def make() -> Program:
            plan = make_plan(structure, pattern, memory_budget=budget, prune=False, sum_first=True)
            return compile_plan(plan, structure, potentials)

        return _by_regrets(keep((pattern, "explained"), make), potentials, evidence, structure.sizes, k)

    # A hidden variable is no auxiliary one of the plan, so only the search knows to sum it out.
    if count == len(structure.sizes):
        try:
            return summed(min(memory_budget, SUMMED_BYTES))
        except BudgetExceededError as error:
            refused = error
        if not any(isinstance(p, NoisyMax) for p in potentials):
            return summed(memory_budget)
        try:
            return _by_search(structure, potentials, evidence, pattern, k, count, memory_budget, keep)
        except (BudgetExceededError, SearchLimitError):
            if refused.bytes_needed > memory_budget:
                raise
        return summed(memory_budget)
    return _by_search(structure, potentials, evidence, pattern, k, count, memory_budget, keep)


def _by_regrets(
    program: Program, potentials: Sequence[Potential], evidence: Evidence, sizes: Sequence[int], k: int
) -> tuple[Explained, ...]:
    count = len(sizes)
    walks = most_probable(program, potentials, evidence, count)
    observed = {v: int(state[0]) for v, state in evidence.states.items()}
    found = []
    for _, states in _with_ties(walks, k, TIED_STATES // max(1, count)):
        whole = tuple({**observed, **states}[v] for v in range(count))
        found.append((log_weight(potentials, whole, evidence.weights, sizes), whole))
    return ranked(found, k)


def _by_search(
    structure: Structure,
    potentials: Sequence[Potential],
    evidence: Evidence,
    pattern: Pattern,
    k: int,
    count: int,
    memory_budget: int,
    keep: Keep,
) -> tuple[Explained, ...]:
    leaves = find_leaves(structure, count, {*pattern.hard, *pattern.soft})
    apart = {*pattern.hard, *(leaf.variable for leaf in leaves)}
    chosen = [v for v in range(count) if v not in apart]
    noisy = noisy_children(structure)

    def relax(decided: Mapping[int, int]) -> Relaxation:
        hard = tuple(sorted({*pattern.hard, *decided}))
        raised = pattern.raised | {v for v, state in decided.items() if state and v in noisy}
        weighted = tuple(sorted({*(v for v in chosen if v not in decided), *pattern.soft}))
        relaxed = Pattern(hard, raised, weighted)

        def make() -> Program:
            return compile_plan(make_plan(structure, relaxed, memory_budget=memory_budget), structure, potentials)

        # Plans of parts of the search would push those of other questions out of the cache.
        program = make() if decided else keep((relaxed, "relaxed"), make)
        states = {**evidence.states, **{v: np.array([state]) for v, state in decided.items()}}
        return Relaxation(program, potentials, Evidence(states, evidence.weights), count)

    found = search_explanations(relax, leaves, potentials, evidence, structure.sizes, k)
    sizes = structure.sizes
    return ranked([(log_weight(potentials, states, evidence.weights, sizes), states) for _, states in found], k)


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
