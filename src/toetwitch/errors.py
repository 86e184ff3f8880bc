"""Every exception that the library raises.

Each subclasses the builtin a caller would expect, and carries its data as attributes, so that code can act on an
error without parsing its message. A message names the value got, what was expected, where, and the nearest right
answer.
"""

from __future__ import annotations

__all__ = [
    "BudgetExceededError",
    "EvidenceError",
    "ImpossibleEvidenceError",
    "InterchangeError",
    "ModelFileError",
    "SearchLimitError",
    "TableError",
    "ToetwitchError",
    "UnknownNameError",
    "nearest",
]

import difflib
from collections.abc import Iterable


class ToetwitchError(Exception):
    """Base of every error that this library raises on purpose."""


class UnknownNameError(ToetwitchError, KeyError):
    """An id or a state that the network does not have.

    Attributes
    ----------
    name
        The name that was given.
    suggestion
        The nearest name that exists, or None when nothing is near.
    """

    def __init__(self, kind: str, name: object, choices: Iterable[str], *, where: str = "") -> None:
        self.kind = kind
        self.name = name
        self.choices = tuple(choices)
        self.suggestion = nearest(name, self.choices)
        place = f" {where}" if where else ""
        hint = f"; did you mean {self.suggestion!r}?" if self.suggestion else ""
        few = f"; expected one of {', '.join(map(repr, self.choices))}" if len(self.choices) <= 6 else ""
        super().__init__(f"unknown {kind} {name!r}{place}{few}{hint}")

    def __str__(self) -> str:
        return str(self.args[0])


class EvidenceError(ToetwitchError, ValueError):
    """Evidence of a wrong type or shape, or weights that are not a likelihood or a distribution."""


class ImpossibleEvidenceError(ToetwitchError, ValueError):
    """The evidence has probability zero under the model.

    Attributes
    ----------
    clash
        A minimal set of evidence ids that cannot hold together: leaving out any one of them makes the rest possible.
    """

    def __init__(self, message: str, clash: tuple[str, ...]) -> None:
        self.clash = clash
        super().__init__(message)


class BudgetExceededError(ToetwitchError, MemoryError):
    """A plan whose predicted cost is past the memory budget; raised before anything is allocated.

    Attributes
    ----------
    clique
        Variables of the widest clique (integers inside the engine, ids above it).
    bytes_needed, budget
        Predicted peak memory and the limit, in bytes.
    """

    def __init__(self, message: str, *, clique: tuple[object, ...], bytes_needed: int, budget: int) -> None:
        self.clique = clique
        self.bytes_needed = bytes_needed
        self.budget = budget
        super().__init__(message)


class SearchLimitError(ToetwitchError, RuntimeError):
    """A search for the most probable assignments that would need more work than is allowed; nothing is answered.

    Attributes
    ----------
    best, bound
        Natural log of the probability of the best assignment found, and what none can exceed.
    """

    def __init__(self, *, best: float, bound: float) -> None:
        self.best = best
        self.bound = bound
        super().__init__(
            f"the most probable assignment lies between ln P = {best:.6g} and {bound:.6g}, and telling which it is "
            "needs more work than is allowed; expected a question with more of the context and the causes observed, "
            "or fewer present findings"
        )


class TableError(ToetwitchError, ValueError):
    """A table that is not a conditional distribution, or does not fit its variables."""


class ModelFileError(ToetwitchError, ValueError):
    """A model file that cannot be read as a model.

    Attributes
    ----------
    file, place
        The file (relative to the model folder) and the place in it, as a dotted path.
    reason
        The message without them.
    """

    def __init__(self, message: str, *, file: str, place: str = "") -> None:
        self.file = file
        self.place = place
        self.reason = message
        where = f"{file}: {place}: " if place else f"{file}: "
        super().__init__(where + message)


class InterchangeError(ToetwitchError, ValueError):
    """A network in a foreign format that cannot be read or written without loss."""


def nearest(name: object, choices: Iterable[str]) -> str | None:
    """Return the choice that is spelt most like `name`, or None when none is near.

    Examples
    --------
    >>> nearest("foot_dorp", ["foot_drop", "numbness"])
    'foot_drop'
    >>> nearest("xyz", ["foot_drop"]) is None
    True
    """
    found = difflib.get_close_matches(str(name), list(choices), n=1, cutoff=0.6)
    return found[0] if found else None
