"""Reading a case from words or a published example, for commands.

A word is ``id=value``, ``id!=state`` for a state that is ruled out, or ``id~0.8`` for "80 % sure of yes".
"""

from __future__ import annotations

__all__ = ["example_path", "read_example", "read_words"]

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from toetwitch.errors import EvidenceError, UnknownNameError
from toetwitch.evidence import excluded, likelihood
from toetwitch.knowledge.case_file import read_value
from toetwitch.knowledge.cases import Case, read_cases
from toetwitch.knowledge.model_folder import default_model_path
from toetwitch.knowledge.variable import Variable
from toetwitch.model import Model

_WORD = re.compile(r"(?P<id>[^=!~\s]+)(?P<sign>!=|=|~)(?P<value>.*)", re.DOTALL)


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
