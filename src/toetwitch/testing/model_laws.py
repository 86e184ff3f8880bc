"""Laws of a whole model: flags that no number can silence, levels that bad news never lowers, answers that agree."""

# ruff: noqa: D401 (the docstring of a law is its statement)
from __future__ import annotations

__all__ = [
    "MODEL_LAWS",
    "ModelLaw",
    "answers_agree",
    "cohort_agrees",
    "flags_come_first",
    "flags_ignore_numbers",
    "impossible_keeps_flags",
    "json_round_trip",
    "rule_fires",
    "self_care_is_earned",
    "worse_news_never_lowers",
]

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType

import numpy as np
import pandas as pd

from toetwitch.errors import ImpossibleEvidenceError
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.red_flag import TRIAGE_LEVELS, level_rank
from toetwitch.knowledge.table import Cpt
from toetwitch.model import Model
from toetwitch.testing.firing import firing
from toetwitch.testing.laws.law import LawBrokenError
from toetwitch.testing.subject import Subject


@dataclass(frozen=True, slots=True)
class ModelLaw:
    """A law of a model with red flags, tried on drawn cases.

    Parameters
    ----------
    name, statement
        A short name, and the law in one sentence.
    check
        Takes the subject and a case; raises `LawBrokenError`.
    anywhere
        Always true: it speaks of any case.
    costly
        Whether a case takes so long that few are tried.
    """

    name: str
    statement: str
    check: Callable[[Subject, Mapping[str, object]], None]
    anywhere: bool = True
    costly: bool = False


def _model_law(check: Callable[[Subject, Mapping[str, object]], None]) -> ModelLaw:
    return ModelLaw(check.__name__, (check.__doc__ or "").strip().splitlines()[0], check)


def _fired(model: Model, case: Mapping[str, object]) -> list[str]:
    return sorted(flag.id for flag in model.assess(case).red_flags)


@lru_cache(maxsize=4)
def _without_numbers(model: Model) -> Model:
    """Return the model with every table replaced by an even one: nothing depends on anything."""
    network = model.definition.network
    tables = tuple(Cpt(v.id, (), np.full(len(v.states), 1 / len(v.states))) for v in network.variables)
    settings = {name: replace(setting, odds_ratios={}) for name, setting in model.definition.settings.items()}
    even = replace(model.definition, network=NetworkDefinition(network.variables, tables), settings=settings)
    return Model(even, setting=model.setting)


@_model_law
def flags_ignore_numbers(subject: Subject, case: Mapping[str, object]) -> None:
    """The red flags that fire are the same when every table is replaced by an even one."""
    model = subject.with_flags
    fired, without = _fired(model, case), _fired(_without_numbers(model), case)
    if fired != without:
        raise LawBrokenError(f"fired {fired}; with other tables {without}", evidence=case)


@_model_law
def worse_news_never_lowers(subject: Subject, case: Mapping[str, object]) -> None:
    """A worse answer to a danger finding never lowers the level, under either policy."""
    model = subject.with_flags
    for id in model.definition.rules.policy.danger_findings:
        if id not in case or case[id] is None:
            continue
        states = subject.variables[id].states
        told = str(case[id]).lower() if isinstance(case[id], bool) else str(case[id])
        place = states.index(told)
        for policy in ("article", "guideline"):
            now = model.assess(case, policy=policy).triage.level
            for milder in states[:place]:
                before = model.assess({**case, id: milder}, policy=policy).triage.level
                if level_rank(now) < level_rank(before):
                    raise LawBrokenError(
                        f"under {policy!r} {before} falls to {now} when {id} goes from {milder} to {told}",
                        evidence=case,
                    )


@_model_law
def flags_come_first(subject: Subject, case: Mapping[str, object]) -> None:
    """In the text of an answer the gravest fired flag stands before any cause."""
    answer = subject.with_flags.assess(case)
    if not answer.red_flags:
        return
    text = str(answer)
    flag = text.find(answer.red_flags[0].rationale[:40])
    labels = [subject.variables[cause].label or cause for cause in answer.ranking[:3]]
    # Wrapped text may break the sentence, so its first words are looked for as well.
    flag = flag if flag >= 0 else text.find(answer.red_flags[0].rationale.split(",")[0][:25])
    lines = text.splitlines()
    ranked = [
        k for k, line in enumerate(lines) if any(line.strip().startswith((label, f"1. {label}")) for label in labels)
    ]
    flag_line = text[: max(flag, 0)].count("\n")
    if flag < 0 or (ranked and flag_line > min(ranked)):
        raise LawBrokenError(f"the flag {answer.red_flags[0].id} does not stand first in the text", evidence=case)


@_model_law
def self_care_is_earned(subject: Subject, case: Mapping[str, object]) -> None:
    """Self-care is given only when every question of the gate was answered."""
    model = subject.with_flags
    answer = model.assess(case)
    missing = [id for id in model.definition.rules.policy.gate_ids if case.get(id) is None]
    if answer.triage.level == TRIAGE_LEVELS[0] and missing:
        raise LawBrokenError(f"self-care, though nobody asked about {', '.join(missing)}", evidence=case)


@_model_law
def answers_agree(subject: Subject, case: Mapping[str, object]) -> None:
    """The causes of an assessment have the posteriors that the network gives."""
    answer = subject.with_flags.assess(case)
    if answer.clash:
        return
    posterior = subject.network.posterior(case, list(answer.causes))
    for cause, p in answer.causes.items():
        if not abs(p - posterior[cause]["true"]) <= 1e-9:
            raise LawBrokenError(
                f"the assessment says P({cause}) = {p:.12g}; the network {posterior[cause]['true']:.12g}", evidence=case
            )
    if sorted(answer.ranking) != sorted(answer.causes):
        raise LawBrokenError("the ranking does not name every cause once", evidence=case)


@_model_law
def cohort_agrees(subject: Subject, case: Mapping[str, object]) -> None:
    """A case in a frame has the level, flags and causes that it has alone."""
    model = subject.with_flags
    answer = model.assess(case)
    half = {id: value for k, (id, value) in enumerate(case.items()) if k % 2}
    columns = {id: [half.get(id), case[id]] for id in case} or {next(iter(subject.variables)): [None, None]}
    row = model.assess_many(pd.DataFrame(columns, dtype=object)).iloc[1]
    if row["level"] != answer.triage.level:
        raise LawBrokenError(f"in a frame the level is {row['level']}; alone {answer.triage.level}", evidence=case)
    if sorted(str(row["red_flags"] or "").split()) != sorted(flag.id for flag in answer.red_flags):
        raise LawBrokenError(f"in a frame the flags are {row['red_flags']!r}", evidence=case)
    for cause, p in answer.causes.items():
        if not abs(row[cause] - p) <= 1e-9:
            raise LawBrokenError(f"in a frame P({cause}) is {row[cause]:.12g}; alone {p:.12g}", evidence=case)


@_model_law
def impossible_keeps_flags(subject: Subject, case: Mapping[str, object]) -> None:
    """Evidence that clashes loses the posterior and no flag."""
    model = subject.with_flags
    if not case:
        return
    clashing = _clash(subject, case)
    if clashing is None:
        return
    answer = model.assess(clashing)
    if answer.causes or not answer.clash:
        raise LawBrokenError("impossible evidence was answered with probabilities", evidence=clashing)
    alone = _fired(_without_numbers(model), clashing)
    if sorted(flag.id for flag in answer.red_flags) != alone:
        raise LawBrokenError(f"impossible evidence lost a flag; expected {alone}", evidence=clashing)


def _clash(subject: Subject, case: Mapping[str, object]) -> dict[str, object] | None:
    """Return the case with a class of medicines denied and one of its parts affirmed, where the model has one."""
    for whole, parts in subject.with_flags.definition.rules.policy.any_of.items():
        told = {**case, whole: False, parts[0]: True}
        try:
            subject.network.log_probability(told)
        except ImpossibleEvidenceError:
            return told
    return None


@_model_law
def json_round_trip(subject: Subject, case: Mapping[str, object]) -> None:
    """The JSON of an answer reads back as the same answer."""
    answer = subject.with_flags.assess(case)
    if json.loads(answer.to_json()) != json.loads(json.dumps(answer.to_dict())):
        raise LawBrokenError("the JSON of the answer differs from its dictionary", evidence=case)


MODEL_LAWS: Mapping[str, ModelLaw] = MappingProxyType(
    {
        law.name: law
        for law in (
            flags_ignore_numbers,
            worse_news_never_lowers,
            flags_come_first,
            self_care_is_earned,
            answers_agree,
            replace(cohort_agrees, costly=True),
            impossible_keeps_flags,
            json_round_trip,
        )
    }
)
"""Laws that any model with red flags must keep, by name."""


def rule_fires(subject: Subject, rule: str) -> None:
    """Check one rule: every least case fires it at its level or above, and no part of a least case does."""
    model = subject.with_flags
    flag = model.definition.rules.rule(rule)
    for case in firing(flag.when):
        answer = model.assess(case, policy="article")
        if rule not in [found.id for found in answer.red_flags]:
            raise LawBrokenError(f"{rule} does not fire", evidence=case)
        if level_rank(answer.triage.level) < flag.rank:
            raise LawBrokenError(
                f"{rule} fires and the level is {answer.triage.level}; expected at least {flag.level}", evidence=case
            )
        because = {id for found in answer.red_flags if found.id == rule for id in found.because}
        if not because <= set(case):
            raise LawBrokenError(f"{rule} says it fired because of {sorted(because)}", evidence=case)
        for left_out in case:
            rest = {id: value for id, value in case.items() if id != left_out}
            other = model.assess(rest)
            if rule in [found.id for found in other.red_flags] and not _holds_without(subject, rule, rest):
                raise LawBrokenError(f"{rule} fires without {left_out}", evidence=rest)


def _holds_without(subject: Subject, rule: str, rest: Mapping[str, object]) -> bool:
    """Return whether what is left is a least case of the rule by another way."""
    when = subject.with_flags.definition.rules.rule(rule).when
    return any(all(rest.get(id) == value for id, value in way.items()) for way in firing(when))
