"""Time each reasoning verb on the toe model with ten findings: `python -m benchmarks.verbs [--peer]`.

Three times a verb: the first call, with nothing planned for the case; a second case with the same variables answered;
and the median of more calls on that. With `--peer` the same quantities are asked of pgmpy and pyAgrum in a loop, one
question at a time. A question is one set of evidence or of numbers, with all causes asked for: pyAgrum answers it in
one run (lazy propagation on the exported chains, the causes as targets), pgmpy in one elimination a cause. How many
questions a verb comes to is counted, the time of one question is measured for either peer, and the product stands for
the loop; the ratio is that of the faster peer over our second call. Written to results/verbs.txt.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Callable

import numpy as np

import toetwitch as tt
from benchmarks.measure import median_seconds, write
from toetwitch.knowledge.parameters import parameters
from toetwitch.reasoning.parameter_lanes import relevant

CASE: dict[str, object] = {
    "age_group": "40_to_59",
    "sex": "female",
    "caffeine_intake": "high",
    "high_stress": True,
    "fasciculation": True,
    "numbness": True,
    "foot_drop": False,
    "muscle_weakness": "none",
    "saddle_numbness": False,
    "palpitations": False,
}
"""Ten answers, of the kind that a person gives: four of context, two findings present and four absent."""

OTHER = {**CASE, "caffeine_intake": "moderate", "sex": "male"}
CAUSE = "caffeine_effect"


def verbs(model: tt.Model) -> dict[str, tuple[Callable[[dict[str, object]], object], int]]:
    """Return each verb with how many questions (all causes under one set of evidence or numbers) it comes to."""
    network = model.network.inference.network
    numbers = len(relevant(network, parameters(network), [*model.causes, *CASE]))
    open_ids = [v for v in model.network.variables.values() if v.kind in ("context", "finding", "test")]
    answers = sum(len(v.states) for v in open_ids if v.id not in CASE)
    findings = len(CASE)
    return {
        "assess": (lambda case: model.assess(case), 1),
        "explain": (lambda case: model.explain(case, CAUSE), 2**findings),
        "attribute": (lambda case: model.attribute(case), 2),
        "next_questions": (lambda case: model.next_questions(case), answers),
        "next_questions, horizon 2": (lambda case: model.next_questions(case, horizon=2), answers + 12 * answers),
        "what_if": (lambda case: model.what_if(case, {"caffeine_intake": "none_or_low"}), 2),
        "advise": (lambda case: model.advise(case), 2 * len(model.definition.advice)),
        "sensitivity": (lambda case: model.sensitivity(case, CAUSE), 2 * numbers),
        "flip": (lambda case: model.flip(case), 4 * numbers),
        "intervals, 1,000 draws": (lambda case: model.intervals(case, rng=np.random.default_rng(0)), 1000),
        "enclosure": (lambda case: model.enclosure(case, CAUSE), 2 * numbers),
        "conflict": (lambda case: model.conflict(case), 2 * findings + findings * (findings - 1) // 2),
        "compare": (lambda case: model.compare({}, case), 2**findings),
    }


def seconds(run: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def pgmpy_seconds(model: tt.Model) -> float:
    """Return the time of one question to pgmpy: an elimination for each cause."""
    from pgmpy.inference import VariableElimination

    engine = VariableElimination(model.network.to_pgmpy())
    stated = {id: str(v).lower() if isinstance(v, bool) else v for id, v in CASE.items()}
    return sum(
        median_seconds(lambda id=id: engine.query([id], evidence=stated, show_progress=False), least=1, most=1)  # type: ignore[misc]
        for id in model.causes
    )


def pyagrum_seconds(model: tt.Model) -> tuple[float, float]:
    """Return the time of one question to pyAgrum, one run for all causes, and how far its answers are from ours."""
    import pyagrum

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = pyagrum.BayesNet("toe")
        exported = model.network.to_pgmpy()
        order = list(exported.nodes())
        for node in order:
            network.add(pyagrum.LabelizedVariable(node, node, list(map(str, exported.states[node]))))
        for parent, child in exported.edges():
            network.addArc(parent, child)
        for node in order:
            table = exported.get_cpds(node)
            _fill(network.cpt(node), node, list(table.variables), np.asarray(table.values))
    engine = pyagrum.LazyPropagation(network)
    engine.eraseAllTargets()
    for id in model.causes:
        engine.addTarget(id)
    stated = {id: str(v).lower() if isinstance(v, bool) else v for id, v in CASE.items()}
    other = {**stated, "sex": "male"}
    engine.setEvidence(stated)
    engine.makeInference()
    turn = [other, stated]

    def ask() -> None:
        turn.reverse()
        engine.setEvidence(turn[0])
        engine.makeInference()
        for id in model.causes:
            engine.posterior(id)

    taken = median_seconds(ask, least=3, most=9)
    engine.setEvidence(stated)
    engine.makeInference()
    ours = model.network.posterior(CASE, model.causes)
    return taken, max(abs(float(engine.posterior(id)[1]) - ours[id]["true"]) for id in model.causes)


def _fill(cpt: object, node: str, variables: list[str], values: np.ndarray) -> None:
    """Write a pgmpy table (its own variable first) into a pyAgrum one, whose names run the last axis fastest."""
    names = list(cpt.names)  # type: ignore[attr-defined]
    ordered = np.transpose(values, [variables.index(name) for name in reversed(names)])
    cpt.fillWith(ordered.reshape(-1).tolist())  # type: ignore[attr-defined]


def main() -> None:
    """Print and write a row a verb."""
    options = argparse.ArgumentParser(description="Time each reasoning verb on the toe model with ten findings.")
    options.add_argument("--peer", action="store_true", help="compare with pgmpy and pyAgrum, question by question")
    chosen = options.parse_args()
    start = time.perf_counter()
    model = tt.load_model()
    model.assess({})
    ready = time.perf_counter() - start
    rows = []
    for name, (ask, questions) in verbs(model).items():
        first, again = seconds(lambda ask=ask: ask(CASE)), seconds(lambda ask=ask: ask(OTHER))  # type: ignore[misc]
        later = median_seconds(lambda ask=ask: ask(OTHER), least=3, most=7, budget=1.5)  # type: ignore[misc]
        rows.append((name, questions, first, again, later))
        print(f"{name:<28}{first:>8.3f} s{again:>8.3f} s{later:>8.3f} s", flush=True)
    peers, apart = {}, 0.0
    if chosen.peer:
        peers["pgmpy"] = pgmpy_seconds(model)
        peers["pyAgrum"], apart = pyagrum_seconds(model)
    load = os.getloadavg()[0]
    lines = [
        f"Verbs on the toe model, ten answers; seconds on {os.cpu_count()} cores, load {load:.1f} at the end; model",
        f"loaded in {ready:.2f} s before. First: nothing planned. Second: another case, the same variables answered.",
    ]
    if peers:
        said = ", ".join(f"{peer} {taken * 1e3:.0f} ms" for peer, taken in peers.items())
        lines.append(f"One question of all causes: {said} (answers differ from ours by at most {apart:.0e}).")
        lines.append("Ratio: the faster of the two in a loop of as many questions, over our second call.")
    head = f"{'':<28}{'first':>9}{'second':>9}{'later':>9}" + (f"{'questions':>12}{'ratio':>10}" if peers else "")
    lines += ["", head]
    for name, questions, first, again, later in rows:
        ratio = f"{questions:>12,}{questions * min(peers.values()) / again:>10,.0f}" if peers else ""
        lines.append(f"{name:<28}{first:>9.3f}{again:>9.3f}{later:>9.3f}{ratio}")
    write("verbs.txt", lines)


if __name__ == "__main__":
    main()
