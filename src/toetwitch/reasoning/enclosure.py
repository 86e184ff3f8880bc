"""How far a posterior can go when every number may lie anywhere in its cited range: bounds from outside and inside.

The inner bounds are attained: some choice of numbers gives them (`toetwitch.reasoning.corners`). Where every number
moves its table along a line and there are few of them, they are the exact extremes. Else the outer bounds are proven in
two ways, and the tighter ends of both count. By odds: the odds of the target lie between the extreme ratios of what it
does in any state of all else (`toetwitch.reasoning.ratio_bounds`). By sums: P(target, evidence) is a sum of products of
table entries, so it has no negative coefficient; with every entry at the lower end of what it can be it is lowest, and
with every entry at the upper end highest. With N for it and M for the same of the other states, the posterior
N / (N + M) rises in N and falls in M, hence

    N_low / (N_low + M_high)  <=  posterior  <=  N_high / (N_high + M_low).

What an entry can be follows from the ranges by interval arithmetic: a noisy-MAX from the ranges of its links and
background, a logistic table from the ranges of its odds ratios and of its intercept, the latter solved at the least
and the most favourable weights that the parents' own tables allow. Sums are taken where the tables are small.

Outer bounds of many numbers are wider than the extremes: what cannot be extreme together is taken as if it could. They
are for judging how much can be proven; credible intervals are for judging what is likely.

References
----------
de Campos & Cozman (2005), The inferential complexity of Bayesian and credal networks. IJCAI-05, 1313-1318.
"""

from __future__ import annotations

__all__ = ["Enclosure", "Tables", "enclosure", "outer_bounds"]

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine import CompiledNetwork, Dense
from toetwitch.errors import BudgetExceededError
from toetwitch.evidence import Evidence
from toetwitch.inference import ExactInference
from toetwitch.knowledge import table as stated
from toetwitch.knowledge.estimate import Estimate
from toetwitch.reasoning.cards import enclosure_card
from toetwitch.reasoning.corners import attained
from toetwitch.reasoning.ratio_bounds import odds_bounds

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Ends = tuple[Array, Array]
"""Lower and upper ends, of one shape."""

MOST_IN_ALL = 2**15
"""Entries of all tables together up to which the sums are taken, in a fraction of a second."""

MOST_CELLS = 2**20
"""Entries of the largest table that is written out: a noisy-OR of 19 parents."""


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A proven enclosure of a posterior.

    Parameters
    ----------
    target, state
        Of P(target = state | evidence).
    posterior
        With all numbers at their estimates.
    low, high
        The outer bounds: no choice of numbers within the cited ranges takes the posterior outside.
    attained_low, attained_high
        The inner bounds: posteriors that some choice of numbers within the ranges gives.
    method
        How the outer bounds were proven: "all corners" (exact, the inner bounds are the outer ones), "odds ratios",
        "interval arithmetic" or both of these, which are wider than the exact extremes; "nothing" where no bound was
        proven; "observed" for a target that is.
    """

    target: str
    state: str
    posterior: float
    low: float
    high: float
    attained_low: float
    attained_high: float
    method: str

    @property
    def exact(self) -> bool:
        """Whether the bounds are the extreme posteriors themselves."""
        return self.method in ("all corners", "observed")

    def to_dict(self) -> dict[str, Any]:
        """Return the enclosure as JSON types."""
        return {
            "target": self.target,
            "state": self.state,
            "posterior": self.posterior,
            "low": self.low,
            "high": self.high,
            "attained_low": self.attained_low,
            "attained_high": self.attained_high,
            "exact": self.exact,
            "method": self.method,
        }

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame of one row."""
        import pandas as pd

        return pd.DataFrame([self.to_dict()]).set_index("target")

    def __str__(self) -> str:
        where = f"{self.low:.2%} .. {self.high:.2%} ({self.method})"
        inside = "" if self.exact else f"; {self.attained_low:.2%} .. {self.attained_high:.2%} attained"
        return f"P({self.target} = {self.state}) = {self.posterior:.2%}, proven within {where}{inside}"

    def _repr_html_(self) -> str:
        return enclosure_card(self)


def enclosure(inference: ExactInference, evidence: Evidence, target: str, state: int) -> Enclosure:
    """Return bounds on P(target = state | evidence) that hold for all numbers within their cited ranges.

    Parameters
    ----------
    inference
        The network.
    evidence
        The case. Jeffrey statements count as the weights that make them hold in the model as it stands.
    target, state
        What is bounded.

    Raises
    ------
    ImpossibleEvidenceError
        When the evidence has probability zero.
    BudgetExceededError
        When the question needs too much memory.

    Examples
    --------
    >>> from toetwitch.evidence import read_evidence
    >>> from toetwitch.knowledge import Cpt, Leak, Link, NetworkDefinition, NoisyMax, Variable
    >>> link = Link("cause", {"true": Estimate(0.6, 0.4, 0.8)})
    >>> table = NoisyMax("finding", Leak("leak", {"true": Estimate.of(0.1)}), (link,))
    >>> tables = (Cpt("cause", (), [0.9, 0.1]), table)
    >>> inference = ExactInference(NetworkDefinition((Variable("cause"), Variable("finding")), tables))
    >>> print(enclosure(inference, read_evidence({"finding": True}, inference.network.by_id), "cause", 1))
    P(cause = true) = 40.00%, proven within 30.77% .. 47.06% (all corners)
    """
    posterior = float(inference.posterior(evidence, [target]).marginals[target][state])
    name = inference.network.by_id[target].states[state]
    if target in evidence.hard:
        return Enclosure(target, name, posterior, posterior, posterior, posterior, posterior, "observed")
    found = attained(inference, evidence, target, state)
    inner = min(found.low, posterior), max(found.high, posterior)
    if found.exact:
        return Enclosure(target, name, posterior, *inner, *inner, "all corners")
    low, high, method = outer_bounds(inference, evidence, target, state)
    return Enclosure(target, name, posterior, min(low, *inner), max(high, *inner), *inner, method)


def outer_bounds(inference: ExactInference, evidence: Evidence, target: str, state: int) -> tuple[float, float, str]:
    """Return bounds that no numbers within their ranges escape, and how they were proven; the target unobserved."""
    tables = Tables(inference)
    low, high, methods = 0.0, 1.0, []
    if len(inference.network.by_id[target].states) == 2:
        odds = odds_bounds(inference, evidence, target, tables)
        ends = [1.0 if o == math.inf else o / (1 + o) for o in odds]
        low, high = (ends[0], ends[1]) if state == 1 else (1 - ends[1], 1 - ends[0])
        methods.append("odds ratios")
    sums = _by_sums(inference, evidence, target, state, tables)
    if sums is not None:
        low, high = max(low, sums[0]), min(high, sums[1])
        methods.append("interval arithmetic")
    return low, high, " and ".join(methods) or "nothing"


def _cells(inference: ExactInference, ids: Sequence[str]) -> int:
    """Return how many entries the tables of some variables have, written out."""
    sizes = {id: len(variable.states) for id, variable in inference.network.by_id.items()}
    return sum(math.prod(sizes[p] for p in inference.network.parents(id)) * sizes[id] for id in ids)


def _by_sums(
    inference: ExactInference, evidence: Evidence, target: str, state: int, ends: Tables
) -> tuple[float, float] | None:
    """Return bounds from the sums over all worlds at the ends of every entry; None where the tables are too large."""
    ids = _above(inference, [target, *evidence.ids])
    if _cells(inference, ids) > MOST_IN_ALL:
        return None
    tables = [ends.of(id) for id in ids]
    this = np.eye(len(inference.network.by_id[target].states))[state]
    logs = _log_totals(inference, evidence, ids, tables, target, np.stack([this, 1 - this, this, 1 - this], axis=-1))
    return _share(logs[0], logs[3]), _share(logs[2], logs[1])


def _share(log_this: float, log_others: float) -> float:
    """Return this / (this + others) from logs."""
    if log_this == -math.inf:
        return 0.0
    return 1 / (1 + math.exp(min(700.0, log_others - log_this)))


def _above(inference: ExactInference, ids: Sequence[str]) -> list[str]:
    found: set[str] = set()
    stack = list(ids)
    while stack:
        id = stack.pop()
        if id not in found:
            found.add(id)
            stack.extend(inference.network.parents(id))
    return [id for id in inference.network.order if id in found]


def _log_totals(
    inference: ExactInference,
    evidence: Evidence,
    ids: Sequence[str],
    tables: Sequence[Ends],
    target: str,
    wanted: Array,
) -> Array:
    """Return the logs of the sums of products of entries over what the evidence allows, shape (4,).

    In the first two lanes the entries are at their lower ends, in the others at their upper ones; `wanted` weighs the
    target's states, shape (states, 4).
    """
    place = {id: n for n, id in enumerate(ids)}
    sizes = [len(inference.network.by_id[id].states) for id in ids]
    scopes = [(*(place[p] for p in inference.network.parents(id)), place[id]) for id in ids]
    network = CompiledNetwork(
        sizes,
        [Dense(scope, low) for scope, (low, _) in zip(scopes, tables, strict=True)],
        memory_budget=inference.memory_budget,
    )
    laned = {
        n: Dense(scope, np.stack([low, low, high, high], axis=-1))
        for n, (scope, (low, high)) in enumerate(zip(scopes, tables, strict=True))
    }
    weights = inference.weights(evidence)
    soft = {place[id]: w for id, w in weights.items()}
    soft[place[target]] = wanted * weights[target][:, None] if target in weights else wanted
    hard = {place[id]: state for id, state in evidence.hard.items()}
    return network.lanes(hard, soft, laned, [])[0]


class Tables:
    """The ends of every entry of every table."""

    def __init__(self, inference: ExactInference) -> None:
        self.network = inference.network
        self.shifts = inference.shifts
        self.made: dict[str, Ends] = {}

    def of(self, id: str) -> Ends:
        """Return the ends of a variable's table, shape (parents in table order ..., child).

        Raises
        ------
        BudgetExceededError
            When a noisy-MAX has too many parents to be written out.
        """
        if id not in self.made:
            table = self.network.table_of[id]
            if isinstance(table, stated.Cpt):
                self.made[id] = self._cpt(table)
            elif isinstance(table, stated.Logistic):
                self.made[id] = self._logistic(table)
            else:
                self.made[id] = self._noisy_max(table)
        return self.made[id]

    def _size(self, id: str) -> int:
        return len(self.network.by_id[id].states)

    def _mask(self, parents: Sequence[str], when: Mapping[str, tuple[str, ...]]) -> NDArray[np.bool_]:
        mask = np.ones([self._size(p) for p in parents], dtype=bool)
        for axis, p in enumerate(parents):
            variable = self.network.by_id[p]
            held = np.isin(np.arange(len(variable.states)), [variable.index(s) for s in when.get(p, variable.states)])
            mask &= held.reshape([-1 if a == axis else 1 for a in range(len(parents))])
        return mask

    # -- rows -----------------------------------------------------------------------------------------------------

    def _cpt(self, table: stated.Cpt) -> Ends:
        low, high = table.values.copy(), table.values.copy()
        states = self.network.by_id[table.child].states
        for row in table.rows:
            cells = self._mask(table.parents, row.when)
            low[cells], high[cells] = self._row([row.probabilities[s] for s in states])
        return low, high

    def _row(self, numbers: Sequence[Estimate]) -> Ends:
        """Return the ends of a row: each entry anywhere in its range, the row then made to sum to one if need be."""
        lows, values, highs = (np.array([getattr(e, end) for e in numbers]) for end in ("low", "value", "high"))
        if len(numbers) == 2:
            # Either state may be the number, the other is its complement.
            low, high = min(lows[1], 1 - highs[0]), max(highs[1], 1 - lows[0])
            return np.array([1 - high, low]), np.array([1 - low, high])
        normal_low = lows / np.maximum(lows + highs.sum() - highs, 1e-300)
        normal_high = highs / np.maximum(highs + lows.sum() - lows, 1e-300)
        free = lows == highs
        left = (1 - np.where(free, 0, highs).sum(), 1 - np.where(free, 0, lows).sum())
        part = values / max(values[free].sum(), 1e-300)
        low = np.minimum.reduce([lows, normal_low, np.where(free, part * max(left[0], 0.0), lows)])
        high = np.maximum.reduce([highs, normal_high, np.where(free, part * max(left[1], 0.0), highs)])
        return np.clip(low, 0, 1), np.clip(high, 0, 1)

    # -- logistic -------------------------------------------------------------------------------------------------

    def _logistic(self, table: stated.Logistic) -> Ends:
        parents, anchor = table.parents, table.anchor
        shape = [self._size(p) for p in parents]
        low, high, held = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        for effect in table.effects:
            mask = self._mask(parents, effect.when)
            change = np.log if effect.stated_as == "odds_ratio" else _log_odds
            low[mask] += change(np.float64(effect.size.low))
            high[mask] += change(np.float64(effect.size.high))
            if effect.stated_as == "probability":
                held[mask] += 1
        if anchor.kind == "baseline" and anchor.overall is not None:
            # An effect stated as a probability replaces the baseline: with k of them it counts 1 - k times.
            ends = [(1 - held) * _log_odds(np.float64(e)) for e in (anchor.overall.low, anchor.overall.high)]
            low, high = low + np.minimum(*ends), high + np.maximum(*ends)
        else:
            below, above = self._intercept(table, low, high)
            low, high = low + below, high + above
        shift = math.log(self.shifts.get(table.child, 1.0))
        low, high = _sigmoid(low + shift), _sigmoid(high + shift)
        return np.stack([1 - high, low], axis=-1), np.stack([1 - low, high], axis=-1)

    def _intercept(self, table: stated.Logistic, low: Array, high: Array) -> Ends:
        """Return the ends of the intercept, broadcastable to the log-odds."""
        parents, anchor = table.parents, table.anchor
        least, most = self._joint(parents)
        if not anchor.bands:
            if anchor.overall is None:
                return np.zeros(()), np.zeros(())
            bounds = _solved(least.ravel(), most.ravel(), low.ravel(), high.ravel(), anchor.overall)
            return np.array(bounds[0]), np.array(bounds[1])
        axis = parents.index(anchor.by)
        shape = [-1 if a == axis else 1 for a in range(len(parents))]
        found = []
        for k, state in enumerate(self.network.by_id[anchor.by].states):
            few, many = np.take(least, k, axis).ravel(), np.take(most, k, axis).ravel()
            with np.errstate(divide="ignore", invalid="ignore"):
                given_low = np.where(few > 0, few / (few + many.sum() - many), 0.0)
                given_high = np.where(many > 0, many / (many + few.sum() - few), 1.0)
            rows = np.take(low, k, axis).ravel(), np.take(high, k, axis).ravel()
            found.append(_solved(given_low, given_high, *rows, anchor.bands[state]))
        return np.array([f[0] for f in found]).reshape(shape), np.array([f[1] for f in found]).reshape(shape)

    def _joint(self, parents: Sequence[str]) -> Ends:
        """Return the ends of P(parents), summed over their ancestors."""
        ids, stack = set(), list(parents)
        while stack:
            id = stack.pop()
            if id not in ids:
                ids.add(id)
                stack.extend(self.network.parents(id))
        if not ids:
            return np.ones(()), np.ones(())
        label = {id: n for n, id in enumerate(sorted(ids))}
        totals = []
        for end in (0, 1):
            operands: list[Any] = []
            for id in sorted(ids):
                operands += [self.of(id)[end], [*(label[p] for p in self.network.parents(id)), label[id]]]
            totals.append(np.einsum(*operands, [label[p] for p in parents], optimize="greedy"))
        return np.minimum(totals[0], 1.0), np.minimum(totals[1], 1.0)

    # -- noisy-MAX ------------------------------------------------------------------------------------------------

    def _noisy_max(self, table: stated.NoisyMax) -> Ends:
        child, parents = self.network.by_id[table.child], table.parents
        size = len(child.states)
        cells = math.prod(self._size(p) for p in parents) * size
        if cells > MOST_CELLS:
            raise BudgetExceededError(
                f"the enclosure writes out {cells:,} entries of {table.child!r}; expected at most {MOST_CELLS:,}",
                clique=(*parents, table.child),
                bytes_needed=8 * cells,
                budget=8 * MOST_CELLS,
            )
        leak = self.leak(table, child.states)
        low, high = (np.ones([*(self._size(p) for p in parents), size]) for _ in range(2))
        if table.leak.bands:
            axis = parents.index(table.leak.by)
            bands = [
                self.cumulative([table.leak.bands[b][s] for s in child.states[1:]])
                for b in self.network.by_id[table.leak.by].states
            ]
            shape = [-1 if a == axis else 1 for a in range(len(parents))] + [size]
            low, high = (end * np.stack([b[n] for b in bands]).reshape(shape) for n, end in enumerate((low, high)))
        else:
            low, high = low * leak[0], high * leak[1]
        passes = np.ones(low.shape[:-1]), np.ones(low.shape[:-1])
        for link in table.links:
            acts = self._mask(parents, {link.parent: (link.parent_state,)})
            if link.inhibits:
                share = self.share(link, leak)
                passes[0][acts] *= share[0]
                passes[1][acts] *= share[1]
                continue
            net = self.net(link, leak, child.states)
            low[acts] *= net[0]
            high[acts] *= net[1]
        before_low, before_high = (np.concatenate([np.zeros([*e.shape[:-1], 1]), e[..., :-1]], -1) for e in (low, high))
        low, high = np.clip(low - before_high, 0, 1), np.clip(high - before_low, 0, 1)
        if any(link.inhibits for link in table.links):
            present = low[..., 1] * passes[0], high[..., 1] * passes[1]
            return np.stack([1 - present[1], present[0]], -1), np.stack([1 - present[0], present[1]], -1)
        return low, high

    def net(self, link: stated.Link, leak: Ends, states: tuple[str, ...]) -> Ends:
        """Return the ends of P(contribution <= state) of a link, shape (states,), its background divided out."""
        reach = self.cumulative([link.probabilities[s] for s in states[1:]])
        low = np.where(leak[1] > 0, np.minimum(1, reach[0] / np.where(leak[1] > 0, leak[1], 1)), 0.0)
        high = np.where(leak[0] > 0, np.minimum(1, reach[1] / np.where(leak[0] > 0, leak[0], 1)), 1.0)
        low[-1] = high[-1] = 1.0
        return np.minimum.accumulate(low[::-1])[::-1], high

    def share(self, link: stated.Link, leak: Ends) -> tuple[float, float]:
        """Return the ends of the share that an inhibiting link lets through."""
        reach = self.cumulative(list(link.probabilities.values()))
        passing, background = (1 - reach[1][0], 1 - reach[0][0]), (1 - leak[1][0], 1 - leak[0][0])
        return (
            float(min(1.0, passing[0] / background[1])) if background[1] > 0 else 0.0,
            float(min(1.0, passing[1] / background[0])) if background[0] > 0 else 1.0,
        )

    def leak(self, table: stated.NoisyMax, states: tuple[str, ...]) -> Ends:
        """Return the ends of P(background <= state), shape (states,)."""
        overall = table.leak.overall
        if table.leak.kind == "specificity":
            absent = overall[states[-1]]
            return np.array([absent.low, 1.0]), np.array([absent.high, 1.0])
        low, high = self.cumulative([overall[s] for s in states[1:]])
        if table.leak.kind == "prevalence":
            # A solved leak is at most the prevalence, unless something holds the finding back.
            held_back = any(link.inhibits for link in table.links)
            low = np.where(np.arange(len(states)) < len(states) - 1, 0.0 if held_back else low, 1.0)
            high = np.ones(len(states))
        return low, high

    @staticmethod
    def cumulative(upper: Sequence[Estimate]) -> Ends:
        """Return the ends of P(at most state) from the numbers of all states but the lowest."""
        lows, highs = np.array([e.low for e in upper]), np.array([e.high for e in upper])
        above_low = np.append(np.cumsum(lows[::-1])[::-1], 0.0) / max(1.0, highs.sum())
        above_high = np.minimum(np.append(np.cumsum(highs[::-1])[::-1], 0.0), 1.0)
        return 1 - above_high, 1 - above_low


def _solved(least: Array, most: Array, low: Array, high: Array, target: Estimate) -> tuple[float, float]:
    """Return the ends of the intercept over all weights between `least` and `most` that sum to one."""
    above = _root(_weights(least, most, low), low, target.high)
    below = _root(_weights(least, most, -high), high, target.low)
    return below, above


def _weights(least: Array, most: Array, order: Array) -> Array:
    """Return the weights, within their ends and summing to one, that favour what comes first in the order."""
    weights = least.copy()
    left = 1.0 - float(weights.sum())
    for n in np.argsort(order):
        more = min(max(left, 0.0), float(most[n] - least[n]))
        weights[n] += more
        left -= more
    return weights


def _root(weights: Array, log_odds: Array, target: float) -> float:
    """Return a with sum(weights * sigmoid(a + log_odds)) == target."""
    below, above = -750.0 - float(log_odds.max()), 750.0 - float(log_odds.min())
    for _ in range(200):
        middle = (below + above) / 2
        if float((weights * _sigmoid(middle + log_odds)).sum()) > target:
            above = middle
        else:
            below = middle
    return (below + above) / 2


def _sigmoid(x: Array) -> Array:
    small = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1 / (1 + small), small / (1 + small)))


def _log_odds(p: Array | np.float64) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(p) - np.log1p(-p))
