"""Red flags follow from the evidence alone, and worse news never clears one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.architecture.source_tree import reachable
from tests.knowledge.toe_rules import BOOK, DOCUMENTS, VARIABLES
from toetwitch.evidence import excluded, jeffrey, likelihood, read_evidence
from toetwitch.knowledge.condition import AllOf, AnyOf, Atom, Condition
from toetwitch.knowledge.red_flag import RedFlag, RuleBook
from toetwitch.reasoning.red_flags import FiredRule, PossibleRule, decide, explain, supports_of

MENTIONED = BOOK.mentioned
MEDICINES = ("diuretic_or_ppi_use", "thiazide_diuretic", "loop_diuretic", "ppi_medication")


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    """Return hard evidence on some of the variables that rules mention."""
    chosen = draw(st.sets(st.sampled_from(MENTIONED), max_size=12))
    return {id: draw(st.sampled_from(answers(id))) for id in sorted(chosen)}


def answers(id: str) -> tuple[bool | str, ...]:
    """Return the answers that a variable takes, mild to bad."""
    variable = VARIABLES.by_id[id]
    return (False, True) if variable.is_binary else variable.states


def supports(case: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a case says of each variable."""
    return supports_of(read_evidence(case, VARIABLES.by_id), VARIABLES.by_id)


def fired(case: Mapping[str, Any]) -> dict[str, FiredRule]:
    """Return the rules that fired."""
    return {found.id: found for found in explain(supports(case), BOOK)[0]}


def possible(case: Mapping[str, Any]) -> dict[str, PossibleRule]:
    """Return the rules that are possible."""
    return {found.id: found for found in explain(supports(case), BOOK)[1]}


@pytest.mark.parametrize("module", ["toetwitch.reasoning.red_flags", "toetwitch.knowledge.red_flag"])
def test_no_posterior_can_be_reached(module: str) -> None:
    """Nothing that the rules import, however indirectly, is the engine or computes with it."""
    walls = ("toetwitch.engine", "toetwitch.inference", "toetwitch.network", "toetwitch.model")
    assert module in reachable(module)
    assert not [name for name in reachable(module) if name.startswith(walls)]


@settings(deadline=None)
@given(cases(), st.sampled_from(MENTIONED), st.data())
def test_worse_news_never_clears_a_rule(case: dict[str, Any], id: str, data: st.DataObject) -> None:
    """Learning that a variable is worse, or at its worst where it was unknown, keeps every fired rule."""
    scale = answers(id)
    rank = scale.index(case[id]) if id in case else len(scale) - 1
    worse = {**case, id: data.draw(st.sampled_from(scale[rank:]))}
    assert set(fired(case)) <= set(fired(worse))


@settings(deadline=None)
@given(cases(), cases())
def test_an_answer_never_clears_a_fired_rule_by_being_given(case: dict[str, Any], more: dict[str, Any]) -> None:
    """What is fired on part of the answers is fired on all of them, whatever the rest says."""
    assert set(fired(case)) <= set(fired({**more, **case}))


@settings(deadline=None)
@given(cases(), cases())
def test_only_a_possible_rule_can_come_to_fire(case: dict[str, Any], more: dict[str, Any]) -> None:
    """A rule that is neither fired nor possible stays cleared, whatever else is answered.

    Classes of medicines are left out: naming a part overrules a class that was denied.
    """
    known = {id: answer for id, answer in case.items() if id not in MEDICINES}
    later = fired({**{id: answer for id, answer in more.items() if id not in MEDICINES}, **known})
    assert set(later) <= set(fired(known)) | set(possible(known))


@settings(deadline=None)
@given(cases())
def test_what_a_rule_waits_for_decides_it(case: dict[str, Any]) -> None:
    """A possible rule fires when everything that it waits for turns out at its worst."""
    for found in possible(case).values():
        assert found.waits_for
        assert found.id in fired({**case, **{id: answers(id)[-1] for id in found.waits_for}})


@settings(deadline=None)
@given(cases())
def test_because_is_enough(case: dict[str, Any]) -> None:
    """The evidence that is named as the reason fires the rule by itself, and is part of what was said."""
    for found in fired(case).values():
        assert found.because
        assert found.because.items() <= case.items()
        assert found.id in fired(found.because)


@settings(deadline=None)
@given(st.lists(cases(), min_size=1, max_size=6))
def test_a_cohort_is_decided_case_by_case(rows: list[dict[str, Any]]) -> None:
    """Arrays give, row by row, what each case gives alone."""
    each = [supports(row) for row in rows]
    columns = {
        id: np.stack([row.get(id, np.ones(len(VARIABLES.by_id[id].states))) for row in each]).astype(np.uint8)
        for id in MENTIONED
    }
    many, alone = decide(columns, BOOK), [decide(row, BOOK) for row in each]
    for name in ("fired", "possible", "dissents"):
        assert getattr(many, name).tolist() == [getattr(one, name).tolist() for one in alone]


def test_nothing_said_fires_nothing() -> None:
    """Without evidence every rule is possible: unknown is not absent."""
    assert not fired({})
    assert set(possible({})) == {rule.id for rule in BOOK.rules}


def test_every_rule_can_fire_and_can_be_cleared() -> None:
    """With every answer at its worst all rules fire, and with every answer at its mildest none is even possible."""
    assert set(fired({id: answers(id)[-1] for id in MENTIONED})) == {rule.id for rule in BOOK.rules}
    mildest = {id: answers(id)[0] for id in MENTIONED}
    assert not fired(mildest)
    assert not possible(mildest)


IMMEDIATE, ROUTINE = "immediate_medical_attention", "routine_appointment"


@pytest.mark.parametrize(
    ("case", "rule", "level"),
    [
        ({"fasciculation": True, "movement_duration": "over_4_weeks"}, "persistent_twitching", IMMEDIATE),
        ({"myoclonic_jerk": True, "movement_duration": "over_4_weeks"}, "persistent_twitching", IMMEDIATE),
        ({"muscle_weakness": "significant"}, "significant_weakness", IMMEDIATE),
        ({"muscle_wasting": True}, "muscle_wasting", IMMEDIATE),
        ({"foot_drop": True}, "foot_drop", IMMEDIATE),
        ({"severe_movements": True}, "severe_movements", ROUTINE),
        ({"sleep_disruption": True}, "movements_prevent_sleep", ROUTINE),
        ({"burning_pain": True}, "movements_with_pain", ROUTINE),
        ({"chronic_leg_or_foot_pain": True}, "movements_with_pain", ROUTINE),
        ({"radiating_back_pain": True}, "movements_with_pain", ROUTINE),
        ({"muscle_weakness": "mild"}, "movements_with_weakness", ROUTINE),
        ({"movement_duration": "over_4_weeks"}, "not_resolved_after_several_weeks", ROUTINE),
        ({"chronic_leg_or_foot_pain": True, "continuous_toe_writhing": True}, "plmts_pattern", ROUTINE),
        ({"ascending_sensory_spread": True}, "neuropathy_pattern", ROUTINE),
    ],
)
def test_the_articles_flags_fire_at_the_articles_level(case: dict[str, Any], rule: str, level: str) -> None:
    """Each red flag and each reason for a visit that the article names is a rule of its own origin and level."""
    found = fired(case)[rule]
    assert (found.origin, found.level, found.source) == ("article", level, "article")


def test_the_syndrome_goes_to_a_neurologist() -> None:
    """The article's specialised neurological evaluation is the pathway of its rule."""
    assert BOOK.rule("plmts_pattern").pathway == "specialised neurological evaluation"


@pytest.mark.parametrize(
    ("case", "level"),
    [
        ({"seizure_or_blackout": True}, IMMEDIATE),
        ({"overdose": True}, IMMEDIATE),
        ({"thoughts_of_self_harm": True}, IMMEDIATE),
        ({"breathlessness": True}, "urgent_appointment"),
        ({"breathlessness": True, "muscle_weakness": "mild"}, IMMEDIATE),
        ({"sudden_onset": True, "muscle_weakness": "mild"}, IMMEDIATE),
        ({"sudden_onset": True, "gait_unsteadiness_or_falls": True}, IMMEDIATE),
        ({"sudden_onset": True, "unilateral": True, "numbness": True}, "urgent_appointment"),
        ({"rapid_progression": True, "gait_unsteadiness_or_falls": True, "numbness": True}, IMMEDIATE),
        ({"fever_or_confusion": True, "muscle_weakness": "mild"}, IMMEDIATE),
        ({"gait_unsteadiness_or_falls": True, "muscle_weakness": "mild"}, "urgent_appointment"),
        ({"gait_unsteadiness_or_falls": True, "brisk_reflexes": True}, "urgent_appointment"),
        ({"gait_unsteadiness_or_falls": True, "brisk_reflexes": True, "muscle_weakness": "mild"}, IMMEDIATE),
    ],
)
def test_dangers_beyond_the_article(case: dict[str, Any], level: str) -> None:
    """Each danger that guidelines name fires at the level that they give, as an extension."""
    found = max(fired(case).values(), key=lambda each: each.rule.rank)
    assert (found.level, found.origin) == (level, "extension")


@pytest.mark.parametrize("part", MEDICINES)
def test_a_class_of_medicines_fires_by_each_of_its_parts(part: str) -> None:
    """A rule over a class fires when the class, or any one of its parts, is named; the reason is what was named."""
    found = fired({part: True, "palpitations": True, "muscle_cramp": True})["palpitations_with_potassium_risk"]
    assert dict(found.because) == {part: True, "palpitations": True, "muscle_cramp": True}


def test_a_named_part_overrules_a_denied_class() -> None:
    """Somebody who denies the class and names a part takes the medicine."""
    case = {"diuretic_or_ppi_use": False, "thiazide_diuretic": True, "palpitations": True, "fatigue": True}
    found = fired(case)["palpitations_with_potassium_risk"]
    assert dict(found.because) == {"thiazide_diuretic": True, "palpitations": True, "fatigue": True}


def test_a_denied_class_denies_its_parts() -> None:
    """Once the class, or each of its parts, is denied, no rule waits for it."""
    others = {"fluid_loss": False, "chronic_kidney_disease": False, "beta_agonist_medication": False}
    parts = {"thiazide_diuretic": False, "loop_diuretic": False, "ppi_medication": False}
    for denied in ({"diuretic_or_ppi_use": False}, parts):
        assert "palpitations_with_potassium_risk" not in possible({**others, **denied, "palpitations": True})


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (likelihood(0.51), "fired"),
        (likelihood(0.5), "possible"),
        (likelihood(0.05), "possible"),
        (likelihood(0.049), "cleared"),
        (likelihood({"true": 3.0, "false": 1.0}), "fired"),
        (likelihood({"true": 0.1, "false": 0.1}), "possible"),
        (jeffrey(0.51), "fired"),
        (jeffrey(0.5), "possible"),
        (jeffrey(0.04), "cleared"),
        (excluded(False), "fired"),
        (excluded(True), "cleared"),
        (None, "possible"),
    ],
)
def test_soft_evidence_on_a_danger(answer: object, outcome: str) -> None:
    """Likelihoods count normalised, stated probabilities as stated, exclusions by what they leave open."""
    case = {"saddle_numbness": answer}
    state = "fired" if "saddle_numbness" in fired(case) else "possible" if "saddle_numbness" in possible(case) else ""
    assert (state or "cleared") == outcome


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (excluded("none"), "movements_with_weakness"),
        (likelihood({"none": 0.0, "mild": 1.0, "significant": 1.0}), "movements_with_weakness"),
        (likelihood({"none": 1.0, "mild": 1.0, "significant": 3.0}), "significant_weakness"),
        (excluded("significant"), None),
        (likelihood({"none": 1.0, "mild": 1.0, "significant": 1.0}), None),
    ],
)
def test_soft_evidence_on_a_graded_danger(answer: object, outcome: str | None) -> None:
    """Over several states, a rule fires on what is settled, and a flat answer settles nothing."""
    found = fired({"muscle_weakness": answer})
    assert outcome in found if outcome else not found


def test_soft_evidence_is_named_as_it_was_said() -> None:
    """The reason shows the probabilities, or the states still possible, not a state that nobody stated."""
    assert dict(fired({"foot_drop": jeffrey(0.75)})["foot_drop"].because["foot_drop"]) == {"false": 0.25, "true": 0.75}  # type: ignore[arg-type]
    weak = fired({"muscle_weakness": excluded("none")})["movements_with_weakness"]
    assert weak.because["muscle_weakness"] == ("mild", "significant")


def test_reassurance_must_be_settled() -> None:
    """A dissent holds on known answers; a finding that is merely unlikely does not make it hold."""
    calm = {
        "fasciculation": True,
        "movement_duration": "over_4_weeks",
        "muscle_weakness": "none",
        "muscle_wasting": False,
        "foot_drop": False,
        "brisk_reflexes": False,
        "speech_or_swallowing_difficulty": False,
        "rapid_progression": False,
    }
    assert fired(calm)["persistent_twitching"].dissents
    for doubt in (None, likelihood(0.4), jeffrey(0.06)):
        found = fired({**calm, "foot_drop": doubt})["persistent_twitching"]
        assert not found.dissents
        assert found.dissent_waits_for == ("foot_drop",)
    assert fired({**calm, "foot_drop": jeffrey(0.04)})["persistent_twitching"].dissents
    assert fired({**calm, "foot_drop": True})["persistent_twitching"].dissent_waits_for == ()


def test_the_59_researched_rules_and_more_are_there() -> None:
    """No id of a rule is written twice, and rules cite sources and name causes that exist."""
    assert len(BOOK.rules) >= 59
    known = {key for _, document in DOCUMENTS for key in document.get("source", {})}
    assert {key for key, _ in BOOK.citations()} <= known
    causes = {id for id, variable in VARIABLES.by_id.items() if variable.kind == "cause"}
    assert {cause for rule in (*BOOK.rules, *BOOK.posterior_rules) for cause in getattr(rule, "concern", ())} <= causes
    assert {cause for rule in BOOK.posterior_rules for cause in rule.causes} <= causes


def _rule(when: Condition) -> RedFlag:
    return RedFlag("r", when, "urgent_appointment", "extension", "...", ("s",))


def test_because_leaves_out_what_did_not_hold() -> None:
    """Of alternatives only those that hold are reasons."""
    a, b, c = (Atom(id, ("true",)) for id in ("numbness", "foot_drop", "palpitations"))
    book = RuleBook((_rule(AllOf((AnyOf((a, b)), c))),))
    case = {"numbness": False, "foot_drop": True, "palpitations": True}
    (found,), _ = explain(supports(case), book)
    assert dict(found.because) == {"foot_drop": True, "palpitations": True}
