"""What changed between two cases adds up to how far each posterior moved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import toetwitch as tt
from toetwitch.errors import EvidenceError, ImpossibleEvidenceError
from toetwitch.network import Network
from toetwitch.reasoning import comparison
from toetwitch.testing.strategies import evidence, networks

SMALL = tt.load_model(Path(__file__).resolve().parents[1] / "data" / "small_model")


@settings(deadline=None, max_examples=15)
@given(networks(nodes=(3, 6), determinism=False), st.data())
def test_contributions_sum_to_the_difference(definition: object, data: st.DataObject) -> None:
    """The parts of the changes add up to the difference of the log-odds, whatever was added, withdrawn or changed."""
    net = Network(definition)  # type: ignore[arg-type]
    before, after = (dict(data.draw(evidence(definition))) for _ in range(2))  # type: ignore[arg-type]
    answer = net.compare(before, after)
    for id, moved in answer.targets.items():
        assert moved.before == pytest.approx(list(net.posterior(before, [id])[id].values())[-1], abs=1e-12)
        assert moved.after == pytest.approx(list(net.posterior(after, [id])[id].values())[-1], abs=1e-12)
        if moved.contributions:
            assert sum(moved.contributions.values()) == pytest.approx(moved.log_odds_difference, abs=1e-8)


def test_a_case_compared_with_itself_has_not_changed() -> None:
    """No change, no movement, and the text says so."""
    case = {"numbness": True, "age": "old"}
    answer = SMALL.network.compare(case, case, [])
    assert answer.changes == ()
    assert str(answer) == "Nothing changed."


def test_the_other_way_round_is_the_opposite() -> None:
    """Comparing backwards turns every contribution round."""
    before, after = {"numbness": True}, {"numbness": False, "age": "old", "heavy_load": True}
    there, back = SMALL.compare(before, after), SMALL.compare(after, before)
    for cause in SMALL.causes:
        for id, part in there.targets[cause].contributions.items():
            assert back.targets[cause].contributions[id] == pytest.approx(-part, abs=1e-12)
    assert [c.kind for c in there.changes] == ["changed", "added", "added"]
    assert sorted(c.kind for c in back.changes) == ["changed", "withdrawn", "withdrawn"]


def test_levels_and_rules_stand_beside_the_causes() -> None:
    """A rule that fires only after is named, and the level that it sets."""
    answer = SMALL.compare({"weakness": "mild"}, {"weakness": "severe"})
    assert answer.fired == ("weak_foot",)
    assert answer.silent == ()
    assert answer.level_after == "immediate_medical_attention"
    assert "(was " in str(answer)
    assert json.loads(json.dumps(answer.to_dict()))["fired"] == ["weak_foot"]
    assert set(answer.to_frame().columns) == {"before", "after", "weakness"}


def test_too_many_changes_and_impossible_cases_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the size limit the number of changes is said; a case of probability zero raises."""
    monkeypatch.setattr(comparison, "MOST_CHANGES", 1)
    with pytest.raises(EvidenceError, match="2 changes between the cases; expected at most 1"):
        SMALL.network.compare({}, {"numbness": True, "age": "old"})
    model = tt.load_model()
    with pytest.raises(ImpossibleEvidenceError):
        model.network.compare({}, {"thiazide_diuretic": True, "diuretic_or_ppi_use": False}, ["caffeine_effect"])
