"""How sure the numbers leave us: credible intervals of every posterior.

A stated number is read as a split normal, on the log-odds scale for a probability and on the log scale for an odds
ratio: the estimate is the median, and the ends of the cited range are the 2.5th and 97.5th percentiles, each side with
its own spread. A range that touches 0 or 1 is read up to `EDGE` from it; a number without a range stays put. Every draw
is a model of its own, solved again and answered exactly on lanes; a draw under which no model exists is rejected and
counted. Numbers are drawn independently of each other: a source that is off in all its numbers at once is a question
for `toetwitch.reasoning.sensitivity`.

References
----------
Wallis (2014), The two-piece normal, binormal, or double Gaussian distribution. Statistical Science 29, 106-112.
doi:10.1214/13-STS417
"""

from __future__ import annotations

__all__ = ["EDGE", "Interval", "Intervals", "draw_numbers", "drawn_at", "intervals"]

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from toetwitch.errors import EvidenceError
from toetwitch.evidence import Evidence
from toetwitch.frozen import FrozenMapping
from toetwitch.inference import ExactInference
from toetwitch.knowledge.parameters import Parameter, parameters
from toetwitch.reasoning.cards import intervals_card
from toetwitch.reasoning.parameter_lanes import relevant, run_numbers
from toetwitch.reasoning.ranking import leaders

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

EDGE = 1e-6
"""How near to 0 or 1 the end of a range is read."""

Z_AT_975 = 1.959963984540054
"""The standard normal's 97.5th percentile."""


@dataclass(frozen=True, slots=True)
class Interval:
    """What the draws say of one posterior.

    Parameters
    ----------
    posterior
        With all numbers at their estimates.
    median, low, high
        Of the draws; the interval holds `level` of them, the same share outside either end.
    leads
        The share of draws in which this target leads, as `assess` ranks: the case has taught most about it.
    """

    posterior: float
    median: float
    low: float
    high: float
    leads: float


@dataclass(frozen=True, slots=True)
class Intervals:
    """How sure the numbers leave us.

    Parameters
    ----------
    level
        The probability that an interval holds.
    targets
        Target to its interval, for P(target in its last state | evidence).
    leading
        The target that leads with all numbers at their estimates.
    draws, rejected
        How many models were drawn and answered, and how many drawn numbers gave no model or made the evidence
        impossible.
    """

    level: float
    targets: Mapping[str, Interval]
    leading: str
    draws: int
    rejected: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "targets", FrozenMapping(dict(self.targets)))

    @property
    def leading_leads(self) -> float:
        """The share of draws in which the leading target leads."""
        return self.targets[self.leading].leads

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as JSON types."""
        return {
            "level": self.level,
            "leading": self.leading,
            "leading_leads": self.leading_leads,
            "draws": self.draws,
            "rejected": self.rejected,
            "targets": {
                id: {"posterior": t.posterior, "median": t.median, "low": t.low, "high": t.high, "leads": t.leads}
                for id, t in self.targets.items()
            },
        }

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame, a row a target, most probable first."""
        import pandas as pd

        order = sorted(self.targets, key=lambda id: -self.targets[id].posterior)
        columns = ["posterior", "median", "low", "high", "leads"]
        rows = [[getattr(self.targets[id], name) for name in columns] for id in order]
        return pd.DataFrame(rows, index=pd.Index(order, name="target"), columns=columns)

    def __str__(self) -> str:
        lines = [f"Posterior, and {self.level:.0%} of {self.draws} models drawn from the cited ranges"]
        for id in sorted(self.targets, key=lambda id: -self.targets[id].posterior)[:8]:
            t = self.targets[id]
            lines.append(f"  {id:<38} {t.posterior:>6.1%}   {t.low:>6.1%} .. {t.high:>6.1%}   leads in {t.leads:.0%}")
        if self.rejected:
            lines.append(f"  {self.rejected} draws gave no model and were left out.")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return intervals_card(self)


def draw_numbers(chosen: Sequence[Parameter], count: int, rng: np.random.Generator) -> dict[str, Array]:
    """Return path to drawn values, shape (count,), for every number with a range; by the stated rule.

    Examples
    --------
    >>> from toetwitch.knowledge.estimate import Estimate
    >>> number = Parameter("a.leak.true", "a", Estimate(0.2, 0.1, 0.5), "probability", "leak")
    >>> drawn = draw_numbers([number], 20_000, np.random.default_rng(0))["a.leak.true"]
    >>> np.percentile(drawn, [2.5, 50, 97.5]).round(2).tolist()
    [0.1, 0.2, 0.5]
    """
    drawn = {}
    for p in chosen:
        z = rng.standard_normal(count)
        if p.estimate.low < p.estimate.high:
            drawn[p.path] = drawn_at(p, z)
    return drawn


def drawn_at(p: Parameter, deviates: Array) -> Array:
    """Return the values of a number at standard normal deviates, shape (draws,), by the stated rule."""
    e = p.estimate
    if p.scale == "odds_ratio":
        centre, low, high = (math.log(max(x, EDGE)) for x in (e.value, e.low, e.high))
    else:
        centre, low, high = (_log_odds(x) for x in (e.value, e.low, e.high))
    moved = centre + np.where(deviates < 0, centre - low, high - centre) * deviates / Z_AT_975
    return np.asarray(np.exp(moved) if p.scale == "odds_ratio" else 1 / (1 + np.exp(-moved)))


def _log_odds(x: float) -> float:
    x = min(max(x, EDGE), 1 - EDGE)
    return math.log(x) - math.log1p(-x)


def intervals(
    inference: ExactInference,
    evidence: Evidence,
    targets: Sequence[str],
    *,
    level: float = 0.9,
    draws: int = 1000,
    rng: np.random.Generator,
) -> Intervals:
    """Return credible intervals of P(target in its last state | evidence), the numbers drawn from their ranges.

    Parameters
    ----------
    inference
        The network.
    evidence
        The case. Jeffrey statements count as the weights that make them hold in the model as it stands.
    targets
        Ids; which of them leads is told by what the case has taught about each.
    level
        The probability that an interval holds, between 0 and 1.
    draws
        How many models to draw.
    rng
        The source of chance; the same state gives the same answer.

    Raises
    ------
    EvidenceError
        For a level outside (0, 1), no draw at all, or when no draw gave a model.
    ImpossibleEvidenceError
        When the evidence has probability zero.
    """
    if not 0 < level < 1:
        raise EvidenceError(f"level {level!r}; expected a number between 0 and 1")
    if draws < 1:
        raise EvidenceError(f"{draws!r} draws; expected one or more")
    if not isinstance(rng, np.random.Generator):
        raise EvidenceError(
            f"rng of type {type(rng).__name__}; expected a numpy Generator, numpy.random.default_rng(0)"
        )
    now = inference.posterior(evidence, targets).marginals
    mattering = relevant(inference.network, parameters(inference.network), [*targets, *evidence.ids])
    numbers = draw_numbers(mattering, draws, rng)
    found = run_numbers(inference, evidence, numbers, draws, targets, priors=True)
    valid = found.valid
    if not valid.any():
        raise EvidenceError(f"none of {draws} draws gave a model; expected cited ranges that fit together")
    sample = np.stack([found.marginals[id][-1, valid] for id in targets])
    best = leaders(dict(zip(targets, sample, strict=True)), {id: found.priors[id][valid] for id in targets})
    outside = 50 * (1 - level)
    rows = {}
    for n, id in enumerate(targets):
        low, median, high = np.percentile(sample[n], [outside, 50, 100 - outside])
        rows[id] = Interval(float(now[id][-1]), float(median), float(low), float(high), float((best == id).mean()))
    before = inference.posterior(Evidence({}, {}, {}), targets).marginals
    leading = str(leaders({id: now[id][-1] for id in targets}, {id: before[id][-1] for id in targets}))
    return Intervals(level, rows, leading, int(valid.sum()), int((~valid).sum()))
