"""The derivative of log P(evidence) by every entry of every potential, by one pass back through the tables.

P(e) is linear in each entry, so its derivative is the sum, over the table the entry lives in, of the product of
everything else. No step divides, hence the derivative is right where an entry is zero too.

References
----------
Darwiche, A. (2003). A differential approach to inference in Bayesian networks. J. ACM 50(3), 280-305.
"""

from __future__ import annotations

__all__ = ["Gradient", "differentiate"]

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine.arithmetic import LOGARITHMIC, Arithmetic
from toetwitch.engine.factors import Evidence, build_factor
from toetwitch.engine.kernels import Upward, marginal
from toetwitch.engine.potentials import Dense, NoisyMax, Potential, Term
from toetwitch.engine.program import Program
from toetwitch.engine.reduction import Link, Maximum, Piece, Slice, Survival, Weights

Array = NDArray[np.float64]
Gradient: TypeAlias = tuple[Array | tuple[Array, ...], ...]


def differentiate(
    program: Program,
    state: Upward,
    potentials: Sequence[Potential],
    evidence: Evidence,
    arithmetic: Arithmetic,
) -> Gradient:
    """Return d log P(e) / d entry: an array per dense table, a tuple of arrays (one a term) per noisy-max.

    Parameters
    ----------
    program, state, potentials, evidence, arithmetic
        A finished single-lane upward pass over possible evidence, and what it ran on.
    """
    collected: list[list[Array]] = [
        [np.zeros_like(potential.values)]
        if isinstance(potential, Dense)
        else [np.zeros_like(term.values) for term in potential.terms]
        for potential in potentials
    ]
    plan = program.plan
    for index, sensitivity in _piece_sensitivities(program, state, potentials, evidence, arithmetic):
        _share_out(plan.pieces[index], sensitivity, potentials, evidence, arithmetic, collected)
    for index in plan.scalars:
        piece = plan.pieces[index]
        value = build_factor(piece, potentials, evidence, LOGARITHMIC)
        if not isinstance(piece, Weights):
            _share_out(piece, -value, potentials, evidence, LOGARITHMIC, collected)
    return tuple(
        arrays[0] if isinstance(potential, Dense) else tuple(arrays)
        for potential, arrays in zip(potentials, collected, strict=True)
    )


def _piece_sensitivities(
    program: Program, state: Upward, potentials: Sequence[Potential], evidence: Evidence, arithmetic: Arithmetic
) -> list[tuple[int, Array]]:
    """Return d log P / d factor for each piece with a variable, on the piece's own axes."""
    plan = program.plan
    children: list[list[int]] = [[] for _ in plan.cliques]
    for number, clique in enumerate(plan.cliques):
        if clique.parent >= 0:
            children[clique.parent].append(number)
    from_above: list[Array | None] = [None] * len(plan.cliques)
    found: list[tuple[int, Array]] = []
    for number in reversed(range(len(plan.cliques))):
        clique = plan.cliques[number]
        if clique.parent < 0:
            one = np.full(state.messages[number].shape, arithmetic.one)
            above = arithmetic.divide(one, state.messages[number])
        else:
            inherited = from_above[number]
            assert inherited is not None
            above = inherited
        above = arithmetic.shift(above, -state.exponents[number])
        own = [index for index in clique.pieces if not isinstance(plan.pieces[index], Weights | Maximum)]
        weights = [index for index in clique.pieces if index not in own]
        factors = [
            program.piece_axes[index].spread(build_factor(plan.pieces[index], potentials, evidence, arithmetic))
            for index in (*own, *weights)
        ]
        factors += [program.message_axes[child].spread(state.messages[child]) for child in children[number]]
        rest = _all_but_one(factors, above, state.tables[number].shape, arithmetic)
        for index, table in zip(own, rest, strict=False):
            found.append((index, marginal(table, clique.variables, plan.pieces[index].scope, arithmetic)))
        for child, table in zip(children[number], rest[len(clique.pieces) :], strict=True):
            from_above[child] = marginal(table, clique.variables, plan.cliques[child].separator, arithmetic)
    return found


def _all_but_one(factors: Sequence[Array], above: Array, shape: tuple[int, ...], arithmetic: Arithmetic) -> list[Array]:
    """Return for each factor the product of `above` and all other factors, without dividing."""
    before = [above]
    for factor in factors[:-1]:
        before.append(arithmetic.multiply(before[-1], factor))
    products: list[Array] = []
    after: Array | None = None
    for factor, product in zip(reversed(factors), reversed(before), strict=False):
        whole = product if after is None else arithmetic.multiply(product, after)
        products.append(np.broadcast_to(whole, shape))
        after = factor if after is None else arithmetic.multiply(after, factor)
    return products[::-1]


def _share_out(
    piece: Piece,
    sensitivity: Array,
    potentials: Sequence[Potential],
    evidence: Evidence,
    arithmetic: Arithmetic,
    collected: list[list[Array]],
) -> None:
    """Pass d log P / d factor on to the entries that the factor was built from."""
    if isinstance(piece, Slice):
        dense = potentials[piece.potential]
        assert isinstance(dense, Dense)
        place = tuple(slice(None) if v in piece.scope else int(evidence.states[v][0]) for v in dense.scope)
        collected[piece.potential][0][place] += arithmetic.lower(sensitivity)[..., 0]
        return
    if isinstance(piece, Weights | Maximum):
        return
    noisy = potentials[piece.potential]
    assert isinstance(noisy, NoisyMax)
    if isinstance(piece, Survival):
        term = noisy.terms[piece.term]
        row: tuple[int | slice, ...] = ()
        if term.parent is not None:
            row = (slice(None),) if piece.scope else (int(evidence.states[term.parent][0]),)
        collected[piece.potential][piece.term][(*row, 0)] += arithmetic.lower(sensitivity)[..., 0]
        return
    for index in (*piece.constants, *(() if piece.term is None else (piece.term,))):
        collected[piece.potential][index] += _term_gradient(
            piece, index, sensitivity, noisy, potentials, evidence, arithmetic
        )


def _term_gradient(
    piece: Link,
    index: int,
    sensitivity: Array,
    noisy: NoisyMax,
    potentials: Sequence[Potential],
    evidence: Evidence,
    arithmetic: Arithmetic,
) -> Array:
    """Return the derivative by one term's entries: a link is linear in them, unit contributions give coefficients."""
    term = noisy.terms[index]
    gradient = np.zeros_like(term.values)
    free = index == piece.term
    for state in range(term.values.shape[-1]):
        unit = np.zeros_like(term.values)
        unit[..., state] = 1.0
        varied = list(potentials)
        varied[piece.potential] = _with_term(noisy, index, unit)
        coefficient = arithmetic.multiply(build_factor(piece, varied, evidence, arithmetic), sensitivity)
        axis = 1 if free else 0
        flat = coefficient.reshape(*coefficient.shape[:axis], -1)
        share = arithmetic.lower(arithmetic.sum(np.moveaxis(flat, -1, 0)))
        if term.parent is None:
            gradient[state] = share
        elif free:
            gradient[:, state] = share
        else:
            gradient[int(evidence.states[term.parent][0]), state] = share
    return gradient


def _with_term(noisy: NoisyMax, index: int, values: Array) -> NoisyMax:
    terms = list(noisy.terms)
    terms[index] = Term(terms[index].parent, values)
    return NoisyMax(noisy.child, tuple(terms))
