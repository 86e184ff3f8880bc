"""A trial: a law is put to an engine on many questions, and a failure is shrunk to the smallest that still fails.

The questions of a kind are drawn once and kept, so that thirty laws share the cost of drawing; only a law that fails
is tried again with fresh draws, to shrink the failure.
"""

from __future__ import annotations

__all__ = ["Breach", "Outcome", "corpus", "questions_for", "smallest", "try_law"]

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from hypothesis import strategies as st

from toetwitch.testing.adapters import Adapter, NotOfferedError
from toetwitch.testing.laws.law import Law, LawBrokenError
from toetwitch.testing.repeatable import drawn, smallest_failing
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


def questions_for(draws: str, kinds: Sequence[str] = EVIDENCE_KINDS) -> tuple[st.SearchStrategy[Question], ...]:
    """Return the strategies for the questions of a law, each for another kind of network or evidence.

    Parameters
    ----------
    draws
        As `Law.draws` says.
    kinds
        Kinds of evidence that the engine offers.
    """
    plain = tuple(kind for kind in PLAIN if kind in kinds)
    if draws == "clash":
        return (clashes(networks(max_cells=2**9, inhibits=False, solved=False)),)
    if draws == "unlikely":
        return (unlikely(),)
    if draws == "statements":
        return (questions(networks(nodes=(2, 5), max_cells=2**7), kinds=["jeffrey"], least=2, most=3),)
    if draws == "noisy_or":
        return (questions(noisy_or_networks(), kinds=[k for k in plain if k != "unknown"]),)
    wanted = {"any": tuple(kinds), "plain": plain, "hard": ("hard",)}[draws]
    return tuple(questions(network, kinds=wanted, least=least) for network in _NETWORKS for least in (0, 2))


_NETWORKS = (
    networks(nodes=(2, 6), max_cells=2**9),
    networks(nodes=(1, 6), max_cells=2**9, kinds=("cpt",)),
    networks(nodes=(1, 5), max_cells=2**8, extreme=True),
    # Three causes of one finding; solved leaks; leaks by band; effects that meet in an interaction.
    networks(nodes=(4, 6), max_cells=2**8, kinds=("noisy_max",), shape="two_layers", banded=False, solved=False),
    networks(nodes=(2, 4), max_cells=2**8, kinds=("noisy_max",), shape="tree"),
    networks(nodes=(3, 5), max_cells=2**8, kinds=("noisy_max",)),
    networks(nodes=(3, 5), max_cells=2**6, kinds=("logistic",)),
)
"""Kinds of network that each show other faults; each has its share of the questions."""


@lru_cache(maxsize=32)
def corpus(draws: str, kinds: tuple[str, ...], count: int) -> tuple[Question, ...]:
    """Return `count` questions, the same ones on every run, of each kind in turn."""
    strategies = questions_for(draws, kinds)
    share = -(-count // len(strategies))
    dealt = itertools.zip_longest(*(drawn(strategy, share) for strategy in strategies))
    return tuple(question for turn in dealt for question in turn if question is not None)[:count]


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

    def fails(question: Question) -> str | None:
        try:
            law.check(adapter, question)
        except NotOfferedError:
            return None
        except Exception as error:
            return _detail(error)
        return None

    every = st.one_of(questions_for(law.draws, adapter.evidence_kinds))
    found = smallest_failing(every, fails, count=examples)
    return breach if found is None else Breach(law.name, found[1], found[0])


def _detail(error: Exception) -> str:
    """Return what broke: an engine's own error breaks a law about possible evidence as much as a wrong number."""
    return error.detail if isinstance(error, LawBrokenError) else f"{type(error).__name__}: {error}"
