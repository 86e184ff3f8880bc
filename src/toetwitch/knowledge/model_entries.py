"""Entries of a model file, one at a time: sources, mechanisms, settings, variables, and the estimates in all of them.

Reading collects problems instead of stopping at the first, so that a person who edits a model sees them together. An
entry that rests on a broken one is passed over in silence: its own problem may be gone once the other is mended.
"""

from __future__ import annotations

__all__ = [
    "Enough",
    "RestsOnBroken",
    "Scope",
    "opened",
    "read_estimate",
    "read_setting",
    "read_source",
    "read_states_named",
    "read_variable",
    "shown",
    "unknown",
]

import datetime
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from toetwitch.errors import ModelFileError, UnknownNameError
from toetwitch.knowledge.definition import Setting
from toetwitch.knowledge.estimate import GRADES, Estimate, Source
from toetwitch.knowledge.fields import Fields
from toetwitch.knowledge.variable import BINARY, KINDS, Variable

ID = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
SOURCE_KEY = re.compile(r"[a-z0-9_-]+", re.ASCII)
GROUP = re.compile(r"[a-z0-9_]+", re.ASCII)

RESERVED = frozenset({"all_of", "any_of", "not"})
"""Words that a condition reads as itself, so that no variable may be called by them."""

ORIGINS = ("article", "extension")

HIGHEST_ODDS_RATIO = 1e9
"""Beyond this an odds ratio is a slip of the keyboard."""

SCALES = {
    "probability": "a probability from 0 to 1",
    "open_probability": "a probability between 0 and 1, neither included",
    "odds_ratio": "an odds ratio above 0 and below 1e9",
}
"""What an estimate may be, and what a message says that it should be."""

LONGEST = 60
"""Characters of a foreign value that a message repeats."""

MOST_LISTED = 6
"""Choices up to this number are listed by `UnknownNameError`."""


class Enough(Exception):  # noqa: N818  (not an error: reading stops because enough problems were found)
    """As many problems as were asked for have been found."""


class RestsOnBroken(Exception):  # noqa: N818
    """An entry names a variable that itself could not be read."""


class Scope:
    """What entries may refer to, and the problems found so far.

    Parameters
    ----------
    limit
        How many problems to collect before `Enough` is raised.
    """

    __slots__ = ("limit", "mechanisms", "problems", "sources", "variables")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.problems: list[ModelFileError] = []
        self.sources: dict[str, Source | None] = {}
        self.mechanisms: dict[str, str] = {}
        self.variables: dict[str, Variable | None] = {}

    def report(self, problem: ModelFileError) -> None:
        """Keep a problem, and stop when there are enough."""
        self.problems.append(problem)
        if len(self.problems) >= self.limit:
            raise Enough

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Run a block that reads one entry; its problem is kept and reading goes on after the block."""
        try:
            yield
        except ModelFileError as problem:
            self.report(problem)
        except RestsOnBroken:
            pass

    def variable(self, id: object, kind: str, fields: Fields, field: str = "") -> Variable:
        """Return a variable that an entry names."""
        if not isinstance(id, str):
            raise fields.error(f"{shown(id)}; expected the id of a variable", field)
        if id not in self.variables:
            raise fields.error(unknown(kind, id, self.variables), field)
        variable = self.variables[id]
        if variable is None:
            raise RestsOnBroken
        return variable


def shown(value: object) -> str:
    """Return a value as a message repeats it: as TOML spells it, and never long.

    Examples
    --------
    >>> shown(True), shown(["a", 1]), len(shown("x" * 1000))
    ('true', "['a', 1]", 60)
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, int) and abs(value) >= 10**LONGEST:
        return f"a number of about {math.ceil(value.bit_length() * math.log10(2))} digits"
    try:
        text = repr(value[: 2 * LONGEST] if isinstance(value, str) else value)
    except ValueError:  # an integer of thousands of digits inside, which Python refuses to spell out
        text = f"a {type(value).__name__}"
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def unknown(kind: str, name: str, choices: Iterable[str], *, where: str = "") -> str:
    """Return the message for a name that does not exist, with the nearest that does.

    Examples
    --------
    >>> unknown("state", "odl", ["young", "old"], where="of 'age'")
    "unknown state 'odl' of 'age'; expected one of 'young', 'old'; did you mean 'old'?"
    >>> unknown("source", "survey", [])
    "unknown source 'survey'; the model has none"
    """
    short = name if len(name) <= LONGEST else name[: LONGEST - 3] + "..."
    known = tuple(choices)
    error = UnknownNameError(kind, short, known, where=where)
    if not known:
        return f"unknown {kind} {short!r}{where and f' {where}'}; the model has none"
    if len(known) > MOST_LISTED and error.suggestion is None:
        return f"{error}; expected one of the {len(known)} that exist, none of which is spelt alike"
    return str(error)


def opened(value: object, required: tuple[str, ...], optional: tuple[str, ...], *, file: str, place: str) -> Fields:
    """Return a table as fields, refusing a field that is unknown or missing."""
    fields = Fields(value, file=file, place=place)
    present: Mapping[str, object] = value if isinstance(value, Mapping) else {}
    known = (*required, *optional)
    for name in present:
        if name not in known:
            absent = [field for field in known if field not in present]
            raise fields.error(unknown("field", name, absent or known), name[:LONGEST])
    for name in required:
        if name not in present:
            raise fields.error(f"no {name}; expected {', '.join(required)}")
    return fields


def read_estimate(value: object, scope: Scope, scale: str, *, file: str, place: str) -> Estimate:
    """Read a cited number.

    Parameters
    ----------
    value
        An inline table of value, low, high, source, grade and note.
    scope
        Knows the sources.
    scale
        "probability" (0 to 1), "open_probability" (0 and 1 left out) or "odds_ratio" (above 0).
    file, place
        Where it stands.
    """
    if not isinstance(value, Mapping):
        wanted = "an estimate { value, low, high, source, grade, note }"
        raise ModelFileError(f"{shown(value)}; expected {wanted}", file=file, place=place)
    fields = opened(value, ("value", "low", "high", "source", "grade"), ("note",), file=file, place=place)
    best, low, high = (_number(fields, name, scale) for name in ("value", "low", "high"))
    if not low <= best <= high:
        swapped = "; low and high look swapped" if high <= best <= low else ""
        raise fields.error(
            f"the range {low!r} to {high!r} does not contain the value {best!r}; expected low <= value <= high{swapped}"
        )
    sources = fields.texts("source")
    for key in sources:
        if key not in scope.sources:
            raise fields.error(unknown("source", key, scope.sources), "source")
    if not sources or len(set(sources)) != len(sources):
        raise fields.error(f"{shown(list(sources))}; expected one or more sources, each once", "source")
    grade = fields.text("grade")
    if grade not in GRADES:
        raise fields.error(f"{shown(grade)}; expected one of {', '.join(GRADES)}", "grade")
    note = fields.text("note", "")
    if grade == "D" and not note.strip():
        raise fields.error("no note; expected whose judgement it is, as for every number of grade D")
    return Estimate(best, low, high, sources, grade, note)


def _number(fields: Fields, name: str, scale: str) -> float:
    value = fields.take(name)
    wanted = SCALES[scale]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise fields.error(f"{shown(value)}; expected {wanted}, as a number", name)
    inside = {
        "probability": 0 <= value <= 1,
        "open_probability": 0 < value < 1,
        "odds_ratio": 0 < value < HIGHEST_ODDS_RATIO,
    }[scale]
    if not inside:
        percent = scale != "odds_ratio" and 2 <= value <= 100
        hint = f"; as a percentage it would be {value / 100:g}" if percent else ""
        raise fields.error(f"{shown(value)}; expected {wanted}{hint}", name)
    return float(value)


def read_source(key: str, value: object, *, file: str) -> Source:
    """Read [source.key]."""
    place = f"source.{key[:LONGEST]}"
    fields = opened(value, ("title", "year", "reference"), (), file=file, place=place)
    if not SOURCE_KEY.fullmatch(key):
        near = re.sub(r"[^a-z0-9_-]", "_", key.lower())
        raise fields.error(f"key {shown(key)}; expected lowercase letters, digits, _ and -, such as {shown(near)}")
    year = fields.take("year")
    if isinstance(year, bool) or not isinstance(year, int) or not 0 <= year <= 9999:
        raise fields.error(f"{shown(year)}; expected a year, 0 when unknown", "year")
    return Source(key, fields.text("title"), year, fields.text("reference"))


def read_setting(name: str, value: object, scope: Scope, *, file: str) -> Setting:
    """Read [setting.name]."""
    place = f"setting.{name[:LONGEST]}"
    fields = opened(value, ("description",), ("odds_ratio",), file=file, place=place)
    description = fields.text("description")
    written = fields.take("odds_ratio", {})
    inner = Fields(written, file=file, place=f"{place}.odds_ratio")
    ratios = {}
    for id, estimate in written.items():
        with scope.attempt():
            variable = scope.variable(id, "cause", inner)
            if variable.kind != "cause" or not variable.is_binary:
                raise inner.error(f"{id!r} is a {variable.kind}; expected a cause", id)
            ratios[id] = read_estimate(estimate, scope, "odds_ratio", file=file, place=f"{place}.odds_ratio.{id}")
    return Setting(name, description, ratios)


def read_variable(value: object, *, file: str, place: str) -> Variable:
    """Read [[variable]], its table left aside."""
    required = ("id", "kind", "group", "label", "origin", "definition")
    fields = opened(value, required, ("states", "table"), file=file, place=place)
    id = fields.text("id")
    if not ID.fullmatch(id) or id in RESERVED:
        raise fields.error(f"{shown(id)}; expected lowercase letters, digits and _, and no word of conditions", "id")
    group = fields.text("group")
    if not GROUP.fullmatch(group):
        raise fields.error(f"{shown(group)}; expected lowercase letters, digits and _", "group")
    return Variable(
        id=id,
        states=_states(fields),
        kind=fields.choice("kind", KINDS),
        group=group,
        label=fields.text("label"),
        definition=fields.text("definition"),
        origin=fields.choice("origin", ORIGINS),
    )


def _states(fields: Fields) -> tuple[str, ...]:
    written = fields.take("states", list(BINARY))
    if not isinstance(written, list) or not all(isinstance(state, str) and state.strip() for state in written):
        raise fields.error(f"{shown(written)}; expected a list of names, from mild to bad", "states")
    if len(written) < 2 or len(set(written)) != len(written):
        raise fields.error(f"{shown(written)}; expected two or more distinct names", "states")
    if len(written) > 100:
        raise fields.error(f"{len(written)} states; expected at most 100", "states")
    if set(written) == set(BINARY) and tuple(written) != BINARY:
        raise fields.error(f"{shown(written)}; expected false before true, or no states at all", "states")
    return tuple(written)


def read_states_named(value: object, variable: Variable, fields: Fields, field: str) -> tuple[str, ...]:
    """Read one state or a list of states of a variable: true or false for a binary one, else names."""
    names: list[str] = []
    for state in value if isinstance(value, list) else [value]:
        if variable.is_binary:
            if not isinstance(state, bool):
                raise fields.error(f"{shown(value)}; expected true or false, for {variable.id!r} is binary", field)
            names.append(BINARY[state])
        elif not isinstance(state, str):
            wanted = ", ".join(map(repr, variable.states))
            raise fields.error(f"{shown(value)}; expected one or more of {wanted}", field)
        elif state not in variable.states:
            raise fields.error(unknown("state", state, variable.states, where=f"of {variable.id!r}"), field)
        else:
            names.append(state)
    if not names or len(set(names)) != len(names):
        raise fields.error(f"{shown(value)}; expected one or more states, each once", field)
    return tuple(names)
