"""Exact answers by name: the only door from names to the engine's integers and arrays.

Jeffrey evidence is met by iterative proportional fitting: weights are sought under which the stated marginals hold,
which is one step for a single statement and the closest distribution (in relative entropy) for several.

References
----------
Jeffrey (1965), The Logic of Decision, chapter 11.
Csiszar (1975), I-divergence geometry of probability distributions. Annals of Probability 3, 146-158.
"""

from __future__ import annotations

__all__ = ["Answer", "ExactInference"]

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine import CompiledNetwork, Plan
from toetwitch.engine.native import wait_for_row_kernel
from toetwitch.errors import BudgetExceededError, EvidenceError, ImpossibleEvidenceError, UnknownNameError
from toetwitch.evidence import Evidence
from toetwitch.inference.budget import NamedBudget
from toetwitch.inference.expansion import ALLOWANCES, DECISION_AMPLIFICATION, SAFE_AMPLIFICATION, Expander, Expansion
from toetwitch.inference.ragged import answer_by_lanes, answer_rows
from toetwitch.inference.resolution import Numbers, Resolved, resolve
from toetwitch.inference.skeleton import Skeleton
from toetwitch.knowledge.network import NetworkDefinition

Array = NDArray[np.float64]

DEFAULT_BUDGET = 2 * 2**30
FITTING_TOLERANCE = 1e-13
FITTING_SWEEPS = 1000
FITTED = 1e-10
"""Statements that nearly contradict the rest converge slowly: so near they count as met, further off as refused."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """Posteriors and the probability of the evidence.

    Parameters
    ----------
    log_evidence
        Natural log of P(hard, excluded and likelihood evidence).
    marginals
        Id to P(state | evidence), shape (states,).
    """

    log_evidence: float
    marginals: Mapping[str, Array]


class ExactInference:
    """Exact inference in one network; immutable and safe to share between threads.

    Parameters
    ----------
    network
        The stated network.
    shifts
        Odds ratios on the prior odds of logistic variables (a setting).
    memory_budget
        Bytes that one question may need, predicted before anything is allocated.

    Raises
    ------
    TableError
        When the stated numbers cannot be resolved.
    """

    def __init__(
        self,
        network: NetworkDefinition,
        *,
        shifts: Mapping[str, float] | None = None,
        memory_budget: int = DEFAULT_BUDGET,
    ) -> None:
        self.network = network
        self.shifts = dict(shifts or {})
        self.memory_budget = memory_budget
        self.resolved: Resolved = resolve(network, shifts=self.shifts)
        self.compiled = CompiledNetwork(self.resolved.sizes, self.resolved.potentials, memory_budget=memory_budget)
        self.expander = Expander(self.resolved, self.compiled)
        self.skeleton = Skeleton(self.resolved, self.compiled, self.expander.leaves)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process as the numbers; plans are made anew there."""
        return partial(type(self), shifts=self.shifts, memory_budget=self.memory_budget), (self.network,)

    # -- one case -------------------------------------------------------------------------------------------------

    def posterior(self, evidence: Evidence, targets: Sequence[str] | None = None) -> Answer:
        """Return P(target | evidence) for each target; every variable without hard evidence by default.

        Raises
        ------
        ImpossibleEvidenceError
            When the evidence has probability zero; carries a minimal clashing set.
        BudgetExceededError
            When the question would need more memory than the budget; names the widest clique.
        """
        if targets is None:
            targets = [variable.id for variable in self.network.variables if variable.id not in evidence.hard]
        soft = self.weights(evidence)
        log_evidence, marginals = self.answer(evidence, soft, targets)
        if evidence.jeffrey:
            log_evidence = self.answer(evidence, dict(evidence.soft), [])[0]
        if math.isinf(log_evidence):
            raise self._impossible(evidence)
        return Answer(log_evidence, marginals)

    def log_probability(self, evidence: Evidence) -> float:
        """Return the natural log of P(hard, excluded and likelihood evidence); minus infinity when it is impossible."""
        return self.answer(evidence, dict(evidence.soft), [])[0]

    def joint(self, evidence: Evidence, ids: Sequence[str]) -> Array:
        """Return P(ids | evidence), shape (states of the first id, states of the second, ...).

        Raises
        ------
        ImpossibleEvidenceError
            When the evidence has probability zero.
        """
        soft = self.weights(evidence)
        with self.named_budget():
            log_evidence, values = self.compiled.joint(
                self._hard(evidence), self._indexed(soft), [self.index(id) for id in ids]
            )
        if math.isinf(log_evidence):
            raise self._impossible(evidence)
        return values

    def mpe(self, evidence: Evidence) -> tuple[float, dict[str, int]]:
        """Return the most probable complete assignment and the natural log of its joint probability.

        Likelihood evidence multiplies in. Jeffrey evidence is refused: it fixes marginals, which no single
        assignment has.

        Raises
        ------
        EvidenceError
            For Jeffrey evidence.
        ImpossibleEvidenceError
            When the evidence has probability zero.
        """
        if evidence.jeffrey:
            name = next(iter(evidence.jeffrey))
            raise EvidenceError(
                f"Jeffrey evidence on {name!r}; a most probable explanation takes hard or likelihood evidence"
            )
        with self.named_budget():
            log_probability, states = self._without_hidden().mpe(self._hard(evidence), self._indexed(evidence.soft))
        if math.isinf(log_probability):
            raise self._impossible(evidence)
        return log_probability, {v.id: states[i] for i, v in enumerate(self.network.variables)}

    def clash(self, evidence: Evidence) -> tuple[str, ...]:
        """Return a minimal set of evidence ids that cannot hold together, or () when all can.

        Leaving out any one member makes the rest possible (deletion filter: each id is left out in turn, and stays
        out when the rest still clashes).
        """
        if self._possible(evidence):
            return ()
        kept = evidence
        for id in evidence.ids:
            without = kept.without(id)
            if not self._possible(without):
                kept = without
        return kept.ids

    def readings(
        self, evidence: Evidence, varied: Mapping[str, Array], targets: Sequence[str]
    ) -> dict[str, Array] | None:
        """Return id to posteriors, shape (states, readings), by signed sums; None where they do not fit.

        Good to six digits or better: for holding against thresholds.

        Parameters
        ----------
        evidence
            The case.
        varied
            Id to weights, shape (states, readings), that replace what the case says of it.
        targets
            Ids asked for, none of them varied.
        """
        weights = self.weights(evidence)
        for allowance in self.allowances(evidence, weights):
            found = self._readings(evidence, weights, varied, targets, allowance)
            if found is not None:
                return found
        return None

    def _readings(
        self,
        evidence: Evidence,
        weights: Mapping[str, Array],
        varied: Mapping[str, Array],
        targets: Sequence[str],
        allowance: float,
    ) -> dict[str, Array] | None:
        taking = self.takes(evidence, weights, allowance)
        signed = {id: self.index(id) for id in varied if id in taking}
        plain = [id for id in varied if id not in taking]
        count = next(iter(varied.values())).shape[1]
        kinds: dict[tuple[bytes, ...], int] = {}
        keys = [tuple(varied[id][:, r].tobytes() for id in plain) for r in range(count)]
        kind_of = [kinds.setdefault(key, len(kinds)) for key in keys]
        variants = [{id: varied[id][:, kind_of.index(kind)] for id in plain} for kind in range(len(kinds))]
        expansion = self.expansion(
            evidence, weights, targets, free=list(signed), variants=variants, allowance=allowance
        )
        if expansion is None:
            return None
        others = [expansion.share(leaf.index) for leaf in expansion.leaves if leaf.index not in signed.values()]
        fixed = math.prod(others, start=np.ones(len(expansion.choice)))
        found = {id: np.zeros((len(self.network.by_id[id].states), count)) for id in targets}
        for r, kind in enumerate(kind_of):
            shares = [expansion.share(i, varied[id][:, r]) for id, i in signed.items()]
            answer = expansion.summed(math.prod(shares, start=fixed), kind)
            if answer.amplification > DECISION_AMPLIFICATION:
                return None
            for id in targets:
                found[id][:, r] = answer.marginals[self.index(id)]
        return found

    # -- many cases -----------------------------------------------------------------------------------------------

    def lanes(
        self, evidence: Evidence, varied: Mapping[str, Array], targets: Sequence[str], numbers: Numbers | None = None
    ) -> tuple[Array, dict[str, Array]]:
        """Answer the same question for lanes that differ in soft evidence or in the parameters.

        Parameters
        ----------
        evidence
            What all lanes share.
        varied
            Id to weights, shape (states, lanes); ones in a lane leave the id unknown there.
        targets
            Ids.
        numbers
            Parameter values by lane; the model's own by default.

        Returns
        -------
        tuple
            log P(evidence), shape (lanes,), minus infinity where impossible; and id to posteriors (states, lanes).
        """
        soft: dict[int, Array] = self._indexed(self.weights(evidence))
        hard = self._hard(evidence)
        for id, weights in varied.items():
            soft[self.index(id)] = weights
            hard.pop(self.index(id), None)
        potentials = {}
        if numbers is not None:
            potentials = dict(enumerate(resolve(self.network, shifts=self.shifts, numbers=numbers).potentials))
        with self.named_budget():
            log_evidence, marginals = self.compiled.lanes(hard, soft, potentials, [self.index(id) for id in targets])
        return log_evidence, {id: marginals[self.index(id)] for id in targets}

    def many(
        self,
        codes: NDArray[np.int64],
        soft: Mapping[str, Array],
        targets: Sequence[str],
        *,
        threads: int | None = None,
    ) -> tuple[Array, dict[str, Array]]:
        """Answer ragged rows.

        Parameters
        ----------
        codes
            Shape (rows, variables), the observed state's index or -1 for unknown.
        soft
            Id to weights, shape (rows, states).
        targets
            Ids.
        threads
            How many cores to use; all by default.

        Returns
        -------
        tuple
            log P(evidence), shape (rows,), minus infinity where impossible; and id to posteriors (rows, states).
        """
        return answer_rows(self, codes, soft, targets, threads=threads)

    def plan(self, evidence: Evidence, targets: Sequence[str]) -> Plan:
        """Return how the engine would answer, with its predicted cost, without answering."""
        with self.named_budget():
            return self.compiled.plan(
                self._hard(evidence), list(self._indexed(evidence.soft)), [self.index(id) for id in targets]
            )

    def index(self, id: str) -> int:
        """Return the engine's integer for a variable.

        Raises
        ------
        UnknownNameError
            When the network has no such variable.
        """
        if id not in self.network.by_id:
            raise UnknownNameError("variable", id, self.network.by_id)
        return self.resolved.index[id]

    # -- inside ---------------------------------------------------------------------------------------------------

    def _hard(self, evidence: Evidence) -> dict[int, int]:
        return {self.index(id): state for id, state in evidence.hard.items()}

    def _indexed(self, soft: Mapping[str, Array]) -> dict[int, Array]:
        return {self.index(id): weights for id, weights in soft.items()}

    def answer(
        self, evidence: Evidence, soft: Mapping[str, Array], targets: Sequence[str]
    ) -> tuple[float, dict[str, Array]]:
        """Answer by the signed sum over a small plan where it is accurate, else over the skeleton, else without signs.

        Which way a case goes depends on the case alone, and none of them depends on what compiled code is loaded, so
        the same question has the same bits. Compiled code without plans is left to cases past the memory budget.
        """
        places = [self.index(id) for id in targets]
        allowances = self.allowances(evidence, soft)
        for allowance in allowances:
            expansion = self.expansion(evidence, soft, targets, allowance=allowance)
            found = expansion.sum() if expansion is not None else None
            if found is not None and found.amplification <= SAFE_AMPLIFICATION:
                return found.log_evidence, {id: found.marginals[i] for id, i in zip(targets, places, strict=True)}
        hard, given = self._hard(evidence), self._indexed(soft)
        by_lanes = answer_by_lanes(self, hard, given, places) if allowances else None
        if by_lanes is not None:
            return by_lanes[0], {id: by_lanes[1][i] for id, i in zip(targets, places, strict=True)}
        with self.named_budget():
            try:
                logs, marginals = self.compiled.lanes(hard, given, {}, places)
            except BudgetExceededError:
                if not wait_for_row_kernel():
                    raise
                answer = self.compiled.posterior(hard, given, places)
                return answer.log_evidence, {id: answer.marginals[i] for id, i in zip(targets, places, strict=True)}
        return float(logs[0]), {id: marginals[i][:, 0] for id, i in zip(targets, places, strict=True)}

    def allowances(self, evidence: Evidence, soft: Mapping[str, Array]) -> tuple[float, ...]:
        """Return the allowances worth trying for a case, each with other findings taking part."""
        distinct: dict[frozenset[int], float] = {}
        for allowance in ALLOWANCES:
            taking = frozenset(self.expander.takes(self._hard(evidence), self._indexed(soft), allowance))
            if taking:
                distinct.setdefault(taking, allowance)
        return tuple(distinct.values())

    def takes(self, evidence: Evidence, soft: Mapping[str, Array], allowance: float = ALLOWANCES[0]) -> tuple[str, ...]:
        """Return the present findings that `expansion` would write as signed sums."""
        taking = self.expander.takes(self._hard(evidence), self._indexed(soft), allowance)
        return tuple(id for id in (*evidence.hard, *soft) if self.index(id) in taking)

    def expansion(
        self,
        evidence: Evidence,
        soft: Mapping[str, Array],
        targets: Sequence[str],
        *,
        free: Sequence[str] = (),
        variants: Sequence[Mapping[str, Array]] = ({},),
        allowance: float = ALLOWANCES[0],
    ) -> Expansion | None:
        """Return the present findings of a case as signed sums, or None where that form does not fit.

        Parameters
        ----------
        evidence
            The hard evidence of the case.
        soft
            Id to weights, shape (states,): all its other evidence.
        targets
            Ids asked for.
        free
            Findings whose every state, and their absence from the evidence, will be read.
        variants
            Other readings of ids that take no part in the sum: id to weights, shape (states,).
        allowance
            How far the product of 1 / P(finding) of those that take part may go.
        """
        with self.named_budget():
            return self.expander.expand(
                self._hard(evidence),
                self._indexed(soft),
                [self.index(id) for id in targets],
                free={self.index(id) for id in free},
                variants=[self._indexed(variant) for variant in variants],
                allowance=allowance,
            )

    def weights(self, evidence: Evidence) -> dict[str, Array]:
        """Return id to weights, shape (states,): Jeffrey's statements become the weights that make them hold.

        Raises
        ------
        ImpossibleEvidenceError
            When a statement gives weight to a state that the rest of the evidence rules out.
        EvidenceError
            When several statements cannot hold together.
        """
        soft = dict(evidence.soft)
        if not evidence.jeffrey:
            return soft
        soft.update({id: np.ones_like(stated) for id, stated in evidence.jeffrey.items()})
        for _ in range(FITTING_SWEEPS):
            worst = 0.0
            for id, stated in evidence.jeffrey.items():
                log_evidence, marginals = self.answer(evidence, soft, [id])
                now = marginals[id]
                if math.isinf(log_evidence) or (stated[now == 0] > 0).any():
                    raise self._impossible(evidence)
                worst = max(worst, float(np.abs(now - stated).max()))
                weights = soft[id] * np.divide(stated, now, out=np.zeros_like(stated), where=now > 0)
                soft[id] = weights / weights.max()
            if worst <= FITTING_TOLERANCE or len(evidence.jeffrey) == 1:
                return soft
        if worst <= FITTED:
            return soft
        raise EvidenceError(
            f"the Jeffrey statements on {', '.join(map(repr, evidence.jeffrey))} were not met after {FITTING_SWEEPS} "
            f"sweeps (off by {worst:.2g}); expected statements that can hold together"
        )

    def _possible(self, evidence: Evidence) -> bool:
        support = {id: (stated > 0).astype(float) for id, stated in evidence.jeffrey.items()}
        if not evidence.jeffrey:
            return not math.isinf(self.answer(evidence, evidence.soft, [])[0])
        log_evidence, marginals = self.answer(evidence, {**evidence.soft, **support}, list(support))
        return not math.isinf(log_evidence) and all((marginals[id][w > 0] > 0).all() for id, w in support.items())

    def _impossible(self, evidence: Evidence) -> ImpossibleEvidenceError:
        clash = self.clash(evidence)
        said = ", ".join(self._described(evidence, id) for id in clash)
        return ImpossibleEvidenceError(f"these cannot hold together under the model: {said}", clash)

    def _described(self, evidence: Evidence, id: str) -> str:
        if id in evidence.hard:
            return f"{id} = {self.network.by_id[id].states[evidence.hard[id]]}"
        return f"the soft evidence on {id}"

    def named_budget(self) -> NamedBudget:
        """Return a context in which a refused question names the variables of its widest clique."""
        return NamedBudget(tuple(v.id for v in self.network.variables) + self.resolved.hidden)

    def _without_hidden(self) -> CompiledNetwork:
        if not self.resolved.hidden:
            return self.compiled
        count = len(self.network.variables)
        return CompiledNetwork(
            self.resolved.sizes[:count], self.resolved.without_hidden(), memory_budget=self.memory_budget
        )
