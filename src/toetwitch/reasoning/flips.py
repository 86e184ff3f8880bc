"""What would have to change to change the answer: the smallest change of one stated number that flips it.

Every number is tried at steps of its log-odds, all on the lanes of a few runs, and the model is solved again in each.
The nearest step that flips is cut down until the change is known to 24 bits.

References
----------
Chan & Darwiche (2002), When do numbers really matter? Journal of Artificial Intelligence Research 17, 265-287.
doi:10.1613/jair.967
"""

from __future__ import annotations

__all__ = ["Flip", "flip"]

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toetwitch.evidence import Evidence
from toetwitch.inference import ExactInference
from toetwitch.knowledge.parameters import Parameter, parameters
from toetwitch.knowledge.red_flag import TRIAGE_LEVELS, RuleBook
from toetwitch.reasoning.cards import flip_card
from toetwitch.reasoning.parameter_lanes import numbers_at, relevant, run_numbers
from toetwitch.reasoning.sensitivity import leader, scaled
from toetwitch.reasoning.triage import posterior_level

Array = NDArray[np.float64]

STEPS = (-4.0, -1.5, 1.5, 4.0)
"""Log-odds steps at which a number is tried for a flip; the first that flips is then refined."""

CUTS, ROUNDS = 8, 8
"""Each round of refining cuts every bracket in eight: 24 bits in all."""

REFINED = 4
"""How many changes of each kind are told."""


@dataclass(frozen=True, slots=True)
class Flip:
    """A change of one number that changes the answer.

    Parameters
    ----------
    path
        The number.
    value, to
        Its estimate, and the nearest value found at which the answer changes.
    log_odds
        The size of the change: of the number's log-odds, or of the log of an odds ratio.
    changes
        "leading" or "level".
    becomes
        The rival that then leads, or the level that the posterior then gives.
    within_range
        Whether the value lies in the cited range.
    sources
        The works that carry the number.
    """

    path: str
    value: float
    to: float
    log_odds: float
    changes: str
    becomes: str
    within_range: bool
    sources: tuple[str, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """Return the change as JSON types."""
        return {
            "path": self.path,
            "value": self.value,
            "to": self.to,
            "log_odds": self.log_odds,
            "changes": self.changes,
            "becomes": self.becomes,
            "within_range": self.within_range,
            "sources": list(self.sources),
        }

    def __str__(self) -> str:
        where = "within" if self.within_range else "outside"
        change = f"{self.path}: {self.value:.4g} -> {self.to:.4g} ({where} its range)"
        return f"{change} makes the {self.changes} {self.becomes}"

    def _repr_html_(self) -> str:
        return flip_card(self)


def flip(
    inference: ExactInference, evidence: Evidence, rivals: Sequence[str], book: RuleBook | None = None
) -> tuple[Flip, ...]:
    """Return the single-number changes that change the leading rival, or the level that the posterior gives.

    The posterior's level is taken from the evidence as it stands. Every number is tried at steps of its log-odds, and
    the nearest step that flips is refined, all numbers on the lanes of one run a round; what flips only between the
    steps and back again is not seen.

    Parameters
    ----------
    inference
        The network.
    evidence
        The case.
    rivals
        Ids of which the most probable in its last state leads.
    book
        The rules whose posterior rules give the level; None to look at the leading rival alone.

    Returns
    -------
    tuple
        Smallest change first, at most `REFINED` of each kind.

    Raises
    ------
    ImpossibleEvidenceError
        When the evidence has probability zero.
    """
    rivals = list(rivals)
    mattering = relevant(inference.network, parameters(inference.network), [*rivals, *evidence.ids])
    mattering = [p for p in mattering if p.scale == "odds_ratio" or 0 < p.estimate.value < 1]
    now = inference.posterior(evidence, rivals).marginals
    leading = max(rivals, key=lambda id: (float(now[id][-1]), id))
    level = _level({id: now[id][-1:] for id in rivals}, book)[0]

    def answers(tries: Sequence[tuple[Parameter, float]]) -> tuple[list[str], list[int]]:
        rows = [{p.path: scaled(p, math.exp(step))} for p, step in tries]
        found = run_numbers(inference, evidence, numbers_at(rows, mattering), len(rows), rivals)
        leads = [leader({id: found.marginals[id][-1, n] for id in rivals}, leading) for n in range(len(rows))]
        levels = _level({id: np.nan_to_num(found.marginals[id][-1]) for id in rivals}, book)
        return leads, [int(rank) if ok else int(level) for rank, ok in zip(levels, found.valid, strict=True)]

    tries = [(p, step) for p in mattering for step in STEPS]
    if not tries:
        return ()
    leads, levels = answers(tries)
    found: list[Flip] = []
    for kind in ("leading", "level"):
        flipped = [leads[n] != leading if kind == "leading" else levels[n] != level for n in range(len(tries))]
        nearest: dict[str, tuple[Parameter, float]] = {}
        for (p, step), hit in zip(tries, flipped, strict=True):
            if hit and (p.path not in nearest or abs(step) < abs(nearest[p.path][1])):
                nearest[p.path] = (p, step)
        brackets = [(p, 0.0, step) for p, step in nearest.values()]
        for _ in range(ROUNDS):
            brackets = _smallest(brackets)
            points = [
                (p, inner + (outer - inner) * cut / CUTS) for p, inner, outer in brackets for cut in range(1, CUTS)
            ]
            lead, rank = answers(points) if points else ([], [])
            hits = [lead[n] != leading if kind == "leading" else rank[n] != level for n in range(len(points))]
            brackets = [
                _narrowed(bracket, hits[n * (CUTS - 1) : (n + 1) * (CUTS - 1)]) for n, bracket in enumerate(brackets)
            ]
        lead, rank = answers([(p, outer) for p, _, outer in brackets]) if brackets else ([], [])
        becomes = lead if kind == "leading" else [TRIAGE_LEVELS[n] for n in rank]
        flips = [_flip(p, outer, kind, name) for (p, _, outer), name in zip(brackets, becomes, strict=True)]
        found += sorted(flips, key=lambda f: (f.log_odds, f.path))[:REFINED]
    return tuple(sorted(found, key=lambda f: (f.log_odds, f.path)))


Bracket = tuple[Parameter, float, float]
"""A number, a step that does not flip, and a larger one that does."""


def _smallest(brackets: Sequence[Bracket]) -> list[Bracket]:
    """Return the brackets that may still hold one of the smallest changes."""
    outer = sorted(abs(step) for _, _, step in brackets)[:REFINED]
    return [bracket for bracket in brackets if abs(bracket[1]) <= outer[-1]]


def _narrowed(bracket: Bracket, hits: Sequence[bool]) -> Bracket:
    """Return the part of a bracket up to the first inner point that flips."""
    p, inner, outer = bracket
    first = hits.index(True) if True in hits else len(hits)
    width = (outer - inner) / CUTS
    return p, inner + width * first, inner + width * (first + 1)


def _level(probability: Mapping[str, Array], book: RuleBook | None) -> Array:
    shape = next(iter(probability.values())).shape
    return np.zeros(shape) if book is None else np.broadcast_to(posterior_level(probability, book), shape)


def _flip(p: Parameter, step: float, kind: str, becomes: str) -> Flip:
    to = scaled(p, math.exp(step))
    inside = p.estimate.low <= to <= p.estimate.high
    return Flip(p.path, p.estimate.value, to, abs(step), kind, becomes, inside, p.estimate.sources)
