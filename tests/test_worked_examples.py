"""Every number in the worked examples is what the library says."""

from __future__ import annotations

import doctest
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "worked_examples.md"


def test_the_worked_examples_recompute() -> None:
    """Each example of the document prints what stands below it; `docs/recompute.py` writes it anew."""
    failed, tried = doctest.testfile(str(DOCUMENT), module_relative=False)
    assert tried > 20
    assert failed == 0
