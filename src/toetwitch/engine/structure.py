"""What a planner may see of a network: sizes and shapes, never an entry.

Whether a table sums to one along an axis is part of its shape here, because it decides what may be pruned: a variable
that nothing else mentions disappears with its table when, and only when, the table sums to one over it.
"""

from __future__ import annotations

__all__ = ["DenseShape", "NoisyMaxShape", "Pattern", "Shape", "Structure", "noisy_children", "shape_of", "structure_of"]

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from toetwitch.engine.potentials import Dense, Potential
from toetwitch.errors import TableError

SUM_TOLERANCE = 1e-12
"""A table counts as summing to one when it does so to this; pruning it then moves no answer by more."""


@dataclass(frozen=True, slots=True)
class DenseShape:
    """The scope of a dense table, and the variables over which it sums to one."""

    scope: tuple[int, ...]
    normalised: frozenset[int]

    @property
    def variables(self) -> tuple[int, ...]:
        """Every variable that the potential mentions."""
        return self.scope


@dataclass(frozen=True, slots=True)
class NoisyMaxShape:
    """The child of a noisy-max node and the parent of each of its terms (None: the leak)."""

    child: int
    parents: tuple[int | None, ...]

    @property
    def variables(self) -> tuple[int, ...]:
        """Every variable that the potential mentions."""
        return (*(parent for parent in self.parents if parent is not None), self.child)

    @property
    def normalised(self) -> frozenset[int]:
        """The variables over which the potential sums to one: the child."""
        return frozenset({self.child})


Shape: TypeAlias = DenseShape | NoisyMaxShape


@dataclass(frozen=True, slots=True)
class Structure:
    """Sizes of the variables and shapes of the potentials."""

    sizes: tuple[int, ...]
    shapes: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a question asks, without the answers given: the key under which a plan is kept.

    Attributes
    ----------
    hard
        Observed variables, ascending.
    raised
        Those of them that are noisy-max children observed above their lowest state. At the lowest state a noisy-max
        falls apart into one factor per parent, so the two cases need different plans.
    soft
        Variables with likelihood weights, ascending.
    targets
        Variables whose posterior is wanted, ascending.
    together
        Variables whose joint posterior is wanted.
    """

    hard: tuple[int, ...] = ()
    raised: frozenset[int] = frozenset()
    soft: tuple[int, ...] = ()
    targets: tuple[int, ...] = ()
    together: tuple[int, ...] = ()


def structure_of(sizes: Sequence[int], potentials: Sequence[Potential]) -> Structure:
    """Return the shapes of `potentials`, having checked that they fit `sizes`.

    Raises
    ------
    TableError
        When a variable does not exist or an axis has the wrong length.
    """
    return Structure(
        tuple(sizes), tuple(shape_of(sizes, place, potential) for place, potential in enumerate(potentials))
    )


def shape_of(sizes: Sequence[int], place: int, potential: Potential) -> Shape:
    """Return the shape of one potential, having checked that it fits `sizes`."""
    if isinstance(potential, Dense):
        _check_axes(sizes, place, potential.scope, potential.values.shape)
        return DenseShape(potential.scope, _normalised(potential))
    for term in potential.terms:
        axes = (potential.child,) if term.parent is None else (term.parent, potential.child)
        _check_axes(sizes, place, axes, term.values.shape)
    return NoisyMaxShape(potential.child, potential.parents)


def _check_axes(sizes: Sequence[int], place: int, scope: tuple[int, ...], shape: tuple[int, ...]) -> None:
    for variable in scope:
        if not 0 <= variable < len(sizes):
            raise TableError(f"potential {place}: variable {variable} does not exist; expected 0 to {len(sizes) - 1}")
    expected = tuple(sizes[variable] for variable in scope)
    if shape[: len(scope)] != expected:
        raise TableError(f"potential {place} over {scope} has shape {shape}; expected {expected}")


def _normalised(potential: Dense) -> frozenset[int]:
    return frozenset(
        variable
        for axis, variable in enumerate(potential.scope)
        if np.abs(potential.values.sum(axis=axis) - 1.0).max(initial=0.0) <= SUM_TOLERANCE
    )


def noisy_children(structure: Structure) -> frozenset[int]:
    """Return the variables that are the child of a noisy-max potential."""
    return frozenset(shape.child for shape in structure.shapes if isinstance(shape, NoisyMaxShape))
