"""Tables: how a variable depends on its parents, as the literature states it.

Four forms. `Cpt` lists probabilities row by row. `Logistic` adds log-odds, so that odds ratios come straight from
papers; its intercept is not written but solved, so that a cited prevalence holds. `NoisyMax` (noisy-OR for two
states) combines independent causes of a graded finding and a background (the leak); links state
P(finding | this cause alone), background included, which is what papers report. The numbers here are as stated;
`toetwitch.inference` turns them into arrays.

References
----------
Diez & Druzdzel (2006), Canonical probabilistic models for knowledge engineering. CISIAD-06-01.
"""

from __future__ import annotations

__all__ = ["Anchor", "Cpt", "Effect", "Leak", "Link", "Logistic", "NoisyMax", "Row", "Table"]

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toetwitch.errors import TableError
from toetwitch.frozen import FrozenMapping
from toetwitch.knowledge.estimate import Estimate
from toetwitch.knowledge.variable import Variable

ROW_TOLERANCE = 1e-6
"""How far a row may be from one before it is a typo: rounding in published files stays below it."""


def _proxy(mapping: Mapping[Any, Any]) -> Mapping[Any, Any]:
    return FrozenMapping(dict(mapping))


@dataclass(frozen=True, slots=True)
class Row:
    """One cited row of a `Cpt`.

    Parameters
    ----------
    when
        Parent id to the states for which the row holds; a parent left out may be in any state.
    probabilities
        Child state to estimate, for every state; the values sum to one.
    """

    when: Mapping[str, tuple[str, ...]]
    probabilities: Mapping[str, Estimate]

    def __post_init__(self) -> None:
        object.__setattr__(self, "when", _proxy(self.when))
        object.__setattr__(self, "probabilities", _proxy(self.probabilities))


@dataclass(frozen=True, slots=True, eq=False)
class Cpt:
    """A conditional probability table.

    Parameters
    ----------
    child, parents
        Ids.
    values
        Shape (parent sizes in order ..., child size), float64; each row sums to one. Kept as a read-only copy.
    rows
        The cited rows that the values come from; empty for a network without citations.

    Raises
    ------
    TableError
        When an entry is outside [0, 1], not finite, or a row does not sum to one.
    """

    child: str
    parents: tuple[str, ...]
    values: NDArray[np.float64]
    rows: tuple[Row, ...] = ()

    def __post_init__(self) -> None:
        values = np.array(self.values, dtype=np.float64)
        if values.ndim != len(self.parents) + 1:
            raise TableError(
                f"table of {self.child!r} has {values.ndim} axes; "
                f"expected {len(self.parents) + 1} (parents, then child)"
            )
        bad = ~((values >= 0) & (values <= 1))
        if bad.any():
            raise TableError(f"table of {self.child!r} holds {values[bad][0]!r}; expected a probability in [0, 1]")
        sums = values.sum(axis=-1)
        worst = int(np.argmax(np.abs(sums - 1))) if sums.ndim else 0
        total = float(sums.reshape(-1)[worst])
        if abs(total - 1) > ROW_TOLERANCE:
            raise TableError(f"row {worst} of the table of {self.child!r} sums to {total:.6g}; expected 1")
        values.setflags(write=False)
        object.__setattr__(self, "values", values)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Cpt):
            return NotImplemented
        return (
            (self.child, self.parents, self.rows) == (other.child, other.parents, other.rows)
            and self.values.shape == other.values.shape
            and bool((self.values == other.values).all())
        )

    def __hash__(self) -> int:
        return hash((self.child, self.parents, self.values.tobytes()))

    @classmethod
    def from_rows(cls, child: Variable, parents: Sequence[Variable], rows: Sequence[Row]) -> Cpt:
        """Build the array from cited rows, each combination of parent states covered by exactly one.

        Raises
        ------
        TableError
            When a combination is covered by no row or by two, or a row lacks a state.
        """
        values = np.full([len(p.states) for p in parents] + [len(child.states)], np.nan)
        for row in rows:
            missing = [state for state in child.states if state not in row.probabilities]
            if missing:
                raise TableError(f"a row of the table of {child.id!r} has no probability for state {missing[0]!r}")
            axes = [[p.index(s) for s in row.when.get(p.id, p.states)] for p in parents]
            for cell in itertools.product(*axes):
                if not np.isnan(values[cell]).all():
                    raise TableError(f"two rows of the table of {child.id!r} cover {_cell(parents, cell)}")
                values[cell] = [row.probabilities[state].value for state in child.states]
        empty = np.argwhere(np.isnan(values).any(axis=-1))
        if len(empty):
            raise TableError(f"no row of the table of {child.id!r} covers {_cell(parents, tuple(empty[0]))}")
        return cls(child.id, tuple(p.id for p in parents), values, tuple(rows))


def _cell(parents: Sequence[Variable], cell: Sequence[int]) -> str:
    return ", ".join(f"{p.id} = {p.states[i]}" for p, i in zip(parents, cell, strict=True)) or "the only row"


@dataclass(frozen=True, slots=True)
class Effect:
    """What a combination of parent states does to the odds of a `Logistic` child.

    Parameters
    ----------
    when
        Parent id to the states for which the effect holds; several parents make an interaction.
    size
        An odds ratio against the reference (no effect holds), or P(child | this effect alone) for an anchor
        of kind "baseline"; `stated_as` says which.
    stated_as
        "odds_ratio" or "probability".
    mechanism
        Key of the mechanism that carries it.
    """

    when: Mapping[str, tuple[str, ...]]
    size: Estimate
    stated_as: str = "odds_ratio"
    mechanism: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "when", _proxy(self.when))
        if self.stated_as not in ("odds_ratio", "probability"):
            raise TableError(f"effect stated as {self.stated_as!r}; expected 'odds_ratio' or 'probability'")
        low, high = (0.0, float("inf")) if self.stated_as == "odds_ratio" else (0.0, 1.0)
        for number in (self.size.low, self.size.value, self.size.high):
            if not low < number < high:
                raise TableError(f"{self.stated_as} {number!r}; expected a number between {low} and {high}")


@dataclass(frozen=True, slots=True)
class Anchor:
    """The cited number that fixes the intercept of a `Logistic`.

    Parameters
    ----------
    kind
        "prevalence": the marginal P(child), overall or by band of one parent, for which the intercept is solved.
        "baseline": P(child) when no effect holds.
    overall
        The number; for banded prevalences a check only, or None.
    by, bands
        A parent, and for each of its states P(child | state); empty when not banded.
    """

    kind: str
    overall: Estimate | None
    by: str = ""
    bands: Mapping[str, Estimate] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "bands", _proxy(self.bands))
        if self.kind not in ("prevalence", "baseline"):
            raise TableError(f"anchor {self.kind!r}; expected 'prevalence' or 'baseline'")
        if self.overall is None and not self.bands:
            raise TableError("an anchor needs an overall number or bands")
        for estimate in (*self.bands.values(), *([self.overall] if self.overall else [])):
            if not 0 < estimate.value < 1:
                raise TableError(f"{self.kind} {estimate.value!r}; expected a probability strictly between 0 and 1")


@dataclass(frozen=True, slots=True)
class Logistic:
    """Log-odds that add: ln odds(child) = intercept + sum of ln odds ratios of the effects that hold.

    Parameters
    ----------
    child
        A binary variable.
    anchor
        What fixes the intercept (one intercept per band for a banded prevalence).
    effects
        The odds ratios.
    """

    child: str
    anchor: Anchor
    effects: tuple[Effect, ...] = ()

    @property
    def parents(self) -> tuple[str, ...]:
        """Ids of the parents, in order of first mention."""
        named = [self.anchor.by] if self.anchor.by else []
        return tuple(dict.fromkeys([*named, *(p for effect in self.effects for p in effect.when)]))


@dataclass(frozen=True, slots=True)
class Leak:
    """The background of a `NoisyMax`: what is seen when none of the linked causes is present.

    Parameters
    ----------
    kind
        "leak": P(state | no linked cause); "prevalence": the marginal P(state), for which the leak is solved;
        "specificity": P(lowest state | no linked cause), for tests.
    overall
        Child state to estimate, for every state but the lowest; for a specificity one estimate under the highest state.
    by, bands
        A parent, and for each of its states the same mapping as `overall`, for a leak that depends on context.
        Links are netted of the overall leak, then combined with the band's.
    """

    kind: str
    overall: Mapping[str, Estimate]
    by: str = ""
    bands: Mapping[str, Mapping[str, Estimate]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "overall", _proxy(self.overall))
        object.__setattr__(self, "bands", _proxy({state: _proxy(band) for state, band in self.bands.items()}))
        if self.kind not in ("leak", "prevalence", "specificity"):
            raise TableError(f"background {self.kind!r}; expected 'leak', 'prevalence' or 'specificity'")
        if self.bands and self.kind != "leak":
            raise TableError(f"a background of kind {self.kind!r} cannot have bands; state the leak of each band")


@dataclass(frozen=True, slots=True)
class Link:
    """One cause of a finding.

    Parameters
    ----------
    parent, parent_state
        The cause and the state in which it acts ("true" for a binary cause).
    probabilities
        Child state to P(state | this cause alone), background included, for every state but the lowest.
    mechanism
        Key of the mechanism that carries it.
    inhibits
        The cause argues against the finding: P(finding | this cause alone) is below the leak. Binary findings only.
        The finding then needs its other causes or background, and not to be held back by this one.
    """

    parent: str
    probabilities: Mapping[str, Estimate]
    parent_state: str = "true"
    mechanism: str = ""
    inhibits: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "probabilities", _proxy(self.probabilities))


@dataclass(frozen=True, slots=True)
class NoisyMax:
    """Independent causes of one graded finding: the finding is as bad as the worst contribution.

    Parameters
    ----------
    child
        The finding; its states run from absent to bad.
    leak
        The background.
    links
        One per cause and acting state.
    """

    child: str
    leak: Leak
    links: tuple[Link, ...] = ()

    @property
    def parents(self) -> tuple[str, ...]:
        """Ids of the parents, in order of first mention."""
        named = [self.leak.by] if self.leak.by else []
        return tuple(dict.fromkeys([*named, *(link.parent for link in self.links)]))


Table = Cpt | Logistic | NoisyMax
