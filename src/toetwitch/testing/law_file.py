"""Domain laws as text: a TOML file beside a model, so that whoever edits a model can say what must stay true.

```toml
[[law]]
kind = "at_least"
id = "restless_legs_syndrome"
probability = 0.5
given = { urge_to_move = true, worse_at_rest = true }
```
"""

from __future__ import annotations

__all__ = ["KINDS", "read_laws"]

import dataclasses
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from toetwitch.errors import ModelFileError, ToetwitchError, UnknownNameError
from toetwitch.testing import domain, urgency
from toetwitch.testing.domain import DomainLaw

KINDS: Mapping[str, Any] = MappingProxyType(
    {
        "at_least": domain.AtLeast,
        "at_most": domain.AtMost,
        "dominates": domain.Dominates,
        "never_lowers": domain.NeverLowers,
        "prevalence_within": domain.PrevalenceWithin,
        "told_apart": domain.ToldApart,
        "fair": urgency.Fair,
        "flag_gives_level": urgency.FlagGivesLevel,
        "level_at_least": urgency.LevelAtLeast,
        "level_at_most": urgency.LevelAtMost,
    }
)
"""Kinds of law by the name that a file uses; the fields are those of the class."""


def read_laws(path: str | os.PathLike[str]) -> tuple[DomainLaw, ...]:
    """Read a file of domain laws.

    Raises
    ------
    ModelFileError
        When the file is not TOML, or a law has an unknown kind or field, lacks one, or holds a wrong value; the
        message names file and law, and the nearest right name.
    """
    file = Path(path).name
    try:
        document = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ModelFileError(f"not readable as TOML: {error}", file=file) from None
    for section in document:
        if section != "law":
            raise ModelFileError(f"unknown section {section!r}; expected [[law]]", file=file)
    entries = document.get("law", [])
    if not isinstance(entries, list):
        raise ModelFileError("'law' is a table; expected an array of tables: [[law]]", file=file)
    return tuple(_law(entry, file, f"law[{number}]") for number, entry in enumerate(entries))


def _law(entry: Any, file: str, place: str) -> DomainLaw:
    try:
        if not isinstance(entry, dict) or "kind" not in entry:
            raise ValueError(f"{entry!r} has no kind; expected one of {', '.join(KINDS)}")
        if entry["kind"] not in KINDS:
            raise UnknownNameError("kind of law", entry["kind"], KINDS)
        made = KINDS[entry["kind"]]
        fields = {f.name: f for f in dataclasses.fields(made) if f.init}
        for key in entry:
            if key != "kind" and key not in fields:
                raise UnknownNameError("field", key, fields, where=f"of {entry['kind']!r}")
        for name, one in fields.items():
            if name not in entry and one.default is one.default_factory is dataclasses.MISSING:
                raise ValueError(f"{entry['kind']!r} has no {name!r}; expected it")
        law: DomainLaw = made(**{key: value for key, value in entry.items() if key != "kind"})
    except (ToetwitchError, ValueError, TypeError) as error:
        raise ModelFileError(str(error), file=file, place=place) from None
    return law
