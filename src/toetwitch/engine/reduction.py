"""What is left of a network once a pattern of evidence is given: small pieces over the variables that matter.

Four facts shrink the work before any order is chosen.

- A variable nothing else mentions, that is neither observed nor asked for, vanishes with a table that sums to one over
  it (barren pruning, repeated until nothing moves).
- An observed variable leaves every scope.
- A noisy-max child observed at its lowest state falls apart into one factor per parent.
- Any other noisy-max is a chain: y_j = max(y_{j-1}, contribution j), with small auxiliary variables y_j. Every entry
  stays non-negative, so no digit is lost to cancellation. When the child is observed at state s, only "below s" and
  "at s" can occur, and the auxiliary variables have two states whatever the size of the child.

References
----------
Shachter, R. D. (1986). Evaluating influence diagrams. Operations Research 34(6), 871-882 (barren nodes).
Olesen, K. G. et al. (1989). A MUNIN network for the median nerve. Applied AI 3, 385-403 (parent divorcing).
Heckerman, D. (1989). A tractable inference algorithm for diagnosing multiple diseases. UAI, 163-171 (negatives).
"""

from __future__ import annotations

__all__ = [
    "Link",
    "Maximum",
    "Piece",
    "Reduction",
    "Slice",
    "Survival",
    "Weights",
    "is_constant",
    "reduce_network",
    "relevant",
]

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from toetwitch.engine.structure import NoisyMaxShape, Pattern, Structure


@dataclass(frozen=True, slots=True)
class Slice:
    """A dense table with its observed variables fixed."""

    potential: int
    scope: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Survival:
    """P(contribution at the lowest state | parent): one term of a noisy-max observed at its lowest state.

    The scope is the parent, or empty when the parent is observed or the term is the leak.
    """

    potential: int
    term: int
    scope: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """One step of the chain of maxima that stands for a noisy-max.

    Attributes
    ----------
    potential
        The noisy-max.
    term
        The term that this link adds, or None for a chain that has no unobserved parent.
    constants
        Terms without an unobserved parent, folded into the first link.
    first, last
        Whether nothing comes before (no lower auxiliary variable) or after.
    raised
        Whether the child is observed above its lowest state: two classes, and the last link is fixed at the upper.
    scope
        Parent, lower auxiliary variable, upper auxiliary variable or child: those of them that are there.
    """

    potential: int
    term: int | None
    constants: tuple[int, ...]
    first: bool
    last: bool
    raised: bool
    scope: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Weights:
    """Likelihood weights on one variable; the scope is empty when the variable is also observed."""

    variable: int
    scope: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Maximum:
    """The upper variable is the larger of two lower ones: two partial maxima of one noisy-max meeting.

    Attributes
    ----------
    classes
        States of each of them.
    last
        Whether the upper one is known to be in its highest class, and so left out of the scope.
    scope
        The two lower variables, and the upper one when it is there.
    """

    classes: int
    last: bool
    scope: tuple[int, ...]


Piece: TypeAlias = Slice | Survival | Link | Maximum | Weights


@dataclass(frozen=True, slots=True)
class Reduction:
    """The pieces that remain, and the sizes of all variables, auxiliary ones last.

    `variables` are those that must be eliminated: every one in a scope, and those that nothing constrains.
    """

    sizes: tuple[int, ...]
    pieces: tuple[Piece, ...]
    variables: tuple[int, ...]


def reduce_network(
    structure: Structure, pattern: Pattern, parent_order: Callable[[int], float] = float, *, prune: bool = True
) -> Reduction:
    """Return what must be computed for `pattern`.

    Parameters
    ----------
    structure, pattern
        The network and the question, without numbers.
    parent_order
        Sort key of the variables: the order in which a chain takes up its parents.
    prune
        False keeps barren variables, as a most probable assignment needs them.
    """
    kept, consumed = relevant(structure, pattern) if prune else (tuple(range(len(structure.shapes))), frozenset())
    hard = frozenset(pattern.hard)
    sizes = list(structure.sizes)
    pieces: list[Piece] = []
    for index in kept:
        shape = structure.shapes[index]
        if isinstance(shape, NoisyMaxShape):
            pieces += _noisy_pieces(index, shape, hard, pattern.raised, sizes, parent_order)
        else:
            pieces.append(Slice(index, tuple(v for v in shape.scope if v not in hard)))
    pieces += [Weights(v, () if v in hard else (v,)) for v in pattern.soft]
    variables = [v for v in range(len(sizes)) if v not in hard and v not in consumed]
    return Reduction(tuple(sizes), tuple(pieces), tuple(variables))


def is_constant(piece: Piece, structure: Structure) -> bool:
    """Return whether neither observed states nor weights enter a piece, so that it can be multiplied once for all."""
    if isinstance(piece, Weights | Maximum):
        return isinstance(piece, Maximum)
    shape = structure.shapes[piece.potential]
    if isinstance(shape, NoisyMaxShape):
        if isinstance(piece, Survival):
            return bool(piece.scope)
        leaks = all(shape.parents[term] is None for term in piece.constants) if isinstance(piece, Link) else False
        return leaks and isinstance(piece, Link) and not piece.raised
    return len(piece.scope) == len(shape.scope)


def relevant(structure: Structure, pattern: Pattern) -> tuple[tuple[int, ...], frozenset[int]]:
    """Return the potentials that matter and the variables that vanish with the others."""
    wanted = {*pattern.hard, *pattern.soft, *pattern.targets, *pattern.together}
    mentions: list[set[int]] = [set() for _ in structure.sizes]
    for index, shape in enumerate(structure.shapes):
        for variable in shape.variables:
            mentions[variable].add(index)
    kept = set(range(len(structure.shapes)))
    consumed: set[int] = set()
    queue = [v for v, at in enumerate(mentions) if len(at) == 1 and v not in wanted]
    while queue:
        variable = queue.pop()
        if variable in consumed or len(mentions[variable]) != 1:
            continue
        (index,) = mentions[variable]
        shape = structure.shapes[index]
        if variable not in shape.normalised:
            continue
        consumed.add(variable)
        kept.discard(index)
        for other in shape.variables:
            mentions[other].discard(index)
            if len(mentions[other]) == 1 and other not in wanted:
                queue.append(other)
    return tuple(sorted(kept)), frozenset(consumed)


def _noisy_pieces(
    index: int,
    shape: NoisyMaxShape,
    hard: frozenset[int],
    raised: frozenset[int],
    sizes: list[int],
    parent_order: Callable[[int], float],
) -> Sequence[Piece]:
    free = [(term, parent) for term, parent in enumerate(shape.parents) if parent is not None and parent not in hard]
    constants = tuple(term for term, parent in enumerate(shape.parents) if parent is None or parent in hard)
    observed = shape.child in hard
    if observed and shape.child not in raised:
        return [
            *(Survival(index, term, ()) for term in constants),
            *(Survival(index, term, (parent,)) for term, parent in free),
        ]
    ends = () if observed else (shape.child,)
    if not free:
        return [Link(index, None, constants, True, True, observed, ends)]
    free.sort(key=lambda pair: (parent_order(pair[1]), pair[1]))
    links: list[Piece] = []
    lower: tuple[int, ...] = ()
    for place, (term, parent) in enumerate(free):
        last = place == len(free) - 1
        upper = ends if last else (len(sizes),)
        if not last:
            sizes.append(2 if observed else sizes[shape.child])
        links.append(
            Link(index, term, () if place else constants, place == 0, last, observed, (parent, *lower, *upper))
        )
        lower = upper
    return links
