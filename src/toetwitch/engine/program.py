"""A plan made ready to run: axis layouts fixed, whatever no evidence can change multiplied once.

A program belongs to one network and one plan. It holds no answer and is never written to after it is made, so threads
share it.
"""

from __future__ import annotations

__all__ = ["Program", "compile_plan", "depth_of", "depths_with", "load", "posterior_tables"]

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine.arithmetic import LOGARITHMIC, PLAIN, Arithmetic
from toetwitch.engine.factors import Evidence, build_factor
from toetwitch.engine.kernels import SAFE_FLOOR, Axes, Upward, downward, layout, marginal, upward
from toetwitch.engine.plan import Plan
from toetwitch.engine.potentials import Dense, Potential
from toetwitch.engine.reduction import Link, Maximum, Piece, Survival, Weights, is_constant
from toetwitch.engine.structure import Structure

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """A plan with its layouts and constants.

    Attributes
    ----------
    plan
        What is run.
    piece_axes
        How each piece lies inside its clique (empty layout for scalars).
    message_axes
        How each clique's message lies inside its parent's table.
    constant
        Product of the factors of each clique that no evidence changes, spread over the clique; None when there is none.
    moving
        The other pieces of each clique.
    floors, ceilings
        Bounds on the base-two logarithm of the positive entries of each piece.
    clique_floors, ceiling, scalar_floor
        The bounds summed: per clique, over all cliques, over the factors without a variable.
    variable_depths
        Clique and index of the pieces whose bounds may change from call to call.
    roots
        Cliques without a parent.
    homes
        The smallest clique that holds each variable.
    """

    plan: Plan
    piece_axes: tuple[Axes, ...]
    message_axes: tuple[Axes, ...]
    constant: tuple[Array | None, ...]
    moving: tuple[tuple[int, ...], ...]
    floors: tuple[float, ...]
    ceilings: tuple[float, ...]
    clique_floors: tuple[float, ...]
    ceiling: float
    scalar_floor: float
    variable_depths: tuple[tuple[int, int], ...]
    roots: tuple[int, ...]
    homes: Mapping[int, int]


def compile_plan(plan: Plan, structure: Structure, potentials: Sequence[Potential]) -> Program:
    """Fix the layouts of `plan`, made from `structure`, and multiply what no evidence changes."""
    home_of = {index: number for number, clique in enumerate(plan.cliques) for index in clique.pieces}
    piece_axes = tuple(
        layout(piece.scope, plan.cliques[home_of[index]].variables if piece.scope else (), plan.sizes)
        for index, piece in enumerate(plan.pieces)
    )
    message_axes = tuple(
        layout(clique.separator, plan.cliques[clique.parent].variables if clique.parent >= 0 else (), plan.sizes)
        for clique in plan.cliques
    )
    nothing = Evidence({}, {})
    constant: list[Array | None] = []
    moving: list[tuple[int, ...]] = []
    for clique in plan.cliques:
        fixed = [index for index in clique.pieces if is_constant(plan.pieces[index], structure)]
        product: Array | None = None
        for index in fixed:
            factor = piece_axes[index].spread(build_factor(plan.pieces[index], potentials, nothing, PLAIN))
            product = factor if product is None else product * factor
        constant.append(product)
        moving.append(tuple(index for index in clique.pieces if index not in fixed))
    depths = [depth_of(piece, potentials) for piece in plan.pieces]
    return Program(
        plan,
        piece_axes,
        message_axes,
        tuple(constant),
        tuple(moving),
        tuple(floor for floor, _ in depths),
        tuple(ceiling for _, ceiling in depths),
        tuple(sum(depths[index][0] for index in clique.pieces) for clique in plan.cliques),
        sum(depths[index][1] for clique in plan.cliques for index in clique.pieces),
        sum(depths[index][0] for index in plan.scalars),
        tuple((number, index) for number, clique in enumerate(plan.cliques) for index in clique.pieces),
        tuple(number for number, clique in enumerate(plan.cliques) if clique.parent < 0),
        _homes(plan),
    )


def depth_of(piece: Piece, potentials: Sequence[Potential]) -> tuple[float, float]:
    """Return bounds on the base-two logarithm of a piece's positive entries: (at most zero, at least zero)."""
    if isinstance(piece, Weights | Maximum):
        return 0.0, 0.0
    potential = potentials[piece.potential]
    if isinstance(potential, Dense):
        return _extremes(potential.values)
    terms: tuple[int | None, ...] = ()
    if isinstance(piece, Survival):
        terms = (piece.term,)
    elif isinstance(piece, Link):
        terms = (*piece.constants, piece.term)
    bounds = [_extremes(potential.terms[term].values) for term in terms if term is not None]
    # A chain's entry is a sum of products of one entry (or partial sum) of each term.
    return sum(low for low, _ in bounds), 0.0


def _extremes(values: Array) -> tuple[float, float]:
    positive = values[values > 0]
    if not positive.size:
        return 0.0, 0.0
    return min(0.0, math.log2(positive.min())), max(0.0, math.log2(positive.max()))


def _homes(plan: Plan) -> dict[int, int]:
    homes: dict[int, int] = {}
    by_size = sorted(
        range(len(plan.cliques)), key=lambda n: (math.prod(plan.sizes[v] for v in plan.cliques[n].variables), -n)
    )
    for number in by_size:
        for variable in plan.cliques[number].variables:
            homes.setdefault(variable, number)
    return homes


def load(
    program: Program,
    potentials: Sequence[Potential],
    evidence: Evidence,
    lanes: int,
    *,
    replaced: frozenset[int] = frozenset(),
) -> tuple[Upward, Array, Arithmetic]:
    """Run the upward pass, on logarithms where doubles would not hold it.

    Parameters
    ----------
    program
        What is run.
    potentials
        The numbers; those whose index is in `replaced` are not the ones the program was compiled with.
    evidence
        States and weights.
    lanes
        Number of lanes.
    replaced
        Potentials whose constants must not be taken from the program.

    Returns
    -------
    tuple
        The state, the natural logarithm of the evidence's probability (lanes,), and the arithmetic it came from.
    """
    plan = program.plan
    floors, ceiling = depths_with(program, evidence.weights, potentials, replaced)
    # Every number of the pass is a product of factors, so their total depth bounds them all.
    measured = sum(floors) < SAFE_FLOOR
    if ceiling <= -SAFE_FLOOR and (not measured or min(floors) >= SAFE_FLOOR):
        inbox = _inbox(program, potentials, evidence, PLAIN, replaced)
        state = upward(plan, inbox, program.message_axes, lanes, PLAIN, floors if measured else None)
        if state.sound:
            return state, state.log_evidence + _scalars(program, potentials, evidence, lanes), PLAIN
    inbox = _inbox(program, potentials, evidence, LOGARITHMIC, replaced)
    state = upward(plan, inbox, program.message_axes, lanes, LOGARITHMIC)
    return state, state.log_evidence + _scalars(program, potentials, evidence, lanes), LOGARITHMIC


def depths_with(
    program: Program,
    weights: Mapping[int, Array],
    potentials: Sequence[Potential] = (),
    replaced: frozenset[int] = frozenset(),
) -> tuple[list[float], float]:
    """Return each clique's floor and the total ceiling of all factors, in powers of two.

    Parameters
    ----------
    program
        Gives the bounds of the potentials it was compiled with.
    weights
        Likelihood weights.
    potentials, replaced
        The numbers of potentials that differ from those.
    """
    if not weights and not replaced:
        return list(program.clique_floors), program.ceiling
    floors = list(program.clique_floors)
    ceiling = program.ceiling
    for number, index in program.variable_depths:
        piece = program.plan.pieces[index]
        if isinstance(piece, Weights):
            low, high = _extremes(weights[piece.variable])
        elif _potential_of(piece) in replaced:
            low, high = depth_of(piece, potentials)
            low -= program.floors[index]
            high -= program.ceilings[index]
        else:
            continue
        floors[number] += low
        ceiling += high
    return floors, ceiling


def _inbox(
    program: Program,
    potentials: Sequence[Potential],
    evidence: Evidence,
    arithmetic: Arithmetic,
    replaced: frozenset[int],
) -> list[list[Array]]:
    """Return the factors of each clique, spread over its axes, the constant ones already multiplied."""
    plan = program.plan
    inbox: list[list[Array]] = []
    for number, clique in enumerate(plan.cliques):
        constant = program.constant[number]
        pieces: Sequence[int] = program.moving[number]
        own: list[Array] = []
        if arithmetic is LOGARITHMIC or any(_potential_of(plan.pieces[index]) in replaced for index in clique.pieces):
            pieces = clique.pieces
        elif constant is not None:
            own.append(constant)
        own += [
            program.piece_axes[index].spread(build_factor(plan.pieces[index], potentials, evidence, arithmetic))
            for index in pieces
        ]
        inbox.append(own)
    return inbox


def _potential_of(piece: Piece) -> int:
    return -1 if isinstance(piece, Weights | Maximum) else piece.potential


def _scalars(program: Program, potentials: Sequence[Potential], evidence: Evidence, lanes: int) -> Array:
    """Return the sum of the logarithms of the factors without a variable."""
    if not program.plan.scalars:
        return np.zeros(lanes)
    arithmetic = PLAIN if program.scalar_floor >= SAFE_FLOOR else LOGARITHMIC
    values = [
        np.broadcast_to(build_factor(program.plan.pieces[index], potentials, evidence, arithmetic), (lanes,))
        for index in program.plan.scalars
    ]
    total: Array = PLAIN.sum(arithmetic.log(np.stack(values)[:, np.newaxis, :]))[0]
    return total


def posterior_tables(
    program: Program, state: Upward, arithmetic: Arithmetic, wanted: Sequence[Sequence[int]]
) -> list[Array]:
    """Run the downward pass as far as needed; return the joint posterior of each group of variables in one clique.

    Each has one axis per variable and lanes last, and sums to one up to rounding.
    """
    plan = program.plan
    homes = [_home(program, group) for group in wanted]
    needed = [False] * len(plan.cliques)
    for number in homes:
        while number >= 0 and not needed[number]:
            needed[number] = True
            number = plan.cliques[number].parent
    beliefs = downward(plan, state, program.message_axes, needed, arithmetic)
    answers = []
    for group, number in zip(wanted, homes, strict=True):
        answers.append(arithmetic.lower(marginal(beliefs[number], plan.cliques[number].variables, group, arithmetic)))
    return answers


def _home(program: Program, group: Sequence[int]) -> int:
    if len(group) == 1:
        return program.homes[group[0]]
    inside = set(group)
    return min(
        (number for number, clique in enumerate(program.plan.cliques) if inside <= set(clique.variables)),
        key=lambda n: math.prod(program.plan.sizes[v] for v in program.plan.cliques[n].variables),
    )
