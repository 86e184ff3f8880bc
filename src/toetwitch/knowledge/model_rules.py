"""Rules and advice of a model folder, with every problem of theirs that can be found independently.

`read_rules` and `read_advice` stop at the first problem. When they do, each entry is read once more by itself, so that
one wrong rule does not hide another.
"""

from __future__ import annotations

__all__ = ["read_rule_sections", "rule_citations"]

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from toetwitch.errors import ModelFileError
from toetwitch.knowledge.advice import Advice, read_advice
from toetwitch.knowledge.model_entries import LONGEST, Scope, shown, unknown
from toetwitch.knowledge.model_folder import Document
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.red_flag import RuleBook
from toetwitch.knowledge.rule_file import RULE_SECTIONS, read_rules

NAMED_BY = {"red_flag": "id", "posterior_rule": "id", "ask_first": "finding", "advice": "id"}
"""The lists that are read here, and the field that names an entry of each."""

CITING_FIELDS = ("source", "also", "dissent_source")
"""Fields that hold source keys."""

Value = TypeVar("Value")


def read_rule_sections(
    documents: Sequence[Document], network: NetworkDefinition | None, scope: Scope
) -> tuple[RuleBook, tuple[Advice, ...]]:
    """Read the rules and the advice, reporting their problems.

    Parameters
    ----------
    documents
        Every document of the folder.
    network
        The variables that rules may name, or None when some could not be read: then only names and citations are
        checked.
    scope
        Knows the sources, and keeps the problems.
    """
    distinct = [(file, dict(document)) for file, document in documents]
    for section, field in NAMED_BY.items():
        _drop_duplicates(distinct, section, field, scope)
    for file, place, key in rule_citations(documents):
        if key not in scope.sources:
            scope.report(ModelFileError(unknown("source", key, scope.sources), file=file, place=place))
    if network is None:
        return RuleBook(), ()
    rules = _read(read_rules, distinct, RULE_SECTIONS, network, scope)
    advice = _read(read_advice, distinct, ("advice",), network, scope)
    return rules or RuleBook(), advice or ()


def _drop_duplicates(documents: Sequence[Document], section: str, field: str, scope: Scope) -> None:
    """Report entries of a section that have the name of an earlier one, with both places, and leave them out."""
    first: dict[str, str] = {}
    for file, document in documents:
        kept = []
        for number, entry in enumerate(document.get(section, [])):
            id = entry.get(field) if isinstance(entry, Mapping) else None
            place = f"{section}[{number}] {shown(id)}"
            if isinstance(id, str) and id in first:
                message = f"duplicate {field} {shown(id)}; the first is in {first[id]}"
                scope.report(ModelFileError(message, file=file, place=place))
                continue
            if isinstance(id, str):
                first[id] = f"{file}, {place}"
            kept.append(entry)
        if section in document:
            document[section] = kept


def rule_citations(documents: Sequence[Document]) -> Iterator[tuple[str, str, str]]:
    """Yield file, place and source key of every citation in rules and advice."""
    for file, document in documents:
        for section in (*RULE_SECTIONS, "advice"):
            content = document.get(section, [])
            for number, entry in enumerate(content if isinstance(content, list) else [content]):
                if not isinstance(entry, Mapping):
                    continue
                id = entry.get("id", number)
                place = f"{section}[{str(id)[:LONGEST]}]" if isinstance(content, list) else section
                for name in CITING_FIELDS:
                    value = entry.get(name)
                    for key in value if isinstance(value, list) else [value]:
                        if isinstance(key, str):
                            yield file, f"{place}.{name}", key


def _read(
    read: Callable[[Sequence[Document], NetworkDefinition], Value],
    documents: Sequence[Document],
    sections: Sequence[str],
    network: NetworkDefinition,
    scope: Scope,
) -> Value | None:
    try:
        return read(documents, network)
    except ModelFileError as problem:
        scope.report(problem)
        seen = {str(problem)}
    for part, alone, place in _one_by_one(documents, sections):
        try:
            read(part, network)
        except ModelFileError as problem:
            moved = ModelFileError(problem.reason, file=problem.file, place=problem.place.replace(alone, place, 1))
            if str(moved) not in seen:
                seen.add(str(moved))
                scope.report(moved)
    return None


def _one_by_one(documents: Sequence[Document], sections: Sequence[str]) -> Iterator[tuple[list[Document], str, str]]:
    """Yield the sections with one entry of one list, and the entry's place in that and in its own file.

    What is no list (the policy) stands in each.
    """
    policy = [
        (file, {section: document[section]})
        for file, document in documents
        for section in sections
        if isinstance(document.get(section), Mapping)
    ]
    for file, document in documents:
        for section in sections:
            content = document.get(section)
            for number, entry in enumerate(content if isinstance(content, list) else ()):
                single: dict[str, Any] = {section: [entry]}
                yield [*policy, (file, single)], f"{section}[0]", f"{section}[{number}]"
