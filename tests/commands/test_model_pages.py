"""`toetwitch model` shows every number with its sources, and every fault of a copy."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import toetwitch as tt
from tests.commands.running import SMALL, run
from toetwitch.knowledge.parameters import parameters


def test_summary_counts_what_the_model_holds(capsys: pytest.CaptureFixture[str]) -> None:
    """The counts are those of the definition, in text and in JSON."""
    definition = tt.load_model(SMALL).definition
    found = json.loads(run(capsys, "model", "summary", "--model", SMALL, "--json").out)
    assert sum(found["variables"].values()) == len(definition.network.variables)
    assert sum(found["grades"].values()) == found["numbers"] == len(parameters(definition.network))
    assert found["sources"] == len(definition.sources)
    text = run(capsys, "model", "summary", "--model", SMALL).out
    assert "small 1" in text
    assert "An adult of nowhere." in text


def test_lint_of_a_sound_model_finds_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """A sound model exits 0."""
    done = run(capsys, "model", "lint", "--model", SMALL)
    assert (done.code, done.out) == (0, "No fault found.\n")


def test_lint_lists_every_fault(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Two faults in two files are both listed with their files, and the exit code is 1."""
    copy = tmp_path / "copy"
    shutil.copytree(SMALL, copy)
    for name, old, new in (
        ("context.toml", "value = 0.5", "value = 1.5"),
        ("latents.toml", "nerve_damage", "nerve_damge"),
    ):
        text = (copy / name).read_text()
        assert old in text
        (copy / name).write_text(text.replace(old, new, 1))
    done = run(capsys, "model", "lint", "--model", str(copy))
    assert done.code == 1
    assert "context.toml: " in done.out
    assert "latents.toml: " in done.out
    assert "did you mean 'nerve_damage'?" in done.out
    assert json.loads(run(capsys, "model", "lint", "--model", str(copy), "--json").out)["problems"]


def test_a_missing_model_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A folder that is no model is a user's mistake: exit code 2, no stack trace."""
    done = run(capsys, "model", "summary", "--model", str(tmp_path / "nowhere"))
    assert done.code == 2
    assert "Traceback" not in done.err
    assert "nowhere" in done.err


def test_show_gives_every_number_about_a_variable(capsys: pytest.CaptureFixture[str]) -> None:
    """A cause's page holds the numbers of its own table and of its links to findings, each with its sources."""
    page = json.loads(run(capsys, "model", "show", "nerve_injury", "--model", SMALL, "--json").out)
    numbers = parameters(tt.load_model(SMALL).definition.network)
    assert [n["path"] for n in page["numbers"]] == [p.path for p in numbers if p.child == "nerve_injury"]
    linked = {n["path"] for n in page["numbers_as_parent"]}
    assert linked == {p.path for p in numbers if "[nerve_injury=" in p.path}
    assert linked
    assert all(n["sources"] for n in (*page["numbers"], *page["numbers_as_parent"]))
    assert page["rules"] == ["weak_foot"]
    text = run(capsys, "model", "show", "nerve_injury", "--model", SMALL).out
    for path in linked:
        assert path in text
    assert "[clinic-2002] A clinic (2002). Made up." in text


def test_show_gives_a_rule_and_a_source(capsys: pytest.CaptureFixture[str]) -> None:
    """A rule shows its condition and dissent; a source shows what rests on it."""
    rule = run(capsys, "model", "show", "weak_foot", "--model", SMALL).out
    assert "asks for immediate_medical_attention" in rule
    assert "guidelines: urgent_appointment. Days are soon enough." in rule
    source = json.loads(run(capsys, "model", "show", "clinic-2002", "--model", SMALL, "--json").out)
    assert "weak_foot" in source["rules"]
    assert any("slow_conduction" in path for path in source["numbers"])


def test_show_of_an_unknown_id_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt id gets the nearest one."""
    done = run(capsys, "model", "show", "nerve_injry", "--model", SMALL)
    assert done.code == 2
    assert "did you mean 'nerve_injury'?" in done.err


def test_provenance_counts_every_citation(capsys: pytest.CaptureFixture[str]) -> None:
    """Each source is listed once, most used first, and the counts add up to the citations of all estimates."""
    definition = tt.load_model(SMALL).definition
    found = json.loads(run(capsys, "model", "provenance", "--model", SMALL, "--json").out)
    rows = found["sources"]
    assert {row["source"] for row in rows} == set(definition.sources)
    assert [row["numbers"] for row in rows] == sorted((row["numbers"] for row in rows), reverse=True)
    in_tables = sum(len(p.estimate.sources) for p in parameters(definition.network))
    in_settings = sum(len(e.sources) for s in definition.settings.values() for e in s.odds_ratios.values())
    assert sum(row["numbers"] for row in rows) == in_tables + in_settings
    assert sum(found["by_grade"].values()) == found["numbers"]
    text = run(capsys, "model", "provenance", "--model", SMALL).out
    assert "A survey" in text
    assert "rest on the least" in text
