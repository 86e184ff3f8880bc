"""`toetwitch assess` says of a case what the library says, or why it cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import toetwitch as tt
from tests.commands.running import SMALL, run


def test_words_are_evidence(capsys: pytest.CaptureFixture[str]) -> None:
    """A case in words gets the very answer that the library gives to the same evidence."""
    words = ["weakness=severe", "numbness=no", "heavy_load=unknown", "age!=old,middle", "slow_conduction~0.75"]
    done = run(capsys, "assess", "--model", SMALL, "--json", *words)
    evidence = {
        "weakness": "severe",
        "numbness": False,
        "heavy_load": None,
        "age": tt.excluded("old", "middle"),
        "slow_conduction": tt.likelihood(0.75),
    }
    assert done.code == 0
    assert json.loads(done.out) == tt.load_model(SMALL).assess(evidence).to_dict()


def test_policy_and_setting_are_passed_on(capsys: pytest.CaptureFixture[str]) -> None:
    """The policy and the setting asked for are those of the answer."""
    done = run(
        capsys, "assess", "--model", SMALL, "--json", "--policy", "guideline", "--setting", "clinic", "numbness=yes"
    )
    expected = tt.load_model(SMALL, setting="clinic").assess({"numbness": True}, policy="guideline")
    assert json.loads(done.out) == expected.to_dict()


def test_flags_come_first(capsys: pytest.CaptureFixture[str]) -> None:
    """The text begins with the level and the rule that fired."""
    done = run(capsys, "assess", "--model", SMALL, "weakness=severe")
    lines = done.out.splitlines()
    assert lines[0].startswith("IMMEDIATE MEDICAL ATTENTION")
    assert "weak_foot" in lines[1]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("case.toml", 'weakness = "severe"\nnumbness = false\nslow_conduction = { likelihood = 0.75 }'),
        ("case.toml", '[evidence]\nweakness = "severe"\nnumbness = "no"\nslow_conduction = { likelihood = 0.75 }'),
        (
            "case.json",
            '{"weakness": "severe", "numbness": false, "age": null, "slow_conduction": {"likelihood": 0.75}}',
        ),
    ],
)
def test_files_say_the_same_as_words(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str, content: str
) -> None:
    """TOML and JSON, with ids at the top or under `evidence`, give the answer of the same words."""
    (tmp_path / name).write_text(content)
    from_file = run(capsys, "assess", "--model", SMALL, "--json", "--file", str(tmp_path / name))
    from_words = run(
        capsys, "assess", "--model", SMALL, "--json", "weakness=severe", "numbness=no", "slow_conduction~0.75"
    )
    from_input = run(capsys, "assess", "--model", SMALL, "--json", "--file", "-", typed=content)
    assert from_file.code == 0
    assert from_file.out == from_words.out == from_input.out


def test_an_answer_is_a_case(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The JSON of an answer can be given back as a case, soft evidence included, and gets the same answer."""
    words = ["age!=old", "slow_conduction~0.8", "numbness=yes"]
    first = run(capsys, "assess", "--model", SMALL, "--json", *words)
    (tmp_path / "answer.json").write_text(first.out)
    again = run(capsys, "assess", "--model", SMALL, "--json", "--file", str(tmp_path / "answer.json"))
    assert json.loads(again.out) == json.loads(first.out)


def test_words_count_over_the_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A word corrects what a file says."""
    (tmp_path / "case.toml").write_text('weakness = "severe"\nnumbness = true')
    done = run(capsys, "assess", "--model", SMALL, "--json", "--file", str(tmp_path / "case.toml"), "weakness=none")
    assert json.loads(done.out)["evidence"] == {"weakness": "none", "numbness": True}


REFUSED = {
    "id": (["numbnes=yes"], "unknown variable 'numbnes' in 'numbnes=yes'; did you mean 'numbness'?"),
    "state": (["weakness=sever"], "unknown answer 'sever' to 'weakness'", "did you mean 'severe'?"),
    "ruled_out_state": (["age!=odl"], "unknown answer 'odl' to 'age'", "did you mean 'old'?"),
    "form": (["numbness"], "got 'numbness'; expected id=value, id!=state or id~probability"),
    "twice": (["numbness=yes", "numbness=no"], "'numbness' is answered twice; expected one answer"),
    "probability": (["numbness~often"], "got 'often' in 'numbness~often'; expected a probability between 0 and 1"),
    "too_sure": (["numbness~1.5"], "got 1.5; expected a probability in [0, 1]"),
    "policy": (["--policy", "articl"], "'articl' is not one of 'article', 'guideline'"),
    "setting": (["--setting", "clinik"], "unknown setting 'clinik'", "did you mean 'clinic'?"),
    "option": (["--polcy", "article"], "No such option", "--policy"),
    "file": (["--file", "no_such_file.toml"], "no_such_file.toml", "No such file"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_refused(
    capsys: pytest.CaptureFixture[str], case: tuple[list[str], *tuple[str, ...]]
) -> None:
    """A user's mistake gives exit code 2 and the nearest right word on standard error, and no stack trace."""
    words, *messages = case
    done = run(capsys, "assess", "--model", SMALL, *words)
    assert done.code == 2
    assert done.out == ""
    assert "Traceback" not in done.err
    for message in messages:
        assert message in done.err


FILES = {
    "not_toml": ("case.toml", "weakness = severe", "case.toml: ", "expected TOML or JSON"),
    "not_json": ("case.json", '{"weakness": }', "case.json: ", "expected TOML or JSON"),
    "list": ("case.json", "[1, 2]", "list; expected a table of id = value"),
    "kind": (
        "case.toml",
        "numbness = { likelyhood = 0.8 }",
        "'likelyhood' for 'numbness'",
        "did you mean 'likelihood'?",
    ),
    "two_kinds": (
        "case.toml",
        "numbness = { likelihood = 0.8, jeffrey = 0.8 }",
        "expected one of excluded, likelihood",
    ),
    "no_kind": ("case.toml", "numbness = {}", "expected one of excluded, likelihood"),
    "weights": ("case.toml", "numbness = { likelihood = true }", "expected a probability in [0, 1]"),
    "type": ("case.toml", "numbness = [1]", "numbness"),
    "number": ("case.toml", "numbness = 0.8", "numbness"),
    "id": ("case.toml", "numbnes = true", "unknown variable 'numbnes' in", "did you mean 'numbness'?"),
    "bytes": ("case.toml", "\udcff", "case.toml"),
}


@pytest.mark.parametrize("case", FILES.values(), ids=FILES)
def test_a_broken_file_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, case: tuple[str, str, *tuple[str, ...]]
) -> None:
    """A file that is no case gives exit code 2 and says why, and no stack trace."""
    name, content, *messages = case
    path = tmp_path / name
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    done = run(capsys, "assess", "--model", SMALL, "--file", str(path))
    assert done.code == 2
    assert "Traceback" not in done.err
    for message in messages:
        assert message in done.err


def test_an_example_is_told_and_assessed(capsys: pytest.CaptureFixture[str]) -> None:
    """A published case of the shipped model is named, told and assessed."""
    done = run(capsys, "assess", "--example", "plmt-zinnuroglu-2010")
    assert done.code == 0
    assert "medial plantar" in done.out
    assert "The source concluded: painful_legs_moving_toes_syndrome" in done.out


def test_an_unknown_example_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt example gets the nearest one."""
    done = run(capsys, "assess", "--example", "plmt-zinuroglu-2010")
    assert done.code == 2
    assert "did you mean 'plmt-zinnuroglu-2010'?" in done.err
