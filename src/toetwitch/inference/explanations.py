"""The most probable explanations by name: complete assignments in order of probability."""

from __future__ import annotations

__all__ = ["ExplainedCase", "MostProbableExplanations", "k_best", "most_probable_case"]

import math
import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toetwitch.engine import CompiledNetwork, Dense, NoisyMax
from toetwitch.engine.explanations import Explained
from toetwitch.errors import EvidenceError
from toetwitch.evidence import Evidence
from toetwitch.frozen import FrozenMapping
from toetwitch.inference.exact import ExactInference

if TYPE_CHECKING:
    import pandas as pd

EXPANDED_ENTRIES = 2**12
"""Up to this size the table of a finding that can be held back is expanded: then a plan needs no search."""


@dataclass(frozen=True, slots=True)
class ExplainedCase:
    """One complete assignment.

    Parameters
    ----------
    states
        Id to state, of every variable of the network.
    log_probability
        Natural log of the joint probability of the assignment, times the weights of likelihood evidence.
    given_evidence
        P(assignment | evidence).
    """

    states: Mapping[str, str]
    log_probability: float
    given_evidence: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "states", FrozenMapping(dict(self.states)))


@dataclass(frozen=True, slots=True)
class MostProbableExplanations:
    """The k most probable complete assignments given the evidence; iterating gives them in order.

    Parameters
    ----------
    cases
        The most probable first; equally probable ones in the order of their states, first variable first.
    log_evidence
        Natural log of P(evidence).
    observed
        Ids with hard evidence.
    """

    cases: tuple[ExplainedCase, ...]
    log_evidence: float
    observed: tuple[str, ...]

    @property
    def covered(self) -> float:
        """P(one of the assignments listed | evidence)."""
        return min(1.0, math.fsum(case.given_evidence for case in self.cases))

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as JSON types."""
        return {
            "explanations": [
                {
                    "states": dict(case.states),
                    "log_probability": case.log_probability,
                    "given_evidence": case.given_evidence,
                }
                for case in self.cases
            ],
            "log_evidence": self.log_evidence,
            "observed": list(self.observed),
            "covered": self.covered,
        }

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame, a row an assignment, the most probable first: its log probability, then its states."""
        import pandas as pd

        rows = [
            {"log_probability": case.log_probability, "given_evidence": case.given_evidence, **case.states}
            for case in self.cases
        ]
        return pd.DataFrame(rows, index=pd.RangeIndex(1, len(rows) + 1, name="rank"))

    def __iter__(self) -> Iterator[ExplainedCase]:
        return iter(self.cases)

    def __len__(self) -> int:
        return len(self.cases)

    def __str__(self) -> str:
        first = self.cases[0].states
        lines = [f"{len(self)} most probable explanations; together P = {self.covered:.4g} given the evidence"]
        for rank, case in enumerate(self.cases, 1):
            shown = [id for id in first if id not in self.observed]
            if rank > 1:
                shown = [id for id in shown if case.states[id] != first[id]]
            said = ", ".join(f"{id} = {case.states[id]}" for id in shown) or "as observed"
            apart = "" if rank == 1 else "as the first, but "
            lines.append(f"  {rank}. P = {case.given_evidence:.4g}, ln P = {case.log_probability:.6g}: {apart}{said}")
        return "\n".join(lines)


def k_best(inference: ExactInference, evidence: Evidence, k: int) -> MostProbableExplanations:
    """Return the k most probable complete assignments; fewer when fewer are possible.

    Raises
    ------
    EvidenceError
        For Jeffrey evidence, and for a k that is no positive integer.
    ImpossibleEvidenceError
        When the evidence has probability zero.
    """
    try:
        wanted = operator.index(k)
    except TypeError:
        wanted = 0
    if wanted < 1 or isinstance(k, bool):
        raise EvidenceError(f"k = {k!r}; expected how many explanations to list, a positive integer, for example 5")
    if evidence.jeffrey:
        name = next(iter(evidence.jeffrey))
        raise EvidenceError(
            f"Jeffrey evidence on {name!r}; a most probable explanation takes hard or likelihood evidence"
        )
    # Impossible evidence is refused here, with its clash.
    log_evidence = inference.posterior(evidence, []).log_evidence
    found = _most_probable(inference, evidence, wanted)
    variables = inference.network.variables
    return MostProbableExplanations(
        tuple(
            ExplainedCase(
                {v.id: v.states[states[i]] for i, v in enumerate(variables)},
                value,
                math.exp(min(0.0, value - log_evidence)),
            )
            for value, states in found
        ),
        log_evidence,
        tuple(evidence.hard),
    )


def most_probable_case(inference: ExactInference, evidence: Evidence) -> dict[str, int]:
    """Return the most probable complete assignment, id to state.

    By `ExactInference.mpe` where the tables are small, else by a search that expands none.
    """
    if not evidence.jeffrey and _too_large_to_expand(inference):
        if math.isinf(inference.log_probability(evidence)):
            inference.posterior(evidence, [])
        ((_, states),) = _most_probable(inference, evidence, 1)
        return {v.id: states[i] for i, v in enumerate(inference.network.variables)}
    return inference.mpe(evidence)[1]


def _most_probable(inference: ExactInference, evidence: Evidence, k: int) -> tuple[Explained, ...]:
    resolved = inference.resolved
    compiled, hidden = inference.compiled, len(resolved.hidden)
    if hidden and not _too_large_to_expand(inference):
        sizes = resolved.sizes[: len(inference.network.variables)]
        compiled = CompiledNetwork(sizes, resolved.without_hidden(), memory_budget=inference.memory_budget)
        hidden = 0
    hard = {inference.index(id): state for id, state in evidence.hard.items()}
    soft = {inference.index(id): weights for id, weights in evidence.soft.items()}
    with inference.named_budget():
        return compiled.k_best(hard, soft, k, hidden=hidden)


def _too_large_to_expand(inference: ExactInference) -> bool:
    """Return whether a hidden variable summed out would leave a table of many entries."""
    resolved = inference.resolved
    count = len(resolved.sizes) - len(resolved.hidden)
    for drive in range(count, len(resolved.sizes)):
        near = [p for p in resolved.potentials if isinstance(p, Dense) and drive in p.scope]
        above = resolved.potentials[drive]
        joined = {v for p in near for v in p.scope} - {drive}
        joined |= {v for v in (above.parents if isinstance(above, NoisyMax) else above.scope) if v is not None}
        if math.prod(resolved.sizes[v] for v in joined if v != drive) > EXPANDED_ENTRIES:
            return True
    return False
