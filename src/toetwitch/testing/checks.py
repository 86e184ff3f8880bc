"""Every check that there is to run on a model: universal laws, laws of models, one for each rule, and the user's own.

A check is a name, a sentence and something to run; a failure carries the smallest case on which it fails. The report of
`check` and the items of the pytest plugin are the same list.
"""

from __future__ import annotations

__all__ = ["Check", "CheckFailedError", "checks_of", "drawn_cases"]

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from toetwitch.errors import ImpossibleEvidenceError
from toetwitch.testing.adapters import NotOfferedError, OwnAdapter
from toetwitch.testing.domain import DomainLaw
from toetwitch.testing.laws import LAWS, Law, LawBrokenError
from toetwitch.testing.model_laws import MODEL_LAWS, ModelLaw, rule_fires
from toetwitch.testing.paste import again_text, evidence_text
from toetwitch.testing.profile import Profile
from toetwitch.testing.repeatable import drawn
from toetwitch.testing.strategies import Question, cases
from toetwitch.testing.subject import Subject, shortest


class CheckFailedError(LawBrokenError):
    """A check of a model failed.

    Attributes
    ----------
    check, statement
        Its name, and the law in one sentence.
    evidence
        The smallest case found on which it fails, or None.
    path
        What was checked.
    """

    def __init__(
        self, check: str, statement: str, detail: str, evidence: Mapping[str, object] | None, path: str
    ) -> None:
        super().__init__(detail, evidence=evidence)
        self.check = check
        self.statement = statement
        self.path = path
        self.args = (_failure_text(self),)

    @property
    def case(self) -> str:
        """The smallest case as Python; "" when there is none."""
        return "" if self.evidence is None else evidence_text(self.evidence)

    @property
    def again(self) -> str:
        """What asks about that case again: a command, or Python where no command can."""
        return "" if self.evidence is None else again_text(self.path, self.evidence)


def _failure_text(error: CheckFailedError) -> str:
    lines = [f"{error.check}: {error.statement}", f"  {error.detail}"]
    if error.evidence is not None:
        lines += ["  the smallest case found:", f"    evidence = {error.case}"]
        lines += [f"    {error.again}"] if error.again else []
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to check.

    Parameters
    ----------
    name
        A short name, as reports and test ids use it.
    statement
        The law in one sentence.
    group
        "universal", "model", "rule" or "domain".
    run
        Raises `CheckFailedError`, or `NotOfferedError` when it does not apply.
    """

    name: str
    statement: str
    group: str
    run: Callable[[], None]


def checks_of(subject: Subject, profile: Profile, laws: Sequence[DomainLaw] = ()) -> tuple[Check, ...]:
    """Return the checks of a network or model, cheapest kinds first.

    Parameters
    ----------
    subject
        What is checked.
    profile
        How hard to try.
    laws
        The user's own laws.
    """
    found = [Check(law.name, law.statement, "domain", partial(_run_cases, subject, profile, law)) for law in laws]
    if subject.model is not None:
        found += [
            Check(
                f"rule_fires[{rule.id}]",
                f"{rule.id} fires on each least case.",
                "rule",
                partial(_run_rule, subject, rule.id),
            )
            for rule in subject.model.definition.rules.rules
        ]
        found += [
            Check(law.name, law.statement, "model", partial(_run_cases, subject, profile, law))
            for law in MODEL_LAWS.values()
        ]
    found += [
        Check(law.name, law.statement, "universal", partial(_run_universal, subject, profile, law))
        for law in LAWS.values()
        if law.draws in ("any", "plain", "hard") and not law.enumerates and (profile.rebuilds or not law.rebuilds)
    ]
    return tuple(found)


def _run_cases(subject: Subject, profile: Profile, law: DomainLaw | ModelLaw) -> None:
    def fails(case: Mapping[str, object]) -> LawBrokenError | None:
        try:
            law.check(subject, case)
        except LawBrokenError as error:
            return error
        except ImpossibleEvidenceError as error:
            # A case was drawn as possible, so only the law's own statement can have made it clash.
            return None if law.anywhere else LawBrokenError(str(error))
        except Exception as error:
            return LawBrokenError(f"{type(error).__name__}: {error}")
        return None

    if not law.anywhere:
        error = fails({})
        if error is not None:
            raise CheckFailedError(law.name, law.statement, error.detail, error.evidence, subject.path)
        return
    count = profile.cases // 5 if getattr(law, "costly", False) else profile.cases
    for case in drawn_cases(subject, count):
        if fails(case) is not None:
            least, error = shortest(case, fails)
            raise CheckFailedError(law.name, law.statement, error.detail, error.evidence or least, subject.path)


def _run_rule(subject: Subject, rule: str) -> None:
    try:
        rule_fires(subject, rule)
    except Exception as raised:
        error = raised if isinstance(raised, LawBrokenError) else LawBrokenError(f"{type(raised).__name__}: {raised}")
        statement = f"{rule} fires on each least case, at its level or above."
        raise CheckFailedError(f"rule_fires[{rule}]", statement, error.detail, error.evidence, subject.path) from None


def _run_universal(subject: Subject, profile: Profile, law: Law) -> None:
    definition = subject.network.definition
    adapter = OwnAdapter([subject.network], focus=subject.focus)

    def fails(case: Mapping[str, object]) -> LawBrokenError | None:
        try:
            law.check(adapter, Question(definition, case))
        except LawBrokenError as error:
            return error
        except NotOfferedError:
            raise
        except Exception as error:
            return LawBrokenError(f"{type(error).__name__}: {error}")
        return None

    for case in drawn_cases(subject, profile.questions):
        if fails(case) is not None:
            least, error = shortest(case, fails)
            raise CheckFailedError(law.name, law.statement, error.detail, least, subject.path)


@lru_cache(maxsize=16)
def drawn_cases(subject: Subject, count: int) -> tuple[Mapping[str, object], ...]:
    """Return cases that the network holds possible, the same ones on every run; the first says nothing."""
    return ({}, *drawn(cases(subject.network, ids=subject.told), count - 1))
