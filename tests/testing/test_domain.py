"""Domain laws hold where they should, break where they should, and are refused where they make no sense."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import toetwitch as tt
from tests.testing.example_network import pond
from toetwitch.errors import ModelFileError
from toetwitch.testing import (
    AtLeast,
    AtMost,
    Dominates,
    Fair,
    FlagGivesLevel,
    LevelAtLeast,
    LevelAtMost,
    NeverLowers,
    PrevalenceWithin,
    Subject,
    ToldApart,
    check,
    check_subject,
)
from toetwitch.testing.law_file import KINDS, read_laws
from toetwitch.testing.laws import LawBrokenError
from toetwitch.testing.report import laws_beside
from toetwitch.testing.subject import open_subject

NETWORK = Subject(tt.Network(pond()))

HOLDING: list[Any] = [
    NeverLowers("spots", "sun"),
    Dominates("sun", "shade"),
    AtLeast("sun", 0.5),
    AtMost("shade", 0.4),
    PrevalenceWithin("shade", 0.3, 0.5),
    ToldApart(("sun", "shade"), by=("spots",), ratio=1.1),
]
BREAKING: list[tuple[Any, str]] = [
    (NeverLowers("spots", "shade"), r"P\(shade\) falls from 0.4 to"),
    (Dominates("shade", "sun"), r"P\(shade\) is 0.4 and P\(sun\) 0.5"),
    (AtLeast("sun", 0.51), r"P\(sun\) is 0.5; expected at least 0.51"),
    (AtMost("shade", 0.39), r"P\(shade\) is 0.4; expected at most 0.39"),
    (PrevalenceWithin("shade", 0.1, 0.2), r"P\(shade\) is 0.4; expected 0.1 to 0.2"),
    (ToldApart(("sun", "shade"), by=("spots",), ratio=50), "expected 50-fold"),
    (LevelAtLeast("self_care"), "declared for a network without red flags"),
]


@pytest.mark.parametrize("law", HOLDING, ids=lambda law: law.name)
def test_it_holds(law: Any) -> None:
    """A law that is true of a network raises nothing."""
    law.check(NETWORK, {})


@pytest.mark.parametrize(("law", "message"), BREAKING, ids=lambda value: getattr(value, "name", ""))
def test_it_breaks(law: Any, message: str) -> None:
    """A law that is false says what was got and what was expected."""
    with pytest.raises(LawBrokenError, match=message):
        law.check(NETWORK, {})


@pytest.fixture(scope="module")
def toe() -> Subject:
    """Load the library's own model."""
    model = tt.load_model()
    return Subject(model.network, model)


@pytest.mark.parametrize(
    "law",
    [
        FlagGivesLevel("persistent_twitching", "immediate_medical_attention"),
        LevelAtLeast("immediate_medical_attention", {"saddle_numbness": True}),
        LevelAtMost("routine_appointment", {}),
    ],
    ids=lambda law: law.name,
)
def test_urgency_holds(toe: Subject, law: Any) -> None:
    """Laws about urgency hold on the library's own model."""
    law.check(toe, {"caffeine_intake": "high"})


@pytest.mark.parametrize(
    ("law", "message"),
    [
        (Fair("saddle_numbness"), "the level is routine_appointment for saddle_numbness = false, immediate"),
        (LevelAtMost("routine_appointment", {"saddle_numbness": True}), "expected at most routine_appointment"),
        (LevelAtLeast("urgent_appointment", {"toe_movement": True}), "expected at least urgent_appointment"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_urgency_breaks(toe: Subject, law: Any, message: str) -> None:
    """A false law about urgency names the levels."""
    with pytest.raises(LawBrokenError, match=message):
        law.check(toe, {})


def test_a_counterexample_has_nothing_to_spare() -> None:
    """Of the cases on which a law fails, the one reported is cut down to what it needs."""
    report = check_subject(NETWORK, laws=[NeverLowers("spots", "shade", anywhere=True)])
    (broken,) = report.broken
    assert broken.case == "{'spots': 'yes'}"
    assert "evidence = {'spots': 'yes'}" in str(report)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: AtLeast("sun", 1.5), "probability 1.5 in a law about 'sun'; expected 0 to 1"),
        (lambda: PrevalenceWithin("sun", 0.5, 0.1), "expected 0 <= low <= high <= 1"),
        (lambda: LevelAtLeast("urgent"), "unknown triage level 'urgent'; expected one of"),
        (lambda: ToldApart(("sun",), ("spots",)), "expected two causes"),  # type: ignore[arg-type]
    ],
)
def test_nonsense_is_refused(made: Callable[[], Any], message: str) -> None:
    """A law that could never be true or false is refused when it is made."""
    with pytest.raises((ValueError, KeyError), match=message):
        made()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[law]]\nkind = 'at_lest'\n", r"law\[0\]: unknown kind of law 'at_lest'; did you mean 'at_least'"),
        ("[[law]]\nid = 'sun'\n", "has no kind; expected one of"),
        ("[[law]]\nkind = 'at_least'\nid = 'sun'\n", "'at_least' has no 'probability'; expected it"),
        ("[[law]]\nkind = 'fair'\nid = 'sun'\ngivn = {}\n", r"unknown field 'givn' of 'fair'.*did you mean 'given'"),
        ("[[laws]]\n", r"unknown section 'laws'; expected \[\[law\]\]"),
        ("[law]\nkind = 'fair'\n", "'law' is a table; expected an array of tables"),
        ("law = ", "not readable as TOML"),
        ("[[law]]\nkind = 'at_least'\nid = 'sun'\nprobability = 7\n", "expected 0 to 1"),
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """A file of laws that cannot be read says where, and the nearest right answer."""
    path = tmp_path / "pond.laws.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ModelFileError, match=message):
        read_laws(path)


def test_every_kind_can_be_written() -> None:
    """The laws of the library's own model read, and use most kinds there are."""
    from toetwitch.knowledge.model_folder import default_model_path

    file = laws_beside(default_model_path())
    assert file is not None
    laws = read_laws(file)
    assert len({type(law) for law in laws}) >= len(KINDS) - 1


def test_a_model_that_cannot_be_read_is_one_broken_check(tmp_path: Path) -> None:
    """A folder that is no model is reported with the message that says where, and not raised."""
    (tmp_path / "model.toml").write_text("[model]\nname = 3\n", encoding="utf-8")
    report = check(tmp_path)
    assert not report.ok
    assert report.broken[0].name == "readable"
    assert "model.toml" in report.broken[0].detail


def test_an_unknown_profile_is_refused(tmp_path: Path) -> None:
    """A profile that does not exist is refused with the nearest one."""
    with pytest.raises(tt.UnknownNameError, match="did you mean 'quick'"):
        check(tmp_path, "quik")


def test_the_librarys_own_model_keeps_every_law() -> None:
    """The quick profile finds nothing broken in the model that ships."""
    from toetwitch.knowledge.model_folder import default_model_path

    report = check(default_model_path())
    assert report.ok, str(report)
    assert {found.group for found in report.findings} == {"universal", "model", "rule", "domain"}
    assert open_subject(default_model_path()).model is not None
