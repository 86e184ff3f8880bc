"""Evidence of all four kinds: possible by construction, or deliberately impossible.

Possible evidence is drawn around an assignment of positive probability: hard evidence repeats it, excluded and
likelihood evidence leave it standing, Jeffrey evidence states the marginals of a reweighted joint, so that a
distribution exists that meets every statement. Impossible evidence pins a row's child to a state of probability 0.
"""

from __future__ import annotations

__all__ = ["EVIDENCE_KINDS", "Question", "clashes", "evidence", "frames", "questions", "unlikely"]

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from numpy.typing import NDArray

from toetwitch.evidence import UNKNOWN, excluded, jeffrey, likelihood
from toetwitch.frozen import FrozenMapping
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.table import Cpt, Table
from toetwitch.knowledge.variable import BINARY, Variable
from toetwitch.testing.oracle import Enumeration
from toetwitch.testing.strategies.networks import networks

Array = NDArray[np.float64]

EVIDENCE_KINDS = ("hard", "excluded", "likelihood", "jeffrey", "unknown")
"""Kinds that `evidence` draws from; "unknown" says None, NaN or `UNKNOWN` in so many words."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a law is tried on.

    Parameters
    ----------
    network
        The stated network.
    evidence
        Id to answer.
    seed
        Settles what a law picks by chance (an order, a subset), so that a failure repeats.
    """

    network: NetworkDefinition
    evidence: Mapping[str, object] = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "evidence", FrozenMapping(dict(self.evidence)))

    @property
    def rng(self) -> np.random.Generator:
        """A fresh generator of this question's seed."""
        return np.random.default_rng(self.seed)


@st.composite
def evidence(
    draw: st.DrawFn,
    network: NetworkDefinition,
    *,
    kinds: Sequence[str] = EVIDENCE_KINDS,
    most: int | None = None,
    least: int = 0,
    truth: Enumeration | None = None,
) -> dict[str, object]:
    """Return a strategy for evidence of positive probability, about a network small enough to enumerate.

    Parameters
    ----------
    network
        The stated network.
    kinds
        Kinds to draw from, of `EVIDENCE_KINDS`.
    most
        Most ids to say anything about; all by default.
    least
        Least ids to say anything about, as far as the network has them.
    truth
        The network's enumeration, where it is at hand.

    Examples
    --------
    >>> from hypothesis import find
    >>> network = NetworkDefinition((Variable("a"),), (Cpt("a", (), [0.0, 1.0]),))
    >>> find(evidence(network, kinds=["hard"]), lambda drawn: len(drawn) == 1)
    {'a': True}
    """
    truth = truth or Enumeration(network)
    every = [v.id for v in network.variables]
    least = min(least, len(every))
    ids = draw(st.lists(st.sampled_from(every), unique=True, min_size=least, max_size=most))
    if not ids:
        return {}
    standing = draw(_assignments(truth))
    # Half of all answers are plain states where those are wanted: they are what most cases are made of.
    weighted = [*kinds, *(["hard"] * (len(kinds) - 1) if "hard" in kinds else [])]
    asked = {id: draw(st.sampled_from(weighted)) for id in ids}
    tilts = {id: draw(_tilts(network.by_id[id])) for id in ids if asked[id] == "jeffrey"}
    found: dict[str, object] = dict.fromkeys(ids)
    for id, kind in asked.items():
        variable = network.by_id[id]
        if kind == "hard":
            found[id] = draw(_named(variable, standing[id]))
        elif kind == "excluded":
            others = [s for s in variable.states if s != standing[id]]
            gone = draw(st.lists(st.sampled_from(others), min_size=1, unique=True)) if others else []
            found[id] = excluded(*gone)
        elif kind == "likelihood":
            found[id] = draw(_likelihoods(variable, standing[id]))
        elif kind == "unknown":
            found[id] = draw(st.sampled_from((None, math.nan, UNKNOWN)))
    found |= _attainable(truth, tilts, {id: value for id, value in found.items() if id not in tilts})
    assume(truth.possible(found))
    return found


@st.composite
def _assignments(draw: st.DrawFn, truth: Enumeration) -> dict[str, str]:
    """Draw a complete assignment of positive probability, parents first."""
    standing: dict[str, str] = {}
    for id in truth.ids:
        variable = truth.definition.by_id[id]
        parents = truth.definition.table_of[id].parents
        cell = tuple(truth.definition.by_id[p].states.index(standing[p]) for p in parents)
        possible = [s for s, p in zip(variable.states, truth.tables[id][cell], strict=True) if p > 0]
        standing[id] = draw(st.sampled_from(possible))
    return standing


def _named(variable: Variable, state: str) -> st.SearchStrategy[str | bool]:
    if variable.states == BINARY:
        return st.sampled_from((state == "true", state))
    return st.just(state)


@st.composite
def _likelihoods(draw: st.DrawFn, variable: Variable, standing: str) -> object:
    weights = st.sampled_from((1.0, 0.5, 0.0, 0.1, 0.9, 3.0, 1e-6))
    drawn = {state: draw(weights) for state in variable.states}
    drawn[standing] = draw(weights.filter(lambda w: w > 0))
    return likelihood(drawn)


def _tilts(variable: Variable) -> st.SearchStrategy[list[float]]:
    size = len(variable.states)
    return st.lists(st.sampled_from((1.0, 2.0, 0.5, 5.0)), min_size=size, max_size=size)


def _attainable(
    truth: Enumeration, tilts: Mapping[str, Sequence[float]], others: Mapping[str, object]
) -> dict[str, object]:
    """Return the marginals, given the other evidence, of the joint reweighted by the tilts: they can hold together."""
    if not tilts:
        return {}
    states = {id: truth.definition.by_id[id].states for id in tilts}
    weighed = {id: likelihood(dict(zip(states[id], tilt, strict=True))) for id, tilt in tilts.items()}
    tilted = truth.posterior({**others, **weighed})
    return {id: jeffrey(dict(zip(states[id], map(float, tilted[id] / tilted[id].sum()), strict=True))) for id in tilts}


@st.composite
def questions(
    draw: st.DrawFn,
    network: st.SearchStrategy[NetworkDefinition] | None = None,
    *,
    kinds: Sequence[str] = EVIDENCE_KINDS,
    most: int | None = None,
    least: int = 0,
) -> Question:
    """Return a strategy for a network with possible evidence about it.

    Examples
    --------
    >>> from hypothesis import find
    >>> question = find(questions(kinds=["hard"]), lambda question: len(question.evidence) == 1)
    >>> len(question.network.variables)
    1
    """
    drawn = draw(networks() if network is None else network)
    said = draw(evidence(drawn, kinds=kinds, most=most, least=least))
    return Question(drawn, said, draw(st.integers(0, 999)))


@st.composite
def unlikely(draw: st.DrawFn) -> Question:
    """Return a strategy for evidence so improbable that its probability is no double, while its logarithm is.

    Examples
    --------
    >>> from hypothesis import find
    >>> question = find(unlikely(), lambda question: True)
    >>> Enumeration(question.network).log_probability(question.evidence) < -750
    True
    """
    ids = [chr(ord("a") + k) for k in range(draw(st.integers(3, 6)))]
    tiny = st.sampled_from((1e-300, 1e-299, 3e-250, 1e-200, 7e-180))
    tables: list[Table] = []
    for k, id in enumerate(ids):
        rows = [[1.0, p] for p in ([draw(tiny)] if k == 0 else [draw(tiny), draw(tiny)])]
        tables.append(Cpt(id, (ids[k - 1],) if k else (), np.array(rows if k else rows[0])))
    network = NetworkDefinition(tuple(Variable(id) for id in ids), tuple(tables))
    told = draw(st.lists(st.sampled_from(ids), unique=True, min_size=2))
    return Question(network, dict.fromkeys([*ids[:2], *told], True) | {ids[-1]: True}, draw(st.integers(0, 999)))


@st.composite
def clashes(draw: st.DrawFn, network: st.SearchStrategy[NetworkDefinition] | None = None) -> Question:
    """Return a strategy for a network with evidence of probability zero.

    Examples
    --------
    >>> from hypothesis import find
    >>> question = find(clashes(), lambda question: True)
    >>> Enumeration(question.network).log_probability(question.evidence)
    -inf
    """
    drawn = draw(networks(kinds=("cpt",)) if network is None else network)
    tables = [t for t in drawn.tables if isinstance(t, Cpt)]
    assume(tables)
    table = draw(st.sampled_from(tables))
    standing = draw(_assignments(Enumeration(drawn)))
    parents = table.parents
    cell = tuple(drawn.by_id[p].states.index(standing[p]) for p in parents)
    child = drawn.by_id[table.child]
    gone = draw(st.integers(0, len(child.states) - 1))
    row = np.array([0.0 if k == gone else table.values[cell][k] for k in range(len(child.states))])
    row = row / row.sum() if row.sum() > 0 else np.eye(len(child.states))[(gone + 1) % len(child.states)]
    values = np.array(table.values)
    values[cell] = row
    replaced: dict[str, Table] = {**drawn.table_of, table.child: Cpt(table.child, parents, values)}
    ruined = NetworkDefinition(drawn.variables, tuple(replaced[v.id] for v in drawn.variables))
    said: dict[str, object] = {p: standing[p] for p in parents}
    said[table.child] = child.states[gone]
    for id in draw(st.lists(st.sampled_from([v.id for v in drawn.variables]), unique=True)):
        if id not in said:
            said[id] = draw(
                st.one_of(_named(drawn.by_id[id], standing[id]), _likelihoods(drawn.by_id[id], standing[id]))
            )
    order = draw(st.permutations(list(said)))
    return Question(ruined, {id: said[id] for id in order}, draw(st.integers(0, 999)))


@st.composite
def frames(
    draw: st.DrawFn,
    network: NetworkDefinition,
    *,
    rows: tuple[int, int] = (1, 6),
    kinds: Sequence[str] = ("hard", "unknown"),
    library: str = "pandas",
) -> Any:
    """Return a strategy for frames of possible cases: a column is a variable, a missing cell unknown.

    Parameters
    ----------
    network
        The stated network.
    rows
        Least and most rows.
    kinds
        Kinds of evidence in a cell.
    library
        "pandas" or "polars".

    Examples
    --------
    >>> from hypothesis import find
    >>> network = NetworkDefinition((Variable("a"),), (Cpt("a", (), [0.5, 0.5]),))
    >>> find(frames(network), lambda frame: len(frame) == 2).columns.tolist()
    ['a']
    """
    truth = Enumeration(network)
    cases = draw(st.lists(evidence(network, kinds=kinds, truth=truth), min_size=rows[0], max_size=rows[1]))
    columns = {v.id: [_cell(v, case.get(v.id)) for case in cases] for v in network.variables}
    if library == "polars":
        import polars as pl

        return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String), strict=False)
    import pandas as pd

    return pd.DataFrame(columns, dtype=object)


def _cell(variable: Variable, value: object) -> object:
    if value is None or value is UNKNOWN or value != value:
        return None
    return variable.states[int(value)] if isinstance(value, bool) else value
