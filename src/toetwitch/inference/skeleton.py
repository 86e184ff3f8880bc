"""Ragged cases on one plan: findings as signed sums over the skeleton of context and causes.

What a case observes of findings is, on each of their causes, a weight: absent findings factorise, unknown ones vanish,
and a present one is "anything" minus "absent" (see `toetwitch.inference.expansion`). With every finding written so, all
that is left to plan is the skeleton: variables that are no finding, each with a weight. Its plan is the same whatever a
case observes, so cases of any pattern run side by side in lanes, and the first case costs what the next one does.

A case takes as many lanes as its present findings have combinations. The same lanes answer for every reading of its
findings (observed, milder, unknown), since readings differ in the signs of the sum only.

Cases with many present findings take too many lanes, or lose too many digits: they are left to the caller.

References
----------
Heckerman (1989), A tractable inference algorithm for diagnosing multiple diseases. UAI-89, 163-171.
"""

from __future__ import annotations

__all__ = ["MOST_LANES", "Readings", "Skeleton"]

import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine import CompiledNetwork, Dense
from toetwitch.errors import BudgetExceededError
from toetwitch.inference.lanes import Block, Findings, FindingTable, Lanes
from toetwitch.inference.leaves import Leaf
from toetwitch.inference.resolution import Resolved

Array = NDArray[np.float64]
Int = NDArray[np.int64]

MOST_LANES = 4096
"""A tenth of a second with compiled code; a case that needs more is better off with a plan of its own."""

LANES_AT_ONCE = 256
"""As many as keep the skeleton's tables in cache."""

CASES_AT_ONCE = 4096
"""Cases whose lanes are counted together, so that memory does not grow with the cohort."""

PAIRS_AT_ONCE = 2**17
"""Lanes of readings that are added up together: a few megabytes."""

TOLERABLE_LOSS = math.log(1e3)
"""How much the findings that keep their signs may lose: three digits, where five are given up at most."""

RAREST = 1e-12
"""Findings are taken to be no rarer than this."""

PIVOTS = 3
"""Variables whose observed states make groups of cases, each with a smaller plan of its own."""

LARGEST_SKELETON = 2**15
"""Table entries; a larger skeleton gains nothing over a plan for each case."""


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """What some readings of some cases come to.

    Parameters
    ----------
    answered
        Whether the case of a reading fitted, shape (readings,); what follows is zero where it did not.
    log_evidence
        Natural log of P(evidence), shape (readings,); minus infinity where it is zero.
    amplification
        How much rounding errors grew: the sum of absolute values over the sum, shape (readings,).
    marginals
        Target to posteriors, shape (readings, states).
    """

    answered: NDArray[np.bool_]
    log_evidence: Array
    amplification: Array
    marginals: Mapping[int, Array]


class Skeleton:
    """What is left of a network without its findings.

    Parameters
    ----------
    resolved
        The network as arrays.
    compiled
        The same, compiled.
    leaves
        The findings that can be written as signed sums.
    """

    def __init__(self, resolved: Resolved, compiled: CompiledNetwork, leaves: Mapping[int, Leaf]) -> None:
        self.compiled = compiled
        self.sizes = resolved.sizes
        drives = {leaf.noisy.child for leaf in leaves.values()}
        self.kept = tuple(v for v in range(len(self.sizes)) if v not in leaves and v not in drives)
        ends = np.cumsum([0, *(self.sizes[v] for v in self.kept)]).tolist()
        self.start = dict(zip(self.kept, ends[:-1], strict=True))
        tables = {i: self._table(leaf, leaves) for i, leaf in leaves.items()}
        below: dict[int, list[int]] = {}
        for i, table in tables.items():
            for m in table.above:
                below.setdefault(m, []).append(i)
        self.findings = Findings(
            sizes=self.sizes,
            tables=tables,
            order=tuple(sorted(leaves, key=lambda i: (-_depth(i, tables), i))),
            below=below,
            tangled=frozenset(i for i, leaf in leaves.items() if any(p in leaves for p in leaf.passes)),
            start=self.start,
            entries=int(ends[-1]),
        )

    @cached_property
    def entries(self) -> float:
        """Table entries of the plan that a lane runs through; infinite where it does not fit the memory budget."""
        try:
            return self.compiled.plan({}, self.kept, self.kept).entries
        except BudgetExceededError:
            return math.inf

    @property
    def small(self) -> bool:
        """Whether the skeleton is small enough to gain by it."""
        return bool(self.findings.tables) and self.entries <= LARGEST_SKELETON

    @cached_property
    def pivots(self) -> tuple[int, ...]:
        """Roots in the most of the skeleton's tables: where they are observed, the tables are the smaller for it."""
        weight: dict[int, float] = {}
        plan = self.compiled.plan({}, self.kept, self.kept)
        for clique in plan.cliques:
            entries = float(np.prod([plan.sizes[v] for v in clique.variables]))
            for v in clique.variables:
                weight[v] = weight.get(v, 0.0) + entries * (1 - 1 / plan.sizes[v])
        roots = {p.scope[0] for p in self.compiled.potentials if isinstance(p, Dense) and len(p.scope) == 1}
        return tuple(sorted(roots & weight.keys(), key=lambda v: (-weight[v], v))[:PIVOTS])

    def takes(self, targets: Sequence[int]) -> bool:
        """Return whether it can answer for some targets: none of them a finding."""
        return self.small and all(v in self.start for v in targets)

    def _table(self, leaf: Leaf, leaves: Mapping[int, Leaf]) -> FindingTable:
        holders = len(leaf.passes)
        signed = leaf.size if not holders else holders + 2
        choices = signed + (leaf.size - 1) * len(leaf.noisy.terms)
        scale = np.ones(choices)
        on: dict[int, Array] = {}
        above: dict[int, Array] = {}
        for place, term in enumerate(leaf.noisy.terms):
            said = _said_of_term(term.values, place, len(leaf.noisy.terms), holders)
            if term.parent is None:
                scale = scale * said
            else:
                found = above if term.parent in leaves else on
                found[term.parent] = found.get(term.parent, np.ones(1)) * said
        for k, (parent, passing) in enumerate(leaf.passes.items(), start=1):
            said = np.ones((len(passing), choices))
            said[:, [0, *range(k + 1, choices)]] = passing[:, None]
            said[:, k] = 1 - passing
            on[parent] = on.get(parent, np.ones(1)) * said
        rows = [np.arange(self.sizes[v]) + self.start[v] for v in on if v in self.start]
        return FindingTable(
            index=leaf.index,
            size=leaf.size,
            holders=holders,
            signed=signed,
            makers=len(leaf.noisy.terms),
            rows=np.concatenate([*rows, np.zeros(0, dtype=np.int64)]).astype(np.int64),
            factors=np.concatenate([*(on[v] for v in on if v in self.start), np.zeros((0, choices))]),
            scale=scale,
            above=above,
        )

    # -- cases ----------------------------------------------------------------------------------------------------

    def answer(
        self,
        codes: Int,
        soft: Mapping[int, Array],
        targets: Sequence[int],
        *,
        reading_case: Int | None = None,
        reading_codes: Int | None = None,
        absent: Sequence[int] = (),
        unsigned: NDArray[np.bool_] | None = None,
        most_lanes: int = MOST_LANES,
        threads: int = 1,
    ) -> Readings:
        """Answer readings of cases.

        Parameters
        ----------
        codes
            The cases: observed states, shape (cases, variables), -1 where unknown.
        soft
            Variable to weights, shape (cases, states).
        targets
            Variables asked for, no finding among them.
        reading_case, reading_codes
            Which case each reading is of, in ascending order, and what it observes, shape (readings, variables); a
            reading leaves its case's soft evidence as it is. By default each case is read as it is.
        absent
            Variables that are taken to be in their lowest state, whatever else is known of them.
        unsigned
            Findings that are summed without signs, shape (cases, variables); see `makers`.
        most_lanes
            A case that needs more is left out.
        threads
            How many cores to use.
        """
        if reading_case is None or reading_codes is None:
            reading_case, reading_codes = np.arange(len(codes)), codes
        count = len(reading_case)
        answered = np.zeros(count, dtype=bool)
        log_evidence, amplification = np.zeros(count), np.ones(count)
        ends = np.cumsum([0, *(self.sizes[v] for v in targets)]).tolist()
        raw = np.zeros((count, ends[-1]))

        varied = np.zeros(codes.shape, dtype=bool)
        if reading_codes is not codes:
            np.logical_or.at(varied, reading_case, reading_codes != codes[reading_case])

        def block_of(cases: Int) -> tuple[Int, Block]:
            readings = _readings_of(cases, reading_case)
            own = {v: w[cases] for v, w in soft.items()}
            at = np.searchsorted(cases, reading_case[readings])
            return readings, Block(
                codes[cases], own, at, reading_codes[readings], None if unsigned is None else unsigned[cases]
            )

        def run(cases: Int) -> None:
            readings, block = block_of(cases)
            answered[readings] = True
            hard = {v: int(codes[cases[0], v]) for v in self.pivots if codes[cases[0], v] >= 0}
            hard = {v: s for v, s in hard.items() if not varied[cases[0], v]} | dict.fromkeys(absent, 0)
            log_evidence[readings], amplification[readings], raw[readings] = self._block(block, targets, hard)

        with ThreadPoolExecutor(threads) as pool:
            asked = np.unique(reading_case)
            for begin in range(0, len(asked), CASES_AT_ONCE):
                cases = asked[begin : begin + CASES_AT_ONCE]
                lanes = Lanes(self.findings, block_of(cases)[1]).lanes
                known = np.where(varied[cases], -1, codes[cases])[:, list(self.pivots)]
                blocks = list(_blocks(cases, lanes, known, most_lanes))
                if threads == 1 or len(blocks) == 1:
                    for block in blocks:
                        run(block)
                else:
                    list(pool.map(run, blocks))
        spans = zip(targets, ends[:-1], ends[1:], strict=True)
        return Readings(answered, log_evidence, amplification, {v: _normalised(raw[:, a:b]) for v, a, b in spans})

    def makers(self, codes: Int) -> NDArray[np.bool_]:
        """Return which present findings to sum over who brought them about, shape (cases, variables).

        A sum without signs loses no digit, but takes as many lanes as a finding has causes. The rarest findings lose
        the most, and those of few causes cost the least.
        """
        chosen = np.zeros(codes.shape, dtype=bool)
        for case, own in enumerate(codes):
            present = [i for i in np.flatnonzero(own > 0).tolist() if i in self.findings.tables]
            cost = {i: math.log(max(self.findings.tables[i].makers, 2)) for i in present}
            loss = {i: float(self._log_rarity[i][own[i]]) for i in present}
            lost = sum(loss.values())
            for i in sorted(present, key=lambda i: -loss[i] / cost[i]):
                if lost > TOLERABLE_LOSS:
                    chosen[case, i] = True
                    lost -= loss[i]
        return chosen

    @cached_property
    def _log_rarity(self) -> dict[int, Array]:
        """Finding to minus the natural log of the prior probability of each of its states."""
        asked = [(i, state) for i, table in self.findings.tables.items() for state in range(1, table.size)]
        codes = np.full((len(asked), len(self.sizes)), -1)
        for row, (i, state) in enumerate(asked):
            codes[row, i] = state
        found = self.answer(codes, {}, [])
        rarity = {i: np.zeros(table.size) for i, table in self.findings.tables.items()}
        for row, (i, state) in enumerate(asked):
            rarity[i][state] = min(-float(found.log_evidence[row]), -math.log(RAREST))
        return rarity

    def _block(self, block: Block, targets: Sequence[int], hard: Mapping[int, int]) -> tuple[Array, Array, Array]:
        """Return log-evidence, amplification and unnormalised posteriors by reading."""
        lanes = Lanes(self.findings, block)
        weights, scale = lanes.weights()
        for v, state in hard.items():
            scale = scale * weights[self.start[v] + state]
        own = {v: weights[self.start[v] : self.start[v] + self.sizes[v]] for v in self.kept if v not in hard}
        logs, posteriors = [], []
        for begin in range(0, len(scale), LANES_AT_ONCE):
            part = {v: w[:, begin : begin + LANES_AT_ONCE] for v, w in own.items()}
            log_lane, marginals = self.compiled.lanes(hard, part, {}, targets)
            count = min(LANES_AT_ONCE, len(scale) - begin)
            logs.append(np.broadcast_to(log_lane, count))
            each = [np.broadcast_to(marginals[v], (self.sizes[v], count)) for v in targets]
            posteriors.append(np.concatenate([np.zeros((0, count)), *each]))
        with np.errstate(divide="ignore"):
            log_lanes = np.concatenate(logs) + np.log(scale)
        return _summed(block, lanes, log_lanes, np.concatenate(posteriors, axis=1))


def _said_of_term(values: Array, place: int, makers: int, holders: int) -> Array:
    """Return what each choice of a finding says of one of its contributions, shape ([states,] choices)."""
    at_most = np.cumsum(values, axis=-1)
    at_most[..., -1] = 1.0
    signed = at_most
    if holders:
        signed = np.concatenate([at_most[..., :1], np.ones((*at_most.shape[:-1], holders + 1))], axis=-1)
    columns = [signed]
    for state in range(1, at_most.shape[-1]):
        below, within = at_most[..., state - 1 : state], at_most[..., state : state + 1]
        columns += [within] * place + [within - below] + [below] * (makers - place - 1)
    return np.concatenate(columns, axis=-1)


def _depth(i: int, tables: Mapping[int, FindingTable]) -> int:
    """Return how many findings stand above each other, down to this one."""
    return 1 + max((_depth(m, tables) for m in tables[i].above), default=0)


def _summed(block: Block, lanes: Lanes, log_lanes: Array, posterior: Array) -> tuple[Array, Array, Array]:
    """Add up the lanes of each reading."""
    count = len(block.reading_case)
    log_evidence, amplification = np.full(count, -np.inf), np.ones(count)
    raw = np.zeros((count, len(posterior)))
    width = lanes.lanes.astype(np.int64)[block.reading_case]
    for some in np.split(np.arange(count), np.flatnonzero(np.diff(np.cumsum(width) // PAIRS_AT_ONCE)) + 1):
        own = width[some]
        begins = np.cumsum(own) - own
        readings = np.repeat(some, own)
        pairs = np.arange(len(readings)) + np.repeat(lanes.ends[block.reading_case[some]] - begins, own)
        signs = lanes.coefficients(readings, pairs)
        cases, firsts = np.unique(block.reading_case[some], return_index=True)
        for case, first, last in zip(cases.tolist(), firsts.tolist(), [*firsts[1:].tolist(), len(some)], strict=True):
            here = slice(int(lanes.ends[case]), int(lanes.ends[case + 1]))
            logs = log_lanes[here]
            highest = float(logs.max())
            if highest == -np.inf:
                continue
            at = slice(int(some[first]), int(some[last - 1]) + 1)
            parts = signs[begins[first] : begins[first] + (last - first) * len(logs)].reshape(-1, len(logs))
            parts = parts * np.exp(logs - highest)
            total, absolute = parts.sum(axis=1), np.abs(parts).sum(axis=1)
            good = total > 0
            safe = np.where(good, total, 1.0)
            log_evidence[at] = np.where(good, np.log(safe) + highest, -np.inf)
            amplification[at] = np.where(good, absolute / safe, np.where(absolute > 0, np.inf, 1.0))
            raw[at] = np.where(good[:, None], parts @ posterior[:, here].T, 0.0)
    return log_evidence, amplification, raw


def _normalised(raw: Array) -> Array:
    clipped = np.maximum(raw, 0.0)
    totals = clipped.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(clipped, totals, out=np.zeros_like(clipped), where=totals > 0))


def _readings_of(cases: Int, reading_case: Int) -> Int:
    """Return the readings of some cases, both in ascending order."""
    begins, ends = (np.searchsorted(reading_case, cases, side=side) for side in ("left", "right"))
    width = ends - begins
    return np.repeat(begins - (np.cumsum(width) - width), width) + np.arange(width.sum())


def _blocks(cases: Int, lanes: Array, known: Int, most: int) -> Iterator[Int]:
    """Return cases of no more than `most` lanes and one row of `known`, in runs of about `LANES_AT_ONCE` lanes."""
    fit = np.flatnonzero(lanes <= most)
    _, group = np.unique(known[fit], axis=0, return_inverse=True)
    order = np.argsort(group.reshape(-1), kind="stable")
    for own in np.split(fit[order], np.flatnonzero(np.diff(group.reshape(-1)[order])) + 1) if len(fit) else ():
        place = np.cumsum(lanes[own])
        yield from np.split(cases[own], np.flatnonzero(np.diff((place - 1) // LANES_AT_ONCE)) + 1)
