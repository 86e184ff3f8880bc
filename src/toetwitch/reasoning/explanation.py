"""Why the posterior of a cause is what it is: contributions in log-odds that add up.

Each finding's contribution is its Shapley value: the change in the target's log-odds that it brings, averaged over all
orders in which the findings could have become known. The values are exact up to `EXACT_ITEMS` findings that can bear on
the target, by asking every subset; beyond, permutations are drawn in antithetic pairs, which keeps the sum exact and
leaves each value with a reported standard error and a bound of `BOUND_DEVIATIONS` of them. The waterfall is the same
sum in one order, the order of the evidence. The interaction of two findings is how much less (or more) they bring
together than apart: explaining away is a negative number. A finding that is d-separated from the target, whatever is
known of the others, contributes exactly zero. Each contribution names the arcs that carry it.

References
----------
Good (1950), Probability and the Weighing of Evidence. Shapley (1953), A value for n-person games. Grabisch & Roubens
(1999), An axiomatic approach to the concept of interaction, International Journal of Game Theory 28, 547-565.
"""

from __future__ import annotations

__all__ = ["EXACT_ITEMS", "Explanation", "Step", "explain"]

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from toetwitch.evidence import Evidence
from toetwitch.frozen import FrozenMapping
from toetwitch.inference import ExactInference
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.reasoning.cards import explanation_card
from toetwitch.reasoning.carriers import Carrier, carriers, descends
from toetwitch.reasoning.subsets import coalition_log_odds, connected, item_weights

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

EXACT_ITEMS = 12
"""4,096 subsets."""

SAMPLED_PAIRS = 128
NEGLIGIBLE = 1e-9
BOUND_DEVIATIONS = 4.0
"""Standard errors in the stated bound of a sampled value: a normal mean is outside once in 16,000."""


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
    unexplained
        Present findings that the target cannot bring about, since no directed path leads to them: they ask for
        another explanation, and are no evidence against this one.
    carriers
        Evidence id to the arcs that carry its word, from the target outwards: the direct arc, else a shortest active
        path given the rest.
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
    unexplained: tuple[str, ...] = ()
    carriers: Mapping[str, tuple[Carrier, ...]] = field(default_factory=dict)
    certain: str = ""

    def __post_init__(self) -> None:
        for name in ("contributions", "standard_errors", "interactions", "carriers"):
            object.__setattr__(self, name, FrozenMapping(dict(getattr(self, name))))

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

    @property
    def error_bound(self) -> float:
        """How far the worst contribution may be off: 0 when exact, else four standard errors (a statistical bound)."""
        return BOUND_DEVIATIONS * max(self.standard_errors.values(), default=0.0)

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as JSON types; infinite or missing numbers as None."""
        return {
            "target": self.target,
            "state": self.state,
            "prior_log_odds": self.prior_log_odds if math.isfinite(self.prior_log_odds) else None,
            "posterior_log_odds": self.posterior_log_odds,
            "contributions": dict(self.contributions),
            "standard_errors": dict(self.standard_errors),
            "error_bound": self.error_bound,
            "waterfall": [{"id": s.id, "weight": s.weight, "log_odds": s.log_odds} for s in self.waterfall],
            "interactions": [{"ids": list(pair), "value": value} for pair, value in self.interactions.items()],
            "supporting": list(self.supporting),
            "conflicting": list(self.conflicting),
            "neutral": list(self.neutral),
            "unexplained": list(self.unexplained),
            "carriers": {id: [_carrier_dict(arc) for arc in arcs] for id, arcs in self.carriers.items()},
            "certain": self.certain,
        }

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame, a row an evidence id in the order of the evidence.

        Columns: contribution, standard_error, waterfall (NaN for an id that cannot bear on the target), role,
        mechanisms, sources.
        """
        import pandas as pd

        steps = {step.id: step.weight for step in self.waterfall}
        rows = [
            {
                "contribution": value,
                "standard_error": self.standard_errors.get(id, 0.0),
                "waterfall": steps.get(id, math.nan),
                "role": self._role(id),
                "mechanisms": " ".join(dict.fromkeys(m for arc in self.carriers.get(id, ()) for m in arc.mechanisms)),
                "sources": " ".join(dict.fromkeys(s for arc in self.carriers.get(id, ()) for s in arc.sources)),
            }
            for id, value in self.contributions.items()
        ]
        columns = ["contribution", "standard_error", "waterfall", "role", "mechanisms", "sources"]
        return pd.DataFrame(rows, index=pd.Index(list(self.contributions), name="evidence"), columns=columns)

    def _role(self, id: str) -> str:
        if id in self.supporting:
            return "supporting"
        return "conflicting" if id in self.conflicting else "neutral"

    def __str__(self) -> str:
        head = f"Why {self.target} = {self.state} (natural log odds)"
        if self.certain or self.posterior_log_odds is None:
            return f"{head}\n  {self.certain}."
        lines = [head, f"  {'prior':<36} {self.prior_log_odds:+7.2f}"]
        for id in (*self.supporting, *self.conflicting, *self.neutral):
            arcs = "; ".join(map(str, self.carriers.get(id, ())))
            lines.append(f"  {id:<36} {self.contributions[id]:+7.2f}" + (f"   {arcs}" if arcs else ""))
        lines.append(f"  {'posterior':<36} {self.posterior_log_odds:+7.2f}")
        if self.standard_errors:
            lines.append(f"  From sampled orders: each is within {self.error_bound:.2g} (four standard errors).")
        away = sorted((value, pair) for pair, value in self.interactions.items() if value < -0.05)
        lines += [f"  {a} and {b} take {-value:.2f} from each other." for value, (a, b) in away[:3]]
        if self.unexplained:
            lines.append(f"  Not explained by it: {', '.join(self.unexplained)}.")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return explanation_card(self)


def _carrier_dict(arc: Carrier) -> dict[str, Any]:
    return {
        "parent": arc.parent,
        "child": arc.child,
        "paths": list(arc.paths),
        "mechanisms": list(arc.mechanisms),
        "sources": list(arc.sources),
    }


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

    Examples
    --------
    >>> from toetwitch.evidence import read_evidence
    >>> from toetwitch.knowledge import Cpt, NetworkDefinition, Variable
    >>> tables = (Cpt("rain", (), [0.8, 0.2]), Cpt("wet", ("rain",), [[0.9, 0.1], [0.2, 0.8]]))
    >>> inference = ExactInference(NetworkDefinition((Variable("rain"), Variable("wet")), tables))
    >>> print(explain(inference, read_evidence({"wet": True}, inference.network.by_id), "rain", 1))
    Why rain = true (natural log odds)
      prior                                  -1.39
      wet                                    +2.08   rain -> wet
      posterior                              +0.69
    """
    name = inference.network.by_id[target].states[state]
    prior = _log_odds(inference.posterior(Evidence({}, {}, {}), [target]).marginals[target], state)
    if target in evidence.hard:
        seen = inference.network.by_id[target].states[evidence.hard[target]]
        inference.posterior(evidence, [])
        observed = f"{target} = {seen} is observed: nothing is left to explain"
        return Explanation(target, name, prior, None, certain=observed)
    posterior = _log_odds(inference.posterior(evidence, [target]).marginals[target], state)
    if math.isinf(posterior):
        sure = "certain" if posterior > 0 else "impossible"
        when = "without any evidence" if math.isinf(prior) else "under the evidence"
        return Explanation(target, name, prior, None, certain=f"{target} = {name} is {sure} {when}")
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
        unexplained=_unexplained(inference.network, evidence, target),
        carriers={id: carriers(inference.network, id, target, list(items)) if id in bearing else () for id in items},
    )


def _unexplained(network: NetworkDefinition, evidence: Evidence, target: str) -> tuple[str, ...]:
    """Return the findings above their lowest state that are neither below nor above the target."""
    kinds = ("finding", "test", "variable")
    seen = [id for id, state in evidence.hard.items() if state > 0 and network.by_id[id].kind in kinds]
    return tuple(
        id
        for id in seen
        if network.parents(id)
        and id != target
        and not descends(network, id, target)
        and not descends(network, target, id)
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
