"""From potentials and the states observed to the arrays that a plan multiplies.

Each piece of a plan becomes an array with one axis per variable of its scope and the lanes last (length one when all
lanes agree). States may differ from lane to lane.
"""

from __future__ import annotations

__all__ = ["Evidence", "build_factor", "contribution", "join", "restrict", "running"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine.arithmetic import Arithmetic
from toetwitch.engine.potentials import Dense, NoisyMax, Potential, Term
from toetwitch.engine.reduction import Link, Maximum, Piece, Slice, Survival

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The numbers of a question.

    Attributes
    ----------
    states
        State of each observed variable: an integer array, one entry per lane, or one for all.
    weights
        Likelihood weights of each weighted variable, shape (size, lanes) or (size, 1).
    """

    states: Mapping[int, NDArray[np.intp]]
    weights: Mapping[int, Array]


def build_factor(piece: Piece, potentials: Sequence[Potential], evidence: Evidence, arithmetic: Arithmetic) -> Array:
    """Return the array of one piece, axes in the order of its scope, then lanes."""
    if isinstance(piece, Slice):
        potential = potentials[piece.potential]
        assert isinstance(potential, Dense)
        fixed = {axis: evidence.states[v] for axis, v in enumerate(potential.scope) if v not in piece.scope}
        return arithmetic.lift(restrict(potential.values, len(potential.scope), fixed))
    if isinstance(piece, Survival):
        return _survival(piece, _noisy(potentials, piece.potential), evidence, arithmetic)
    if isinstance(piece, Link):
        return _link(piece, _noisy(potentials, piece.potential), evidence, arithmetic)
    if isinstance(piece, Maximum):
        return arithmetic.lift(_maximum(piece))
    weights = evidence.weights[piece.variable]
    if not piece.scope:
        weights = restrict(weights, 1, {0: evidence.states[piece.variable]})
    return arithmetic.lift(weights)


def restrict(values: Array, axes: int, fixed: Mapping[int, NDArray[np.intp]]) -> Array:
    """Fix some axes of a table at given states, lane by lane.

    Parameters
    ----------
    values
        Table with `axes` axes, and perhaps lanes.
    axes
        Number of axes without the lanes.
    fixed
        State of each axis to fix: one for all lanes, or one per lane.

    Returns
    -------
    numpy.ndarray
        The remaining axes, then lanes.
    """
    laned = values if values.ndim > axes else values[..., np.newaxis]
    if not fixed:
        return laned
    moved = np.moveaxis(laned, list(fixed), range(len(fixed)))
    states = np.broadcast_arrays(*fixed.values())
    if states[0].shape[0] == 1:
        picked: Array = moved[tuple(int(state[0]) for state in states)]
        return picked
    place: tuple[Any, ...] = (*states, ..., 0 if laned.shape[-1] == 1 else np.arange(laned.shape[-1]))
    return np.moveaxis(moved[place], 0, -1)


def _noisy(potentials: Sequence[Potential], index: int) -> NoisyMax:
    potential = potentials[index]
    assert isinstance(potential, NoisyMax)
    return potential


def _survival(piece: Survival, noisy: NoisyMax, evidence: Evidence, arithmetic: Arithmetic) -> Array:
    term = noisy.terms[piece.term]
    fixed = {term.axes - 1: np.zeros(1, dtype=np.intp)}
    if term.parent is not None and not piece.scope:
        fixed[0] = evidence.states[term.parent]
    return arithmetic.lift(restrict(term.values, term.axes, fixed))


def _link(piece: Link, noisy: NoisyMax, evidence: Evidence, arithmetic: Arithmetic) -> Array:
    """Return one step of a chain: below[x?, lower?] joined by maximum with this term's contribution."""
    raised = evidence.states[noisy.child] if piece.raised else None
    start = None
    for index in piece.constants:
        start = join(start, contribution(noisy.terms[index], raised, evidence, arithmetic, observed=True), arithmetic)
    if piece.term is None:
        assert start is not None
        return start[1] if piece.raised else start
    here = contribution(noisy.terms[piece.term], raised, evidence, arithmetic, observed=False)
    table = join(start, here, arithmetic) if piece.first else _step(here, arithmetic)
    return table[..., 1, :] if piece.raised and piece.last else table


def _maximum(piece: Maximum) -> Array:
    """Return one where the upper class is the larger of the lower two, else zero."""
    states = np.arange(piece.classes)
    larger = np.maximum(states[:, np.newaxis], states[np.newaxis, :])
    table = (larger[..., np.newaxis] == states).astype(np.float64)
    kept: Array = table[..., -1] if piece.last else table
    return kept[..., np.newaxis]


def contribution(
    term: Term, raised: NDArray[np.intp] | None, evidence: Evidence, arithmetic: Arithmetic, *, observed: bool
) -> Array:
    """Return a term's distribution over the classes of the chain, shape ([parent], classes, lanes)."""
    fixed = {0: evidence.states[term.parent]} if observed and term.parent is not None else {}
    if raised is None:
        return arithmetic.lift(restrict(term.values, term.axes, fixed))
    axis = term.axes - 1
    below = restrict(np.cumsum(term.values, axis=axis), term.axes, {**fixed, axis: raised - 1})
    at = restrict(term.values, term.axes, {**fixed, axis: raised})
    return np.stack(np.broadcast_arrays(arithmetic.lift(below), arithmetic.lift(at)), axis=-2)


def running(table: Array, arithmetic: Arithmetic) -> list[Array]:
    """Return the cumulative sums over the classes (second axis from the end)."""
    sums = [table[..., 0, :]]
    for state in range(1, table.shape[-2]):
        sums.append(arithmetic.add(sums[-1], table[..., state, :]))
    return sums


def join(start: Array | None, here: Array, arithmetic: Arithmetic) -> Array:
    """Distribution of the maximum of a fixed start (classes, lanes) and a contribution ([parent], classes, lanes)."""
    if start is None:
        return here
    below_start = running(start, arithmetic)
    up_to_here = running(here, arithmetic)
    states = []
    for state in range(here.shape[-2]):
        value = arithmetic.multiply(start[state], up_to_here[state])
        if state:
            value = arithmetic.add(value, arithmetic.multiply(below_start[state - 1], here[..., state, :]))
        states.append(value)
    return np.stack(states, axis=-2)


def _step(here: Array, arithmetic: Arithmetic) -> Array:
    """P(upper | parent, lower), shape (parent, lower, upper, lanes)."""
    parents, classes, lanes = here.shape
    up_to_here = running(here, arithmetic)
    zero = arithmetic.lift(np.zeros(()))
    table = np.full((parents, classes, classes, lanes), zero)
    for upper in range(classes):
        table[:, upper, upper] = up_to_here[upper]
        for lower in range(upper):
            table[:, lower, upper] = here[:, upper]
    return table
