"""The two kinds of factor that a network is made of: dense tables and noisy-max nodes.

A potential is a non-negative function of a few integer variables. `Dense` stores it entry by entry. `NoisyMax` stores
the independent contributions of which a graded effect is the maximum, so its size grows with the sum of its parents'
sizes and not with their product.

Any `values` may carry one extra trailing axis, the parameter *lanes*: variants of the same table, answered side by
side.

References
----------
Diez, F. J. (1993). Parameter adjustment in Bayes networks: the generalized noisy OR-gate. UAI, 99-105.
"""

from __future__ import annotations

__all__ = ["Dense", "NoisyMax", "Potential", "Term"]

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from toetwitch.errors import TableError

ROW_TOLERANCE = 1e-9
"""A contribution's row may miss one by this much: the rounding of an intercept solved to double precision, no more."""


@dataclass(frozen=True, slots=True, eq=False)
class Dense:
    """A table over `scope`: `values[i, j, ...]` is the potential where the first variable is in state i, and so on.

    Parameters
    ----------
    scope
        Distinct variables, in the order of the axes of `values`.
    values
        Non-negative and finite, shape = sizes of the scope, with at most one trailing lane axis.

    Raises
    ------
    TableError
        When an entry is negative or not finite, or the axes do not fit the scope.

    Examples
    --------
    >>> Dense((0,), [0.3, 0.7]).values
    array([0.3, 0.7])
    """

    scope: tuple[int, ...]
    values: NDArray[np.float64]

    def __post_init__(self) -> None:
        object.__setattr__(self, "scope", tuple(int(variable) for variable in self.scope))
        object.__setattr__(self, "values", _frozen(self.values, f"dense table over {self.scope}"))
        if len(set(self.scope)) != len(self.scope):
            raise TableError(f"dense table over {self.scope}: a variable occurs twice; expected distinct variables")
        if self.values.ndim not in (len(self.scope), len(self.scope) + 1):
            raise TableError(
                f"dense table over {self.scope} has {self.values.ndim} axes; expected {len(self.scope)}, "
                f"or {len(self.scope) + 1} with a trailing lane axis"
            )

    def tiled(self, times: int) -> Dense:
        """Return the table with its lanes, if it has any, repeated `times` over."""
        return Dense(self.scope, _tiled(self.values, len(self.scope), times))

    def part(self, start: int, stop: int) -> Dense:
        """Return the table with some of its lanes, if it has any."""
        return Dense(self.scope, _part(self.values, len(self.scope), start, stop))


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """One independent contribution to a noisy-max child.

    Parameters
    ----------
    parent
        The variable that this contribution depends on, or None for the leak.
    values
        `values[i]` is the distribution of the contribution over the child's states while the parent is in state i;
        for the leak, one such distribution. At most one trailing lane axis.

    Raises
    ------
    TableError
        When an entry is negative or not finite, or the number of axes is wrong.

    Examples
    --------
    >>> Term(0, [[1.0, 0.0], [0.4, 0.6]]).values.shape
    (2, 2)
    """

    parent: int | None
    values: NDArray[np.float64]

    def __post_init__(self) -> None:
        object.__setattr__(self, "parent", None if self.parent is None else int(self.parent))
        object.__setattr__(self, "values", _frozen(self.values, self._place()))
        if self.values.ndim not in (self.axes, self.axes + 1):
            raise TableError(
                f"{self._place()} has {self.values.ndim} axes; expected {self.axes}, "
                f"or {self.axes + 1} with a trailing lane axis"
            )

    @property
    def axes(self) -> int:
        """Number of axes of `values` without the lane axis."""
        return 1 if self.parent is None else 2

    def tiled(self, times: int) -> Term:
        """Return the contribution with its lanes, if it has any, repeated `times` over."""
        return Term(self.parent, _tiled(self.values, self.axes, times))

    def part(self, start: int, stop: int) -> Term:
        """Return the contribution with some of its lanes, if it has any."""
        return Term(self.parent, _part(self.values, self.axes, start, stop))

    def _place(self) -> str:
        return "leak" if self.parent is None else f"contribution of parent {self.parent}"


@dataclass(frozen=True, slots=True, eq=False)
class NoisyMax:
    """A child that is the maximum of independent contributions; with two states, a noisy-OR.

    P(child <= s | parents) is the product over the terms of P(contribution <= s | parent).

    Parameters
    ----------
    child
        The variable whose distribution this is.
    terms
        The contributions: distinct parents, at most one leak, none of them the child.

    Raises
    ------
    TableError
        When a parent occurs twice, the child is its own parent, there is no term, or a row does not sum to one.

    Examples
    --------
    >>> node = NoisyMax(2, (Term(None, [0.9, 0.1]), Term(0, [[1, 0], [0.5, 0.5]]), Term(1, [[1, 0], [0.2, 0.8]])))
    >>> node.parents
    (None, 0, 1)
    """

    child: int
    terms: tuple[Term, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "child", int(self.child))
        object.__setattr__(self, "terms", tuple(self.terms))
        if not self.terms:
            raise TableError(f"noisy-max child {self.child} has no term; expected at least a leak")
        if len(set(self.parents)) != len(self.parents) or self.child in self.parents:
            raise TableError(
                f"noisy-max child {self.child} has parents {self.parents}; expected distinct ones, not the child"
            )
        for term in self.terms:
            self._check_rows(term)

    @property
    def parents(self) -> tuple[int | None, ...]:
        """The parent of each term; None stands for the leak."""
        return tuple(term.parent for term in self.terms)

    def tiled(self, times: int) -> NoisyMax:
        """Return the node with the lanes of its terms, if they have any, repeated `times` over."""
        return NoisyMax(self.child, tuple(term.tiled(times) for term in self.terms))

    def part(self, start: int, stop: int) -> NoisyMax:
        """Return the node with some of the lanes of its terms, if they have any."""
        return NoisyMax(self.child, tuple(term.part(start, stop) for term in self.terms))

    def _check_rows(self, term: Term) -> None:
        sums = term.values.sum(axis=term.axes - 1)
        worst = float(sums.flat[np.argmax(np.abs(sums - 1.0))])
        if abs(worst - 1.0) > ROW_TOLERANCE:
            raise TableError(f"noisy-max child {self.child}, {term._place()}: a row sums to {worst:.12g}; expected 1")


Potential: TypeAlias = Dense | NoisyMax


def _frozen(values: NDArray[np.float64] | Sequence[float], place: str) -> NDArray[np.float64]:
    array = np.array(values, dtype=np.float64, order="C")
    if not np.isfinite(array).all() or (array < 0).any():
        bad = array[~(np.isfinite(array) & (array >= 0))].flat[0]
        raise TableError(f"{place}: entry {bad!r}; expected a finite number, zero or more")
    array.flags.writeable = False
    return array


def _tiled(values: NDArray[np.float64], axes: int, times: int) -> NDArray[np.float64]:
    return np.concatenate([values] * times, axis=-1) if values.ndim > axes else values


def _part(values: NDArray[np.float64], axes: int, start: int, stop: int) -> NDArray[np.float64]:
    return values[..., start:stop] if values.ndim > axes and values.shape[-1] > 1 else values
