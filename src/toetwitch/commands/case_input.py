"""Reading a case from words, a file or a published example, for commands.

A word is ``id=value``, ``id!=state`` for a state that is ruled out, or ``id~0.8`` for "80 % sure of yes". A file holds
the same as TOML or JSON: ids with values at the top or under ``evidence``; a table such as ``{likelihood = 0.8}``,
``{jeffrey = 0.8}`` or ``{excluded = ["high"]}`` is evidence that is not certain.
"""

from __future__ import annotations

__all__ = ["UNKNOWN_WORDS", "example_path", "read_case_file", "read_example", "read_value", "read_words"]

import json
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from toetwitch.errors import EvidenceError, ModelFileError, UnknownNameError
from toetwitch.evidence import excluded, jeffrey, likelihood
from toetwitch.knowledge.cases import Case, read_cases
from toetwitch.knowledge.model_folder import default_model_path
from toetwitch.knowledge.variable import Variable
from toetwitch.model import Model

YES = ("true", "yes", "y")
NO = ("false", "no", "n")
UNKNOWN_WORDS = ("unknown", "?")

_WORD = re.compile(r"(?P<id>[^=!~\s]+)(?P<sign>!=|=|~)(?P<value>.*)", re.DOTALL)


def read_value(variable: Variable, text: str) -> bool | str | None:
    """Return what a person wrote as a value of evidence; None for "unknown".

    Raises
    ------
    UnknownNameError
        When it is no state of the variable; carries the nearest one.

    Examples
    --------
    >>> read_value(Variable("foot_drop"), "yes")
    True
    >>> read_value(Variable("caffeine_intake", ("none_or_low", "moderate", "high")), "high")
    'high'
    """
    if text in variable.states:
        return text == "true" if variable.is_binary else text
    word = text.strip().lower()
    if word in UNKNOWN_WORDS:
        return None
    if variable.is_binary and word in (*YES, *NO):
        return word in YES
    choices = (*(("yes", "no") if variable.is_binary else variable.states), "unknown")
    raise UnknownNameError("answer", text, choices, where=f"to {variable.id!r}")


def read_words(words: Sequence[str], variables: Mapping[str, Variable]) -> dict[str, object]:
    """Return the evidence that words state.

    Raises
    ------
    EvidenceError
        For a word of another form, or an id that is answered twice.
    UnknownNameError
        For an id or state that does not exist; carries the nearest one.

    Examples
    --------
    >>> variables = {"foot_drop": Variable("foot_drop"), "numbness": Variable("numbness")}
    >>> evidence = read_words(["foot_drop=no", "numbness~0.75"], variables)
    >>> evidence["foot_drop"], dict(evidence["numbness"].weights)
    (False, {'false': 0.25, 'true': 0.75})
    """
    evidence: dict[str, object] = {}
    for word in words:
        match = _WORD.fullmatch(word)
        if match is None:
            raise EvidenceError(f"got {word!r}; expected id=value, id!=state or id~probability, as in foot_drop=yes")
        id, sign, value = match["id"], match["sign"], match["value"]
        if id not in variables:
            raise UnknownNameError("variable", id, variables, where=f"in {word!r}")
        if id in evidence:
            raise EvidenceError(f"{id!r} is answered twice; expected one answer")
        if sign == "=":
            evidence[id] = read_value(variables[id], value)
        elif sign == "!=":
            evidence[id] = excluded(*(_state(variables[id], state) for state in value.split(",")))
        else:
            evidence[id] = likelihood(_probability(word, value))
    return evidence


def _state(variable: Variable, text: str) -> str:
    value = read_value(variable, text)
    if value is None:
        raise UnknownNameError("state", text, variable.states, where=f"of {variable.id!r}")
    return variable.states[variable.index(value)]


def _probability(word: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise EvidenceError(f"got {text!r} in {word!r}; expected a probability between 0 and 1") from None


def read_case_file(name: str, content: bytes, variables: Mapping[str, Variable]) -> dict[str, object]:
    """Return the evidence that a TOML or JSON file states.

    Parameters
    ----------
    name
        The file's name; a ``.json`` ending, or content that opens with a brace, is JSON.
    content
        What it holds, in UTF-8.
    variables
        The variables, by id.

    Raises
    ------
    ModelFileError
        When it is neither, or not a table.
    UnknownNameError, EvidenceError
        For an id, state or value that does not exist.
    """
    document = _parsed(name, content)
    stated = document.get("evidence", document)
    if not isinstance(stated, Mapping):
        raise ModelFileError(f"{stated!r}; expected a table of id = value", file=name, place="evidence")
    evidence: dict[str, object] = {}
    for id, value in stated.items():
        if id not in variables:
            raise UnknownNameError("variable", id, variables, where=f"in {name!r}")
        if isinstance(value, str):
            evidence[id] = read_value(variables[id], value)
        elif isinstance(value, Mapping):
            evidence[id] = _soft(id, value)
        else:
            evidence[id] = value
    return evidence


def _parsed(name: str, content: bytes) -> dict[str, Any]:
    try:
        text = content.decode("utf-8")
        document = json.loads(text) if name.endswith(".json") or text.lstrip()[:1] == "{" else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{error}; expected TOML or JSON", file=name) from None
    if not isinstance(document, dict):
        raise ModelFileError(f"{type(document).__name__}; expected a table of id = value", file=name)
    return document


_SOFT: Mapping[str, Callable[[Any], object]] = {
    "excluded": lambda value: excluded(*([value] if isinstance(value, str) else value)),
    "likelihood": likelihood,
    "jeffrey": jeffrey,
}


def _soft(id: str, value: Mapping[str, Any]) -> object:
    kind = next(iter(value), "")
    if len(value) != 1:
        raise EvidenceError(
            f"{dict(value)!r} for {id!r}; expected one of {', '.join(_SOFT)}, as in {{likelihood = 0.8}}"
        )
    if kind not in _SOFT:
        raise UnknownNameError("kind of evidence", kind, _SOFT, where=f"for {id!r}")
    if not isinstance(value[kind], str | list | Mapping | int | float):
        raise EvidenceError(f"{value[kind]!r} as {kind} of {id!r}; expected numbers or states")
    return _SOFT[kind](value[kind])


def example_path() -> Path:
    """Return the published cases that come with the library."""
    return default_model_path().parent / "cases" / "published_cases.toml"


def read_example(id: str, model: Model) -> Case:
    """Return a published case that comes with the library.

    Raises
    ------
    UnknownNameError
        When there is none of that name; carries the nearest one.
    """
    cases = {case.id: case for case in read_cases(example_path(), model.definition.network)}
    if id not in cases:
        raise UnknownNameError("example", id, cases, where="among the published cases")
    return cases[id]
