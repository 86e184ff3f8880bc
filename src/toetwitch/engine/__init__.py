"""Exact inference on integers and arrays: no names, no files, no randomness.

`CompiledNetwork` takes sizes and potentials and answers questions. A question's pattern becomes a `Plan` (sizes only),
a plan becomes a program (layouts and constants), a program runs on arrays.
"""

from __future__ import annotations

__all__ = [
    "Answer",
    "Batch",
    "CompiledNetwork",
    "Dense",
    "NoisyMax",
    "Plan",
    "Potential",
    "Term",
]

from toetwitch.engine.compiled import Answer, Batch, CompiledNetwork
from toetwitch.engine.plan import Plan
from toetwitch.engine.potentials import Dense, NoisyMax, Potential, Term
