"""Which entries of a plan's tables can be positive at all, whatever is observed.

Where tables hold zeros (deterministic relations, states that exclude each other), most entries of a large clique may
be zero for every question of a pattern. An entry counts only if its own constant factors are positive there and each
neighbour has an entry that agrees with it on the variables they share; one pass to the roots and one back find all
that do. Leaving the others out changes no answer and no rounding: what is left out is exactly zero.

References
----------
Jensen, F. & Andersen, S. K. (1990). Approximations in Bayesian belief universes for knowledge-based systems. Proc.
UAI 6, 162-169 (zero compression).
"""

from __future__ import annotations

__all__ = ["Support", "find_support"]

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine.program import Program

Mask = NDArray[np.bool_]
WORTHWHILE_ENTRIES = 2**12
"""Smaller plans run faster than their zeros are found."""
LIVE_SHARE = 0.6
"""A table is read entry by entry where fewer of its entries than this count, else as a whole."""


@dataclass(frozen=True, slots=True, eq=False)
class Support:
    """What a run keeps of each table and message.

    Attributes
    ----------
    tables
        Per clique, the entries kept of its table (C order, ascending); None keeps all.
    ranks
        Per clique, the place of each entry of its message among those kept, negative where it is left out; None keeps
        all. A message is shortened only between two shortened tables.
    sizes
        Per clique, entries kept of its table and of its message.
    """

    tables: tuple[NDArray[np.int64] | None, ...]
    ranks: tuple[NDArray[np.int32] | None, ...]
    sizes: tuple[tuple[int, int], ...]

    @property
    def entries(self) -> int:
        """Entries kept of all tables."""
        return sum(table for table, _ in self.sizes)


def find_support(program: Program) -> Support:
    """Return what can be positive in each table of a program."""
    plan = program.plan
    shapes = [tuple(plan.sizes[v] for v in clique.variables) for clique in plan.cliques]
    messages = [tuple(plan.sizes[v] for v in clique.separator) for clique in plan.cliques]
    whole = tuple((math.prod(shape), math.prod(kept)) for shape, kept in zip(shapes, messages, strict=True))
    everything = Support((None,) * len(shapes), (None,) * len(shapes), whole)
    zeros = [constant is not None and not constant.all() for constant in program.constant]
    if plan.entries < WORTHWHILE_ENTRIES or not any(zeros):
        return everything
    masks = [np.ones(shape, dtype=np.bool_) for shape in shapes]
    for mask, constant, some in zip(masks, program.constant, zeros, strict=True):
        if some and constant is not None:
            mask &= constant[..., 0] != 0.0
    shared = _agree(program, masks)
    if not all(mask.any() for mask in masks):
        return everything
    tables = [np.flatnonzero(mask) if mask.mean() < LIVE_SHARE else None for mask in masks]
    ranks: list[NDArray[np.int32] | None] = []
    sizes = []
    for number, clique in enumerate(plan.cliques):
        above = tables[clique.parent] if clique.parent >= 0 else None
        shortened = tables[number] is not None and above is not None
        mask = shared[number].reshape(-1)
        ranks.append(np.where(mask, np.cumsum(mask) - 1, -1).astype(np.int32) if shortened else None)
        kept = tables[number]
        table = whole[number][0] if kept is None else len(kept)
        sizes.append((table, int(mask.sum()) if shortened else whole[number][1]))
    return Support(tuple(tables), tuple(ranks), tuple(sizes))


def _agree(program: Program, masks: list[Mask]) -> list[Mask]:
    """Clear what no neighbour agrees with, in place; return what counts of each message."""
    cliques = program.plan.cliques
    for number, clique in enumerate(cliques):
        if clique.parent >= 0:
            sent: Mask = np.asarray(masks[number].any(axis=tuple(range(len(clique.residual)))))
            masks[clique.parent] &= program.message_axes[number].spread(sent[..., np.newaxis])[..., 0]
    shared = [np.ones((), dtype=np.bool_) for _ in cliques]
    for number in reversed(range(len(cliques))):
        clique = cliques[number]
        if clique.parent >= 0:
            shared[number] = _projected(masks[clique.parent], cliques[clique.parent].variables, clique.separator)
            masks[number] &= shared[number]
    return shared


def _projected(mask: Mask, variables: Sequence[int], kept: Sequence[int]) -> Mask:
    """Return where a mask over `variables` is true for some state of those not in `kept`, axes as in `kept`."""
    inside = set(kept)
    left = [v for v in variables if v in inside]
    seen = mask.any(axis=tuple(axis for axis, v in enumerate(variables) if v not in inside))
    projected: Mask = np.asarray(seen).transpose([left.index(v) for v in kept])
    return projected
