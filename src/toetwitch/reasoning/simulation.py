"""Simulation: people drawn from a model, or from one that differs from it, with only part of them told.

A cohort drawn from the model itself shows what the best possible answer looks like; cohorts drawn from models with
other numbers, other prevalences, weaker links or a disease that the model does not know show what its errors cost.
Everybody in a cohort has the complaint, and of each person only a random part of what could be asked is known.
"""

from __future__ import annotations

__all__ = ["COHORTS", "Cohort", "World", "simulate"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine import Dense
from toetwitch.errors import EvidenceError, TableError
from toetwitch.inference.resolution import Numbers, Resolved, resolve
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.parameters import Parameter, parameters
from toetwitch.knowledge.table import Logistic
from toetwitch.reasoning.uncertainty import draw_numbers

Int = NDArray[np.int64]

COHORTS = ("as the model", "numbers drawn", "links weaker", "rarer", "commoner", "unknown disease")
"""Drawn from: the model; models drawn from the cited ranges; links of which the odds over the background are tempered,
so that the model is over-confident; prior odds of every cause halved, or doubled; a disease outside the model."""

KNOWN_CONTEXT, KNOWN_FINDING = 0.5, 0.25
"""The share of contexts, and of findings, of which a person tells."""

TEMPER = 0.7
"""Log-odds of links are multiplied by this where links are weaker."""

OUTSIDE_FINDINGS, OUTSIDE_PROBABILITY = 6, 0.6
"""How many findings a disease outside the model brings about, each with this probability."""

DRAWS = 10
"""How many models the cohort with drawn numbers comes from."""

MOST_DRAWN = 200_000


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """How the truth differs from the model.

    Parameters
    ----------
    numbers
        Parameter path to its true value, shape (1,); the others are as stated.
    shifts
        Cause to the ratio by which its true prior odds differ.
    """

    numbers: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    shifts: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("numbers", "shifts"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def resolved(self, network: NetworkDefinition) -> Resolved:
        """Return the tables of this world.

        Raises
        ------
        TableError
            When its numbers give no model.
        """
        return resolve(network, shifts=self.shifts, numbers=Numbers(1, dict(self.numbers)))


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """Simulated people.

    Parameters
    ----------
    name
        One of `COHORTS`.
    states
        Variable to the state of each person, shape (people,).
    known
        Variable to whether it is told, shape (people,).
    worlds
        The worlds that people come from.
    world_of
        Which of them each person comes from, shape (people,).
    """

    name: str
    states: Mapping[str, Int]
    known: Mapping[str, NDArray[np.bool_]]
    worlds: tuple[World, ...] = ()
    world_of: Int = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def rows(self, network: NetworkDefinition) -> list[dict[str, object]]:
        """Return what each person tells, as evidence."""
        count = len(next(iter(self.states.values())))
        rows: list[dict[str, object]] = [{} for _ in range(count)]
        for id, told in self.known.items():
            variable = network.by_id[id]
            for k in np.flatnonzero(told):
                state = int(self.states[id][k])
                rows[k][id] = bool(state) if variable.is_binary else variable.states[state]
        return rows


def simulate(network: NetworkDefinition, name: str, people: int, *, complaint: str, rng: np.random.Generator) -> Cohort:
    """Return people who have a complaint, drawn from the model or from one that differs from it.

    Parameters
    ----------
    network
        The model's network.
    name
        One of `COHORTS`.
    people
        How many.
    complaint
        A variable that everybody has in a state above its mildest, and tells.
    rng
        The source of chance.

    Raises
    ------
    EvidenceError
        For a cohort of another name, or when the complaint is too rare to be drawn.

    Examples
    --------
    >>> from toetwitch.model import load_model
    >>> network = load_model().definition.network
    >>> cohort = simulate(network, "rarer", 5, complaint="toe_movement", rng=np.random.default_rng(0))
    >>> cohort.states["toe_movement"].tolist()
    [1, 1, 1, 1, 1]
    """
    if name not in COHORTS:
        raise EvidenceError(f"cohort {name!r}; expected one of {', '.join(COHORTS)}")
    outside = name == "unknown disease"
    worlds = _worlds(network, name, rng)
    wanted = [people * (k + 1) // len(worlds) - people * k // len(worlds) for k in range(len(worlds))]
    blocks = [
        _with_complaint(network, world.resolved(network), count, complaint, rng, outside)
        for world, count in zip(worlds, wanted, strict=True)
    ]
    states = {id: np.concatenate([block[id] for block in blocks]) for id in network.by_id}
    told = _told(network, people, complaint, rng)
    return Cohort(name, states, told, tuple(worlds), np.repeat(np.arange(len(worlds)), wanted))


def _worlds(network: NetworkDefinition, name: str, rng: np.random.Generator) -> list[World]:
    stated = parameters(network)
    if name == "numbers drawn":
        return _drawn(network, stated, rng)
    if name == "links weaker":
        weaker = {
            p.path: np.array([_tempered(network, p)]) for p in stated if p.role == "link" and _tempers(network, p)
        }
        return [World(numbers=weaker)]
    if name in ("rarer", "commoner"):
        ratio = 0.5 if name == "rarer" else 2.0
        causes = [v.id for v in network.of_kind("cause") if isinstance(network.table_of[v.id], Logistic)]
        return [World(shifts=dict.fromkeys(causes, ratio))]
    return [World()]


def _drawn(network: NetworkDefinition, stated: Sequence[Parameter], rng: np.random.Generator) -> list[World]:
    """Return models drawn from the ranges; draws under which there is no model are drawn again."""
    found: list[World] = []
    for _ in range(50 * DRAWS):
        drawn = draw_numbers([p for p in stated if p.role != "row"], 1, rng)
        world = World(numbers={**drawn, **_raised(network, stated, drawn)})
        try:
            world.resolved(network)
        except TableError:
            continue
        found.append(world)
        if len(found) == DRAWS:
            return found
    raise EvidenceError(f"{len(found)} of {50 * DRAWS} draws gave a model; expected {DRAWS}")


def _raised(
    network: NetworkDefinition, stated: Sequence[Parameter], drawn: Mapping[str, NDArray[np.float64]]
) -> dict[str, NDArray[np.float64]]:
    """Return links that were drawn below their drawn background, raised to it; graded findings keep their numbers."""
    raised = {}
    for p in stated:
        if p.role not in ("link", "leak"):
            continue
        if len(network.by_id[p.child].states) > 2:
            raised[p.path] = np.array([p.estimate.value])
        elif p.role == "link" and f"{p.child}.leak.true" in drawn and p.path in drawn:
            inhibits = _inhibits(network, p)
            bound = np.minimum if inhibits else np.maximum
            raised[p.path] = bound(drawn[p.path], drawn[f"{p.child}.leak.true"])
    return raised


def _inhibits(network: NetworkDefinition, p: Parameter) -> bool:
    links = getattr(network.table_of[p.child], "links", ())
    return any(link.inhibits and f"[{link.parent}={link.parent_state}]" in p.path for link in links)


def _tempers(network: NetworkDefinition, p: Parameter) -> bool:
    table = network.table_of[p.child]
    return (
        len(network.by_id[p.child].states) == 2
        and not _inhibits(network, p)
        and getattr(table, "leak", None) is not None
    )


def _tempered(network: NetworkDefinition, p: Parameter) -> float:
    leak = network.table_of[p.child].leak  # type: ignore[union-attr]
    floor = 1 - leak.overall["true"].value if leak.kind == "specificity" else leak.overall["true"].value
    value = min(p.estimate.value, 1 - 1e-6)
    if leak.kind == "prevalence" or value <= floor or floor <= 0:
        return p.estimate.value
    odds, base = value / (1 - value), floor / (1 - floor)
    odds = base * (odds / base) ** TEMPER
    return float(odds / (1 + odds))


def _with_complaint(
    network: NetworkDefinition,
    world: Resolved,
    wanted: int,
    complaint: str,
    rng: np.random.Generator,
    outside: bool,
) -> dict[str, Int]:
    kept: list[dict[str, Int]] = []
    found = drawn = 0
    while found < wanted:
        block = _sample(network, world, 1000, rng)
        if outside:
            _afflict(network, block, rng, complaint)
        mask = np.flatnonzero(block[complaint] > 0)[: wanted - found]
        kept.append({id: values[mask] for id, values in block.items()})
        found += len(mask)
        drawn += 1000
        if drawn >= MOST_DRAWN and found < wanted:
            raise EvidenceError(f"{found} of {drawn} people drawn have {complaint!r}; expected {wanted}")
    if not kept:
        return {id: np.zeros(0, dtype=np.int64) for id in network.by_id}
    return {id: np.concatenate([block[id] for block in kept]) for id in network.by_id}


def _sample(network: NetworkDefinition, world: Resolved, count: int, rng: np.random.Generator) -> dict[str, Int]:
    """Return people drawn parent by parent."""
    drawn: dict[int, Int] = {}

    def draw(i: int) -> Int:
        if i not in drawn:
            drawn[i] = _draw(i)
        return drawn[i]

    def _draw(i: int) -> Int:
        potential = world.potentials[i]
        if isinstance(potential, Dense):
            parents = [j for j in potential.scope if j != i]
            table = np.moveaxis(potential.values, potential.scope.index(i), -1)
            return _pick(table[tuple(draw(j) for j in parents)], count, rng)
        state = np.zeros(count, dtype=np.int64)
        for term in potential.terms:
            rows = term.values if term.parent is None else term.values[draw(term.parent)]
            state = np.maximum(state, _pick(rows, count, rng))
        return state

    return {id: draw(world.index[id]) for id in network.order}


def _pick(rows: NDArray[np.float64], count: int, rng: np.random.Generator) -> Int:
    """Return a state for each person, drawn from rows of shape (people, states) or (states,)."""
    cumulative = np.cumsum(np.broadcast_to(rows, (count, rows.shape[-1])), axis=-1)
    above = (rng.random((count, 1)) >= cumulative).sum(axis=-1)
    return np.asarray(np.minimum(above, rows.shape[-1] - 1), dtype=np.int64)


def _afflict(network: NetworkDefinition, block: dict[str, Int], rng: np.random.Generator, complaint: str) -> None:
    """Give everybody a disease that the model does not know, in place of every cause that it does."""
    count = len(block[complaint])
    healthy = resolve(
        network, shifts={v.id: 1e-9 for v in network.of_kind("cause") if isinstance(network.table_of[v.id], Logistic)}
    )
    block.update(_sample(network, healthy, count, rng))
    findings = [v.id for v in network.of_kind("finding") if v.is_binary and v.id != complaint]
    brought = rng.choice(findings, size=OUTSIDE_FINDINGS, replace=False)
    for id in (*map(str, brought), complaint):
        block[id] = np.maximum(block[id], (rng.random(count) < OUTSIDE_PROBABILITY).astype(np.int64))


def _told(
    network: NetworkDefinition, people: int, complaint: str, rng: np.random.Generator
) -> dict[str, NDArray[np.bool_]]:
    shares = {"context": KNOWN_CONTEXT, "finding": KNOWN_FINDING}
    told = {v.id: rng.random(people) < shares[v.kind] for v in network.variables if v.kind in shares}
    told[complaint] = np.ones(people, dtype=bool)
    return told
