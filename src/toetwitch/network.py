"""The facade `Network`: any discrete Bayesian network, ours or the user's, and exact answers from it."""

from __future__ import annotations

__all__ = ["Network", "read_network"]

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine import Plan
from toetwitch.errors import EvidenceError, ImpossibleEvidenceError
from toetwitch.evidence import Evidence
from toetwitch.frames import Codes, read_codes
from toetwitch.inference import ExactInference
from toetwitch.inference.counterfactual import Counterfactual
from toetwitch.inference.explanations import MostProbableExplanations, k_best, most_probable_case
from toetwitch.interop import from_pgmpy, read_bif, to_pgmpy
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.reasoning.network_card import network_card
from toetwitch.reasoning.network_questions import NetworkQuestions

if TYPE_CHECKING:
    import networkx as nx

Array = NDArray[np.float64]


class Network(NetworkQuestions):
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

    __slots__ = ()

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

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process as the numbers; plans are made anew there."""
        return type(self).from_inference, (self._inference,)

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

    def graph(self) -> nx.DiGraph:
        """Return the arcs as a NetworkX graph."""
        return self.definition.graph()

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
        SearchLimitError
            When the search that stands in for tables too large needs more work than is allowed.
        """
        states = most_probable_case(self._inference, self.read(evidence))
        return {id: self.variables[id].states[state] for id, state in states.items()}

    def k_best(self, evidence: Mapping[str, object] | None = None, k: int = 5) -> MostProbableExplanations:
        """Return the k most probable complete assignments given hard, excluded and likelihood evidence.

        Parameters
        ----------
        evidence
            As for `mpe`, which is the first of them.
        k
            How many; fewer come back when fewer assignments are possible.

        Raises
        ------
        EvidenceError
            For Jeffrey evidence, and for a k that is no positive integer.
        ImpossibleEvidenceError
            When the evidence has probability zero.
        SearchLimitError
            When the search that stands in for tables too large needs more work than is allowed.
        """
        return k_best(self._inference, self.read(evidence), k)

    def clash(self, evidence: Mapping[str, object]) -> tuple[str, ...]:
        """Return a minimal set of evidence ids that cannot hold together, or () when all can."""
        return self._inference.clash(self.read(evidence))

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

    def _targets(self, targets: Sequence[str] | None, read: Evidence) -> list[str]:
        if isinstance(targets, str):
            raise EvidenceError(f"targets {targets!r}; expected a sequence of ids, for example [{targets!r}]")
        if targets is None:
            return [id for id in self.variables if id not in read.hard]
        if not isinstance(targets, Iterable):
            raise EvidenceError(f"targets of type {type(targets).__name__}; expected a sequence of ids")
        return list(targets)

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
