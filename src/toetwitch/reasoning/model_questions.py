"""The questions that a cited model answers, one line each; `toetwitch.model` makes and loads models."""

from __future__ import annotations

__all__ = ["ModelQuestions"]

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from toetwitch.errors import EvidenceError
from toetwitch.evidence import read_evidence
from toetwitch.knowledge.definition import ModelDefinition
from toetwitch.reasoning.assessment import Assessment, Assessor
from toetwitch.reasoning.attribution import Production, attribute
from toetwitch.reasoning.comparison import Comparison
from toetwitch.reasoning.conflict import Conflict
from toetwitch.reasoning.diary import Diary, Rates, read_diary
from toetwitch.reasoning.enclosure import Enclosure
from toetwitch.reasoning.explanation import Explanation
from toetwitch.reasoning.flips import Flip, flip
from toetwitch.reasoning.intervention import Advised, WhatIf, advise, checked_intervention
from toetwitch.reasoning.questions import NextQuestions, next_questions
from toetwitch.reasoning.sensitivity import Sensitivity
from toetwitch.reasoning.uncertainty import Intervals

if TYPE_CHECKING:
    from toetwitch.network import Network


class ModelQuestions:
    """What is it, why, how urgent, what next, what if, and how sure: for a network with rules and advice.

    A class that inherits this sets `_assessor`, `_definition` and `_network` once.
    """

    __slots__ = ("_assessor", "_definition", "_network")

    _assessor: Assessor
    _definition: ModelDefinition
    _network: Network

    @property
    def causes(self) -> tuple[str, ...]:
        """Ids of the causes."""
        return self._assessor.causes

    @property
    def assessor(self) -> Assessor:
        """Assessment of checked evidence, for code that needs its parts one by one."""
        return self._assessor

    def assess(self, evidence: Mapping[str, object] | None = None, *, policy: str | None = None) -> Assessment:
        """Answer one case: the likelihood of every cause, and how urgent.

        Parameters
        ----------
        evidence
            Id to a state (`True`, `False` or a name), `excluded(...)`, `likelihood(...)`, `jeffrey(...)`, or an
            unknown value, which is the same as leaving the id out. No evidence gives the priors; no complaint is
            assumed.
        policy
            "article" (the default of the model) or "guideline": whose level counts where they disagree.

        Returns
        -------
        Assessment
            Impossible evidence loses the posterior, never a flag: causes are then empty and `clash` says why.

        Raises
        ------
        UnknownNameError
            For an id, state or policy that does not exist; carries the nearest one.
        EvidenceError
            For evidence of a wrong type.
        """
        return self._assessor.assess(
            read_evidence({} if evidence is None else evidence, self._network.variables), policy
        )

    def explain(self, evidence: Mapping[str, object], cause: str) -> Explanation:
        """Explain P(cause present | evidence): what each finding adds, by which links, and what explains away what.

        `prior_log_odds + sum(contributions.values()) == posterior_log_odds`, natural logarithms; the prior is the
        model's with no evidence, and context counts as evidence.

        Raises
        ------
        UnknownNameError
            For an id or state that does not exist; carries the nearest one.
        ImpossibleEvidenceError
            When the evidence has probability zero.

        Examples
        --------
        >>> from toetwitch.model import load_model
        >>> answer = load_model().explain({"fasciculation": True, "caffeine_intake": "high"}, "caffeine_effect")
        >>> answer.supporting
        ('caffeine_intake', 'fasciculation')
        >>> abs(answer.prior_log_odds + sum(answer.contributions.values()) - answer.posterior_log_odds) < 1e-9
        True
        """
        return self._network.explain(evidence, cause)

    def attribute(self, evidence: Mapping[str, object]) -> Production:
        """Return what produced each present finding, and what would vanish without each cause.

        Raises
        ------
        ImpossibleEvidenceError
            When the evidence has probability zero.

        Examples
        --------
        >>> from toetwitch.model import load_model
        >>> answer = load_model().attribute({"fasciculation": True, "caffeine_intake": "high"})
        >>> max(answer.produced["fasciculation"], key=answer.produced["fasciculation"].get)
        'caffeine_effect'
        >>> sum(answer.produced["fasciculation"].values()) >= 1
        True
        """
        return attribute(self._assessor.disablement, self._network.read(evidence))

    def next_questions(
        self,
        evidence: Mapping[str, object],
        *,
        k: int = 3,
        horizon: int = 1,
        costs: Mapping[str, float] | None = None,
        questions: Sequence[str] | None = None,
        policy: str | None = None,
    ) -> NextQuestions:
        """Return what to ask next: red flags that could raise the level first, then what tells most about the causes.

        Parameters
        ----------
        evidence
            The case.
        k
            How many questions.
        horizon
            1, or 2 to count the best next question too.
        costs
            Question to what asking it costs; 1 for the others.
        questions
            What may be asked; by default every context, finding and test about which nothing is known.
        policy
            Whose level counts; the model's default when None.

        Raises
        ------
        EvidenceError
            For a horizon that is neither 1 nor 2, or a cost that is not above 0.
        ImpossibleEvidenceError
            When the evidence has probability zero.
        """
        return next_questions(
            self._network.inference,
            self._network.read(evidence),
            self.causes,
            k=k,
            horizon=horizon,
            costs=costs,
            questions=questions,
            assessor=self._assessor,
            policy=policy,
        )

    def what_if(
        self,
        evidence: Mapping[str, object],
        do: Mapping[str, str | bool],
        targets: Sequence[str] | None = None,
    ) -> WhatIf:
        """Return what setting a context or a cause would change: do, not see.

        Parameters
        ----------
        evidence
            The case.
        do
            Context or cause to the state it is set to.
        targets
            Ids; by default the causes that are not set and all that the evidence speaks of, which any case affords:
            a world of every variable beside the actual one may need more memory than there is.

        Raises
        ------
        EvidenceError
            For setting something that is neither context nor cause.
        UnknownNameError
            For an id or state that does not exist; carries the nearest one.
        ImpossibleEvidenceError
            When the evidence has probability zero, or would have under the intervention.
        """
        self._check_modifiable(do)
        return self._network.what_if(evidence, do, self._spoken_of(evidence, do) if targets is None else targets)

    def counterfactual(
        self,
        evidence: Mapping[str, object],
        do: Mapping[str, str | bool],
        targets: Sequence[str] | None = None,
    ) -> dict[str, dict[str, float]]:
        """Return what would have been seen under an intervention, given what was seen: target to state to probability.

        Parameters
        ----------
        evidence
            What was seen.
        do
            Context or cause to the state it is set to.
        targets
            Ids; by default the causes that are not set and all that the evidence speaks of.

        Raises
        ------
        EvidenceError
            For setting something that is neither context nor cause.
        ImpossibleEvidenceError
            When the evidence has probability zero.
        """
        self._check_modifiable(do)
        return self._network.counterfactual(evidence, do, self._spoken_of(evidence, do) if targets is None else targets)

    def advise(self, evidence: Mapping[str, object], *, policy: str | None = None) -> Advised:
        """Return what a person can do, ranked by which findings would persist; silent where the level asks for help.

        Contraindicated steps are withheld, and a step that needs a prescriber is shown as one.

        Raises
        ------
        ImpossibleEvidenceError
            When the evidence has probability zero.
        """
        level = self.assess(evidence, policy=policy).triage.level
        return advise(
            self._network.interventions,
            self._network.read(evidence),
            level,
            self._definition.advice,
            self._definition.rules,
        )

    def sensitivity(self, evidence: Mapping[str, object], cause: str, *, factor: float = 2.0) -> Sensitivity:
        """Return how P(cause present | evidence) depends on each stated number, and on each source.

        Parameters
        ----------
        evidence
            The case.
        cause
            What is looked at; which cause leads is followed too.
        factor
            By how much the odds of all numbers of one source are multiplied and divided.

        Raises
        ------
        ImpossibleEvidenceError
            When the evidence has probability zero.
        """
        return self._network.sensitivity(evidence, cause, rivals=self.causes, factor=factor)

    def flip(self, evidence: Mapping[str, object], *, numbers: int = 2) -> tuple[Flip, ...]:
        """Return the smallest changes of one or two numbers that change the leading cause, or the posterior's level.

        The leading cause is the first of `assess`'s ranking. What is searched, and what is guaranteed, stands at the
        head of `toetwitch.reasoning.flips`.

        Parameters
        ----------
        evidence
            The case.
        numbers
            1 for single numbers alone, 2 for pairs too.

        Raises
        ------
        ImpossibleEvidenceError
            When the evidence has probability zero.
        """
        rules = self._definition.rules
        return flip(self._network.inference, self._network.read(evidence), self.causes, rules, numbers=numbers)

    def intervals(
        self,
        evidence: Mapping[str, object],
        *,
        level: float = 0.9,
        draws: int = 1000,
        rng: np.random.Generator,
    ) -> Intervals:
        """Return credible intervals of every cause's posterior, and the probability that the leading cause leads.

        Each stated number is read as a split normal on its log-odds (odds ratios: on the log), with the estimate as
        its median and the cited range as its central 95 %.

        Parameters
        ----------
        evidence
            The case.
        level
            The probability that an interval holds.
        draws
            How many models to draw; each is solved and answered exactly.
        rng
            The source of chance; the same state gives the same answer.

        Raises
        ------
        EvidenceError
            For a level outside (0, 1), no draw at all, or when no draw gave a model.
        ImpossibleEvidenceError
            When the evidence has probability zero.
        """
        return self._network.intervals(evidence, self.causes, level=level, draws=draws, rng=rng)

    def enclosure(self, evidence: Mapping[str, object], cause: str) -> Enclosure:
        """Return bounds on P(cause present | evidence) when every number may lie anywhere in its cited range.

        Outer bounds are proven, inner ones attained; where they differ the method says how, and they are the exact
        extremes where there are few numbers that enter linearly. `intervals` says what is likely.

        Raises
        ------
        UnknownNameError
            For an id or state that does not exist; carries the nearest one.
        ImpossibleEvidenceError
            When the evidence has probability zero.
        BudgetExceededError
            When the question needs too much memory.
        """
        return self._network.enclosure(evidence, cause)

    def conflict(
        self, evidence: Mapping[str, object], *, rng: np.random.Generator | None = None, draws: int = 2000
    ) -> Conflict:
        """Return whether the findings fit together or only under a rare cause, and how surprising the picture is.

        Parameters
        ----------
        evidence
            The case.
        rng
            The source of chance for the surprise of the whole picture; None for a bound alone.
        draws
            How many cases to draw for it.

        Raises
        ------
        EvidenceError
            When a surprise is asked for with soft evidence.
        ImpossibleEvidenceError
            When the evidence has probability zero.
        """
        return self._network.conflict(evidence, self.causes, rng=rng, draws=draws)

    def compare(
        self, before: Mapping[str, object], after: Mapping[str, object], *, policy: str | None = None
    ) -> Comparison:
        """Return what changed between two visits: levels, rules, and which change moved each cause how far.

        Raises
        ------
        ImpossibleEvidenceError
            When either case has probability zero.
        EvidenceError
            For too many changes.
        """
        first, second = self.assess(before, policy=policy), self.assess(after, policy=policy)
        fired = {found.id for found in first.red_flags}, {found.id for found in second.red_flags}
        return replace(
            self._network.compare(before, after, self.causes),
            level_before=first.triage.level,
            level_after=second.triage.level,
            fired=tuple(found.id for found in second.red_flags if found.id not in fired[0]),
            silent=tuple(found.id for found in first.red_flags if found.id not in fired[1]),
        )

    def diary(
        self,
        entries: Mapping[datetime.date, str | bool],
        levels: Sequence[str] = ("false", "true"),
        *,
        horizon: int = 28,
        rates: Rates | None = None,
    ) -> Diary:
        """Return whether a dated series of observations persists, resolves or progresses, under stated assumptions.

        Parameters
        ----------
        entries
            Date to the level seen on that day.
        levels
            Names of the levels, absent first.
        horizon
            How many days ahead to look.
        rates
            What is assumed of the courses.

        Raises
        ------
        EvidenceError
            For no entry at all, or entries that cannot be under the assumed rates.
        UnknownNameError
            For a level that is not listed.
        """
        return read_diary(entries, levels, horizon=horizon, rates=rates)

    def _spoken_of(self, evidence: Mapping[str, object], do: Mapping[str, object]) -> list[str]:
        """Return the causes and what the evidence speaks of, less what is set."""
        return [id for id in dict.fromkeys([*self.causes, *self._network.read(evidence).ids]) if id not in do]

    def _check_modifiable(self, do: Mapping[str, str | bool]) -> None:
        variables = self._network.variables
        for id in checked_intervention(do):
            if id in variables and variables[id].kind not in ("context", "cause"):
                raise EvidenceError(f"{id!r} is a {variables[id].kind}; expected a context or a cause to set")
