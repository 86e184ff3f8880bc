"""What every test run shares: draws that repeat, and no examples of modules whose optional library is not installed."""

from __future__ import annotations

from importlib.util import find_spec

from hypothesis import settings

collect_ignore_glob = [] if find_spec("numba") else ["src/toetwitch/engine/*_numba.py"]

# The same draws in every run: a change is what makes a test fail. `--hypothesis-profile=explore` draws others.
settings.register_profile("explore", derandomize=False)
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")
