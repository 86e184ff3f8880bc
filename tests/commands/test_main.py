"""The command line ends with a documented exit code, and never with a stack trace for a user's mistake."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.commands.running import SMALL, run


@pytest.mark.parametrize(
    "words", [["-h"], ["assess", "-h"], ["ask", "-h"], ["model", "-h"], ["model", "show", "-h"], ["score", "-h"]]
)
def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    """Help goes to standard output with exit code 0."""
    done = run(capsys, *words)
    assert done.code == 0
    assert "Usage: toetwitch" in done.out


def test_an_unknown_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt command is a user's mistake."""
    done = run(capsys, "asess")
    assert done.code == 2
    assert "No such command 'asess'" in done.err


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a word the commands are listed, and the exit code says that nothing was asked."""
    done = run(capsys)
    assert done.code == 2
    assert "assess" in done.err + done.out


def test_the_module_runs_as_a_program() -> None:
    """`python -m toetwitch` is the same command line."""
    words = [sys.executable, "-m", "toetwitch", "assess", "--model", SMALL, "weakness=severe"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stdout.startswith("IMMEDIATE MEDICAL ATTENTION")
    assert done.stderr == ""


def test_a_reader_that_stops_is_no_fault() -> None:
    """When the reader of the output goes away, the program ends quietly."""
    command = f"{sys.executable} -m toetwitch model provenance --model {SMALL} | true"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_the_version_is_the_package_version(capsys: pytest.CaptureFixture[str]) -> None:
    """`--version` says what `toetwitch.__version__` says."""
    import toetwitch

    assert run(capsys, "--version").out == f"toetwitch {toetwitch.__version__}\n"
