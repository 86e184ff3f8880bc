"""Ragged cohorts: many cases, each of which observes something else, without a plan for each.

The network's numbers are laid out flat once; compiled code then takes each case from its evidence to its posteriors.
"""

from __future__ import annotations

__all__ = ["FlatNetwork", "answer_cohort", "flatten"]

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine.potentials import Dense, Potential
from toetwitch.engine.structure import Structure

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
ROWS_PER_TASK = 256
TRIES = 4
"""Elimination orders tried per case, more of them the more the best so far costs."""
MORE_TRIES = 24
TOO_LARGE = 1
"""Status of a case that did not fit the workspace."""
BYTES_PER_ENTRY = 32
WORKSPACE = 2**24
"""Table entries one thread may use; a case that needs more is answered by a plan."""

_kept = threading.local()


@dataclass(frozen=True, slots=True, eq=False)
class FlatNetwork:
    """A network's structure and numbers as flat arrays; see `rows_numba.answer_rows`."""

    sizes: Integers
    pot_kind: Integers
    pot_start: Integers
    pot_vars: Integers
    pot_child: Integers
    pot_sums: NDArray[np.bool_]
    pot_terms: Integers
    values: Array
    inc_start: Integers
    inc_pots: Integers


def flatten(structure: Structure, potentials: Sequence[Potential]) -> FlatNetwork:
    """Lay a network out for `answer_cohort`."""
    kinds: list[int] = []
    starts = [0]
    variables: list[int] = []
    children: list[int] = []
    sums: list[bool] = []
    terms: list[int] = []
    tables: list[Array] = []
    place = 0
    mentions: list[list[int]] = [[] for _ in structure.sizes]
    for index, (shape, potential) in enumerate(zip(structure.shapes, potentials, strict=True)):
        for v in shape.variables:
            mentions[v].append(index)
        if isinstance(potential, Dense):
            kinds.append(0)
            children.append(-1)
            variables += potential.scope
            sums += [v in shape.normalised for v in potential.scope]
            terms += [place] * len(potential.scope)
            tables.append(potential.values.reshape(-1))
            place += potential.values.size
        else:
            kinds.append(1)
            children.append(potential.child)
            for term in potential.terms:
                variables.append(-1 if term.parent is None else term.parent)
                sums.append(False)
                terms.append(place)
                tables.append(term.values.reshape(-1))
                place += term.values.size
        starts.append(len(variables))
    return FlatNetwork(
        sizes=np.array(structure.sizes, dtype=np.int64),
        pot_kind=np.array(kinds, dtype=np.int64),
        pot_start=np.array(starts, dtype=np.int64),
        pot_vars=np.array(variables, dtype=np.int64),
        pot_child=np.array(children, dtype=np.int64),
        pot_sums=np.array(sums, dtype=np.bool_),
        pot_terms=np.array(terms, dtype=np.int64),
        values=np.concatenate([*tables, np.zeros(1)]),
        inc_start=np.cumsum([0, *map(len, mentions)]).astype(np.int64),
        inc_pots=np.array([index for own in mentions for index in own], dtype=np.int64),
    )


def answer_cohort(
    network: FlatNetwork,
    codes: NDArray[np.integer],
    soft: Mapping[int, Array],
    wanted: Sequence[int],
    threads: int,
    memory_budget: int,
) -> tuple[Array, Array, NDArray[np.int8]]:
    """Answer every row it can.

    Parameters
    ----------
    network
        The numbers.
    codes
        Observed states, shape (rows, variables), -1 where unknown.
    soft
        Likelihood weights, shape (rows, size).
    wanted
        Variables asked for.
    threads
        How many threads share the rows.
    memory_budget
        Bytes that a case too large for a thread's own workspace may take.

    Returns
    -------
    tuple
        log P(e), shape (rows,); posteriors of `wanted` side by side, shape (rows, entries); and a status per row: zero
        where the row is answered, something else where a plan must answer it.
    """
    answer_rows = import_module("toetwitch.engine.rows_numba").answer_rows
    rows = len(codes)
    table = np.ascontiguousarray(codes, dtype=np.int64)
    ends = np.cumsum([0, *(network.sizes[v] for v in wanted)]).astype(np.int64)
    soft_ends = np.cumsum([0, *(network.sizes[v] for v in soft)]).astype(np.int64)
    weights = np.concatenate([*soft.values(), np.zeros((rows, 1))], axis=1)
    log_evidence = np.zeros(rows)
    answers = np.zeros((rows, int(ends[-1])))
    status = np.zeros(rows, dtype=np.int8)

    def answer(begin: int, end: int, buffers: tuple[Array, Array, NDArray[np.int32]], tries: int) -> None:
        answer_rows(
            table, begin, end, network.sizes, network.pot_kind, network.pot_start, network.pot_vars,
            network.pot_child, network.pot_sums, network.pot_terms, network.values, network.inc_start,
            network.inc_pots, np.array(wanted, dtype=np.int64), ends[:-1], np.array(list(soft), dtype=np.int64),
            soft_ends[:-1], weights, *buffers, tries, log_evidence, answers, status,
        )  # fmt: skip

    def work(share: int) -> None:
        for begin in range(share * ROWS_PER_TASK, rows, ROWS_PER_TASK * threads):
            answer(begin, min(rows, begin + ROWS_PER_TASK), _workspace(WORKSPACE), TRIES)

    if threads == 1 or rows <= ROWS_PER_TASK:
        threads = 1
        work(0)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, range(threads)))
    large = np.flatnonzero(status == TOO_LARGE)
    if len(large):
        # One after the other: each may take as much memory as all threads did before.
        buffers = _new_workspace(max(WORKSPACE, memory_budget // BYTES_PER_ENTRY))
        for row in large.tolist():
            answer(row, row + 1, buffers, MORE_TRIES)
    return log_evidence, answers, status


def _workspace(size: int) -> tuple[Array, Array, NDArray[np.int32]]:
    """Return this thread's buffers; pages that no case has touched take no memory."""
    if not hasattr(_kept, "buffers"):
        _kept.buffers = _new_workspace(size)
    buffers: tuple[Array, Array, NDArray[np.int32]] = _kept.buffers
    return buffers


def _new_workspace(size: int) -> tuple[Array, Array, NDArray[np.int32]]:
    return np.empty(size), np.empty(size), np.empty(4 * size, dtype=np.int32)
