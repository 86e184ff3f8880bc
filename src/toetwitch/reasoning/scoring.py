"""Scoring: how an assessor does on published cases, with intervals, beside baselines.

A ranking is right at k when a published diagnosis is among its first k causes (strict), or a published or also
acceptable one is (lenient). A level is under-triage when it is below the case's floor, the least urgent safe level;
going above the floor is no error by itself. A case is calm when its floor is self-care or a routine appointment; a calm
case answered as urgent or higher is over-triage. Intervals are Wilson's, which hold for few cases and for shares near
one.

Two baselines use the model's own numbers: the order of the priors, whatever is seen; and naive Bayes, which takes one
cause to be present and everything observed to be independent given it.

References
----------
Wilson (1927), Probable inference, the law of succession, and statistical inference. JASA 22, 209-212.
Gilbert et al. (2020), How accurate are digital symptom assessment apps? BMJ Open 10(12):e040269.
"""

from __future__ import annotations

__all__ = [
    "NaiveBayes",
    "Outcome",
    "Proportion",
    "RankingScore",
    "TriageScore",
    "confusion",
    "outcome_of",
    "ranking_scores",
    "score_ranking",
    "score_triage",
]

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toetwitch.evidence import Evidence
from toetwitch.frozen import FrozenMapping
from toetwitch.inference import ExactInference
from toetwitch.knowledge.cases import Case
from toetwitch.knowledge.red_flag import TRIAGE_LEVELS, level_rank
from toetwitch.reasoning.assessment import Assessment
from toetwitch.reasoning.ranking import ranked

Array = NDArray[np.float64]

NORMAL_95 = 1.959963984540054
"""The 97.5 % point of the standard normal distribution."""

CALM = ("self_care", "routine_appointment")
"""Floors of a case that does not need someone within days."""

URGENT = TRIAGE_LEVELS.index("urgent_appointment")
PLACES = (1, 3)
"""The k of top-k."""


@dataclass(frozen=True, slots=True)
class Proportion:
    """How many of how many.

    Parameters
    ----------
    hits, total
        The counts.

    Examples
    --------
    >>> print(Proportion(8, 10))
    8/10 = 80 % (49-94)
    >>> Proportion(0, 0).value is None
    True
    """

    hits: int
    total: int

    @property
    def value(self) -> float | None:
        """The share, or None of nothing."""
        return self.hits / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval; of nothing, all of [0, 1]."""
        if not self.total:
            return 0.0, 1.0
        n, p, z = self.total, self.hits / self.total, NORMAL_95
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        # At a share of zero or one the bound is exactly that; rounding must not put it beside.
        return (0.0 if self.hits == 0 else middle - half, 1.0 if self.hits == n else middle + half)

    def to_dict(self) -> dict[str, Any]:
        """Return the counts, the share and its interval as JSON types."""
        low, high = self.interval
        return {"hits": self.hits, "total": self.total, "value": self.value, "low": low, "high": high}

    def __str__(self) -> str:
        if self.value is None:
            return "none"
        low, high = (round(100 * bound) for bound in self.interval)
        return f"{self.hits}/{self.total} = {round(100 * self.value)} % ({low}-{high})"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was answered to a case.

    Parameters
    ----------
    case
        The case.
    ranking
        Causes, leading explanation first; empty when there was no posterior.
    levels
        Policy to the level answered.
    levels_aside
        The same with one rule left aside.
    other_orders
        Name of a measure to the causes in its order: what the ranking could have been.
    """

    case: Case
    ranking: tuple[str, ...]
    levels: Mapping[str, str]
    levels_aside: Mapping[str, str]
    other_orders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("levels", "levels_aside", "other_orders"):
            object.__setattr__(self, name, FrozenMapping(dict(getattr(self, name))))


def outcome_of(case: Case, answer: Assessment, aside: str = "") -> Outcome:
    """Return what scoring needs of an assessment.

    Parameters
    ----------
    case
        The case that was assessed.
    answer
        The assessment.
    aside
        Id of a rule to leave aside in `levels_aside`.
    """
    levels = dict(answer.triage.level_by_policy)
    others = [found for found in answer.red_flags if found.id != aside]
    asked = {
        "article": [found.level for found in others],
        "guideline": [found.guideline_level for found in others],
    }
    floor = answer.triage.posterior_level or "self_care"
    aside_levels = {}
    for policy, level in levels.items():
        without = max([floor, *asked[policy]], key=level_rank)
        # The gate can only hold a case at a routine appointment; it stays as answered below that.
        aside_levels[policy] = level if level_rank(level) < URGENT else without
    orders = {
        "posterior": ranked({}, answer.causes),
        "expected disablement": ranked(answer.expected_disablement, answer.causes),
    }
    return Outcome(case, answer.ranking, levels, aside_levels, orders)


@dataclass(frozen=True, slots=True)
class RankingScore:
    """How often a right cause is among the first.

    Parameters
    ----------
    strict, lenient
        k to how many cases have a published diagnosis, or a published or also acceptable one, among the first k.
    """

    strict: Mapping[int, Proportion]
    lenient: Mapping[int, Proportion]

    def __post_init__(self) -> None:
        for name in ("strict", "lenient"):
            object.__setattr__(self, name, FrozenMapping(dict(getattr(self, name))))

    def to_dict(self) -> dict[str, Any]:
        """Return the shares as JSON types, by "strict_top_1" and so on."""
        return {
            f"{name}_top_{k}": share.to_dict()
            for name, shares in (("strict", self.strict), ("lenient", self.lenient))
            for k, share in shares.items()
        }


def score_ranking(ranked: Iterable[tuple[Case, Sequence[str]]]) -> RankingScore:
    """Count the cases whose ranking is right at 1 and at 3.

    Parameters
    ----------
    ranked
        Cases, each with a ranking.
    """
    places = [
        (_place(ranking, case.diagnosis), _place(ranking, (*case.diagnosis, *case.also_acceptable)))
        for case, ranking in ranked
    ]

    def share(column: int, k: int) -> Proportion:
        return Proportion(sum(row[column] <= k for row in places), len(places))

    return RankingScore({k: share(0, k) for k in PLACES}, {k: share(1, k) for k in PLACES})


def _place(ranking: Sequence[str], right: Sequence[str]) -> float:
    return min((place for place, id in enumerate(ranking, start=1) if id in right), default=math.inf)


def confusion(outcomes: Sequence[Outcome]) -> dict[str, dict[str, int]]:
    """Return how often each cause led where another, or itself, was published.

    Parameters
    ----------
    outcomes
        What was answered; those without a ranking are left out.

    Returns
    -------
    dict
        Published cause to leading cause to how many cases. A case of several diagnoses counts under the one that leads
        if it is one of them, else under the first.
    """
    found: dict[str, dict[str, int]] = {}
    for outcome in outcomes:
        if outcome.ranking:
            led, right = outcome.ranking[0], outcome.case.diagnosis
            row = found.setdefault(led if led in right else right[0], {})
            row[led] = row.get(led, 0) + 1
    return found


def ranking_scores(outcomes: Sequence[Outcome], key: Callable[[Case], Iterable[str]]) -> dict[str, RankingScore]:
    """Return the score of each group of cases, groups in order of name.

    Parameters
    ----------
    outcomes
        What was answered.
    key
        The groups that a case belongs to.
    """
    groups: dict[str, list[tuple[Case, Sequence[str]]]] = {}
    for outcome in outcomes:
        for name in key(outcome.case):
            groups.setdefault(name, []).append((outcome.case, outcome.ranking))
    return {name: score_ranking(groups[name]) for name in sorted(groups)}


@dataclass(frozen=True, slots=True)
class TriageScore:
    """How safe, and how calm, the levels of one policy are.

    Parameters
    ----------
    policy
        Whose levels.
    under
        Cases answered below their floor.
    under_by_floor
        The same, by floor.
    over_calm
        Calm cases answered as urgent or higher.
    over_calm_aside
        The same with the rule left aside.
    under_ids, over_ids
        Which cases.
    """

    policy: str
    under: Proportion
    under_by_floor: Mapping[str, Proportion]
    over_calm: Proportion
    over_calm_aside: Proportion
    under_ids: tuple[str, ...]
    over_ids: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "under_by_floor", FrozenMapping(dict(self.under_by_floor)))

    def to_dict(self) -> dict[str, Any]:
        """Return the shares and the cases as JSON types."""
        return {
            "under": self.under.to_dict(),
            "under_by_floor": {level: share.to_dict() for level, share in self.under_by_floor.items()},
            "over_calm": self.over_calm.to_dict(),
            "over_calm_aside": self.over_calm_aside.to_dict(),
            "under_ids": list(self.under_ids),
            "over_ids": list(self.over_ids),
        }


def score_triage(outcomes: Sequence[Outcome], policy: str) -> TriageScore:
    """Count under-triage, and over-triage of calm cases, under one policy.

    Parameters
    ----------
    outcomes
        What was answered.
    policy
        "article" or "guideline".
    """
    under = [o for o in outcomes if level_rank(o.levels[policy]) < level_rank(o.case.triage_at_least)]
    calm = [o for o in outcomes if o.case.triage_at_least in CALM]
    over = [o for o in calm if level_rank(o.levels[policy]) >= URGENT]
    aside = [o for o in calm if level_rank(o.levels_aside[policy]) >= URGENT]

    def below(level: str) -> Proportion:
        return Proportion(
            sum(o.case.triage_at_least == level for o in under), sum(o.case.triage_at_least == level for o in outcomes)
        )

    return TriageScore(
        policy,
        Proportion(len(under), len(outcomes)),
        {level: below(level) for level in TRIAGE_LEVELS},
        Proportion(len(over), len(calm)),
        Proportion(len(aside), len(calm)),
        tuple(o.case.id for o in under),
        tuple(o.case.id for o in over),
    )


@dataclass(frozen=True, slots=True, eq=False)
class NaiveBayes:
    """Naive Bayes over the same numbers: one cause at a time, everything observed independent given it.

    Parameters
    ----------
    prior
        Cause to P(cause), in any order.
    given
        Cause to id to P(state | cause alone known), shape (states,).
    """

    prior: Mapping[str, float]
    given: Mapping[str, Mapping[str, Array]]

    @classmethod
    def of(cls, inference: ExactInference, causes: Sequence[str]) -> NaiveBayes:
        """Return the baseline of a network: its priors, and what it says of everything given each cause.

        Parameters
        ----------
        inference
            Exact inference in the network.
        causes
            Ids of binary variables.
        """
        prior = inference.posterior(Evidence({}, {}, {}), causes).marginals
        given = {cause: dict(inference.posterior(Evidence({cause: 1}, {}, {})).marginals) for cause in causes}
        return cls({cause: float(prior[cause][1]) for cause in causes}, given)

    @property
    def prior_order(self) -> tuple[str, ...]:
        """The causes, most common first: the baseline that sees nothing."""
        return tuple(sorted(self.prior, key=lambda cause: (-self.prior[cause], cause)))

    def ranking(self, evidence: Evidence) -> tuple[str, ...]:
        """Return the causes by P(cause) times the product of P(observation | cause), largest first."""
        scores = {}
        for cause, prior in self.prior.items():
            factors = [prior]
            factors += [float(self.given[cause][id][state]) for id, state in evidence.hard.items() if id != cause]
            factors += [float(self.given[cause][id] @ w) for id, w in evidence.soft.items() if id != cause]
            scores[cause] = sum(math.log(factor) if factor > 0 else -math.inf for factor in factors)
            if evidence.hard.get(cause) == 0:
                scores[cause] = -math.inf
        return tuple(sorted(scores, key=lambda cause: (-scores[cause], cause)))
