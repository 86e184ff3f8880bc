"""Many cases at once: grouped by what they observe, or taken one by one where every case differs.

Cases that observe the same variables share a plan and run side by side in lanes. A pattern that occurs in few rows is
not worth a plan: where compiled code is to be had and there are enough such rows, they are answered without one. Which
way a row goes depends on the rows alone, so the same call gives the same bits.
"""

from __future__ import annotations

__all__ = ["Batch", "Network", "run_batch"]

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine.cohort import FlatNetwork, answer_cohort
from toetwitch.engine.factors import Evidence
from toetwitch.engine.native import wait_for_row_kernel
from toetwitch.engine.potentials import Potential
from toetwitch.engine.prediction import at_most, leaf_posteriors, predictable_leaves
from toetwitch.engine.session import Session
from toetwitch.engine.structure import Structure

Array = NDArray[np.float64]
Codes = NDArray[np.integer]
LANES = 64
"""Cases of one pattern run side by side: enough to fill the vector units, few enough for the cache."""
LANE_DOUBLES = 2**25
"""Lanes of a large plan are fewer, such that their tables together hold no more than this."""
RARE_PATTERN = 16
"""A pattern in fewer rows than this is not worth a plan of its own."""
ENOUGH_ROWS = 256
"""Compiled code for rows without a plan is waited for when at least this many need it."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Posteriors of many cases.

    Attributes
    ----------
    log_evidence
        Natural logarithm of the probability of each row's evidence, shape (rows,); -inf where it is impossible.
    marginals
        Posterior of each target, shape (rows, size); zeros in the rows whose evidence is impossible.
    """

    log_evidence: Array
    marginals: Mapping[int, Array]


class Network(Protocol):
    """What a batch needs of a network."""

    @property
    def structure(self) -> Structure:
        """Sizes and shapes."""

    @property
    def potentials(self) -> tuple[Potential, ...]:
        """The factors."""

    @property
    def noisy_children(self) -> frozenset[int]:
        """Variables that are the child of a noisy-max."""

    @property
    def memory_budget(self) -> int:
        """Largest predicted memory of one run, in bytes."""

    @property
    def flat(self) -> FlatNetwork:
        """The network laid out for cohorts."""

    def session(
        self, hard: tuple[int, ...], raised: frozenset[int], soft: tuple[int, ...], targets: Sequence[int]
    ) -> Session:
        """Return what answers one pattern."""


def run_batch(
    network: Network, codes: Codes, weights: Mapping[int, Array], wanted: Sequence[int], threads: int | None
) -> Batch:
    """Answer every row.

    Parameters
    ----------
    network
        Who is asked.
    codes
        Observed states, shape (rows, variables), -1 where unknown.
    weights
        Likelihood weights, shape (rows, size).
    wanted
        Variables asked for; observed ones come back as point masses.
    threads
        Number of threads; None uses every core this process may use.
    """
    count = _cores() if threads is None else max(1, int(threads))
    sizes = network.structure.sizes
    ends = np.cumsum([0, *(sizes[v] for v in wanted)]).tolist()
    log_evidence = np.zeros(len(codes))
    answers = np.zeros((len(codes), ends[-1]))
    groups = _groups(codes, network.noisy_children)
    rare = [group for group in groups if len(group) < RARE_PATTERN]
    alone = np.sort(np.concatenate(rare)) if rare else np.zeros(0, dtype=np.intp)
    if len(alone) >= ENOUGH_ROWS and wait_for_row_kernel():
        own = {v: w[alone] for v, w in weights.items()}
        log_evidence[alone], answers[alone], status = _without_plans(network, codes[alone], own, wanted, count)
        left = alone[status != 0]
        groups = [group for group in groups if len(group) >= RARE_PATTERN] + [left[n : n + 1] for n in range(len(left))]
    tasks: list[Callable[[], None]] = []
    for group in groups:
        tasks += _lane_tasks(network, codes, weights, wanted, group, log_evidence, answers)
    if count == 1 or len(tasks) < 2:
        for task in tasks:
            task()
    else:
        with ThreadPoolExecutor(count) as pool:
            for done in [pool.submit(task) for task in tasks]:
                done.result()
    spans = zip(wanted, ends[:-1], ends[1:], strict=True)
    return Batch(log_evidence, {v: answers[:, begin:end] for v, begin, end in spans})


def _lane_tasks(
    network: Network,
    codes: Codes,
    weights: Mapping[int, Array],
    wanted: Sequence[int],
    group: NDArray[np.intp],
    log_evidence: Array,
    answers: Array,
) -> list[Callable[[], None]]:
    """Return the blocks of lanes of one pattern."""
    row = codes[group[0]]
    hard = tuple(int(v) for v in np.flatnonzero(row >= 0))
    raised = frozenset(v for v in hard if v in network.noisy_children and row[v] > 0)
    columns = np.array(hard, dtype=np.intp)

    def session() -> Session:
        return network.session(hard, raised, tuple(weights), wanted)

    def answer(block: NDArray[np.intp]) -> None:
        prepared = session()
        states = np.ascontiguousarray(codes[np.ix_(block, columns)].T, dtype=np.int64)
        own = {v: np.ascontiguousarray(w[block].T) for v, w in weights.items()}
        log_evidence[block], flat = prepared.answer(states, own, len(block))
        answers[block] = flat.T

    if len(group) == 1:
        return [lambda: answer(group)]
    entries = max(1, session().main.lane_entries)
    lanes = int(min(LANES, max(8, LANE_DOUBLES // entries)))
    blocks = [group[start : start + lanes] for start in range(0, len(group), lanes)]
    return [lambda block=block: answer(block) for block in blocks]  # type: ignore[misc]


def _without_plans(
    network: Network, codes: Codes, weights: Mapping[int, Array], wanted: Sequence[int], threads: int
) -> tuple[Array, Array, NDArray[np.int8]]:
    """Answer rows case by case; unobserved noisy-max leaves are predicted, each state of each one a case of its own."""
    structure = network.structure
    leaves = predictable_leaves(structure, frozenset(wanted), frozenset(weights))
    direct = [v for v in wanted if v not in leaves]
    log_evidence, flat, status = answer_cohort(network.flat, codes, weights, direct, threads, network.memory_budget)
    if not leaves:
        return log_evidence, flat, status
    parts: dict[int, Array] = {}
    start = 0
    for v in direct:
        parts[v] = flat[:, start : start + structure.sizes[v]]
        start += structure.sizes[v]
    nothing = Evidence({}, {})
    for leaf, index in leaves.items():
        size = structure.sizes[leaf]
        parts[leaf] = (np.arange(size) == codes[:, leaf, np.newaxis]) & (log_evidence > -np.inf)[:, np.newaxis]
        parts[leaf] = parts[leaf].astype(np.float64)
        asking = np.flatnonzero((codes[:, leaf] < 0) & (status == 0))
        if not len(asking):
            continue
        totals, factors = [], []
        for state in range(size - 1):
            own, factor = at_most(network.potentials[index], state, nothing)
            lanes = {v: w[asking] for v, w in weights.items()}
            for v, w in own.items():
                lanes[v] = w[:, 0] * lanes.get(v, np.ones((len(asking), 1)))
            found, _, asked_status = answer_cohort(
                network.flat, codes[asking], lanes, (), threads, network.memory_budget
            )
            status[asking[asked_status != 0]] = 1
            totals.append(found)
            factors.append(factor)
        questions = [(leaf, state) for state in range(size - 1)]
        posterior = leaf_posteriors(questions, factors, np.stack(totals), log_evidence[asking])[leaf]
        parts[leaf][asking] = posterior.T
    return log_evidence, np.concatenate([parts[v] for v in wanted], axis=1), status


def _groups(codes: Codes, noisy: frozenset[int]) -> list[NDArray[np.intp]]:
    """Return row numbers grouped by pattern: what is observed, and which noisy-max children above their lowest."""
    if not len(codes):
        return []
    signs = np.sign(codes).astype(np.int8)
    plain = [v for v in range(codes.shape[1]) if v not in noisy]
    signs[:, plain] = np.minimum(signs[:, plain], 0)
    # Two bits a variable, packed: rows compare as short byte strings.
    packed = np.concatenate([np.packbits(signs >= 0, axis=1), np.packbits(signs > 0, axis=1)], axis=1)
    keys = np.ascontiguousarray(packed).view(np.dtype((np.void, packed.shape[1]))).reshape(-1)
    _, inverse = np.unique(keys, return_inverse=True)
    order = np.argsort(inverse.reshape(-1), kind="stable")
    cuts = np.flatnonzero(np.diff(inverse.reshape(-1)[order])) + 1
    return np.split(order, cuts)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
