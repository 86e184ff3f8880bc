"""Seed every fault, and write the table of what noticed it: `python -m tests.testing.mutation [docs/mutations.md]`."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.testing.mutation.catalogue import EVERY_FAULT, Caught, notice

HEAD = """# Seeded faults, and the laws that notice them

A test kit is worth what it notices. Each row is a mistake that someone could make, in the engine, in what stands on it,
or in a model file; it was put in, and the quick profile was run. "Noticed by" names the laws that broke.

Built by `python -m tests.testing.mutation docs/mutations.md`.
"""


def table(found: list[Caught]) -> str:
    """Return the page."""
    caught = sum(bool(one.laws) for one in found)
    lines = [
        HEAD,
        f"**Noticed: {caught} of {len(found)}.**",
        "",
        "| where | mistake | noticed by |",
        "| --- | --- | --- |",
    ]
    for one in found:
        laws = ", ".join(f"`{law}`" for law in one.laws) or "**nothing**"
        lines.append(f"| {one.fault.place} | {one.fault.mistake} | {laws} |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Seed every fault; exit status 1 when one was missed."""
    found = [notice(one) for one in EVERY_FAULT]
    page = table(found)
    if arguments:
        Path(arguments[0]).write_text(page, encoding="utf-8")
    else:
        sys.stdout.write(page)
    missed = [one.fault.name for one in found if not one.laws]
    if missed:
        sys.stderr.write(f"missed: {', '.join(missed)}\n")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
