"""The two passes over a compiled plan, in NumPy: towards the roots, and back.

Upward, each clique multiplies its factors and its children's messages, sums its residual variables out and sends the
rest on. Downward, each clique rescales its table by what its parent knows beyond what it was told. After both, every
table holds the joint posterior of its variables.

References
----------
Jensen, F. V., Lauritzen, S. L. & Olesen, K. G. (1990). Bayesian updating in causal probabilistic networks by local
computations. Computational Statistics Quarterly 4, 269-282.
"""

from __future__ import annotations

__all__ = ["Axes", "Upward", "downward", "layout", "marginal", "upward"]

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine.arithmetic import LOG_2, Arithmetic, Exponents
from toetwitch.engine.plan import Plan

Array = NDArray[np.float64]
Entry = TypeVar("Entry", bound=np.generic)
SAFE_FLOOR = -960.0
"""Doubles reach down to 2**-1022; products above this floor keep every digit, with room for the sums."""


@dataclass(frozen=True, slots=True)
class Axes:
    """How an array over some variables lies inside a clique's table.

    Attributes
    ----------
    order
        Permutation that brings the array's axes into the table's order (lanes stay last).
    shape
        The array's shape among the table's axes: ones where it does not vary.
    """

    order: tuple[int, ...]
    shape: tuple[int, ...]

    def spread(self, array: NDArray[Entry]) -> NDArray[Entry]:
        """Return a view of `array` that broadcasts against the table."""
        return array.transpose(*self.order, len(self.order)).reshape(*self.shape, array.shape[-1])


def layout(variables: Sequence[int], table: Sequence[int], sizes: Sequence[int]) -> Axes:
    """Return how an array over `variables` lies inside a table over `table`."""
    place = {variable: axis for axis, variable in enumerate(table)}
    order = sorted(range(len(variables)), key=lambda axis: place[variables[axis]])
    inside = set(variables)
    return Axes(tuple(order), tuple(sizes[v] if v in inside else 1 for v in table))


@dataclass(frozen=True, slots=True)
class Upward:
    """The state after the upward pass.

    Attributes
    ----------
    tables
        Product of each clique, shape (sizes of the clique, lanes).
    messages
        What each clique sent, scaled, shape (sizes of the separator, lanes).
    exponents
        Power of two taken out of each message, shape (lanes,).
    log_evidence
        Natural logarithm of the total, shape (lanes,).
    sound
        False when some product may have left the range of a double; the answer must then come from logarithms.
    """

    tables: list[Array]
    messages: list[Array]
    exponents: list[Exponents]
    log_evidence: Array
    sound: bool


def upward(
    plan: Plan,
    inbox: Sequence[Sequence[Array]],
    message_axes: Sequence[Axes],
    lanes: int,
    arithmetic: Arithmetic,
    floors: Sequence[float] | None = None,
) -> Upward:
    """Run the pass towards the roots.

    Parameters
    ----------
    plan
        The plan.
    inbox
        Factors of each clique, spread over its axes.
    message_axes
        How each clique's message lies inside its parent's table.
    lanes
        Number of lanes of the answer.
    arithmetic
        How numbers are represented.
    floors
        For each clique, a lower bound on the base-two logarithm of the positive entries of the product of its factors.
        When given, messages are scaled, their range is measured, and `sound` tells whether it stayed safe.
    """
    factors = [list(own) for own in inbox]
    depth = None if floors is None else list(floors)
    tables: list[Array] = []
    messages: list[Array] = []
    exponents: list[Exponents] = []
    log_evidence = np.zeros(lanes)
    shifts = np.zeros(lanes, dtype=np.intc)
    still = np.zeros(1, dtype=np.intc)
    sound = True
    for index, clique in enumerate(plan.cliques):
        shape = tuple(plan.sizes[v] for v in clique.variables)
        table = _product(factors[index], shape, arithmetic)
        factors[index] = []
        kept = shape[len(clique.residual) :]
        summed = arithmetic.sum(table.reshape(-1, math.prod(kept), table.shape[-1]))
        message, exponent = (summed, still) if depth is None else arithmetic.scale(summed)
        shifts = shifts + exponent
        if depth is not None:
            sound = sound and depth[index] >= SAFE_FLOOR
            positive = message[message > 0]
            if clique.parent >= 0 and positive.size:
                depth[clique.parent] += float(np.log2(positive.min()))
        message = message.reshape(*kept, table.shape[-1])
        if clique.parent >= 0:
            factors[clique.parent].append(message_axes[index].spread(message))
        else:
            log_evidence = log_evidence + arithmetic.log(message)
        tables.append(table)
        messages.append(message)
        exponents.append(exponent)
    return Upward(tables, messages, exponents, log_evidence + shifts * LOG_2, sound)


def _product(factors: Sequence[Array], shape: tuple[int, ...], arithmetic: Arithmetic) -> Array:
    if not factors:
        return np.full((*shape, 1), arithmetic.one)
    lanes = max(factor.shape[-1] for factor in factors)
    table = np.empty((*shape, lanes))
    if len(factors) == 1:
        table[...] = factors[0]
        return table
    arithmetic.multiply(factors[0], factors[1], out=table)
    for factor in factors[2:]:
        arithmetic.multiply(table, factor, out=table)
    return table


def downward(
    plan: Plan, state: Upward, message_axes: Sequence[Axes], needed: Sequence[bool], arithmetic: Arithmetic
) -> list[Array]:
    """Run the pass away from the roots; return each needed clique's posterior table, others as they were."""
    beliefs = list(state.tables)
    children: list[list[int]] = [[] for _ in plan.cliques]
    for index, clique in enumerate(plan.cliques):
        if clique.parent >= 0:
            children[clique.parent].append(index)
    for index in reversed(range(len(plan.cliques))):
        clique = plan.cliques[index]
        if not needed[index]:
            continue
        if clique.parent < 0:
            rescale = arithmetic.divide(np.full(state.messages[index].shape, arithmetic.one), state.messages[index])
        else:
            parent = plan.cliques[clique.parent]
            told = marginal(beliefs[clique.parent], parent.variables, clique.separator, arithmetic)
            rescale = arithmetic.divide(told, state.messages[index])
        beliefs[index] = arithmetic.multiply(state.tables[index], arithmetic.shift(rescale, -state.exponents[index]))
    return beliefs


def marginal(table: Array, variables: Sequence[int], kept: Sequence[int], arithmetic: Arithmetic) -> Array:
    """Sum a table over `variables` down to `kept`, axes in the order of `kept`, lanes last."""
    place = {variable: axis for axis, variable in enumerate(variables)}
    inside = set(kept)
    out = [axis for axis, variable in enumerate(variables) if variable not in inside]
    shape = [table.shape[place[v]] for v in kept]
    if not out:
        return table.transpose(*(place[v] for v in kept), len(variables))
    moved = table.transpose(*out, *(place[v] for v in kept), len(variables))
    return arithmetic.sum(moved.reshape(-1, math.prod(shape), table.shape[-1])).reshape(*shape, table.shape[-1])
