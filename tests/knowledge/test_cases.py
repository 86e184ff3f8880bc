"""The published cases are whole, and use only ids and states of the model that they are shipped with."""

from __future__ import annotations

import tomllib

import pytest

from toetwitch.knowledge.cases import Case, PublishedFigure, read_cases, read_figures
from toetwitch.knowledge.model_file import read_model
from toetwitch.knowledge.model_folder import default_model_path

FOLDER = default_model_path().parent / "cases"


@pytest.fixture(scope="module")
def cases() -> tuple[Case, ...]:
    """Return the published cases, checked against the toe model."""
    return read_cases(FOLDER / "published_cases.toml", read_model(default_model_path()).network)


def test_every_case_is_read(cases: tuple[Case, ...]) -> None:
    """No case of the file is lost, and each keeps what it states."""
    stated = tomllib.loads((FOLDER / "published_cases.toml").read_text(encoding="utf-8"))["case"]
    assert [case.id for case in cases] == [entry["id"] for entry in stated]
    assert [dict(case.evidence) for case in cases] == [entry["evidence"] for entry in stated]


def test_every_case_has_its_source(cases: tuple[Case, ...]) -> None:
    """A case without a source is an anecdote of ours."""
    for case in cases:
        assert case.source_title, case.id
        assert case.source_url, case.id
        assert case.note, case.id


def test_a_diagnosis_is_not_also_acceptable(cases: tuple[Case, ...]) -> None:
    """What the source concluded is not listed again among what an expert would accept."""
    for case in cases:
        assert not set(case.diagnosis) & set(case.also_acceptable), case.id


def test_tests_are_said_to_be_used(cases: tuple[Case, ...]) -> None:
    """A case says that it uses tests exactly when its evidence holds one."""
    tests = {variable.id for variable in read_model(default_model_path()).network.of_kind("test")}
    for case in cases:
        assert case.uses_tests == bool(tests & set(case.evidence)), case.id


def test_evidence_cannot_be_changed(cases: tuple[Case, ...]) -> None:
    """A case is frozen, its evidence included."""
    with pytest.raises(TypeError):
        cases[0].evidence["foot_drop"] = True  # type: ignore[index]


def test_every_published_figure_names_its_reference() -> None:
    """Figures of others stand with where they were published."""
    figures: tuple[PublishedFigure, ...] = read_figures(FOLDER / "published_figures.toml")
    assert any("72.1 %" in figure.result and "Semigran 2016" in figure.reference for figure in figures)
    assert all(figure.reference for figure in figures)
