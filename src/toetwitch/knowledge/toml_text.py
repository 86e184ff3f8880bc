"""TOML as a person would write a model: sections for entries, one line for each number.

The general writers put every nested table in a section of its own, which scatters an estimate over seven lines. Here an
estimate is an inline table, a set of estimates is a run of dotted keys, and a condition stays on its line.
"""

from __future__ import annotations

__all__ = ["toml_line", "toml_text"]

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)

KEYED = frozenset({"mechanism", "setting", "source"})
"""Sections that hold named tables."""

LISTED = frozenset({"effect", "row"})
"""Fields that hold a list of tables, each with a header."""

ON_ONE_LINE = frozenset({"acts_on", "contraindicated_when", "dissent_when", "requires", "when"})
"""Fields that hold a condition."""

WITH_HEADER = frozenset({"leak_by", "odds_ratio", "prevalence_by"})
"""Fields that hold a table of estimates with a header, because it may be long."""


def toml_text(document: Mapping[str, Any]) -> str:
    """Return a document of a model as TOML that reads back as an equal document.

    Parameters
    ----------
    document
        Section to its content, never empty, as parsed TOML has it: strings, finite numbers, booleans, lists and tables.

    Examples
    --------
    >>> leak = {"value": 0.1, "low": 0.05, "high": 0.2, "source": "survey", "grade": "B"}
    >>> print(toml_text({"variable": [{"id": "numbness", "table": {"kind": "noisy_or", "leak": leak}}]}), end="")
    [[variable]]
    id = "numbness"
    <BLANKLINE>
    [variable.table]
    kind = "noisy_or"
    leak = { value = 0.1, low = 0.05, high = 0.2, source = "survey", grade = "B" }
    """
    blocks: list[list[str]] = []
    for section, content in document.items():
        if isinstance(content, list):
            for entry in content:
                blocks.extend(_blocks(f"[[{_key(section)}]]", _key(section), entry))
        elif section in KEYED:
            for name, entry in content.items():
                path = f"{_key(section)}.{_key(name)}"
                blocks.extend(_blocks(f"[{path}]", path, entry))
        else:
            blocks.extend(_blocks(f"[{_key(section)}]", _key(section), content))
    return "\n".join("".join(f"{line}\n" for line in block) for block in blocks)


def toml_line(key: str, value: object) -> str:
    """Return a key and its value on one line.

    Examples
    --------
    >>> toml_line("foot drop", {"likelihood": 0.8})
    '"foot drop" = { likelihood = 0.8 }'
    """
    return f"{_key(key)} = {_inline(value)}"


def _blocks(header: str, path: str, table: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield a table as a block of lines, then the tables in it that have headers of their own."""
    lines = [header]
    later: list[tuple[str, str, Mapping[str, Any]]] = []
    for field, value in table.items():
        inner = f"{path}.{_key(field)}"
        if field in LISTED and isinstance(value, list) and value and all(isinstance(e, Mapping) for e in value):
            later.extend((f"[[{inner}]]", inner, entry) for entry in value)
        elif not isinstance(value, Mapping) or field in ON_ONE_LINE or _is_estimate(value):
            lines.append(toml_line(field, value))
        elif field not in WITH_HEADER and value and all(map(_is_estimate, value.values())):
            lines.extend(f"{_key(field)}.{_key(name)} = {_inline(entry)}" for name, entry in value.items())
        else:
            later.append((f"[{inner}]", inner, value))
    yield lines
    for inner_header, inner, entry in later:
        yield from _blocks(inner_header, inner, entry)


def _is_estimate(value: object) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("value"), int | float)


def _key(name: str) -> str:
    return name if BARE_KEY.fullmatch(name) else _string(name)


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _inline(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(name)} = {_inline(entry)}" for name, entry in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    raise TypeError(f"{type(value).__name__} {value!r}; expected what TOML can hold")
