"""Charts of results, as figures to show, save and print; they need the extra `toetwitch[charts]` (Matplotlib).

Each function takes what the library returned and gives a `matplotlib.figure.Figure`, which a notebook shows with its
text alternative and `figure.savefig("name.pdf")` writes with its type embedded. Nothing is told by colour alone.

Examples
--------
>>> import pytest
>>> _ = pytest.importorskip("matplotlib")
>>> from toetwitch.model import load_model
>>> why = load_model().explain({"fasciculation": True, "caffeine_intake": "high"}, "caffeine_effect")
>>> figure = waterfall(why)
>>> figure.axes[0].texts[0].get_text()
'Before any evidence'
"""

from __future__ import annotations

__all__ = [
    "ChartLibraryMissingError",
    "calibration",
    "cohort",
    "confusion",
    "posteriors",
    "question_gains",
    "shift",
    "tornado",
    "tornado_by_source",
    "triage_confusion",
    "waterfall",
]

from toetwitch.display.charts_answers import posteriors, question_gains, shift, waterfall
from toetwitch.display.charts_canvas import ChartLibraryMissingError
from toetwitch.display.charts_cohort import cohort
from toetwitch.display.charts_scores import calibration, confusion, triage_confusion
from toetwitch.display.charts_sensitivity import tornado, tornado_by_source
