"""Bounds on the odds of one variable from the tables it stands in: a ratio of sums lies between its extreme ratios.

With the states of all other variables fixed at z, P(target, z, evidence) / P(not target, z, evidence) holds only the
tables that mention the target, since all others cancel, whatever their numbers are. A ratio of two sums of
non-negative terms lies between the least and the greatest ratio of its terms, so

    min over z of the ratio  <=  posterior odds  <=  max over z of the ratio.

The ratio is the target's own odds given its parents, times a likelihood ratio for each child that the evidence bears
on. Each factor is bounded over the states that the evidence leaves open and over the ranges of the numbers. For a
noisy-MAX the likelihood ratio rises or falls with what the other parents do, so its extremes have a closed form and no
table is written out: a finding seen speaks for its cause at most as strongly as P(finding | cause alone) over the leak.
"""

from __future__ import annotations

__all__ = ["odds_bounds"]

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from toetwitch.errors import BudgetExceededError
from toetwitch.evidence import Evidence
from toetwitch.inference import ExactInference
from toetwitch.knowledge import table as stated
from toetwitch.reasoning.forms import above

if TYPE_CHECKING:
    from toetwitch.reasoning.enclosure import Tables

Array = NDArray[np.float64]
Ends = tuple[float, float]

ANYTHING: Ends = (0.0, math.inf)


def odds_bounds(inference: ExactInference, evidence: Evidence, target: str, tables: Tables) -> Ends:
    """Return bounds on the posterior odds of a binary variable's last state, for all numbers within their ranges.

    Parameters
    ----------
    inference
        The network.
    evidence
        The case; soft evidence as the weights that `inference` has for it.
    target
        A binary variable without hard evidence.
    tables
        The ends of every entry.
    """
    network, weights = inference.network, inference.weights(evidence)
    bearing = above(inference, evidence.ids)
    low, high = _table_ratio(network.parents(target), target, target, None, evidence, tables)
    if target in weights:
        own = float(weights[target][1]), float(weights[target][0])
        ratio = own[0] / own[1] if own[1] > 0 else math.inf
        low, high = _times((low, high), (ratio, ratio))
    for table in network.tables:
        if target in table.parents and table.child in bearing:
            states = _open(inference, evidence, weights, table.child)
            ratios = [_child_ratio(table, target, state, evidence, tables) for state in states]
            low, high = _times((low, high), (min(r[0] for r in ratios), max(r[1] for r in ratios)))
    return low, high


def _open(inference: ExactInference, evidence: Evidence, weights: Mapping[str, Array], id: str) -> Sequence[int]:
    """Return the states that the evidence leaves open."""
    if id in evidence.hard:
        return [evidence.hard[id]]
    size = len(inference.network.by_id[id].states)
    return [s for s in range(size) if id not in weights or weights[id][s] > 0]


def _times(a: Ends, b: Ends) -> Ends:
    """Return the product of two intervals of ratios; zero times infinity is read either way."""
    low = 0.0 if 0.0 in (a[0], b[0]) else a[0] * b[0]
    high = math.inf if math.inf in (a[1], b[1]) else a[1] * b[1]
    return low, high


def _child_ratio(table: stated.Table, target: str, state: int, evidence: Evidence, tables: Tables) -> Ends:
    """Return the ends of P(child = state | target) / P(child = state | not target) over all else."""
    if isinstance(table, stated.NoisyMax) and table.leak.by != target:
        return _Noisy(table, target, evidence, tables).ratio(state)
    return _table_ratio(table.parents, table.child, target, state, evidence, tables)


def _table_ratio(
    parents: Sequence[str], child: str, target: str, state: int | None, evidence: Evidence, tables: Tables
) -> Ends:
    """Return the same from a table written out; for `state` None, of the child's own odds."""
    try:
        low, high = tables.of(child)
    except BudgetExceededError:
        return ANYTHING
    left = list(parents)
    for p in parents:
        if p in evidence.hard and p != target:
            axis = left.index(p)
            low, high = (np.take(end, evidence.hard[p], axis=axis) for end in (low, high))
            left.remove(p)
    if state is None:
        above_, below = (low[..., 1], high[..., 1]), (low[..., 0], high[..., 0])
    else:
        axis = left.index(target)
        low, high = low[..., state], high[..., state]
        above_, below = ((np.take(low, k, axis=axis), np.take(high, k, axis=axis)) for k in (1, 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        least = np.where(above_[0] > 0, above_[0] / below[1], 0.0)
        most = np.where(below[0] > 0, above_[1] / below[0], math.inf)
    return float(least.min()), float(most.max())


class _Noisy:
    """The likelihood ratio of a noisy-MAX child for one of its parents."""

    def __init__(self, table: stated.NoisyMax, target: str, evidence: Evidence, tables: Tables) -> None:
        self.table, self.target, self.tables, self.evidence = table, target, tables, evidence
        self.states = tables.network.by_id[table.child].states
        self.leak = tables.leak(table, self.states)
        self.holds = [link for link in table.links if link.inhibits]
        self.own = [link for link in table.links if link.parent == target]

    def ratio(self, state: int) -> Ends:
        if any(link.inhibits for link in self.own):
            return self._held_back(state)
        ratios = [self._brought_about(state, background) for background in self._backgrounds()]
        low, high = min(r[0] for r in ratios), max(r[1] for r in ratios)
        # Where another cause may hold the finding back, its absence says less.
        return (low, max(high, 1.0)) if self.holds and state == 0 else (low, high)

    def _backgrounds(self) -> list[tuple[Array, Array]]:
        """Return the ends of P(background <= state) for each band that the evidence leaves open."""
        leak = self.table.leak
        if not leak.bands:
            return [self.leak]
        by = self.tables.network.by_id[leak.by]
        bands = [by.states[self.evidence.hard[by.id]]] if by.id in self.evidence.hard else by.states
        return [self.tables.cumulative([leak.bands[band][s] for s in self.states[1:]]) for band in bands]

    def _brought_about(self, state: int, background: tuple[Array, Array]) -> Ends:
        """Return (reach_s - m reach_(s-1)) / (B_s - m B_(s-1)) over the ranges.

        B is the background's and reach the target's P(at most state); m is how much less the others leave of s - 1.
        """
        low, high = background
        net = [np.ones(len(self.states)), np.ones(len(self.states))]
        for link in self.own:
            if link.parent_state == self.tables.network.by_id[self.target].states[1]:
                own = self.tables.net(link, self.leak, self.states)
                net = [net[0] * own[0], net[1] * own[1]]
        reach = low * net[0], high * net[1]
        if len(self.own) == 1 and not self.table.leak.bands:
            # Stated with the background included, so it does not move with it.
            stated_reach = self.tables.cumulative([self.own[0].probabilities[s] for s in self.states[1:]])
            reach = np.minimum(stated_reach[0], low), np.minimum(stated_reach[1], high)
        if state == 0:
            return float(net[0][0]), min(1.0, float(net[1][0]))
        found = []
        for m in self._others(state):
            top = reach[0][state] - m * reach[1][state - 1], reach[1][state] - m * reach[0][state - 1]
            bottom = low[state] - m * high[state - 1], high[state] - m * low[state - 1]
            found.append((max(0.0, top[0]) / bottom[1] if bottom[1] > 0 else 0.0,
                          top[1] / bottom[0] if bottom[0] > 0 else math.inf))  # fmt: skip
        least, most = float(min(f[0] for f in found)), float(max(f[1] for f in found))
        # A cause never makes its finding's worst state less likely.
        return (max(1.0, least), most) if state == len(self.states) - 1 else (least, most)

    def _others(self, state: int) -> Ends:
        """Return the ends of P(others <= state - 1) / P(others <= state)."""
        least, most = 1.0, 1.0
        for link in self.table.links:
            if link.inhibits or link.parent == self.target:
                continue
            parent = self.tables.network.by_id[link.parent]
            known = self.evidence.hard.get(link.parent)
            if known is not None and parent.states[known] != link.parent_state:
                continue
            low, high = self.tables.net(link, self.leak, self.states)
            least *= float(low[state - 1] / high[state]) if high[state] > 0 else 0.0
            if known is not None:
                most *= min(1.0, float(high[state - 1] / low[state])) if low[state] > 0 else 1.0
        return least, most

    def _held_back(self, state: int) -> Ends:
        """Return the ratio for a parent that holds a binary finding back: it lets a share through."""
        share = [self.tables.share(link, self.leak) for link in self.own if link.inhibits]
        low, high = math.prod(s[0] for s in share), math.prod(s[1] for s in share)
        if len(share) < len(self.own):
            return ANYTHING
        if state == 1:
            return low, high
        # (1 - u share) / (1 - u) rises with u, the chance that it is brought about and not held back by others.
        bottom = min(b[0][0] for b in self._backgrounds()) * self._others(1)[0]
        return 1.0, (1 - (1 - bottom) * low) / bottom if bottom > 0 else math.inf
