"""The level after each possible answer, and the levels that no further answer can leave.

What a case would be assessed as, were one more question answered, needs no new question to the engine for every
answer: P(answer | evidence, cause) for every question and every cause comes from one run with a lane for each cause,
and Bayes' rule turns it round. The danger findings' readings (`toetwitch.reasoning.danger`) are more lanes of the same
run, so the level found is the one that `assess` would give.

Bounds on all further answers together are sound, not tight: a rule that fired stays fired, so the level cannot fall
below it; it cannot rise above the gravest rule still possible and the gravest level that the posterior of a cause not
yet excluded could ask for.
"""

from __future__ import annotations

__all__ = ["Reach", "causes_given_answers", "first_reading", "joint_levels", "levels_after", "reach"]

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
from toetwitch.reasoning.red_flags import supports_of
from toetwitch.reasoning.subsets import LANES_AT_ONCE
from toetwitch.reasoning.triage import Triage, posterior_level, triage_many

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


def causes_given_answers(
    inference: ExactInference,
    evidence: Evidence,
    targets: Sequence[str],
    questions: Sequence[str],
    readings: Mapping[str, Array] | None = None,
    unknown: Sequence[str] | None = None,
) -> tuple[dict[str, Array], dict[str, dict[str, Array]]]:
    """Return P(answer | evidence) of each question, and P(target and answer | evidence) of each pair.

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
    unknown
        Ids that are planned for as the targets are, by default the targets: questions that agree in these and in
        the ids of the readings share one plan.

    Returns
    -------
    tuple
        Question to shape (answers, readings); and target to question to shape (states, answers, readings). Readings
        of probability zero have zeros.
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
        for id in targets if unknown is None else unknown:
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


def levels_after(
    assessor: Assessor, evidence: Evidence, questions: Sequence[str], policy: str | None = None
) -> dict[str, Ranks]:
    """Return question to the rank of the level that `assess` would give after each of its answers, shape (answers,).

    Answers of probability zero have the rank that the rules alone give.
    """
    sizes = {id: len(variable.states) for id, variable in assessor.inference.network.by_id.items()}
    danger = [id for id in assessor.book.policy.danger_findings if id in sizes]
    now = assessor.posterior_rank(evidence)
    top = len(TRIAGE_LEVELS) - 1
    readings = danger_readings(evidence, danger, sizes)
    asked = {id for rule in assessor.book.posterior_rules for id in rule.causes}
    certain = {id: float(state == 1) for id, state in evidence.hard.items() if id in asked}
    targets = [id for id in assessor.causes if id in asked and id not in certain]
    ranks = {id: np.full(sizes[id], top) for id in questions}
    if readings is not None:
        free = [id for id in assessor.causes if id not in evidence.hard]
        answers, pairs = causes_given_answers(assessor.inference, evidence, targets, questions, readings, free)
        for id in questions:
            total = np.where(answers[id] > 0, answers[id], 1.0)
            posterior: dict[str, Array | float] = {cause: pairs[cause][id][1] / total for cause in targets}
            by_reading = np.broadcast_to(posterior_level({**posterior, **certain}, assessor.book), total.shape)
            rank = np.where(answers[id] > 0, by_reading, 0).max(axis=1).astype(np.int64)
            if id in danger:
                # A worse answer adds the readings with each milder one, and the one that leaves it unknown.
                rank[1:] = np.maximum(np.maximum.accumulate(rank[1:]), now)
            ranks[id] = rank
    rows = [(id, state) for id in questions for state in range(sizes[id])]
    levels = _levels(assessor, evidence, rows, np.concatenate([ranks[id] for id in questions]), policy)
    ends = np.cumsum([sizes[id] for id in questions])
    return dict(zip(questions, np.split(levels, ends[:-1]), strict=True))


def first_reading(assessor: Assessor, evidence: Evidence) -> dict[str, Array]:
    """Return the case itself in the form of its danger readings, so that questions about it share their plan."""
    sizes = {id: len(variable.states) for id, variable in assessor.inference.network.by_id.items()}
    danger = [id for id in assessor.book.policy.danger_findings if id in sizes]
    return {id: table[:, :1] for id, table in (danger_readings(evidence, danger, sizes) or {}).items()}


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


def joint_levels(
    assessor: Assessor, evidence: Evidence, questions: Sequence[str], policy: str | None = None
) -> tuple[Array, Ranks, tuple[str, ...]]:
    """Return, over all joint answers: the probability, the rank of the level, and the most probable cause.

    Rows run over the product of the questions' states, the last question fastest.
    """
    inference = assessor.inference
    sizes = {id: len(variable.states) for id, variable in inference.network.by_id.items()}
    joint = list(itertools.product(*(range(sizes[id]) for id in questions)))
    fitted = Evidence(evidence.hard, inference.weights(evidence), {})
    varied = {id: np.eye(sizes[id])[:, [row[k] for row in joint]] for k, id in enumerate(questions)}
    free = [id for id in assessor.causes if id not in evidence.hard]
    log_evidence, marginals = inference.lanes(fitted, varied, free)
    probability = np.exp(log_evidence - inference.log_probability(fitted))
    sure = [id for id in assessor.causes if evidence.hard.get(id) == 1]
    leading = tuple(sure[0] if sure else max(free, key=lambda id: (marginals[id][1, n], id)) for n in range(len(joint)))
    levels = np.zeros(len(joint), dtype=np.int64)
    for n, row in enumerate(joint):
        if probability[n] > 0:
            answered = evidence.with_hard(dict(zip(questions, row, strict=True)))
            supports = supports_of(answered, inference.network.by_id)
            rank = assessor.posterior_rank(answered)
            levels[n] = int(triage_many(supports, rank, assessor.book, policy).level)
    return probability / probability.sum(), levels, leading


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
