"""Time each reasoning verb on the toe model with ten findings: `python benchmarks/verbs.py [--peer]`.

Two times a verb: the first call, with nothing planned, and a second one of the same pattern with another answer. With
`--peer` the same quantity is asked of pgmpy's variable elimination in a loop, one posterior at a time: the time of one
posterior is measured and multiplied by the number of posteriors that the verb comes to.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

import toetwitch as tt
from toetwitch.knowledge.parameters import parameters

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
    """Return each verb with how many single posteriors it comes to when asked one at a time."""
    numbers = len(parameters(model.definition.network))
    asked = sum(v.kind in ("context", "finding", "test") for v in model.network.variables.values()) - len(CASE)
    findings, causes = len(CASE), len(model.causes)
    return {
        "assess": (lambda case: model.assess(case), causes),
        "explain": (lambda case: model.explain(case, CAUSE), 2**findings),
        "attribute": (lambda case: model.attribute(case), 2 * causes),
        "next_questions": (lambda case: model.next_questions(case), 2 * asked * causes),
        "what_if": (lambda case: model.what_if(case, {"caffeine_intake": "none_or_low"}, [CAUSE]), 2),
        "advise": (lambda case: model.advise(case), 2 * len(model.definition.advice)),
        "sensitivity": (lambda case: model.sensitivity(case, CAUSE), 2 * numbers),
        "flip": (lambda case: model.flip(case), 8 * numbers),
        "intervals, 1,000 draws": (
            lambda case: model.intervals(case, draws=1000, rng=np.random.default_rng(0)),
            1000 * causes,
        ),
        "enclosure of a test": (lambda case: model.enclosure({"low_tsh": True}, "hyperthyroidism"), 1),
        "conflict": (lambda case: model.conflict(case), 2 * findings + findings * (findings - 1) // 2),
        "compare": (lambda case: model.compare({}, case), 2**findings * causes),
    }


def seconds(run: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def peer_seconds(model: tt.Model) -> float:
    """Return the time of one posterior of one cause by pgmpy's variable elimination, the better of two."""
    from pgmpy.inference import VariableElimination

    engine = VariableElimination(model.network.to_pgmpy())
    stated = {id: str(v).lower() if isinstance(v, bool) else v for id, v in CASE.items()}
    return min(seconds(lambda: engine.query([CAUSE], evidence=stated, show_progress=False)) for _ in range(2))


def main() -> None:
    """Print a row a verb."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--peer", action="store_true", help="compare with pgmpy, posterior by posterior")
    chosen = options.parse_args()
    model = tt.load_model()
    model.assess({})
    peer = peer_seconds(model) if chosen.peer else None
    if peer is not None:
        print(f"one posterior by the peer: {peer:.3f} s")
    print(f"{'verb':<26} {'first':>9} {'again':>9}" + ("     peer / again" if peer else ""))
    for name, (ask, posteriors) in verbs(model).items():
        first, again = seconds(lambda ask=ask: ask(CASE)), seconds(lambda ask=ask: ask(OTHER))  # type: ignore[misc]
        ratio = f"  {posteriors * peer / again:>12,.0f}" if peer else ""
        print(f"{name:<26} {first:>7.3f} s {again:>7.3f} s{ratio}", flush=True)


if __name__ == "__main__":
    main()
