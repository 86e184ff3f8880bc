"""`toetwitch score` scores a file of cases, and refuses one that holds a mistake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import toetwitch as tt
from tests.commands.running import SMALL, run

CASES = """
[[case]]
id = "one"
diagnosis = ["nerve_injury"]
also_acceptable = []
triage_at_least = "urgent_appointment"
evidence = { weakness = "severe", numbness = true }
uses_tests = false
kind = "report"
year = 2001

[[case]]
id = "two"
diagnosis = ["strain"]
also_acceptable = ["nerve_injury"]
triage_at_least = "self_care"
evidence = { weakness = "none", numbness = false, slow_conduction = true }
uses_tests = true
kind = "lay"
year = 0
"""


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    """Return a file of two cases."""
    path = tmp_path / "cases.toml"
    path.write_text(CASES)
    return path


def test_json_counts_what_the_library_answers(capsys: pytest.CaptureFixture[str], cases: Path) -> None:
    """Top-1, and under-triage by policy, are what assessing each case by hand gives."""
    model = tt.load_model(SMALL)
    found = json.loads(run(capsys, "score", str(cases), "--model", SMALL, "--json").out)
    one = model.assess({"weakness": "severe", "numbness": True})
    two = model.assess({"weakness": "none", "numbness": False, "slow_conduction": True})
    given = found["runs"]["as given"]
    hits = (one.ranking[0] == "nerve_injury") + (two.ranking[0] == "strain")
    assert given["ranking"]["strict_top_1"]["hits"] == hits
    assert given["ranking"]["lenient_top_3"]["hits"] == 2
    assert given["answers"][0]["levels"] == dict(one.triage.level_by_policy)
    for policy in ("article", "guideline"):
        assert given["triage"][policy]["under"]["total"] == 2
        urgent = two.triage.level_by_policy[policy] in tt.TRIAGE_LEVELS[2:]
        assert given["triage"][policy]["over_calm"] == {
            **given["triage"][policy]["over_calm"],
            "hits": int(urgent),
            "total": 1,
        }
    assert set(given["by"]["tests"]) == {"with tests", "without tests"}
    assert set(found["baselines"]) == {"prior order", "naive Bayes, same numbers"}
    assert any("Semigran" in figure["reference"] for figure in found["published"])


def test_text_shows_both_policies_and_the_baselines(capsys: pytest.CaptureFixture[str], cases: Path) -> None:
    """The text holds what a reader compares: both policies, both baselines, and the published figures."""
    text = run(capsys, "score", str(cases), "--model", SMALL).out
    for part in (
        "article policy",
        "guideline policy",
        "prior order",
        "naive Bayes",
        "Semigran 2016",
        "floor self_care",
    ):
        assert part in text


REFUSED = {
    "cause": ('["strain"]', '["strian"]', "cases.toml: case[two].diagnosis: unknown cause 'strian'", "'strain'?"),
    "id": ("numbness = false", "numbnes = false", "case[two].evidence.numbnes: unknown variable", "'numbness'?"),
    "state": ('weakness = "none"', 'weakness = "non"', "case[two].evidence.weakness: unknown state 'non'", "'none'"),
    "level": ('"self_care"', '"self_car"', "case[two].triage_at_least: ", "did you mean 'self_care'?"),
    "field": ('kind = "lay"', 'knd = "lay"', "case[two]"),
    "twice": ('"two"', '"one"', "case[one]: a second case of this id"),
    "nothing_right": ('["strain"]', "[]", "case[two].diagnosis: no diagnosis; expected at least one cause"),
    "toml": ("[[case]]", "[[case", "cases.toml: ", "expected a TOML file"),
    "evidence": (
        '{ weakness = "none", numbness = false, slow_conduction = true }',
        "3",
        "expected a table of id = value",
    ),
}


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED)
def test_a_broken_cases_file_is_refused(
    capsys: pytest.CaptureFixture[str], cases: Path, change: tuple[str, str, *tuple[str, ...]]
) -> None:
    """A mistake in a case is named with its place, and nothing is scored."""
    old, new, *messages = change
    assert old in CASES
    before, _, after = CASES.rpartition(old)
    cases.write_text(before + new + after)
    done = run(capsys, "score", str(cases), "--model", SMALL)
    assert (done.code, done.out) == (2, "")
    for message in messages:
        assert message in done.err


def test_an_empty_or_missing_file_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A file without cases, and no file at all, are user errors."""
    (tmp_path / "none.toml").write_text("")
    assert (
        "no case; expected [[case]] tables" in run(capsys, "score", str(tmp_path / "none.toml"), "--model", SMALL).err
    )
    missing = run(capsys, "score", str(tmp_path / "nowhere.toml"), "--model", SMALL)
    assert missing.code == 2
    assert "nowhere.toml" in missing.err
