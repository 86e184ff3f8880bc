"""Advice as data: what a person can do, how far the evidence for it goes, and when to hold it back.

Advice never lowers a triage level. It is withheld where it would be harmful, or where the slower route would be wrong,
and says its caution where that is not known.
"""

from __future__ import annotations

__all__ = ["ADVICE_GRADES", "Advice", "read_advice", "write_advice"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from toetwitch.errors import ModelFileError, UnknownNameError
from toetwitch.frozen import FrozenMapping
from toetwitch.knowledge.condition import Condition, parse_condition, render_condition
from toetwitch.knowledge.fields import Fields, entries
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.red_flag import ORIGINS

ADVICE_GRADES = ("A", "B", "C", "D")
"""A: consistent trials or reviews on this outcome; B: some trials, or a guideline, on a near outcome; C: observation,
mechanism or official advice; D: opinion."""

States = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Advice:
    """One step.

    Parameters
    ----------
    id
        The name.
    text
        What to do, in plain words.
    origin
        "article" for a practical step of the founding article, else "extension".
    targets
        Causes, or modifiable roots, at which it is aimed.
    effect
        What the evidence says.
    grade, grade_for, grade_for_movement
        How good the evidence is, for which outcome, and for involuntary toe movements themselves.
    sources
        Keys of the works that it rests on, the leading one first.
    relieves
        Findings that it may ease directly.
    acts_on
        Root to the state that the step would set, when it can be read as an intervention.
    self_directed
        False when it needs a prescriber or clinician; its intervention may be shown, never suggested to do alone.
    contraindicated_when
        It is withheld where this is true, and says its caution where this is not known.
    requires
        It is shown only where this is true.
    caution
        Said beside it in any case.
    """

    id: str
    text: str
    origin: str
    targets: tuple[str, ...]
    effect: str
    grade: str
    grade_for: str
    grade_for_movement: str
    sources: tuple[str, ...]
    relieves: tuple[str, ...] = ()
    acts_on: Mapping[str, str] = field(default_factory=dict)
    self_directed: bool = True
    contraindicated_when: Condition | None = None
    requires: Condition | None = None
    caution: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "acts_on", FrozenMapping(dict(self.acts_on)))
        if self.origin not in ORIGINS:
            raise UnknownNameError("origin", self.origin, ORIGINS)
        for grade in (self.grade, self.grade_for_movement):
            if grade not in ADVICE_GRADES:
                raise UnknownNameError("grade", grade, ADVICE_GRADES)
        if not self.sources:
            raise ValueError(f"advice {self.id!r} cites no source; expected one or more")

    @property
    def source(self) -> str:
        """The key of the leading source."""
        return self.sources[0]


def read_advice(documents: Sequence[tuple[str, Mapping[str, Any]]], network: NetworkDefinition) -> tuple[Advice, ...]:
    """Read the [[advice]] tables of a model.

    Parameters
    ----------
    documents
        File name and parsed document; other sections are left to others.
    network
        The variables that advice may name.

    Raises
    ------
    ModelFileError
        For anything that is not advice over this network, with the file and the place.
    """
    states = {id: variable.states for id, variable in network.by_id.items()}
    found: dict[str, Advice] = {}
    for file, place, entry in entries(documents, "advice"):
        advice = _read(Fields(entry, file=file, place=place), states)
        if advice.id in found:
            raise ModelFileError(f"a second advice {advice.id!r}; expected each id once", file=file, place=place)
        found[advice.id] = advice
    return tuple(found.values())


def _read(fields: Fields, states: States) -> Advice:
    advice = Advice(
        id=fields.text("id"),
        text=fields.text("text"),
        origin=fields.choice("origin", ORIGINS),
        targets=_known(fields, "targets", states),
        effect=fields.text("effect"),
        grade=fields.choice("grade", ADVICE_GRADES),
        grade_for=fields.text("grade_for"),
        grade_for_movement=fields.choice("grade_for_movement", ADVICE_GRADES),
        sources=(fields.text("source"), *fields.texts("also")),
        relieves=_known(fields, "relieves", states),
        acts_on=_read_acts_on(fields, states),
        self_directed=fields.flag("self_directed", True),
        contraindicated_when=_read_condition(fields, "contraindicated_when", states),
        requires=_read_condition(fields, "requires", states),
        caution=fields.text("caution", ""),
    )
    fields.done()
    return advice


def _known(fields: Fields, field: str, states: States) -> tuple[str, ...]:
    named = fields.texts(field)
    for id in named:
        if id not in states:
            raise fields.error(str(UnknownNameError("variable", id, states)), field)
    return named


def _read_condition(fields: Fields, field: str, states: States) -> Condition | None:
    written = fields.take(field)
    if written is None:
        return None
    return parse_condition(written, states, file=fields.file, place=fields.within(field))


def _read_acts_on(fields: Fields, states: States) -> dict[str, str]:
    written = fields.take("acts_on", {})
    if not isinstance(written, Mapping):
        raise fields.error(f"{written!r}; expected a table of roots and the state to set", "acts_on")
    acts_on = {}
    for id, state in written.items():
        if id not in states:
            raise fields.error(str(UnknownNameError("variable", id, states)), "acts_on")
        name = ("true" if state else "false") if isinstance(state, bool) else state
        if name not in states[id]:
            raise fields.error(str(UnknownNameError("state", state, states[id], where=f"of {id!r}")), "acts_on")
        acts_on[id] = name
    return acts_on


def write_advice(advice: Sequence[Advice]) -> dict[str, Any]:
    """Return the document that `read_advice` reads back as equal advice; empty fields are left out."""
    return {"advice": [_write(entry) for entry in advice]}


def _write(advice: Advice) -> dict[str, Any]:
    booleans = {"true": True, "false": False}
    written = {
        "id": advice.id,
        "text": advice.text,
        "origin": advice.origin,
        "targets": list(advice.targets),
        "relieves": list(advice.relieves),
        "acts_on": {id: booleans.get(state, state) for id, state in advice.acts_on.items()},
        "contraindicated_when": advice.contraindicated_when and render_condition(advice.contraindicated_when),
        "requires": advice.requires and render_condition(advice.requires),
        "caution": advice.caution,
        "effect": advice.effect,
        "grade": advice.grade,
        "grade_for": advice.grade_for,
        "grade_for_movement": advice.grade_for_movement,
        "source": advice.sources[0],
        "also": list(advice.sources[1:]),
    }
    filled = {name: value for name, value in written.items() if value not in (None, "", [], {})}
    return filled if advice.self_directed else {**filled, "self_directed": False}
