"""What would have to change to change the answer: the smallest change of one or two stated numbers that flips it.

Every number is moved by steps of its log-odds (odds ratios: of their log), all on the lanes of a few runs, and the
model is solved again in each. That gives every single change that flips at one of the steps, and how each number moves
the margin: how far the leading cause is ahead, or the posterior's level from the next threshold. For two numbers the
margins are added to predict how long the shortest change of each pair would be; the pairs with the shortest are then
solved exactly along a fan of directions, the direction with the nearest flip is searched again in a narrower fan, and
the length is cut down until it is known to one part in a hundred thousand.

What is guaranteed: a reported change flips, and a hundred-thousandth less of it, in the same direction, does not. Every
number was tried by itself, at half and at four in log-odds either way. Of the pairs, those with the shortest predicted
change were tried, so a shorter change of two numbers that work together in a way that neither shows alone may have been
missed, and so may a number that flips only between the steps and back again.

References
----------
Chan & Darwiche (2004), Sensitivity analysis in Bayesian networks: from single to multiple parameters. UAI 2004, 67-75.
arXiv:1207.4124
"""

from __future__ import annotations

__all__ = ["ChangedNumber", "Flip", "flip"]

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toetwitch.evidence import Evidence
from toetwitch.inference import ExactInference
from toetwitch.knowledge.parameters import parameters
from toetwitch.knowledge.red_flag import RuleBook
from toetwitch.reasoning.cards import flip_card
from toetwitch.reasoning.flip_search import KINDS, TOLD, FlipSearch, Steps
from toetwitch.reasoning.parameter_lanes import entries, relevant
from toetwitch.reasoning.sensitivity import scaled

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class ChangedNumber:
    """One number of a change.

    Parameters
    ----------
    path
        The number.
    value, to
        Its estimate, and what it becomes.
    log_odds
        The change, signed: of its log-odds, or of the log of an odds ratio.
    within_range
        Whether it then still lies in the cited range.
    sources
        The works that carry it.
    """

    path: str
    value: float
    to: float
    log_odds: float
    within_range: bool
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Flip:
    """A change of one or two numbers that changes the answer.

    Parameters
    ----------
    numbers
        What changes.
    changes
        "leading" or "level".
    becomes
        The rival that then leads, or the level that the posterior then gives.
    """

    numbers: tuple[ChangedNumber, ...]
    changes: str
    becomes: str

    @property
    def log_odds(self) -> float:
        """The length of the change: the root of the sum of squares of the numbers' changes."""
        return math.sqrt(sum(number.log_odds**2 for number in self.numbers))

    @property
    def path(self) -> str:
        """The numbers, joined by " & "."""
        return " & ".join(number.path for number in self.numbers)

    @property
    def within_range(self) -> bool:
        """Whether all the numbers stay in their cited ranges."""
        return all(number.within_range for number in self.numbers)

    @property
    def sources(self) -> tuple[str, ...]:
        """The works that carry the numbers."""
        return tuple(dict.fromkeys(source for number in self.numbers for source in number.sources))

    def to_dict(self) -> dict[str, Any]:
        """Return the change as JSON types."""
        return {
            "numbers": [
                {
                    "path": number.path,
                    "value": number.value,
                    "to": number.to,
                    "log_odds": number.log_odds,
                    "within_range": number.within_range,
                    "sources": list(number.sources),
                }
                for number in self.numbers
            ],
            "log_odds": self.log_odds,
            "changes": self.changes,
            "becomes": self.becomes,
            "within_range": self.within_range,
        }

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame, a row a number."""
        import pandas as pd

        columns = ["value", "to", "log_odds", "within_range"]
        rows = [[getattr(number, name) for name in columns] + [" ".join(number.sources)] for number in self.numbers]
        index = pd.Index([number.path for number in self.numbers], name="parameter")
        return pd.DataFrame(rows, index=index, columns=[*columns, "sources"])

    def __str__(self) -> str:
        said = [
            f"{n.path}: {n.value:.4g} -> {n.to:.4g} ({'within' if n.within_range else 'outside'} its range)"
            for n in self.numbers
        ]
        return f"{' with '.join(said)} makes the {self.changes} {self.becomes}"

    def _repr_html_(self) -> str:
        return flip_card(self)


def flip(
    inference: ExactInference,
    evidence: Evidence,
    rivals: Sequence[str],
    book: RuleBook | None = None,
    *,
    numbers: int = 2,
) -> tuple[Flip, ...]:
    """Return the smallest changes of one or two numbers that change the leading rival, or the posterior's level.

    The posterior's level is taken from the evidence as it stands. What is searched, and what is guaranteed, stands at
    the head of this module.

    Parameters
    ----------
    inference
        The network.
    evidence
        The case.
    rivals
        Ids of which one leads, as `assess` ranks causes: by what the case teaches about their last state.
    book
        The rules whose posterior rules give the level; None to look at the leading rival alone.
    numbers
        1 for single numbers alone, 2 for pairs too.

    Returns
    -------
    tuple
        Smallest change first, at most `TOLD` of each kind, singles and pairs alike.

    Raises
    ------
    ImpossibleEvidenceError
        When the evidence has probability zero.
    """
    rivals = list(rivals)
    mattering = relevant(inference.network, parameters(inference.network), [*rivals, *evidence.ids])
    mattering += entries(inference, [*rivals, *evidence.ids])
    mattering = [p for p in mattering if p.scale == "odds_ratio" or 0 < p.estimate.value < 1]
    if not rivals or not mattering:
        inference.posterior(evidence, [])
        return ()
    search = FlipSearch(inference, evidence, rivals, book, mattering)
    brackets = search.singles()
    if numbers == 2:
        brackets += search.pairs()
    brackets = search.refined(brackets)
    found = []
    if brackets:
        last = search.tried([bracket.at(bracket.outer) for bracket in brackets])
        found = [_flip(b.at(b.outer), b.kind, last.becomes(b.kind, n)) for n, b in enumerate(brackets)]
    found.sort(key=lambda f: (f.log_odds, f.path))
    told: list[Flip] = []
    for kind in KINDS:
        for size in (1, 2):
            told += [f for f in found if f.changes == kind and len(f.numbers) == size][:TOLD]
    return tuple(sorted(told, key=lambda f: (f.log_odds, f.path)))


def _flip(steps: Steps, kind: str, becomes: str) -> Flip:
    numbers = []
    for p, step in steps:
        to = scaled(p, math.exp(step))
        inside = p.estimate.low <= to <= p.estimate.high
        numbers.append(ChangedNumber(p.path, p.estimate.value, to, step, inside, p.estimate.sources))
    numbers.sort(key=lambda number: (-abs(number.log_odds), number.path))
    return Flip(tuple(numbers), kind, becomes)
