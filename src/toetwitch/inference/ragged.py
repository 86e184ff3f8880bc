"""Many cases at once, each of which observes something else.

Many cases go to compiled code that reduces and orders each of them for itself, where there is any. Without it, cases
run on the skeleton of the network (`toetwitch.inference.skeleton`), which needs one plan for all of them. What does not
fit there (many present findings, evidence so improbable that signed sums lose digits, a finding asked for)
goes to the engine's batch, and a few such cases one by one: a batch would plan for each of them.

Which way a case goes depends on the cases alone, so the same call gives the same bits.
"""

from __future__ import annotations

__all__ = ["answer_by_lanes", "answer_readings", "answer_rows", "cores", "lanes_of_readings", "log_probability_without"]

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine.cohort import answer_cohort
from toetwitch.engine.native import wait_for_kernel, wait_for_row_kernel
from toetwitch.errors import BudgetExceededError
from toetwitch.evidence import Evidence
from toetwitch.inference.expansion import DECISION_AMPLIFICATION, SAFE_AMPLIFICATION
from toetwitch.inference.lanes import Block, Lanes
from toetwitch.inference.skeleton import Readings

if TYPE_CHECKING:
    from toetwitch.inference.exact import ExactInference

Array = NDArray[np.float64]
Int = NDArray[np.int64]

FEW_ROWS = 256
"""Fewer rows than this are answered one by one where the skeleton does not take them."""


SHARED_ROWS = 64
"""A pattern of evidence in at least so many rows is worth a plan of its own."""

SHARED_ENTRIES = 2**14
"""Table entries of such a plan at most; past that, findings as signed sums are cheaper."""


@dataclass(frozen=True, slots=True, eq=False)
class _Answer:
    """Where the answers of rows go.

    Parameters
    ----------
    log_evidence
        Shape (rows,).
    marginals
        Id to posteriors, shape (rows, states).
    places
        Id to the engine's integer, in the order of `marginals`.
    """

    log_evidence: Array
    marginals: dict[str, Array]
    places: Mapping[str, int]

    @classmethod
    def empty(cls, exact: ExactInference, rows: int, places: Mapping[str, int]) -> _Answer:
        marginals = {id: np.empty((rows, len(exact.network.by_id[id].states))) for id in places}
        return cls(np.empty(rows), marginals, places)


def answer_rows(
    exact: ExactInference,
    codes: Int,
    soft: Mapping[str, Array],
    targets: Sequence[str],
    *,
    threads: int | None = None,
    of_many: bool = False,
) -> tuple[Array, dict[str, Array]]:
    """Answer ragged rows; see `ExactInference.many`.

    `of_many` says that they are what is left of many: compiled code is then waited for, few as they are.
    """
    places = {id: exact.index(id) for id in targets}
    answer = _Answer.empty(exact, len(codes), places)
    log_evidence, marginals = answer.log_evidence, answer.marginals
    left = np.arange(len(codes))
    compiled = (of_many or len(codes) >= FEW_ROWS) and _needs_no_plan(exact, places)
    if len(codes) >= FEW_ROWS:
        left = np.setdiff1d(left, _by_shared_plans(exact, codes, soft, answer, threads))
    if compiled:
        left = left[~_without_plans(exact, codes, soft, left, answer, threads)]
    if len(codes) > 1 and len(left) and exact.skeleton.takes(list(places.values())):
        given = {id: weights[left] for id, weights in soft.items()}
        found = _by_lanes(exact, codes[left], given, list(places.values()), SAFE_AMPLIFICATION, threads)
        took = left[found.answered]
        log_evidence[took] = found.log_evidence[found.answered]
        for id, i in places.items():
            marginals[id][took] = found.marginals[i][found.answered]
        left = left[~found.answered]
    pending = [left] if len(left) else []
    if exact.expander.leaves and len(left) < FEW_ROWS:
        pending = [left[n : n + 1] for n in range(len(left))]
    while pending:
        rows = pending.pop()
        part = {id: weights[rows] for id, weights in soft.items()}
        if len(rows) == 1:
            own, values = _row(exact, codes[rows[0]], {id: weights[0] for id, weights in part.items()}, targets)
        else:
            try:
                own, values = _batch(exact, codes[rows], part, targets, threads)
            except BudgetExceededError:
                # A few rows are too wide for the batch's plans: find them, and answer them one by one.
                pending += [rows[: len(rows) // 2], rows[len(rows) // 2 :]]
                continue
        log_evidence[rows] = own
        for id in targets:
            marginals[id][rows] = values[id]
    return log_evidence, marginals


def _by_shared_plans(
    exact: ExactInference, codes: Int, soft: Mapping[str, Array], answer: _Answer, threads: int | None
) -> Int:
    """Answer the rows whose pattern of evidence many others share, in lanes of its plan; return which rows."""
    raised = np.array([i in exact.expander.leaves for i in range(codes.shape[1])])
    signs = np.where(raised, np.sign(codes), np.minimum(codes, 0)).astype(np.int8)
    _, group, count = np.unique(signs, axis=0, return_inverse=True, return_counts=True)
    order = np.argsort(group.reshape(-1), kind="stable")
    taken = [np.zeros(0, dtype=np.int64)]
    for rows in np.split(order, np.cumsum(count)[:-1]):
        if len(rows) < SHARED_ROWS:
            continue
        hard = {int(v): int(codes[rows[0], v]) for v in np.flatnonzero(codes[rows[0]] >= 0)}
        try:
            plan = exact.compiled.plan(hard, list(_indexed(exact, soft)), list(answer.places.values()))
        except BudgetExceededError:
            continue
        if plan.entries <= SHARED_ENTRIES:
            wait_for_kernel()
            own = {id: weights[rows] for id, weights in soft.items()}
            answer.log_evidence[rows], values = _batch(exact, codes[rows], own, list(answer.places), threads)
            for id, found in values.items():
                answer.marginals[id][rows] = found
            taken.append(rows)
    return np.concatenate(taken)


def answer_readings(
    exact: ExactInference,
    codes: Int,
    soft: Mapping[str, Array],
    reading_row: Int,
    reading_codes: Int,
    targets: Sequence[str],
    *,
    threads: int | None = None,
) -> tuple[Array, dict[str, Array]]:
    """Answer readings of rows, to six digits or better.

    Returns the natural log of P(evidence) by reading, shape (readings,), minus infinity for zero; and id to posteriors,
    shape (readings, states).

    Parameters
    ----------
    exact
        The network.
    codes
        The rows, shape (rows, variables), -1 where unknown.
    soft
        Id to weights, shape (rows, states), the same in every reading of a row.
    reading_row
        Which row each reading is of, in ascending order, shape (readings,).
    reading_codes
        What each reading observes, shape (readings, variables).
    targets
        Ids asked for.
    threads
        How many cores to use; all by default.
    """
    places = {id: exact.index(id) for id in targets}
    left = np.arange(len(reading_row))
    log_evidence = np.zeros(len(left))
    marginals = {id: np.zeros((len(left), len(exact.network.by_id[id].states))) for id in targets}
    if len(left) and exact.skeleton.takes(list(places.values())):
        found = _by_lanes(
            exact, codes, soft, list(places.values()), DECISION_AMPLIFICATION, threads, reading_row, reading_codes
        )
        log_evidence = found.log_evidence
        marginals = {id: found.marginals[i] for id, i in places.items()}
        left = np.flatnonzero(~found.answered)
    if len(left):
        distinct, back = np.unique(reading_codes[left], axis=0, return_inverse=True)
        own = soft
        if soft:
            distinct, back = reading_codes[left], np.arange(len(left))
            own = {id: weights[reading_row[left]] for id, weights in soft.items()}
        logs, values = answer_rows(exact, distinct, own, targets, threads=threads, of_many=len(reading_row) >= FEW_ROWS)
        log_evidence[left] = logs[back.reshape(-1)]
        for id in targets:
            marginals[id][left] = values[id][back.reshape(-1)]
    return log_evidence, marginals


def lanes_of_readings(
    exact: ExactInference, codes: Int, soft: Mapping[str, Array], reading_row: Int, reading_codes: Int
) -> Array:
    """Return how many lanes each row takes on the skeleton so that all its readings can be read, shape (rows,)."""
    read = _with_hidden(exact, reading_codes)
    return Lanes(
        exact.skeleton.findings, Block(_with_hidden(exact, codes), _indexed(exact, soft), reading_row, read)
    ).lanes


def log_probability_without(
    exact: ExactInference,
    codes: Int,
    soft: Mapping[str, Array],
    absent: Sequence[str],
    *,
    threads: int | None = None,
) -> Array:
    """Return the natural log of P(evidence, all of `absent` in their lowest state) by row, minus infinity for zero."""
    places = [exact.index(id) for id in absent]
    blocked = (codes[:, places] > 0).any(axis=1)
    left = np.flatnonzero(~blocked)
    log_probability = np.full(len(codes), -np.inf)
    told = codes.copy()
    told[:, places] = 0
    answer = _Answer(log_probability, {}, {})
    if len(codes) >= FEW_ROWS and _needs_no_plan(exact, {}):
        left = left[~_without_plans(exact, told, soft, left, answer, threads)]
    if len(left) and exact.skeleton.takes(places):
        own = {id: weights[left] for id, weights in soft.items()}
        found = _by_lanes(exact, codes[left], own, [], SAFE_AMPLIFICATION, threads, absent=places)
        log_probability[left] = found.log_evidence
        left = left[~found.answered]
    if len(left):
        own = {id: weights[left] for id, weights in soft.items()}
        log_probability[left] = answer_rows(exact, told[left], own, [], threads=threads)[0]
    log_probability[blocked] = -np.inf
    return log_probability


def cores(threads: int | None) -> int:
    """Return how many threads to use: as many as asked for, else every core this process may use."""
    if threads is not None:
        return max(1, int(threads))
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def answer_by_lanes(
    exact: ExactInference, hard: Mapping[int, int], soft: Mapping[int, Array], targets: Sequence[int]
) -> tuple[float, dict[int, Array]] | None:
    """Answer one case on the skeleton; None where it does not fit."""
    if not exact.skeleton.takes(targets):
        return None
    codes = np.full((1, len(exact.network.variables)), -1)
    codes[0, list(hard)] = list(hard.values())
    ids = [variable.id for variable in exact.network.variables]
    given = {ids[i]: weights[None, :] for i, weights in soft.items()}
    found = _by_lanes(exact, codes, given, targets, SAFE_AMPLIFICATION, 1)
    if not found.answered[0]:
        return None
    return float(found.log_evidence[0]), {i: values[0] for i, values in found.marginals.items()}


def _by_lanes(
    exact: ExactInference,
    codes: Int,
    soft: Mapping[str, Array],
    targets: Sequence[int],
    most_amplification: float,
    threads: int | None,
    reading_row: Int | None = None,
    reading_codes: Int | None = None,
    absent: Sequence[int] = (),
) -> Readings:
    """Answer on the skeleton; what loses too many digits with signs is tried again with fewer of them."""
    if len(codes) >= FEW_ROWS:
        wait_for_kernel()  # It gives the same bits.
    of = np.arange(len(codes)) if reading_row is None else reading_row
    own, given = _with_hidden(exact, codes), _indexed(exact, soft)
    read = own if reading_codes is None else _with_hidden(exact, reading_codes)
    found = exact.skeleton.answer(
        own, given, targets, reading_case=of, reading_codes=read, absent=absent, threads=cores(threads)
    )
    poor = np.flatnonzero(found.answered & (found.amplification > most_amplification))
    if not len(poor):
        return found
    rows, again = np.unique(of[poor], return_inverse=True)
    again = again.reshape(-1)
    better = exact.skeleton.answer(
        own[rows],
        {v: w[rows] for v, w in given.items()},
        targets,
        reading_case=again,
        reading_codes=read[poor],
        absent=absent,
        unsigned=exact.skeleton.makers(own[rows]),
        threads=cores(threads),
    )
    found.answered[poor] = better.answered & (better.amplification <= most_amplification)
    found.log_evidence[poor] = better.log_evidence
    for v, values in better.marginals.items():
        found.marginals[v][poor] = values
    return found


def _needs_no_plan(exact: ExactInference, places: Mapping[str, int]) -> bool:
    """Return whether compiled code answers cases without a plan; waits for it."""
    leaves = exact.expander.leaves
    return bool(leaves) and leaves.keys().isdisjoint(places.values()) and wait_for_row_kernel()


def _without_plans(
    exact: ExactInference,
    codes: Int,
    soft: Mapping[str, Array],
    rows: Int,
    answer: _Answer,
    threads: int | None,
) -> NDArray[np.bool_]:
    """Answer rows by compiled code that needs no plan; return which of them it took."""
    own = {v: weights[rows] for v, weights in _indexed(exact, soft).items()}
    found, flat, status = answer_cohort(
        exact.compiled.flat,
        _with_hidden(exact, codes[rows]),
        own,
        list(answer.places.values()),
        cores(threads),
        exact.memory_budget,
    )
    taken = np.asarray(status == 0)
    answer.log_evidence[rows[taken]] = found[taken]
    start = 0
    for values in answer.marginals.values():
        values[rows[taken]] = flat[taken, start : start + values.shape[1]]
        start += values.shape[1]
    return taken


def _with_hidden(exact: ExactInference, codes: Int) -> Int:
    return np.hstack([codes, np.full((len(codes), len(exact.resolved.hidden)), -1, dtype=codes.dtype)])


def _indexed(exact: ExactInference, soft: Mapping[str, Array]) -> dict[int, Array]:
    return {exact.index(id): weights for id, weights in soft.items()}


def _batch(
    exact: ExactInference,
    codes: Int,
    soft: Mapping[str, Array],
    targets: Sequence[str],
    threads: int | None,
) -> tuple[Array, dict[str, Array]]:
    places = {id: exact.index(id) for id in targets}
    with exact.named_budget():
        batch = exact.compiled.batch(
            _with_hidden(exact, codes), _indexed(exact, soft), list(places.values()), threads=threads
        )
    return batch.log_evidence, {id: batch.marginals[i] for id, i in places.items()}


def _row(
    exact: ExactInference, codes: Int, soft: Mapping[str, Array], targets: Sequence[str]
) -> tuple[Array, dict[str, Array]]:
    hard = {v.id: int(code) for v, code in zip(exact.network.variables, codes, strict=True) if code >= 0}
    log_evidence, marginals = exact.answer(Evidence(hard, {}, {}), soft, targets)
    return np.array([log_evidence]), {id: values[None, :] for id, values in marginals.items()}
