"""Which lanes a case needs on the skeleton, what each lane weighs, and with which sign each reading counts it.

Each present finding doubles the lanes of its case ("anything" and "absent"); an unknown one above an observed one, or
one that readings see in several states, takes as many as it has states. A lane is a number in mixed radix: one digit a
finding. All of it is done for many cases at once, finding by finding.
"""

from __future__ import annotations

__all__ = ["Block", "FindingTable", "Findings", "Lanes"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Int = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class FindingTable:
    """A finding as numbers.

    Parameters
    ----------
    index
        The variable.
    size
        Its number of states.
    holders
        How many variables can hold it back.
    signed
        How many choices come before those that name who brought it about.
    makers
        How many can bring it about, its background included.
    rows
        Which rows of the stacked weights it multiplies, shape (entries,).
    factors
        What it multiplies them by, shape (entries, choices). Choice t < size - 1 reads "at most t", size - 1
        "anything". For a finding that can be held back, choice 0 reads "absent and not held back", choice k "held back
        by the k-th holder and by none before it", the next "not held back". Past these come, for each present state,
        the choices "brought about by the j-th cause and by none before it" (the background first).
    scale
        The part that no variable carries (its background), shape (choices,).
    above
        Findings among its causes, to what its choices say of their states, shape (states, choices).
    """

    index: int
    size: int
    holders: int
    signed: int
    makers: int
    rows: Int
    factors: Array
    scale: Array
    above: Mapping[int, Array]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Cases whose lanes run together.

    Parameters
    ----------
    codes
        Observed states, shape (cases, variables).
    soft
        Variable to weights, shape (cases, states).
    reading_case, reading_codes
        The case of each reading, in order, and its observed states.
    unsigned
        Findings that are summed over who brought them about, without signs: more lanes, and no digit lost; shape
        (cases, variables).
    """

    codes: Int
    soft: Mapping[int, Array]
    reading_case: Int
    reading_codes: Int
    unsigned: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """What the lanes need to know of a network.

    Parameters
    ----------
    sizes
        Number of states of each variable.
    tables
        Its findings.
    order
        Them, each before those that stand above it.
    below
        Finding to the findings directly below it.
    tangled
        Findings that another finding can hold back, which lanes cannot say.
    start
        First row of each variable of the skeleton among the stacked weights.
    entries
        Number of those rows.
    """

    sizes: Sequence[int]
    tables: Mapping[int, FindingTable]
    order: Sequence[int]
    below: Mapping[int, Sequence[int]]
    tangled: frozenset[int]
    start: Mapping[int, int]
    entries: int


class Lanes:
    """Which lanes some cases need, and what each finding says in each.

    Attributes
    ----------
    lanes
        How many each case needs, shape (cases,), as floats: there may be very many.
    """

    def __init__(self, findings: Findings, block: Block) -> None:
        self.findings = findings
        self.block = block
        codes, soft = block.codes, block.soft
        cases = len(codes)
        self.varied = self._varied()
        self.active: dict[int, NDArray[np.bool_]] = {}
        self.first: dict[int, Int] = {}
        self.step: dict[int, Int] = {}
        self.count: dict[int, Int] = {}
        self.lanes = np.ones(cases)
        known = {int(v) for v in np.flatnonzero((codes >= 0).any(axis=0))}
        for i in findings.order:
            needing = [self.active[j] for j in findings.below.get(i, ()) if j in self.active]
            if i in known or i in soft or i in self.varied or needing:
                self._axis_of_finding(i, needing)
        for v in self.varied:
            if v in findings.start:
                self._axis_of_variable(v)

    def _varied(self) -> dict[int, NDArray[np.bool_]]:
        """Return variables of which some reading says something else than its case, and in which cases."""
        codes, of = self.block.codes, self.block.reading_case
        if self.block.reading_codes is codes:
            return {}
        differs = self.block.reading_codes != codes[of]
        found = {}
        for v in np.flatnonzero(differs.any(axis=0)).tolist():
            found[v] = np.zeros(len(codes), dtype=bool)
            found[v][of[differs[:, v]]] = True
        return found

    def _axis_of_finding(self, i: int, needing: Sequence[NDArray[np.bool_]]) -> None:
        table, codes = self.findings.tables[i], self.block.codes[:, i]
        cases = len(codes)
        free = self.varied.get(i, np.zeros(cases, dtype=bool)).copy()
        if i in self.block.soft:
            free |= (self.block.soft[i] != 1.0).any(axis=1)
        for other in needing:
            free |= other & (codes < 0)
        self.active[i] = free | (codes >= 0)
        present, absent = ~free & (codes > 0), ~free & (codes == 0)
        if table.holders:
            last = table.holders + 1
            self.first[i] = np.zeros(cases, dtype=np.int64)
            self.step[i] = np.where(present, last, 1)
            self.count[i] = np.where(present, 2, np.where(absent, last, np.where(free, last + 1, 1)))
        else:
            self.first[i] = np.where(present, codes - 1, 0)
            self.step[i] = np.ones(cases, dtype=np.int64)
            self.count[i] = np.where(free, table.size, np.where(present, 2, 1))
        if self.block.unsigned is not None:
            by_maker = present & self.block.unsigned[:, i]
            self.first[i] = np.where(by_maker, table.signed + (codes - 1) * table.makers, self.first[i])
            self.step[i] = np.where(by_maker, 1, self.step[i])
            self.count[i] = np.where(by_maker, table.makers, self.count[i])
        self.lanes = self.lanes * self.count[i]
        if i in self.findings.tangled:
            self.lanes = np.where(self.active[i], np.inf, self.lanes)

    def _axis_of_variable(self, v: int) -> None:
        """Add lanes for a variable of the skeleton that readings see in several states; its size stands for unknown."""
        said = self._said(v)
        size = self.findings.sizes[v]
        low, high = np.full(len(self.block.codes), size), np.zeros(len(self.block.codes), dtype=np.int64)
        np.minimum.at(low, self.block.reading_case, said)
        np.maximum.at(high, self.block.reading_case, said)
        here = self.varied[v]
        self.active[v] = here
        self.first[v] = np.where(here, low, 0)
        self.step[v] = np.ones(len(here), dtype=np.int64)
        self.count[v] = np.where(here, high - low + 1, 1)
        self.lanes = self.lanes * self.count[v]

    def _said(self, v: int) -> Int:
        codes = self.block.reading_codes[:, v]
        return np.where(codes < 0, self.findings.sizes[v], codes)

    # -- lanes ----------------------------------------------------------------------------------------------------

    @cached_property
    def case_of(self) -> Int:
        """The case of each lane."""
        return np.repeat(np.arange(len(self.lanes)), self.lanes.astype(np.int64))

    @cached_property
    def ends(self) -> Int:
        """Where the lanes of each case start, and the end."""
        return np.cumsum([0, *self.lanes.astype(np.int64).tolist()])

    @cached_property
    def choice(self) -> dict[int, Int]:
        """What each lane reads of each variable that has lanes, shape (lanes,)."""
        found = {}
        within = np.arange(self.ends[-1]) - self.ends[self.case_of]
        for v, count in self.count.items():
            of = self.case_of
            if (count > 1).any():
                within, digit = np.divmod(within, count[of])
                found[v] = self.first[v][of] + self.step[v][of] * digit
            else:
                found[v] = self.first[v][of]
        return found

    def weights(self) -> tuple[Array, Array]:
        """Return the weights of the skeleton's variables, stacked, shape (entries, lanes), and the rest, (lanes,)."""
        findings, block, of = self.findings, self.block, self.case_of
        weights = np.ones((findings.entries, len(of)))
        scale = np.ones(len(of))
        for v, start in findings.start.items():
            size = findings.sizes[v]
            codes = block.codes[:, v]
            if v in self.varied:
                codes = np.where(self.active[v], -1, codes)
            seen = np.flatnonzero(codes[of] >= 0)
            if len(seen):
                weights[start : start + size, seen] = np.eye(size)[:, codes[of[seen]]]
            if v in block.soft:
                weights[start : start + size] *= block.soft[v][of].T
            if v in self.varied:
                said = np.concatenate([np.eye(size), np.ones((size, 1))], axis=1)
                there = np.flatnonzero(self.active[v][of])
                weights[start : start + size, there] *= said[:, self.choice[v][there]]
        for i, active in self.active.items():
            if i in findings.tables:
                table = findings.tables[i]
                if active.all():
                    weights[table.rows] *= table.factors[:, self.choice[i]]
                    scale *= table.scale[self.choice[i]]
                else:
                    there = np.flatnonzero(active[of])
                    weights[np.ix_(table.rows, there)] *= table.factors[:, self.choice[i][there]]
                    scale[there] *= table.scale[self.choice[i][there]]
        return weights, scale

    # -- signs ----------------------------------------------------------------------------------------------------

    def coefficients(self, readings: Int, lanes: Int) -> Array:
        """Return the sign and weight of lanes in readings, shape (pairs,)."""
        found = np.ones(len(lanes))
        for v in self.active:
            if v in self.findings.tables:
                alone = not any(j in self.active for j in self.findings.below.get(v, ()))
                if not (alone and (self.count[v] == 1).all()):
                    found *= self._share(v, readings, lanes)
            else:
                said = np.where(self.active[v], 1, 0)[self.case_of[lanes]] == 0
                found *= said | (self.choice[v][lanes] == self._said(v)[readings])
        return found

    def _share(self, i: int, readings: Int, lanes: Int) -> Array:
        """Return one finding's factor of the coefficients."""
        table = self.findings.tables[i]
        codes = self.block.reading_codes[:, i]
        weights = np.where(codes[:, None] < 0, 1.0, np.eye(table.size)[np.maximum(codes, 0)])
        if i in self.block.soft:
            weights = weights * self.block.soft[i][self.block.reading_case]
        by_state = weights[readings].T
        for j in self.findings.below.get(i, ()):
            if j in self.active:
                said = self.findings.tables[j].above[i][:, self.choice[j][lanes]]
                by_state = by_state * np.where(self.active[j][self.case_of[lanes]], said, 1.0)
        at = np.arange(len(lanes))
        choice = self.choice[i][lanes]
        by_maker = choice >= table.signed
        signed = np.where(by_maker, 0, choice)
        if table.holders:
            absent, present = by_state
            share = np.where(signed == 0, absent - present, np.where(signed == table.holders + 1, present, absent))
        else:
            above = np.concatenate([by_state, np.zeros((1, len(lanes)))])
            share = by_state[signed, at] - above[signed + 1, at]
        if by_maker.any():
            share = np.where(by_maker, by_state[np.maximum(codes, 0)[readings], at], share)
        return np.where(self.active[i][self.case_of[lanes]], share, 1.0)
