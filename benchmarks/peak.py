"""How far the batch kernel is from the machine: its operations a second against plain multiply-adds in cache.

The measured peak is a compiled loop x += a * b over rows of 64 doubles that stay in the first-level cache, on one core:
the same operation on the same shape as the kernel's, without index maps. An operation is one multiplication or one
addition.
"""

from __future__ import annotations

__all__ = ["run"]

import numpy as np

from benchmarks.measure import median_seconds, write
from benchmarks.public_networks import draw, read, to_engine
from toetwitch.engine import execution
from toetwitch.engine.native import kernel, wait_for_kernel

LANES = 64


def run() -> None:
    """Measure and report."""
    wait_for_kernel()
    ready = kernel()
    if ready is None:
        write("peak.txt", ["no compiled kernel on this machine"])
        return
    peak = _peak()
    lines = [f"multiply-add on cache-resident rows of {LANES} doubles: {peak / 1e9:.2f} Gop/s on one core"]
    for name in ("alarm", "hepar2", "win95pts", "hailfinder"):
        public = read(name)
        compiled = to_engine(public)
        parents = {v for scope, _ in public.tables for v in scope[1:]}
        hidden = [v for v in range(len(public.sizes)) if v in parents]
        hard = tuple(v for v in range(len(public.sizes)) if v not in parents)
        session = compiled.session(hard, frozenset(), (), hidden)
        states = np.ascontiguousarray(draw(public, LANES)[:, list(session.hard)].T)
        program, lowered = session.main.program, session.main.lowered
        if lowered is None:
            continue

        def pass_once(program=program, lowered=lowered, states=states) -> None:  # type: ignore[no-untyped-def]
            execution.run_lowered(ready, program, lowered, states, {}, LANES)

        seconds = median_seconds(pass_once, least=50, most=400) / LANES
        rate = program.plan.operations / seconds
        lines.append(
            f"{name:11}{seconds * 1e6:8.2f} us a case{rate / 1e9:8.2f} Gop/s{100 * rate / peak:7.0f} % of that"
        )
    write("peak.txt", lines)


def _peak() -> float:
    import numba

    @numba.njit(boundscheck=False)
    def multiply_add(target, left, right, times):  # type: ignore[no-untyped-def]
        for _ in range(times):
            for row in range(left.shape[0]):
                a = left[row]
                b = right[row]
                x = target[row]
                for lane in range(a.shape[0]):
                    x[lane] += a[lane] * b[lane]

    rows = 16
    target, left, right = np.zeros((rows, LANES)), np.ones((rows, LANES)), np.ones((rows, LANES))
    multiply_add(target, left, right, 1)
    times = 10_000
    return 2 * rows * LANES * times / median_seconds(lambda: multiply_add(target, left, right, times), least=20)
