"""Measurements of the engine against its peers and against this machine; run `python -m benchmarks`."""
