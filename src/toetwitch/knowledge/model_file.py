"""Model files: a folder of TOML that says what a model believes, read as a value, written, and checked.

Any file of the folder may hold any section; ids are global. Reading normalises nothing: what is not exactly right is
refused with the file, the place, the value, what was expected and the nearest right answer. A file is data only;
nothing in it is run or fetched. Writing is the inverse of reading.
"""

from __future__ import annotations

__all__ = ["main", "read_model", "validate", "write_model"]

import graphlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from toetwitch.errors import ModelFileError, TableError, UnknownNameError
from toetwitch.knowledge.definition import ModelDefinition, Setting, canonical_parts
from toetwitch.knowledge.model_documents import model_documents
from toetwitch.knowledge.model_entries import (
    LONGEST,
    Enough,
    Scope,
    opened,
    read_setting,
    read_source,
    read_variable,
    shown,
    unknown,
)
from toetwitch.knowledge.model_folder import Document, parse_document, read_documents
from toetwitch.knowledge.model_rules import read_rule_sections, rule_citations
from toetwitch.knowledge.model_tables import PlacedLink, read_link, read_table
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.table import Cpt, Table
from toetwitch.knowledge.toml_text import toml_text
from toetwitch.knowledge.variable import Variable

TABLES = ("model", "mechanism", "source", "setting", "policy")
"""Sections that are one table; `LISTS` are arrays of tables."""

LISTS = ("variable", "link", "red_flag", "posterior_rule", "ask_first", "advice")

MODEL_FIELDS = ("name", "version", "description", "reference", "default_setting")

MOST_PROBLEMS = 1_000
"""A folder with more problems than this is not a model."""

LONGEST_MESSAGE = 1_000


def read_model(path: str | os.PathLike[str]) -> ModelDefinition:
    """Read a model folder.

    Parameters
    ----------
    path
        The folder; every `*.toml` below it is read.

    Raises
    ------
    ModelFileError
        For the first problem, with its file and place.

    Examples
    --------
    >>> from toetwitch.knowledge.model_folder import default_model_path
    >>> read_model(default_model_path()).name
    'toe'
    """
    model, problems = _read(path, 1)
    if model is None:
        raise problems[0]
    return model


def validate(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """List every problem of a model folder that can be found independently of the others; none for a valid model.

    Examples
    --------
    >>> from toetwitch.knowledge.model_folder import default_model_path
    >>> validate(default_model_path())
    ()
    """
    return tuple(str(problem) for problem in _read(path, MOST_PROBLEMS)[1])


def write_model(model: ModelDefinition, folder: str | os.PathLike[str]) -> None:
    """Write a model, so that `read_model` of the folder gives an equal value.

    Parameters
    ----------
    model
        Every number cited, every label and definition filled: what `read_model` would refuse is not written.
    folder
        Made when it does not exist; it may not hold TOML files yet, for they would be read as part of the model.

    Raises
    ------
    ModelFileError
        When the model could not be read back, or the folder cannot be written. Nothing is written in the first case.
    """
    try:
        contents = {file: toml_text(document).encode() for file, document in model_documents(model).items()}
    except UnicodeEncodeError as error:
        message = f"text that is not Unicode: {shown(error.object[error.start : error.end])}; nothing is written"
        raise ModelFileError(message, file=str(folder)) from None
    documents = [(file, parse_document(contents[file], file)) for file in sorted(contents)]
    read, problems = _from_documents(documents, [], 1, str(folder))
    if problems:
        raise problems[0]
    if read != model:
        message = "the model has parts that a file cannot state, such as a table without cited rows; nothing is written"
        raise ModelFileError(message, file=str(folder))
    target = Path(folder)
    try:
        if any(target.rglob("*.toml")):
            raise ModelFileError("has TOML files; expected a new or empty folder", file=str(folder))
        for file, content in contents.items():
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            (target / file).write_bytes(content)
    except OSError as error:
        raise ModelFileError(f"{error.strerror}; expected a folder that can be written", file=str(folder)) from None


def _read(path: str | os.PathLike[str], limit: int) -> tuple[ModelDefinition | None, list[ModelFileError]]:
    """Return the model of a folder, or None and its problems."""
    try:
        documents, unreadable = read_documents(path)
    except ModelFileError as found:
        return None, [_bounded(found)]
    return _from_documents(documents, unreadable, limit, os.fspath(path))


def _from_documents(
    documents: Sequence[Document], unreadable: Sequence[ModelFileError], limit: int, name: str
) -> tuple[ModelDefinition | None, list[ModelFileError]]:
    scope = Scope(limit)
    model = None
    try:
        for problem in unreadable:
            scope.report(problem)
        model = _read_sections(documents, scope)
    except Enough:
        model = None
    except (TableError, UnknownNameError, ValueError) as error:
        # What the values themselves refuse and no section did; it has no place of its own.
        scope.problems.append(ModelFileError(str(error), file=name))
    return model, [_bounded(problem) for problem in scope.problems]


def _bounded(problem: ModelFileError) -> ModelFileError:
    """Return a problem whose message is never long, whatever the file holds."""
    if len(str(problem)) <= LONGEST_MESSAGE:
        return problem
    reason = (
        problem.reason
        if len(problem.reason) <= LONGEST_MESSAGE // 2
        else f"{problem.reason[: LONGEST_MESSAGE // 2]}..."
    )
    return ModelFileError(reason, file=problem.file[:200], place=problem.place[:200])


def _read_sections(documents: Sequence[Document], scope: Scope) -> ModelDefinition | None:
    blind = bool(scope.problems)
    documents = [(name, _known_sections(name, document, scope)) for name, document in documents]
    about = _read_about(documents, scope)
    _read_sources(documents, scope)
    _read_mechanisms(documents, scope)
    if blind:
        return None
    variables, places = _read_variables(documents, scope)
    tables = _read_tables(documents, variables, scope)
    settings = _read_settings(documents, scope)
    _check_cycle(tables, places, scope)
    _check_cited(documents, scope)
    _check_default_setting(about, settings, scope)
    network = None
    if not scope.problems:
        network = NetworkDefinition(*canonical_parts((variable for variable, *_ in variables), tables))
    rules, advice = read_rule_sections(documents, network or _without_tables(scope), scope)
    if scope.problems or network is None:
        return None
    fields = {name: about[1][name] for name in MODEL_FIELDS}
    sources = {key: source for key, source in scope.sources.items() if source is not None}
    return ModelDefinition(
        **fields,
        network=network,
        mechanisms=scope.mechanisms,
        sources=sources,
        settings=settings,
        rules=rules,
        advice=advice,
    )


def _without_tables(scope: Scope) -> NetworkDefinition | None:
    """Return a network of the variables alone, so that rules can be checked beside broken tables."""
    variables = tuple(variable for variable in scope.variables.values() if variable is not None)
    if len(variables) < len(scope.variables):
        return None
    flat = [np.full(len(variable.states), 1 / len(variable.states)) for variable in variables]
    return NetworkDefinition(variables, tuple(Cpt(v.id, (), row) for v, row in zip(variables, flat, strict=True)))


def _known_sections(file: str, document: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """Return the sections that have a known name and the right shape; report the others."""
    known = {}
    for section, content in document.items():
        with scope.attempt():
            if section not in (*TABLES, *LISTS):
                message = unknown("section", section, (*TABLES, *LISTS))
                raise ModelFileError(message, file=file, place=section[:LONGEST])
            if not isinstance(content, dict if section in TABLES else list):
                wanted = f"a table [{section}]" if section in TABLES else f"one or more tables [[{section}]]"
                raise ModelFileError(f"{shown(content)}; expected {wanted}", file=file, place=section)
            known[section] = content
    return known


def _read_about(documents: Sequence[Document], scope: Scope) -> tuple[str, dict[str, str]]:
    """Read [model]; returns its file and its fields."""
    found = [(file, document["model"]) for file, document in documents if "model" in document]
    if not found and scope.problems:
        return "model.toml", {}
    with scope.attempt():
        if not found:
            wanted = f"expected one with {', '.join(MODEL_FIELDS)}"
            raise ModelFileError(f"no section [model] in any file; {wanted}", file="model.toml")
        if len(found) > 1:
            message = f"a second section [model]; the first is in {found[0][0]}"
            raise ModelFileError(message, file=found[1][0], place="model")
        file, about = found[0]
        fields = opened(about, MODEL_FIELDS, (), file=file, place="model")
        return file, {name: fields.text(name) for name in MODEL_FIELDS}
    return "model.toml", {}


def _keyed(documents: Sequence[Document], section: str, scope: Scope) -> Iterator[tuple[str, str, object]]:
    """Yield file, key and entry of a section of named tables; a key that two files have is reported."""
    first: dict[str, str] = {}
    for file, document in documents:
        for key, entry in document.get(section, {}).items():
            if key in first:
                message = f"duplicate {section} {shown(key)}; the first is in {first[key]}"
                scope.report(ModelFileError(message, file=file, place=f"{section}.{key[:LONGEST]}"))
                continue
            first[key] = file
            yield file, key, entry


def _read_sources(documents: Sequence[Document], scope: Scope) -> None:
    for file, key, entry in _keyed(documents, "source", scope):
        scope.sources[key] = None
        with scope.attempt():
            scope.sources[key] = read_source(key, entry, file=file)


def _read_mechanisms(documents: Sequence[Document], scope: Scope) -> None:
    for file, key, entry in _keyed(documents, "mechanism", scope):
        scope.mechanisms[key] = ""
        with scope.attempt():
            fields = opened(entry, ("text",), (), file=file, place=f"mechanism.{key[:LONGEST]}")
            scope.mechanisms[key] = fields.text("text")


def _read_settings(documents: Sequence[Document], scope: Scope) -> dict[str, Setting]:
    settings = {}
    for file, key, entry in _keyed(documents, "setting", scope):
        with scope.attempt():
            settings[key] = read_setting(key, entry, scope, file=file)
    return settings


def _check_default_setting(about: tuple[str, dict[str, str]], settings: Mapping[str, Setting], scope: Scope) -> None:
    file, fields = about
    if fields and fields["default_setting"] not in settings:
        message = unknown("setting", fields["default_setting"], settings)
        scope.report(ModelFileError(message, file=file, place="model.default_setting"))


def _read_variables(
    documents: Sequence[Document], scope: Scope
) -> tuple[list[tuple[Variable, object, str, str]], dict[str, tuple[str, str]]]:
    """Read the variables, tables aside; returns each with its table, file and place, and all places by id."""
    read = []
    places: dict[str, tuple[str, str]] = {}
    for file, document in documents:
        for number, entry in enumerate(document.get("variable", [])):
            id = entry.get("id") if isinstance(entry, Mapping) else None
            place = f"variable[{number}]" + (f" {id[:LONGEST]!r}" if isinstance(id, str) else "")
            if isinstance(id, str) and id in places:
                message = f"duplicate id {shown(id)}; the first is in {places[id][0]}, {places[id][1]}"
                scope.report(ModelFileError(message, file=file, place=place))
                continue
            if isinstance(id, str):
                places[id] = (file, place)
                scope.variables[id] = None
            with scope.attempt():
                variable = read_variable(entry, file=file, place=place)
                scope.variables[variable.id] = variable
                if "table" not in entry:
                    raise ModelFileError("no table; expected [variable.table]", file=file, place=place)
                read.append((variable, entry["table"], file, place))
    return read, places


def _read_tables(
    documents: Sequence[Document], variables: Sequence[tuple[Variable, object, str, str]], scope: Scope
) -> list[Table]:
    links: dict[str, dict[tuple[str, str], PlacedLink]] = {}
    for file, document in documents:
        for number, entry in enumerate(document.get("link", [])):
            with scope.attempt():
                placed = read_link(entry, scope, file=file, place=_link_place(number, entry))
                same = links.setdefault(placed.child, {})
                key = (placed.link.parent, placed.link.parent_state)
                if key in same:
                    message = f"a second link of this cause and finding; the first is in {same[key].file}"
                    raise ModelFileError(f"{message}, {same[key].place}", file=file, place=placed.place)
                same[key] = placed
    tables = []
    for variable, written, file, place in variables:
        with scope.attempt():
            own = list(links.get(variable.id, {}).values())
            tables.append(read_table(written, variable, own, scope, file=file, place=f"{place}.table"))
    return tables


def _link_place(number: int, entry: object) -> str:
    place = f"link[{number}]"
    if isinstance(entry, Mapping) and isinstance(entry.get("cause"), str) and isinstance(entry.get("finding"), str):
        return f"{place} '{entry['cause'][:LONGEST]} -> {entry['finding'][:LONGEST]}'"
    return place


def _check_cycle(tables: Sequence[Table], places: Mapping[str, tuple[str, str]], scope: Scope) -> None:
    try:
        list(graphlib.TopologicalSorter({table.child: table.parents for table in tables}).static_order())
    except graphlib.CycleError as error:
        cycle: list[str] = error.args[1]
        file, place = places[cycle[-1]]
        shape = " -> ".join(cycle if len(cycle) <= 20 else [*cycle[:19], "...", cycle[-1]])
        message = f"cycle: {shape}; expected an acyclic network"
        scope.report(ModelFileError(message, file=file, place=f"{place}.table"))


def _check_cited(documents: Sequence[Document], scope: Scope) -> None:
    """Report sources that nothing cites."""
    cited = {key for _, _, key in rule_citations(documents)}.union(_estimate_sources(documents))
    for file, document in documents:
        for key in document.get("source", {}):
            if key not in cited:
                message = "cited nowhere; expected an estimate, a rule or advice that cites it"
                scope.report(ModelFileError(message, file=file, place=f"source.{key[:LONGEST]}"))


def _estimate_sources(documents: Sequence[Document]) -> Iterator[str]:
    """Yield the source keys of everything that looks like an estimate, also in entries that could not be read."""
    pending: list[object] = [
        content for _, document in documents for section, content in document.items() if section != "source"
    ]
    while pending:
        inner = pending.pop()
        if isinstance(inner, list):
            pending.extend(item for item in inner if isinstance(item, dict | list))
        elif isinstance(inner, dict):
            if "source" in inner:
                yield from _texts(inner["source"])
            pending.extend(item for item in inner.values() if isinstance(item, dict | list))


def _texts(value: object) -> list[str]:
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)]


def main(arguments: Sequence[str]) -> int:
    """Print the problems of the model folders named; the exit code is 1 when there are any."""
    problems = [problem for path in arguments for problem in validate(path)]
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problem{'s' * (len(problems) != 1)}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
