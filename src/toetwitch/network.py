"""The facade `Network`: any discrete Bayesian network, ours or the user's, and exact answers from it."""

from __future__ import annotations

__all__ = ["Network", "read_network"]

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine import Plan
from toetwitch.errors import EvidenceError, ImpossibleEvidenceError
from toetwitch.evidence import Evidence, read_evidence
from toetwitch.frames import Codes, read_codes
from toetwitch.inference import ExactInference
from toetwitch.inference.counterfactual import Counterfactual
from toetwitch.interop import from_pgmpy, read_bif, to_pgmpy
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.variable import Variable
from toetwitch.reasoning.attribution import Production, produced
from toetwitch.reasoning.comparison import Comparison, compare
from toetwitch.reasoning.conflict import Conflict, conflict
from toetwitch.reasoning.explanation import Explanation, explain
from toetwitch.reasoning.flips import Flip, flip
from toetwitch.reasoning.intervention import WhatIf, what_if
from toetwitch.reasoning.network_card import network_card
from toetwitch.reasoning.questions import NextQuestions, next_questions
from toetwitch.reasoning.sensitivity import Sensitivity, sensitivity
from toetwitch.reasoning.uncertainty import Intervals, intervals

if TYPE_CHECKING:
    import networkx as nx

Array = NDArray[np.float64]


class Network:
    """A discrete Bayesian network with exact inference; immutable, and safe to share between threads.

    Parameters
    ----------
    definition
        Variables and tables.
    memory_budget
        Bytes that one question may need; the need is predicted before anything is allocated.

    Examples
    --------
    >>> from toetwitch.knowledge import Cpt, NetworkDefinition, Variable
    >>> rain, wet = Variable("rain"), Variable("wet")
    >>> tables = (Cpt("rain", (), [0.8, 0.2]), Cpt("wet", ("rain",), [[0.9, 0.1], [0.2, 0.8]]))
    >>> net = Network(NetworkDefinition((rain, wet), tables))
    >>> round(net.posterior({"wet": True})["rain"]["true"], 4)
    0.6667
    """

    __slots__ = ("_counterfactual", "_inference")

    def __init__(self, definition: NetworkDefinition, *, memory_budget: int = 2 * 2**30) -> None:
        self._inference = ExactInference(definition, memory_budget=memory_budget)
        self._counterfactual = Counterfactual(self._inference)

    @classmethod
    def from_inference(cls, inference: ExactInference) -> Network:
        """Return a network that answers with an inference that exists already."""
        network = cls.__new__(cls)
        network._inference = inference
        network._counterfactual = Counterfactual(inference)
        return network

    @classmethod
    def from_pgmpy(cls, model: Any) -> Network:
        """Return a network that equals a pgmpy `DiscreteBayesianNetwork`, state names kept.

        Raises
        ------
        InterchangeError
            When the model is not a complete discrete network.
        """
        return cls(from_pgmpy(model))

    def to_pgmpy(self) -> Any:
        """Return an equal pgmpy `DiscreteBayesianNetwork`.

        A noisy-MAX of many parents becomes a chain of small auxiliary nodes under the prefix `__toetwitch_`, so that
        the export never explodes; all other names are kept.
        """
        return to_pgmpy(self.definition, self._inference.resolved)

    @property
    def definition(self) -> NetworkDefinition:
        """The stated network."""
        return self._inference.network

    @property
    def inference(self) -> ExactInference:
        """Exact inference by name, for code that works with arrays."""
        return self._inference

    @property
    def variables(self) -> Mapping[str, Variable]:
        """The variables by id, in order."""
        return self.definition.by_id

    def graph(self) -> nx.DiGraph:
        """Return the arcs as a NetworkX graph."""
        return self.definition.graph()

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

    def posterior(
        self, evidence: Mapping[str, object] | None = None, targets: Sequence[str] | None = None
    ) -> dict[str, dict[str, float]]:
        """Return P(state | evidence).

        Parameters
        ----------
        evidence
            Id to a state (`True`, `False` or a name), `excluded(...)`, `likelihood(...)`, `jeffrey(...)`, or an
            unknown value (None, NaN, `UNKNOWN`), which is the same as leaving the id out.
        targets
            Ids; all variables without hard evidence by default. An observed target comes back as certain.

        Returns
        -------
        dict
            Target to state to probability.

        Raises
        ------
        UnknownNameError
            For an id or state that does not exist; carries the nearest one.
        EvidenceError
            For evidence of a wrong type.
        ImpossibleEvidenceError
            When the evidence has probability zero; carries a minimal clashing set.
        BudgetExceededError
            When the question needs more memory than the budget.
        """
        read = self.read(evidence)
        answer = self._inference.posterior(read, self._targets(targets, read))
        return {id: self._by_state(id, values) for id, values in answer.marginals.items()}

    def posterior_many(
        self, frame: Any, targets: Sequence[str] | None = None, *, threads: int | None = None
    ) -> dict[str, Array]:
        """Return P(state | evidence) for each row of a frame.

        Parameters
        ----------
        frame
            A pandas or polars data frame or an Arrow table: a column is a variable, a row a case, a missing cell
            unknown. Observed cells come back as certain.
        targets
            Ids; all variables by default.
        threads
            How many cores to use; all by default.

        Returns
        -------
        dict
            Target to an array of shape (rows, states).

        Raises
        ------
        UnknownNameError
            For a column that is no variable.
        EvidenceError
            For a cell that cannot be read; names the row.
        ImpossibleEvidenceError
            For a row of probability zero; names the row, carries the clash.
        """
        codes = read_codes(frame, self.variables)
        for row, reason in codes.problems.items():
            raise EvidenceError(f"row {row}: {reason}")
        wanted = list(self.variables if targets is None else targets)
        for id in wanted:
            self._inference.index(id)
        log_evidence, marginals = self._many(codes, wanted, threads)
        for row in map(int, np.flatnonzero(np.isinf(log_evidence))):
            clash = self._inference.clash(self._row(codes, row))
            raise ImpossibleEvidenceError(f"row {row}: {', '.join(clash)} cannot hold together under the model", clash)
        return marginals

    def log_probability(self, evidence: Mapping[str, object] | None = None) -> float:
        """Return the natural log of P(hard, excluded and likelihood evidence); Jeffrey evidence does not count.

        Raises
        ------
        ImpossibleEvidenceError
            When the evidence has probability zero; carries a minimal clashing set.
        """
        read = self.read(evidence)
        return self._inference.posterior(read, []).log_evidence

    def mpe(self, evidence: Mapping[str, object] | None = None) -> dict[str, str]:
        """Return the most probable complete assignment given hard, excluded and likelihood evidence: id to state.

        Raises
        ------
        EvidenceError
            For Jeffrey evidence, which fixes marginals that no single assignment has.
        ImpossibleEvidenceError
            When the evidence has probability zero.
        """
        _, states = self._inference.mpe(self.read(evidence))
        return {id: self.variables[id].states[state] for id, state in states.items()}

    def clash(self, evidence: Mapping[str, object]) -> tuple[str, ...]:
        """Return a minimal set of evidence ids that cannot hold together, or () when all can."""
        return self._inference.clash(self.read(evidence))

    def explain(
        self, evidence: Mapping[str, object], target: str, state: str | bool | None = None
    ) -> Explanation:
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
        wanted = self._known(targets) or [id for id in self.variables if id not in do]
        found = self._counterfactual.would_be(self.read(evidence), self._setting(do), wanted)
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
        >>> tables = (Cpt("rain", (), [0.8, 0.2]), Cpt("wet", ("rain",), [[0.9, 0.1], [0.2, 0.8]]))
        >>> net = Network(NetworkDefinition((Variable("rain"), Variable("wet")), tables))
        >>> function = net.sensitivity({"wet": True}, "rain").function("rain.entry[].true")
        >>> round(function.at(0.5), 4)
        0.8889
        """
        return sensitivity(
            self._inference, self.read(evidence), target, self._state(target, state), rivals=rivals, factor=factor
        )

    def flip(self, evidence: Mapping[str, object] | None, rivals: Sequence[str]) -> tuple[Flip, ...]:
        """Return the smallest changes of one stated number that change which rival leads.

        Raises
        ------
        ImpossibleEvidenceError
            When the evidence has probability zero.
        """
        return flip(self._inference, self.read(evidence), rivals)

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

    def plan(self, evidence: Mapping[str, object] | None = None, targets: Sequence[str] | None = None) -> Plan:
        """Return how a question would be answered, with its predicted cost, without answering it."""
        read = self.read(evidence)
        return self._inference.plan(read, self._targets(targets, read))

    def _repr_html_(self) -> str:
        return network_card(self.definition)

    def __repr__(self) -> str:
        arcs = sum(len(table.parents) for table in self.definition.tables)
        return f"<Network of {len(self.variables)} variables, {arcs} arcs>"

    # -- inside ---------------------------------------------------------------------------------------------------

    def _setting(self, do: Mapping[str, str | bool]) -> dict[str, int]:
        return {id: self._state(id, state) for id, state in do.items()}

    def _known(self, targets: Sequence[str] | None) -> list[str] | None:
        for id in targets or ():
            self._inference.index(id)
        return None if targets is None else list(targets)

    def _state(self, target: str, state: str | bool | None) -> int:
        self._inference.index(target)
        variable = self.variables[target]
        return len(variable.states) - 1 if state is None else variable.index(state)

    def _targets(self, targets: Sequence[str] | None, read: Evidence) -> list[str]:
        if isinstance(targets, str):
            raise EvidenceError(f"targets {targets!r}; expected a sequence of ids, for example [{targets!r}]")
        if targets is None:
            return [id for id in self.variables if id not in read.hard]
        return list(targets)

    def _by_state(self, id: str, values: Array) -> dict[str, float]:
        return dict(zip(self.variables[id].states, map(float, values), strict=True))

    def _many(self, codes: Codes, targets: Sequence[str], threads: int | None) -> tuple[Array, dict[str, Array]]:
        """Run rows in one batch; rows with Jeffrey evidence, whose weights must be fitted, one by one."""
        soft: dict[str, Array] = {}
        for row, evidence in codes.soft.items():
            for id, weights in evidence.soft.items():
                table = soft.setdefault(id, np.ones((len(codes.codes), len(weights))))
                table[row] = weights
        log_evidence, marginals = self._inference.many(codes.codes, soft, targets, threads=threads)
        for row, evidence in codes.soft.items():
            if evidence.jeffrey:
                answer = self._inference.posterior(self._row(codes, row), targets)
                log_evidence[row] = answer.log_evidence
                for id in targets:
                    marginals[id][row] = answer.marginals[id]
        return log_evidence, marginals

    def _row(self, codes: Codes, row: int) -> Evidence:
        hard = {id: int(code) for id, code in zip(self.variables, codes.codes[row], strict=True) if code >= 0}
        more = codes.soft.get(row)
        if more is None:
            return Evidence(hard, {}, {})
        return Evidence({**hard, **more.hard}, more.soft, more.jeffrey, more.excluded)


def read_network(path: str | os.PathLike[str], *, memory_budget: int = 2 * 2**30) -> Network:
    """Read a network from a BIF file (`.bif` or `.bif.gz`).

    Raises
    ------
    InterchangeError
        When the file is not a BIF network.
    """
    return Network(read_bif(path), memory_budget=memory_budget)
