"""What the test run leaves out: examples in modules whose optional library is not installed."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("numba") else ["src/toetwitch/engine/*_numba.py"]
