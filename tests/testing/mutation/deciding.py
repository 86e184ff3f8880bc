"""Faults of reasoning: flags that hear the posterior, levels that reassurance lowers, gates left open."""

# ruff: noqa: D401 (the docstring of a fault is its mistake)
from __future__ import annotations

__all__ = ["FAULTS"]

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import numpy as np

from tests.testing.mutation.fault import Fault, around, fault
from toetwitch import model as model_module
from toetwitch.reasoning import assessment as assessment_module
from toetwitch.reasoning import red_flags as red_flags_module
from toetwitch.reasoning import triage as triage_module
from toetwitch.reasoning.assessment import Assessment

FAULTS: list[Fault] = []
Context = AbstractContextManager[Any]


@fault(FAULTS, "reasoning", "flags_ignore_numbers")
def flag_read_from_the_posterior() -> Context:
    """A red flag fires only where the posterior asks for urgency as well."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def changed(supports: Any, rank: Any, book: Any, policy: Any = None, **more: Any) -> Any:
            heard = replace(book, rules=tuple(r for r in book.rules if r.rank <= max(rank or 0, 1)))
            return original(supports, rank, heard, policy, **more)

        return changed

    return around(assessment_module, "triage", make)


@fault(FAULTS, "reasoning", "worse_news_never_lowers", "level_at_least[immediate_medical_attention-foot_drop]")
def level_averaged() -> Context:
    """The level is the mean of what the rules ask for, so that mild rules dilute grave ones."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def changed(decisions: Any, book: Any, policy: str) -> Any:
            fired = decisions.fired
            ranks = np.where(fired, book.ranks[policy], 0)
            return (ranks.sum(axis=-1) // np.maximum(fired.sum(axis=-1), 1)).astype(np.int8)

        return changed

    return around(triage_module, "_rules_level", make)


@fault(FAULTS, "reasoning", "level_at_least[routine_appointment-]", "self_care_is_earned")
def gate_left_open() -> Context:
    """Unanswered questions count as answered no."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        return lambda supports, book, shape: np.zeros((*shape, len(book.policy.gate)), dtype=bool)

    return around(triage_module, "_open_questions", make)


@fault(FAULTS, "reasoning", "rule_fires[foot_drop]", "level_at_least[immediate_medical_attention-foot_drop]")
def first_rule_never_fires() -> Context:
    """The rules that fire are off by one."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def changed(supports: Any, book: Any) -> Any:
            found = original(supports, book)
            return replace(found, fired=np.roll(found.fired, 1, axis=-1))

        return changed

    return around(triage_module, "decide", make)


@fault(FAULTS, "reasoning", "impossible_keeps_flags")
def clash_loses_the_flags() -> Context:
    """Where the evidence clashes nothing is answered, flags included."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def changed(self: Any, evidence: Any, policy: Any = None) -> Any:
            found = original(self, evidence, policy)
            return replace(found, triage=replace(found.triage, fired=())) if found.clash else found

        return changed

    return around(assessment_module.Assessor, "assess", make)


@fault(FAULTS, "reasoning", "flags_come_first")
def flags_at_the_end_of_the_text() -> Context:
    """The text of an answer ends with the flags."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def changed(self: Assessment) -> str:
            lines = original(self).splitlines()
            flags = {line for line in lines if any(f.rationale[:25] in line for f in self.red_flags)}
            return "\n".join([*(line for line in lines if line not in flags), *sorted(flags)])

        return changed

    return around(Assessment, "__str__", make)


@fault(FAULTS, "reasoning", "cohort_agrees")
def cohort_without_its_rules() -> Context:
    """Cases in a frame are judged by the posterior alone."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*given: Any, **more: Any) -> Any:
            found = original(*given, **more)
            return {**found, "level": [level or "self_care" for level in found["posterior_level"]]}

        return changed

    return around(model_module, "assess_codes", make)


@fault(FAULTS, "reasoning", "answers_agree")
def causes_scaled_to_one() -> Context:
    """The probabilities of causes are scaled to sum to one, as if only one could be present."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def changed(self: Any, evidence: Any, policy: Any = None) -> Any:
            found = original(self, evidence, policy)
            total = sum(found.causes.values())
            return replace(found, causes={c: p / total for c, p in found.causes.items()}) if total else found

        return changed

    return around(assessment_module.Assessor, "assess", make)


@fault(FAULTS, "reasoning", "json_round_trip")
def json_rounded() -> Context:
    """The JSON of an answer holds probabilities of three digits."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def changed(self: Assessment, **more: Any) -> str:
            found = json.loads(original(self, **more))
            found["causes"] = {cause: round(p, 3) for cause, p in found["causes"].items()}
            return json.dumps(found)

        return changed

    return around(Assessment, "to_json", make)


@fault(FAULTS, "reasoning", "rule_fires[persistent_twitching]", "flag_gives_level[persistent_twitching]")
def unknown_clears_a_rule() -> Context:
    """A rule is decided as if everything unknown were absent, and as if one finding were always unknown."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        return lambda supports, book: original(
            {id: s for id, s in supports.items() if id not in ("movement_duration", "foot_drop")}, book
        )

    return around(red_flags_module, "complete", make)
