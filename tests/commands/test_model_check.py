"""`toetwitch model check` says whether a model is in order, to people and to scripts."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.running import SMALL, run
from tests.testing.example_network import BIF

LAW = '[[law]]\nkind = "never_lowers"\nfinding = "spots"\ncause = "shade"\nanywhere = true\n'


@pytest.fixture
def bif(tmp_path: Path) -> Path:
    """Write a network to a file whose name a shell would split."""
    path = tmp_path / "my pond.bif"
    path.write_text(BIF, encoding="utf-8")
    return path


def test_a_sound_network_is_exit_code_0(bif: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What keeps every law is said in one line, and with `-v` law by law."""
    done = run(capsys, "model", "check", str(bif))
    assert done.code == 0
    assert done.out.count("\n") == 1
    assert ", 0 broken (quick" in done.out
    assert "HOLDS normalised: Each posterior is finite" in run(capsys, "model", "check", str(bif), "-v").out


def test_a_broken_law_is_exit_code_1(bif: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A broken law of the user's own is shown with the smallest case, as text and as JSON."""
    bif.with_name("my pond.laws.toml").write_text(LAW, encoding="utf-8")
    done = run(capsys, "model", "check", str(bif))
    assert done.code == 1
    assert "BROKEN never_lowers[spots-shade]: spots does not lower the probability of shade." in done.out
    assert "    evidence = {'spots': 'yes'}\n" in done.out
    found = json.loads(run(capsys, "model", "check", str(bif), "--json").out)
    (broken,) = [one for one in found["checks"] if one["word"] == "broken"]
    assert (found["ok"], broken["case"]) == (False, "{'spots': 'yes'}")
    assert broken["again"] == f"tt.read_network({str(bif)!r}).posterior(evidence)"


def test_the_command_that_it_prints_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The printed command asks about the printed case of that model, whatever the folder is called."""
    folder = tmp_path / "a model"
    shutil.copytree(SMALL, folder)
    laws = tmp_path / "mine.toml"
    laws.write_text(
        '[[law]]\nkind = "level_at_most"\nlevel = "self_care"\ngiven = { weakness = "severe" }\n', encoding="utf-8"
    )
    done = run(capsys, "model", "check", str(folder), "--laws", str(laws))
    assert done.code == 1
    printed = next(line for line in done.out.splitlines() if "toetwitch assess" in line)
    words = shlex.split(printed)
    assert words[1:] == ["assess", "--model", str(folder), "weakness=severe"]
    assert run(capsys, *words[1:]).code == 0


def test_a_model_that_cannot_be_read_is_a_broken_law(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that is no model is reported with the place that is wrong."""
    (tmp_path / "model.toml").write_text("[model]\nname = 3\n", encoding="utf-8")
    done = run(capsys, "model", "check", str(tmp_path))
    assert done.code == 1
    assert "BROKEN readable: The model can be read.\n  model.toml: " in done.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nowhere",), "'nowhere' does not exist"),
        ((SMALL, "--profile", "quik"), "'quik' is not one of 'quick', 'thorough'"),
        ((SMALL, "--laws", "nowhere.toml"), "'nowhere.toml' does not exist"),
    ],
)
def test_what_cannot_be_read_is_exit_code_2(
    words: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A path, profile or file that does not exist is wrong use."""
    done = run(capsys, "model", "check", *words)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_a_file_of_laws_that_cannot_be_read_is_exit_code_2(
    tmp_path: Path, bif: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A misspelt kind of law is refused with the nearest one."""
    laws = tmp_path / "mine.toml"
    laws.write_text("[[law]]\nkind = 'at_lest'\n", encoding="utf-8")
    done = run(capsys, "model", "check", str(bif), "--laws", str(laws))
    assert done.code == 2
    assert "did you mean 'at_least'" in done.err


def test_without_hypothesis_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where Hypothesis is missing, the message names the extra."""
    monkeypatch.setattr("toetwitch.commands.model_check.find_spec", lambda name: None)
    done = run(capsys, "model", "check", SMALL)
    assert done.code == 2
    assert "pip install 'toetwitch[testing]'" in done.err


def test_it_needs_no_pytest(bif: Path) -> None:
    """The command runs where pytest cannot be imported."""
    script = (
        "import sys; sys.modules['pytest'] = sys.modules['_pytest'] = None; "
        "from toetwitch.__main__ import main; main(sys.argv[1:])"
    )
    done = subprocess.run([sys.executable, "-c", script, "model", "check", str(bif)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
