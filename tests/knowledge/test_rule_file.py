"""Rule files are read exactly or refused, and writing is the inverse of reading."""

from __future__ import annotations

import copy
import tomllib
from typing import Any

import pytest
import tomli_w

from tests.knowledge.toe_rules import BOOK, VARIABLES
from toetwitch.errors import ModelFileError
from toetwitch.knowledge.red_flag import RuleBook
from toetwitch.knowledge.rule_file import read_rules, write_rules

GOOD: dict[str, Any] = {
    "policy": {
        "default": "article",
        "danger_findings": ["foot_drop"],
        "gate": {"foot_drop": False, "muscle_weakness": "none"},
        "any_of": {"diuretic_or_ppi_use": ["thiazide_diuretic", "ppi_medication"]},
    },
    "ask_first": [{"finding": "foot_drop", "question": "Is it hard to lift the foot?"}],
    "posterior_rule": [
        {
            "id": "ces",
            "causes": ["cauda_equina_syndrome"],
            "probability_at_least": 0.01,
            "level": "immediate_medical_attention",
            "rationale": "...",
            "source": "someone",
        }
    ],
    "red_flag": [
        {
            "id": "drop",
            "when": {"foot_drop": True},
            "level": "immediate_medical_attention",
            "origin": "article",
            "rationale": "...",
            "source": "article",
            "concern": ["lumbar_radiculopathy"],
            "guideline_level": "urgent_appointment",
            "dissent_when": {"all_of": [{"unilateral": True}, {"foot_drop": False}]},
            "dissent_source": ["someone"],
        }
    ],
}


def read(document: dict[str, Any]) -> RuleBook:
    """Return the rules of a document over the toe model's variables."""
    return read_rules([("rules.toml", document)], VARIABLES)  # type: ignore[arg-type]


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the good document with one value changed."""
    document = copy.deepcopy(GOOD)
    *parents, last = path.split("/")
    place: Any = document
    for step in parents:
        place = place[int(step) if step.isdigit() else step]
    place[int(last) if last.isdigit() else last] = value
    return document


@pytest.mark.parametrize("book", [BOOK, read(GOOD), RuleBook()], ids=["toe", "small", "empty"])
def test_reading_what_was_written_is_the_identity(book: RuleBook) -> None:
    """Written, turned into TOML text and read back, a rule book is equal."""
    assert read(tomllib.loads(tomli_w.dumps(write_rules(book)))) == book


def test_a_document_without_rules_gives_an_empty_book() -> None:
    """A model needs no rules."""
    assert read({}) == RuleBook()


@pytest.mark.parametrize(
    ("path", "value", "place", "message"),
    [
        ("red_flag/0/when", {"foot_dorp": True}, "red_flag[drop].when", "did you mean 'foot_drop'"),
        ("red_flag/0/when", {"foot_drop": False}, "red_flag[drop]", "may not ask for an absence"),
        ("red_flag/0/when", {"not": {"foot_drop": False}}, "red_flag[drop]", "may not negate"),
        ("red_flag/0/when", {"muscle_weakness": "mild"}, "red_flag[drop]", "['mild', 'significant']"),
        ("red_flag/0/when", {"muscle_weakness": "sever"}, "red_flag[drop].when.muscle_weakness", "expected one of"),
        ("red_flag/0/level", "urgent_apointment", "red_flag[drop].level", "did you mean 'urgent_appointment'"),
        ("red_flag/0/level", 3, "red_flag[drop].level", "3; expected a string"),
        ("red_flag/0/origin", "extensions", "red_flag[drop].origin", "did you mean 'extension'"),
        ("red_flag/0/emergency", "yes", "red_flag[drop].emergency", "expected true or false"),
        ("red_flag/0/concern", ["lumbar_radiculopaty"], "red_flag[drop].concern", "mean 'lumbar_radiculopathy'"),
        ("red_flag/0/emergeny", True, "red_flag[drop].emergeny", "did you mean 'emergency'"),
        ("red_flag/0/dissent_source", [], "red_flag[drop]", "expected dissent_source"),
        ("red_flag/0/dissent_when", {"foot_drop": True}, "red_flag[drop].dissent_when", "danger finding 'foot_drop'"),
        ("red_flag/0/guideline_level", "immediate_medical_attention", "red_flag[drop]", "guideline_level below"),
        ("red_flag/0", "drop", "red_flag[0]", "expected a table"),
        ("red_flag", {"id": "drop"}, "red_flag", "expected [[red_flag]] tables"),
        ("red_flag", GOOD["red_flag"] * 2, "red_flag[drop]", "a second rule 'drop'"),
        ("posterior_rule/0/probability_at_least", 1.5, "posterior_rule[ces].probability_at_least", "from 0 to 1"),
        ("posterior_rule/0/probability_at_least", 0, "posterior_rule[ces]", "expected (0, 1]"),
        ("posterior_rule/0/causes", ["cauda"], "posterior_rule[ces].causes", "unknown variable 'cauda'"),
        ("posterior_rule", GOOD["posterior_rule"] * 2, "posterior_rule[ces]", "a second rule 'ces'"),
        ("ask_first/0/finding", "foot_dorp", "ask_first[0].finding", "did you mean 'foot_drop'"),
        ("ask_first", GOOD["ask_first"] * 2, "ask_first[1]", "a second question for 'foot_drop'"),
        ("policy/default", "guidline", "policy.default", "did you mean 'guideline'"),
        ("policy/danger_findings", ["foot_dorp"], "policy.danger_findings", "did you mean 'foot_drop'"),
        ("policy/danger_findings", ["foot_drop"] * 2, "policy", "duplicate danger_findings 'foot_drop'"),
        ("policy/gate", {"muscle_weakness": ["none", "mild"]}, "policy", "the one that counts as no"),
        ("policy/gate", {"foot_drop": True}, "red_flag[drop].when", "counts foot_drop = true as no"),
        ("policy/gate", {"not": {"foot_drop": True}}, "policy.gate", "expected an id and one answer"),
        ("policy/gate", ["foot_drop"], "policy.gate", "expected a table"),
        ("policy/any_of", {"diuretic_or_ppi_use": ["muscle_weakness"]}, "policy.any_of", "true or false variable"),
        ("policy/level_meaning", {"selfcare": "..."}, "policy", "did you mean 'self_care'"),
        ("policy", "article", "policy", "expected a table"),
    ],
)
def test_a_wrong_rule_file_is_refused(path: str, value: Any, place: str, message: str) -> None:
    """Each mistake is refused with file, place and the nearest right answer."""
    with pytest.raises(ModelFileError) as caught:
        read(changed(path, value))
    assert caught.value.file == "rules.toml"
    assert caught.value.place.startswith(place)
    assert message in str(caught.value)


@pytest.mark.parametrize("field", ["id", "when", "level", "origin", "rationale", "source"])
def test_a_missing_field_is_refused(field: str) -> None:
    """Every rule says what it is, when it holds, how urgent, whose, why and by whom."""
    document = copy.deepcopy(GOOD)
    del document["red_flag"][0][field]
    with pytest.raises(ModelFileError, match="expected"):
        read(document)


def test_a_second_policy_is_refused() -> None:
    """One model has one policy."""
    with pytest.raises(ModelFileError, match=r"b\.toml: policy: a second policy; a\.toml has one"):
        read_rules([("a.toml", {"policy": {"default": "article"}}), ("b.toml", {"policy": {}})], VARIABLES)  # type: ignore[arg-type]
