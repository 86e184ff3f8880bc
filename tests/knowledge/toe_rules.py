"""The toe model's variables, rules and advice, read without its tables."""

from __future__ import annotations

__all__ = ["BOOK", "DOCUMENTS", "VARIABLES", "Variables", "toe_advice"]

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toetwitch.knowledge.advice import Advice, read_advice
from toetwitch.knowledge.rule_file import read_rules
from toetwitch.knowledge.variable import BINARY, Variable

TOE = Path(__file__).resolve().parents[2] / "models" / "toe"
RULE_FILES = ("red_flags.toml", "triage.toml", "advice.toml")


@dataclass(frozen=True)
class Variables:
    """As much of a network as rules look at."""

    by_id: Mapping[str, Variable]


def _documents() -> list[tuple[str, dict[str, Any]]]:
    return [
        (path.relative_to(TOE).as_posix(), tomllib.loads(path.read_text(encoding="utf-8")))
        for path in sorted(TOE.rglob("*.toml"))
    ]


DOCUMENTS = _documents()
VARIABLES = Variables(
    {
        entry["id"]: Variable(entry["id"], tuple(entry.get("states", BINARY)), entry["kind"])
        for _, document in DOCUMENTS
        for entry in document.get("variable", [])
    }
)
BOOK = read_rules(DOCUMENTS, VARIABLES)  # type: ignore[arg-type]


def toe_advice() -> tuple[Advice, ...]:
    """Return the advice of the model."""
    return read_advice(DOCUMENTS, VARIABLES)  # type: ignore[arg-type]
