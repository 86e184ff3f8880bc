"""The page on testing does what it shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.testing.mutation.catalogue import EVERY_FAULT
from toetwitch.testing.laws import LAWS

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_table_of_faults_is_current() -> None:
    """Each seeded fault stands in the table, noticed by something."""
    page = (DOCS / "mutations.md").read_text(encoding="utf-8")
    assert f"**Noticed: {len(EVERY_FAULT)} of {len(EVERY_FAULT)}.**" in page
    assert [fault.name for fault in EVERY_FAULT if fault.mistake not in page] == []


@pytest.mark.parametrize("name", LAWS)
def test_the_table_of_peers_is_current(name: str) -> None:
    """Each law stands in the table of who keeps it."""
    assert f"| **{name}**:" in (DOCS / "peers.md").read_text(encoding="utf-8")
