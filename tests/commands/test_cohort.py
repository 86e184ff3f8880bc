"""``toetwitch cohort``: a Parquet file in, a Parquet file out, resumed after an interruption."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import toetwitch as tt
from toetwitch.commands import cohort as command
from toetwitch.commands.cohort import cohort

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

COLUMNS = {
    "foot_drop": [True, None, False, None, True],
    "muscle_weakness": [None, "mild", None, None, "none"],
    "hand_tremor": [None, True, True, None, None],
}


@pytest.fixture
def cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five cases, read two at a time."""
    monkeypatch.setattr(command, "ROWS_AT_ONCE", 2)
    parquet.write_table(pa.table(COLUMNS), tmp_path / "in.parquet")
    return tmp_path / "in.parquet"


def run(*words: object) -> str:
    """Run the command and return what it printed; it must succeed."""
    result = CliRunner().invoke(cohort, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_parts_join_to_what_the_frame_would_give(cases: Path) -> None:
    """Assessed in parts, the rows have the answers of the frame assessed whole, in order, and no part is left."""
    out = cases.with_name("out.parquet")
    run(cases, out)
    whole = tt.load_model().assess_many(pa.table(COLUMNS))
    joined = parquet.read_table(out)
    assert joined.column_names == whole.column_names
    assert joined["level"].to_pylist() == whole["level"].to_pylist()
    assert joined["akathisia"].to_pylist() == pytest.approx(whole["akathisia"].to_pylist(), abs=1e-12)
    assert not out.with_name("out.parquet.parts").exists()


def test_an_interrupted_run_goes_on_where_it_stopped(cases: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts that were written are kept and not assessed again; the result is the same as without the interruption."""
    out, real = cases.with_name("out.parquet"), tt.Model.assess_many
    seen: list[int] = []

    def interrupted(self: tt.Model, frame: object, **options: object) -> object:
        seen.append(1)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return real(self, frame, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(tt.Model, "assess_many", interrupted)
    CliRunner().invoke(cohort, [str(cases), str(out)])
    assert not out.exists()
    assert len(list(out.with_name("out.parquet.parts").glob("*.parquet"))) == 1
    run(cases, out)
    assert len(seen) == 4
    monkeypatch.setattr(tt.Model, "assess_many", real)
    again = cases.with_name("again.parquet")
    run(cases, again)
    assert parquet.read_table(out).equals(parquet.read_table(again))


KILLED = """
import os, signal, sys
import toetwitch as tt
from toetwitch.commands import cohort as command

command.ROWS_AT_ONCE = 2
real, seen = tt.Model.assess_many, []

def assess_many(self, frame, **options):
    seen.append(1)
    if len(seen) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(self, frame, **options)

tt.Model.assess_many = assess_many
command.cohort(sys.argv[1:])
"""
"""A run that is killed while its second part is being assessed."""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal that cannot be caught")
def test_a_killed_run_loses_nothing_that_was_written(cases: Path) -> None:
    """After a kill that cannot be caught the whole parts are there, and the same command gives the same file."""
    out, undisturbed = cases.with_name("out.parquet"), cases.with_name("undisturbed.parquet")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(cases), str(out)], check=False, timeout=300)
    assert killed.returncode == -signal.SIGKILL
    assert not out.exists()
    assert len(list(out.with_name("out.parquet.parts").glob("*.parquet"))) == 1
    run(cases, out)
    run(cases, undisturbed)
    assert parquet.read_table(out).equals(parquet.read_table(undisturbed))


def test_parts_of_another_question_are_dropped(cases: Path) -> None:
    """Parts left by another policy are not mixed into the answer."""
    out = cases.with_name("out.parquet")
    parts = out.with_name("out.parquet.parts")
    parts.mkdir()
    (parts / "part-000000.parquet").write_bytes(b"left over")
    run(cases, out, "--policy", "guideline")
    assert parquet.read_table(out).num_rows == 5


def test_a_file_that_is_not_parquet_is_refused(tmp_path: Path) -> None:
    """A text file under the name of a Parquet file gives a clear error."""
    (tmp_path / "in.parquet").write_text("foot_drop\ntrue\n", encoding="utf-8")
    result = CliRunner().invoke(cohort, [str(tmp_path / "in.parquet"), str(tmp_path / "out.parquet")])
    assert "is not a Parquet file" in str(result.exception)
