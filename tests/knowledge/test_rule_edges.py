"""Every red flag at its edge: it fires on the least that its condition asks for, not on less, and on more.

The least are the ways to meet a condition: which ids must be in which of their states, and no others. Each way is
tried as it stands, with one answer stepped back to the state before, with one answer left open, and with every answer
at its worst.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.knowledge.toe_rules import BOOK, VARIABLES
from toetwitch.evidence import read_evidence
from toetwitch.knowledge.condition import AllOf, AnyOf, Atom, Condition
from toetwitch.knowledge.red_flag import RedFlag, level_rank
from toetwitch.reasoning.red_flags import explain, supports_of
from toetwitch.reasoning.triage import Triage, triage

Way = dict[str, int]
"""Id to the mildest state, by number, that meets its part of the condition."""

NO_ALARM = 0
"""Rank of a posterior that asks for nothing."""


def states(id: str) -> tuple[Any, ...]:
    """Return the answers to a variable, mild to bad."""
    variable = VARIABLES.by_id[id]
    return (False, True) if variable.is_binary else variable.states


def ways(condition: Condition) -> Iterator[Way]:
    """Yield every way to meet a condition with one atom of each alternative."""
    if isinstance(condition, Atom):
        named = VARIABLES.by_id[condition.id].states
        yield {condition.id: min(named.index(state) for state in condition.states)}
    elif isinstance(condition, AnyOf):
        for part in condition.parts:
            yield from ways(part)
    else:
        assert isinstance(condition, AllOf)
        for chosen in itertools.product(*(list(ways(part)) for part in condition.parts)):
            merged: Way = {}
            for way in chosen:
                for id, state in way.items():
                    merged[id] = max(state, merged.get(id, 0))
            yield merged


def told(way: Way) -> dict[str, Any]:
    """Return a way as evidence."""
    return {id: states(id)[state] for id, state in way.items()}


def outcome(rule: RedFlag, case: dict[str, Any]) -> str:
    """Return what becomes of a rule: fired, possible or cleared."""
    fired, possible = explain(supports_of(read_evidence(case, VARIABLES.by_id), VARIABLES.by_id), BOOK)
    if rule.id in {found.id for found in fired}:
        return "fired"
    return "possible" if rule.id in {found.id for found in possible} else "cleared"


def judged(case: dict[str, Any]) -> Triage:
    """Return the triage of a case whose posterior asks for nothing."""
    return triage(supports_of(read_evidence(case, VARIABLES.by_id), VARIABLES.by_id), NO_ALARM, BOOK)


RULES = pytest.mark.parametrize("rule", BOOK.rules, ids=lambda rule: rule.id)


@RULES
def test_the_least_that_is_asked_for_fires(rule: RedFlag) -> None:
    """At the edge the rule fires, and the level is at least the rule's."""
    for way in ways(rule.when):
        assert outcome(rule, told(way)) == "fired", way
        assert level_rank(judged(told(way)).level) >= rule.rank, way


@RULES
def test_one_step_less_does_not_fire(rule: RedFlag) -> None:
    """Just under the edge, with one answer a state milder, the rule does not fire."""
    for way in ways(rule.when):
        for id, state in way.items():
            assert outcome(rule, told({**way, id: state - 1})) != "fired", (way, id)


@RULES
def test_one_answer_left_open_keeps_the_rule_possible(rule: RedFlag) -> None:
    """With one answer unknown the rule does not fire and is not cleared either: unknown is not absent."""
    for way in ways(rule.when):
        for id in way:
            rest = {other: state for other, state in way.items() if other != id}
            assert outcome(rule, told(rest)) == "possible", (way, id)


@RULES
def test_worse_than_asked_for_still_fires(rule: RedFlag) -> None:
    """Over the edge, with every answer at its worst, the rule fires."""
    for way in ways(rule.when):
        assert outcome(rule, told({id: len(states(id)) - 1 for id in way})) == "fired", way


@pytest.mark.parametrize("rule", [rule for rule in BOOK.rules if rule.dissent_when], ids=lambda rule: rule.id)
def test_a_dissent_steps_down_only_when_every_answer_is_known(rule: RedFlag) -> None:
    """Under the guideline policy a rule keeps its level while one reassuring answer is missing."""
    assert rule.dissent_when is not None
    fires = told(next(ways(rule.when)))
    for calm in map(told, ways(rule.dissent_when)):
        full = {**calm, **fires}
        supports = supports_of(read_evidence(full, VARIABLES.by_id), VARIABLES.by_id)
        found = {flag.id: flag for flag in explain(supports, BOOK)[0]}[rule.id]
        assert found.dissents, full
        for id in set(calm) - set(fires):
            rest = {other: value for other, value in full.items() if other != id}
            supports = supports_of(read_evidence(rest, VARIABLES.by_id), VARIABLES.by_id)
            assert not {flag.id: flag for flag in explain(supports, BOOK)[0]}[rule.id].dissents, id


GATE = {atom.id: atom.states[0] for atom in BOOK.policy.gate}


def passing() -> dict[str, Any]:
    """Return the answers with which self-care may be answered."""
    return {id: False if state == "false" else state for id, state in GATE.items()}


def test_the_gate_passes_when_every_answer_is_no() -> None:
    """At the edge of the gate the level is self-care."""
    assert judged(passing()).level == "self_care"


@pytest.mark.parametrize("id", list(GATE))
def test_the_gate_holds_on_one_open_answer(id: str) -> None:
    """Just under, with one question of the gate open, the level is a routine appointment and the question is named."""
    found = judged({other: value for other, value in passing().items() if other != id})
    assert (found.level, found.gate_applied, found.unanswered) == ("routine_appointment", True, (id,))


@pytest.mark.parametrize("id", [id for id in GATE if id != "palpitations"])
def test_a_bad_answer_to_the_gate_is_not_self_care(id: str) -> None:
    """The worst answer to a question of the gate fires a rule by itself, so the gate asks for nothing in vain.

    Palpitations are the exception: alone they are left to the probabilities, and rules take them with company.
    """
    assert judged({**passing(), id: states(id)[-1]}).level != "self_care"


def test_a_rule_above_the_worst_of_its_alternatives_is_seen() -> None:
    """The walk over the ways is itself right: of two alternatives and one condition it yields both pairs."""
    rule = replace(
        BOOK.rules[0],
        when=AllOf(
            (Atom("foot_drop", ("true",)), AnyOf((Atom("numbness", ("true",)), Atom("burning_pain", ("true",)))))
        ),
    )
    assert list(ways(rule.when)) == [{"foot_drop": 1, "numbness": 1}, {"foot_drop": 1, "burning_pain": 1}]
