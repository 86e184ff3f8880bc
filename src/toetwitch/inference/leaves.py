"""Findings that can be written as signed sums: noisy-MAX variables that no table needs but those of other findings."""

from __future__ import annotations

__all__ = ["Leaf", "find_leaves"]

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine import Dense, NoisyMax
from toetwitch.inference.resolution import Resolved

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """A finding that takes part in the sum.

    Parameters
    ----------
    index
        The variable.
    noisy
        Its noisy-MAX, or that of its hidden drive.
    passes
        Variable to the chance that it does not hold the finding back, shape (states,); empty for a plain noisy-MAX.
    size
        States of the finding.
    """

    index: int
    noisy: NoisyMax
    passes: Mapping[int, Array]
    size: int

    @property
    def parents(self) -> list[int]:
        """The variables that can bring it about, its background's context among them."""
        return [term.parent for term in self.noisy.terms if term.parent is not None]


def find_leaves(resolved: Resolved) -> dict[int, Leaf]:
    """Return the findings: noisy-MAX variables that no table needs but those of other findings."""
    found: dict[int, Leaf] = {}
    count = len(resolved.sizes) - len(resolved.hidden)
    needed: set[int] = set()
    for i, potential in enumerate(resolved.potentials[:count]):
        if isinstance(potential, NoisyMax):
            found[i] = Leaf(i, potential, {}, resolved.sizes[i])
        elif potential.scope and potential.scope[0] >= count:
            leaf = _held_back(resolved, i, potential)
            if leaf is not None:
                found[i] = leaf
            else:
                needed.update(potential.scope)
        else:
            needed.update(j for j in potential.scope if j != i)
    while True:
        gone = {i for i in found if i in needed}
        if not gone:
            return found
        for i in gone:
            leaf = found.pop(i)
            needed.update((*leaf.parents, *leaf.passes))


def _held_back(resolved: Resolved, i: int, table: Dense) -> Leaf | None:
    """Return a finding that one cause or several can hold back, when its table is their product."""
    drive = resolved.potentials[table.scope[0]]
    names = table.scope[1:-1]
    passing = table.values[1, ..., 1]
    vectors = {}
    for axis, name in enumerate(names):
        vectors[name] = np.moveaxis(passing, axis, 0).reshape(passing.shape[axis], -1)[:, 0]
    product = np.ones_like(passing)
    for axis, vector in enumerate(vectors.values()):
        product = product * vector.reshape([-1 if a == axis else 1 for a in range(len(names))])
    if not isinstance(drive, NoisyMax) or not np.array_equal(product, passing):
        return None
    return Leaf(i, drive, vectors, 2)
