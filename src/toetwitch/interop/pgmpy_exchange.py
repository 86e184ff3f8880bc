"""Networks from pgmpy and to pgmpy, without loss and without explosion.

What comes in keeps its names, states and numbers; a table that lists a parent's states in another order than the parent
itself is put in order by name. What goes out is exact. A noisy-MAX of many parents would need a table as large as the
product of their sizes, so past a limit it leaves as a chain: the first auxiliary variable holds the leak and the first
contributions, each further one is the maximum of the one before and one more contribution, and the child is the last.
Summed over the auxiliary variables, the chain is the noisy-MAX itself. Auxiliary variables carry a reserved prefix and
are listed in the pgmpy network's `latents`.

References
----------
Olesen, Kjaerulff, Jensen, Jensen, Falck, Andreassen & Andersen (1989), A MUNIN network for the median nerve. Applied
Artificial Intelligence 3, 385-403 (parent divorcing).
"""

from __future__ import annotations

__all__ = ["RESERVED_PREFIX", "from_pgmpy", "to_pgmpy"]

import math
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine.potentials import Dense, NoisyMax, Term
from toetwitch.errors import InterchangeError, TableError
from toetwitch.inference.resolution import Resolved
from toetwitch.interop.rounding import without_rounding
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.table import Cpt
from toetwitch.knowledge.variable import Variable

if TYPE_CHECKING:
    from pgmpy.factors.discrete import TabularCPD
    from pgmpy.models import DiscreteBayesianNetwork

Array = NDArray[np.float64]

RESERVED_PREFIX = "__toetwitch_"
"""How the names of auxiliary variables begin."""

LARGEST_TABLE = 2**13
"""Entries above which a noisy-MAX leaves as a chain: a binary child of twelve binary parents is still one table."""


def from_pgmpy(model: DiscreteBayesianNetwork) -> NetworkDefinition:
    """Return a pgmpy network as a definition.

    Parameters
    ----------
    model
        A discrete Bayesian network of pgmpy, every node with its table. Names and states that are not strings become
        the strings that they print as.

    Raises
    ------
    InterchangeError
        When it is another kind of network, a node has no table, a table disagrees with another on a variable's states,
        or a column does not sum to one.
    """
    for method in ("get_cpds", "nodes"):
        if not hasattr(model, method):
            raise InterchangeError(f"got a {type(model).__name__}; expected a discrete Bayesian network of pgmpy")
    tables: dict[Hashable, Any] = {cpd.variable: cpd for cpd in model.get_cpds()}
    names = _texts(list(model.nodes()), "nodes")
    for node in model.nodes():
        if node not in tables:
            raise InterchangeError(f"node {node!r} has no table; expected a TabularCPD for each node")
        if not hasattr(tables[node], "state_names") or not hasattr(tables[node], "values"):
            raise InterchangeError(f"node {node!r} has a {type(tables[node]).__name__}; expected a TabularCPD")
    states = {node: list(tables[node].state_names[node]) for node in model.nodes()}
    latents = set(getattr(model, "latents", ()))
    variables = tuple(
        Variable(
            names[node],
            tuple(_texts(states[node], f"states of {names[node]!r}").values()),
            kind="latent" if node in latents else "variable",
        )
        for node in model.nodes()
    )
    try:
        return NetworkDefinition(variables, tuple(_cpt(tables[node], states, names) for node in model.nodes()))
    except TableError as error:
        raise InterchangeError(f"pgmpy network: {error}") from None


def _texts(values: Sequence[Hashable], place: str) -> dict[Hashable, str]:
    texts = {value: str(value) for value in values}
    if len(set(texts.values())) != len(values):
        raise InterchangeError(f"the {place} of the pgmpy network print alike: {values!r}; expected distinct names")
    return texts


def _cpt(cpd: TabularCPD, states: dict[Hashable, list[Hashable]], names: dict[Hashable, str]) -> Cpt:
    values = np.asarray(cpd.values, dtype=np.float64)
    for axis, node in enumerate(cpd.variables):
        if node not in states:
            raise InterchangeError(f"the table of {cpd.variable!r} has parent {node!r}; expected a node of the network")
        here = list(cpd.state_names[node])
        if here != states[node]:
            if set(here) != set(states[node]):
                raise InterchangeError(
                    f"the table of {cpd.variable!r} has states {here!r} for {node!r}; expected {states[node]!r}"
                )
            values = np.take(values, [here.index(state) for state in states[node]], axis=axis)
    parents = tuple(names[node] for node in cpd.variables[1:])
    stated = Cpt(names[cpd.variable], parents, np.moveaxis(values, 0, -1))
    return Cpt(stated.child, parents, without_rounding(stated.values))


def to_pgmpy(
    network: NetworkDefinition, resolved: Resolved, *, largest_table: int = LARGEST_TABLE
) -> DiscreteBayesianNetwork:
    """Return a network as a pgmpy one that answers identically.

    Parameters
    ----------
    network
        Names and states.
    resolved
        The same network as arrays: potential i is the table of variable i, hidden variables after the named ones.
    largest_table
        Entries above which a noisy-MAX leaves as a chain.

    Returns
    -------
    DiscreteBayesianNetwork
        Every variable under its own name with its own states; hidden and auxiliary ones under the reserved prefix.

    Raises
    ------
    InterchangeError
        When the potentials carry parameter lanes, or a name of the network is taken by the reserved prefix.
    """
    from pgmpy.factors.discrete import TabularCPD
    from pgmpy.models import DiscreteBayesianNetwork

    export = _Export(network, resolved, largest_table)
    model = DiscreteBayesianNetwork()
    model.add_nodes_from(export.names)
    stated = {variable.id for variable in network.variables if variable.kind == "latent"}
    model.latents = stated.union(export.names[len(network.variables) :])
    for scope, values in export.tables:
        model.add_edges_from((export.names[parent], export.names[scope[-1]]) for parent in scope[:-1])
        child, *parents = (export.names[i] for i in (scope[-1], *scope[:-1]))
        model.add_cpds(
            TabularCPD(
                child,
                len(export.states[scope[-1]]),
                values.reshape(-1, values.shape[-1]).T,
                evidence=parents or None,
                evidence_card=list(values.shape[:-1]) or None,
                state_names={export.names[i]: list(export.states[i]) for i in scope},
            )
        )
    return model


class _Export:
    """The network as conditional tables, child last, with the variables that the chains add."""

    def __init__(self, network: NetworkDefinition, resolved: Resolved, largest_table: int) -> None:
        self.largest_table = largest_table
        self.names = [variable.id for variable in network.variables]
        self.states = [variable.states for variable in network.variables]
        for number, size in enumerate(resolved.sizes[len(self.names) :]):
            self._new(f"hidden_{number}", tuple(map(str, range(size))))
        self.tables: list[tuple[tuple[int, ...], Array]] = []
        for child, potential in enumerate(resolved.potentials):
            if isinstance(potential, Dense):
                self._dense(child, potential)
            else:
                self._noisy_max(potential)

    def _new(self, name: str, states: tuple[str, ...]) -> int:
        full = RESERVED_PREFIX + name
        if full in self.names:
            raise InterchangeError(f"variable {full!r} has a name under the reserved prefix {RESERVED_PREFIX!r}")
        self.names.append(full)
        self.states.append(states)
        return len(self.names) - 1

    def _dense(self, child: int, potential: Dense) -> None:
        if potential.values.ndim != len(potential.scope):
            raise InterchangeError(
                f"the table of {self.names[child]!r} carries parameter lanes; expected plain numbers"
            )
        axes = [axis for axis, i in enumerate(potential.scope) if i != child] + [potential.scope.index(child)]
        self.tables.append((tuple(potential.scope[axis] for axis in axes), potential.values.transpose(axes)))

    def _noisy_max(self, potential: NoisyMax) -> None:
        child = potential.child
        if any(term.values.ndim != term.axes for term in potential.terms):
            raise InterchangeError(
                f"the table of {self.names[child]!r} carries parameter lanes; expected plain numbers"
            )
        leaks = [term for term in potential.terms if term.parent is None]
        rest = [term for term in potential.terms if term.parent is not None]
        width = len(self.states[child])
        sizes = [len(self.states[term.parent]) for term in rest if term.parent is not None]
        if len(rest) < 2 or math.prod(sizes) * width <= self.largest_table:
            self.tables.append(_maximum(potential.terms, child))
            return
        total = leaks
        name = self.names[child].removeprefix(RESERVED_PREFIX)
        for number, term in enumerate(rest):
            last = number == len(rest) - 1
            here = child if last else self._new(f"max_{number}_{name}", self.states[child])
            self.tables.append(_maximum((*total, term), here))
            total = [Term(here, np.eye(width))]


def _maximum(terms: Sequence[Term], child: int) -> tuple[tuple[int, ...], Array]:
    """Return scope and table, child last, of the maximum of independent contributions."""
    parents = tuple(term.parent for term in terms if term.parent is not None)
    below: Array = np.ones(())
    for term in terms:
        cumulative = np.minimum(np.cumsum(term.values, axis=-1), 1.0)
        cumulative[..., -1] = 1.0
        if term.parent is not None:
            below = below[..., None, :] if below.ndim else below
        below = below * cumulative
    return (*parents, child), np.diff(below, axis=-1, prepend=0.0)
