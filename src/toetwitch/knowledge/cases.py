"""Published cases: what a source states of a person, what it concluded, and how soon someone should have been seen.

Only what the source states is evidence; the rest is unknown. Cases are a measuring stick and never a source of numbers.
"""

from __future__ import annotations

__all__ = ["Case", "PublishedFigure", "read_cases", "read_figures"]

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toetwitch.errors import ModelFileError, ToetwitchError, UnknownNameError
from toetwitch.frozen import FrozenMapping
from toetwitch.knowledge.fields import Fields, entries
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.red_flag import TRIAGE_LEVELS


@dataclass(frozen=True, slots=True)
class Case:
    """A person as a source describes them.

    Parameters
    ----------
    id
        The name of the case.
    evidence
        Id to the value that the source states.
    diagnosis
        What the source concluded, as causes of the model.
    also_acceptable
        Causes that an expert would accept as the leading explanation.
    triage_at_least
        The least urgent safe level; a more urgent answer is no error by itself.
    kind
        What sort of source it is: "report", "teaching", "lay" or another word.
    uses_tests
        Whether the evidence holds a test result.
    source_title, source_url, year
        Where it stands; year 0 when unknown.
    note
        The case in our own words.
    """

    id: str
    evidence: Mapping[str, bool | str]
    diagnosis: tuple[str, ...]
    also_acceptable: tuple[str, ...]
    triage_at_least: str
    kind: str
    uses_tests: bool
    source_title: str = ""
    source_url: str = ""
    year: int = 0
    note: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "evidence", FrozenMapping(dict(self.evidence)))


@dataclass(frozen=True, slots=True)
class PublishedFigure:
    """How someone else did on vignettes of their own.

    Parameters
    ----------
    who, material
        Who was measured, and on what.
    result
        The figures, as the source gives them.
    reference
        Where they stand.
    """

    who: str
    material: str
    result: str
    reference: str


def read_cases(path: str | os.PathLike[str], network: NetworkDefinition) -> tuple[Case, ...]:
    """Read a cases file.

    Parameters
    ----------
    path
        A TOML file of ``[[case]]`` tables.
    network
        The network whose ids and states the cases use.

    Returns
    -------
    tuple of Case
        In the order of the file.

    Raises
    ------
    ModelFileError
        When the file is not TOML, holds no case, or a case has a field, id or state that does not exist, or an id that
        another case has; names the file and the place.
    OSError
        When the file cannot be opened.
    """
    document = _document(path)
    name = Path(path).name
    cases = tuple(_read_case(Fields(t, file=f, place=p), network) for f, p, t in entries([(name, document)], "case"))
    if not cases:
        raise ModelFileError("no case; expected [[case]] tables", file=name)
    seen: set[str] = set()
    for case in cases:
        if case.id in seen:
            raise ModelFileError("a second case of this id; expected distinct ids", file=name, place=f"case[{case.id}]")
        seen.add(case.id)
    return cases


def read_figures(path: str | os.PathLike[str]) -> tuple[PublishedFigure, ...]:
    """Read what others have published about their own accuracy.

    Parameters
    ----------
    path
        A TOML file of ``[[figure]]`` tables.

    Raises
    ------
    ModelFileError
        When the file is not TOML or a figure lacks a field; names the file and the place.
    OSError
        When the file cannot be opened.
    """
    found = []
    for file, place, table in entries([(Path(path).name, _document(path))], "figure"):
        fields = Fields(table, file=file, place=place)
        found.append(PublishedFigure(*(fields.text(name) for name in ("who", "material", "result", "reference"))))
        fields.done()
    return tuple(found)


def _document(path: str | os.PathLike[str]) -> Mapping[str, Any]:
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelFileError(f"{error}; expected a TOML file", file=Path(path).name) from None


def _read_case(fields: Fields, network: NetworkDefinition) -> Case:
    case = Case(
        id=fields.text("id"),
        evidence=_read_evidence(fields, network),
        diagnosis=_read_causes(fields, "diagnosis", network),
        also_acceptable=_read_causes(fields, "also_acceptable", network),
        triage_at_least=fields.choice("triage_at_least", TRIAGE_LEVELS),
        kind=fields.text("kind"),
        uses_tests=fields.flag("uses_tests"),
        source_title=fields.text("source_title", ""),
        source_url=fields.text("source_url", ""),
        year=int(fields.number("year", 0, 9999)),
        note=fields.text("note", ""),
    )
    fields.done()
    if not case.diagnosis:
        raise fields.error("no diagnosis; expected at least one cause", "diagnosis")
    return case


def _read_evidence(fields: Fields, network: NetworkDefinition) -> dict[str, bool | str]:
    stated = fields.take("evidence", {})
    if not isinstance(stated, Mapping):
        raise fields.error(f"{stated!r}; expected a table of id = value", "evidence")
    for id, value in stated.items():
        try:
            if id not in network.by_id:
                raise UnknownNameError("variable", id, network.by_id)
            network.by_id[id].index(value)
        except ToetwitchError as error:
            raise fields.error(str(error), f"evidence.{id}") from None
    return dict(stated)


def _read_causes(fields: Fields, field: str, network: NetworkDefinition) -> tuple[str, ...]:
    causes = [variable.id for variable in network.of_kind("cause")]
    found = fields.texts(field)
    for id in found:
        if id not in causes:
            raise fields.error(str(UnknownNameError("cause", id, causes)), field)
    return found
