"""The derivative of log P(evidence) by every entry of every potential, by one pass back through the tables.

P(e) is linear in each entry, so its derivative is the sum, over the table the entry lives in, of the product of
everything else. No step divides, hence the derivative is right where an entry is zero too.

References
----------
Darwiche, A. (2003). A differential approach to inference in Bayesian networks. J. ACM 50(3), 280-305.
"""

from __future__ import annotations

__all__ = ["Gradient", "differentiate"]

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine.arithmetic import LOGARITHMIC, Arithmetic
from toetwitch.engine.factors import Evidence, build_factor, contribution, join, running
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
    for index, by_class in _by_contribution(piece, sensitivity, noisy, evidence, arithmetic):
        total = collected[piece.potential][index]
        _share_row(noisy.terms[index], noisy.child, piece.raised, by_class, evidence, arithmetic, total)


def _by_contribution(
    piece: Link, sensitivity: Array, noisy: NoisyMax, evidence: Evidence, arithmetic: Arithmetic
) -> Iterator[tuple[int, Array]]:
    """Yield each term with the derivative by its distribution over the classes, shape ([parent], classes, lanes).

    A link is the distribution of a maximum: of one contribution h and of all others, o. So the derivative by h(t) is
    that by the link at t, times P(o <= t), and that at each s > t, times P(o = s). Nothing is subtracted.
    """
    raised = evidence.states[noisy.child] if piece.raised else None
    if piece.raised and piece.last:
        # Only the upper class is left of the table.
        lower = arithmetic.lift(np.zeros_like(sensitivity))
        sensitivity = np.stack([lower, sensitivity], axis=-2)
    here = None
    if piece.term is not None:
        here = contribution(noisy.terms[piece.term], raised, evidence, arithmetic, observed=False)
    if piece.term is not None and not piece.first:
        yield piece.term, _by_step(sensitivity, arithmetic)
        return
    known = [contribution(noisy.terms[index], raised, evidence, arithmetic, observed=True) for index in piece.constants]
    others: list[Array | None] = [None, *itertools.accumulate(known, lambda left, right: join(left, right, arithmetic))]
    if piece.term is not None:
        yield piece.term, _by_maximum(others[-1], sensitivity, arithmetic)
    after = here
    for place in range(len(known) - 1, -1, -1):
        rest = after if place == 0 else others[place] if after is None else join(others[place], after, arithmetic)
        by_class = _by_maximum(rest, sensitivity, arithmetic)
        yield piece.constants[place], by_class if here is None else arithmetic.sum(by_class)
        after = known[place] if after is None else join(known[place], after, arithmetic)


def _by_maximum(others: Array | None, sensitivity: Array, arithmetic: Arithmetic) -> Array:
    if others is None:
        return sensitivity
    up_to = running(others, arithmetic)
    classes = []
    for at in range(sensitivity.shape[-2]):
        total = arithmetic.multiply(sensitivity[..., at, :], up_to[at])
        for above in range(at + 1, sensitivity.shape[-2]):
            total = arithmetic.add(total, arithmetic.multiply(sensitivity[..., above, :], others[..., above, :]))
        classes.append(total)
    return np.stack(np.broadcast_arrays(*classes), axis=-2)


def _by_step(sensitivity: Array, arithmetic: Arithmetic) -> Array:
    """Return the derivative by a contribution joined to a lower variable, from shape (parent, lower, upper, lanes)."""
    classes = []
    for at in range(sensitivity.shape[-2]):
        total = sensitivity[:, 0, at]
        for lower in range(1, sensitivity.shape[-2]):
            total = arithmetic.add(total, sensitivity[:, lower, max(lower, at)])
        classes.append(total)
    return np.stack(classes, axis=-2)


def _share_row(
    term: Term, child: int, raised: bool, by_class: Array, evidence: Evidence, arithmetic: Arithmetic, total: Array
) -> None:
    """Add the derivative by classes to the entries; all states below an observed one share the lower class."""
    share = arithmetic.lower(by_class)[..., 0]
    if raised:
        state = int(evidence.states[child][0])
        below = np.repeat(share[..., :1], state, axis=-1)
        share = np.concatenate([below, share[..., 1:]], axis=-1)
    place: tuple[Any, ...] = (slice(None),) * (share.ndim - 1)
    if term.parent is not None and share.ndim == 1:
        place = (int(evidence.states[term.parent][0]),)
    total[(*place, slice(0, share.shape[-1]))] += share
