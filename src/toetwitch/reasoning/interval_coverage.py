"""How often the credible intervals hold the truth, where the truth is known: in simulated worlds.

A simulated person comes from a world whose numbers are known, so the probability that an all-knowing reader of that
world would give each cause can be computed. The model gives an interval from its cited ranges. Where worlds are drawn
from those very ranges the intervals should hold that probability as often as they claim; in worlds outside them, how
far they fall short says what the intervals are worth when the literature is off in one direction at once.
"""

from __future__ import annotations

__all__ = ["IntervalCoverage", "interval_coverage"]

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from toetwitch.evidence import read_evidence
from toetwitch.inference import ExactInference
from toetwitch.reasoning.parameter_lanes import run_numbers
from toetwitch.reasoning.scoring import Proportion
from toetwitch.reasoning.simulation import Cohort
from toetwitch.reasoning.uncertainty import intervals


@dataclass(frozen=True, slots=True)
class IntervalCoverage:
    """How often intervals held the probability of the world that people come from.

    Parameters
    ----------
    level
        What the intervals claim.
    held
        Of all causes of all people.
    held_of_leading
        Of the cause that leads, a person each.
    width
        The mean width of the interval of the leading cause.
    """

    level: float
    held: Proportion
    held_of_leading: Proportion
    width: float


def interval_coverage(
    inference: ExactInference,
    cohort: Cohort,
    causes: Sequence[str],
    *,
    level: float = 0.9,
    draws: int = 200,
    rng: np.random.Generator,
) -> IntervalCoverage:
    """Count how often the interval of a cause holds the posterior of the person's own world.

    Parameters
    ----------
    inference
        The model.
    cohort
        People from worlds that have the model's causes; at least one.
    causes
        Ids.
    level, draws
        Of the intervals.
    rng
        The source of chance.

    Raises
    ------
    EvidenceError
        For a level outside (0, 1) or no draw.
    """
    hits = total = leading = 0
    widths = []
    shifted = [ExactInference(inference.network, shifts=world.shifts) for world in cohort.worlds]
    rows = cohort.rows(inference.network)
    for row, place in zip(rows, cohort.world_of, strict=True):
        evidence = read_evidence(row, inference.network.by_id)
        truth = run_numbers(shifted[place], evidence, cohort.worlds[place].numbers, 1, causes).marginals
        said = intervals(inference, evidence, causes, level=level, draws=draws, rng=rng)
        held = {id: said.targets[id].low <= truth[id][-1, 0] <= said.targets[id].high for id in causes}
        hits += sum(held.values())
        total += len(held)
        leading += held[said.leading]
        widths.append(said.targets[said.leading].high - said.targets[said.leading].low)
    return IntervalCoverage(level, Proportion(hits, total), Proportion(leading, len(rows)), float(np.mean(widths)))
