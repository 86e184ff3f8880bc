"""How long one case of the toe model takes, on the published cases: all causes, and the whole assessment.

Run as ``python benchmarks/published_cases.py``. Prints the median, the 90th percentile and the worst, in milliseconds
on this machine: the first time a pattern of evidence is asked (cold) and the second (warm).
"""

from __future__ import annotations

import time
from collections.abc import Callable

import toetwitch as tt
from toetwitch.commands.case_input import example_path
from toetwitch.knowledge.cases import read_cases


def main() -> None:
    """Time every case twice."""
    model = tt.load_model()
    cases = read_cases(example_path(), model.definition.network)
    taken: dict[str, list[float]] = {}
    for case in cases:
        asked: dict[str, Callable[[], object]] = {
            "posterior of all causes": lambda case=case: model.network.posterior(case.evidence, model.causes),
            "assess": lambda case=case: model.assess(case.evidence),
        }
        for name, ask in asked.items():
            for time_of in ("cold", "warm"):
                start = time.perf_counter()
                ask()
                taken.setdefault(f"{name}, {time_of}", []).append(time.perf_counter() - start)
    print(f"{len(cases)} published cases; milliseconds: median, 90th percentile, worst")
    for name, seconds in taken.items():
        ordered = sorted(seconds)
        shares = [ordered[round(q * (len(ordered) - 1))] * 1e3 for q in (0.5, 0.9, 1.0)]
        print(f"{name:<32}" + "".join(f"{share:>9.1f}" for share in shares))


if __name__ == "__main__":
    main()
