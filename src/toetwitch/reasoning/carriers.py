"""Which arcs of the network carry a finding's word to a cause, with their mechanisms and sources.

A finding bears on a variable along active paths: chains and forks that no observation blocks, and colliders that an
observation opens. The direct arc is shown where there is one, else a shortest active path; every arc on it names the
stated numbers that make it, so that a contribution can be read back to the papers.

References
----------
Shachter (1998), Bayes-ball: the rational pastime. UAI 1998, 480-487. arXiv:1301.7412
"""

from __future__ import annotations

__all__ = ["Carrier", "active_path", "carriers", "descends"]

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

from toetwitch.knowledge.estimate import Estimate
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.parameters import when_text
from toetwitch.knowledge.table import Cpt, Logistic, NoisyMax


@dataclass(frozen=True, slots=True)
class Carrier:
    """An arc, with what is stated of it.

    Parameters
    ----------
    parent, child
        The ends of the arc.
    paths
        Addresses of the numbers that make it, as `knowledge.parameters` names them; empty for an uncited table.
    mechanisms
        Keys of the mechanisms that they name.
    sources
        Keys of the works that they cite.
    """

    parent: str
    child: str
    paths: tuple[str, ...] = ()
    mechanisms: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    def __str__(self) -> str:
        said = ", ".join((*self.mechanisms, *self.sources))
        return f"{self.parent} -> {self.child}" + (f" [{said}]" if said else "")


def carriers(network: NetworkDefinition, item: str, target: str, observed: Collection[str]) -> tuple[Carrier, ...]:
    """Return the arcs that carry an observation to the target: the direct arc, else a shortest active path.

    Parameters
    ----------
    network
        The stated network.
    item, target
        The observed variable, and the one it bears on.
    observed
        What else is observed: it blocks chains and opens colliders.

    Returns
    -------
    tuple
        From the target outwards; () when nothing connects the two given the others.
    """
    path = active_path(network, target, item, [id for id in observed if id not in (item, target)])
    arcs = []
    for a, b in pairwise(path):
        parent, child = (a, b) if a in network.parents(b) else (b, a)
        arcs.append(_carrier(network, parent, child))
    return tuple(arcs)


def active_path(network: NetworkDefinition, start: str, end: str, observed: Collection[str]) -> tuple[str, ...]:
    """Return a shortest active path between two variables given others, or () when they are d-separated.

    Examples
    --------
    >>> from toetwitch.knowledge.table import Cpt
    >>> from toetwitch.knowledge.variable import Variable
    >>> half = Cpt("a", (), [0.5, 0.5]), Cpt("b", (), [0.5, 0.5])
    >>> both = Cpt("c", ("a", "b"), [[[0.9, 0.1], [0.5, 0.5]], [[0.5, 0.5], [0.1, 0.9]]])
    >>> network = NetworkDefinition((Variable("a"), Variable("b"), Variable("c")), (*half, both))
    >>> active_path(network, "a", "b", []), active_path(network, "a", "b", ["c"])
    ((), ('a', 'c', 'b'))
    """
    known = set(observed)
    opened = _ancestors(network, known)
    children: dict[str, list[str]] = {id: [] for id in network.by_id}
    for id in network.by_id:
        for parent in network.parents(id):
            children[parent].append(id)
    # A state is a variable and whether it was reached from a child (True) or from a parent (False).
    first = (start, True)
    came_from: dict[tuple[str, bool], tuple[str, bool] | None] = {first: None}
    queue = deque([first])
    while queue:
        here = queue.popleft()
        id, from_child = here
        if id == end:
            return _traced(came_from, here)
        steps: list[tuple[str, bool]] = []
        if id not in known:
            steps += [(child, False) for child in children[id]]
        if (from_child and id not in known) or (not from_child and id in opened):
            steps += [(parent, True) for parent in network.parents(id)]
        for step in steps:
            if step not in came_from:
                came_from[step] = here
                queue.append(step)
    return ()


def _traced(came_from: dict[tuple[str, bool], tuple[str, bool] | None], last: tuple[str, bool]) -> tuple[str, ...]:
    path: list[str] = []
    step: tuple[str, bool] | None = last
    while step is not None:
        path.append(step[0])
        step = came_from[step]
    return tuple(reversed(path))


def descends(network: NetworkDefinition, id: str, ancestor: str) -> bool:
    """Return whether a directed path leads from the ancestor to the variable."""
    return id != ancestor and ancestor in _ancestors(network, {id})


def _ancestors(network: NetworkDefinition, ids: Collection[str]) -> set[str]:
    """Return ids and all that they descend from."""
    found: set[str] = set()
    stack = list(ids)
    while stack:
        id = stack.pop()
        if id not in found:
            found.add(id)
            stack.extend(network.parents(id))
    return found


def _carrier(network: NetworkDefinition, parent: str, child: str) -> Carrier:
    table = network.table_of[child]
    stated: list[tuple[str, str, tuple[Estimate, ...]]] = []
    if isinstance(table, NoisyMax):
        for link in table.links:
            if link.parent == parent:
                path = f"{child}.link[{link.parent}={link.parent_state}]"
                stated.append((path, link.mechanism, tuple(link.probabilities.values())))
        if table.leak.by == parent:
            for band, mapping in table.leak.bands.items():
                stated.append((f"{child}.leak[{band}]", "", tuple(mapping.values())))
    elif isinstance(table, Logistic):
        stated += [
            (f"{child}.effect[{when_text(effect.when)}]", effect.mechanism, (effect.size,))
            for effect in table.effects
            if parent in effect.when
        ]
        if table.anchor.by == parent:
            for state, estimate in table.anchor.bands.items():
                stated.append((f"{child}.{table.anchor.kind}[{state}]", "", (estimate,)))
    elif isinstance(table, Cpt):
        stated += [
            (f"{child}.row[{when_text(row.when)}]", "", tuple(row.probabilities.values()))
            for row in table.rows
            if parent in row.when
        ]
    return Carrier(
        parent,
        child,
        tuple(path for path, _, _ in stated),
        tuple(dict.fromkeys(mechanism for _, mechanism, _ in stated if mechanism)),
        tuple(dict.fromkeys(source for _, _, estimates in stated for e in estimates for source in e.sources)),
    )
