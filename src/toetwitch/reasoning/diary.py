"""Whether a dated series of observations persists, resolves or progresses.

A complaint has one of three courses, which does not change, and a level that does, day by day. Persistent: it wanders
up and down. Resolving: it steps down, and stays away once gone. Progressing: it steps up. What is written on a day
is the level, up to an error. The model is small enough to be exact: the days between two entries are a power of a
matrix, and the forward algorithm sums over every path.

The rates are the asker's assumptions, not estimates from the literature, and are shown with the answer; the articles
and guidelines that speak of movements that "persist" or do "not resolve after several weeks" give no rates.

References
----------
Rabiner (1989), A tutorial on hidden Markov models. Proceedings of the IEEE 77, 257-286.
"""

from __future__ import annotations

__all__ = ["COURSES", "Diary", "Rates", "read_diary"]

import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from toetwitch.errors import EvidenceError, UnknownNameError
from toetwitch.frozen import FrozenMapping

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

COURSES = ("persistent", "resolving", "progressing")


@dataclass(frozen=True, slots=True)
class Rates:
    """What is assumed of a course.

    Parameters
    ----------
    days_per_step
        The mean number of days between steps of the level, for a resolving or progressing course; a persistent one
        steps as often, up or down alike.
    misread
        P(an entry is another level than the true one), shared among the other levels.
    prior
        Course to its probability before any entry.
    """

    days_per_step: float = 10.0
    misread: float = 0.05
    prior: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(COURSES, 1 / 3))

    def __post_init__(self) -> None:
        object.__setattr__(self, "prior", FrozenMapping(dict(self.prior)))
        if not self.days_per_step >= 1:
            raise EvidenceError(f"days_per_step {self.days_per_step!r}; expected a number of days, 1 or more")
        if not 0 <= self.misread < 1:
            raise EvidenceError(f"misread {self.misread!r}; expected a probability below 1")
        for course in self.prior:
            if course not in COURSES:
                raise UnknownNameError("course", course, COURSES)
        if set(self.prior) != set(COURSES) or abs(sum(self.prior.values()) - 1) > 1e-9 or min(self.prior.values()) < 0:
            raise EvidenceError(
                f"prior {dict(self.prior)!r}; expected probabilities of {', '.join(COURSES)} that sum to 1"
            )


@dataclass(frozen=True, slots=True)
class Diary:
    """What a series of entries says.

    Parameters
    ----------
    days
        Days since the first entry, one for each entry.
    levels
        Names of the levels, absent first.
    courses
        Course to P(course | entries).
    level_by_day
        P(level | entries up to and including this one), one tuple for each entry.
    log_evidence
        Natural log of P(entries).
    present_after
        P(some level above absent, `horizon` days after the last entry | entries).
    horizon
        Days.
    days_present
        Days from the first to the last entry of the latest unbroken run of entries above absent; 0 when the last
        entry is absent.
    rates
        What was assumed.
    """

    days: tuple[int, ...]
    levels: tuple[str, ...]
    courses: Mapping[str, float]
    level_by_day: tuple[tuple[float, ...], ...]
    log_evidence: float
    present_after: float
    horizon: int
    days_present: int
    rates: Rates

    def __post_init__(self) -> None:
        object.__setattr__(self, "courses", FrozenMapping(dict(self.courses)))

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as JSON types."""
        return {
            "days": list(self.days),
            "levels": list(self.levels),
            "courses": dict(self.courses),
            "level_by_day": [list(row) for row in self.level_by_day],
            "log_evidence": self.log_evidence,
            "present_after": self.present_after,
            "horizon": self.horizon,
            "days_present": self.days_present,
            "rates": {
                "days_per_step": self.rates.days_per_step,
                "misread": self.rates.misread,
                "prior": dict(self.rates.prior),
            },
        }

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame, a row an entry: P(level | entries so far)."""
        import pandas as pd

        return pd.DataFrame(self.level_by_day, index=pd.Index(self.days, name="day"), columns=list(self.levels))

    def __str__(self) -> str:
        said = ", ".join(f"{course} {p:.0%}" for course, p in self.courses.items())
        return (
            f"{len(self.days)} entries over {self.days[-1]} days: {said}.\n"
            f"  Present for {self.days_present} days; still present in {self.horizon} days: {self.present_after:.0%}."
        )


def read_diary(
    entries: Mapping[datetime.date, str | bool],
    levels: Sequence[str] = ("false", "true"),
    *,
    horizon: int = 28,
    rates: Rates | None = None,
) -> Diary:
    """Return which course a dated series of observations shows.

    Parameters
    ----------
    entries
        Date to the level seen on that day: a name of `levels`, or a bool where there are two.
    levels
        Names of the levels, absent first, then mild to bad.
    horizon
        How many days ahead to look.
    rates
        What is assumed of the courses; `Rates()` by default.

    Raises
    ------
    EvidenceError
        For no entry at all, or entries that cannot be under the assumed rates.
    UnknownNameError
        For a level that is not listed.

    Examples
    --------
    >>> day = datetime.date
    >>> answer = read_diary({day(2024, 5, 1): True, day(2024, 5, 20): True, day(2024, 6, 10): True})
    >>> max(answer.courses, key=answer.courses.get), answer.days_present
    ('progressing', 40)
    """
    rates = Rates() if rates is None else rates
    if not entries:
        raise EvidenceError("a diary without entries; expected one or more")
    dates = sorted(entries)
    seen = [_level(entries[date], levels) for date in dates]
    days = tuple((date - dates[0]).days for date in dates)
    steps, log_evidence = _forward(days, seen, len(levels), rates)
    if math.isinf(log_evidence):
        raise EvidenceError("the entries cannot be under the assumed rates; expected misread above 0")
    last = steps[-1]
    ahead = np.stack(
        [
            row @ np.linalg.matrix_power(_daily(len(levels), c, rates), horizon)
            for row, c in zip(last, COURSES, strict=True)
        ]
    )
    return Diary(
        days,
        tuple(levels),
        dict(zip(COURSES, map(float, last.sum(axis=1)), strict=True)),
        tuple(tuple(map(float, belief.sum(axis=0))) for belief in steps),
        log_evidence,
        float(ahead[:, 1:].sum()),
        horizon,
        _days_present(days, seen),
        rates,
    )


def _level(entry: str | bool, levels: Sequence[str]) -> int:
    if isinstance(entry, bool) and len(levels) == 2:
        return int(entry)
    if entry not in levels:
        raise UnknownNameError("level", str(entry), levels)
    return list(levels).index(str(entry))


def _daily(size: int, course: str, rates: Rates) -> Array:
    """Return P(level tomorrow | level today), shape (today, tomorrow)."""
    step = 1 / rates.days_per_step
    down = {"persistent": step / 2, "resolving": step, "progressing": 0.0}[course]
    up = {"persistent": step / 2, "resolving": 0.0, "progressing": step}[course]
    moves = np.zeros((size, size))
    for level in range(size):
        moves[level, max(level - 1, 0)] += down
        moves[level, min(level + 1, size - 1)] += up
        moves[level, level] += 1 - down - up
    return moves


def _forward(days: Sequence[int], seen: Sequence[int], size: int, rates: Rates) -> tuple[list[Array], float]:
    """Return P(course, level | entries so far), shape (courses, levels), after each entry, and ln P(entries)."""
    daily = [_daily(size, course, rates) for course in COURSES]
    wrong = rates.misread / (size - 1)
    says = np.full((size, size), wrong) + np.eye(size) * (1 - rates.misread - wrong)
    belief = np.array([rates.prior[course] for course in COURSES])[:, None] * np.full(size, 1 / size)
    log_total, steps = 0.0, []
    for k, level in enumerate(seen):
        if k:
            gap = days[k] - days[k - 1]
            belief = np.stack([row @ np.linalg.matrix_power(m, gap) for row, m in zip(belief, daily, strict=True)])
        belief = belief * says[:, level]
        total = float(belief.sum())
        if total <= 0:
            return [], -math.inf
        log_total += math.log(total)
        belief = belief / total
        steps.append(belief)
    return steps, log_total


def _days_present(days: Sequence[int], seen: Sequence[int]) -> int:
    start = None
    for day, level in zip(days, seen, strict=True):
        if level == 0:
            start = None
        elif start is None:
            start = day
    return 0 if start is None else days[-1] - start
