"""Rules cannot be built so that worse news clears them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.knowledge.toe_rules import BOOK
from toetwitch.errors import UnknownNameError
from toetwitch.knowledge.condition import AllOf, AnyOf, Atom, Condition, Not
from toetwitch.knowledge.red_flag import AskFirst, Policy, PosteriorRule, RedFlag, RuleBook, level_rank

WEAKNESS = ("none", "mild", "significant")
DROP = Atom("foot_drop", ("true",))
NO_DROP = Atom("foot_drop", ("false",))
STRONG = Atom("muscle_weakness", ("none",), WEAKNESS)


def rule(when: Condition = DROP, **changes: Any) -> RedFlag:
    """Return a rule."""
    stated: dict[str, Any] = {
        "id": "drop",
        "when": when,
        "level": "immediate_medical_attention",
        "origin": "article",
        "rationale": "...",
        "sources": ("article",),
    }
    return RedFlag(**{**stated, **changes})


def dissenting(when: Condition) -> RedFlag:
    """Return a rule with a dissent."""
    return rule(guideline_level="urgent_appointment", dissent_when=when, dissent_sources=("guideline",))


@pytest.mark.parametrize(
    ("when", "message"),
    [
        (NO_DROP, "may not ask for an absence"),
        (Not(DROP), "may not negate"),
        (AllOf((DROP, AnyOf((DROP, Not(NO_DROP))))), "may not negate"),
        (STRONG, r"not closed upward; expected \['none', 'mild', 'significant'\]"),
        (Atom("muscle_weakness", ("mild",), WEAKNESS), r"expected \['mild', 'significant'\]"),
        (Atom("muscle_weakness", ("none", "significant"), WEAKNESS), "not closed upward"),
    ],
)
def test_a_rule_that_worse_news_could_clear_is_refused(when: Condition, message: str) -> None:
    """Negation, absence and states that are not closed upward are refused."""
    with pytest.raises(ValueError, match=message):
        rule(when)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: rule(sources=()), "cites no source"),
        (lambda: rule(guideline_level="", dissent_when=NO_DROP), "needs a guideline_level below"),
        (
            lambda: rule(guideline_level="immediate_medical_attention", dissent_when=NO_DROP),
            "needs a guideline_level below",
        ),
        (lambda: rule(guideline_level="self_care", dissent_when=NO_DROP), "expected dissent_source"),
        (lambda: PosteriorRule("p", (), 0.5, "self_care", "...", ("s",)), "names no cause"),
        (lambda: PosteriorRule("p", ("c",), 0.0, "self_care", "...", ("s",)), "0.0; expected"),
        (lambda: PosteriorRule("p", ("c",), 0.5, "self_care", "...", ()), "cites no source"),
        (lambda: RuleBook((rule(), rule())), "duplicate rule 'drop'"),
        (lambda: RuleBook(ask_first=(AskFirst("a", "?"), AskFirst("a", "!"))), "duplicate ask_first 'a'"),
        (lambda: Policy(danger_findings=("a", "a")), "duplicate danger_findings 'a'"),
        (lambda: Policy(gate=(Atom("w", ("none", "mild"), WEAKNESS),)), "the one that counts as no"),
    ],
)
def test_an_incomplete_value_is_refused(build: Callable[[], object], message: str) -> None:
    """What lacks a source, a cause or a level is refused."""
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize(
    ("build", "suggestion"),
    [
        (lambda: rule(level="urgent_appointmnt"), "urgent_appointment"),
        (lambda: rule(origin="articel"), "article"),
        (lambda: Policy(default="guidline"), "guideline"),
        (lambda: level_rank("selfcare"), "self_care"),
        (lambda: BOOK.rule("foot_dorp"), "foot_drop"),
    ],
)
def test_a_misspelt_name_is_refused_with_the_nearest(build: Callable[[], object], suggestion: str) -> None:
    """Levels, origins, policies and rules are looked up by exact name."""
    with pytest.raises(UnknownNameError) as caught:
        build()
    assert caught.value.suggestion == suggestion


@pytest.mark.parametrize("when", [DROP, Not(NO_DROP), AllOf((STRONG, DROP)), Not(STRONG)])
def test_a_dissent_that_worse_news_could_make_hold_is_refused(when: Condition) -> None:
    """A dissent may use a danger finding only as absent, or in its mildest states."""
    policy = Policy(danger_findings=("foot_drop", "muscle_weakness"))
    with pytest.raises(ValueError, match="could come to hold on worse news of the danger finding"):
        RuleBook((dissenting(when),), policy)


@pytest.mark.parametrize("when", [NO_DROP, Not(DROP), AllOf((STRONG, NO_DROP, Atom("unilateral", ("true",))))])
def test_a_dissent_that_worse_news_breaks_is_accepted(when: Condition) -> None:
    """Absences of danger findings, and anything about other ids, are fit for a dissent."""
    book = RuleBook((dissenting(when),), Policy(danger_findings=("foot_drop", "muscle_weakness")))
    assert book.rules[0].guideline_rank == level_rank("urgent_appointment")


def test_a_guideline_level_without_a_condition_is_information() -> None:
    """Only a dissent with a condition can change what the guideline policy asks for."""
    assert rule(guideline_level="routine_appointment").guideline_rank == level_rank("immediate_medical_attention")


def test_a_rule_that_fires_on_what_the_gate_counts_as_no_is_refused() -> None:
    """Denying every danger of the gate can fire no rule."""
    policy = Policy(gate=(Atom("muscle_weakness", ("mild",), WEAKNESS),))
    with pytest.raises(ValueError, match="counts muscle_weakness = mild as no; 'drop' fires on it"):
        RuleBook((rule(Atom("muscle_weakness", ("mild", "significant"), WEAKNESS)),), policy)
