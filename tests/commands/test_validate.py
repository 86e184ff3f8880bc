"""The reports are of this model, and say what they were made from."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import toetwitch as tt
from tests.commands.running import run
from toetwitch.commands.case_input import example_path
from toetwitch.commands.model_card import card_text
from toetwitch.commands.plots import bars, matrix, reliability_plot
from toetwitch.knowledge.cases import read_cases
from toetwitch.reasoning.forecast import Bin
from toetwitch.reasoning.provenance import coverage
from toetwitch.reasoning.scoring import Proportion, outcome_of

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_card_speaks_of_the_model_at_hand() -> None:
    """The card counts the model's own numbers, causes and rules, and names the cases that were missed."""
    model = tt.load_model()
    cases = read_cases(example_path(), model.definition.network)[:2]
    text = card_text(model, [outcome_of(case, model.assess(case.evidence)) for case in cases])
    assert f"{len(coverage(model.definition).numbers)} numbers" in text
    assert all(f"`{cause}`" in text for cause in model.causes)
    assert f"{len(model.definition.rules.rules)} red flags" in text
    assert "On 2 published cases" in text
    for heading in ("Intended use", "Population and setting", "Limits", "Known failures", "Performance"):
        assert f"## {heading}" in text


def test_the_reports_in_the_repository_are_complete() -> None:
    """The committed report covers every cause and cohort, and every drawing that it shows is there and is SVG."""
    text = (DOCS / "validation.md").read_text(encoding="utf-8")
    model = tt.load_model()
    assert f"Model {model.definition.name} {model.definition.version}" in text
    assert all(f"| {cause} |" in text for cause in model.causes)
    shown = [part.split(")")[0] for part in text.split("](images/")[1:]]
    assert len(shown) == 4
    for name in shown:
        assert ET.parse(DOCS / "images" / name).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    assert "# Model card" in (DOCS / "model_card.md").read_text(encoding="utf-8")


def test_drawings_are_well_formed_whatever_they_say() -> None:
    """Names are escaped, and a share of nothing draws."""
    for text in (
        bars("a < b", [("<one> & two", Proportion(0, 0)), ("three", Proportion(2, 3))]),
        reliability_plot("a < b", {"<one>": [Bin(0.0, 0.1, 0.05, Proportion(0, 4))]}),
        matrix("a < b", {"<one>": {"<one>": 2, "two & three": 1}}, ["<one>", "two & three"]),
        matrix("nothing", {}, []),
    ):
        assert ET.fromstring(text).find("{http://www.w3.org/2000/svg}title") is not None


def test_the_command_says_what_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    """The help names the folder, the people and the seed."""
    text = run(capsys, "validate", "--help").out
    assert all(option in text for option in ("--out", "--people", "--seed"))
