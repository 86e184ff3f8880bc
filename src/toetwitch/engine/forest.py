"""From an elimination order to a forest of tables, shaped so that large tables are touched as few times as possible.

Each step of an elimination is a table over the eliminated variable and its neighbours. A table inside another one is
merged into it. A large table that would be multiplied by many small factors gets the small ones multiplied together
first, in a table of their own between them and the large one; on the way back, that table answers for their variables
too. A table in between sums nothing out: its residual is empty.

References
----------
Shenoy, P. P. (1997). Binary join trees for computing marginals in the Shenoy-Shafer architecture. Int. J. Approx.
Reasoning 17, 239-263.
"""

from __future__ import annotations

__all__ = ["Clique", "clique_forest"]

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from toetwitch.engine.ordering import Elimination, members
from toetwitch.engine.reduction import Reduction

SPLIT_ENTRIES = 256
"""Tables smaller than this are multiplied faster than a table in between is managed."""
SPLIT_RATIO = 3
"""A table in between is read and written three times; it must be that much smaller than what it saves a pass over."""


@dataclass(frozen=True, slots=True)
class Clique:
    """One table of the plan.

    Attributes
    ----------
    residual
        Variables summed out here, in axis order.
    separator
        Variables passed to the parent, in axis order after the residual ones.
    parent
        Index of the parent clique (always larger than this one's), or -1 at a root.
    pieces
        Indices of the pieces multiplied into this table.
    """

    residual: tuple[int, ...]
    separator: tuple[int, ...]
    parent: int
    pieces: tuple[int, ...]

    @property
    def variables(self) -> tuple[int, ...]:
        """The axes of the table."""
        return self.residual + self.separator


@dataclass(slots=True, eq=False)
class _Node:
    """A table under construction; sets of variables are bits."""

    residual: int
    separator: int
    pieces: list[int] = field(default_factory=list)
    children: list[_Node] = field(default_factory=list)

    @property
    def scope(self) -> int:
        return self.residual | self.separator


def clique_forest(reduction: Reduction, elimination: Elimination, fixed: Collection[int]) -> tuple[Clique, ...]:
    """Return the tables of an elimination, children before parents.

    Parameters
    ----------
    reduction
        The pieces to place and the sizes.
    elimination
        The order.
    fixed
        Pieces that are multiplied once, before any evidence is known, and so cost nothing.
    """
    roots = _place(reduction, elimination)
    log_size = [math.log2(size) for size in reduction.sizes]
    everything: list[_Node] = []
    stack = list(roots)
    while stack:
        node = stack.pop()
        everything.append(node)
        stack += node.children
    for node in everything:
        _split(node, reduction, fixed, log_size)
    return _number(roots, elimination.order)


def _place(reduction: Reduction, elimination: Elimination) -> list[_Node]:
    """Merge tables inside others, and give each piece the table where the first of its variables is summed out."""
    rank = {variable: place for place, variable in enumerate(elimination.order)}
    nodes = [
        _Node(1 << variable, near) for variable, near in zip(elimination.order, elimination.neighbours, strict=True)
    ]
    waiting: list[list[_Node]] = [[] for _ in nodes]
    home: dict[int, _Node] = {}
    roots: list[_Node] = []
    for place, variable in enumerate(elimination.order):
        node = nodes[place]
        host = next((child for child in waiting[place] if child.separator == node.scope), None)
        if host is None:
            node.children = waiting[place]
        else:
            host.residual |= node.residual
            host.separator = node.separator
            host.children += [child for child in waiting[place] if child is not host]
            node = host
        home[variable] = node
        if node.separator:
            waiting[min(rank[v] for v in members(node.separator))].append(node)
        else:
            roots.append(node)
    for index, piece in enumerate(reduction.pieces):
        if piece.scope:
            home[min(piece.scope, key=rank.__getitem__)].pieces.append(index)
    return roots


def _split(node: _Node, reduction: Reduction, fixed: Collection[int], log_size: Sequence[float]) -> None:
    """Multiply small factors of a large table together first, the pair with the smallest product at a time."""
    table = sum(log_size[v] for v in members(node.scope))
    if table < math.log2(SPLIT_ENTRIES):
        return
    largest = table - math.log2(SPLIT_RATIO)
    moving = [index for index in node.pieces if index not in fixed]
    waiting: list[tuple[int, int | _Node]] = [(_bits(reduction.pieces[index].scope), index) for index in moving]
    waiting += [(child.separator, child) for child in node.children]
    settled: list[int | _Node] = []
    while waiting:
        waiting.sort(key=lambda entry: entry[0].bit_count(), reverse=True)
        scope, part = waiting.pop()
        best, partner = min(
            ((sum(log_size[v] for v in members(scope | other)), place) for place, (other, _) in enumerate(waiting)),
            default=(math.inf, -1),
        )
        if best > largest:
            settled.append(part)
            continue
        other, second = waiting.pop(partner)
        union = scope | other
        between = second if isinstance(second, _Node) and second.separator == union and not second.residual else None
        if between is None:
            between = _Node(0, union)
            _attach(between, second)
        _attach(between, part)
        waiting.append((union, between))
    node.pieces = [index for index in node.pieces if index in fixed]
    node.children = []
    for part in settled:
        _attach(node, part)
    node.pieces.sort()


def _attach(node: _Node, part: int | _Node) -> None:
    if isinstance(part, _Node):
        node.children.append(part)
    else:
        node.pieces.append(part)


def _bits(scope: Sequence[int]) -> int:
    bits = 0
    for variable in scope:
        bits |= 1 << variable
    return bits


def _number(roots: Sequence[_Node], order: Sequence[int]) -> tuple[Clique, ...]:
    rank = {variable: place for place, variable in enumerate(order)}
    nodes: list[_Node] = []
    above: list[int] = []
    stack = [(root, -1) for root in roots]
    while stack:
        node, parent = stack.pop()
        above.append(parent)
        number = len(nodes)
        nodes.append(node)
        stack += [(child, number) for child in node.children]
    last = len(nodes) - 1
    return tuple(
        Clique(
            tuple(sorted(members(nodes[number].residual), key=rank.__getitem__)),
            tuple(sorted(members(nodes[number].separator), key=rank.__getitem__)),
            last - above[number] if above[number] >= 0 else -1,
            tuple(nodes[number].pieces),
        )
        for number in range(last, -1, -1)
    )
