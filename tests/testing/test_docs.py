"""The page on testing does what it shows, and its tables are current."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from tests.testing.mutation.catalogue import EVERY_FAULT
from toetwitch.testing import strategies
from toetwitch.testing.law_file import KINDS
from toetwitch.testing.laws import LAWS
from toetwitch.testing.model_laws import MODEL_LAWS

DOCS = Path(__file__).resolve().parents[2] / "docs"


def text(page: str) -> str:
    """Return a page."""
    return (DOCS / page).read_text(encoding="utf-8")


def test_the_page_runs() -> None:
    """Each example on the page prints what the page says, the counterexample included."""
    found = doctest.testfile(str(DOCS / "testing.md"), module_relative=False, encoding="utf-8")
    assert found.failed == 0
    assert found.attempted > 40


def test_the_table_of_faults_is_current() -> None:
    """Each seeded fault stands in the table, noticed by something."""
    page = text("mutations.md")
    assert f"**Noticed: {len(EVERY_FAULT)} of {len(EVERY_FAULT)}.**" in page
    assert [fault.name for fault in EVERY_FAULT if fault.mistake not in page] == []


@pytest.mark.parametrize("name", LAWS)
def test_the_table_of_peers_is_current(name: str) -> None:
    """Each law stands in the table of who keeps it."""
    assert f"| **{name}**:" in text("peers.md")


@pytest.mark.parametrize("law", [*LAWS.values(), *MODEL_LAWS.values()], ids=lambda law: law.name)
def test_each_law_is_stated(law: object) -> None:
    """Each law stands on the page with its statement."""
    statement = law.statement.replace("|", r"\|")  # type: ignore[attr-defined]
    assert f"| `{law.name}` | {statement} |" in text("testing.md")  # type: ignore[attr-defined]


def test_each_kind_of_domain_law_and_each_strategy_is_shown() -> None:
    """What a user can declare, and what can be drawn, stands on the page."""
    page = text("testing.md")
    assert [kind for kind in KINDS if f"`{kind}`" not in page] == []
    functions = [name for name in strategies.__all__ if name.islower() and name != "sample_world"]
    assert [name for name in functions if f"`{name}`" not in page or f"strategies.{name}(" not in page] == []
