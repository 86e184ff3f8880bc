"""The toe model: all causes of cases with 4 to 20 findings, one by one and as cohorts, against the peers.

Cases are drawn from the model among people with at least one cause. The peers get the form they are fastest on: the
export with noisy-max nodes as chains, and the causes as the only targets.
"""

from __future__ import annotations

__all__ = ["run"]

import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pyagrum
from numpy.typing import NDArray
from pgmpy.inference import VariableElimination

import toetwitch as tt
from benchmarks.measure import bars, median_seconds, write
from toetwitch.engine import CompiledNetwork, Dense, NoisyMax
from toetwitch.engine.native import wait_for_kernel, wait_for_row_kernel
from toetwitch.evidence import Evidence
from toetwitch.inference import ExactInference

CASES = 200
ROWS = 100_000
PEER_SECONDS = 240.0
"""The peers take the cases in the order drawn until this long has passed: some take them a quarter of a minute."""

Hard = dict[int, int]


def run() -> None:
    """Measure and report."""
    model = tt.load_model()
    inference = model.network.inference
    compiled = inference.compiled
    variables = {v.id: v for v in inference.network.variables}
    causes = [inference.index(id) for id in model.causes]
    findings = sorted(inference.index(id) for id, v in variables.items() if v.kind == "finding")
    context = [inference.index(id) for id, v in variables.items() if v.kind == "context"]
    cases = draw(compiled, causes, context, findings, CASES)
    hard: list[Hard] = [{int(v): int(row[v]) for v in np.flatnonzero(row >= 0)} for row in cases]
    wait_for_kernel()
    wait_for_row_kernel()
    fresh = ExactInference(inference.network, shifts=inference.shifts)
    ids = list(variables)
    cold, warm, direct = [], [], []
    for case in hard:
        by_name = partial(fresh.posterior, Evidence({ids[v]: s for v, s in case.items()}, {}, {}), model.causes)
        cold.append(seconds(by_name))
        warm.append(median_seconds(by_name, least=3, most=9, budget=0.2))
        by_number = partial(compiled.posterior, case, {}, causes)
        direct.append(median_seconds(by_number, least=3, most=9, budget=0.2))
    codes = draw(compiled, causes, context, findings, ROWS, seed=7)[:, : len(ids)]
    cohort = seconds(lambda: fresh.many(codes, {}, model.causes)) / ROWS
    typical = hard[int(np.argsort(warm)[len(warm) // 2])]
    same = np.full((ROWS, len(ids)), -1, dtype=np.int64)
    same[:, list(typical)] = list(typical.values())
    shared = seconds(lambda: fresh.many(same, {}, model.causes)) / ROWS
    ours = [
        ("cold pattern", statistics.median(cold)),
        ("warm", statistics.median(warm)),
        ("warm, engine alone", statistics.median(direct)),
        ("ragged cohort", cohort),
        ("shared pattern", shared),
    ]
    print("ours:", ", ".join(f"{name} {time_of * 1e3:.4f} ms" for name, time_of in ours), flush=True)
    gum, worst, taken = against_pyagrum(model, inference, fresh, hard, causes)
    slow, slow_worst, asked = against_pgmpy(model, inference, fresh, hard)
    lines = [
        f"{CASES} cases drawn from the model, {np.mean([len(case) for case in hard]):.1f} observed of "
        f"{len(compiled.sizes)} variables; all {len(causes)} causes; cohorts of {ROWS:,} rows",
        f"pyAgrum (chains, causes as targets), the first {taken} of the cases: median {gum * 1e3:.1f} ms; largest "
        f"difference {worst:.1e}",
        f"pgmpy (chains, one query a cause), the first {asked}: median {slow * 1e3:.0f} ms; largest difference "
        f"{slow_worst:.1e}",
        f"{'':20}{'ms a case':>12}{'times faster than the better peer':>36}",
        *(f"{label:20}{time_of * 1e3:12.4f}{min(gum, slow) / time_of:36.0f}" for label, time_of in ours),
        f"slowest of the {CASES}: cold {max(cold) * 1e3:.0f} ms, warm {max(warm) * 1e3:.1f} ms",
    ]
    write("toe_model.txt", lines)
    best = min(gum, slow)
    bars(
        "toe_model.svg",
        "Toe model, all causes: times faster than the better peer",
        [(n, best / t) for n, t in ours],
        "x",
    )


def seconds(ask: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    ask()
    return time.perf_counter() - start


def draw(
    compiled: CompiledNetwork, causes: list[int], context: list[int], findings: list[int], rows: int, seed: int = 1
) -> NDArray[np.int64]:
    """Draw ragged cases of people with a cause: 40 % of the context known and 4 to 20 findings asked."""
    rng = np.random.default_rng(seed)
    kept: list[NDArray[np.int64]] = []
    while sum(map(len, kept)) < rows:
        complete = _complete(compiled, min(4 * rows, 20_000), rng)
        kept.append(complete[(complete[:, causes] > 0).any(axis=1)])
    complete = np.concatenate(kept)[:rows]
    known = np.zeros(complete.shape, dtype=bool)
    known[:, context] = rng.random((rows, len(context))) < 0.4
    ranks = rng.random((rows, len(findings))).argsort(axis=1).argsort(axis=1)
    known[:, findings] = ranks < rng.integers(4, 21, (rows, 1))
    return np.where(known, complete, -1)


def _complete(compiled: CompiledNetwork, rows: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw complete assignments, each potential once its parents are drawn."""
    drawn = np.full((rows, len(compiled.sizes)), -1, dtype=np.int64)
    made: set[int] = set()
    waiting = list(compiled.potentials)
    while waiting:
        later: list[Dense | NoisyMax] = []
        for potential in waiting:
            if isinstance(potential, Dense):
                parents, child = potential.scope[:-1], potential.scope[-1]
            else:
                parents, child = tuple(p for p in potential.parents if p is not None), potential.child
            if not made.issuperset(parents):
                later.append(potential)
                continue
            made.add(child)
            if isinstance(potential, Dense):
                drawn[:, child] = _pick(potential.values[tuple(drawn[:, p] for p in parents)], rows, rng)
                continue
            for term in potential.terms:
                table = term.values if term.parent is None else term.values[drawn[:, term.parent]]
                drawn[:, child] = np.maximum(drawn[:, child], _pick(table, rows, rng))
        waiting = later
    return drawn


def _pick(chances: NDArray[np.float64], rows: int, rng: np.random.Generator) -> NDArray[np.int64]:
    wide = np.broadcast_to(chances, (rows, chances.shape[-1]))
    return (wide.cumsum(axis=1) < rng.random((rows, 1))).sum(axis=1).clip(0, chances.shape[-1] - 1)


def against_pyagrum(
    model: tt.Model, inference: ExactInference, ours: ExactInference, cases: list[Hard], causes: list[int]
) -> tuple[float, float, int]:
    """Return pyAgrum's median time, the largest difference of a posterior, and how many cases it was given."""
    exported = model.network.to_pgmpy()
    names = list(exported.nodes())
    place = {name: n for n, name in enumerate(names)}
    network = pyagrum.BayesNet()
    for name in names:
        network.add(pyagrum.LabelizedVariable(f"v{place[name]}", "", int(exported.get_cardinality(name))))
    for cpd in exported.get_cpds():
        for parent in reversed(cpd.variables[1:]):
            network.addArc(f"v{place[parent]}", f"v{place[cpd.variables[0]]}")
    for cpd in exported.get_cpds():
        table = network.cpt(f"v{place[cpd.variables[0]]}")
        order = [names[int(name[1:])] for name in reversed(table.names)]
        values = np.asarray(cpd.values).transpose([cpd.variables.index(name) for name in order])
        table[:] = np.ascontiguousarray(values)
    ids = [v.id for v in inference.network.variables]
    engine = pyagrum.LazyPropagation(network)
    for cause in causes:
        engine.addTarget(f"v{place[ids[cause]]}")
    times: list[float] = []
    worst = 0.0
    begun = time.perf_counter()
    for case in cases:
        start = time.perf_counter()
        engine.eraseAllEvidence()
        engine.setEvidence({f"v{place[ids[v]]}": s for v, s in case.items()})
        engine.makeInference()
        found = {ids[cause]: engine.posterior(f"v{place[ids[cause]]}").toarray() for cause in causes}
        times.append(time.perf_counter() - start)
        answer = ours.posterior(Evidence({ids[v]: s for v, s in case.items()}, {}, {}), model.causes)
        worst = max(worst, *(float(np.abs(found[id] - answer.marginals[id]).max()) for id in model.causes))
        if time.perf_counter() - begun > PEER_SECONDS:
            break
    return statistics.median(times), worst, len(times)


def against_pgmpy(
    model: tt.Model, inference: ExactInference, ours: ExactInference, cases: list[Hard]
) -> tuple[float, float, int]:
    """Return the same of pgmpy's variable elimination, which is asked for one cause at a time."""
    engine = VariableElimination(model.network.to_pgmpy())
    variables = inference.network.variables
    times: list[float] = []
    worst = 0.0
    begun = time.perf_counter()
    for case in cases:
        stated = {variables[v].id: variables[v].states[s] for v, s in case.items()}
        answer = ours.posterior(Evidence({variables[v].id: s for v, s in case.items()}, {}, {}), model.causes)
        start = time.perf_counter()
        found = {id: engine.query([id], evidence=stated, show_progress=False) for id in model.causes}
        times.append(time.perf_counter() - start)
        for id, factor in found.items():
            values = np.array([factor.get_value(**{id: state}) for state in inference.network.by_id[id].states])
            worst = max(worst, float(np.abs(values - answer.marginals[id]).max()))
        if time.perf_counter() - begun > PEER_SECONDS / 4:
            break
    return statistics.median(times), worst, len(times)
