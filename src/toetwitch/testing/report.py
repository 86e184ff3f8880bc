"""`check`: is this model still in order? For people, for scripts, and without pytest."""

from __future__ import annotations

__all__ = ["CheckReport", "Finding", "check", "check_subject", "laws_beside"]

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toetwitch.errors import InterchangeError, ModelFileError, TableError
from toetwitch.testing.adapters import NotOfferedError
from toetwitch.testing.checks import Check, CheckFailedError, checks_of
from toetwitch.testing.domain import DomainLaw
from toetwitch.testing.law_file import read_laws
from toetwitch.testing.profile import profile_named
from toetwitch.testing.subject import Subject, open_subject


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one check.

    Parameters
    ----------
    name, statement, group
        As the check has them.
    word
        "holds", "broken" or "not offered".
    detail
        What was got and what was expected; "" when it holds.
    case
        The smallest case found on which it is broken, as Python; "" when there is none.
    again
        What asks about that case again: a command, or Python where no command can; "" when nothing does.
    seconds
        How long it took.
    """

    name: str
    statement: str
    group: str
    word: str
    detail: str = ""
    case: str = ""
    again: str = ""
    seconds: float = 0.0

    def to_dict(self) -> dict[str, str]:
        """Return the finding as JSON types, without the time it took."""
        named = ("name", "statement", "group", "word", "detail", "case", "again")
        return {name: getattr(self, name) for name in named}

    def __str__(self) -> str:
        lines = [f"{self.word.upper()} {self.name}: {self.statement}"]
        lines += [f"  {self.detail}"] if self.detail else []
        if self.case:
            lines += ["  the smallest case found:", f"    evidence = {self.case}"]
        return "\n".join([*lines, f"    {self.again}"] if self.again else lines)


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The outcome of checking a model.

    Parameters
    ----------
    path
        What was checked.
    profile
        How hard.
    findings
        One for each check, in order.
    """

    path: str
    profile: str
    findings: tuple[Finding, ...]

    @property
    def broken(self) -> tuple[Finding, ...]:
        """The checks that failed."""
        return tuple(found for found in self.findings if found.word == "broken")

    @property
    def ok(self) -> bool:
        """Whether nothing is broken."""
        return not self.broken

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON types."""
        return {
            "path": self.path,
            "profile": self.profile,
            "ok": self.ok,
            "checks": [found.to_dict() for found in self.findings],
        }

    def __str__(self) -> str:
        holding = sum(found.word == "holds" for found in self.findings)
        seconds = sum(found.seconds for found in self.findings)
        lines = [f"{self.path}: {holding} laws hold, {len(self.broken)} broken ({self.profile}, {seconds:.0f} s)"]
        return "\n\n".join([*lines, *map(str, self.broken)])


def laws_beside(path: str | os.PathLike[str]) -> Path | None:
    """Return the file of domain laws of a model: `NAME.laws.toml` beside the folder NAME, or None."""
    folder = Path(path).resolve()
    found = folder.with_name(f"{folder.name.removesuffix('.gz').removesuffix('.bif')}.laws.toml")
    return found if found.is_file() else None


def check(
    path: str | os.PathLike[str],
    profile: str = "quick",
    *,
    laws: Sequence[DomainLaw] | str | os.PathLike[str] | None = None,
    watched: Callable[[Sequence[Check]], Iterable[Check]] = iter,
) -> CheckReport:
    """Check a model folder or a BIF network against every law that applies.

    Parameters
    ----------
    path
        The folder or file.
    profile
        "quick" or "thorough".
    laws
        Domain laws, or the file that states them; by default the file `NAME.laws.toml` beside the model, if any.
    watched
        What the checks pass through on their way, such as a progress bar.

    Returns
    -------
    CheckReport
        A model that cannot be read is one broken check, with the message that says where.

    Raises
    ------
    UnknownNameError
        For a profile that does not exist.
    ModelFileError
        When the file of laws cannot be read.
    """
    profile_named(profile)
    name = os.fspath(path)
    if laws is None:
        laws = laws_beside(path) or ()
    declared = read_laws(laws) if isinstance(laws, str | os.PathLike) else tuple(laws)
    try:
        subject = open_subject(path)
    except (ModelFileError, InterchangeError, TableError) as error:
        unread = Finding("readable", "The model can be read.", "model", "broken", str(error))
        return CheckReport(name, profile, (unread,))
    return check_subject(subject, profile, laws=declared, watched=watched)


def check_subject(
    subject: Subject,
    profile: str = "quick",
    *,
    laws: Sequence[DomainLaw] = (),
    watched: Callable[[Sequence[Check]], Iterable[Check]] = iter,
) -> CheckReport:
    """Check a network or model that is at hand.

    Raises
    ------
    UnknownNameError
        For a profile that does not exist.
    """
    chosen = profile_named(profile)
    name = subject.path or repr(subject.model or subject.network)
    findings = [Finding("readable", "The model can be read.", "model", "holds")]
    findings += [_found(one) for one in watched(checks_of(subject, chosen, laws))]
    return CheckReport(name, profile, tuple(findings))


def _found(one: Check) -> Finding:
    start = time.perf_counter()

    def finding(word: str, detail: str = "", case: str = "", again: str = "") -> Finding:
        seconds = time.perf_counter() - start
        return Finding(one.name, one.statement, one.group, word, detail, case, again, seconds)

    try:
        one.run()
    except NotOfferedError as error:
        return finding("not offered", str(error))
    except CheckFailedError as error:
        return finding("broken", error.detail, error.case, error.again)
    except Exception as error:
        return finding("broken", f"{type(error).__name__}: {error}")
    return finding("holds")
