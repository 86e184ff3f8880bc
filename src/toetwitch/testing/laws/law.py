"""What a law is: a sentence, a question to try it on, and a check that an engine under test keeps or breaks."""

from __future__ import annotations

__all__ = [
    "TOLERANCE",
    "Law",
    "LawBrokenError",
    "agree",
    "asked",
    "close",
    "law_of",
    "pick",
    "vector",
    "without_jeffrey",
]

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from toetwitch.errors import ImpossibleEvidenceError, ToetwitchError
from toetwitch.evidence import Jeffrey
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.testing.adapters import Adapter, NotOfferedError, Posteriors
from toetwitch.testing.strategies import Question

Array = NDArray[np.float64]
Item = TypeVar("Item")

TOLERANCE = 1e-9
"""Largest difference between two probabilities, or relative difference of two logarithms, that counts as equal."""


class LawBrokenError(ToetwitchError, AssertionError):
    """A law does not hold.

    Attributes
    ----------
    detail
        What was got and what was expected.
    evidence
        The case where it breaks, when that is not the one it was tried on.
    """

    def __init__(self, detail: str, *, evidence: Mapping[str, object] | None = None) -> None:
        self.detail = detail
        self.evidence = evidence
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class Law:
    """A law of exact inference.

    Parameters
    ----------
    name
        A short name, as reports and test ids use it.
    statement
        The law in one sentence.
    check
        Takes an adapter and a question; raises `LawBrokenError` when the law is broken there, `NotOfferedError` when
        the engine does not offer what the law is about.
    draws
        What its questions are: "any" evidence, "plain" evidence (no Jeffrey statements), "hard" evidence, a "clash",
        "unlikely" evidence, several Jeffrey "statements", or "noisy_or" networks of binary variables.
    enumerates
        Whether the check enumerates the joint, so that it fits small networks only.
    rebuilds
        Whether the check builds other networks, which takes time for a large model.
    """

    name: str
    statement: str
    check: Callable[[Adapter, Question], None]
    draws: str = "any"
    enumerates: bool = False
    rebuilds: bool = False

    def __call__(self, adapter: Adapter, question: Question) -> None:
        """Check the law on a question."""
        self.check(adapter, question)


Check = Callable[[Adapter, Question], None]


def law_of(draws: str = "any", *, enumerates: bool = False, rebuilds: bool = False) -> Callable[[Check], Law]:
    """Make a law of a function: its name is the function's, its statement the first line of the docstring."""

    def made(check: Check) -> Law:
        statement = (check.__doc__ or "").strip().splitlines()[0]
        return Law(check.__name__, statement, check, draws, enumerates, rebuilds)

    return made


def asked(adapter: Adapter, network: NetworkDefinition, evidence: Mapping[str, object]) -> Posteriors:
    """Return the engine's posteriors; possible evidence that it refuses, and answers that miss a variable, break."""
    try:
        answer = adapter.posterior(network, evidence)
    except (NotOfferedError, LawBrokenError):
        raise
    except ImpossibleEvidenceError as error:
        raise LawBrokenError(f"possible evidence was refused: {error}") from error
    except Exception as error:
        raise LawBrokenError(f"possible evidence raised {type(error).__name__}: {error}") from error
    for id in adapter.ids(network):
        if id not in answer:
            raise LawBrokenError(f"no posterior of {id!r}")
    return answer


def agree(got: Posteriors, expected: Posteriors, what: str, *, ids: Iterable[str] | None = None) -> None:
    """Refuse posteriors that differ in any state of any id."""
    for id in expected if ids is None else ids:
        for state, p in expected[id].items():
            q = got[id].get(state, math.nan)
            if not abs(p - q) <= TOLERANCE:
                raise LawBrokenError(f"P({id} = {state}) is {q:.12g}; expected {p:.12g}, {what}")


def close(got: float, expected: float, what: str) -> None:
    """Refuse logarithms or probabilities that differ relative to their size."""
    if got == expected:
        return
    if not abs(got - expected) <= TOLERANCE * max(1.0, abs(expected)):
        raise LawBrokenError(f"{what} is {got:.12g}; expected {expected:.12g}")


def vector(posterior: Mapping[str, float]) -> Array:
    """Return the probabilities of the states, in order."""
    return np.array(list(posterior.values()))


def pick(question: Question, items: Sequence[Item], count: int) -> list[Item]:
    """Return up to `count` items, all where there are few, else chosen by the question's seed."""
    if len(items) <= count:
        return list(items)
    return [items[int(k)] for k in sorted(question.rng.choice(len(items), count, replace=False))]


def without_jeffrey(evidence: Mapping[str, object]) -> dict[str, object]:
    """Return the evidence without Jeffrey statements."""
    return {id: value for id, value in evidence.items() if not isinstance(value, Jeffrey)}
