"""A network: variables and, for each, the table that gives it its distribution."""

from __future__ import annotations

__all__ = ["NetworkDefinition"]

import graphlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from toetwitch.errors import TableError, UnknownNameError
from toetwitch.frozen import FrozenMapping
from toetwitch.knowledge.table import Cpt, Logistic, NoisyMax, Table
from toetwitch.knowledge.variable import BINARY, Variable

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True, slots=True)
class NetworkDefinition:
    """Variables and tables, checked to form one Bayesian network.

    Parameters
    ----------
    variables
        Distinct ids, in the order in which answers list them.
    tables
        One for each variable.

    Raises
    ------
    TableError
        For a duplicate id, a missing or second table, a table that does not fit its variables, or a cycle.
    UnknownNameError
        For a table that names a variable or state that does not exist.
    """

    variables: tuple[Variable, ...]
    tables: tuple[Table, ...]
    by_id: Mapping[str, Variable] = field(init=False, repr=False, compare=False)
    table_of: Mapping[str, Table] = field(init=False, repr=False, compare=False)
    order: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_id: dict[str, Variable] = {}
        for variable in self.variables:
            if variable.id in by_id:
                raise TableError(f"duplicate id {variable.id!r}")
            by_id[variable.id] = variable
        table_of: dict[str, Table] = {}
        for table in self.tables:
            if table.child not in by_id:
                raise UnknownNameError("variable", table.child, by_id, where="as the child of a table")
            if table.child in table_of:
                raise TableError(f"two tables for {table.child!r}; expected one")
            table_of[table.child] = table
            for parent in table.parents:
                if parent not in by_id:
                    raise UnknownNameError("parent", parent, by_id, where=f"of {table.child!r}")
            _check_fit(table, by_id)
        for id in by_id:
            if id not in table_of:
                raise TableError(f"no table for {id!r}; expected one")
        object.__setattr__(self, "by_id", FrozenMapping(by_id))
        object.__setattr__(self, "table_of", FrozenMapping(table_of))
        object.__setattr__(self, "order", tuple(_topological(by_id, table_of)))

    def parents(self, id: str) -> tuple[str, ...]:
        """Return the parents of a variable."""
        return self.table_of[id].parents

    def graph(self) -> nx.DiGraph:
        """Return the arcs as a NetworkX graph, nodes in the order of `variables`."""
        import networkx as nx

        graph = nx.DiGraph()
        graph.add_nodes_from(self.by_id)
        graph.add_edges_from((p, table.child) for table in self.tables for p in table.parents)
        return graph

    def of_kind(self, kind: str) -> Iterator[Variable]:
        """Yield the variables of a kind, in order."""
        return (variable for variable in self.variables if variable.kind == kind)


def _topological(by_id: Mapping[str, Variable], table_of: Mapping[str, Table]) -> list[str]:
    sorter = graphlib.TopologicalSorter({id: table_of[id].parents for id in by_id})
    try:
        return list(sorter.static_order())
    except graphlib.CycleError as error:
        raise TableError(f"cycle: {' -> '.join(error.args[1])}; expected an acyclic network") from None


def _check_fit(table: Table, by_id: Mapping[str, Variable]) -> None:
    child = by_id[table.child]
    if isinstance(table, Cpt):
        shape = tuple(len(by_id[id].states) for id in (*table.parents, child.id))
        if table.values.shape != shape:
            raise TableError(f"table of {child.id!r} has shape {table.values.shape}; expected {shape}")
    elif isinstance(table, Logistic):
        if child.states != BINARY:
            raise TableError(f"{child.id!r} has states {child.states}; a logistic table needs false and true")
        for effect in table.effects:
            for parent, states in effect.when.items():
                for state in states:
                    by_id[parent].index(state)
        if table.anchor.by and set(table.anchor.bands) != set(by_id[table.anchor.by].states):
            raise TableError(
                f"bands {sorted(table.anchor.bands)} of {child.id!r}; "
                f"expected one for each state of {table.anchor.by!r}"
            )
    else:
        _check_noisy_max(table, child, by_id)


def _check_noisy_max(table: NoisyMax, child: Variable, by_id: Mapping[str, Variable]) -> None:
    upper = set(child.states[1:])
    leak = table.leak
    if leak.by and set(leak.bands) != set(by_id[leak.by].states):
        raise TableError(f"leak bands {sorted(leak.bands)} of {child.id!r}; expected one for each state of {leak.by!r}")
    wanted = {child.states[-1]} if leak.kind == "specificity" else upper
    for mapping in (leak.overall, *leak.bands.values()):
        _check_states(mapping, wanted, f"leak of {child.id!r}")
    seen: set[tuple[str, str]] = set()
    for link in table.links:
        parent = by_id[link.parent]
        parent.index(link.parent_state)
        place = f"link {link.parent!r} -> {child.id!r}"
        _check_states(link.probabilities, upper, place)
        if (link.parent, link.parent_state) in seen:
            raise TableError(f"two entries for {place}; expected one")
        seen.add((link.parent, link.parent_state))
        if link.parent == leak.by:
            raise TableError(f"{place}: the parent also sets the leak bands; expected one or the other")
        if link.inhibits and len(child.states) != 2:
            raise TableError(f"{place} inhibits a finding of {len(child.states)} states; expected two")


def _check_states(mapping: Mapping[str, object], wanted: set[str], place: str) -> None:
    for state in mapping:
        if state not in wanted:
            raise UnknownNameError("state", state, wanted, where=f"in the {place}")
    for state in wanted:
        if state not in mapping:
            raise TableError(f"{place} has no probability for state {state!r}")
    total = sum(estimate.value for estimate in mapping.values())  # type: ignore[attr-defined]
    if total > 1 + 1e-9:
        raise TableError(f"{place}: the states above the lowest sum to {total:.6g}; expected at most 1")
