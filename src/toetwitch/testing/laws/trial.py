"""A trial: a law is put to an engine on many questions, and a failure is shrunk to the smallest that still fails.

The questions of a kind are drawn once and kept, so that thirty laws share the cost of drawing; only a law that fails
is tried again with fresh draws, to shrink the failure.
"""

from __future__ import annotations

__all__ = ["Breach", "Outcome", "corpus", "questions_for", "smallest", "try_law"]

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from toetwitch.testing.adapters import Adapter, NotOfferedError
from toetwitch.testing.laws.law import Law, LawBrokenError
from toetwitch.testing.strategies import (
    EVIDENCE_KINDS,
    Question,
    clashes,
    networks,
    noisy_or_networks,
    questions,
    unlikely,
)

PLAIN = ("hard", "excluded", "likelihood", "unknown")


@dataclass(frozen=True, slots=True)
class Breach:
    """A law that does not hold.

    Parameters
    ----------
    law
        Its name.
    detail
        What was got and what was expected.
    question
        Where.
    """

    law: str
    detail: str
    question: Question


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a law.

    Parameters
    ----------
    law
        The law.
    tried
        On how many questions it was tried.
    breach
        The failure, or None when the law held.
    not_offered
        Why the law could not be tried; "" when it was.
    """

    law: Law
    tried: int
    breach: Breach | None = None
    not_offered: str = ""

    @property
    def word(self) -> str:
        """One of "holds", "broken" and "not offered"."""
        return "not offered" if self.not_offered else "broken" if self.breach else "holds"


def questions_for(draws: str, kinds: Sequence[str] = EVIDENCE_KINDS) -> st.SearchStrategy[Question]:
    """Return the strategy for the questions of a law.

    Parameters
    ----------
    draws
        As `Law.draws` says.
    kinds
        Kinds of evidence that the engine offers.
    """
    plain = tuple(kind for kind in PLAIN if kind in kinds)
    if draws == "clash":
        return clashes(networks(max_cells=2**9, inhibits=False, solved=False))
    if draws == "unlikely":
        return unlikely()
    if draws == "statements":
        return questions(networks(nodes=(2, 5), max_cells=2**7), kinds=["jeffrey"], least=2, most=3)
    if draws == "noisy_or":
        return questions(noisy_or_networks(), kinds=[k for k in plain if k != "unknown"])
    wanted = {"any": tuple(kinds), "plain": plain, "hard": ("hard",)}[draws]
    small = st.one_of(
        networks(nodes=(2, 6), max_cells=2**9),
        networks(nodes=(1, 6), max_cells=2**9),
        networks(nodes=(1, 5), max_cells=2**8, extreme=True),
        networks(nodes=(5, 6), max_cells=2**8, kinds=("noisy_max",), shape="two_layers"),
        networks(nodes=(3, 5), max_cells=2**6, kinds=("logistic",)),
    )
    return st.one_of(questions(small, kinds=wanted), questions(small, kinds=wanted, least=2))


@lru_cache(maxsize=32)
def corpus(draws: str, kinds: tuple[str, ...], count: int) -> tuple[Question, ...]:
    """Return `count` questions, the same ones on every run."""
    found: list[Question] = []

    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(questions_for(draws, kinds))
    def collect(question: Question) -> None:
        found.append(question)

    collect()
    return tuple(found)


def try_law(law: Law, adapter: Adapter, *, examples: int, shrink: bool = True) -> Outcome:
    """Put a law to an engine.

    Parameters
    ----------
    law
        The law.
    adapter
        The engine under test.
    examples
        On how many questions.
    shrink
        Whether a failure is shrunk to a small one, which takes some hundred tries.
    """
    kinds = tuple(kind for kind in EVIDENCE_KINDS if kind in adapter.evidence_kinds)
    tried = 0
    for question in corpus(law.draws, kinds, examples):
        try:
            law.check(adapter, question)
            tried += 1
        except NotOfferedError as error:
            return Outcome(law, tried, not_offered=str(error))
        except Exception as error:
            breach = Breach(law.name, _detail(error), question)
            return Outcome(law, tried + 1, smallest(law, adapter, breach) if shrink else breach)
    return Outcome(law, tried)


def smallest(law: Law, adapter: Adapter, breach: Breach, *, examples: int = 400) -> Breach:
    """Return the smallest failure of a law that fresh draws and shrinking find, or the one at hand."""
    best = [breach]

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(questions_for(law.draws, adapter.evidence_kinds))
    def fails(question: Question) -> None:
        try:
            law.check(adapter, question)
        except NotOfferedError:
            return
        except Exception as error:
            # Hypothesis ends with the smallest failure it knows, so the last one seen is that.
            best[0] = Breach(law.name, _detail(error), question)
            raise LawBrokenError("") from None

    # An engine that answers differently from time to time ends the search with another error; the best found stands.
    with contextlib.suppress(Exception):
        fails()
    return best[0]


def _detail(error: Exception) -> str:
    """Return what broke: an engine's own error breaks a law about possible evidence as much as a wrong number."""
    return error.detail if isinstance(error, LawBrokenError) else f"{type(error).__name__}: {error}"
