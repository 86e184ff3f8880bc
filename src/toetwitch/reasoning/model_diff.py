"""Comparison of two models: which numbers, rules and words differ, and what that changes on cases.

A number that moved by a tenth may change no answer, and a new rule may change many; so both are told: every difference
by its place, and, case by case, who leads, which level is answered, and which cause moved most.
"""

from __future__ import annotations

__all__ = ["CaseChange", "Change", "ModelDiff", "case_change", "compare"]

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from toetwitch.knowledge.cases import Case
from toetwitch.knowledge.definition import ModelDefinition
from toetwitch.knowledge.estimate import Estimate
from toetwitch.knowledge.parameters import parameters
from toetwitch.reasoning.assessment import Assessment

PLACES = 3
"""How many leading causes are compared."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two models.

    Parameters
    ----------
    kind
        "number", "support" (range, grade, sources or note of a number), "variable", "rule", "posterior rule", "policy",
        "advice", "setting", "mechanism" or "source".
    place
        The path of a number, or an id.
    before, after
        What each model says; "" where it says nothing.
    """

    kind: str
    place: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.kind} {self.place}: {self.before or 'nothing'} -> {self.after or 'nothing'}"


@dataclass(frozen=True, slots=True)
class CaseChange:
    """How the answer to one case differs.

    Parameters
    ----------
    case
        Its id.
    level
        The level before and after.
    first
        The leading causes before and after.
    moved
        The cause whose probability moved most, in absolute terms; "" when one model has no posterior.
    probability
        Its probability before and after.
    """

    case: str
    level: tuple[str, str]
    first: tuple[tuple[str, ...], tuple[str, ...]]
    moved: str
    probability: tuple[float, float]

    @property
    def level_changed(self) -> bool:
        """Whether another level is answered."""
        return self.level[0] != self.level[1]

    @property
    def leader_changed(self) -> bool:
        """Whether another cause leads."""
        return self.first[0][:1] != self.first[1][:1]

    def to_dict(self) -> dict[str, Any]:
        """Return the change as JSON types."""
        return {
            "case": self.case,
            "level": list(self.level),
            "first": [list(found) for found in self.first],
            "moved": self.moved,
            "probability": list(self.probability),
        }


@dataclass(frozen=True, slots=True)
class ModelDiff:
    """Everything that differs between what two models say.

    Parameters
    ----------
    changes
        The differences, numbers first.
    """

    changes: tuple[Change, ...]

    def of_kind(self, kind: str) -> tuple[Change, ...]:
        """Return the differences of one kind."""
        return tuple(change for change in self.changes if change.kind == kind)

    def to_dict(self) -> list[dict[str, str]]:
        """Return the differences as JSON types."""
        return [{"kind": c.kind, "place": c.place, "before": c.before, "after": c.after} for c in self.changes]


def compare(before: ModelDefinition, after: ModelDefinition) -> ModelDiff:
    """Return what differs between two models.

    Parameters
    ----------
    before, after
        What the two model files say.

    Examples
    --------
    >>> from toetwitch.model import load_model
    >>> definition = load_model().definition
    >>> compare(definition, definition).changes
    ()
    """
    return ModelDiff((*_numbers(before, after), *_named(before, after)))


def _numbers(before: ModelDefinition, after: ModelDefinition) -> Iterator[Change]:
    old, new = _estimates(before), _estimates(after)
    for place in dict.fromkeys((*old, *new)):
        a, b = old.get(place), new.get(place)
        if a is None or b is None or a.value != b.value:
            yield Change("number", place, _said(a), _said(b))
        elif a != b:
            yield Change("support", place, _supported(a), _supported(b))


def _estimates(definition: ModelDefinition) -> dict[str, Estimate]:
    found = {parameter.path: parameter.estimate for parameter in parameters(definition.network)}
    for name, setting in definition.settings.items():
        found |= {f"setting.{name}.{cause}": ratio for cause, ratio in setting.odds_ratios.items()}
    return found


def _said(estimate: Estimate | None) -> str:
    return "" if estimate is None else f"{estimate.value:g} ({estimate.low:g} to {estimate.high:g})"


def _supported(estimate: Estimate) -> str:
    sources = ", ".join(estimate.sources) or "no source"
    return f"{_said(estimate)}, grade {estimate.grade or 'none'}, {sources}: {estimate.note}"


def _named(before: ModelDefinition, after: ModelDefinition) -> Iterator[Change]:
    for kind, old, new in (
        ("variable", {v.id: v for v in before.network.variables}, {v.id: v for v in after.network.variables}),
        ("rule", {r.id: r for r in before.rules.rules}, {r.id: r for r in after.rules.rules}),
        (
            "posterior rule",
            {r.id: r for r in before.rules.posterior_rules},
            {r.id: r for r in after.rules.posterior_rules},
        ),
        ("policy", {"policy": before.rules.policy}, {"policy": after.rules.policy}),
        ("advice", {a.id: a for a in before.advice}, {a.id: a for a in after.advice}),
        (
            "setting",
            {name: replace(s, odds_ratios={}) for name, s in before.settings.items()},
            {name: replace(s, odds_ratios={}) for name, s in after.settings.items()},
        ),
        ("mechanism", before.mechanisms, after.mechanisms),
        ("source", before.sources, after.sources),
    ):
        yield from _of_kind(kind, old, new)


def _of_kind(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for id in dict.fromkeys((*old, *new)):
        a, b = old.get(id), new.get(id)
        if a == b:
            continue
        if a is None or b is None or isinstance(a, str):
            yield Change(kind, id, *(("" if x is None else x if isinstance(x, str) else "stated") for x in (a, b)))
            continue
        for name in type(a).__dataclass_fields__:
            x, y = getattr(a, name), getattr(b, name)
            if x != y:
                yield Change(kind, f"{id}.{name}", str(x), str(y))


def case_change(case: Case, before: Assessment, after: Assessment) -> CaseChange | None:
    """Return how the answers of two models to a case differ clinically, or None when level and leaders are the same.

    Parameters
    ----------
    case
        The case.
    before, after
        The answers.
    """
    level = before.triage.level, after.triage.level
    first = before.ranking[:PLACES], after.ranking[:PLACES]
    if level[0] == level[1] and first[0] == first[1]:
        return None
    shared = [id for id in before.causes if id in after.causes]
    moved = max(shared, key=lambda id: abs(after.causes[id] - before.causes[id]), default="")
    probability = (before.causes[moved], after.causes[moved]) if moved else (0.0, 0.0)
    return CaseChange(case.id, level, first, moved, probability)
