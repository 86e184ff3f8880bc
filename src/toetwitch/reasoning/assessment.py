"""Assessment: one case in, the likelihood of every cause and the triage out.

The rules decide first and by the evidence alone, so impossible evidence, or a model whose numbers are wrong, still gets
its red flags. The posterior may add to the level, never take from it. Causes are ranked by how much
the case has taught us about each (information gain); its posterior, and how much of what is seen it accounts for
(expected disablement), stand beside it.
"""

from __future__ import annotations

__all__ = ["Assessment", "Assessor", "Identity", "described"]

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from toetwitch.errors import BudgetExceededError, ImpossibleEvidenceError
from toetwitch.evidence import Evidence
from toetwitch.frozen import FrozenMapping
from toetwitch.inference import Disablement, ExactInference
from toetwitch.inference.ragged import answer_readings, lanes_of_readings
from toetwitch.knowledge.red_flag import TRIAGE_LEVELS, RuleBook
from toetwitch.reasoning.assessment_card import assessment_card
from toetwitch.reasoning.attribution import Attribution, attribution
from toetwitch.reasoning.danger import DANGER_READINGS, danger_readings, readings_of_codes
from toetwitch.reasoning.ranking import information_gain, ranked
from toetwitch.reasoning.red_flags import FiredRule, PossibleRule, supports_of
from toetwitch.reasoning.subsets import LANES_AT_ONCE
from toetwitch.reasoning.triage import Triage, gravest_by_posterior, posterior_level, triage

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

NOT_A_DEVICE = "For research and teaching; not a medical device and not medical advice."

LANES_TOGETHER = 48
"""Both triage levels are read in one run where that takes no more lanes; past it each has a plan of its own."""

TEXT_CAUSES = 6
"""How many causes the text form lists."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which model an answer comes from.

    Parameters
    ----------
    name, version
        As the model file states them.
    setting
        Where the person is seen, which shifts the priors.
    """

    name: str
    version: str
    setting: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """The answer to one case.

    Parameters
    ----------
    model
        Which model answered, and for which setting.
    evidence
        What was known: id to a state (a bool for binary variables), or the kind of soft evidence with its numbers.
    ranking
        Every cause, leading explanation first; empty when there is no posterior.
    causes
        Cause to P(cause present | evidence).
    information_gain
        Cause to the relative entropy of its posterior from the setting's prior, in nats, negative where the case speaks
        against it: what the ranking is by.
    attribution
        How much of the picture each cause accounts for.
    no_listed_cause
        P(no listed cause present | evidence); None when there is no posterior.
    triage
        How urgent, and why.
    log_evidence
        Natural log of P(hard, excluded and likelihood evidence); minus infinity for impossible evidence, None when it
        was too costly to compute.
    clash
        A minimal set of findings that cannot hold together, else ().
    problem
        Why there is no posterior, else "".
    """

    model: Identity
    evidence: Mapping[str, object]
    ranking: tuple[str, ...]
    causes: Mapping[str, float]
    information_gain: Mapping[str, float]
    attribution: Attribution
    no_listed_cause: float | None
    triage: Triage
    log_evidence: float | None
    clash: tuple[str, ...] = ()
    problem: str = ""
    names: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("evidence", "causes", "information_gain", "names"):
            object.__setattr__(self, name, FrozenMapping(dict(getattr(self, name))))

    @property
    def red_flags(self) -> tuple[FiredRule, ...]:
        """The rules that fired, gravest first, each with the evidence that fired it."""
        return self.triage.fired

    @property
    def possible_red_flags(self) -> tuple[PossibleRule, ...]:
        """The rules that unanswered questions keep open, gravest first."""
        return self.triage.possible

    @property
    def expected_disablement(self) -> Mapping[str, float]:
        """Cause to the expected number of present findings that would vanish without it."""
        return self.attribution.expected_disablement

    def to_dict(self) -> dict[str, Any]:
        """Return the whole answer as JSON types; infinite or missing numbers as None."""
        return {
            "model": {"name": self.model.name, "version": self.model.version, "setting": self.model.setting},
            "evidence": dict(self.evidence),
            "triage": _triage_dict(self.triage),
            "red_flags": [_fired_dict(found) for found in self.red_flags],
            "possible_red_flags": [
                {"id": found.id, "level": found.level, "waits_for": list(found.waits_for)}
                for found in self.possible_red_flags
            ],
            "ranking": list(self.ranking),
            "causes": dict(self.causes),
            "information_gain": dict(self.information_gain),
            "expected_disablement": dict(self.expected_disablement),
            "necessity": {cause: dict(row) for cause, row in self.attribution.necessity.items()},
            "no_listed_cause": self.no_listed_cause,
            "log_evidence": None if self.log_evidence in (None, -math.inf) else self.log_evidence,
            "clash": list(self.clash),
            "problem": self.problem,
            "notice": NOT_A_DEVICE,
        }

    def to_json(self, *, indent: int | None = 2) -> str:
        """Return `to_dict` as JSON; reading it back gives an equal dict."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame, a row a cause in ranked order: probability, nats of evidence, expected disablement."""
        import pandas as pd

        return pd.DataFrame(
            {
                "probability": [self.causes[id] for id in self.ranking],
                "information_gain": [self.information_gain[id] for id in self.ranking],
                "expected_disablement": [self.expected_disablement[id] for id in self.ranking],
            },
            index=pd.Index(self.ranking, name="cause"),
        )

    def __str__(self) -> str:
        return "\n".join([*_flag_lines(self), *_cause_lines(self), "", NOT_A_DEVICE])

    def _repr_html_(self) -> str:
        return assessment_card(self, NOT_A_DEVICE)


class Assessor:
    """Assesses cases with one model; immutable.

    Parameters
    ----------
    inference
        Exact inference in the model's network.
    book
        The red flags and the policy.
    identity
        Which model this is.
    """

    def __init__(self, inference: ExactInference, book: RuleBook, identity: Identity) -> None:
        self.inference = inference
        self.book = book
        self.identity = identity
        self.causes = tuple(variable.id for variable in inference.network.of_kind("cause"))
        self.disablement = Disablement(inference, self.causes)
        prior = inference.posterior(Evidence({}, {}, {}), self.causes).marginals
        self.prior = {id: float(prior[id][1]) for id in self.causes}

    def assess(self, evidence: Evidence, policy: str | None = None) -> Assessment:
        """Answer one case; impossible or too costly evidence loses the posterior, never a flag.

        Raises
        ------
        UnknownNameError
            For a policy that does not exist.
        """
        supports = supports_of(evidence, self.inference.network.by_id)
        try:
            answer = self.inference.posterior(evidence, self.causes)
            causes = {id: float(answer.marginals[id][1]) for id in self.causes}
            gain = {id: information_gain(causes[id], self.prior[id]) for id in self.causes}
            shares = attribution(self.disablement, evidence)
            none = self.no_listed_cause(evidence, None if evidence.jeffrey else answer.log_evidence)
            rank, rank_if_no = self._ranks(evidence, causes)
        except (ImpossibleEvidenceError, BudgetExceededError) as error:
            clash = error.clash if isinstance(error, ImpossibleEvidenceError) else ()
            return self._without_posterior(evidence, triage(supports, None, self.book, policy), clash, str(error))
        return Assessment(
            model=self.identity,
            evidence=described(evidence, self.inference),
            ranking=ranked(gain, causes),
            causes=causes,
            information_gain=gain,
            attribution=shares,
            no_listed_cause=none,
            triage=triage(supports, rank, self.book, policy, posterior_if_no=rank_if_no),
            log_evidence=answer.log_evidence,
            names=self._names(),
        )

    def no_listed_cause(self, evidence: Evidence, log_probability: float | None = None) -> float:
        """Return P(every listed cause absent | evidence); `log_probability` of the evidence where it is known already.

        Raises
        ------
        ImpossibleEvidenceError
            When the evidence has probability zero.
        """
        if any(evidence.hard.get(id) == 1 for id in self.causes):
            return 0.0
        weights = self.inference.weights(evidence)
        fitted = Evidence(evidence.hard, weights, {})
        absent = fitted.with_hard(dict.fromkeys(self.causes, 0))
        shared = sum(
            math.log(weights[id][0]) if weights[id][0] > 0 else -math.inf for id in self.causes if id in weights
        )
        if log_probability is None:
            log_probability = self.inference.log_probability(fitted)
        return math.exp(min(0.0, self.inference.log_probability(absent) + shared - log_probability))

    def _ranks(self, evidence: Evidence, causes: Mapping[str, float]) -> tuple[int, int]:
        """Return the posterior's rank, and what it would be were the gate's open questions answered no."""
        by_id = self.inference.network.by_id
        no = {atom.id: by_id[atom.id].index(atom.states[0]) for atom in self.book.policy.gate}
        denied = evidence.with_hard({id: state for id, state in no.items() if id not in evidence.ids})
        if set(denied.ids) == set(evidence.ids):
            rank = self.posterior_rank(evidence, causes)
            return rank, rank
        together = self._ranks_together(evidence, denied)
        if together is not None:
            return together
        possible = not self.inference.clash(denied)
        rank = self.posterior_rank(evidence, causes)
        return rank, self.posterior_rank(denied) if possible else rank

    def _ranks_together(self, evidence: Evidence, denied: Evidence) -> tuple[int, int] | None:
        """Return both ranks from the readings of both cases in one run; None for evidence that readings would vary."""
        inference, book = self.inference, self.book
        danger = [id for id in book.policy.danger_findings if id in inference.network.by_id]
        targets = sorted({id for rule in book.posterior_rules for id in rule.causes if id in inference.network.by_id})
        if evidence.jeffrey or not targets or not set(danger).isdisjoint(evidence.soft):
            return None
        cases = np.full((2, len(inference.network.variables)), -1, dtype=np.int64)
        for row, case in enumerate((evidence, denied)):
            cases[row, [inference.index(id) for id in case.hard]] = list(case.hard.values())
        places = np.array([inference.index(id) for id in danger], dtype=np.int64)
        if np.prod(np.maximum(cases[0, places], 0) + 1.0) > DANGER_READINGS:
            return len(TRIAGE_LEVELS) - 1, len(TRIAGE_LEVELS) - 1
        read = [readings_of_codes(case, places) for case in cases]
        rows = np.repeat([0, 1], [len(each) for each in read])
        soft = {id: np.stack([weights, weights]) for id, weights in evidence.soft.items()}
        said = np.concatenate(read)
        if lanes_of_readings(inference, cases, soft, rows, said).sum() > LANES_TOGETHER:
            return None
        logs, found = answer_readings(inference, cases, soft, rows, said, targets, threads=1)
        levels = posterior_level({id: found[id][:, 1] for id in targets}, book)
        rank, rank_if_no = int(levels[rows == 0].max()), int(levels[rows == 1].max())
        return rank, rank if math.isinf(logs[len(read[0])]) else rank_if_no

    def posterior_rank(self, evidence: Evidence, causes: Mapping[str, float] | None = None) -> int:
        """Return the rank of the level that the posterior alone asks for, the highest over the danger readings.

        Past the size limit of `danger_readings` (more than twelve danger findings present) it is the top level.

        Parameters
        ----------
        evidence
            The case.
        causes
            P(cause present | evidence) where it is known already: nothing else is computed without a danger finding, or
            where the case itself asks for the highest level that any probabilities can.

        Raises
        ------
        ImpossibleEvidenceError
            When the evidence has probability zero.
        """
        sizes = {id: len(variable.states) for id, variable in self.inference.network.by_id.items()}
        danger = [id for id in self.book.policy.danger_findings if id in sizes]
        readings = danger_readings(evidence, danger, sizes)
        if readings is None:
            return len(TRIAGE_LEVELS) - 1
        asked = {id for rule in self.book.posterior_rules for id in rule.causes}
        targets = [id for id in self.causes if id in asked]
        if not targets:
            return 0
        if causes is not None:
            rank = int(posterior_level({id: causes[id] for id in targets}, self.book))
            if not readings or rank == gravest_by_posterior(self.book):
                return rank
        return max(map(int, posterior_level(self._over_readings(evidence, readings, targets), self.book)))

    def _over_readings(
        self, evidence: Evidence, readings: Mapping[str, Array], targets: Sequence[str]
    ) -> dict[str, Array]:
        """Return target to P(present) by reading, shape (readings,)."""
        if not readings:
            answer = self.inference.posterior(evidence, targets)
            return {id: answer.marginals[id][1:2] for id in targets}
        by_sums = self.inference.readings(evidence, readings, targets)
        if by_sums is not None:
            return {id: by_sums[id][1] for id in targets}
        by_codes = self._over_coded_readings(evidence, readings, targets)
        if by_codes is not None:
            return by_codes
        rest, count = evidence.without(*readings), next(iter(readings.values())).shape[1]
        blocks = []
        for start in range(0, count, LANES_AT_ONCE):
            block = {id: weights[:, start : start + LANES_AT_ONCE] for id, weights in readings.items()}
            blocks.append(self.inference.lanes(rest, block, targets)[1])
        return {id: np.concatenate([block[id][1] for block in blocks]) for id in targets}

    def _over_coded_readings(
        self, evidence: Evidence, readings: Mapping[str, Array], targets: Sequence[str]
    ) -> dict[str, Array] | None:
        """Return the same from signed sums over the skeleton, where that costs less than the plan of the readings."""
        inference = self.inference
        if evidence.jeffrey or not set(readings).isdisjoint(evidence.soft) or not inference.skeleton.small:
            return None
        case = np.full(len(inference.network.variables), -1, dtype=np.int64)
        case[[inference.index(id) for id in evidence.hard]] = list(evidence.hard.values())
        read = readings_of_codes(case, np.array([inference.index(id) for id in readings], dtype=np.int64))
        rows, soft = np.zeros(len(read), dtype=np.int64), {id: w[None, :] for id, w in evidence.soft.items()}
        lanes = lanes_of_readings(inference, case[None, :], soft, rows, read).sum()
        weighed = Evidence(evidence.without(*readings).hard, {**evidence.soft, **readings}, {})
        try:
            plan = float(inference.plan(weighed, targets).entries * len(read))
        except BudgetExceededError:
            plan = math.inf
        if plan <= lanes * inference.skeleton.entries:
            return None
        found = answer_readings(inference, case[None, :], soft, rows, read, targets, threads=1)[1]
        return {id: found[id][:, 1] for id in targets}

    def _without_posterior(
        self, evidence: Evidence, urgency: Triage, clash: tuple[str, ...], problem: str
    ) -> Assessment:
        return Assessment(
            model=self.identity,
            evidence=described(evidence, self.inference),
            ranking=(),
            causes={},
            information_gain={},
            attribution=Attribution({}, {}),
            no_listed_cause=None,
            triage=urgency,
            log_evidence=-math.inf if clash else None,
            clash=clash,
            problem=problem,
            names=self._names(),
        )

    def _names(self) -> dict[str, str]:
        return {id: variable.name for id, variable in self.inference.network.by_id.items()}


def described(evidence: Evidence, inference: ExactInference) -> dict[str, object]:
    """Return evidence as JSON types: id to a bool or state, or to {kind: numbers} for soft evidence."""
    by_id = inference.network.by_id
    known: dict[str, object] = {}
    for id, index in evidence.hard.items():
        known[id] = bool(index) if by_id[id].is_binary else by_id[id].states[index]
    for id, weights in evidence.soft.items():
        states = by_id[id].states
        if id in evidence.excluded:
            known[id] = {"excluded": [s for s, weight in zip(states, weights, strict=True) if weight == 0]}
        else:
            known[id] = {"likelihood": dict(zip(states, map(float, weights), strict=True))}
    for id, stated in evidence.jeffrey.items():
        known[id] = {"jeffrey": dict(zip(by_id[id].states, map(float, stated), strict=True))}
    return known


def _fired_dict(found: FiredRule) -> dict[str, Any]:
    return {
        "id": found.id,
        "level": found.level,
        "guideline_level": found.guideline_level,
        "origin": found.origin,
        "rationale": found.rationale,
        "source": found.source,
        "emergency": found.emergency,
        "because": {id: list(said) if isinstance(said, tuple) else said for id, said in found.because.items()},
    }


def _triage_dict(urgency: Triage) -> dict[str, Any]:
    return {
        "level": urgency.level,
        "policy": urgency.policy,
        "rules_level": urgency.rules_level,
        "posterior_level": urgency.posterior_level,
        "level_if_unanswered_were_no": urgency.level_if_unanswered_were_no,
        "level_if_possible_fired": urgency.level_if_possible_fired,
        "level_by_policy": dict(urgency.level_by_policy),
        "gate_applied": urgency.gate_applied,
        "unanswered": list(urgency.unanswered),
        "ask_next": list(urgency.ask_next),
        "emergency": urgency.emergency,
        "pathways": list(urgency.pathways),
        "dissent": [
            {"rule": d.rule, "level": d.level, "guideline_level": d.guideline_level, "holds": d.holds, "text": d.text}
            for d in urgency.dissent
        ],
    }


def _flag_lines(answer: Assessment) -> list[str]:
    urgency = answer.triage
    lines = [f"{urgency.level.replace('_', ' ').upper()} (policy: {urgency.policy}, setting: {answer.model.setting})"]
    if urgency.emergency:
        lines.append("A rule that fired says: ambulance or emergency department.")
    for found in answer.red_flags:
        because = ", ".join(f"{id} = {_said(value)}" for id, value in found.because.items())
        lines.append(f"  ! {found.id}: {found.level} [{found.cited}]")
        lines.append(f"      {found.rationale} Because {because}.")
    for dissent in urgency.dissent:
        if dissent.guideline_level == dissent.level:
            continue
        where = "holds here" if dissent.holds else f"waits for {', '.join(dissent.waits_for) or 'nothing known'}"
        lines.append(f"  ~ guidelines on {dissent.rule}: {dissent.guideline_level} ({where})")
    if urgency.posterior_level is not None:
        lines.append(f"  The posterior alone: {urgency.posterior_level}.")
    if urgency.gate_applied:
        lines.append("  Held back from self-care until answered: " + ", ".join(urgency.unanswered) + ".")
    if urgency.ask_next:
        lines.append(
            f"  Could raise the level to {urgency.level_if_possible_fired}; ask first: "
            + ", ".join(urgency.ask_next[:5])
            + ("." if len(urgency.ask_next) <= 5 else ", ...")
        )
    return lines


def _said(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _cause_lines(answer: Assessment) -> list[str]:
    if answer.problem:
        return ["", f"No posterior: {answer.problem}."]
    seen = max((len(row) for row in answer.attribution.necessity.values()), default=0)
    lines = ["", f"Leading explanations (probability; evidence for it in nats; share of {seen} findings)"]
    for place, id in enumerate(answer.ranking[:TEXT_CAUSES], start=1):
        name = answer.names.get(id, id)
        numbers = (
            f"{answer.causes[id]:>7.1%} {answer.information_gain[id]:>6.2f} {answer.expected_disablement[id]:>6.2f}"
        )
        lines.append(f"  {place}. {name:<46} {numbers}")
    lines.append(f"  No listed cause: {answer.no_listed_cause:.1%}")
    return lines
