"""Extreme posteriors that some choice of numbers within the cited ranges attains.

Where every number enters its table along a line of its own, P(target, evidence) and P(evidence) are multilinear in the
numbers, so the posterior is monotone in each with the others held, and its extremes over the box of ranges stand at its
corners. With few numbers all corners are tried and the extremes are exact. With many, and with numbers that enter by a
solution, the search climbs: from the estimates, every number is tried at both ends of its range, all that help are
moved together, and so on until no single move helps. What it finds is attained: a bound from inside, and not more.
"""

from __future__ import annotations

__all__ = ["MOST_CORNERS", "Extremes", "attained"]

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toetwitch.evidence import Evidence
from toetwitch.inference import ExactInference
from toetwitch.knowledge.parameters import Parameter, parameters
from toetwitch.reasoning.linear_parameters import solved_upstream, table_line
from toetwitch.reasoning.parameter_lanes import numbers_at, relevant, run_numbers

Array = NDArray[np.float64]

MOST_CORNERS = 1024
"""Ten numbers with a range: past that the search climbs."""

SWEEPS = 6

LEAST_GAIN = 1e-7
"""A move that changes the posterior by less is not worth a sweep."""


@dataclass(frozen=True, slots=True)
class Extremes:
    """The extreme posteriors found.

    Parameters
    ----------
    low, high
        Posteriors that some numbers within their ranges give.
    exact
        Whether no others are farther out.
    """

    low: float
    high: float
    exact: bool


def attained(inference: ExactInference, evidence: Evidence, target: str, state: int) -> Extremes:
    """Return the extreme values of P(target = state | evidence) found over the cited ranges.

    Parameters
    ----------
    inference
        The network.
    evidence
        The case, possible under the estimates.
    target, state
        What is asked.
    """
    known = relevant(inference.network, parameters(inference.network), [target, *evidence.ids])
    ranged = _free_rows([p for p in known if p.estimate.low < p.estimate.high])
    search = _Corners(inference, evidence, target, state, known)
    if 2 ** len(ranged) <= MOST_CORNERS:
        ends = [(p.estimate.low, p.estimate.high) for p in ranged]
        rows = [dict(zip([p.path for p in ranged], corner, strict=True)) for corner in itertools.product(*ends)]
        found = search.posterior(rows)
        whole = bool(np.isfinite(found).all()) and _multilinear(inference, known, ranged)
        found = np.append(found[np.isfinite(found)], search.posterior([{}]))
        return Extremes(float(found.min()), float(found.max()), whole)
    return Extremes(*search.climb(ranged), exact=False)


def _free_rows(ranged: Sequence[Parameter]) -> list[Parameter]:
    """Return the numbers that may be moved at once: of a row of several states one, which the others make room for."""
    found, rows = [], set()
    for p in ranged:
        row = p.path.rpartition("].")[0]
        if p.role != "row" or row not in rows:
            found.append(p)
        if p.role == "row":
            rows.add(row)
    return found


def _multilinear(inference: ExactInference, known: Sequence[Parameter], ranged: Sequence[Parameter]) -> bool:
    """Return whether every number moves its table along a line that holds over its whole range."""
    above = solved_upstream(inference.network)
    several = {p.path.rpartition("].")[0] for p in known if p.role == "row" and _states(inference, p) > 2}
    for p in ranged:
        line = None if p.child in above else table_line(inference, p)
        if line is None or line.low > p.estimate.low or line.high < p.estimate.high:
            return False
        if p.path.rpartition("].")[0] in several:
            return False
    return True


def _states(inference: ExactInference, p: Parameter) -> int:
    return len(inference.network.by_id[p.child].states)


class _Corners:
    """Posteriors at corners of the box."""

    def __init__(
        self, inference: ExactInference, evidence: Evidence, target: str, state: int, known: Sequence[Parameter]
    ) -> None:
        self.inference, self.evidence, self.target, self.state, self.known = inference, evidence, target, state, known

    def posterior(self, rows: Sequence[Mapping[str, float]]) -> Array:
        """Return the posterior under other numbers, shape (rows,); NaN where no model exists."""
        numbers = numbers_at(rows, self.known)
        found = run_numbers(self.inference, self.evidence, numbers, len(rows), [self.target])
        return np.asarray(found.marginals[self.target][self.state])

    def climb(self, ranged: Sequence[Parameter]) -> tuple[float, float]:
        """Return the least and the greatest posterior found."""
        tries = [(p, end) for p in ranged for end in (p.estimate.low, p.estimate.high)]
        first = self.posterior([{}, *({p.path: end} for p, end in tries)])
        start = float(first[0])
        return (
            -self._climbed(ranged, tries, -first[1:], -start, -1.0),
            self._climbed(ranged, tries, first[1:], start, 1.0),
        )

    def _climbed(
        self,
        ranged: Sequence[Parameter],
        tries: list[tuple[Parameter, float]],
        values: Array,
        best: float,
        sign: float,
    ) -> float:
        here: dict[str, float] = {}
        for _ in range(SWEEPS):
            gain = np.nan_to_num(values, nan=-np.inf) - best
            order = [int(n) for n in np.argsort(-gain) if gain[n] > LEAST_GAIN]
            if not order:
                break
            # All that help at once, else the better half of them, and so on down to the best alone.
            counts = [max(1, len(order) >> halved) for halved in range(len(order).bit_length())]
            rows = [{**here, **_moves([tries[n] for n in order[:count]])} for count in counts]
            together = np.nan_to_num(sign * self.posterior(rows), nan=-np.inf)
            chosen = int(np.argmax(together))
            if together[chosen] <= best:
                break
            here, best = rows[chosen], float(together[chosen])
            tries = [(p, end) for p in ranged for end in (p.estimate.low, p.estimate.high) if here.get(p.path) != end]
            values = sign * self.posterior([{**here, p.path: end} for p, end in tries])
        return best


def _moves(chosen: Sequence[tuple[Parameter, float]]) -> dict[str, float]:
    """Return the moves, of two of one number the better, which comes first."""
    found: dict[str, float] = {}
    for p, end in chosen:
        found.setdefault(p.path, end)
    return found
