"""Domain laws: what a user expects of a model, declared in a few lines.

Each is a frozen record with a sentence and a check on one case. A law that speaks of any case is tried on many drawn
ones, and a failure is cut down until nothing can be left out of it; a law about one case states that case.
"""

from __future__ import annotations

__all__ = [
    "AtLeast",
    "AtMost",
    "DomainLaw",
    "Dominates",
    "NeverLowers",
    "PrevalenceWithin",
    "ToldApart",
    "freeze_given",
    "given_text",
]

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from toetwitch.errors import ImpossibleEvidenceError
from toetwitch.testing.laws.law import LawBrokenError
from toetwitch.testing.subject import Subject

SLACK = 1e-9
"""Rounding that no law about a model means."""


class DomainLaw(Protocol):
    """What a domain law offers."""

    @property
    def name(self) -> str:
        """A short name, as reports and test ids use it."""

    @property
    def statement(self) -> str:
        """The law in one sentence."""

    @property
    def anywhere(self) -> bool:
        """Whether it speaks of any case, and not of one."""

    def check(self, subject: Subject, evidence: Mapping[str, object]) -> None:
        """Raise `LawBrokenError` when the law is broken on a case; a law about one case ignores `evidence`."""


def freeze_given(law: Any) -> None:
    """Keep the case of a law as a mapping that nobody can change."""
    object.__setattr__(law, "given", MappingProxyType(dict(law.given)))


def _worst(subject: Subject, id: str, state: str) -> str:
    """Return the state meant: the one named, else the last, which is the worst."""
    variable = subject.variables[id]
    if state:
        variable.index(state)
        return state
    return variable.states[-1]


def given_text(given: Mapping[str, object]) -> str:
    """Return a case in words."""
    return ", ".join(f"{id} = {value}" for id, value in given.items()) or "nothing else known"


@dataclass(frozen=True, slots=True)
class NeverLowers:
    """A finding must not lower a cause.

    Parameters
    ----------
    finding, cause
        Ids.
    finding_state, cause_state
        Their states; the last by default.
    given
        What else is known.
    anywhere
        Whether it must hold in any case, other findings known or not. Explaining away may rightly break that.
    """

    finding: str
    cause: str
    finding_state: str = ""
    cause_state: str = ""
    given: Mapping[str, object] = field(default_factory=dict)
    anywhere: bool = False

    def __post_init__(self) -> None:
        freeze_given(self)

    @property
    def name(self) -> str:
        """A short name."""
        return f"never_lowers[{self.finding}-{self.cause}]"

    @property
    def statement(self) -> str:
        """The law in one sentence."""
        return f"{self.finding} does not lower the probability of {self.cause}."

    def check(self, subject: Subject, evidence: Mapping[str, object]) -> None:
        """Compare the probability of the cause with and without the finding."""
        case = {**(evidence if self.anywhere else {}), **self.given}
        case = {id: value for id, value in case.items() if id not in (self.finding, self.cause)}
        state, told = _worst(subject, self.cause, self.cause_state), _worst(subject, self.finding, self.finding_state)
        before = subject.probability(self.cause, state, case)
        after = subject.probability(self.cause, state, {**case, self.finding: told})
        if after < before - SLACK:
            raise LawBrokenError(
                f"P({self.cause}) falls from {before:.6g} to {after:.6g} when {self.finding} = {told} becomes known",
                evidence={**case, self.finding: told},
            )


@dataclass(frozen=True, slots=True)
class Dominates:
    """On this case one cause must be more probable than another.

    Parameters
    ----------
    likely, unlikely
        Ids.
    given
        The case.
    ratio
        How many times as probable at least.
    """

    likely: str
    unlikely: str
    given: Mapping[str, object] = field(default_factory=dict)
    ratio: float = 1.0
    anywhere: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        freeze_given(self)

    @property
    def name(self) -> str:
        """A short name."""
        return f"dominates[{self.likely}-{self.unlikely}]"

    @property
    def statement(self) -> str:
        """The law in one sentence."""
        times = f"at least {self.ratio:g} times as" if self.ratio != 1 else "at least as"
        return f"{self.likely} is {times} probable as {self.unlikely}, given {given_text(self.given)}."

    def check(self, subject: Subject, evidence: Mapping[str, object]) -> None:
        """Compare two posteriors."""
        first = subject.probability(self.likely, _worst(subject, self.likely, ""), self.given)
        second = subject.probability(self.unlikely, _worst(subject, self.unlikely, ""), self.given)
        if first < self.ratio * second - SLACK:
            raise LawBrokenError(
                f"P({self.likely}) is {first:.6g} and P({self.unlikely}) {second:.6g}; expected at least "
                f"{self.ratio:g} to 1",
                evidence=self.given,
            )


@dataclass(frozen=True, slots=True)
class _Bounded:
    """A posterior lies between bounds on one case."""

    id: str
    probability: float
    given: Mapping[str, object] = field(default_factory=dict)
    state: str = ""
    anywhere: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        freeze_given(self)
        if not 0 <= self.probability <= 1:
            raise ValueError(f"probability {self.probability!r} in a law about {self.id!r}; expected 0 to 1")


@dataclass(frozen=True, slots=True)
class AtLeast(_Bounded):
    """On this case the posterior is at least `probability`."""

    @property
    def name(self) -> str:
        """A short name."""
        return f"at_least[{self.id}-{self.probability:g}]"

    @property
    def statement(self) -> str:
        """The law in one sentence."""
        return f"P({self.id}) is at least {self.probability:g}, given {given_text(self.given)}."

    def check(self, subject: Subject, evidence: Mapping[str, object]) -> None:
        """Hold the posterior against the bound."""
        got = subject.probability(self.id, _worst(subject, self.id, self.state), self.given)
        if got < self.probability - SLACK:
            raise LawBrokenError(
                f"P({self.id}) is {got:.6g}; expected at least {self.probability:g}", evidence=self.given
            )


@dataclass(frozen=True, slots=True)
class AtMost(_Bounded):
    """On this case the posterior is at most `probability`."""

    @property
    def name(self) -> str:
        """A short name."""
        return f"at_most[{self.id}-{self.probability:g}]"

    @property
    def statement(self) -> str:
        """The law in one sentence."""
        return f"P({self.id}) is at most {self.probability:g}, given {given_text(self.given)}."

    def check(self, subject: Subject, evidence: Mapping[str, object]) -> None:
        """Hold the posterior against the bound."""
        got = subject.probability(self.id, _worst(subject, self.id, self.state), self.given)
        if got > self.probability + SLACK:
            raise LawBrokenError(
                f"P({self.id}) is {got:.6g}; expected at most {self.probability:g}", evidence=self.given
            )


@dataclass(frozen=True, slots=True)
class PrevalenceWithin:
    """Nothing known, or a little, the probability of a variable lies in a range.

    Parameters
    ----------
    id
        The variable.
    low, high
        The range.
    given
        For example a sex or an age.
    state
        The state; the last by default.
    """

    id: str
    low: float
    high: float
    given: Mapping[str, object] = field(default_factory=dict)
    state: str = ""
    anywhere: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        freeze_given(self)
        if not 0 <= self.low <= self.high <= 1:
            raise ValueError(f"range {self.low!r} to {self.high!r} of {self.id!r}; expected 0 <= low <= high <= 1")

    @property
    def name(self) -> str:
        """A short name."""
        return f"prevalence_within[{self.id}]"

    @property
    def statement(self) -> str:
        """The law in one sentence."""
        return f"P({self.id}) is between {self.low:g} and {self.high:g}, given {given_text(self.given)}."

    def check(self, subject: Subject, evidence: Mapping[str, object]) -> None:
        """Hold the prior against the range."""
        got = subject.probability(self.id, _worst(subject, self.id, self.state), self.given)
        if not self.low - SLACK <= got <= self.high + SLACK:
            raise LawBrokenError(
                f"P({self.id}) is {got:.6g}; expected {self.low:g} to {self.high:g}", evidence=self.given
            )


@dataclass(frozen=True, slots=True)
class ToldApart:
    """These findings must be able to tell two causes apart, both ways.

    Parameters
    ----------
    causes
        Two ids.
    by
        The findings.
    ratio
        By which factor some answer must move the odds of the first against the second, up and down.
    given
        What else is known.
    """

    causes: tuple[str, str]
    by: tuple[str, ...]
    ratio: float = 3.0
    given: Mapping[str, object] = field(default_factory=dict)
    anywhere: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        freeze_given(self)
        object.__setattr__(self, "causes", tuple(self.causes))
        object.__setattr__(self, "by", tuple(self.by))
        if len(self.causes) != 2 or not self.by:
            raise ValueError(f"causes {self.causes!r} by {self.by!r}; expected two causes and one or more findings")

    @property
    def name(self) -> str:
        """A short name."""
        return f"told_apart[{'-'.join(self.causes)}]"

    @property
    def statement(self) -> str:
        """The law in one sentence."""
        first, second = self.causes
        return f"{' and '.join(self.by)} can move the odds of {first} against {second} {self.ratio:g}-fold, both ways."

    def check(self, subject: Subject, evidence: Mapping[str, object]) -> None:
        """Try every answer to the findings."""
        before = self._odds(subject, self.given)
        moved = {}
        for answers in itertools.product(*(subject.variables[id].states for id in self.by)):
            told = {**self.given, **dict(zip(self.by, answers, strict=True))}
            try:
                moved[answers] = self._odds(subject, told) / before
            except ImpossibleEvidenceError:
                continue
        up, down = max(moved.values()), min(moved.values())
        if up < self.ratio or down > 1 / self.ratio:
            best = max(moved, key=lambda answers: moved[answers])
            raise LawBrokenError(
                f"the odds move at most {up:.4g}-fold up and {1 / down:.4g}-fold down; expected {self.ratio:g}-fold",
                evidence={**self.given, **dict(zip(self.by, best, strict=True))},
            )

    def _odds(self, subject: Subject, evidence: Mapping[str, object]) -> float:
        answer = subject.network.posterior(evidence, list(self.causes))
        first, second = (answer[c][subject.variables[c].states[-1]] for c in self.causes)
        return max(first, 1e-300) / max(second, 1e-300)
