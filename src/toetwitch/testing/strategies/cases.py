"""Cases of a model of any size, rule books over a network, and cohorts: without enumerating anything.

A case is drawn from a world that the model holds possible: states parents first, half by their probability and half
evenly, so that rare findings turn up. Then it says only some of what holds in that world.
"""

from __future__ import annotations

__all__ = ["cases", "rule_books", "sample_world"]

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from toetwitch.engine import Dense, NoisyMax
from toetwitch.knowledge.condition import AllOf, AnyOf, Atom, Condition
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.red_flag import TRIAGE_LEVELS, Policy, RedFlag, RuleBook
from toetwitch.knowledge.variable import BINARY, Variable
from toetwitch.network import Network

SEEN = ("context", "finding", "test", "variable")
"""Kinds of variable that a person can tell or a test can show."""


@st.composite
def cases(
    draw: st.DrawFn, network: Network, *, ids: Sequence[str] | None = None, most: int = 12, least: int = 0
) -> dict[str, object]:
    """Return a strategy for cases: hard evidence that the network holds possible.

    Parameters
    ----------
    network
        The network, of any size.
    ids
        What a case may tell; context, findings and tests by default.
    most, least
        Most and least ids that a case tells.

    Examples
    --------
    >>> from hypothesis import find
    >>> from toetwitch.knowledge.table import Cpt
    >>> network = Network(NetworkDefinition((Variable("a"),), (Cpt("a", (), [0.0, 1.0]),)))
    >>> find(cases(network), lambda case: len(case) == 1)
    {'a': True}
    """
    told = [v.id for v in network.variables.values() if v.kind in SEEN] if ids is None else list(ids)
    chosen = draw(st.lists(st.sampled_from(told), unique=True, min_size=least, max_size=min(most, len(told))))
    world = sample_world(network, np.random.default_rng(draw(st.integers(0, 2**16))))
    return {id: world[id] for id in chosen}


def sample_world(network: Network, rng: np.random.Generator) -> dict[str, str | bool]:
    """Return a complete assignment of positive probability, half by probability and half evenly.

    Examples
    --------
    >>> from toetwitch.knowledge.table import Cpt
    >>> network = Network(NetworkDefinition((Variable("a"),), (Cpt("a", (), [0.0, 1.0]),)))
    >>> sample_world(network, np.random.default_rng(0))
    {'a': True}
    """
    resolved = network.inference.resolved
    states: dict[int, int] = {}

    def settle(i: int) -> None:
        if i in states:
            return
        potential = resolved.potentials[i]
        if isinstance(potential, Dense):
            for j in potential.scope:
                if j != i:
                    settle(j)
            cell = tuple(slice(None) if j == i else states[j] for j in potential.scope)
            row = np.asarray(potential.values[cell])
        else:
            for term in potential.terms:
                if term.parent is not None:
                    settle(term.parent)
            row = _noisy_row(potential, states)
        row = np.maximum(row, 0) / row.sum()
        possible = row > 1e-12
        mixed = 0.5 * row * possible + 0.5 * possible / possible.sum()
        states[i] = int(rng.choice(len(row), p=mixed / mixed.sum()))

    for i in range(len(resolved.potentials)):
        settle(i)
    return {
        id: _named(variable, states[resolved.index[id]])  # hidden variables have no name and are left out
        for id, variable in network.variables.items()
    }


def _noisy_row(potential: NoisyMax, states: dict[int, int]) -> NDArray[np.float64]:
    below = np.ones(potential.terms[0].values.shape[-1])
    for term in potential.terms:
        row = term.values if term.parent is None else term.values[states[term.parent]]
        below = below * np.cumsum(row)
    return np.diff(below, prepend=0.0)


def _named(variable: Variable, index: int) -> str | bool:
    return bool(index) if variable.states == BINARY else variable.states[index]


@st.composite
def rule_books(draw: st.DrawFn, network: NetworkDefinition, *, most: int = 4) -> RuleBook:
    """Return a strategy for red-flag rule sets over a network's variables: monotone, of every level, some nested.

    Parameters
    ----------
    network
        Whose variables the rules speak of.
    most
        Most rules.

    Examples
    --------
    >>> from hypothesis import find
    >>> from toetwitch.knowledge.table import Cpt
    >>> network = NetworkDefinition((Variable("a"),), (Cpt("a", (), [0.5, 0.5]),))
    >>> book = find(rule_books(network), lambda book: len(book.rules) == 1)
    >>> print(book.rules[0].when, book.rules[0].level)
    a = true self_care
    """
    rules = tuple(
        RedFlag(
            f"rule_{k}",
            draw(_conditions(network)),
            draw(st.sampled_from(TRIAGE_LEVELS)),
            "extension",
            f"Rule {k}.",
            ("drawn",),
        )
        for k in range(draw(st.integers(0, most)))
    )
    return RuleBook(rules, Policy(danger_findings=tuple(network.by_id)))


def _conditions(network: NetworkDefinition) -> st.SearchStrategy[Condition]:
    def parts(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
        lists = st.lists(inner, min_size=1, max_size=3).map(tuple)
        return st.one_of(lists.map(AllOf), lists.map(AnyOf))

    return st.recursive(_atoms(network), parts, max_leaves=4)


@st.composite
def _atoms(draw: st.DrawFn, network: NetworkDefinition) -> Condition:
    variable = draw(st.sampled_from([v for v in network.variables if len(v.states) > 1]))
    start = draw(st.integers(1, len(variable.states) - 1))
    return Atom(variable.id, variable.states[start:], variable.states)
