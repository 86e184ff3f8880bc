"""What to ask next: the answers that are worth most, dangers first, and when to stop asking.

A question's gain is the mutual information between its answer and each target, summed over the targets, in bits: how
much uncertainty the answer is expected to remove. It is the mean, over the answers, of how far each would move the
targets (relative entropy), so every question shows its telling answer too. In a model with rules the level counts
first: unanswered red flags that could raise it come before anything, in the order of the rule book, and each question
says how likely its answer is to change the level, and to leave both the level and the leading cause as they are (the
same-decision probability). With a horizon of two a question is also worth what the best next question would bring
after each of its answers.

References
----------
Lindley (1956), On a measure of the information provided by an experiment. Annals of Mathematical Statistics 27,
986-1005. doi:10.1214/aoms/1177728069
Choi, Xue & Darwiche (2012), Same-decision probability: a confidence measure for threshold-based decisions.
International Journal of Approximate Reasoning 53, 1415-1428. doi:10.1016/j.ijar.2012.04.005
"""

from __future__ import annotations

__all__ = ["ASKED_KINDS", "SHORTLIST", "AnswerEffect", "NextQuestions", "Question", "next_questions"]

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from toetwitch.errors import EvidenceError
from toetwitch.evidence import Evidence
from toetwitch.inference import ExactInference
from toetwitch.knowledge.red_flag import TRIAGE_LEVELS, level_rank
from toetwitch.reasoning.answers import Reach, causes_given_answers, first_reading, joint_levels, levels_after, reach
from toetwitch.reasoning.assessment import Assessor
from toetwitch.reasoning.cards import questions_card
from toetwitch.reasoning.red_flags import supports_of
from toetwitch.reasoning.triage import Triage, triage

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

ASKED_KINDS = ("context", "finding", "test", "variable")
"""Kinds of variable that can be asked about; causes and latent variables cannot."""

SHORTLIST = 6
"""How many of the best questions a horizon of two looks beyond."""

JOINT_ANSWERS = 64
"""Most joint answers over which the same-decision probability of all questions together is summed."""


@dataclass(frozen=True, slots=True)
class AnswerEffect:
    """What one answer would do.

    Parameters
    ----------
    probability
        P(answer | evidence).
    bits
        How far it would move the targets: relative entropy, summed over them.
    level
        The level after it; "" for a network without rules.
    leading
        The most probable target (in its last state) after it.
    """

    probability: float
    bits: float
    level: str
    leading: str


@dataclass(frozen=True, slots=True)
class Question:
    """One question, and what asking it is worth.

    Parameters
    ----------
    id
        The variable.
    gain
        Expected gain on the targets, in bits.
    cost
        What asking costs; 1 unless said otherwise.
    answers
        State to its effect, for answers that are possible; the mean of their bits is the gain.
    level_change
        P(the answer changes the level).
    level_rise
        Expected change of the level's rank, up counted positive.
    could_raise_to
        The level to which a red flag that waits for this could raise, or "".
    same_decision
        P(level and leading target stay as they are after the answer).
    gain_ahead
        With a horizon of two: the gain plus that of the best next question after each answer; else None.
    follow_up
        With a horizon of two: state to that next question.
    reason
        Why to ask, in words.
    wording
        The question in plain words, or "".
    """

    id: str
    gain: float
    cost: float
    answers: Mapping[str, AnswerEffect]
    level_change: float = 0.0
    level_rise: float = 0.0
    could_raise_to: str = ""
    same_decision: float = 1.0
    gain_ahead: float | None = None
    follow_up: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    wording: str = ""

    def __post_init__(self) -> None:
        for name in ("answers", "follow_up"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @property
    def telling(self) -> str:
        """The answer that would move the targets most."""
        return max(self.answers, key=lambda state: self.answers[state].bits)

    @property
    def worth(self) -> float:
        """Gain by cost, looking ahead where that was asked for."""
        return (self.gain if self.gain_ahead is None else self.gain_ahead) / self.cost


@dataclass(frozen=True, slots=True)
class NextQuestions:
    """What to ask next.

    Parameters
    ----------
    questions
        The ones to ask: red flags that could raise the level first, then by gain for the cost.
    candidates
        Every question considered, in the same order.
    level
        The level now; "" for a network without rules.
    leading
        The most probable target now.
    reach
        Between which levels the triage stays whatever else is answered; None for a network without rules.
    same_decision
        P(level and leading target stay as they are once all of `questions` are answered), None past 64 joint answers.
        Near one, asking these changes nothing.
    """

    questions: tuple[Question, ...]
    candidates: tuple[Question, ...]
    level: str
    leading: str
    reach: Reach | None
    same_decision: float | None

    @property
    def settled(self) -> bool:
        """Whether no remaining answer can change the level."""
        return self.reach is not None and self.reach.settled

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as JSON types."""
        return {
            "questions": [_question_dict(question) for question in self.questions],
            "level": self.level,
            "leading": self.leading,
            "lowest_level": self.reach.lowest if self.reach else None,
            "highest_level": self.reach.highest if self.reach else None,
            "settled": self.settled,
            "same_decision": self.same_decision,
        }

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame, a row a candidate in the order in which to ask."""
        import pandas as pd

        columns = ["gain", "gain_ahead", "cost", "worth", "level_change", "level_rise", "could_raise_to",
                   "same_decision", "telling", "reason"]  # fmt: skip
        rows = [
            [math.nan if (value := getattr(q, name)) is None else value for name in columns] for q in self.candidates
        ]
        return pd.DataFrame(rows, index=pd.Index([q.id for q in self.candidates], name="question"), columns=columns)

    def __str__(self) -> str:
        lines = []
        if self.reach is not None:
            kept = "no remaining answer can change it" if self.settled else f"can reach {self.reach.highest}"
            lines.append(f"Level now: {self.level}; {kept}.")
        for place, q in enumerate(self.questions, start=1):
            lines.append(f"  {place}. {q.wording or q.id}   [{q.id}, {q.gain:.3f} bits]")
            lines.append(f"     {q.reason}")
        if self.same_decision is not None:
            lines.append(f"  Answering these leaves level and leading cause as they are with {self.same_decision:.0%}.")
        return "\n".join(lines) or "Nothing is left to ask."

    def _repr_html_(self) -> str:
        return questions_card(self)


def _question_dict(q: Question) -> dict[str, Any]:
    return {
        "id": q.id,
        "wording": q.wording,
        "reason": q.reason,
        "gain": q.gain,
        "gain_ahead": q.gain_ahead,
        "cost": q.cost,
        "level_change": q.level_change,
        "level_rise": q.level_rise,
        "could_raise_to": q.could_raise_to,
        "same_decision": q.same_decision,
        "telling": q.telling,
        "follow_up": dict(q.follow_up),
        "answers": {
            state: {"probability": a.probability, "bits": a.bits, "level": a.level, "leading": a.leading}
            for state, a in q.answers.items()
        },
    }


def next_questions(
    inference: ExactInference,
    evidence: Evidence,
    targets: Sequence[str],
    *,
    k: int = 3,
    horizon: int = 1,
    costs: Mapping[str, float] | None = None,
    questions: Sequence[str] | None = None,
    assessor: Assessor | None = None,
    policy: str | None = None,
) -> NextQuestions:
    """Return what to ask next.

    Parameters
    ----------
    inference
        The network.
    evidence
        The case. Jeffrey statements count as the weights that make them hold now.
    targets
        What the answers are to tell about, for example the causes.
    k
        How many questions.
    horizon
        1, or 2 to count the best next question too, for the `SHORTLIST` best first ones.
    costs
        Question to what asking it costs, above 0; 1 for the others.
    questions
        What may be asked; by default every variable of `ASKED_KINDS` about which nothing is known.
    assessor
        The rules, for a model; None for a network.
    policy
        Whose level counts.

    Raises
    ------
    EvidenceError
        For a horizon that is neither 1 nor 2, or a cost that is not above 0.
    UnknownNameError
        For a question, target or cost of no variable.
    ImpossibleEvidenceError
        When the evidence has probability zero.
    """
    costs = dict(costs or {})
    _check(inference, targets, horizon, costs)
    prior = inference.posterior(evidence, targets).marginals
    free = [id for id in targets if id not in evidence.hard]
    asked = _askable(inference, evidence, targets, questions)
    leading = _leading({id: float(prior[id][-1]) for id in targets})
    urgency = None if assessor is None else _urgency(assessor, evidence, policy)
    bounds = None if assessor is None or urgency is None else reach(assessor, evidence, urgency)
    if not asked:
        return NextQuestions((), (), urgency.level if urgency else "", leading, bounds, None)
    levels = {} if assessor is None else levels_after(assessor, evidence, asked, policy)
    itself = {} if assessor is None else first_reading(assessor, evidence)
    answers, pairs = causes_given_answers(inference, evidence, free, asked, itself)
    found = [
        _question(inference, id, answers[id][:, 0], {t: pairs[t][id][..., 0] for t in free}, prior, levels.get(id))
        for id in asked
    ]
    found = [replace(q, cost=costs.get(q.id, 1.0)) for q in found]
    if assessor is not None and urgency is not None:
        found = [_judged(q, assessor, urgency, leading) for q in found]
    else:
        found = [replace(q, same_decision=_same(q, "", leading)) for q in found]
    if horizon == 2:
        best = sorted(found, key=lambda q: -q.worth)[:SHORTLIST]
        ahead = {q.id: _look_ahead(inference, evidence, free, q, asked) for q in best}
        found = [ahead.get(q.id, q) for q in found]
    order = () if urgency is None else urgency.ask_next
    ranked = sorted(found, key=lambda q: (order.index(q.id) if q.id in order else len(order), -q.worth, q.id))
    chosen = tuple(ranked[:k])
    return NextQuestions(
        chosen,
        tuple(ranked),
        urgency.level if urgency else "",
        leading,
        bounds,
        _same_for_all(assessor, evidence, chosen, urgency, leading, policy),
    )


def _check(inference: ExactInference, targets: Sequence[str], horizon: int, costs: Mapping[str, float]) -> None:
    if horizon not in (1, 2):
        raise EvidenceError(f"horizon {horizon!r}; expected 1 or 2")
    for id in (*targets, *costs):
        inference.index(id)
    for id, cost in costs.items():
        if not (math.isfinite(cost) and cost > 0):
            raise EvidenceError(f"the cost of {id!r} is {cost!r}; expected a finite number above 0")


def _askable(
    inference: ExactInference, evidence: Evidence, targets: Sequence[str], questions: Sequence[str] | None
) -> list[str]:
    by_id = inference.network.by_id
    if questions is None:
        questions = [id for id, variable in by_id.items() if variable.kind in ASKED_KINDS]
    for id in questions:
        inference.index(id)
    return [id for id in questions if id not in evidence.ids and id not in targets and len(by_id[id].states) > 1]


def _urgency(assessor: Assessor, evidence: Evidence, policy: str | None) -> Triage:
    supports = supports_of(evidence, assessor.inference.network.by_id)
    return triage(supports, assessor.posterior_rank(evidence), assessor.book, policy)


def _leading(probability: Mapping[str, float]) -> str:
    return max(probability, key=lambda id: (probability[id], id), default="")


def _question(
    inference: ExactInference,
    id: str,
    answers: Array,
    pairs: Mapping[str, Array],
    prior: Mapping[str, Array],
    levels: NDArray[np.int64] | None,
) -> Question:
    """Return a question from P(answer), shape (answers,), and P(target, answer), shape (states, answers)."""
    states = inference.network.by_id[id].states
    effects = {}
    for a, state in enumerate(states):
        if answers[a] <= 0:
            continue
        after = {target: joint[:, a] / answers[a] for target, joint in pairs.items()}
        bits = sum(_relative_entropy(after[target], prior[target]) for target in after)
        likely = {target: float((after[target] if target in after else prior[target])[-1]) for target in prior}
        level = "" if levels is None else TRIAGE_LEVELS[int(levels[a])]
        effects[state] = AnswerEffect(float(answers[a]), bits, level, _leading(likely))
    gain = sum(effect.probability * effect.bits for effect in effects.values())
    about = max(pairs, key=lambda target: _information(pairs[target], answers, prior[target]), default="")
    reason = f"tells most about {about}" if about and gain > 0 else "tells nothing about the targets"
    return Question(id, gain, 1.0, effects, reason=reason)


def _relative_entropy(after: Array, before: Array) -> float:
    held = after > 0
    return max(0.0, float((after[held] * np.log2(after[held] / before[held])).sum()))


def _information(joint: Array, answers: Array, prior: Array) -> float:
    expected = prior[:, None] * answers[None, :]
    held = (joint > 0) & (expected > 0)
    return float((joint[held] * np.log2(joint[held] / expected[held])).sum())


def _same(q: Question, level: str, leading: str) -> float:
    return sum(a.probability for a in q.answers.values() if a.level == level and a.leading == leading)


def _judged(q: Question, assessor: Assessor, urgency: Triage, leading: str) -> Question:
    """Return the question with what its answers would do to the level."""
    now = level_rank(urgency.level)
    change = sum(a.probability for a in q.answers.values() if a.level != urgency.level)
    rise = sum(a.probability * (level_rank(a.level) - now) for a in q.answers.values())
    waiting = [found for found in urgency.possible if q.id in found.waits_for and found.rule.rank > now]
    reason = q.reason
    if waiting:
        reason = f"could raise the level to {waiting[0].level}: {waiting[0].rationale}"
    elif change > 0:
        reason = f"changes the level with probability {change:.0%}; {q.reason}"
    return replace(
        q,
        level_change=change,
        level_rise=rise,
        could_raise_to=waiting[0].level if waiting else "",
        same_decision=_same(q, urgency.level, leading),
        reason=reason,
        wording=assessor.book.question(q.id),
    )


def _look_ahead(
    inference: ExactInference, evidence: Evidence, targets: Sequence[str], q: Question, asked: Sequence[str]
) -> Question:
    """Return the question with the gain of the best next one after each answer added."""
    states = inference.network.by_id[q.id].states
    others = [id for id in asked if id != q.id]
    if not others:
        return replace(q, gain_ahead=q.gain)
    first = {q.id: np.eye(len(states))}
    answers, pairs = causes_given_answers(inference, evidence, targets, others, first)
    more, follow = 0.0, {}
    for n, state in enumerate(states):
        if state not in q.answers:
            continue
        gains = {}
        for id in others:
            here = answers[id][:, n]
            joint = {target: pairs[target][id][..., n] for target in targets}
            gains[id] = sum(_information(table, here, table.sum(axis=1)) for table in joint.values())
        follow[state] = max(gains, key=lambda id: gains[id])
        more += q.answers[state].probability * gains[follow[state]]
    return replace(q, gain_ahead=q.gain + more, follow_up=follow)


def _same_for_all(
    assessor: Assessor | None,
    evidence: Evidence,
    chosen: Sequence[Question],
    urgency: Triage | None,
    leading: str,
    policy: str | None,
) -> float | None:
    if assessor is None or urgency is None or not chosen:
        return None
    ids = [q.id for q in chosen]
    if math.prod(len(assessor.inference.network.by_id[id].states) for id in ids) > JOINT_ANSWERS:
        return None
    probability, levels, leaders = joint_levels(assessor, evidence, ids, policy)
    stays = (levels == level_rank(urgency.level)) & np.array([leader == leading for leader in leaders])
    return float(probability[stays].sum())
