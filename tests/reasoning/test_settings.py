"""The same findings ask for the same level wherever someone is seen: thresholds move with the prior odds."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toetwitch.knowledge.cases import Case, read_cases
from toetwitch.knowledge.model_folder import default_model_path
from toetwitch.knowledge.red_flag import PosteriorRule, RuleBook, level_rank
from toetwitch.model import Model, load_model
from toetwitch.reasoning.settings import at_setting
from toetwitch.reasoning.triage import posterior_level

URGENT = "urgent_appointment"
SETTINGS = ("primary_care", "neurology_clinic")


def book(*causes: str, probability: float = 0.1) -> RuleBook:
    """Return a book of one rule on the posterior."""
    return RuleBook(posterior_rules=(PosteriorRule("likely", causes, probability, URGENT, "...", ("someone",)),))


def odds(probability: float) -> float:
    """Return the odds of a probability."""
    return probability / (1 - probability)


def test_without_a_shift_the_book_is_the_same() -> None:
    """The reference population has the thresholds of the file."""
    assert at_setting(book("a"), {}) == book("a")


@given(p=st.floats(0.001, 0.999), prior=st.floats(0.001, 0.999), ratio=st.floats(0.05, 200.0))
def test_what_findings_must_add_is_the_same(p: float, prior: float, ratio: float) -> None:
    """From the prior to the threshold is the same distance in log-odds before and after a shift."""
    threshold = at_setting(book("a", probability=p), {"a": ratio}).posterior_rules[0].probability_at_least
    assert odds(threshold) / (odds(prior) * ratio) == pytest.approx(odds(p) / odds(prior), rel=1e-6)


def test_a_rule_over_causes_of_different_shifts_keeps_each_at_its_own() -> None:
    """A rule is split by ratio, loses no cause, and each part holds from its own probability on."""
    found = at_setting(book("a", "b", "c"), {"a": 9.0, "c": 9.0})
    assert [(rule.id, rule.causes) for rule in found.posterior_rules] == [("likely", ("a", "c")), ("likely:b", ("b",))]
    for cause, threshold in (("a", 0.5), ("b", 0.1), ("c", 0.5)):
        assert posterior_level({cause: threshold + 1e-9}, found) == level_rank(URGENT)
        assert posterior_level({cause: threshold - 1e-3}, found) == 0


def test_certainty_stays_certainty() -> None:
    """A rule that asks for a proven cause asks for a proven cause everywhere."""
    assert at_setting(book("a", probability=1.0), {"a": 30.0}).posterior_rules[0].probability_at_least == 1.0


@pytest.fixture(scope="module")
def community() -> Model:
    """Return the model in its default setting."""
    return load_model()


def levels(model: Model, cases: tuple[Case, ...]) -> list[str]:
    """Return the level of each case."""
    frame = pd.DataFrame([case.evidence for case in cases]).astype(object)
    return list(model.assess_many(frame.where(frame.notna(), None))["level"])


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_setting_alone_asks_for_no_level(setting: str) -> None:
    """Before a word is said, being seen somewhere asks for nothing beyond what the gate holds."""
    answer = load_model(setting=setting).assess({})
    assert answer.triage.posterior_level == "self_care"


@pytest.mark.parametrize("setting", SETTINGS)
def test_calm_pictures_stay_calm_in_every_setting(community: Model, setting: str) -> None:
    """No setting alarms more than one calm case in a hundred that the community would not, and few levels differ."""
    cases = (
        *read_cases(Path(__file__).parents[1] / "data" / "textbook_vignettes.toml", community.definition.network),
        *read_cases(default_model_path().parent / "cases" / "published_cases.toml", community.definition.network),
    )
    here, there = levels(community, cases), levels(load_model(setting=setting), cases)
    calm = [k for k, case in enumerate(cases) if level_rank(case.triage_at_least) < level_rank(URGENT)]
    alarmed = [cases[k].id for k in calm if level_rank(there[k]) >= level_rank(URGENT) > level_rank(here[k])]
    assert len(alarmed) <= len(calm) / 100, alarmed
    differ = [case.id for case, a, b in zip(cases, here, there, strict=True) if a != b]
    assert len(differ) <= len(cases) / 20, differ
