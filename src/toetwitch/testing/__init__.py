"""The property-test kit: strategies, laws, an oracle, and checks of any Bayesian network, ours or the user's.

Needs the extra `toetwitch[testing]`. Names are bound on first use, so that pytest may load the plugin for free.

Examples
--------
>>> from toetwitch.testing import LAWS, OwnAdapter, try_law
>>> try_law(LAWS["normalised"], OwnAdapter(), examples=5).word
'holds'
"""

from __future__ import annotations

__all__ = [
    "LAWS",
    "PROFILES",
    "Adapter",
    "AtLeast",
    "AtMost",
    "CheckReport",
    "Dominates",
    "Enumeration",
    "Fair",
    "FlagGivesLevel",
    "FunctionAdapter",
    "LevelAtLeast",
    "LevelAtMost",
    "NeverLowers",
    "OwnAdapter",
    "PrevalenceWithin",
    "Question",
    "Subject",
    "ToldApart",
    "check",
    "check_subject",
    "strategies",
    "try_law",
]

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toetwitch.testing import strategies
    from toetwitch.testing.adapters import Adapter, FunctionAdapter, OwnAdapter
    from toetwitch.testing.domain import AtLeast, AtMost, Dominates, NeverLowers, PrevalenceWithin, ToldApart
    from toetwitch.testing.laws import LAWS
    from toetwitch.testing.laws.trial import try_law
    from toetwitch.testing.oracle import Enumeration
    from toetwitch.testing.profile import PROFILES
    from toetwitch.testing.report import CheckReport, check, check_subject
    from toetwitch.testing.strategies import Question
    from toetwitch.testing.subject import Subject
    from toetwitch.testing.urgency import Fair, FlagGivesLevel, LevelAtLeast, LevelAtMost

_HOMES = {
    "adapters": ("Adapter", "FunctionAdapter", "OwnAdapter"),
    "domain": ("AtLeast", "AtMost", "Dominates", "NeverLowers", "PrevalenceWithin", "ToldApart"),
    "laws": ("LAWS",),
    "laws.trial": ("try_law",),
    "oracle": ("Enumeration",),
    "profile": ("PROFILES",),
    "report": ("CheckReport", "check", "check_subject"),
    "strategies": ("Question",),
    "subject": ("Subject",),
    "urgency": ("Fair", "FlagGivesLevel", "LevelAtLeast", "LevelAtMost"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}
"""Where each name is defined."""


def __getattr__(name: str) -> object:
    if name == "strategies":
        value: object = importlib.import_module("toetwitch.testing.strategies")
    elif name in _HOME:
        value = getattr(importlib.import_module(f"toetwitch.testing.{_HOME[name]}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
