"""Laws of exact inference as callables, by name."""

from collections.abc import Mapping
from types import MappingProxyType

from toetwitch.testing.laws import answers, choices, knowing, sameness, statements
from toetwitch.testing.laws.law import Law, LawBrokenError, law_of

LAWS: Mapping[str, Law] = MappingProxyType(
    {
        law.name: law
        for room in (answers, knowing, sameness, statements, choices)
        for law in (getattr(room, name) for name in room.__all__)
    }
)
"""Every universal law by name: of answers, of evidence, of sameness, of stated numbers, of other questions."""

__all__ = ["LAWS", "Law", "LawBrokenError", "answers", "choices", "knowing", "law_of", "sameness", "statements"]
