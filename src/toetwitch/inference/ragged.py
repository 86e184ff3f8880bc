"""Many cases at once, each of which observes something else.

Cases run on the skeleton of the network (`toetwitch.inference.skeleton`), which needs one plan for all of them. What
does not fit there (many present findings, evidence so improbable that signed sums lose digits, a finding asked for)
goes to the engine's batch, and a few such cases one by one: a batch would plan for each of them.

Which way a case goes depends on the cases alone, so the same call gives the same bits.
"""

from __future__ import annotations

__all__ = ["answer_readings", "answer_rows", "cores", "log_probability_without"]

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine.native import wait_for_kernel
from toetwitch.errors import BudgetExceededError
from toetwitch.evidence import Evidence
from toetwitch.inference.expansion import DECISION_AMPLIFICATION, SAFE_AMPLIFICATION

if TYPE_CHECKING:
    from toetwitch.inference.exact import ExactInference

Array = NDArray[np.float64]
Int = NDArray[np.int64]

FEW_ROWS = 256
"""Fewer rows than this are answered one by one where the skeleton does not take them."""


def answer_rows(
    exact: ExactInference,
    codes: Int,
    soft: Mapping[str, Array],
    targets: Sequence[str],
    *,
    threads: int | None = None,
) -> tuple[Array, dict[str, Array]]:
    """Answer ragged rows; see `ExactInference.many`."""
    log_evidence = np.empty(len(codes))
    marginals = {id: np.empty((len(codes), len(exact.network.by_id[id].states))) for id in targets}
    left = np.arange(len(codes))
    places = {id: exact.index(id) for id in targets}
    if len(codes) > 1 and exact.skeleton.takes(list(places.values())):
        _prepare(len(codes))
        found = exact.skeleton.answer(
            _with_hidden(exact, codes), _indexed(exact, soft), list(places.values()), threads=cores(threads)
        )
        log_evidence = found.log_evidence
        marginals = {id: found.marginals[i] for id, i in places.items()}
        left = np.flatnonzero(~found.answered | (found.amplification > SAFE_AMPLIFICATION))
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


def answer_readings(
    exact: ExactInference,
    codes: Int,
    soft: Mapping[str, Array],
    reading_row: Int,
    reading_codes: Int,
    targets: Sequence[str],
    *,
    threads: int | None = None,
) -> dict[str, Array]:
    """Return id to posteriors by reading, shape (readings, states), good to six digits or better.

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
    marginals = {id: np.zeros((len(left), len(exact.network.by_id[id].states))) for id in targets}
    if len(left) and exact.skeleton.takes(list(places.values())):
        _prepare(len(reading_row))
        found = exact.skeleton.answer(
            _with_hidden(exact, codes),
            _indexed(exact, soft),
            list(places.values()),
            reading_case=reading_row,
            reading_codes=_with_hidden(exact, reading_codes),
            threads=cores(threads),
        )
        marginals = {id: found.marginals[i] for id, i in places.items()}
        left = np.flatnonzero(~found.answered | (found.amplification > DECISION_AMPLIFICATION))
    if len(left):
        distinct, back = np.unique(reading_codes[left], axis=0, return_inverse=True)
        own = soft
        if soft:
            distinct, back = reading_codes[left], np.arange(len(left))
            own = {id: weights[reading_row[left]] for id, weights in soft.items()}
        _, values = answer_rows(exact, distinct, own, targets, threads=threads)
        for id in targets:
            marginals[id][left] = values[id][back.reshape(-1)]
    return marginals


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
    if exact.skeleton.takes(places):
        _prepare(len(codes))
        found = exact.skeleton.answer(
            _with_hidden(exact, codes), _indexed(exact, soft), [], absent=places, threads=cores(threads)
        )
        log_probability = found.log_evidence
        left = np.flatnonzero(~blocked & (~found.answered | (found.amplification > SAFE_AMPLIFICATION)))
    if len(left):
        told = codes[left].copy()
        told[:, places] = 0
        own = {id: weights[left] for id, weights in soft.items()}
        log_probability[left] = answer_rows(exact, told, own, [], threads=threads)[0]
    log_probability[blocked] = -np.inf
    return log_probability


def cores(threads: int | None) -> int:
    """Return how many threads to use: as many as asked for, else every core this process may use."""
    if threads is not None:
        return max(1, int(threads))
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _prepare(rows: int) -> None:
    """Wait for compiled code where there are enough rows for it to pay; it gives the same bits."""
    if rows >= FEW_ROWS:
        wait_for_kernel()


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
