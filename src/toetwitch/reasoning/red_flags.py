"""Which red flags fire: decided by the evidence alone.

No prior, table or numeric fault can silence a rule, because this module cannot reach one: it knows rules and what the
evidence says of each variable, and imports nothing that computes a posterior. A rule is fired, possible (what is not
known could still make it fire) or cleared.
"""

from __future__ import annotations

__all__ = [
    "Answer",
    "Decisions",
    "FiredRule",
    "HasStates",
    "PossibleRule",
    "complete",
    "decide",
    "explain",
    "supports_of",
]

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from toetwitch.evidence import Evidence
from toetwitch.frozen import FrozenMapping
from toetwitch.knowledge.condition import (
    FALSE,
    SURE_ABOVE,
    TRUE,
    UNKNOWN,
    Atom,
    Condition,
    Not,
    Truth,
    evaluate,
    read_atoms,
)
from toetwitch.knowledge.red_flag import TRIAGE_LEVELS, RedFlag, RuleBook

Supports = Mapping[str, NDArray[Any]]
Bools = NDArray[np.bool_]
Answer = bool | str | tuple[str, ...] | Mapping[str, float]
"""What was said of one variable: its state, the states still possible, or a probability for each."""


class HasStates(Protocol):
    """What a support needs to know of a variable."""

    @property
    def states(self) -> tuple[str, ...]:
        """The names of the states."""


def supports_of(evidence: Evidence, variables: Mapping[str, HasStates]) -> dict[str, NDArray[np.float64]]:
    """Return what evidence says of each variable, as supports.

    A hard finding is one-hot and an exclusion is the indicator of what it leaves open. A likelihood counts by its
    normalised value, and one that is flat over the states it allows only says which these are. Jeffrey evidence counts
    by its stated probabilities.

    Parameters
    ----------
    evidence
        Checked evidence.
    variables
        The variables, by id.

    Returns
    -------
    dict
        Id to an array of shape (states,); unknown ids are left out.

    Examples
    --------
    >>> from toetwitch.evidence import likelihood, read_evidence
    >>> from toetwitch.knowledge.variable import Variable
    >>> variables = {"numbness": Variable("numbness"), "foot_drop": Variable("foot_drop")}
    >>> evidence = read_evidence({"numbness": True, "foot_drop": likelihood(0.25)}, variables)
    >>> {id: support.tolist() for id, support in supports_of(evidence, variables).items()}
    {'numbness': [0.0, 1.0], 'foot_drop': [0.75, 0.25]}
    """
    supports = {id: np.eye(len(variables[id].states))[index] for id, index in evidence.hard.items()}
    for id, weights in evidence.soft.items():
        flat = weights[weights > 0]
        supports[id] = (weights > 0).astype(float) if (flat == flat[0]).all() else weights / weights.sum()
    supports.update({id: np.asarray(stated) for id, stated in evidence.jeffrey.items()})
    return supports


def complete(supports: Supports, book: RuleBook) -> Supports:
    """Return supports in which classes and their parts agree: a class is true exactly when one of its parts is.

    A part that is true makes its class true, whatever was said of the class; a class that is false clears the parts
    that nobody answered. So a rule over "a water tablet or acid blocker" fires when either was named.
    """
    if not any(id in supports for id, parts in book.policy.any_of.items() for id in (id, *parts)):
        return supports
    completed = dict(supports)
    truth_of = read_atoms(supports)
    for whole, parts in book.policy.any_of.items():
        said = truth_of(Atom(whole, ("true",)))
        parted = {part: truth_of(Atom(part, ("true",))) for part in parts}
        known = functools.reduce(np.maximum, parted.values())
        _set(completed, whole, np.logical_and(np.equal(known, TRUE), np.less(said, TRUE)), true=True)
        _set(completed, whole, np.logical_and(np.equal(known, FALSE), np.equal(said, UNKNOWN)), true=False)
        for part, truth in parted.items():
            _set(completed, part, np.logical_and(np.equal(said, FALSE), np.equal(truth, UNKNOWN)), true=False)
    return completed


def _set(supports: dict[str, NDArray[Any]], id: str, where: Bools, *, true: bool) -> None:
    if where.any():
        before = supports.get(id, np.ones(2, dtype=np.int8))
        supports[id] = np.where(where[..., None], np.array([not true, true], dtype=before.dtype), before)


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """What became of every rule, in every case.

    Parameters
    ----------
    fired, possible
        Shape (..., rules), in the order of the rule book; a rule that is neither is cleared.
    dissents
        Shape (..., rules): where a rule fired and its guideline dissent is known to hold.
    """

    fired: Bools
    possible: Bools
    dissents: Bools


def decide(supports: Supports, book: RuleBook) -> Decisions:
    """Decide every rule.

    Parameters
    ----------
    supports
        Id to what is known of it, shape (..., states) with the same leading axes; ids left out are unknown.
    book
        The rules.

    Returns
    -------
    Decisions
        Leading axes as the supports have them. Worse news never clears a fired rule.
    """
    supports = complete(supports, book)
    shape = np.broadcast_shapes(*(support.shape[:-1] for support in supports.values()))
    truth_of, sure_of = read_atoms(supports), read_atoms(supports, SURE_ABOVE)
    fired, possible, dissents = (np.zeros((*shape, len(book.rules)), dtype=bool) for _ in range(3))
    for n, (rule, named) in enumerate(zip(book.rules, book.named_by, strict=True)):
        truth = UNKNOWN if named.isdisjoint(supports) else evaluate(rule.when, truth_of)
        fired[..., n], possible[..., n] = truth == TRUE, truth == UNKNOWN
        if rule.dissent_when is not None and fired[..., n].any():
            dissents[..., n] = fired[..., n] & (evaluate(rule.dissent_when, sure_of) == TRUE)
    return Decisions(fired, possible, dissents)


@dataclass(frozen=True, slots=True)
class FiredRule:
    """A rule that fired, with the evidence that fired it.

    Parameters
    ----------
    rule
        The rule.
    because
        Id to what was said of it, for everything that makes the condition true.
    dissents
        Whether the guideline dissent is known to hold here.
    dissent_waits_for
        What is not known and would have to be reassuring for the dissent to hold; empty when it holds or cannot.
    """

    rule: RedFlag
    because: Mapping[str, Answer]
    dissents: bool = False
    dissent_waits_for: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "because", FrozenMapping(dict(self.because)))

    @property
    def id(self) -> str:
        """The name of the rule."""
        return self.rule.id

    @property
    def level(self) -> str:
        """The level that the rule asks for."""
        return self.rule.level

    @property
    def guideline_level(self) -> str:
        """The level that the guidelines ask for in this case."""
        return TRIAGE_LEVELS[self.rule.guideline_rank] if self.dissents else self.rule.level

    @property
    def origin(self) -> str:
        """Whose rule it is: "article" or "extension"."""
        return self.rule.origin

    @property
    def cited(self) -> str:
        """Whose rule it is and its source, once where they are the same."""
        return ", ".join(dict.fromkeys((self.origin, self.source)))

    @property
    def rationale(self) -> str:
        """Why, in a sentence."""
        return self.rule.rationale

    @property
    def source(self) -> str:
        """The key of the leading source."""
        return self.rule.source

    @property
    def emergency(self) -> bool:
        """Whether the sources say ambulance or emergency department."""
        return self.rule.emergency


@dataclass(frozen=True, slots=True)
class PossibleRule:
    """A rule that unanswered questions keep open.

    Parameters
    ----------
    rule
        The rule.
    waits_for
        The ids whose answers could still make it fire.
    """

    rule: RedFlag
    waits_for: tuple[str, ...]

    @property
    def id(self) -> str:
        """The name of the rule."""
        return self.rule.id

    @property
    def level(self) -> str:
        """The level that it could raise to."""
        return self.rule.level

    @property
    def rationale(self) -> str:
        """Why, in a sentence."""
        return self.rule.rationale

    @property
    def source(self) -> str:
        """The key of the leading source."""
        return self.rule.source


def explain(
    supports: Mapping[str, NDArray[np.float64]], book: RuleBook, decisions: Decisions | None = None
) -> tuple[tuple[FiredRule, ...], tuple[PossibleRule, ...]]:
    """Return the rules that fired in one case and why, and the possible ones and what they wait for.

    Parameters
    ----------
    supports
        Id to an array of shape (states,).
    book
        The rules.
    decisions
        What `decide` said of the same supports, where it is at hand.

    Returns
    -------
    tuple
        Fired and possible rules, gravest first, then in the order of the book.
    """
    whole = complete(supports, book)
    decisions = decide(supports, book) if decisions is None else decisions
    truth_of, sure_of = read_atoms(whole), read_atoms(whole, SURE_ABOVE)
    fired, possible = [], []
    for n, rule in enumerate(book.rules):
        if decisions.fired[n]:
            named = [atom for atom in _reasons(rule.when, truth_of) for atom in _parts(atom, supports, book)]
            because = {atom.id: _answer(supports[atom.id], atom.among) for atom in named if atom.id in supports}
            waits = () if rule.dissent_when is None else _waits_for(rule.dissent_when, sure_of)
            fired.append(FiredRule(rule, because, bool(decisions.dissents[n]), waits))
        elif decisions.possible[n]:
            possible.append(PossibleRule(rule, _waits_for(rule.when, truth_of)))
    return (
        tuple(sorted(fired, key=lambda found: -found.rule.rank)),
        tuple(sorted(possible, key=lambda found: -found.rule.rank)),
    )


def _reasons(condition: Condition, truth_of: Callable[[Atom], Truth]) -> Iterator[Atom]:
    if evaluate(condition, truth_of) != TRUE or isinstance(condition, Not):
        return
    if isinstance(condition, Atom):
        yield condition
    else:
        for part in condition.parts:
            yield from _reasons(part, truth_of)


def _parts(atom: Atom, supports: Supports, book: RuleBook) -> Iterator[Atom]:
    """Yield the atom itself where it was answered so, and the parts that make a class true."""
    truth_of = read_atoms(supports)
    for id in (atom.id, *book.policy.any_of.get(atom.id, ())):
        named = Atom(id, atom.states, atom.among)
        if truth_of(named) == TRUE:
            yield named


def _waits_for(condition: Condition, truth_of: Callable[[Atom], Truth]) -> tuple[str, ...]:
    if evaluate(condition, truth_of) != UNKNOWN:
        return ()
    if isinstance(condition, Atom):
        return (condition.id,)
    parts = (condition.part,) if isinstance(condition, Not) else condition.parts
    return tuple(dict.fromkeys(id for part in parts for id in _waits_for(part, truth_of)))


def _answer(support: NDArray[np.float64], states: tuple[str, ...]) -> Answer:
    held = [state for state, weight in zip(states, support, strict=True) if weight > 0]
    if len(held) == 1:
        return held[0] == "true" if states == ("false", "true") else held[0]
    if set(support.tolist()) <= {0.0, 1.0}:
        return tuple(held)
    return {state: float(weight) for state, weight in zip(states, support, strict=True)}
