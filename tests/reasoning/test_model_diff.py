"""Two models are told apart by every number, rule and word that differs, and by what changes on cases."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import toetwitch as tt
from tests.commands.running import SMALL, run
from toetwitch.knowledge.cases import Case
from toetwitch.reasoning.model_diff import case_change, compare

CHANGES = (
    ("causes/nerve_injury.toml", "probability = { value = 0.7, low = 0.5", "probability = { value = 0.6, low = 0.5"),
    ("findings/motor.toml", "leak = { value = 0.02, low = 0.01", "leak = { value = 0.02, low = 0.015"),
    ("rules.toml", 'level = "immediate_medical_attention"', 'level = "urgent_appointment"'),
    ("rules.toml", 'guideline_level = "urgent_appointment"', 'guideline_level = "routine_appointment"'),
    ("rules.toml", "probability_at_least = 0.5", "probability_at_least = 0.9"),
)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a copy of the small model with five differences."""
    folder = tmp_path_factory.mktemp("models") / "other"
    shutil.copytree(SMALL, folder)
    for name, old, new in CHANGES:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    return str(folder)


def test_a_model_does_not_differ_from_itself() -> None:
    """Comparing a model with itself finds nothing."""
    definition = tt.load_model(SMALL).definition
    assert compare(definition, definition).changes == ()


def test_every_difference_is_found(other: str) -> None:
    """A value, a range, a level and a threshold are each told at their place, and nothing else is."""
    found = compare(tt.load_model(SMALL).definition, tt.load_model(other).definition)
    places = {(change.kind, change.place) for change in found.changes}
    assert places == {
        ("number", "numbness.link[nerve_injury=true].true"),
        ("support", "trips.leak.true"),
        ("rule", "weak_foot.level"),
        ("rule", "weak_foot.guideline_level"),
        ("posterior rule", "injury_likely.probability_at_least"),
    }
    (number,) = found.of_kind("number")
    assert (number.before, number.after) == ("0.7 (0.5 to 0.9)", "0.6 (0.5 to 0.9)")


def test_a_changed_level_is_a_clinical_change(other: str) -> None:
    """A case whose level falls is reported with both levels; one whose answer stays is not."""
    before, after = tt.load_model(SMALL), tt.load_model(other)
    weak = Case("weak", {"weakness": "severe"}, ("nerve_injury",), (), "urgent_appointment", "made up", False)
    change = case_change(weak, before.assess(weak.evidence), after.assess(weak.evidence))
    assert change is not None
    assert change.level == ("immediate_medical_attention", "urgent_appointment")
    assert change.level_changed
    well = Case("well", {"weakness": "none"}, ("strain",), (), "self_care", "made up", False)
    assert case_change(well, before.assess(well.evidence), after.assess(well.evidence)) is None


def test_the_command_tells_numbers_cases_and_scores(
    capsys: pytest.CaptureFixture[str], other: str, tmp_path: Path
) -> None:
    """The command prints every difference, the case that changed and the scores of both models, as text and JSON."""
    cases = tmp_path / "cases.toml"
    cases.write_text(
        '[[case]]\nid = "weak"\nevidence = { weakness = "severe" }\ndiagnosis = ["nerve_injury"]\n'
        'triage_at_least = "urgent_appointment"\nkind = "made up"\nuses_tests = false\n'
        "also_acceptable = []\nyear = 0\n",
        encoding="utf-8",
    )
    text = run(capsys, "model", "diff", SMALL, other, "--cases", str(cases)).out
    assert "5 differences" in text
    assert "number numbness.link[nerve_injury=true].true: 0.7 (0.5 to 0.9) -> 0.6 (0.5 to 0.9)" in text
    assert "1 cases: another level in 1" in text
    assert "weak: immediate_medical_attention -> urgent_appointment" in text
    found = json.loads(run(capsys, "model", "diff", SMALL, other, "--cases", str(cases), "--json").out)
    assert len(found["changes"]) == 5
    assert found["cases"][0]["level"] == ["immediate_medical_attention", "urgent_appointment"]
    assert run(capsys, "model", "diff", SMALL, SMALL, "--numbers-only").out == "The two models say the same.\n"
