"""The level after each possible answer, and the levels that no further answer can leave.

What a case would be assessed as, were one more question answered, needs no new question to the engine for every
answer: `toetwitch.reasoning.outcomes` has all answers of all questions as lanes of one run. The danger findings'
readings (`toetwitch.reasoning.danger`) are more lanes of it, so the level found is the one that `assess` would give;
where the rules alone ask for as much as any posterior could, the readings are left out.

Bounds on all further answers together are sound, not tight: a rule that fired stays fired, so the level cannot fall
below it; it cannot rise above the gravest rule still possible and the gravest level that the posterior of a cause not
yet excluded could ask for.
"""

from __future__ import annotations

__all__ = [
    "Effects",
    "Reach",
    "effects",
    "given_answers",
    "given_first",
    "joint_answers",
    "joint_levels",
    "reach",
]

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toetwitch.evidence import Evidence
from toetwitch.inference import ExactInference
from toetwitch.knowledge.red_flag import TRIAGE_LEVELS, level_rank
from toetwitch.reasoning.assessment import Assessor
from toetwitch.reasoning.danger import danger_readings
from toetwitch.reasoning.forms import forms, independent, multiplied
from toetwitch.reasoning.outcomes import outcomes
from toetwitch.reasoning.red_flags import supports_of
from toetwitch.reasoning.subsets import LANES_AT_ONCE
from toetwitch.reasoning.triage import Triage, gravest_by_posterior, posterior_level, triage_many

Array = NDArray[np.float64]
Ranks = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Reach:
    """Between which levels the triage stays, whatever else is answered.

    Parameters
    ----------
    lowest, highest
        Levels; sound, not tight.
    """

    lowest: str
    highest: str

    @property
    def settled(self) -> bool:
        """Whether no remaining answer can change the level."""
        return self.lowest == self.highest


@dataclass(frozen=True, slots=True, eq=False)
class Effects:
    """What each answer of each question would do.

    Parameters
    ----------
    rows
        Question and index of the answer.
    probability
        P(answer | evidence), shape (rows,).
    posterior
        Target to P(state | evidence, answer), shape (states, rows); zeros for answers of probability zero.
    level
        Rank of the level that `assess` would give after the answer, shape (rows,), for answers of probability zero
        that of the rules alone; empty without rules.
    exact
        Whether the levels count every reading of the danger findings; else they are what `assess` gives at least.
    """

    rows: tuple[tuple[str, int], ...]
    probability: Array
    posterior: Mapping[str, Array]
    level: Ranks
    exact: bool = True


def effects(
    inference: ExactInference,
    evidence: Evidence,
    targets: Sequence[str],
    questions: Sequence[str],
    assessor: Assessor | None = None,
    policy: str | None = None,
) -> Effects:
    """Return what each answer of each question would do to the targets, and to the level where there are rules.

    Parameters
    ----------
    inference
        The network.
    evidence
        The case.
    targets
        Ids without hard evidence.
    questions
        Ids about which nothing is known, none of them a target.
    assessor
        The rules, for a model; None for a network.
    policy
        Whose level counts.
    """
    sizes = {id: len(variable.states) for id, variable in inference.network.by_id.items()}
    rows = tuple((id, state) for id in questions for state in range(sizes[id]))
    by_rules, gravest = np.zeros(0, dtype=np.int64), 0
    readings: dict[str, Array] | None = {}
    if assessor is not None:
        by_rules = _levels(assessor, evidence, rows, np.zeros(len(rows), dtype=np.int64), policy)
        gravest = gravest_by_posterior(assessor.book)
        if (by_rules < gravest).any():
            danger = [id for id in assessor.book.policy.danger_findings if id in sizes]
            readings = danger_readings(evidence, danger, sizes)
    found = given_answers(inference, evidence, targets, questions, readings)
    exact = found is not None
    if found is None:
        found = given_answers(inference, evidence, targets, questions)
        assert found is not None  # A single reading is answered however long it takes.
    answers, joint = found
    total = np.where(answers > 0, answers, 1.0)
    posterior = {id: table[..., 0] / total[:, 0] for id, table in joint.items()}
    level = by_rules
    if assessor is not None and (by_rules < gravest).any():
        rank = _posterior_ranks(
            assessor, evidence, rows, answers, {id: table[-1] / total for id, table in joint.items()}
        )
        if readings is None:
            rank = np.full(len(rows), len(TRIAGE_LEVELS) - 1)
        level = _levels(assessor, evidence, rows, rank, policy)
    return Effects(rows, answers[:, 0], posterior, level, exact)


def given_answers(
    inference: ExactInference,
    evidence: Evidence,
    targets: Sequence[str],
    questions: Sequence[str],
    readings: Mapping[str, Array] | None = None,
) -> tuple[Array, dict[str, Array]] | None:
    """Return P(answer | evidence), and P(target and answer | evidence), for all answers of all questions.

    Parameters
    ----------
    inference
        The network.
    evidence
        The case.
    targets
        Ids without hard evidence.
    questions
        Ids about which nothing is known, none of them a target.
    readings
        Id to weights, shape (states, readings): variants of the evidence, answered side by side.

    Returns
    -------
    tuple
        Shape (answers of the first question, of the second ..., readings); and target to (states, the same). Readings
        of probability zero have zeros. None where several readings would take too long.
    """
    form_of = forms(inference, evidence.without(*(readings or {})), [*targets, *(readings or {})], questions)
    groups = [
        [id for id in questions if id in form_of and not form_of[id].more],
        [id for id in questions if id in form_of and form_of[id].more],
    ]
    sizes = {id: len(inference.network.by_id[id].states) for id in questions}
    answers: dict[str, Array] = {}
    joint: dict[str, dict[str, Array]] = {id: {} for id in targets}
    for group in filter(None, groups):
        found = outcomes(inference, evidence, targets, [e for id in group for e in form_of[id].answers], readings)
        if found is None:
            return None
        ends = np.cumsum([sizes[id] for id in group])[:-1]
        answers.update(zip(group, np.split(found.probability, ends), strict=True))
        for target in targets:
            joint[target].update(zip(group, np.split(found.joint[target], ends, axis=1), strict=True))
    rest = [id for id in questions if id not in answers]
    if rest:
        more, pairs = _lanes_of_targets(inference, evidence, targets, rest, readings)
        answers.update(more)
        for target in targets:
            joint[target].update(pairs[target])
    return (
        np.concatenate([answers[id] for id in questions]),
        {target: np.concatenate([joint[target][id] for id in questions], axis=1) for target in targets},
    )


def given_first(
    inference: ExactInference, evidence: Evidence, targets: Sequence[str], first: str, questions: Sequence[str]
) -> tuple[Array, dict[str, Array]]:
    """Return the same as `given_answers`, one reading for each answer of a first question.

    Conditional on that answer: P(answer | evidence, first), and P(target and answer | evidence, first).
    """
    states = len(inference.network.by_id[first].states)
    form_of = forms(inference, evidence, targets, [first, *questions])
    own = form_of.get(first)
    together = [id for id in questions if own and id in form_of and independent([own, form_of[id]])]
    sizes = {id: len(inference.network.by_id[id].states) for id in questions}
    answers: dict[str, Array] = {}
    joint: dict[str, dict[str, Array]] = {id: {} for id in targets}
    for more in (False, True):
        group = [id for id in together if bool(form_of[id].more) == more]
        if own is None or not group:
            continue
        events = [multiplied([a, b]) for id in group for b in form_of[id].answers for a in own.answers]
        found = outcomes(inference, evidence, targets, events)
        if found is None:
            continue
        ends = np.cumsum([sizes[id] for id in group])[:-1]
        total = found.probability.reshape(-1, states)
        answers.update(zip(group, np.split(total, ends), strict=True))
        for target in targets:
            table = found.joint[target].reshape(len(found.joint[target]), -1, states)
            joint[target].update(zip(group, np.split(table, ends, axis=1), strict=True))
    for id, table in answers.items():
        total = table.sum(axis=0)
        scale = np.where(total > 0, 1 / np.where(total > 0, total, 1.0), 0.0)
        answers[id] = table * scale
        for target in targets:
            joint[target][id] = joint[target][id] * scale
    rest = [id for id in questions if id not in answers]
    if rest:
        more_answers, pairs = _lanes_of_targets(inference, evidence, targets, rest, {first: np.eye(states)})
        answers.update(more_answers)
        for target in targets:
            joint[target].update(pairs[target])
    return (
        np.concatenate([answers[id] for id in questions]),
        {target: np.concatenate([joint[target][id] for id in questions], axis=1) for target in targets},
    )


def _lanes_of_targets(
    inference: ExactInference,
    evidence: Evidence,
    targets: Sequence[str],
    questions: Sequence[str],
    readings: Mapping[str, Array] | None = None,
) -> tuple[dict[str, Array], dict[str, dict[str, Array]]]:
    """Return question to P(answer | evidence), and target to question to P(target, answer | evidence).

    Each state of each target is a lane, and the questions are what is asked: right for every table, and quick where
    there are few targets.
    """
    sizes = {id: len(variable.states) for id, variable in inference.network.by_id.items()}
    weights = inference.weights(evidence)
    # Lane 0 is the case; each state but the first of each target is one more.
    sites = [(id, state) for id in targets for state in range(1, sizes[id])]
    count = 1 if not readings else next(iter(readings.values())).shape[1]
    lanes = list(itertools.product(range(len(sites) + 1), range(count)))
    rest = Evidence({id: s for id, s in evidence.hard.items() if id not in (readings or {})}, weights, {})
    log_parts: list[Array] = []
    parts: dict[str, list[Array]] = {id: [] for id in questions}
    for start in range(0, len(lanes), LANES_AT_ONCE):
        block = lanes[start : start + LANES_AT_ONCE]
        varied = {id: table[:, [reading for _, reading in block]] for id, table in (readings or {}).items()}
        for id in targets:
            given = weights.get(id, np.ones(sizes[id]))
            columns = [
                given * np.eye(sizes[id])[sites[lane - 1][1]] if lane and sites[lane - 1][0] == id else given
                for lane, _ in block
            ]
            varied[id] = np.stack(columns, axis=-1)
        log_evidence, marginals = inference.lanes(rest, varied, questions)
        log_parts.append(log_evidence)
        for id in questions:
            parts[id].append(marginals[id])
    log_evidence = np.concatenate(log_parts).reshape(len(sites) + 1, count)
    possible = log_evidence[0] > -np.inf
    share = np.exp(log_evidence - np.where(possible, log_evidence[0], 0.0)) * possible
    by_lane = {id: np.concatenate(parts[id], axis=1).reshape(sizes[id], len(sites) + 1, count) for id in questions}
    answers = {id: by_lane[id][:, 0] for id in questions}
    pairs: dict[str, dict[str, Array]] = {id: {} for id in targets}
    for id in targets:
        own = [n + 1 for n, (target, _) in enumerate(sites) if target == id]
        for question in questions:
            upper = np.stack([by_lane[question][:, n] * share[n] for n in own])
            first = np.clip(answers[question] - upper.sum(axis=0), 0.0, None)
            pairs[id][question] = np.concatenate([first[None], upper])
    return answers, pairs


def _posterior_ranks(
    assessor: Assessor,
    evidence: Evidence,
    rows: Sequence[tuple[str, int]],
    answers: Array,
    posterior: Mapping[str, Array],
) -> Ranks:
    """Return the rank of the posterior's level after each answer: the highest over the readings, shape (rows,)."""
    asked = {id for rule in assessor.book.posterior_rules for id in rule.causes}
    certain = {id: float(state == 1) for id, state in evidence.hard.items() if id in asked}
    probability = {id: table for id, table in posterior.items() if id in asked}
    by_reading = np.broadcast_to(posterior_level({**probability, **certain}, assessor.book), answers.shape)
    rank: Ranks = np.where(answers > 0, by_reading, 0).max(axis=1).astype(np.int64)
    # Summed over one question's answers, the case as it stands.
    own = [n for n, (id, _) in enumerate(rows) if id == rows[0][0]]
    before: dict[str, Array | float] = {
        id: (table[own] * answers[own]).sum(axis=0) for id, table in probability.items()
    }
    now = int(np.max(posterior_level({**before, **certain}, assessor.book)))
    danger = set(assessor.book.policy.danger_findings)
    worst = now
    for n, (id, state) in enumerate(rows):
        if id in danger and state > 0:
            # A worse answer adds the readings with each milder one, and the one that leaves it unknown.
            worst = max(int(rank[n]), worst if state > 1 else now)
            rank[n] = worst
    return rank


def _levels(
    assessor: Assessor, evidence: Evidence, rows: Sequence[tuple[str, int]], posterior: Ranks, policy: str | None
) -> Ranks:
    """Return the level of the case with one answer more in each row."""
    by_id = assessor.inference.network.by_id
    supports: dict[str, Array] = {
        id: np.broadcast_to(support, (len(rows), len(support))) for id, support in supports_of(evidence, by_id).items()
    }
    for n, (id, state) in enumerate(rows):
        own = supports.get(id)
        if own is None:
            own = supports[id] = np.ones((len(rows), len(by_id[id].states)))
        own[n] = np.eye(own.shape[1])[state]
    return triage_many(supports, posterior, assessor.book, policy).level.astype(np.int64)


def joint_answers(
    inference: ExactInference, evidence: Evidence, targets: Sequence[str], questions: Sequence[str]
) -> tuple[list[tuple[int, ...]], Array, dict[str, Array]]:
    """Return all joint answers of some questions, with their probabilities and the posteriors after them.

    Returns
    -------
    tuple
        The joint answers, the last question fastest; P(joint answer | evidence), shape (joint answers,); and target to
        P(state | evidence, joint answer), shape (states, joint answers), zeros where it is impossible.
    """
    sizes = {id: len(variable.states) for id, variable in inference.network.by_id.items()}
    rows = list(itertools.product(*(range(sizes[id]) for id in questions)))
    form_of = forms(inference, evidence, targets, questions)
    found = None
    if len(form_of) == len(questions) and independent([form_of[id] for id in questions]):
        found = outcomes(
            inference,
            evidence,
            targets,
            [multiplied([form_of[id].answers[s] for id, s in zip(questions, row, strict=True)]) for row in rows],
        )
    if found is not None:
        probability = found.probability[:, 0]
        total = np.where(probability > 0, probability, 1.0)
        return rows, probability, {id: table[..., 0] / total for id, table in found.joint.items()}
    fitted = Evidence(evidence.hard, inference.weights(evidence), {})
    varied = {id: np.eye(sizes[id])[:, [row[k] for row in rows]] for k, id in enumerate(questions)}
    log_evidence, marginals = inference.lanes(fitted, varied, targets)
    probability = np.exp(log_evidence - inference.log_probability(fitted))
    return rows, probability / probability.sum(), marginals


def joint_levels(
    assessor: Assessor,
    evidence: Evidence,
    questions: Sequence[str],
    rows: Sequence[tuple[int, ...]],
    probability: Array,
    policy: str | None = None,
) -> Ranks:
    """Return the rank of the level after each joint answer, shape (joint answers,); zero where it is impossible."""
    gravest = gravest_by_posterior(assessor.book)
    levels = np.zeros(len(rows), dtype=np.int64)
    for n, row in enumerate(rows):
        if probability[n] > 0:
            answered = evidence.with_hard(dict(zip(questions, row, strict=True)))
            supports = supports_of(answered, assessor.inference.network.by_id)
            levels[n] = int(triage_many(supports, 0, assessor.book, policy).level)
            if levels[n] < gravest:
                rank = assessor.posterior_rank(answered)
                levels[n] = int(triage_many(supports, rank, assessor.book, policy).level)
    return levels


def reach(assessor: Assessor, evidence: Evidence, urgency: Triage) -> Reach:
    """Return between which levels the triage stays, whatever else is answered."""
    book = assessor.book
    fired = [found.rule for found in urgency.fired]
    lowest = max((rule.guideline_rank if urgency.policy == "guideline" else rule.rank for rule in fired), default=0)
    answer = assessor.inference.posterior(evidence, assessor.causes)
    open_causes = {id for id in assessor.causes if answer.marginals[id][1] > 0}
    by_posterior = max(
        (level_rank(rule.level) for rule in book.posterior_rules if open_causes.intersection(rule.causes)), default=0
    )
    highest = max(level_rank(urgency.level), level_rank(urgency.level_if_possible_fired), by_posterior)
    return Reach(TRIAGE_LEVELS[lowest], TRIAGE_LEVELS[highest])
