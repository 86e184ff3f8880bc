"""Domain laws about urgency: levels that must be reached, may not be passed, and may not depend on who asks."""

from __future__ import annotations

__all__ = ["Fair", "FlagGivesLevel", "LevelAtLeast", "LevelAtMost"]

from collections.abc import Mapping
from dataclasses import dataclass, field

from toetwitch.knowledge.red_flag import level_rank
from toetwitch.testing.domain import freeze_given, given_text
from toetwitch.testing.firing import firing
from toetwitch.testing.laws.law import LawBrokenError
from toetwitch.testing.subject import Subject


@dataclass(frozen=True, slots=True)
class FlagGivesLevel:
    """Whatever else is known, this red flag gives at least this level.

    Parameters
    ----------
    rule
        Id of the rule.
    level
        A triage level.
    """

    rule: str
    level: str
    anywhere: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        level_rank(self.level)

    @property
    def name(self) -> str:
        """A short name."""
        return f"flag_gives_level[{self.rule}]"

    @property
    def statement(self) -> str:
        """The law in one sentence."""
        return f"Whenever {self.rule} fires, the level is at least {self.level}."

    def check(self, subject: Subject, evidence: Mapping[str, object]) -> None:
        """Make the rule fire on top of a case, and look at the level."""
        model = subject.with_flags
        for minimal in firing(model.definition.rules.rule(self.rule).when, most=4):
            case = {**evidence, **minimal}
            answer = model.assess(case)
            fired = [flag.id for flag in answer.red_flags]
            if self.rule not in fired:
                raise LawBrokenError(f"{self.rule} does not fire; fired: {', '.join(fired) or 'none'}", evidence=case)
            if level_rank(answer.triage.level) < level_rank(self.level):
                raise LawBrokenError(
                    f"{self.rule} fires and the level is {answer.triage.level}; expected at least {self.level}",
                    evidence=case,
                )


@dataclass(frozen=True, slots=True)
class LevelAtLeast:
    """On this case the level is at least this.

    Parameters
    ----------
    level
        A triage level.
    given
        The case.
    anywhere
        Whether it must hold whatever else is known.
    """

    level: str
    given: Mapping[str, object] = field(default_factory=dict)
    anywhere: bool = True

    def __post_init__(self) -> None:
        freeze_given(self)
        level_rank(self.level)

    @property
    def name(self) -> str:
        """A short name."""
        return f"level_at_least[{self.level}-{'-'.join(self.given)}]"

    @property
    def statement(self) -> str:
        """The law in one sentence."""
        return f"The level is at least {self.level}, given {given_text(self.given)}."

    def check(self, subject: Subject, evidence: Mapping[str, object]) -> None:
        """Look at the level."""
        case = {**(evidence if self.anywhere else {}), **self.given}
        got = subject.level(case)
        if level_rank(got) < level_rank(self.level):
            raise LawBrokenError(f"the level is {got}; expected at least {self.level}", evidence=case)


@dataclass(frozen=True, slots=True)
class LevelAtMost:
    """On this case the level is at most this: reassurance has to be possible.

    Parameters
    ----------
    level
        A triage level.
    given
        The case.
    """

    level: str
    given: Mapping[str, object] = field(default_factory=dict)
    anywhere: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        freeze_given(self)
        level_rank(self.level)

    @property
    def name(self) -> str:
        """A short name."""
        return f"level_at_most[{self.level}-{'-'.join(list(self.given)[:3])}]"

    @property
    def statement(self) -> str:
        """The law in one sentence."""
        return f"The level is at most {self.level}, given {given_text(self.given)}."

    def check(self, subject: Subject, evidence: Mapping[str, object]) -> None:
        """Look at the level."""
        got = subject.level(self.given)
        if level_rank(got) > level_rank(self.level):
            raise LawBrokenError(f"the level is {got}; expected at most {self.level}", evidence=self.given)


@dataclass(frozen=True, slots=True)
class Fair:
    """The triage level must not depend on a variable: the same case with another answer has the same level.

    Parameters
    ----------
    id
        The variable, for example a person's sex.
    given
        What is known besides the drawn case.
    """

    id: str
    given: Mapping[str, object] = field(default_factory=dict)
    anywhere: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        freeze_given(self)

    @property
    def name(self) -> str:
        """A short name."""
        return f"fair[{self.id}]"

    @property
    def statement(self) -> str:
        """The law in one sentence."""
        return f"The triage level does not depend on {self.id}."

    def check(self, subject: Subject, evidence: Mapping[str, object]) -> None:
        """Ask the same case with every answer."""
        case = {id: value for id, value in {**evidence, **self.given}.items() if id != self.id}
        levels = {}
        for state in subject.variables[self.id].states:
            answer = subject.with_flags.assess({**case, self.id: state})
            if not answer.clash:
                levels[state] = answer.triage.level
        if len(set(levels.values())) > 1:
            raise LawBrokenError(
                "the level is " + ", ".join(f"{level} for {self.id} = {state}" for state, level in levels.items()),
                evidence={**case, self.id: next(iter(levels))},
            )
