"""Every seeded fault, and the laws that notice it."""

from __future__ import annotations

__all__ = ["CODE_FAULTS", "EVERY_FAULT", "Caught", "base_subject", "notice", "sound"]

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tests.testing.mutation import arithmetic, deciding, reading, writing
from tests.testing.mutation.fault import Fault
from toetwitch.knowledge.model_folder import default_model_path
from toetwitch.model import Model
from toetwitch.testing.adapters import OwnAdapter
from toetwitch.testing.checks import Check, checks_of
from toetwitch.testing.domain import DomainLaw
from toetwitch.testing.law_file import read_laws
from toetwitch.testing.laws import LAWS
from toetwitch.testing.laws.trial import try_law
from toetwitch.testing.profile import PROFILES
from toetwitch.testing.report import check, laws_beside
from toetwitch.testing.subject import Subject, open_subject

QUICK = PROFILES["quick"]
CODE_FAULTS = (*arithmetic.FAULTS, *reading.FAULTS)
"""Faults that random networks show."""

EVERY_FAULT = (*CODE_FAULTS, *deciding.FAULTS, *writing.FAULTS, *writing.FILE_FAULTS)


@dataclass(frozen=True, slots=True)
class Caught:
    """A fault and what noticed it.

    Parameters
    ----------
    fault
        The fault.
    laws
        The laws that broke, of those that were tried; empty when the fault was missed.
    detail
        What the first of them said.
    """

    fault: Fault
    laws: tuple[str, ...]
    detail: str = ""


@lru_cache(maxsize=1)
def base_subject() -> Subject:
    """Return the library's own model."""
    return open_subject(default_model_path())


@lru_cache(maxsize=1)
def domain_laws() -> tuple[DomainLaw, ...]:
    """Return the domain laws of the library's own model."""
    file = laws_beside(default_model_path())
    return read_laws(file) if file else ()


@lru_cache(maxsize=1)
def sound() -> tuple[str, ...]:
    """Return the laws that hold on random networks without any fault: only these can notice one."""
    return tuple(
        name
        for name, law in LAWS.items()
        if try_law(law, OwnAdapter(), examples=QUICK.networks, shrink=False).word == "holds"
    )


def notice(fault: Fault, *, all_laws: bool = True) -> Caught:
    """Seed a fault and put the quick profile to it: its suspects, and if they miss it (with `all_laws`) every law."""
    if fault.place == "model":
        model = base_subject().with_flags
        changed = Model(fault.seed(model.definition), setting=model.setting)
        return _by_checks(fault, Subject(changed.network, changed), all_laws)
    if fault.place == "model file":
        return _by_reading(fault)
    if fault.place == "reasoning":
        subject = base_subject()
        with fault.seed():
            return _by_checks(fault, subject, all_laws)
    return _by_laws(fault, all_laws)


def _by_laws(fault: Fault, all_laws: bool) -> Caught:
    broken: list[str] = []
    detail = ""
    laws = sound() if all_laws else fault.suspects
    with fault.seed():
        for name in _suspects_first(fault, laws):
            if broken and name not in fault.suspects:
                break
            outcome = try_law(LAWS[name], OwnAdapter(), examples=QUICK.networks, shrink=False)
            if outcome.breach is not None:
                broken.append(name)
                detail = detail or outcome.breach.detail
    return Caught(fault, tuple(broken), detail)


def _by_checks(fault: Fault, subject: Subject, all_laws: bool) -> Caught:
    broken: list[str] = []
    detail = ""
    checks: dict[str, Check] = {one.name: one for one in checks_of(subject, QUICK, domain_laws())}
    for name in _suspects_first(fault, tuple(checks)):
        if (broken or not all_laws) and name not in fault.suspects:
            break
        try:
            checks[name].run()
        except Exception as error:
            broken.append(name)
            detail = detail or str(error)
    return Caught(fault, tuple(broken), detail)


def _by_reading(fault: Fault) -> Caught:
    with tempfile.TemporaryDirectory() as top:
        folder = Path(top) / "toe"
        shutil.copytree(default_model_path(), folder)
        fault.seed(folder)
        report = check(folder, "quick", laws=())
    return Caught(fault, tuple(found.name for found in report.broken), report.broken[0].detail if report.broken else "")


def _suspects_first(fault: Fault, names: tuple[str, ...]) -> Iterator[str]:
    yield from (name for name in fault.suspects if name in names)
    yield from (name for name in names if name not in fault.suspects)
