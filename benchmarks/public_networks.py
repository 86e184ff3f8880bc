"""The public networks that pgmpy ships, with their leaves observed: all posteriors, against pyAgrum and pgmpy.

Every variable without a child is observed, in a state drawn from the network. The same tables, rows normalised once,
go to every engine, and the posteriors of every row are compared.
"""

from __future__ import annotations

__all__ = ["NAMES", "run"]

import gzip
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pgmpy
import pyagrum
from numpy.typing import NDArray
from pgmpy.inference import VariableElimination
from pgmpy.readwrite import BIFReader

from benchmarks.measure import bars, median_seconds, write
from toetwitch.engine import CompiledNetwork, Dense
from toetwitch.engine.native import wait_for_kernel

NAMES = (
    "asia", "alarm", "child", "insurance", "hepar2", "win95pts", "hailfinder", "andes", "pathfinder", "pigs", "water",
    "munin1",
)  # fmt: skip
ROWS = {"asia": 20_000, "andes": 256, "pathfinder": 2_000, "pigs": 256, "water": 2_000, "insurance": 2_000, "munin1": 0}
SLOW_FOR_PGMPY = frozenset({"munin1"})
CASES = 64
CHECKING_SECONDS = 20.0
"""Posteriors of a network are compared row by row until this long has passed; the line tells of how many rows."""


@dataclass(frozen=True, slots=True)
class Public:
    """A network as read: names, sizes, and (child first) scopes with their tables."""

    name: str
    model: object
    names: tuple[str, ...]
    sizes: tuple[int, ...]
    tables: tuple[tuple[tuple[int, ...], NDArray[np.float64]], ...]


def read(name: str) -> Public:
    """Read a network from pgmpy's wheel."""
    path = Path(pgmpy.__file__).parent / "utils" / "example_models" / f"{name}.bif.gz"
    with gzip.open(path, "rt") as file:
        model = BIFReader(string=file.read()).get_model()
    names = tuple(sorted(model.nodes()))
    place = {node: v for v, node in enumerate(names)}
    tables = []
    for cpd in model.get_cpds():
        values = np.array(cpd.values, dtype=np.float64)
        values /= values.sum(axis=0, keepdims=True)
        cpd.values = values.copy()
        tables.append((tuple(place[node] for node in cpd.variables), values))
    return Public(name, model, names, tuple(int(model.get_cardinality(node)) for node in names), tuple(tables))


def to_engine(public: Public) -> CompiledNetwork:
    """Compile it."""
    tables = [Dense(scope, values) for scope, values in public.tables]
    return CompiledNetwork(public.sizes, tables, memory_budget=4 * 2**30)


def to_pyagrum(public: Public) -> pyagrum.BayesNet:
    """Build it in pyAgrum; variables are called by their numbers, since some labels are not legal there."""
    network = pyagrum.BayesNet()
    for v, size in enumerate(public.sizes):
        network.add(pyagrum.LabelizedVariable(f"v{v}", "", int(size)))
    for scope, _ in public.tables:
        for parent in reversed(scope[1:]):
            network.addArc(f"v{parent}", f"v{scope[0]}")
    for scope, values in public.tables:
        table = network.cpt(f"v{scope[0]}")
        order = [int(name[1:]) for name in reversed(table.names)]
        table[:] = np.ascontiguousarray(values.transpose([scope.index(v) for v in order]))
    return network


def draw(public: Public, rows: int, seed: int = 0) -> NDArray[np.int64]:
    """Draw complete cases."""
    rng = np.random.default_rng(seed)
    codes = np.full((rows, len(public.sizes)), -1, dtype=np.int64)
    waiting = list(public.tables)
    while waiting:
        later = []
        for scope, values in waiting:
            parents = [codes[:, v] for v in scope[1:]]
            if any((states < 0).any() for states in parents):
                later.append((scope, values))
                continue
            chances = np.broadcast_to(values[(slice(None), *parents)].T if parents else values, (rows, values.shape[0]))
            codes[:, scope[0]] = (
                (chances.cumsum(axis=1) < rng.random((rows, 1))).sum(axis=1).clip(0, values.shape[0] - 1)
            )
        waiting = later
    return codes


def run(names: tuple[str, ...] = NAMES) -> None:
    """Measure and report."""
    wait_for_kernel()
    lines = [
        "all posteriors, leaves observed; times are medians; a ratio is the peer's time over ours",
        f"{'network':11}{'width':>6}{'entries':>12}{'cold ms':>9}{'warm us':>10}{'batch us':>10}{'pyAgrum ms':>12}"
        f"{'pgmpy ms':>10}{'warm x':>8}{'batch x':>9}{'largest difference':>20}{'rows':>6}",
    ]
    warm_ratios, batch_ratios = [], []
    for name in names:
        public = read(name)
        line, warm, batch = measure(public)
        lines.append(line)
        print(line, flush=True)
        warm_ratios.append((name, warm))
        batch_ratios.append((name, batch))
    write("public_networks.txt", lines)
    bars("public_networks_warm.svg", "One case, plan known: times faster than pyAgrum", warm_ratios, "x")
    bars("public_networks_batch.svg", "Batch, per case: times faster than pyAgrum", batch_ratios, "x")


def measure(public: Public) -> tuple[str, float, float]:
    """Return the line of one network and its ratios to pyAgrum, single and batch."""
    count = len(public.sizes)
    parents = {v for scope, _ in public.tables for v in scope[1:]}
    leaves = [v for v in range(count) if v not in parents]
    cases = draw(public, CASES)
    compiled = to_engine(public)
    hard = [{v: int(row[v]) for v in leaves} for row in cases]
    start = time.perf_counter()
    compiled.posterior(hard[0], {})
    cold = time.perf_counter() - start
    warm = median_seconds(lambda: compiled.posterior(hard[1], {}))
    plan = compiled.plan(hard[0])
    rows = ROWS.get(public.name, 10_000)
    batch = warm
    worst = 0.0
    engine = pyagrum.LazyPropagation(to_pyagrum(public))

    def ask(row: int) -> list[NDArray[np.float64]]:
        engine.eraseAllEvidence()
        engine.setEvidence({f"v{v}": s for v, s in hard[row].items()})
        engine.makeInference()
        return [engine.posterior(f"v{v}").toarray() for v in range(count) if v not in hard[row]]

    began = time.perf_counter()
    peer = median_seconds(lambda: ask(1), least=1, most=5, budget=20.0)
    hidden = [v for v in range(count) if v not in leaves]
    known = np.where(np.isin(np.arange(count), leaves), cases, -1)
    together = compiled.batch(known, {}, hidden) if rows else None
    checked = 0
    while checked < CASES and (checked == 0 or time.perf_counter() - began < CHECKING_SECONDS):
        alone = compiled.posterior(hard[checked], {}).marginals
        for v, expected in zip(hidden, ask(checked), strict=True):
            worst = max(worst, float(np.abs(alone[v] - expected).max()))
            if together is not None:
                worst = max(worst, float(np.abs(together.marginals[v][checked] - expected).max()))
        checked += 1
    if rows:
        codes = np.full((rows, count), -1, dtype=np.int64)
        codes[:, leaves] = draw(public, rows, seed=1)[:, leaves]
        compiled.batch(codes[:128], {}, hidden)
        batch = median_seconds(lambda: compiled.batch(codes, {}, hidden), least=3, most=5) / rows
    slow = float("nan")
    if public.name not in SLOW_FOR_PGMPY:
        elimination = VariableElimination(public.model)
        evidence = {public.names[v]: public.model.get_cpds(public.names[v]).state_names[public.names[v]][s]  # type: ignore[attr-defined]
                    for v, s in hard[1].items()}  # fmt: skip
        asked = [public.names[v] for v in range(count) if v not in hard[1]]
        slow = median_seconds(
            lambda: [elimination.query([node], evidence, show_progress=False) for node in asked], least=1, most=1
        )
    line = (
        f"{public.name:11}{plan.width:6}{plan.entries:12,}{cold * 1e3:9.1f}{warm * 1e6:10.0f}{batch * 1e6:10.1f}"
        f"{peer * 1e3:12.2f}{slow * 1e3:10.0f}{peer / warm:8.0f}{peer / batch:9.0f}{worst:20.1e}{checked:6}"
    )
    return line, peer / warm, peer / batch
