"""The toe model: all causes of cases with 4 to 20 findings, one by one and as ragged cohorts, against the peers.

Cases are drawn from the model among people with at least one cause. The peers get the form they are fastest on: the
export with noisy-max nodes as chains, and the causes as the only targets.
"""

from __future__ import annotations

__all__ = ["run"]

import statistics
import time

import numpy as np
import pyagrum
from numpy.typing import NDArray

import toetwitch as tt
from benchmarks.measure import bars, median_seconds, write
from toetwitch.engine import CompiledNetwork, Dense, NoisyMax
from toetwitch.engine.native import wait_for_kernel, wait_for_row_kernel

CASES = 60
PEER_CASES = 10
ROWS = 2_000
SHARED_ROWS = 2_000


def run() -> None:
    """Measure and report."""
    model = tt.load_model()
    inference = model.network.inference
    compiled = inference.compiled
    variables = {v.id: v for v in inference.network.variables}
    causes = [inference.index(id) for id, v in variables.items() if v.kind == "cause"]
    findings = sorted(inference.index(id) for id, v in variables.items() if v.kind == "finding")
    context = [inference.index(id) for id, v in variables.items() if v.kind == "context"]
    cases = draw(compiled, causes, context, findings, CASES)
    wait_for_kernel()
    wait_for_row_kernel()
    fresh = CompiledNetwork(compiled.sizes, compiled.potentials)
    hard = [{int(v): int(row[v]) for v in np.flatnonzero(row >= 0)} for row in cases]
    cold, warm = [], []
    for case in hard:
        start = time.perf_counter()
        fresh.posterior(case, {}, causes)
        cold.append(time.perf_counter() - start)
        warm.append(median_seconds(lambda case=case: fresh.posterior(case, {}, causes), least=3, most=9, budget=0.2))  # type: ignore[misc]
    ragged = draw(compiled, causes, context, findings, ROWS, seed=7)
    start = time.perf_counter()
    fresh.batch(ragged, {}, causes)
    cohort = (time.perf_counter() - start) / ROWS
    typical = hard[int(np.argsort(warm)[len(warm) // 2])]
    shared = np.full((SHARED_ROWS, len(compiled.sizes)), -1, dtype=np.int64)
    for v, s in typical.items():
        shared[:, v] = s
    start = time.perf_counter()
    fresh.batch(shared, {}, causes)
    same = (time.perf_counter() - start) / SHARED_ROWS
    print(
        f"cold {statistics.median(cold):.4f} warm {statistics.median(warm):.6f} cohort {cohort:.6f} same {same:.6f}",
        flush=True,
    )
    peer, worst = against_pyagrum(model, inference, fresh, hard[:PEER_CASES], causes)
    ours = [
        ("cold pattern", statistics.median(cold)),
        ("warm", statistics.median(warm)),
        ("ragged cohort", cohort),
        ("shared pattern", same),
    ]
    lines = [
        f"{CASES} cases drawn from the model, {np.mean([len(case) for case in hard]):.1f} observed of "
        f"{len(compiled.sizes)} variables; all {len(causes)} causes",
        f"pyAgrum (chains, causes as targets), {PEER_CASES} of the cases: median {peer * 1e3:.1f} ms; largest "
        f"difference {worst:.1e}",
        f"{'':18}{'ms a case':>12}{'times faster':>14}",
        *(f"{label:18}{seconds * 1e3:12.4f}{peer / seconds:14.0f}" for label, seconds in ours),
        f"slowest of the {CASES}: cold {max(cold) * 1e3:.0f} ms, warm {max(warm) * 1e3:.1f} ms",
    ]
    write("toe_model.txt", lines)
    bars("toe_model.svg", "Toe model, all causes: times faster than pyAgrum", [(n, peer / s) for n, s in ours], "x")


def draw(
    compiled: CompiledNetwork, causes: list[int], context: list[int], findings: list[int], rows: int, seed: int = 1
) -> NDArray[np.int64]:
    """Draw ragged cases of people with a cause: 40 % of the context known and 4 to 20 findings asked."""
    rng = np.random.default_rng(seed)
    kept: list[NDArray[np.int64]] = []
    while sum(map(len, kept)) < rows:
        complete = _complete(compiled, 4 * rows, rng)
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
    model: tt.Model, inference: object, compiled: CompiledNetwork, cases: list[dict[int, int]], causes: list[int]
) -> tuple[float, float]:
    """Return pyAgrum's median time and the largest difference of a posterior."""
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
    ids = {inference.index(v.id): v.id for v in inference.network.variables}  # type: ignore[attr-defined]
    engine = pyagrum.LazyPropagation(network)
    for cause in causes:
        engine.addTarget(f"v{place[ids[cause]]}")
    times = []
    worst = 0.0
    for case in cases:
        start = time.perf_counter()
        engine.eraseAllEvidence()
        engine.setEvidence({f"v{place[ids[v]]}": s for v, s in case.items()})
        engine.makeInference()
        found = {cause: engine.posterior(f"v{place[ids[cause]]}").toarray() for cause in causes}
        times.append(time.perf_counter() - start)
        answer = compiled.posterior(case, {}, causes)
        worst = max(worst, *(float(np.abs(found[c] - answer.marginals[c]).max()) for c in causes))
    return statistics.median(times), worst
