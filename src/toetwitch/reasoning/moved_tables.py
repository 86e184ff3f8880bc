"""The tables that some stated numbers move, solved again under other values; all other tables stay as they are.

A number moves its own table, and every table below it whose intercept or leak is solved. Only these are resolved on
lanes. What such a solution needs of the variables above it and does not move is taken as it was resolved before.
"""

from __future__ import annotations

__all__ = ["moved_by", "moved_tables"]

import threading
from collections.abc import Collection, Mapping
from weakref import WeakKeyDictionary

import numpy as np

from toetwitch.engine import Dense, NoisyMax, Term
from toetwitch.inference import ExactInference, Numbers, resolve
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.table import Cpt, Logistic, Table
from toetwitch.knowledge.table import NoisyMax as StatedMax
from toetwitch.reasoning.linear_parameters import is_solved

Potential = Dense | NoisyMax

_lock = threading.Lock()
_parts: WeakKeyDictionary[ExactInference, dict[frozenset[str], NetworkDefinition]] = WeakKeyDictionary()
_references: WeakKeyDictionary[ExactInference, Mapping[str, Potential]] = WeakKeyDictionary()

KEPT_PARTS = 256
"""Small networks kept for each network asked."""


def moved_by(network: NetworkDefinition, children: Collection[str]) -> frozenset[str]:
    """Return the variables whose tables change when numbers of these tables do.

    Examples
    --------
    >>> from toetwitch.knowledge import Anchor, Effect, Estimate, Variable
    >>> p = Estimate.of
    >>> a, c = Cpt("a", (), [0.9, 0.1]), Cpt("c", ("b",), [[0.9, 0.1], [0.2, 0.8]])
    >>> b = Logistic("b", Anchor("prevalence", p(0.2)), (Effect({"a": ("true",)}, p(3.0)),))
    >>> sorted(moved_by(NetworkDefinition(tuple(map(Variable, "abc")), (a, b, c)), {"a"}))
    ['a', 'b']
    """
    moved = set(children)
    above: dict[str, set[str]] = {}
    for id in network.order:
        parents = network.parents(id)
        above[id] = set(parents).union(*(above[parent] for parent in parents))
        if is_solved(network.table_of[id]) and not above[id].isdisjoint(moved):
            moved.add(id)
    return frozenset(moved)


def moved_tables(inference: ExactInference, numbers: Numbers, moved: frozenset[str]) -> dict[int, Potential]:
    """Return the potentials of these variables under other numbers, with a lane axis, by the engine's index.

    Raises
    ------
    TableError
        When no intercept or leak gives a cited prevalence in some lane.
    """
    part = _part(inference, moved)
    shifts = {id: ratio for id, ratio in inference.shifts.items() if id in moved}
    resolved = resolve(part, shifts=shifts, numbers=numbers)
    count = len(inference.network.variables)
    full = {name: count + n for n, name in enumerate(inference.resolved.hidden)}
    places = {count + n: full[name] for n, name in enumerate(resolved.hidden)}
    found: dict[int, Potential] = {}
    for n, potential in enumerate(resolved.potentials):
        id = resolved.hidden[n - count].rpartition(":")[0] if n >= count else inference.network.variables[n].id
        if id in moved:
            found[places.get(n, n)] = _placed(potential, places)
    return found


def _placed(potential: Potential, places: Mapping[int, int]) -> Potential:
    """Return a potential with other indices for its hidden variables."""
    if isinstance(potential, Dense):
        scope = tuple(places.get(i, i) for i in potential.scope)
        return potential if scope == potential.scope else Dense(scope, potential.values)
    child = places.get(potential.child, potential.child)
    terms = tuple(Term(None if t.parent is None else places.get(t.parent, t.parent), t.values) for t in potential.terms)
    return potential if child == potential.child else NoisyMax(child, terms)


def _part(inference: ExactInference, moved: frozenset[str]) -> NetworkDefinition:
    with _lock:
        kept = _parts.setdefault(inference, {})
        if moved in kept:
            return kept[moved]
    made = _make_part(inference, moved)
    with _lock:
        if len(kept) >= KEPT_PARTS:
            kept.pop(next(iter(kept)))
        kept[moved] = made
    return made


def _make_part(inference: ExactInference, moved: frozenset[str]) -> NetworkDefinition:
    """Return a network of the same variables in which only the moved tables are as stated."""
    network = inference.network
    needed: set[str] = set()
    stack = [p for id in moved if is_solved(network.table_of[id]) for p in network.parents(id)]
    while stack:
        id = stack.pop()
        if id not in needed:
            needed.add(id)
            stack.extend(network.parents(id))
    reference = _reference(inference) if needed - moved else {}
    tables = [_table(network, reference, id, moved, needed) for id in network.by_id]
    return NetworkDefinition(network.variables, tuple(tables))


def _table(
    network: NetworkDefinition, reference: Mapping[str, Potential], id: str, moved: Collection[str], needed: set[str]
) -> Table:
    table = network.table_of[id]
    if id in moved or (id in needed and isinstance(table, StatedMax)):
        return table
    if id not in needed:
        size = len(network.by_id[id].states)
        return Cpt(id, (), np.full(size, 1 / size))
    before = reference[id]
    return Cpt(id, table.parents, before.values) if isinstance(table, Logistic) and isinstance(before, Dense) else table


def _reference(inference: ExactInference) -> Mapping[str, Potential]:
    """Return the tables before any shift: intercepts are solved at the reference."""
    with _lock:
        if inference in _references:
            return _references[inference]
    resolved = resolve(inference.network)
    found = {variable.id: resolved.potentials[n] for n, variable in enumerate(inference.network.variables)}
    with _lock:
        _references[inference] = found
    return found
