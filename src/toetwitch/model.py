"""The facade `Model`: a cited network, its red flags and its advice behind one-line methods.

Examples
--------
>>> model = load_model()
>>> answer = model.assess({"toe_movement": True, "foot_drop": True, "caffeine_intake": "high", "numbness": None})
>>> answer.triage.level
'immediate_medical_attention'
"""

from __future__ import annotations

__all__ = ["TRIAGE_LEVELS", "Model", "Network", "load_model", "read_network"]

import datetime
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from toetwitch.errors import EvidenceError, UnknownNameError
from toetwitch.evidence import read_evidence
from toetwitch.frames import read_codes, write_frame
from toetwitch.inference import ExactInference
from toetwitch.knowledge.definition import ModelDefinition
from toetwitch.knowledge.model_file import read_model
from toetwitch.knowledge.model_folder import default_model_path
from toetwitch.knowledge.red_flag import TRIAGE_LEVELS
from toetwitch.network import Network, read_network
from toetwitch.reasoning.assessment import Assessment, Assessor, Identity
from toetwitch.reasoning.attribution import Production, attribute
from toetwitch.reasoning.cohort import assess_codes
from toetwitch.reasoning.comparison import Comparison
from toetwitch.reasoning.conflict import Conflict
from toetwitch.reasoning.diary import Diary, Rates, read_diary
from toetwitch.reasoning.explanation import Explanation
from toetwitch.reasoning.flips import Flip, flip
from toetwitch.reasoning.intervention import Advised, WhatIf, advise
from toetwitch.reasoning.network_card import network_card
from toetwitch.reasoning.questions import NextQuestions, next_questions
from toetwitch.reasoning.sensitivity import Sensitivity
from toetwitch.reasoning.uncertainty import Intervals


class Model:
    """A cited model of what makes toes move; immutable, and safe to share between threads.

    Parameters
    ----------
    definition
        What the model file says.
    setting
        Where the person is seen; shifts the priors of the causes. The model's default when None.
    memory_budget
        Bytes that one question may need; the need is predicted before anything is allocated.

    Raises
    ------
    UnknownNameError
        For a setting that the model does not have.
    TableError
        When no intercept or leak gives a cited prevalence.
    """

    __slots__ = ("_assessor", "_definition", "_network", "_setting")

    def __init__(
        self, definition: ModelDefinition, *, setting: str | None = None, memory_budget: int = 2 * 2**30
    ) -> None:
        setting = definition.default_setting if setting is None else setting
        if setting not in definition.settings:
            raise UnknownNameError("setting", setting, definition.settings)
        shifts = {id: estimate.value for id, estimate in definition.settings[setting].odds_ratios.items()}
        inference = ExactInference(definition.network, shifts=shifts, memory_budget=memory_budget)
        self._definition = definition
        self._setting = setting
        self._network = Network.from_inference(inference)
        self._assessor = Assessor(inference, definition.rules, Identity(definition.name, definition.version, setting))

    @property
    def definition(self) -> ModelDefinition:
        """What the model file says: every number with its source."""
        return self._definition

    @property
    def setting(self) -> str:
        """Where the person is seen."""
        return self._setting

    @property
    def network(self) -> Network:
        """The Bayesian network."""
        return self._network

    @property
    def causes(self) -> tuple[str, ...]:
        """Ids of the causes."""
        return self._assessor.causes

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

    def assess_many(self, frame: Any, *, policy: str | None = None, threads: int | None = None) -> Any:
        """Answer a frame of cases: one row a case, a missing cell unknown.

        Parameters
        ----------
        frame
            A pandas or polars data frame, an Arrow table or record batch; columns are ids of variables. Cells may
            hold soft evidence where the frame can hold objects.
        policy
            "article" or "guideline"; the model's default when None.
        threads
            How many cores to use; all by default.

        Returns
        -------
        frame
            Of the same kind, with the index kept: `status` ("ok", "impossible", "invalid") and `reason`, `level`,
            `rules_level`, `posterior_level`, `red_flags` (ids joined by spaces), `most_probable_cause`,
            `no_listed_cause`, `log_evidence`, and P(cause present | evidence) under each cause's id. A row without a
            posterior keeps its level and flags. The counterfactual ranking is left to `assess`.

        Raises
        ------
        UnknownNameError
            For a column that is no variable; carries the nearest id.
        EvidenceError
            For something that is not a frame.
        """
        codes = read_codes(frame, self._network.variables)
        return write_frame(frame, assess_codes(self._assessor, codes, policy, threads=threads))

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
            Ids; every variable that is not set by default.

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
        return self._network.what_if(evidence, do, targets)

    def counterfactual(
        self,
        evidence: Mapping[str, object],
        do: Mapping[str, str | bool],
        targets: Sequence[str] | None = None,
    ) -> dict[str, dict[str, float]]:
        """Return what would have been seen under an intervention, given what was seen: target to state to probability.

        Raises
        ------
        EvidenceError
            For setting something that is neither context nor cause.
        ImpossibleEvidenceError
            When the evidence has probability zero.
        """
        self._check_modifiable(do)
        return self._network.counterfactual(evidence, do, targets)

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

    def flip(self, evidence: Mapping[str, object]) -> tuple[Flip, ...]:
        """Return the smallest changes of one number that change the leading cause, or the level the posterior gives.

        Raises
        ------
        ImpossibleEvidenceError
            When the evidence has probability zero.
        """
        return flip(self._network.inference, self._network.read(evidence), self.causes, self._definition.rules)

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

    def _check_modifiable(self, do: Mapping[str, object]) -> None:
        variables = self._network.variables
        for id in do:
            if id in variables and variables[id].kind not in ("context", "cause"):
                raise EvidenceError(f"{id!r} is a {variables[id].kind}; expected a context or a cause to set")

    def _repr_html_(self) -> str:
        d = self._definition
        return network_card(d.network, f"Model {d.name} {d.version}, setting {self._setting}")

    def __repr__(self) -> str:
        d = self._definition
        return f"<Model {d.name} {d.version}, setting {self._setting}, {len(self._network.variables)} variables>"


def load_model(
    path: str | os.PathLike[str] | None = None, *, setting: str | None = None, memory_budget: int = 2 * 2**30
) -> Model:
    """Load a model folder; the model that comes with the library by default.

    Parameters
    ----------
    path
        The folder of an edited copy.
    setting
        Where the person is seen: "community", "primary_care" or "neurology_clinic" for the library's model.
    memory_budget
        Bytes that one question may need.

    Raises
    ------
    ModelFileError
        When the folder is not a model; the message holds file, place, value, and what was expected.
    UnknownNameError
        For a setting that the model does not have.
    """
    if path is None:
        return _default_model(setting, memory_budget)
    return Model(read_model(Path(path)), setting=setting, memory_budget=memory_budget)


@lru_cache(maxsize=8)
def _default_model(setting: str | None, memory_budget: int) -> Model:
    return Model(read_model(default_model_path()), setting=setting, memory_budget=memory_budget)
