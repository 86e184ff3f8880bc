"""Where the nodes of a drawn network stand: in layers, arcs pointing down, few crossings.

A node stands one layer below its lowest parent; a wide layer is broken into rows. Within a layer nodes are sorted by
the mean place of their neighbours in the layer before, downwards and upwards in turn (the barycentre method), and the
order with the fewest crossings is kept.

References
----------
Sugiyama, Tagawa & Toda (1981), Methods for visual understanding of hierarchical system structures. IEEE Transactions
on Systems, Man, and Cybernetics 11, 109-125. doi:10.1109/TSMC.1981.4308636
"""

from __future__ import annotations

__all__ = ["crossings", "layered"]

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence

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
