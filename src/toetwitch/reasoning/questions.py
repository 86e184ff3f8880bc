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
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from toetwitch.errors import EvidenceError
from toetwitch.evidence import Evidence
from toetwitch.frozen import FrozenMapping
from toetwitch.inference import ExactInference
from toetwitch.knowledge.red_flag import TRIAGE_LEVELS, level_rank
from toetwitch.reasoning.answers import (
    Effects,
    Reach,
    effects,
    given_first,
    joint_answers,
    joint_levels,
    reach,
)
from toetwitch.reasoning.assessment import Assessor
from toetwitch.reasoning.cards import questions_card
from toetwitch.reasoning.ranking import leaders
from toetwitch.reasoning.red_flags import supports_of
from toetwitch.reasoning.triage import Triage, gravest_by_posterior, triage

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
        The leading target after it: the one about whose last state the case has then taught most, as `assess` ranks.
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
            object.__setattr__(self, name, FrozenMapping(dict(getattr(self, name))))

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
        The leading target now.
    reach
        Between which levels the triage stays whatever else is answered; None for a network without rules.
    same_decision
        P(level and leading target stay as they are once all of `questions` are answered), None past 64 joint answers.
        Near one, asking these changes nothing.
    levels_exact
        Whether the levels after the answers are what `assess` would give; else, with too many danger findings present
        to count every reading of them, they are at least so grave.
    """

    questions: tuple[Question, ...]
    candidates: tuple[Question, ...]
    level: str
    leading: str
    reach: Reach | None
    same_decision: float | None
    levels_exact: bool = True

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
            "levels_exact": self.levels_exact,
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
            kept = "level and leading cause as they are" if self.level else f"{self.leading} leading"
            lines.append(f"  Answering these leaves {kept} with {self.same_decision:.0%}.")
        if not self.levels_exact:
            lines.append("  Levels after answers are told as at least so grave: too many danger findings are present.")
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
        For a `k` below 1, a horizon that is neither 1 nor 2, or a cost that is not above 0.
    UnknownNameError
        For a question, target or cost of no variable.
    ImpossibleEvidenceError
        When the evidence has probability zero.
    """
    costs = dict(costs or {})
    _check(inference, targets, k, horizon, costs)
    now = inference.posterior(evidence, targets).marginals
    free = [id for id in targets if id not in evidence.hard]
    asked = _askable(inference, evidence, targets, questions)
    book = _Book(inference, targets, now, assessor)
    leading = str(book.leading({}))
    urgency = None if assessor is None else _urgency(assessor, evidence, policy)
    bounds = None if assessor is None or urgency is None else reach(assessor, evidence, urgency)
    if not asked:
        return NextQuestions((), (), urgency.level if urgency else "", leading, bounds, None)
    after = effects(inference, evidence, free, asked, assessor, policy)
    found = _questions(book, after)
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
        _same_for_all(book, evidence, [q.id for q in chosen], urgency, leading, policy),
        after.exact,
    )


class _Book:
    """What a case is held against: the targets now, and before any evidence."""

    def __init__(
        self,
        inference: ExactInference,
        targets: Sequence[str],
        now: Mapping[str, Array],
        assessor: Assessor | None,
    ) -> None:
        self.inference = inference
        self.assessor = assessor
        self.now = {id: now[id] for id in targets}
        before = inference.posterior(Evidence({}, {}, {}), targets).marginals
        self.before = {id: np.asarray(before[id][-1]) for id in targets}

    def leading(self, posterior: Mapping[str, Array]) -> Any:
        """Return which target leads after answers, from posteriors of shape (states, ...); the others are as now."""
        return leaders({id: posterior.get(id, now)[-1] for id, now in self.now.items()}, self.before)


def _check(inference: ExactInference, targets: Sequence[str], k: int, horizon: int, costs: Mapping[str, float]) -> None:
    if not isinstance(k, (int, np.integer)) or k < 1:
        raise EvidenceError(f"k = {k!r}; expected how many questions to ask, a positive integer, for example 3")
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
    by_rules = triage(supports, 0, assessor.book, policy)
    # Where the rules ask for as much as any posterior could, its readings are not worth their time.
    if level_rank(by_rules.level) >= gravest_by_posterior(assessor.book):
        return by_rules
    return triage(supports, assessor.posterior_rank(evidence), assessor.book, policy)


def _questions(book: _Book, found: Effects) -> list[Question]:
    """Return the questions, from what their answers would do."""
    free = list(found.posterior)
    bits = np.zeros((len(free), len(found.rows)))
    for n, id in enumerate(free):
        bits[n] = _relative_entropy(found.posterior[id], book.now[id][:, None])
    by_row = np.where(found.probability > 0, bits.sum(axis=0), 0.0)
    leading = np.broadcast_to(book.leading(found.posterior), len(found.rows))
    rows_of: dict[str, list[int]] = {}
    for n, (id, _) in enumerate(found.rows):
        rows_of.setdefault(id, []).append(n)
    questions = []
    for id, rows in rows_of.items():
        states = book.inference.network.by_id[id].states
        answers = {
            states[found.rows[n][1]]: AnswerEffect(
                float(found.probability[n]),
                float(by_row[n]),
                TRIAGE_LEVELS[int(found.level[n])] if len(found.level) else "",
                str(leading[n]),
            )
            for n in rows
            if found.probability[n] > 0
        }
        gain = sum(answer.probability * answer.bits for answer in answers.values())
        about = free[int(np.argmax(bits[:, rows] @ found.probability[rows]))] if free else ""
        reason = f"tells most about {about}" if gain > 0 else "tells nothing about the targets"
        questions.append(Question(id, gain, 1.0, answers, reason=reason))
    return questions


def _relative_entropy(after: Array, before: Array) -> Array:
    """Return the relative entropy over the first axis in bits."""
    held = after > 0
    ratio = np.where(held, after, 1.0) / np.where(held & (before > 0), before, 1.0)
    return np.asarray(np.maximum((after * np.log2(ratio)).sum(axis=0), 0.0))


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
    answers, joint = given_first(inference, evidence, targets, q.id, others)
    gains = np.zeros(answers.shape)
    for table in joint.values():
        # The sum over a question's answers of P(target, answer) log P(target | answer) / P(target) is its gain.
        first = others[0]
        own = len(inference.network.by_id[first].states)
        before = table[:, :own].sum(axis=1, keepdims=True)
        after = table / np.where(answers > 0, answers, 1.0)
        gains += answers * _relative_entropy(after, np.broadcast_to(before, after.shape))
    starts = np.cumsum([0, *(len(inference.network.by_id[id].states) for id in others)])[:-1]
    by_question = np.add.reduceat(gains, starts, axis=0)
    more, follow = 0.0, {}
    for n, state in enumerate(states):
        if state in q.answers:
            best = int(np.argmax(by_question[:, n]))
            follow[state] = others[best]
            more += q.answers[state].probability * float(by_question[best, n])
    return replace(q, gain_ahead=q.gain + more, follow_up=follow)


def _same_for_all(
    book: _Book, evidence: Evidence, ids: Sequence[str], urgency: Triage | None, leading: str, policy: str | None
) -> float | None:
    """Return P(level and leading target stay as they are once all the questions are answered)."""
    by_id = book.inference.network.by_id
    if not ids or math.prod(len(by_id[id].states) for id in ids) > JOINT_ANSWERS:
        return None
    free = [id for id in book.now if id not in evidence.hard]
    rows, probability, posterior = joint_answers(book.inference, evidence, free, ids)
    stays = np.broadcast_to(book.leading(posterior) == leading, len(rows))
    if book.assessor is not None and urgency is not None:
        levels = joint_levels(book.assessor, evidence, ids, rows, probability, policy)
        stays = stays & (levels == level_rank(urgency.level))
    return float(min(1.0, probability[stays].sum()))
