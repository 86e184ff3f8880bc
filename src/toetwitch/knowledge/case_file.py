"""A case in a file: ids with values as TOML or JSON, read from what a person wrote and written to be read again.

Ids stand at the top or under ``evidence``. A table such as ``{likelihood = 0.8}``, ``{jeffrey = 0.8}`` or
``{excluded = ["high"]}`` is evidence that is not certain.
"""

from __future__ import annotations

__all__ = ["UNKNOWN_WORDS", "case_text", "read_case_file", "read_value"]

import json
import tomllib
from collections.abc import Callable, Mapping
from typing import Any

from toetwitch.errors import EvidenceError, ModelFileError, UnknownNameError
from toetwitch.evidence import Excluded, Jeffrey, Likelihood, excluded, jeffrey, likelihood
from toetwitch.knowledge.toml_text import toml_line
from toetwitch.knowledge.variable import BINARY, Variable

YES = ("true", "yes", "y")
NO = ("false", "no", "n")
UNKNOWN_WORDS = ("unknown", "?")


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


def case_text(evidence: Mapping[str, object]) -> str:
    """Return evidence as the TOML of a case file, which `read_case_file` reads back as equal evidence.

    Parameters
    ----------
    evidence
        Id to a bool, a state, or an `Excluded`, `Likelihood` or `Jeffrey`.

    Examples
    --------
    >>> print(case_text({"foot_drop": True, "numbness": likelihood(0.75)}), end="")
    [evidence]
    foot_drop = true
    numbness = { likelihood = 0.75 }
    """
    return "".join(f"{line}\n" for line in ("[evidence]", *(toml_line(id, _plain(v)) for id, v in evidence.items())))


def _plain(value: object) -> object:
    if isinstance(value, Excluded):
        return {"excluded": [str(state).lower() if isinstance(state, bool) else state for state in value.states]}
    if isinstance(value, Likelihood):
        return {"likelihood": _short(value.weights)}
    if isinstance(value, Jeffrey):
        return {"jeffrey": _short(value.probabilities)}
    return value


def _short(weights: Mapping[str, float]) -> object:
    """Return the weights of a binary variable as one number where that says the same, to the last bit."""
    p = weights.get("true")
    if p is not None and set(weights) == set(BINARY) and 0 <= p <= 1 and weights["false"] == 1.0 - p:
        return float(p)
    return {state: float(weight) for state, weight in weights.items()}
