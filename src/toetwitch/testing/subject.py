"""What is checked: a network of one's own, with its red flags when it is a whole model."""

from __future__ import annotations

__all__ = ["Subject", "open_subject", "shortest"]

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from toetwitch.errors import ToetwitchError
from toetwitch.knowledge.red_flag import level_rank
from toetwitch.knowledge.variable import Variable
from toetwitch.model import Model, load_model
from toetwitch.network import Network, read_network
from toetwitch.testing.laws.law import LawBrokenError
from toetwitch.testing.strategies.cases import SEEN


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A network under check.

    Parameters
    ----------
    network
        The network.
    model
        The model that it belongs to, or None: laws about red flags and levels need one.
    path
        Where it was read from; "" when it was not.
    """

    network: Network
    model: Model | None = None
    path: str = ""

    @property
    def variables(self) -> Mapping[str, Variable]:
        """The variables by id."""
        return self.network.variables

    @property
    def told(self) -> tuple[str, ...]:
        """What a case can tell: context, findings and tests."""
        return tuple(v.id for v in self.variables.values() if v.kind in SEEN)

    @property
    def focus(self) -> tuple[str, ...]:
        """The causes where variables have kinds, else every variable: what posteriors are asked about."""
        causes = tuple(v.id for v in self.variables.values() if v.kind == "cause")
        return causes or tuple(self.variables)

    def probability(self, id: str, state: str, evidence: Mapping[str, object]) -> float:
        """Return P(id = state | evidence)."""
        return self.network.posterior(evidence, [id])[id][state]

    def level(self, evidence: Mapping[str, object]) -> str:
        """Return the triage level of a case.

        Raises
        ------
        LawBrokenError
            When the network has no red flags.
        """
        return self.with_flags.assess(evidence).triage.level

    @property
    def with_flags(self) -> Model:
        """The model.

        Raises
        ------
        LawBrokenError
            When the network belongs to none.
        """
        if self.model is None:
            raise LawBrokenError("a law about triage was declared for a network without red flags; expected a model")
        return self.model

    def rank(self, evidence: Mapping[str, object]) -> int:
        """Return the rank of the triage level, 0 for the least urgent."""
        return level_rank(self.level(evidence))


def open_subject(path: str | os.PathLike[str]) -> Subject:
    """Read a model folder, or a network in a BIF file.

    Raises
    ------
    ModelFileError
        When the folder is not a model.
    InterchangeError
        When the file is not a network.
    """
    if Path(path).name.endswith((".bif", ".bif.gz")):
        return Subject(read_network(path), None, os.fspath(path))
    model = load_model(path)
    return Subject(model.network, model, os.fspath(path))


def shortest(
    evidence: Mapping[str, object], fails: Callable[[Mapping[str, object]], LawBrokenError | None]
) -> tuple[dict[str, object], LawBrokenError]:
    """Return the smallest part of a case that still fails, no member of which can be left out, and how it fails.

    Parameters
    ----------
    evidence
        A failing case.
    fails
        Returns how a case fails, or None.

    Examples
    --------
    >>> def fails(case):
    ...     return LawBrokenError("b is told") if "b" in case else None
    >>> shortest({"a": True, "b": True, "c": False}, fails)[0]
    {'b': True}
    """
    kept = dict(evidence)
    error = fails(kept)
    if error is None:
        raise ValueError("the case does not fail; expected one that does")
    again = True
    while again:
        again = False
        for id in list(kept):
            rest = {x: value for x, value in kept.items() if x != id}
            try:
                now = fails(rest)
            except ToetwitchError:
                continue
            if now is not None:
                kept, error, again = rest, now, True
    return kept, error
