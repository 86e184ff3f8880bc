"""An estimate: a number with its range, its sources and how far to trust it."""

from __future__ import annotations

__all__ = ["GRADES", "Estimate", "Source"]

import math
from dataclasses import dataclass

from toetwitch.knowledge.estimate_card import estimate_card, source_card

GRADES = ("A", "B", "C", "D")
"""A and B: reported by the source for this very conditioning; C: scaled or pooled; D: judgement."""


@dataclass(frozen=True, slots=True)
class Source:
    """A work that numbers, rules or advice rest on.

    Parameters
    ----------
    key
        How estimates cite it.
    title
        What the work is.
    year
        Year of publication; 0 when the record did not show one.
    reference
        A DOI, PubMed id or address, or a description of whose judgement it is.
    """

    key: str
    title: str
    year: int = 0
    reference: str = ""

    def _repr_html_(self) -> str:
        return source_card(self)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A cited number.

    Parameters
    ----------
    value
        The best estimate: a probability or an odds ratio, as its place says.
    low, high
        The range in which the number may reasonably lie; contains `value`.
    sources
        Keys of the works that it rests on.
    grade
        "A" to "D" (see `GRADES`), or "" for an uncited number.
    note
        What was chosen and why, in particular where sources disagree.

    Raises
    ------
    ValueError
        When a number is not finite, the range does not contain the value, or the grade is unknown.

    Examples
    --------
    >>> Estimate.of(0.15)
    Estimate(value=0.15, low=0.15, high=0.15, sources=(), grade='', note='')
    """

    value: float
    low: float
    high: float
    sources: tuple[str, ...] = ()
    grade: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        for name in ("value", "low", "high"):
            number = getattr(self, name)
            if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
                raise ValueError(f"{name} is {number!r}; expected a finite number")
        if not self.low <= self.value <= self.high:
            raise ValueError(f"the range {self.low!r} to {self.high!r} does not contain the value {self.value!r}")
        if self.grade not in ("", *GRADES):
            raise ValueError(f"grade {self.grade!r}; expected one of {', '.join(GRADES)}")

    @classmethod
    def of(cls, value: float) -> Estimate:
        """Return an uncited number whose range is the number itself."""
        return cls(value, value, value)

    def complement(self) -> Estimate:
        """Return the estimate of the other of two states: one minus each number, the citation kept.

        Examples
        --------
        >>> Estimate(0.25, 0.125, 0.5).complement()
        Estimate(value=0.75, low=0.5, high=0.875, sources=(), grade='', note='')
        """
        return Estimate(1 - self.value, 1 - self.high, 1 - self.low, self.sources, self.grade, self.note)

    def _repr_html_(self) -> str:
        return estimate_card(self)
