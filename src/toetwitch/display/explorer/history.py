"""A case with its past and its future: every change is a new value, so that undo and redo lose nothing."""

from __future__ import annotations

__all__ = ["Case", "History", "case_of"]

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

Case = Mapping[str, object]
"""Id to what is known of it, in the order in which it was said; unknown ids are left out."""

REMEMBERED = 500
"""How many steps can be undone."""


def case_of(evidence: Mapping[str, object]) -> Case:
    """Return evidence as a case that nobody can change."""
    return MappingProxyType(dict(evidence))


@dataclass(frozen=True, slots=True)
class History:
    """The case now, those before it and those undone.

    Parameters
    ----------
    present
        The case now.
    past, future
        Earlier cases, the latest last; and undone ones, the one to come back first at the end.

    Examples
    --------
    >>> history = History().then({"foot_drop": True}).then({})
    >>> dict(history.undone().present), history.undone().redone() == history
    ({'foot_drop': True}, True)
    """

    present: Case = field(default_factory=lambda: case_of({}))
    past: tuple[Case, ...] = ()
    future: tuple[Case, ...] = ()

    def then(self, case: Case) -> History:
        """Return the history after a change; a case that is the same is no change."""
        if dict(case) == dict(self.present):
            return self
        return History(case_of(case), (*self.past, self.present)[-REMEMBERED:])

    def undone(self) -> History:
        """Return the history one step back; itself where there is none."""
        if not self.past:
            return self
        return replace(self, present=self.past[-1], past=self.past[:-1], future=(*self.future, self.present))

    def redone(self) -> History:
        """Return the history one undone step forward; itself where there is none."""
        if not self.future:
            return self
        return replace(self, present=self.future[-1], past=(*self.past, self.present), future=self.future[:-1])
