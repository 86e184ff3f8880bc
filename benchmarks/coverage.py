"""How often intervals hold the truth, and whether proven bounds hold every sample: `python -m benchmarks.coverage`.

For each published case a model is drawn from the cited ranges and declared true; its posterior is the truth. The 90 %
interval of `model.intervals` is computed once a case, from draws of its own, and counted as covering when it holds the
truth. The truth is drawn in three ways: by the rule that `intervals` states (then 90 % is right, and what is measured
is the error of 1,000 draws); evenly between the ends of each range (a truth that the rule does not know); and by the
rule with all numbers of one source off in the same direction together (the errors of a paper shared by its numbers,
which the rule takes as independent). Written to results/coverage.txt.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

import toetwitch as tt
from benchmarks.measure import write
from toetwitch.commands.case_input import example_path
from toetwitch.knowledge.cases import read_cases
from toetwitch.knowledge.parameters import Parameter, parameters
from toetwitch.reasoning.enclosure import outer_bounds
from toetwitch.reasoning.parameter_lanes import relevant, run_numbers
from toetwitch.reasoning.uncertainty import draw_numbers, drawn_at

Array = NDArray[np.float64]
LEVEL = 0.9

Rule = Callable[[Sequence[Parameter], int, np.random.Generator], dict[str, Array]]


def evenly(chosen: Sequence[Parameter], count: int, rng: np.random.Generator) -> dict[str, Array]:
    """Return numbers drawn evenly between the ends of their ranges."""
    return {
        p.path: rng.uniform(p.estimate.low, p.estimate.high, count) for p in chosen if p.estimate.low < p.estimate.high
    }


def by_source(chosen: Sequence[Parameter], count: int, rng: np.random.Generator) -> dict[str, Array]:
    """Return numbers drawn by the stated rule, all that cite the same works by one and the same deviate."""
    deviates: dict[tuple[str, ...], Array] = {}
    drawn = {}
    for p in chosen:
        if p.estimate.low < p.estimate.high:
            key = p.estimate.sources
            if key not in deviates:
                deviates[key] = rng.standard_normal(count)
            drawn[p.path] = drawn_at(p, deviates[key])
    return drawn


RULES: Mapping[str, Rule] = {
    "the stated rule": draw_numbers,
    "evenly in each range": evenly,
    "each source off as one": by_source,
}


def covered(model: tt.Model, case: dict[str, object], truths: int, draws: int, seed: int) -> dict[str, Array]:
    """Return, for each rule, how often each cause's interval holds the truth, shape (causes,)."""
    net, causes = model.network, list(model.causes)
    inference, read = net.inference, net.read(case)
    said = model.intervals(case, level=LEVEL, draws=draws, rng=np.random.default_rng(seed)).targets
    low, high = (np.array([getattr(said[id], end) for id in causes])[:, None] for end in ("low", "high"))
    mattering = relevant(inference.network, parameters(inference.network), [*causes, *read.ids])
    found = {}
    for n, (name, rule) in enumerate(RULES.items()):
        numbers = rule(mattering, truths, np.random.default_rng([seed, n + 1]))
        lanes = run_numbers(inference, read, numbers, truths, causes)
        truth = np.stack([lanes.marginals[id][-1, lanes.valid] for id in causes])
        found[name] = ((truth >= low) & (truth <= high)).mean(axis=1)
    return found


def enclosed(model: tt.Model, case: dict[str, object], samples: int, seed: int) -> tuple[int, int, float]:
    """Return how many samples of all causes lie outside their proven bounds, how many there are, and the mean width."""
    net, causes = model.network, list(model.causes)
    inference, read = net.inference, net.read(case)
    mattering = relevant(inference.network, parameters(inference.network), [*causes, *read.ids])
    lanes = run_numbers(inference, read, evenly(mattering, samples, np.random.default_rng(seed)), samples, causes)
    outside, total, widths = 0, 0, []
    for id in causes:
        if id in read.hard:
            continue
        low, high, _ = outer_bounds(inference, read, id, 1)
        truth = lanes.marginals[id][-1, lanes.valid]
        outside += int(((truth < low - 1e-12) | (truth > high + 1e-12)).sum())
        total += len(truth)
        widths.append(high - low)
    return outside, total, float(np.mean(widths))


def main() -> None:
    """Measure, and write the table."""
    options = argparse.ArgumentParser(description="Coverage of intervals and enclosures on the published cases.")
    options.add_argument("--cases", type=int, default=12, help="how many cases, evenly from the list")
    options.add_argument("--truths", type=int, default=500, help="true models a case and rule")
    options.add_argument("--draws", type=int, default=1000, help="draws of an interval")
    chosen = options.parse_args()
    start = time.perf_counter()
    model = tt.load_model()
    every = read_cases(example_path(), model.definition.network)
    cases = [every[int(n)] for n in np.linspace(0, len(every) - 1, chosen.cases)]
    by_rule: dict[str, list[Array]] = {name: [] for name in RULES}
    outside, samples, widths = 0, 0, []
    for n, case in enumerate(cases):
        for name, share in covered(model, dict(case.evidence), chosen.truths, chosen.draws, n).items():
            by_rule[name].append(share)
        missed, of, width = enclosed(model, dict(case.evidence), chosen.truths // 4, n)
        outside, samples = outside + missed, samples + of
        widths.append(width)
    table = {name: np.stack(shares) for name, shares in by_rule.items()}
    lines = [
        f"Coverage of the {LEVEL:.0%} intervals ({chosen.draws:,} draws) on {len(cases)} published cases of the toe",
        f"model; {chosen.truths:,} true models a case and rule, {len(model.causes)} causes. Shares of truths inside.",
        "",
        f"{'truth drawn by':<40}" + "".join(f"{name:>26}" for name in RULES),
        f"{'all causes and cases':<40}" + "".join(f"{table[name].mean():>26.1%}" for name in RULES),
        f"{'lowest of the cases (mean of causes)':<40}"
        + "".join(f"{table[name].mean(axis=1).min():>26.1%}" for name in RULES),
        "",
        "by cause, mean of the cases",
    ]
    lines += [
        f"  {id:<38}" + "".join(f"{table[name][:, n].mean():>26.1%}" for name in RULES)
        for n, id in enumerate(model.causes)
    ]
    lines += [
        "",
        f"Proven bounds (enclosure): {outside} of {samples:,} sampled posteriors outside, numbers drawn evenly from",
        f"their ranges; the mean distance between the bounds is {np.mean(widths):.2f}.",
        "",
        f"{time.perf_counter() - start:.0f} s in all.",
    ]
    write("coverage.txt", lines)


if __name__ == "__main__":
    main()
