"""Running a lowered program: fill the buffers, call the compiled kernel, read the posteriors."""

from __future__ import annotations

__all__ = ["normalise", "run_lowered"]

import threading
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine.arithmetic import LOG_2, PLAIN
from toetwitch.engine.kernels import SAFE_FLOOR
from toetwitch.engine.lowering import Lowered
from toetwitch.engine.native import Kernel
from toetwitch.engine.program import Program, depths_with

Array = NDArray[np.float64]
KEPT_DOUBLES = 2**22
"""A thread keeps its workspace between questions up to this size: fresh pages cost more than the arithmetic."""
_workspace = threading.local()


def run_lowered(
    kernel: Kernel,
    program: Program,
    lowered: Lowered,
    states: NDArray[np.int64],
    weights: Mapping[int, Array],
    lanes: int,
) -> tuple[Array, Array] | None:
    """Return log P(e), shape (lanes,), and the posteriors one below the other, shape (entries, lanes).

    None when some product may leave the range of a double: the caller must then use logarithms.
    """
    floors, ceiling = depths_with(program, weights)
    watched = sum(floors) < SAFE_FLOOR
    if ceiling > -SAFE_FLOOR or program.scalar_floor < SAFE_FLOOR or (watched and min(floors) < SAFE_FLOOR):
        return None
    if lanes > 1 and not lowered.laned:
        return _one_by_one(kernel, program, lowered, states, weights, lanes)
    buffer = _buffer(lowered.entries * lanes)
    if states.shape[1] != lanes or states.dtype != np.int64 or not states.flags.c_contiguous:
        states = np.ascontiguousarray(np.broadcast_to(states, (states.shape[0], lanes)), dtype=np.int64)
    view = buffer.reshape(lowered.entries, lanes)
    for variable, place, size in lowered.soft_places:
        view[place : place + size] = weights[variable]
    for variable, place in lowered.soft_scalars:
        own = np.broadcast_to(weights[variable], (weights[variable].shape[0], lanes))
        view[place] = own[states[lowered.hard.index(variable)], np.arange(lanes)]
    count = len(lowered.cliques)
    totals = np.ones((count, lanes))
    exponents = np.zeros((count if watched else 0, lanes), dtype=np.int64)
    depths = np.array(floors if watched else ())
    sound = kernel(
        buffer, lowered.constants, lowered.loads, lowered.load_terms, states, lowered.cliques, lowered.products,
        lowered.product_starts, lowered.scatters, lowered.scatter_starts, lowered.maps, totals, exponents, depths,
        lowered.zeroed, lanes,
    )  # fmt: skip
    if not sound:
        return None
    log_evidence = np.zeros(lanes)
    for root in program.roots:
        log_evidence = log_evidence + PLAIN.log(totals[root])
    if watched:
        log_evidence = log_evidence + exponents.sum(axis=0) * LOG_2
    if lowered.scalars:
        scalars = view[lowered.scalar_start : lowered.scalar_start + lowered.scalars]
        log_evidence = log_evidence + PLAIN.sum(PLAIN.log(scalars).reshape(-1, 1, lanes))[0]
    raw = view[lowered.posterior_start : lowered.posterior_start + lowered.posterior_entries]
    return log_evidence, normalise(raw, lowered.segment_starts, log_evidence)


def _one_by_one(
    kernel: Kernel,
    program: Program,
    lowered: Lowered,
    states: NDArray[np.int64],
    weights: Mapping[int, Array],
    lanes: int,
) -> tuple[Array, Array] | None:
    log_evidence = np.empty(lanes)
    flat = np.empty((lowered.posterior_entries, lanes))
    for lane in range(lanes):
        own = states if states.shape[1] == 1 else states[:, lane : lane + 1]
        single = {v: w if w.shape[1] == 1 else w[:, lane : lane + 1] for v, w in weights.items()}
        found = run_lowered(kernel, program, lowered, own, single, 1)
        if found is None:
            return None
        log_evidence[lane] = found[0][0]
        flat[:, lane] = found[1][:, 0]
    return log_evidence, flat


def normalise(raw: Array, segment_starts: NDArray[np.int64], log_evidence: Array) -> Array:
    """Divide each segment by its sum, lane by lane; lanes of impossible evidence become zeros."""
    if not raw.shape[0]:
        return raw.copy()
    totals = np.add.reduceat(raw, segment_starts, axis=0)
    lengths = np.diff(np.append(segment_starts, raw.shape[0]))
    if not log_evidence.min() > -np.inf:
        totals = np.where((log_evidence > -np.inf) & (totals > 0.0), totals, np.inf)
    answer: Array = raw / np.repeat(totals, lengths, axis=0)
    return answer


def _buffer(size: int) -> Array:
    if size > KEPT_DOUBLES:
        return np.empty(size)
    kept: Array | None = getattr(_workspace, "buffer", None)
    if kept is None or kept.size < size:
        kept = np.empty(max(size, 2**14))
        _workspace.buffer = kept
    return kept[:size]
