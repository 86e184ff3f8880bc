"""Whole networks, small enough to enumerate, with shape, size and numbers under control.

Nodes are drawn parents first and called a, b, c ... A failing network shrinks to few nodes, few states, few arcs and
round numbers, in that order of effort.
"""

from __future__ import annotations

__all__ = ["SHAPES", "networks", "noisy_or_networks", "variables"]

import functools
import string
from collections.abc import Mapping, Sequence

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from toetwitch.knowledge.estimate import Estimate
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.table import Leak, Link, NoisyMax, Table
from toetwitch.knowledge.variable import BINARY, Variable
from toetwitch.testing.oracle import Enumeration
from toetwitch.testing.strategies.tables import TABLE_KINDS, cpts, logistics, noisy_maxes

SHAPES = ("any", "chain", "tree", "two_layers", "unconnected")
"""Any acyclic graph; each node below the one before; at most one parent; causes above findings; no arc at all."""

IDS = tuple(string.ascii_lowercase)
MORE = (False, True, True, True, True, True)
"""Whether a network goes on: so that small ones turn up, and shrinking ends early."""


@st.composite
def variables(draw: st.DrawFn, id: str = "a", *, states: tuple[int, int] = (2, 4)) -> Variable:
    """Return a strategy for variables of a given id.

    Parameters
    ----------
    id
        The name.
    states
        Least and most states; two states are "false" and "true".

    Examples
    --------
    >>> from hypothesis import find
    >>> find(variables("mood", states=(3, 5)), lambda variable: True)
    Variable(id='mood', states=('s0', 's1', 's2'), kind='variable', group='', label='', definition='', origin='')
    """
    # The least size counts twice: noisy-ORs, inhibiting links and logistic children need two states.
    size = max(states[0], draw(st.integers(states[0] - 1, states[1])))
    return Variable(id, BINARY if size == 2 else tuple(f"s{k}" for k in range(size)))


@st.composite
def networks(
    draw: st.DrawFn,
    *,
    nodes: tuple[int, int] = (1, 6),
    states: tuple[int, int] = (2, 4),
    kinds: Sequence[str] = TABLE_KINDS,
    shape: str = "any",
    max_parents: int = 3,
    determinism: bool = True,
    extreme: bool = False,
    inhibits: bool = True,
    banded: bool = True,
    solved: bool = True,
    max_cells: int = 2**12,
) -> NetworkDefinition:
    """Return a strategy for networks.

    Parameters
    ----------
    nodes, states
        Least and most nodes of the network, and states of a node.
    kinds
        Kinds of table to draw from, of `TABLE_KINDS`; a kind that does not fit a node gives way to "cpt".
    shape
        One of `SHAPES`.
    max_parents
        Most parents of a node.
    determinism
        Whether probabilities may be 0 or 1.
    extreme
        Whether probabilities may be as small as 1e-300.
    inhibits, banded, solved
        Whether noisy-MAX tables may have inhibiting links, leaks by band, and prevalences for which the leak is solved.
    max_cells
        Most combinations of states of the whole network.

    Examples
    --------
    >>> from hypothesis import find
    >>> small = find(networks(nodes=(2, 4)), lambda network: network.graph().number_of_edges() > 0)
    >>> [(table.child, table.parents) for table in small.tables]
    [('a', ()), ('b', ('a',))]
    """
    if shape not in SHAPES:
        raise ValueError(f"shape {shape!r}; expected one of {', '.join(SHAPES)}")
    drawn: list[Variable] = []
    tables: list[Table] = []
    causes = draw(st.integers((nodes[0] + 1) // 2, (nodes[1] + 1) // 2)) if shape == "two_layers" else 0
    one = functools.partial(
        _node,
        drawn,
        tables,
        kinds=kinds,
        shape=shape,
        causes=causes,
        max_parents=max_parents,
        determinism=determinism,
        extreme=extreme,
        inhibits=inhibits,
        banded=banded,
        solved=solved,
    )
    for place in range(nodes[1]):
        room = max_cells // (int(np.prod([len(v.states) for v in drawn])) * 2 ** (nodes[1] - place - 1))
        node = draw(one(place < nodes[0], states=(states[0], max(states[0], min(states[1], room)))))
        if node is None:
            break
        drawn.append(node[0])
        tables.append(node[1])
    return NetworkDefinition(tuple(drawn), tuple(tables))


@st.composite
def _node(
    draw: st.DrawFn,
    above: Sequence[Variable],
    tables: Sequence[Table],
    needed: bool,
    *,
    states: tuple[int, int],
    kinds: Sequence[str],
    shape: str,
    causes: int,
    max_parents: int,
    determinism: bool,
    extreme: bool,
    inhibits: bool,
    banded: bool,
    solved: bool,
) -> tuple[Variable, Table] | None:
    """Draw whether there is one more node, and the node: one stretch of draws, which shrinking can leave out whole."""
    if not needed and not draw(st.sampled_from(MORE)):
        return None
    kind = draw(st.sampled_from(list(kinds)))
    most = 2 if kind == "logistic" and states[0] <= 2 else states[1]
    variable = draw(variables(IDS[len(above)], states=(states[0], most)))
    parents = draw(_parents(above, shape, causes, max_parents))
    if kind == "logistic" and variable.states == BINARY:
        return variable, draw(logistics(variable, parents, extreme=extreme))
    if kind == "noisy_max" and len(variable.states) > 1:
        table = draw(noisy_maxes(variable, parents, determinism=determinism, inhibits=inhibits, banded=banded))
        if solved and draw(st.sampled_from((False, False, True))):
            table = _by_prevalence(above, tables, variable, table)
        return variable, table
    return variable, draw(cpts(variable, parents, determinism=determinism, extreme=extreme))


@st.composite
def noisy_or_networks(
    draw: st.DrawFn, *, causes: tuple[int, int] = (1, 3), findings: tuple[int, int] = (1, 3), inhibits: bool = True
) -> NetworkDefinition:
    """Return a strategy for binary networks of causes (kind "cause") and the noisy-OR findings that they bring about.

    Parameters
    ----------
    causes, findings
        Least and most of each. A cause may depend on the cause before it, a finding on an earlier finding.
    inhibits
        Whether links may argue against their finding. A finding that is held back brings about no other: what its
        cause would release is a question of its own.

    Examples
    --------
    >>> from hypothesis import find
    >>> small = find(noisy_or_networks(), lambda network: True)
    >>> [(variable.id, variable.kind) for variable in small.variables]
    [('a', 'cause'), ('b', 'finding')]
    """
    number = draw(st.integers(*causes))
    drawn: list[Variable] = []
    tables: list[Table] = []
    for id in IDS[: number + draw(st.integers(*findings))]:
        if len(drawn) < number:
            variable = Variable(id, kind="cause")
            above = draw(st.lists(st.sampled_from(drawn), max_size=1)) if drawn else []
            table: Table = draw(cpts(variable, above, determinism=False))
        else:
            variable = Variable(id, kind="finding")
            free = [v for v, t in zip(drawn, tables, strict=True) if not _held_back(t)]
            above = draw(st.lists(st.sampled_from(free), min_size=1, max_size=3, unique_by=lambda v: v.id))
            table = draw(noisy_maxes(variable, above, inhibits=inhibits, banded=False, specificity=False))
        drawn.append(variable)
        tables.append(table)
    return NetworkDefinition(tuple(drawn), tuple(tables))


def _held_back(table: Table) -> bool:
    return isinstance(table, NoisyMax) and any(link.inhibits for link in table.links)


@st.composite
def _parents(draw: st.DrawFn, above: Sequence[Variable], shape: str, causes: int, most: int) -> list[Variable]:
    if not above or shape == "unconnected":
        return []
    if shape == "chain":
        return [above[-1]]
    if shape == "tree":
        return [draw(st.sampled_from(list(above)))]
    if shape == "two_layers":
        if len(above) < causes:
            return []
        above = above[:causes]
    if draw(st.sampled_from((False, False, True))):
        return list(above[-most:])
    least = 1 if shape == "two_layers" else 0
    return draw(st.lists(st.sampled_from(list(above)), min_size=least, max_size=most, unique_by=lambda v: v.id))


def _by_prevalence(above: Sequence[Variable], tables: Sequence[Table], child: Variable, table: NoisyMax) -> NoisyMax:
    """State the marginal in place of the leak, where one leak and no other gives it; else keep the leak."""
    if table.leak.kind != "leak" or table.leak.bands:
        return table
    for threshold in range(1, len(child.states)):
        upper = child.states[threshold:]
        leak = _tail(table.leak.overall, upper)
        links = [
            Link(k.parent, {"true": Estimate.of(_tail(k.probabilities, upper))}, k.parent_state, inhibits=k.inhibits)
            for k in table.links
        ]
        room = min([1.0 - 1e-9, *(k.probabilities["true"].value for k in links if not k.inhibits)])
        if not 0 < leak < room:
            return table
        curve = [
            _marginal(
                above,
                tables,
                Variable(child.id),
                NoisyMax(child.id, Leak("leak", {"true": Estimate.of(p)}), tuple(links)),
            )[1]
            for p in np.linspace(0, room, 9)
        ]
        if not (np.diff(curve) > 0).all():
            return table
    marginal = _marginal(above, tables, child, table)
    stated = {state: Estimate.of(float(p)) for state, p in zip(child.states[1:], marginal[1:], strict=True)}
    return NoisyMax(table.child, Leak("prevalence", stated), table.links)


def _marginal(above: Sequence[Variable], tables: Sequence[Table], child: Variable, table: Table) -> NDArray[np.float64]:
    network = NetworkDefinition((*above, child), (*tables, table))
    return Enumeration(network, [child.id]).posterior({})[child.id]


def _tail(numbers: Mapping[str, Estimate], upper: Sequence[str]) -> float:
    return sum(numbers[state].value for state in upper)
