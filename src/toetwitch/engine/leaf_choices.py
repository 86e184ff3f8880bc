"""Unobserved noisy-max leaves: each takes its own best state once all its parents are known, and a bound until then.

For a leaf, the largest probability of a state is at most G(z), where z is the probability of its lowest state, a
product over the parents, and G is convex. On the range of z that the parents still allow, the chord lies above G; its
logarithm lies below a line in log z, and a line in log z is a product over the parents. So a leaf is bounded by one
factor for each parent, which leaves the plan of the rest as small as it is without the leaf.
"""

from __future__ import annotations

__all__ = ["Leaf", "best_first", "find_leaves", "leaf_bound", "leaf_rows"]

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine.assignment_weight import log_entry
from toetwitch.engine.potentials import Dense, NoisyMax, Potential
from toetwitch.engine.structure import NoisyMaxShape, Structure

Array = NDArray[np.float64]
Allowed = Mapping[int, NDArray[np.intp]]
LOWEST_LOG = -40.0
"""Where a parent makes the lowest state impossible its logarithm stops here: G moves by less than rounding below."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A variable that no table but its own mentions.

    Attributes
    ----------
    variable
        The leaf.
    noisy
        Index of its noisy-max, or of that of the hidden variable that drives it.
    table
        Index of the table over the drive, inhibitors and leaf; -1 when the noisy-max is the leaf's own.
    drive
        The hidden variable; -1 without.
    """

    variable: int
    noisy: int
    table: int
    drive: int


def find_leaves(structure: Structure, count: int, taken: Collection[int]) -> tuple[Leaf, ...]:
    """Return the leaves among the variables below `count` that are not in `taken` (observed or weighted)."""
    mentions: dict[int, list[int]] = {}
    for index, shape in enumerate(structure.shapes):
        for v in shape.variables:
            mentions.setdefault(v, []).append(index)
    found = []
    for v in range(count):
        if v in taken or len(mentions.get(v, ())) != 1:
            continue
        (index,) = mentions[v]
        shape = structure.shapes[index]
        if isinstance(shape, NoisyMaxShape):
            if shape.child == v:
                found.append(Leaf(v, index, -1, -1))
            continue
        drives = [h for h in shape.variables if h >= count]
        if len(drives) == 1 and v in shape.normalised and structure.sizes[drives[0]] == 2:
            others = [other for other in mentions[drives[0]] if other != index]
            above = structure.shapes[others[0]] if len(others) == 1 else shape
            if isinstance(above, NoisyMaxShape) and above.child == drives[0]:
                found.append(Leaf(v, others[0], index, drives[0]))
    return tuple(found)


def leaf_rows(leaf: Leaf, potentials: Sequence[Potential], size: int, states: Mapping[int, int]) -> Array:
    """Return the natural logarithm of P(state | parents) for each state of a leaf."""
    noisy = potentials[leaf.noisy]
    if leaf.table < 0:
        return np.array([log_entry(noisy, {**states, leaf.variable: s}) for s in range(size)])
    table = potentials[leaf.table]
    drive = [log_entry(noisy, {**states, leaf.drive: d}) for d in range(2)]
    return np.array(
        [
            np.logaddexp.reduce(
                [drive[d] + log_entry(table, {**states, leaf.drive: d, leaf.variable: s}) for d in range(2)]
            )
            for s in range(size)
        ]
    )


def leaf_bound(
    leaf: Leaf, potentials: Sequence[Potential], sizes: Sequence[int], allowed: Allowed
) -> tuple[float, dict[int, Array]]:
    """Return a constant and log factors of parents, which together are at least the leaf's largest log probability.

    Parameters
    ----------
    leaf, potentials, sizes
        Without lanes.
    allowed
        States that each other variable may still take; a single one for those observed.
    """
    noisy = potentials[leaf.noisy]
    assert isinstance(noisy, NoisyMax)
    table = potentials[leaf.table] if leaf.table >= 0 else None
    own = (leaf.variable, leaf.drive)
    parents = {p for p in noisy.parents if p is not None}
    if isinstance(table, Dense):
        parents |= {v for v in table.scope if v not in own}
    if all(len(allowed[p]) == 1 for p in parents):
        states = {p: int(allowed[p][0]) for p in parents}
        return float(leaf_rows(leaf, potentials, sizes[leaf.variable], states).max()), {}
    highest = lowest = leak = 0.0
    logs: dict[int, Array] = {}
    for term in noisy.terms:
        with np.errstate(divide="ignore"):
            row = np.maximum(np.log(term.values[..., 0]), LOWEST_LOG)
        if term.parent is None:
            leak = float(row)
            continue
        some = row[allowed[term.parent]]
        highest += float(some.max())
        lowest += float(some.min())
        logs[term.parent] = row
    highest, lowest = highest + leak, lowest + leak
    ends = _ends(leaf, table, allowed)
    top, bottom = _largest(ends, math.exp(highest)), _largest(ends, math.exp(lowest))
    if highest - lowest < 1e-12:
        return math.log(max(top, bottom)) + 1e-12, {}
    chord = (top - bottom) / (math.exp(highest) - math.exp(lowest))
    if chord * (top - chord * math.exp(highest)) >= 0:
        # The logarithm of the chord is convex in log z, so its own chord lies above it ...
        slope = (math.log(top) - math.log(bottom)) / (highest - lowest)
    else:
        # ... or concave, and its tangent does.
        slope = chord * math.exp(highest) / top
    return math.log(top) + slope * (leak - highest), {p: slope * row for p, row in logs.items()}


def _ends(leaf: Leaf, table: Potential | None, allowed: Allowed) -> Array:
    """Return, for each state of the leaf and each state of what may hold it back, its chance at z = 1 and at z = 0."""
    if not isinstance(table, Dense):
        return np.array([[1.0, 0.0], [0.0, 1.0]])
    axes = {v: axis for axis, v in enumerate(table.scope)}
    moved = np.moveaxis(table.values, axes[leaf.drive], 0)
    rest = [v for v in table.scope if v != leaf.drive]
    for axis, v in enumerate(rest):
        if v != leaf.variable:
            moved = np.take(moved, allowed[v], axis=axis + 1)
    return moved.reshape(2, -1).T


def _largest(ends: Array, z: float) -> float:
    return float((ends[:, 0] * z + ends[:, 1] * (1.0 - z)).max())


def best_first(rows: Sequence[Array], most: int) -> list[tuple[float, tuple[int, ...]]]:
    """Return the `most` largest sums of one entry from each row, with the entries' places."""
    found: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    for row in rows:
        longer = [
            (value + float(row[s]), (*states, s))
            for (value, states), s in itertools.product(found, range(len(row)))
            if row[s] > -math.inf
        ]
        longer.sort(key=lambda one: (-one[0], one[1]))
        found = longer[:most]
    return found
