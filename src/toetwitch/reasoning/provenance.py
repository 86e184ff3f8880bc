"""Provenance: what the numbers of a model rest on, and which rest on the least.

A number rests on little when its grade is low and its range is wide. The range is measured in natural logarithms of
the odds (for an odds ratio, of the ratio), so that .001 to .01 counts as wide as 1 to 10; a bound of 0 or 1 is read as
`EDGE`.
"""

from __future__ import annotations

__all__ = ["Coverage", "Resting", "coverage", "range_width"]

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from toetwitch.frozen import FrozenMapping
from toetwitch.knowledge.definition import ModelDefinition
from toetwitch.knowledge.estimate import GRADES, Estimate
from toetwitch.knowledge.parameters import parameters

EDGE = 1e-6
"""A bound of 0 or 1 has infinite log-odds; this is nearer to it than any cited bound."""


@dataclass(frozen=True, slots=True)
class Resting:
    """A number and how far it may be off.

    Parameters
    ----------
    path
        Its place; `setting.NAME.CAUSE` for the shift of a setting.
    scale
        "probability" or "odds_ratio".
    role
        What it is in its table, or "setting".
    estimate
        The number.
    width
        From low to high, in natural logarithms of the odds.
    """

    path: str
    scale: str
    role: str
    estimate: Estimate
    width: float


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the numbers of a model rest on.

    Parameters
    ----------
    numbers
        Every number, those that rest on the least first.
    by_grade
        Grade ("uncited" for none) to how many numbers have it.
    by_role
        Role to grade to how many.
    by_source
        Source to grade to how many numbers cite it, most cited first; with no count for sources of rules and advice
        only.
    """

    numbers: tuple[Resting, ...]
    by_grade: Mapping[str, int]
    by_role: Mapping[str, Mapping[str, int]]
    by_source: Mapping[str, Mapping[str, int]]

    def __post_init__(self) -> None:
        for name in ("by_grade", "by_role", "by_source"):
            object.__setattr__(self, name, FrozenMapping(dict(getattr(self, name))))


def range_width(estimate: Estimate, scale: str) -> float:
    """Return how wide a range is, in natural logarithms of the odds.

    Examples
    --------
    >>> round(range_width(Estimate(2.0, 1.0, 4.0), "odds_ratio"), 3)
    1.386
    >>> range_width(Estimate.of(0.25), "probability")
    0.0
    """
    if scale == "odds_ratio":
        return math.log(estimate.high / estimate.low)
    low, high = (min(max(bound, EDGE), 1 - EDGE) for bound in (estimate.low, estimate.high))
    return math.log(high / (1 - high)) - math.log(low / (1 - low))


def coverage(definition: ModelDefinition) -> Coverage:
    """Return what the numbers of a model rest on.

    Parameters
    ----------
    definition
        What the model file says.
    """
    grades = (*GRADES, "")
    numbers = sorted(_numbers(definition), key=lambda n: (-grades.index(n.estimate.grade), -n.width, n.path))
    by_grade = Counter(number.estimate.grade or "uncited" for number in numbers)
    by_role: dict[str, Counter[str]] = {}
    by_source: dict[str, Counter[str]] = {key: Counter() for key in definition.sources}
    for number in numbers:
        grade = number.estimate.grade or "uncited"
        by_role.setdefault(number.role, Counter())[grade] += 1
        for key in number.estimate.sources:
            by_source.setdefault(key, Counter())[grade] += 1
    return Coverage(
        tuple(numbers),
        {grade: by_grade[grade] for grade in (*GRADES, "uncited") if by_grade[grade]},
        {role: dict(sorted(counts.items())) for role, counts in sorted(by_role.items())},
        {
            key: dict(sorted(counts.items()))
            for key, counts in sorted(by_source.items(), key=lambda item: (-item[1].total(), item[0]))
        },
    )


def _numbers(definition: ModelDefinition) -> Iterator[Resting]:
    for p in parameters(definition.network):
        yield Resting(p.path, p.scale, p.role, p.estimate, range_width(p.estimate, p.scale))
    for name, setting in definition.settings.items():
        for cause, ratio in setting.odds_ratios.items():
            path = f"setting.{name}.{cause}"
            yield Resting(path, "odds_ratio", "setting", ratio, range_width(ratio, "odds_ratio"))
