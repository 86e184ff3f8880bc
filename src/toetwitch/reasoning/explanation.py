"""Why the posterior of a cause is what it is: contributions in log-odds that add up.

Each finding's contribution is its Shapley value: the change in the target's log-odds that it brings, averaged over all
orders in which the findings could have become known. The values are exact up to `EXACT_ITEMS` findings, by asking
every subset; beyond, permutations are drawn in antithetic pairs, which keeps the sum exact and leaves each value with a
standard error that is reported. The waterfall is the same sum in one order, the order of the evidence. The interaction
of two findings is how much less (or more) they bring together than apart: explaining away is a negative number.

References
----------
Good (1950), Probability and the Weighing of Evidence. Shapley (1953), A value for n-person games. Grabisch & Roubens
(1999), An axiomatic approach to the concept of interaction, International Journal of Game Theory 28, 547-565.
"""

from __future__ import annotations

__all__ = ["EXACT_ITEMS", "Explanation", "explain"]

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from toetwitch.evidence import Evidence
from toetwitch.inference import ExactInference
from toetwitch.reasoning.subsets import coalition_log_odds, connected, item_weights

Array = NDArray[np.float64]

EXACT_ITEMS = 12
"""4,096 subsets."""

SAMPLED_PAIRS = 128
NEGLIGIBLE = 1e-9


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the waterfall: what a finding adds once those before it are known.

    Parameters
    ----------
    id
        The finding.
    weight
        Its weight of evidence, in natural-log odds.
    log_odds
        The target's log-odds after it.
    """

    id: str
    weight: float
    log_odds: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a variable's posterior is what it is. All numbers are natural logarithms of odds.

    Parameters
    ----------
    target, state
        What is explained: ln odds(target = state).
    prior_log_odds
        With no evidence at all; context counts as evidence.
    posterior_log_odds
        With all of it: the prior plus the sum of the contributions. None when the answer is certain.
    contributions
        Evidence id to Shapley value.
    standard_errors
        Evidence id to the standard error of its value; empty when the values are exact.
    waterfall
        The same sum in the order of the evidence.
    interactions
        Pairs of ids to their Shapley interaction; negative when the one takes from the other. Empty when sampled.
    certain
        Why there is nothing to add up ("observed", or certain under the evidence), else "".
    """

    target: str
    state: str
    prior_log_odds: float
    posterior_log_odds: float | None
    contributions: Mapping[str, float] = field(default_factory=dict)
    standard_errors: Mapping[str, float] = field(default_factory=dict)
    waterfall: tuple[Step, ...] = ()
    interactions: Mapping[tuple[str, str], float] = field(default_factory=dict)
    certain: str = ""

    def __post_init__(self) -> None:
        for name in ("contributions", "standard_errors", "interactions"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @property
    def supporting(self) -> tuple[str, ...]:
        """Ids that speak for the target, strongest first."""
        found = [id for id, value in self.contributions.items() if value > NEGLIGIBLE]
        return tuple(sorted(found, key=lambda id: -self.contributions[id]))

    @property
    def conflicting(self) -> tuple[str, ...]:
        """Ids that speak against the target, strongest first."""
        found = [id for id, value in self.contributions.items() if value < -NEGLIGIBLE]
        return tuple(sorted(found, key=lambda id: self.contributions[id]))

    @property
    def neutral(self) -> tuple[str, ...]:
        """Ids that say nothing about the target."""
        return tuple(id for id, value in self.contributions.items() if abs(value) <= NEGLIGIBLE)


def explain(inference: ExactInference, evidence: Evidence, target: str, state: int) -> Explanation:
    """Explain the log-odds of a state by the evidence.

    Parameters
    ----------
    inference
        The network.
    evidence
        The case.
    target, state
        What to explain: a variable and the index of its state.

    Raises
    ------
    ImpossibleEvidenceError
        When the evidence has probability zero.
    """
    name = inference.network.by_id[target].states[state]
    prior = _log_odds(inference.posterior(Evidence({}, {}, {}), [target]).marginals[target], state)
    if target in evidence.hard:
        return Explanation(target, name, prior, None, certain=f"{target} is observed; nothing is left to explain")
    posterior = inference.posterior(evidence, [target]).marginals[target]
    if posterior[state] in (0.0, 1.0) or math.isinf(prior):
        sure = "certain" if posterior[state] == 1.0 else "impossible"
        return Explanation(target, name, prior, None, certain=f"{target} = {name} is {sure} under the evidence")
    items = item_weights(inference, evidence)
    bearing = connected(inference.network, target, list(items))
    game = _Game(inference, {id: weights for id, weights in items.items() if id in bearing}, target, state)
    solve = _exact if len(game.items) <= EXACT_ITEMS else _sampled
    values, errors, pairs = solve(game)
    steps = _waterfall(game)
    return Explanation(
        target=target,
        state=name,
        prior_log_odds=prior,
        posterior_log_odds=steps[-1].log_odds if steps else prior,
        contributions={id: values.get(id, 0.0) for id in items},
        standard_errors={id: errors.get(id, 0.0) for id in items} if errors else {},
        waterfall=steps,
        interactions=pairs,
    )


def _log_odds(posterior: Array, state: int) -> float:
    present = float(posterior[state])
    absent = float(np.delete(posterior, state).sum())
    if present == 0.0 or absent == 0.0:
        return -math.inf if present == 0.0 else math.inf
    return math.log(present) - math.log(absent)


@dataclass(frozen=True, slots=True, eq=False)
class _Game:
    """The findings as players, and the target's log-odds as what a coalition of them is worth."""

    inference: ExactInference
    items: Mapping[str, Array]
    target: str
    state: int

    def worth(self, coalitions: NDArray[np.bool_]) -> Array:
        """Return log-odds, shape (coalitions,), from members, shape (coalitions, items)."""
        return coalition_log_odds(self.inference, self.items, coalitions, self.target, self.state)


Solution = tuple[dict[str, float], dict[str, float], dict[tuple[str, str], float]]


def _exact(game: _Game) -> Solution:
    ids = list(game.items)
    n = len(ids)
    masks = np.arange(2**n)
    members = (masks[:, None] >> np.arange(n)) & 1 == 1
    worth = game.worth(members)
    size = members.sum(axis=1)
    values, pairs = {}, {}
    share = np.array([math.factorial(s) * math.factorial(n - s - 1) / math.factorial(n) for s in range(n)])
    for i, id in enumerate(ids):
        without = masks[~members[:, i]]
        values[id] = float((share[size[without]] * (worth[without | 1 << i] - worth[without])).sum())
    if n >= 2:
        share = np.array([math.factorial(s) * math.factorial(n - s - 2) / math.factorial(n - 1) for s in range(n - 1)])
        for (i, a), (j, b) in itertools.combinations(enumerate(ids), 2):
            rest = masks[~members[:, i] & ~members[:, j]]
            both, only_a, only_b = rest | 1 << i | 1 << j, rest | 1 << i, rest | 1 << j
            gain = worth[both] - worth[only_a] - worth[only_b] + worth[rest]
            pairs[a, b] = float((share[size[rest]] * gain).sum())
    return values, {}, pairs


def _sampled(game: _Game) -> Solution:
    """Average over random orders and their reverses; the seed is fixed, so that an answer repeats."""
    ids = list(game.items)
    n = len(ids)
    rng = np.random.default_rng(0)
    half = np.stack([rng.permutation(n) for _ in range(SAMPLED_PAIRS)])
    orders = np.stack([half, half[:, ::-1]], axis=1).reshape(-1, n)
    rank = np.argsort(orders, axis=1)
    known = rank[:, None, :] < np.arange(n + 1)[None, :, None]
    worth = game.worth(known.reshape(-1, n)).reshape(len(orders), n + 1)
    gains = np.take_along_axis(np.diff(worth, axis=1), rank, axis=1)
    paired = gains.reshape(SAMPLED_PAIRS, 2, n).mean(axis=1)
    error = paired.std(axis=0, ddof=1) / math.sqrt(SAMPLED_PAIRS)
    return (
        dict(zip(ids, map(float, paired.mean(axis=0)), strict=True)),
        dict(zip(ids, map(float, error), strict=True)),
        {},
    )


def _waterfall(game: _Game) -> tuple[Step, ...]:
    ids = list(game.items)
    worth = game.worth(np.tri(len(ids) + 1, len(ids), k=-1, dtype=bool))
    return tuple(
        Step(id, float(after - before), float(after))
        for id, before, after in zip(ids, worth[:-1], worth[1:], strict=True)
    )
