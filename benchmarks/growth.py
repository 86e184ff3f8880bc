"""What an answer costs as one thing grows: nodes, fan-in, positive findings, rows, cores.

Networks of the toe model's shape with random numbers (`synthetic`), all causes asked, answered by compiled code. One
dimension varies, the others stay: 115 nodes, 12 findings asked of which 4 are present. A case counts its median over
repeats; a point is the median over cases, with the worst case beside it in the text.
"""

from __future__ import annotations

__all__ = ["run"]

import os
import statistics
import time
from collections.abc import Iterator

import numpy as np

from benchmarks.measure import curves, median_seconds, write
from benchmarks.synthetic import Shape, cases, network
from toetwitch.engine import CompiledNetwork
from toetwitch.engine.native import wait_for_kernel, wait_for_row_kernel
from toetwitch.errors import BudgetExceededError

CASES = 15
ASKED = 12
POSITIVE = 4
ROWS = (256, 1_024, 4_096)
ROWS_FOR_CORES = 2_048

Point = tuple[float, float]


def run() -> None:
    """Measure and report."""
    wait_for_kernel()
    wait_for_row_kernel()
    lines = [
        f"one case, ms: median, worst of {CASES}; {ASKED} findings asked, {POSITIVE} present unless said",
        f"processes waiting for a core at the start, on average: {os.getloadavg()[0]:.1f}",
    ]
    panels = []
    for label, shapes in (("nodes", _by_nodes()), ("fan-in", _by_fan_in()), ("positive findings", _by_positive())):
        points: list[Point] = []
        for x, shape, positive in shapes:
            middle, worst, refused = _one_by_one(shape, positive)
            lines.append(
                f"{label:18}{x:6}{middle * 1e3:11.3f}{worst * 1e3:11.3f}{f'  {refused} refused' if refused else ''}"
            )
            print(lines[-1], flush=True)
            points.append((x, middle * 1e3))
        panels.append((label, "ms a case", points))
    compiled, shape = network(), Shape()
    lines.append("ragged rows in one call, us a row: 4 to 12 findings asked, a third of them present")
    wanted = _causes(shape)
    by_rows: list[Point] = []
    for rows in ROWS:
        codes = cases(compiled, shape, rows, most=ASKED)
        seconds = median_seconds(lambda codes=codes: compiled.batch(codes, {}, wanted), least=1, most=2) / rows  # type: ignore[misc]
        lines.append(f"{'rows':18}{rows:6}{seconds * 1e6:11.1f}")
        print(lines[-1], flush=True)
        by_rows.append((rows, seconds * 1e6))
    panels.append(("rows", "us a row", by_rows))
    codes = cases(compiled, shape, ROWS_FOR_CORES, most=ASKED)
    by_cores: list[Point] = []
    for cores in range(1, len(os.sched_getaffinity(0)) + 1):
        start = time.perf_counter()
        compiled.batch(codes, {}, wanted, threads=cores)
        seconds = (time.perf_counter() - start) / ROWS_FOR_CORES
        lines.append(f"{'cores':18}{cores:6}{seconds * 1e6:11.1f}")
        print(lines[-1], flush=True)
        by_cores.append((cores, seconds * 1e6))
    panels.append(("cores", "us a row", by_cores))
    write("growth.txt", lines)
    curves("growth.svg", "What an answer costs as one thing grows", panels)


def _by_nodes() -> Iterator[tuple[int, Shape, int]]:
    for times in (0.25, 0.5, 1, 2):
        shape = Shape(contexts=round(14 * times), causes=round(26 * times), findings=round(75 * times))
        yield shape.contexts + shape.causes + shape.findings, shape, POSITIVE


def _by_fan_in() -> Iterator[tuple[int, Shape, int]]:
    for fan_in in (2, 4, 8, 16, 24):
        yield fan_in, Shape(finding_fan_in=fan_in, steady=True), POSITIVE


def _by_positive() -> Iterator[tuple[int, Shape, int]]:
    for positive in (1, 2, 4, 8, 12):
        yield positive, Shape(), positive


def _one_by_one(shape: Shape, positive: int) -> tuple[float, float, int]:
    """Return the median and the worst over cases of what one costs, and how many were refused by their cost."""
    compiled = network(shape)
    wanted = _causes(shape)
    times: list[float] = []
    refused = 0
    for row in cases(compiled, shape, CASES, fewest=ASKED, most=ASKED, positive=positive):
        hard = {int(v): int(row[v]) for v in np.flatnonzero(row >= 0)}
        try:
            times.append(_seconds(compiled, hard, wanted))
        except BudgetExceededError:
            refused += 1
    return statistics.median(times), max(times), refused


def _seconds(compiled: CompiledNetwork, hard: dict[int, int], wanted: list[int]) -> float:
    return median_seconds(lambda: compiled.posterior(hard, {}, wanted), least=1, most=5, budget=0.2)


def _causes(shape: Shape) -> list[int]:
    return list(range(shape.contexts, shape.contexts + shape.causes))
