"""Which cause produces what is seen: necessity, expected disablement, and what produced each finding.

P(cause present) alone puts common bystanders first: stress is common, so it is likely in anyone, moving toes or not.
The counterfactual question is what is asked in a clinic: how much of what is seen would vanish if this cause alone were
switched off? The expected number of findings that would is the cause's expected disablement.

The other half of the question is what a cause did produce. A noisy-MAX finding is the maximum of independent
contributions, so "this cause produced it" is an event of the model: its contribution is the state that is seen.
P(evidence) is linear in the probability c of that contribution, so
P(produced | evidence) = c * d log P(evidence) / d c, for every parent of every finding from one backward pass. It is
also the probability that this parent suffices: that the finding would still be seen with every other parent and the
background switched off. Several may have produced the same finding at once, so the numbers of a finding may sum to
more than one, never to less.

References
----------
Richens, Lee & Johri (2020), Improving the accuracy of medical diagnosis with causal machine learning.
Nature Communications 11, 3923. doi:10.1038/s41467-020-17419-7 (expected disablement and expected sufficiency)
Darwiche (2003), A differential approach to inference in Bayesian networks. Journal of the ACM 50, 280-305.
"""

from __future__ import annotations

__all__ = ["BACKGROUND", "Attribution", "Production", "attribute", "attribution", "produced"]

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from toetwitch.engine import NoisyMax
from toetwitch.errors import ImpossibleEvidenceError
from toetwitch.evidence import Evidence
from toetwitch.frozen import FrozenMapping
from toetwitch.inference import Disablement, ExactInference
from toetwitch.knowledge import table as stated
from toetwitch.reasoning.cards import production_card

if TYPE_CHECKING:
    import pandas as pd

BACKGROUND = "background"
"""Stands for the leak among what produced a finding."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """How much of a picture each cause accounts for.

    Parameters
    ----------
    necessity
        Cause to finding to P(finding present, and absent were this cause switched off | evidence).
    expected_disablement
        Cause to the expected number of present findings that would vanish without it: the sum of its row.
    """

    necessity: Mapping[str, Mapping[str, float]]
    expected_disablement: Mapping[str, float]

    def __post_init__(self) -> None:
        rows = {cause: FrozenMapping(dict(row)) for cause, row in self.necessity.items()}
        object.__setattr__(self, "necessity", FrozenMapping(rows))
        object.__setattr__(self, "expected_disablement", FrozenMapping(dict(self.expected_disablement)))


def attribution(disablement: Disablement, evidence: Evidence) -> Attribution:
    """Return necessity and expected disablement of every cause, exactly (one run of the engine)."""
    necessity = disablement.necessity(evidence)
    return Attribution(necessity, {cause: sum(row.values()) for cause, row in necessity.items()})


@dataclass(frozen=True, slots=True)
class Production:
    """What produced each present finding.

    Parameters
    ----------
    produced
        Finding to parent (or `BACKGROUND`) to P(its contribution is the state seen | evidence): that it produced the
        finding, and would have sufficed to. At least one did, so a finding's numbers sum to one or more.
    necessity
        Cause to finding to P(finding absent were this cause switched off | evidence), through intermediate findings
        too; empty for a network without named causes.
    """

    produced: Mapping[str, Mapping[str, float]]
    necessity: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("produced", "necessity"):
            rows = {id: FrozenMapping(dict(row)) for id, row in getattr(self, name).items()}
            object.__setattr__(self, name, FrozenMapping(rows))

    @property
    def expected_disablement(self) -> Mapping[str, float]:
        """Cause to the expected number of present findings that would vanish without it."""
        return FrozenMapping({cause: sum(row.values()) for cause, row in self.necessity.items()})

    @property
    def expected_sufficiency(self) -> Mapping[str, float]:
        """Parent to the expected number of present findings that it alone would still bring about, directly."""
        totals: dict[str, float] = {}
        for row in self.produced.values():
            for parent, probability in row.items():
                totals[parent] = totals.get(parent, 0.0) + probability
        return FrozenMapping(totals)

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as JSON types."""
        return {
            "produced": {finding: dict(row) for finding, row in self.produced.items()},
            "necessity": {cause: dict(row) for cause, row in self.necessity.items()},
            "expected_disablement": dict(self.expected_disablement),
            "expected_sufficiency": dict(self.expected_sufficiency),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame, a row for each finding and parent or cause: produced, necessity (NaN where none)."""
        import pandas as pd

        pairs = dict.fromkeys((finding, parent) for finding, row in self.produced.items() for parent in row)
        pairs.update(dict.fromkeys((finding, cause) for cause, row in self.necessity.items() for finding in row))
        return pd.DataFrame(
            {
                "produced": [self.produced.get(f, {}).get(by, math.nan) for f, by in pairs],
                "necessity": [self.necessity.get(by, {}).get(f, math.nan) for f, by in pairs],
            },
            index=pd.MultiIndex.from_tuples(list(pairs), names=["finding", "by"]),
        )

    def __str__(self) -> str:
        lines = []
        for finding, row in self.produced.items():
            lines.append(f"{finding}: produced by (probability; would be absent without it)")
            for parent in sorted(row, key=lambda id: -row[id])[:5]:
                lost = self.necessity.get(parent, {}).get(finding)
                lines.append(f"  {parent:<36} {row[parent]:>7.1%}" + ("" if lost is None else f"   {lost:>7.1%}"))
        return "\n".join(lines) or "No finding is present, so nothing is to be attributed."

    def _repr_html_(self) -> str:
        return production_card(self)


def attribute(disablement: Disablement, evidence: Evidence) -> Production:
    """Return what produced each present finding, and what each cause's absence would take away.

    Raises
    ------
    ImpossibleEvidenceError
        When the evidence has probability zero.
    """
    return Production(produced(disablement.exact, evidence), disablement.necessity(evidence))


def produced(inference: ExactInference, evidence: Evidence) -> dict[str, dict[str, float]]:
    """Return finding to parent (or `BACKGROUND`) to P(its contribution is the state seen | evidence).

    Findings are the noisy-MAX variables with evidence above their lowest state; binary ones also with soft evidence.

    Raises
    ------
    ImpossibleEvidenceError
        When the evidence has probability zero.

    Examples
    --------
    >>> from toetwitch.evidence import read_evidence
    >>> from toetwitch.knowledge import Cpt, Estimate, Leak, Link, NetworkDefinition, NoisyMax, Variable
    >>> p = Estimate.of
    >>> twitch = NoisyMax("twitch", Leak("leak", {"true": p(0.1)}), (Link("caffeine", {"true": p(0.55)}),))
    >>> tables = (Cpt("caffeine", (), [0.0, 1.0]), twitch)
    >>> inference = ExactInference(NetworkDefinition((Variable("caffeine"), Variable("twitch")), tables))
    >>> found = produced(inference, read_evidence({"twitch": True}, inference.network.by_id))
    >>> {by: round(probability, 4) for by, probability in found["twitch"].items()}
    {'background': 0.1818, 'caffeine': 0.9091}
    """
    weights = inference.weights(evidence)
    seen = {id: state for id, state in evidence.hard.items() if state > 0}
    seen.update({id: 1 for id, weight in weights.items() if len(weight) == 2})
    made_by = {id: child for id in seen if (child := _noisy_child(inference, id)) is not None}
    if not made_by:
        inference.posterior(evidence, [])
        return {}
    hard = {inference.index(id): state for id, state in evidence.hard.items()}
    with inference.named_budget():
        soft = {inference.index(id): weight for id, weight in weights.items()}
        log_evidence, gradient = inference.compiled.gradient(hard, soft)
    if math.isinf(log_evidence):
        inference.posterior(evidence, [])
        raise ImpossibleEvidenceError("the evidence has probability zero", evidence.ids)
    names = [variable.id for variable in inference.network.variables]
    found = {}
    for id, child in made_by.items():
        potential = inference.resolved.potentials[child]
        terms = potential.terms if isinstance(potential, NoisyMax) else ()
        # A contribution's distribution may depend on each state of its parent, so all of them are summed.
        found[id] = {
            BACKGROUND if _is_background(inference, id, term.parent) else names[term.parent or 0]: float(
                np.clip(np.sum(term.values[..., seen[id]] * slope[..., seen[id]]), 0.0, 1.0)
            )
            for term, slope in zip(terms, gradient[child], strict=True)
        }
    return found


def _noisy_child(inference: ExactInference, id: str) -> int | None:
    """Return the noisy-MAX that makes a finding: itself, or the hidden drive of one that can be held back."""
    i = inference.index(id)
    potential = inference.resolved.potentials[i]
    if isinstance(potential, NoisyMax):
        return i
    hidden = [j for j in potential.scope if j >= len(inference.network.variables)]
    return hidden[0] if hidden else None


def _is_background(inference: ExactInference, id: str, parent: int | None) -> bool:
    table = inference.network.table_of[id]
    by = table.leak.by if isinstance(table, stated.NoisyMax) else ""
    return parent is None or (by != "" and inference.index(by) == parent)
