"""What `import toetwitch` costs beside `import numpy`, each in a fresh interpreter.

Run as ``python benchmarks/import_time.py``. The cost is the fastest of several runs less the fastest of an interpreter
that imports nothing.
"""

from __future__ import annotations

import subprocess
import sys
import time

RUNS = 15


def seconds(code: str) -> float:
    """Return the fastest of several runs of a fresh interpreter."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Print the cost of each import, and the ratio."""
    empty = seconds("pass")
    numpy = seconds("import numpy") - empty
    for name in ("toetwitch", "toetwitch.model", "toetwitch.__main__"):
        cost = seconds(f"import {name}") - empty
        print(f"import {name:<22} {1000 * cost:7.1f} ms   {cost / numpy:5.2f} x import numpy ({1000 * numpy:.1f} ms)")


if __name__ == "__main__":
    main()
