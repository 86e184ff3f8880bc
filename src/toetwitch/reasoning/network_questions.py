"""The questions that any network answers beyond posteriors, one line each; `toetwitch.network` adds the rest."""

from __future__ import annotations

__all__ = ["NetworkQuestions"]

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from toetwitch.evidence import Evidence, read_evidence
from toetwitch.inference import ExactInference
from toetwitch.inference.counterfactual import Counterfactual
from toetwitch.knowledge.variable import Variable
from toetwitch.reasoning.attribution import Production, produced
from toetwitch.reasoning.comparison import Comparison, compare
from toetwitch.reasoning.conflict import Conflict, conflict
from toetwitch.reasoning.enclosure import Enclosure, enclosure
from toetwitch.reasoning.explanation import Explanation, explain
from toetwitch.reasoning.flips import Flip, flip
from toetwitch.reasoning.intervention import WhatIf, checked_intervention, what_if
from toetwitch.reasoning.questions import NextQuestions, next_questions
from toetwitch.reasoning.sensitivity import Sensitivity, sensitivity
from toetwitch.reasoning.uncertainty import Intervals, intervals

Array = NDArray[np.float64]


class NetworkQuestions:
    """Why, what next, what if, and how sure: for everything that can answer exactly.

    A class that inherits this sets `_inference` and `_counterfactual` once.
    """

    __slots__ = ("_counterfactual", "_inference")

    _inference: ExactInference
    _counterfactual: Counterfactual

    @property
    def variables(self) -> Mapping[str, Variable]:
        """The variables by id, in order."""
        return self._inference.network.by_id

    def read(self, evidence: Mapping[str, object] | None = None) -> Evidence:
        """Return evidence checked against the variables.

        Raises
        ------
        UnknownNameError
            For an id or state that does not exist; carries the nearest one.
        EvidenceError
            For evidence of a wrong type.
        """
        return read_evidence({} if evidence is None else evidence, self.variables)

    def explain(self, evidence: Mapping[str, object], target: str, state: str | bool | None = None) -> Explanation:
        """Explain the log-odds of a state by the evidence: contributions that sum from prior to posterior.

        Parameters
        ----------
        evidence
            The case.
        target
            What to explain.
        state
            The state of the target; its last (`True` for a binary variable) by default.

        Raises
        ------
        UnknownNameError
            For an id or state that does not exist; carries the nearest one.
        ImpossibleEvidenceError
            When the evidence has probability zero.
        """
        return explain(self._inference, self.read(evidence), target, self._state(target, state))

    def attribute(self, evidence: Mapping[str, object]) -> Production:
        """Return which parent of each present noisy-OR or noisy-MAX finding produced it: the active links.

        Raises
        ------
        ImpossibleEvidenceError
            When the evidence has probability zero.
        """
        return Production(produced(self._inference, self.read(evidence)))

    def next_questions(
        self,
        evidence: Mapping[str, object],
        targets: Sequence[str],
        *,
        k: int = 3,
        horizon: int = 1,
        costs: Mapping[str, float] | None = None,
        questions: Sequence[str] | None = None,
    ) -> NextQuestions:
        """Return which unobserved variables tell most about the targets, in bits by cost.

        Parameters
        ----------
        evidence
            The case.
        targets
            What the answers are to tell about.
        k
            How many questions.
        horizon
            1, or 2 to count the best next question too.
        costs
            Question to what asking it costs; 1 for the others.
        questions
            What may be asked; by default everything unobserved that is no target.

        Raises
        ------
        EvidenceError
            For a horizon that is neither 1 nor 2, or a cost that is not above 0.
        ImpossibleEvidenceError
            When the evidence has probability zero.

        Examples
        --------
        >>> from toetwitch.knowledge import Cpt, NetworkDefinition, Variable
        >>> from toetwitch.network import Network
        >>> tables = (Cpt("rain", (), [0.8, 0.2]), Cpt("wet", ("rain",), [[0.9, 0.1], [0.2, 0.8]]))
        >>> net = Network(NetworkDefinition((Variable("rain"), Variable("wet")), tables))
        >>> best = net.next_questions({}, ["rain"]).questions[0]
        >>> best.id, round(best.gain, 3), best.telling
        ('wet', 0.275, 'true')
        """
        return next_questions(
            self._inference, self.read(evidence), targets, k=k, horizon=horizon, costs=costs, questions=questions
        )

    def what_if(
        self,
        evidence: Mapping[str, object] | None,
        do: Mapping[str, str | bool],
        targets: Sequence[str] | None = None,
    ) -> WhatIf:
        """Return what setting variables would change: if the evidence were seen under it, and instead of it.

        Parameters
        ----------
        evidence
            What was seen.
        do
            Id to the state it is set to: an intervention, from which nothing above it is learnt.
        targets
            Ids; every variable that is not set by default.

        Raises
        ------
        UnknownNameError
            For an id or state that does not exist; carries the nearest one.
        ImpossibleEvidenceError
            When the evidence has probability zero, or would have under the intervention.

        Examples
        --------
        >>> from toetwitch.knowledge import Cpt, NetworkDefinition, Variable
        >>> from toetwitch.network import Network
        >>> tables = (Cpt("rain", (), [0.8, 0.2]), Cpt("wet", ("rain",), [[0.9, 0.1], [0.2, 0.8]]))
        >>> net = Network(NetworkDefinition((Variable("rain"), Variable("wet")), tables))
        >>> round(net.what_if({}, {"wet": True}).seen["rain"]["true"], 4)
        0.2
        """
        return what_if(self._counterfactual, self.read(evidence), self._setting(do), self._known(targets))

    def counterfactual(
        self,
        evidence: Mapping[str, object] | None,
        do: Mapping[str, str | bool],
        targets: Sequence[str] | None = None,
    ) -> dict[str, dict[str, float]]:
        """Return P(target would be in each state under an intervention | what was seen), by the twin network.

        Links of a noisy-OR or noisy-MAX keep their chance events in both worlds; other tables are coupled by
        quantiles, states in their order.

        Raises
        ------
        UnknownNameError
            For an id or state that does not exist; carries the nearest one.
        ImpossibleEvidenceError
            When the evidence has probability zero.
        """
        set_to = self._setting(do)
        wanted = self._known(targets) or [id for id in self.variables if id not in set_to]
        found = self._counterfactual.would_be(self.read(evidence), set_to, wanted)
        return {id: self._by_state(id, values) for id, values in found.items()}

    @property
    def interventions(self) -> Counterfactual:
        """Interventions by name, for code that works with arrays."""
        return self._counterfactual

    def sensitivity(
        self,
        evidence: Mapping[str, object] | None,
        target: str,
        state: str | bool | None = None,
        *,
        rivals: Sequence[str] = (),
        factor: float = 2.0,
    ) -> Sensitivity:
        """Return how a posterior depends on each stated number, exactly, and on each source.

        Parameters
        ----------
        evidence
            The case.
        target, state
            What is looked at; the last state by default.
        rivals
            Ids of which the most probable leads; the target alone by default.
        factor
            By how much the odds of a source's numbers are multiplied and divided.

        Raises
        ------
        UnknownNameError
            For an id or state that does not exist; carries the nearest one.
        ImpossibleEvidenceError
            When the evidence has probability zero.

        Examples
        --------
        >>> from toetwitch.knowledge import Cpt, NetworkDefinition, Variable
        >>> from toetwitch.network import Network
        >>> tables = (Cpt("rain", (), [0.8, 0.2]), Cpt("wet", ("rain",), [[0.9, 0.1], [0.2, 0.8]]))
        >>> net = Network(NetworkDefinition((Variable("rain"), Variable("wet")), tables))
        >>> function = net.sensitivity({"wet": True}, "rain").function("rain.entry[].true")
        >>> round(function.at(0.5), 4)
        0.8889
        """
        return sensitivity(
            self._inference, self.read(evidence), target, self._state(target, state), rivals=rivals, factor=factor
        )

    def flip(
        self, evidence: Mapping[str, object] | None, rivals: Sequence[str], *, numbers: int = 2
    ) -> tuple[Flip, ...]:
        """Return the smallest changes of one or two stated numbers that change which rival leads.

        The rival leads about whose last state the case teaches most. What is searched, and what is guaranteed, stands
        at the head of `toetwitch.reasoning.flips`. In tables without citations the entries are the numbers.

        Parameters
        ----------
        evidence
            The case.
        rivals
            Ids of which one leads.
        numbers
            1 for single numbers alone, 2 for pairs too.

        Raises
        ------
        UnknownNameError
            For an id or state that does not exist; carries the nearest one.
        ImpossibleEvidenceError
            When the evidence has probability zero.

        Examples
        --------
        >>> from toetwitch.knowledge import Cpt, NetworkDefinition, Variable
        >>> from toetwitch.network import Network
        >>> tables = (
        ...     Cpt("flu", (), [0.9, 0.1]),
        ...     Cpt("cold", (), [0.8, 0.2]),
        ...     Cpt("cough", ("flu", "cold"), [[[0.95, 0.05], [0.4, 0.6]], [[0.3, 0.7], [0.1, 0.9]]]),
        ... )
        >>> net = Network(NetworkDefinition(tuple(map(Variable, ("flu", "cold", "cough"))), tables))
        >>> print(net.flip({"cough": True}, ["flu", "cold"], numbers=1)[0])
        flu.entry[].true: 0.1 -> 0.1505 (outside its range) makes the leading flu
        """
        for id in rivals:
            self._inference.index(id)
        return flip(self._inference, self.read(evidence), rivals, numbers=numbers)

    def intervals(
        self,
        evidence: Mapping[str, object] | None,
        targets: Sequence[str],
        *,
        level: float = 0.9,
        draws: int = 1000,
        rng: np.random.Generator,
    ) -> Intervals:
        """Return credible intervals of P(target in its last state | evidence), numbers drawn from their ranges.

        Parameters
        ----------
        evidence
            The case.
        targets
            Ids; the most probable of them leads.
        level
            The probability that an interval holds.
        draws
            How many models to draw; each is solved and answered exactly.
        rng
            The source of chance.

        Raises
        ------
        EvidenceError
            For a level outside (0, 1), no draw at all, or when no draw gave a model.
        ImpossibleEvidenceError
            When the evidence has probability zero.
        """
        return intervals(self._inference, self.read(evidence), targets, level=level, draws=draws, rng=rng)

    def enclosure(
        self, evidence: Mapping[str, object] | None, target: str, state: str | bool | None = None
    ) -> Enclosure:
        """Return bounds on a posterior when every stated number may lie anywhere in its range, proven and attained.

        Parameters
        ----------
        evidence
            The case.
        target, state
            What is bounded; the last state by default.

        Raises
        ------
        UnknownNameError
            For an id or state that does not exist; carries the nearest one.
        ImpossibleEvidenceError
            When the evidence has probability zero.
        BudgetExceededError
            When the question needs too much memory.
        """
        return enclosure(self._inference, self.read(evidence), target, self._state(target, state))

    def conflict(
        self,
        evidence: Mapping[str, object],
        hypotheses: Sequence[str] | None = None,
        *,
        rng: np.random.Generator | None = None,
        draws: int = 2000,
    ) -> Conflict:
        """Return whether the findings fit together, which fits least, and how surprising the picture is.

        Parameters
        ----------
        evidence
            The case.
        hypotheses
            Ids whose states may reconcile the findings; everything unobserved by default.
        rng
            The source of chance for the surprise; None for a bound alone.
        draws
            How many cases to draw for it.

        Raises
        ------
        EvidenceError
            When a surprise is asked for with soft evidence.
        ImpossibleEvidenceError
            When the evidence has probability zero.
        """
        read = self.read(evidence)
        chosen = [id for id in self.variables if id not in read.ids] if hypotheses is None else list(hypotheses)
        return conflict(self._inference, read, chosen, rng=rng, draws=draws)

    def compare(
        self, before: Mapping[str, object], after: Mapping[str, object], targets: Sequence[str] | None = None
    ) -> Comparison:
        """Return what changed between two cases, and which change moved each posterior how far.

        Parameters
        ----------
        before, after
            The cases.
        targets
            Ids; everything unobserved in both by default.

        Raises
        ------
        ImpossibleEvidenceError
            When either case has probability zero.
        EvidenceError
            For too many changes.
        """
        first, second = self.read(before), self.read(after)
        known = {*first.ids, *second.ids}
        wanted = [id for id in self.variables if id not in known] if targets is None else list(targets)
        return compare(self._inference, first, second, wanted)

    # -- inside ---------------------------------------------------------------------------------------------------

    def _setting(self, do: Mapping[str, str | bool]) -> dict[str, int]:
        return {id: self._state(id, state) for id, state in checked_intervention(do).items()}

    def _known(self, targets: Sequence[str] | None) -> list[str] | None:
        for id in targets or ():
            self._inference.index(id)
        return None if targets is None else list(targets)

    def _state(self, target: str, state: str | bool | None) -> int:
        self._inference.index(target)
        variable = self.variables[target]
        return len(variable.states) - 1 if state is None else variable.index(state)

    def _by_state(self, id: str, values: Array) -> dict[str, float]:
        return dict(zip(self.variables[id].states, map(float, values), strict=True))
