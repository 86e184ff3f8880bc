"""Triage is a maximum behind a gate, under two policies that are both shown."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.knowledge.toe_rules import BOOK, VARIABLES
from tests.reasoning.test_red_flags import answers, cases, supports
from toetwitch.errors import UnknownNameError
from toetwitch.evidence import excluded, likelihood
from toetwitch.knowledge.condition import AllOf, AnyOf, Atom, Condition
from toetwitch.knowledge.red_flag import POLICIES, TRIAGE_LEVELS, RedFlag, RuleBook, level_rank
from toetwitch.reasoning.triage import Triage, posterior_level, triage, triage_many

SELF_CARE, ROUTINE, URGENT, IMMEDIATE = TRIAGE_LEVELS
ALL_NO = {
    "saddle_numbness": False,
    "bladder_or_bowel_dysfunction": False,
    "foot_drop": False,
    "muscle_weakness": "none",
    "muscle_wasting": False,
    "speech_or_swallowing_difficulty": False,
    "fever_or_confusion": False,
    "palpitations": False,
    "rapid_progression": False,
    "movement_duration": "under_1_week",
}
LONG_TWITCH = {**ALL_NO, "fasciculation": True, "movement_duration": "over_4_weeks", "brisk_reflexes": False}
RANKS = st.integers(0, 3)
PUBLISHED = Path(__file__).resolve().parents[2] / "models" / "cases" / "published_cases.toml"


def judged(case: Mapping[str, Any], posterior: int | None = 0, policy: str | None = None, **more: Any) -> Triage:
    """Return the triage of a case over the toe model's rules."""
    return triage(supports(case), posterior, BOOK, policy, **more)


@settings(deadline=None)
@given(cases(), RANKS, st.sampled_from(POLICIES))
def test_the_level_is_the_gravest_voice(case: dict[str, Any], posterior: int, policy: str) -> None:
    """Rules, posterior and gate each only raise the level, and nothing else does."""
    answer = judged(case, posterior, policy)
    gate = ROUTINE if answer.unanswered else SELF_CARE
    voices = (answer.rules_level, TRIAGE_LEVELS[posterior], gate)
    assert answer.level == max(voices, key=level_rank)
    assert answer.level_by_policy[policy] == answer.level
    assert answer.posterior_level == TRIAGE_LEVELS[posterior]


@settings(deadline=None)
@given(cases(), st.sampled_from(POLICIES), st.data())
def test_worse_news_never_lowers_the_level(case: dict[str, Any], policy: str, data: st.DataObject) -> None:
    """Under `article` this holds of every id, under `guideline` of the danger findings."""
    ids = BOOK.mentioned if policy == "article" else BOOK.policy.danger_findings
    id = data.draw(st.sampled_from(ids))
    scale = answers(id)
    rank = scale.index(case[id]) if id in case else 0
    if id not in case:
        case = {**case, id: scale[0]}
    worse = {**case, id: data.draw(st.sampled_from(scale[rank:]))}
    before, after = judged(case, policy=policy), judged(worse, policy=policy)
    assert level_rank(after.level) >= level_rank(before.level)
    assert level_rank(after.rules_level) >= level_rank(before.rules_level)


@settings(deadline=None)
@given(cases(), st.sampled_from(BOOK.policy.danger_findings), st.sampled_from(POLICIES))
def test_an_unknown_danger_that_turns_out_bad_never_lowers_the_level(
    case: dict[str, Any], id: str, policy: str
) -> None:
    """Learning that a danger finding is at its worst never lowers the level."""
    unknown = {key: answer for key, answer in case.items() if key != id}
    worst = {**unknown, id: answers(id)[-1]}
    assert level_rank(judged(worst, policy=policy).level) >= level_rank(judged(unknown, policy=policy).level)


def _made_true(condition: Condition) -> dict[str, bool | str]:
    """Return answers that make a condition hold: every part of "all of", the first of "any of"."""
    if isinstance(condition, Atom):
        state = condition.states[-1]
        return {condition.id: state == "true" if condition.among == ("false", "true") else state}
    assert isinstance(condition, AllOf | AnyOf)
    parts = condition.parts if isinstance(condition, AllOf) else condition.parts[:1]
    return {id: answer for part in parts for id, answer in _made_true(part).items()}


DISSENTING = [rule for rule in BOOK.rules if rule.dissent_when is not None]


@pytest.mark.parametrize("rule", DISSENTING, ids=lambda rule: rule.id)
def test_worse_news_never_lowers_a_level_that_a_dissent_set(rule: RedFlag) -> None:
    """From the case in which a dissent holds, each danger finding made worse keeps or raises the guideline's level."""
    assert rule.dissent_when is not None
    case = {**_made_true(rule.dissent_when), **_made_true(rule.when)}
    before = judged(case, policy="guideline")
    assert {found.rule: found.holds for found in before.dissent}[rule.id]
    for id in BOOK.policy.danger_findings:
        scale = answers(id)
        start = scale.index(case[id]) if id in case else 0
        for answer in scale[start:]:
            after = judged({**case, id: answer}, policy="guideline")
            assert level_rank(after.rules_level) >= level_rank(before.rules_level), (id, answer)


@settings(deadline=None)
@given(cases(), RANKS)
def test_the_guideline_is_never_graver_than_the_article(case: dict[str, Any], posterior: int) -> None:
    """The guideline policy only steps down, and both levels are shown whichever was asked for."""
    both = [judged(case, posterior, policy).level_by_policy for policy in POLICIES]
    assert both[0] == both[1]
    assert level_rank(both[0]["guideline"]) <= level_rank(both[0]["article"])


@settings(deadline=None)
@given(st.lists(st.tuples(cases(), RANKS), min_size=1, max_size=6), st.sampled_from(POLICIES))
def test_a_cohort_is_judged_case_by_case(rows: list[tuple[dict[str, Any], int]], policy: str) -> None:
    """Arrays give, row by row, what each case gives alone."""
    each = [supports(case) for case, _ in rows]
    columns = {
        id: np.stack([row.get(id, np.ones(len(VARIABLES.by_id[id].states))) for row in each]) for id in BOOK.mentioned
    }
    many = triage_many(columns, np.array([posterior for _, posterior in rows]), BOOK, policy)
    alone = [triage(row, posterior, BOOK, policy) for row, (_, posterior) in zip(each, rows, strict=True)]
    for name in ("level", "rules_level", "level_if_unanswered_were_no", "level_if_possible_fired"):
        assert [TRIAGE_LEVELS[rank] for rank in getattr(many, name)] == [getattr(one, name) for one in alone]
    assert many.gate_applied.tolist() == [one.gate_applied for one in alone]
    assert many.unanswered.sum(axis=-1).tolist() == [len(one.unanswered) for one in alone]


@settings(deadline=None)
@given(cases(), RANKS, st.sampled_from(POLICIES))
def test_the_level_without_the_gate_is_what_the_answers_no_would_give(
    case: dict[str, Any], posterior: int, policy: str
) -> None:
    """Answering each open question of the gate no gives exactly the level that was announced."""
    answer = judged(case, posterior, policy)
    filled = {**case, **{id: ALL_NO[id] for id in answer.unanswered}}
    assert judged(filled, posterior, policy).level == answer.level_if_unanswered_were_no
    assert not judged(filled, posterior, policy).gate_applied


@settings(deadline=None)
@given(cases())
def test_nothing_further_can_exceed_the_announced_worst(case: dict[str, Any]) -> None:
    """With everything unknown at its worst, the rules reach the announced level and no more."""
    worst = {**{id: answers(id)[-1] for id in BOOK.mentioned}, **case}
    assert judged(case).level_if_possible_fired == judged(worst).level


def test_self_care_needs_every_answer() -> None:
    """Self-care passes once the ten dangers of the gate are denied, and not before."""
    assert set(BOOK.policy.gate_ids) == set(ALL_NO)
    assert judged(ALL_NO).level == SELF_CARE
    for id in ALL_NO:
        missing = judged({key: answer for key, answer in ALL_NO.items() if key != id})
        assert (missing.level, missing.unanswered) == (ROUTINE, (id,))
        assert missing.gate_applied
        assert missing.level_if_unanswered_were_no == SELF_CARE


def test_an_incomplete_case_is_routine_not_urgent() -> None:
    """Nothing asked is a routine appointment, the open questions listed gravest first."""
    answer = judged({"fasciculation": True})
    assert answer.level == ROUTINE
    assert answer.unanswered[:3] == (
        "saddle_numbness",
        "bladder_or_bowel_dysfunction",
        "speech_or_swallowing_difficulty",
    )
    assert answer.unanswered[-1] == "movement_duration"


@pytest.mark.parametrize("doubt", [likelihood(0.3), likelihood({"false": 1, "true": 1}), excluded()])
def test_a_doubtful_answer_does_not_pass_the_gate(doubt: object) -> None:
    """An answer that leaves the danger possible is not an answer."""
    assert judged({**ALL_NO, "foot_drop": doubt}).unanswered == ("foot_drop",)


def test_a_nearly_certain_answer_passes_the_gate() -> None:
    """An answer that clears the danger is one."""
    assert judged(
        {**ALL_NO, "foot_drop": likelihood(0.02), "muscle_weakness": excluded("mild", "significant")}
    ).level == (SELF_CARE)


def test_without_a_posterior_it_is_never_self_care() -> None:
    """Impossible evidence keeps its flags, and falls back to a routine appointment at least."""
    answer = judged(ALL_NO, None)
    assert (answer.level, answer.posterior_level, answer.level_if_unanswered_were_no) == (ROUTINE, None, ROUTINE)
    assert judged({"foot_drop": True}, None).level == IMMEDIATE


def test_a_tiny_posterior_never_switches_a_rule_off() -> None:
    """The rule's level stands beside a posterior that sees nothing, and the other way round."""
    assert judged({"saddle_numbness": True}, 0).level == IMMEDIATE
    assert judged(ALL_NO, 2).level == URGENT


def test_the_dissent_is_shown_under_both_policies() -> None:
    """A long twitch with everything else known normal is immediate for the article and routine for the guideline."""
    article, guideline = judged(LONG_TWITCH), judged(LONG_TWITCH, policy="guideline")
    assert (article.policy, article.level) == ("article", IMMEDIATE)
    assert (guideline.policy, guideline.level) == ("guideline", ROUTINE)
    for answer in (article, guideline):
        shown = {found.rule: found for found in answer.dissent}["persistent_twitching"]
        assert shown.holds
        assert (shown.level, shown.guideline_level) == (IMMEDIATE, ROUTINE)
        assert shown.text
        assert shown.limit
        assert "nice_ng127" in shown.sources


def test_a_dissent_says_what_it_waits_for() -> None:
    """While a reassurance is open the guideline keeps the article's level, and names it."""
    case = {id: answer for id, answer in LONG_TWITCH.items() if id != "brisk_reflexes"}
    answer = judged(case, policy="guideline")
    shown = {found.rule: found for found in answer.dissent}["persistent_twitching"]
    assert (answer.level, shown.holds, shown.waits_for) == (IMMEDIATE, False, ("brisk_reflexes",))


def test_what_to_ask_next_could_raise_the_level() -> None:
    """Questions come gravest first, and stop when nothing can be graver."""
    answer = judged(ALL_NO)
    assert answer.ask_next[:3] == ("breathlessness", "seizure_or_blackout", "overdose")
    assert not set(answer.ask_next) & set(ALL_NO)
    assert judged({"saddle_numbness": True}).ask_next == ()
    for id in answer.ask_next:
        assert any(id in found.waits_for and level_rank(found.level) > 0 for found in answer.possible)


def test_an_emergency_is_told_from_the_same_day() -> None:
    """Both are the top level; only what the sources call an emergency says ambulance."""
    assert judged({"saddle_numbness": True}).emergency
    assert not judged({"muscle_wasting": True}).emergency
    assert judged({"thoughts_of_self_harm": True}).pathways[0].startswith("mental-health crisis line")


def test_an_unknown_policy_is_refused() -> None:
    """A misspelt policy is named with the nearest."""
    with pytest.raises(UnknownNameError, match="did you mean 'guideline'"):
        judged({}, policy="guidline")


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from([c for r in BOOK.posterior_rules for c in r.causes]), st.floats(0, 1)), st.data()
)
def test_the_posterior_level_never_falls_with_a_probability(causes: dict[str, float], data: st.DataObject) -> None:
    """A more probable cause never asks for less."""
    higher = {cause: data.draw(st.floats(p, 1)) for cause, p in causes.items()}
    assert posterior_level(higher, BOOK) >= posterior_level(causes, BOOK)


@pytest.mark.parametrize("rule", BOOK.posterior_rules, ids=lambda rule: rule.id)
def test_a_posterior_rule_holds_from_its_probability_on(rule: Any) -> None:
    """At the stated probability the level is asked for, just below it is not by this rule."""
    alone = RuleBook(posterior_rules=(rule,))
    p = rule.probability_at_least
    for cause in rule.causes:
        ranks = posterior_level({cause: np.array([p - 1e-9, p, 1.0])}, alone).tolist()
        assert ranks == [0, rank := level_rank(rule.level), rank]


def test_a_harmless_cause_asks_for_nothing() -> None:
    """Certainty of a benign cause, or of limb movements in sleep, raises no level."""
    harmless = ["stress_response", "caffeine_effect", "benign_fasciculation_syndrome", "periodic_limb_movements"]
    assert posterior_level(dict.fromkeys(harmless, 1.0), BOOK) == 0


def published() -> list[dict[str, Any]]:
    """Return the published cases."""
    return tomllib.loads(PUBLISHED.read_text(encoding="utf-8"))["case"]


def test_rules_alone_miss_no_published_emergency() -> None:
    """Every published case that is safe only at the top level reaches it by the rules alone."""
    emergencies = [case for case in published() if case["triage_at_least"] == IMMEDIATE]
    assert len(emergencies) >= 5
    assert [case["id"] for case in emergencies if judged(case["evidence"]).rules_level != IMMEDIATE] == []


def test_rules_alone_rarely_alarm_the_calm() -> None:
    """At most 30 % of published calm cases go above routine, and at most 15 % by any rule but persistent twitching."""
    calm = [case for case in published() if level_rank(case["triage_at_least"]) < 2]
    alarms = [
        {found.id for found in judged(case["evidence"]).fired if found.rule.rank >= 2} - {"persistent_twitching"}
        for case in calm
    ]
    alarmed = sum(level_rank(judged(case["evidence"]).rules_level) >= 2 for case in calm)
    assert alarmed <= 0.30 * len(calm)
    assert sum(map(bool, alarms)) <= 0.15 * len(calm)
