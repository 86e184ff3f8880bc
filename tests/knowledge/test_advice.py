"""Advice is read exactly or refused, and the article's practical steps are there."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
import tomli_w

from tests.knowledge.toe_rules import DOCUMENTS, VARIABLES, toe_advice
from toetwitch.errors import ModelFileError, UnknownNameError
from toetwitch.knowledge.advice import Advice, read_advice, write_advice

ADVICE = {advice.id: advice for advice in toe_advice()}

GOOD = {
    "id": "drink",
    "text": "Drink.",
    "origin": "article",
    "targets": ["dehydration"],
    "acts_on": {"fluid_loss": False, "caffeine_intake": "none_or_low"},
    "contraindicated_when": {"chronic_kidney_disease": True},
    "effect": "...",
    "grade": "C",
    "grade_for": "muscle cramp",
    "grade_for_movement": "D",
    "source": "someone",
}


def read(*entries: dict[str, Any]) -> tuple[Advice, ...]:
    """Return advice over the toe model's variables."""
    return read_advice([("advice.toml", {"advice": list(entries)})], VARIABLES)  # type: ignore[arg-type]


def test_reading_what_was_written_is_the_identity() -> None:
    """Written, turned into TOML text and read back, advice is equal."""
    for advice in (toe_advice(), read(GOOD)):
        document = tomllib.loads(tomli_w.dumps(write_advice(advice)))
        assert read_advice([("again.toml", document)], VARIABLES) == advice  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("targets", ["dehydraton"], r"advice\[drink\]\.targets: .*mean 'dehydration'"),
        ("acts_on", {"fluid_los": False}, r"acts_on: .*mean 'fluid_loss'"),
        ("acts_on", {"fluid_loss": "maybe"}, r"acts_on: unknown state 'maybe'"),
        ("acts_on", ["fluid_loss"], "acts_on: .*expected a table"),
        ("contraindicated_when", {"foot_dorp": True}, r"contraindicated_when: .*mean 'foot_drop'"),
        ("grade", "E", "grade: unknown grade 'E'"),
        ("origin", "articles", "did you mean 'article'"),
        ("text", "", "text: ''; expected a string"),
        ("caution", 3, "caution: 3; expected a string"),
        ("grade_for_movment", "D", "did you mean 'grade_for_movement'"),
    ],
)
def test_wrong_advice_is_refused(field: str, value: object, message: str) -> None:
    """Each mistake is refused at its place, with the nearest right answer."""
    with pytest.raises(ModelFileError, match=message):
        read({**GOOD, field: value})


def test_a_second_advice_is_refused() -> None:
    """An id is given once."""
    with pytest.raises(ModelFileError, match="a second advice 'drink'"):
        read(GOOD, GOOD)


def test_a_value_checks_itself() -> None:
    """Advice built by hand is held to the same names, and to citing somebody."""
    stated = {"id": "a", "text": "b", "targets": (), "effect": "c", "grade_for": "d", "grade_for_movement": "D"}
    with pytest.raises(UnknownNameError, match="did you mean 'extension'"):
        Advice(**stated, origin="extensio", grade="D", sources=("s",))  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="unknown grade"):
        Advice(**stated, origin="extension", grade="F", sources=("s",))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="cites no source"):
        Advice(**stated, origin="extension", grade="D", sources=())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("id", "acts_on"),
    [
        ("hydrate", {"fluid_loss": "false"}),
        ("eat_magnesium_foods", {"low_mineral_diet": "false"}),
        ("eat_potassium_foods", {"low_mineral_diet": "false"}),
        ("stretch_calf", {}),
        ("stretch_plantar_fascia", {}),
        ("massage", {}),
        ("fit_footwear", {"tight_footwear_or_posture": "false"}),
        ("change_position", {"tight_footwear_or_posture": "false"}),
        ("deep_breathing", {"high_stress": "false"}),
        ("meditation", {"high_stress": "false"}),
        ("consult_provider", {}),
    ],
)
def test_each_practical_step_of_the_article_is_there(id: str, acts_on: dict[str, str]) -> None:
    """The article's steps are advice of its own origin, and set the root that the step is about."""
    assert ADVICE[id].origin == "article"
    assert ADVICE[id].acts_on == acts_on


def test_stretching_and_massage_relieve_a_cramp() -> None:
    """The article's immediate relief is aimed at the cramp itself."""
    assert all("muscle_cramp" in ADVICE[id].relieves for id in ("stretch_calf", "stretch_plantar_fascia", "massage"))


def test_potassium_is_held_back_from_failing_kidneys() -> None:
    """Advice that could harm is withheld by a condition on the evidence."""
    assert str(ADVICE["eat_potassium_foods"].contraindicated_when) == "chronic_kidney_disease = true"


def test_nobody_is_told_to_stop_a_prescribed_medicine_alone() -> None:
    """Advice that acts on a prescribed medicine is for the prescriber."""
    for advice in ADVICE.values():
        medicines = [id for id in advice.acts_on if id.endswith("_medication") or id == "diuretic_or_ppi_use"]
        assert not medicines or not advice.self_directed


def test_advice_cites_sources_that_exist() -> None:
    """Every key stands in a file of the model."""
    known = {key for _, document in DOCUMENTS for key in document.get("source", {})}
    assert {key for advice in ADVICE.values() for key in advice.sources} <= known
