"""What the README tells people to type works as it says."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
from pathlib import Path

import pytest

from toetwitch.__main__ import main

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return the code blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def ran(*words: str) -> tuple[int, str]:
    """Run a command of the command line; return its exit code and what it printed."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), pytest.raises(SystemExit) as stopped:
        main(words)
    return int(stopped.value.code or 0), out.getvalue()


def test_the_python_example_runs() -> None:
    """The example is at most ten lines, runs as it stands, and says the level and the causes."""
    (example,) = blocks("python")
    assert len([line for line in example.splitlines() if line.strip()]) <= 10
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(example, "README.md", "exec"), {})
    lines = out.getvalue().splitlines()
    assert lines[0] == "immediate_medical_attention"
    assert any(line.startswith("foot_drop ") for line in lines)
    assert "urge_to_move" in lines[-1]


def test_two_commands_install_and_run() -> None:
    """One line installs and assesses a published case; one installs and runs the tests, and CI runs that one."""
    install = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("python3 -m venv")]
    assert len(install) == 2
    assert install[0].endswith("toetwitch assess --example plmt-zinnuroglu-2010")
    assert install[1].endswith("-m pytest")
    assert "README.md" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


COMMANDS = [
    line.removeprefix(".venv/bin/")
    for block in blocks("sh")
    for line in block.splitlines()
    if line.startswith(".venv/bin/toetwitch")
]


@pytest.mark.parametrize("command", [c for c in COMMANDS if not c.startswith(("toetwitch ask", "toetwitch score"))])
def test_the_other_commands_answer(command: str) -> None:
    """Each further command of the README ends well and prints something; ask and score are tested apart."""
    code, out = ran(*shlex.split(command)[1:])
    assert code == 0
    assert out.strip()


def test_the_example_is_told_and_assessed() -> None:
    """The command that the README begins with answers with a level, the causes, and what the source concluded."""
    code, out = ran("assess", "--example", "plmt-zinnuroglu-2010")
    assert code == 0
    assert "Leading explanations" in out
    assert "The source concluded: painful_legs_moving_toes_syndrome" in out


def test_links_lead_somewhere() -> None:
    """Every relative link of the README and of CONTRIBUTING is a file."""
    for name in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\]\((?!http)([^)#]+)", (ROOT / name).read_text(encoding="utf-8")):
            assert (ROOT / target).exists(), f"{name}: {target}"
