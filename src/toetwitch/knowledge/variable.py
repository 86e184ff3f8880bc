"""A variable: what it means, and the states it can be in."""

from __future__ import annotations

__all__ = ["BINARY", "KINDS", "Variable"]

from dataclasses import dataclass

from toetwitch.errors import UnknownNameError

BINARY = ("false", "true")
"""States of a binary variable of a model; `False` and `True` name them, in this array order."""

KINDS = ("context", "latent", "cause", "finding", "test", "variable")
"""What a variable is in a model; "variable" for a network that does not say."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A discrete random variable.

    Parameters
    ----------
    id
        The name in evidence and answers.
    states
        Two or more distinct names; listed states run from mild to bad.
    kind
        One of `KINDS`.
    group
        A heading inside the kind, for example "movement" or "serious".
    label
        A name for people.
    definition
        What exactly it means: current or ever, noticed or recorded.
    origin
        "article" when the founding article names it, "extension" otherwise, "" for other networks.
    """

    id: str
    states: tuple[str, ...] = BINARY
    kind: str = "variable"
    group: str = ""
    label: str = ""
    definition: str = ""
    origin: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.id, str) or not self.id:
            raise ValueError(f"variable id {self.id!r}; expected a non-empty string")
        if len(self.states) < 1 or len(set(self.states)) != len(self.states):
            raise ValueError(f"states {self.states!r} of {self.id!r}; expected one or more distinct names")
        if not all(isinstance(state, str) for state in self.states):
            raise ValueError(f"states {self.states!r} of {self.id!r}; expected strings")
        if self.kind not in KINDS:
            raise ValueError(f"kind {self.kind!r} of {self.id!r}; expected one of {', '.join(KINDS)}")

    @property
    def is_binary(self) -> bool:
        """Whether `False` and `True` name the states."""
        return self.states == BINARY

    @property
    def name(self) -> str:
        """The label, or the id in words when there is no label."""
        return self.label or self.id.replace("_", " ")

    def index(self, state: object) -> int:
        """Return the array index of a state, given as its name or, for a binary variable, as a bool.

        Raises
        ------
        UnknownNameError
            When the variable has no such state; carries the nearest one.

        Examples
        --------
        >>> Variable("foot_drop").index(True)
        1
        """
        if isinstance(state, bool) and self.is_binary:
            return int(state)
        if isinstance(state, str) and state in self.states:
            return self.states.index(state)
        raise UnknownNameError("state", state, self.states, where=f"of {self.id!r}")
