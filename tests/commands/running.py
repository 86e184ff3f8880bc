"""Running the command line inside the test process."""

from __future__ import annotations

__all__ = ["SMALL", "Run", "run"]

import io
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from toetwitch.__main__ import main

SMALL = str(Path(__file__).resolve().parents[1] / "data" / "small_model")


@dataclass(frozen=True, slots=True)
class Run:
    """What a command did.

    Parameters
    ----------
    code
        Its exit code.
    out, err
        What it printed.
    """

    code: int
    out: str
    err: str


def run(capsys: pytest.CaptureFixture[str], *words: str, typed: str | None = None) -> Run:
    """Run a command and return what it did; `typed` is its standard input."""
    before = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO((typed or "").encode()), encoding="utf-8")
    try:
        with pytest.raises(SystemExit) as stopped:
            main(words)
    finally:
        sys.stdin = before
    printed = capsys.readouterr()
    return Run(int(stopped.value.code or 0), printed.out, printed.err)
