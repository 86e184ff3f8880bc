"""Which laws which library keeps: `python -m toetwitch.testing.peer_table [docs/peers.md]`."""

from __future__ import annotations

__all__ = ["main", "page"]

import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from toetwitch.testing.adapters import Adapter, OwnAdapter
from toetwitch.testing.laws import LAWS
from toetwitch.testing.laws.trial import Outcome, try_law
from toetwitch.testing.peers import PgmpyAdapter, PyAgrumAdapter

EXAMPLES = 60
LONGEST = 220
"""Characters of a failure that a page shows."""


def page(adapters: Sequence[Adapter], *, examples: int = EXAMPLES) -> str:
    """Put every law to every engine and return the page."""
    tried = {
        adapter.name: {name: try_law(law, adapter, examples=examples, shrink=False) for name, law in LAWS.items()}
        for adapter in adapters
    }
    titles = [f"{name} {version(name.lower())}" for name in tried]
    lines = [
        "# Laws of exact inference, and who keeps them",
        "",
        f"Each law was tried on {examples} random networks through each library's own documented calls, tables written "
        'out. "Not offered" is a question that the library does not have. A last digit that differs breaks '
        "the laws that say *bit for bit*, which only this library promises.",
        "",
        "Built by `python -m toetwitch.testing.peer_table docs/peers.md`.",
        "",
        f"| law | {' | '.join(titles)} |",
        f"| --- |{' --- |' * len(titles)}",
    ]
    for name, law in LAWS.items():
        words = [_word(tried[engine][name]) for engine in tried]
        statement = law.statement.replace("|", "\\|")
        lines.append(f"| **{name}**: {statement} | {' | '.join(words)} |")
    for engine, outcomes in tried.items():
        broken = [outcome for outcome in outcomes.values() if outcome.breach]
        if broken:
            lines += ["", f"## What {engine} breaks, and how", ""]
            lines += [f"- **{outcome.law.name}**: {_detail(outcome)}" for outcome in broken]
    return "\n".join(lines) + "\n"


def _word(outcome: Outcome) -> str:
    return {"holds": "holds", "broken": "**broken**", "not offered": "not offered"}[outcome.word]


def _detail(outcome: Outcome) -> str:
    detail = " ".join(outcome.breach.detail.split()) if outcome.breach else ""
    return detail if len(detail) <= LONGEST else detail[:LONGEST].rsplit(" ", 1)[0] + " ..."


def main(arguments: Sequence[str]) -> int:
    """Write the page to a file, or to standard output."""
    text = page([OwnAdapter(), PgmpyAdapter(), PyAgrumAdapter()])
    if arguments:
        Path(arguments[0]).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
