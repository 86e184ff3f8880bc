"""Where the nodes of a drawn network stand: in layers, arcs pointing down, few crossings.

A node stands one layer below its lowest parent; a wide layer is broken into rows. Within a layer nodes are sorted by
the mean place of their neighbours in the layer before, downwards and upwards in turn (the barycentre method), and the
order with the fewest crossings is kept.

An arc that passes a row does so between two nodes and never behind one: all arcs of a parent share one lane through
each row, as near to their straight way as a gap lies, and the gaps widen by as many lanes as they hold.

References
----------
Sugiyama, Tagawa & Toda (1981), Methods for visual understanding of hierarchical system structures. IEEE Transactions
on Systems, Man, and Cybernetics 11, 109-125. doi:10.1109/TSMC.1981.4308636
"""

from __future__ import annotations

__all__ = ["Places", "crossings", "layered", "placed"]

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

Layers = tuple[tuple[str, ...], ...]

SWEEPS = 12
"""Passes down and up; the order has settled by then on networks of a few hundred nodes."""


def layered(parents: Mapping[str, Sequence[str]], *, widest: int = 8) -> Layers:
    """Return the nodes in layers, top to bottom, each in order from left to right.

    Parameters
    ----------
    parents
        Node to its parents, parents before children; parents that are no key are ignored.
    widest
        How many nodes a layer may hold before it is broken into rows.

    Examples
    --------
    >>> layered({"a": (), "b": (), "c": ("a", "b"), "d": ("c",)})
    (('a', 'b'), ('c',), ('d',))
    """
    depth: dict[str, int] = {}
    for id, above in parents.items():
        depth[id] = 1 + max((depth[parent] for parent in above if parent in parents), default=-1)
    layers = [[id for id in depth if depth[id] == level] for level in range(1 + max(depth.values(), default=-1))]
    arcs = [(parent, id) for id, above in parents.items() for parent in above if parent in parents]
    best, fewest = [list(layer) for layer in layers], crossings(layers, arcs)
    for sweep in range(SWEEPS):
        _sweep(layers, arcs, downwards=sweep % 2 == 0)
        now = crossings(layers, arcs)
        if now < fewest:
            best, fewest = [list(layer) for layer in layers], now
    return tuple(row for layer in best for row in _rows(layer, widest))


def _rows(layer: Sequence[str], widest: int) -> Iterable[tuple[str, ...]]:
    count = -(-len(layer) // widest)
    # Neighbours stay together: each row takes every count-th node, so that rows keep the order from left to right.
    return (tuple(layer[row::count]) for row in range(count))


def _sweep(layers: list[list[str]], arcs: Sequence[tuple[str, str]], *, downwards: bool) -> None:
    near: dict[str, list[str]] = {id: [] for layer in layers for id in layer}
    for parent, child in arcs:
        near[child if downwards else parent].append(parent if downwards else child)
    place: dict[str, float] = {}
    for layer in layers if downwards else reversed(layers):
        centre = {
            id: sum(place[other] for other in near[id]) / len(near[id]) if near[id] else (n + 0.5) / len(layer)
            for n, id in enumerate(layer)
        }
        layer.sort(key=centre.__getitem__)
        place.update({id: (n + 0.5) / len(layer) for n, id in enumerate(layer)})


def crossings(layers: Sequence[Sequence[str]], arcs: Iterable[tuple[str, str]]) -> int:
    """Return how many pairs of arcs between the same two layers cross.

    Examples
    --------
    >>> crossings([["a", "b"], ["c", "d"]], [("a", "d"), ("b", "c")])
    1
    """
    at = {id: (row, n) for row, layer in enumerate(layers) for n, id in enumerate(layer)}
    between: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for parent, child in arcs:
        between.setdefault((at[parent][0], at[child][0]), []).append((at[parent][1], at[child][1]))
    total = 0
    for pairs in between.values():
        seen: list[int] = []
        waiting: list[int] = []
        last = -1
        for start, end in sorted(pairs):
            if start != last:
                for other in waiting:
                    insort(seen, other)
                waiting, last = [], start
            total += len(seen) - bisect_right(seen, end)
            waiting.append(end)
    return total


@dataclass(frozen=True, slots=True)
class Places:
    """Where nodes stand and lanes run, across.

    Parameters
    ----------
    left
        Node to the left edge of it.
    lanes
        Parent to the middle of its lane in each row that its arcs pass, top to bottom.
    width
        Of the widest row.
    """

    left: Mapping[str, float]
    lanes: Mapping[str, tuple[float, ...]]
    width: float

    def __post_init__(self) -> None:
        for name in ("left", "lanes"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))


def placed(rows: Layers, parents: Mapping[str, Sequence[str]], *, node: float, gap: float, lane: float = 7.0) -> Places:
    """Return where the nodes of each row stand, and where the arcs that pass it run.

    Parameters
    ----------
    rows
        What `layered` returned.
    parents
        Node to its parents.
    node, gap, lane
        Widths of a node, of a gap without a lane, and of a lane.

    Examples
    --------
    >>> parents = {"a": (), "b": ("a",), "c": ("a", "b")}
    >>> found = placed(layered(parents), parents, node=100, gap=20)
    >>> found.left["b"] > found.lanes["a"][0] or found.left["b"] + 100 < found.lanes["a"][0]
    True
    """
    row_of = {id: n for n, row in enumerate(rows) for id in row}
    children: dict[str, list[str]] = {id: [] for id in row_of}
    for id, above in parents.items():
        for parent in above:
            children[parent].append(id)
    last = {id: max((row_of[child] for child in below), default=row_of[id]) for id, below in children.items()}
    # Around the middle of the page, nodes alone; the lanes then widen the gaps that they choose.
    at = {id: (n - (len(row) - 1) / 2) * (node + gap) for row in rows for n, id in enumerate(row)}
    passing = {n: [id for id in row_of if row_of[id] < n < last[id]] for n in range(len(rows))}
    x, left, lanes = dict(at), {}, {id: [] for id in row_of}  # type: ignore[var-annotated]
    edges = [0.0, 0.0]
    for n, row in enumerate(rows):
        gaps: list[list[str]] = [[] for _ in range(len(row) + 1)]
        for id in passing[n]:
            ahead = [at[child] for child in children[id] if row_of[child] > n]
            wanted = (x[id] + sum(ahead) / len(ahead)) / 2
            middles = [(at[row[0]] if row else 0.0) + (k - 0.5) * (node + gap) for k in range(len(row) + 1)]
            gaps[min(range(len(middles)), key=lambda k, w=wanted, m=middles: abs(m[k] - w))].append(id)  # type: ignore[misc]
        wide = [max(gap, lane * (len(found) + 1)) for found in gaps]
        cursor = -(sum(wide) + node * len(row)) / 2
        edges = [min(edges[0], cursor), max(edges[1], -cursor)]
        for k, found in enumerate(gaps):
            found.sort(key=lambda id: x[id])
            for m, id in enumerate(found):
                x[id] = cursor + wide[k] * (m + 1) / (len(found) + 1)
                lanes[id].append(x[id])
            cursor += wide[k]
            if k < len(row):
                left[row[k]] = cursor
                x[row[k]] = cursor + node / 2
                cursor += node
    return Places(
        {id: value - edges[0] for id, value in left.items()},
        {id: tuple(value - edges[0] for value in found) for id, found in lanes.items()},
        edges[1] - edges[0],
    )
