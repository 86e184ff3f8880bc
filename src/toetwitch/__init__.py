"""Probabilistic reasoning about involuntary toe movements.

What the library promises, as a list. Names are bound on first use, so that `import toetwitch` stays as light as the
standard library it needs: a script that only reads `toetwitch.__version__` does not pay for an inference engine.

Examples
--------
>>> import toetwitch as tt
>>> model = tt.load_model()
>>> assessment = model.assess({"toe_movement": True, "foot_drop": True, "numbness": None})
>>> assessment.triage.level
'immediate_medical_attention'
"""

from __future__ import annotations

__all__ = [
    "TRIAGE_LEVELS",
    "UNKNOWN",
    "BudgetExceededError",
    "EvidenceError",
    "ImpossibleEvidenceError",
    "InterchangeError",
    "Model",
    "ModelFileError",
    "Network",
    "SearchLimitError",
    "TableError",
    "ToetwitchError",
    "UnknownNameError",
    "__version__",
    "charts",
    "draw",
    "excluded",
    "explore",
    "jeffrey",
    "likelihood",
    "load_model",
    "read_network",
]

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toetwitch.display import charts
    from toetwitch.display.drawing import draw
    from toetwitch.display.explorer import explore
    from toetwitch.errors import (
        BudgetExceededError,
        EvidenceError,
        ImpossibleEvidenceError,
        InterchangeError,
        ModelFileError,
        SearchLimitError,
        TableError,
        ToetwitchError,
        UnknownNameError,
    )
    from toetwitch.evidence import UNKNOWN, excluded, jeffrey, likelihood
    from toetwitch.model import TRIAGE_LEVELS, Model, load_model
    from toetwitch.network import Network, read_network

    __version__: str

_HOME = {
    "TRIAGE_LEVELS": "toetwitch.model",
    "UNKNOWN": "toetwitch.evidence",
    "BudgetExceededError": "toetwitch.errors",
    "EvidenceError": "toetwitch.errors",
    "ImpossibleEvidenceError": "toetwitch.errors",
    "InterchangeError": "toetwitch.errors",
    "Model": "toetwitch.model",
    "ModelFileError": "toetwitch.errors",
    "Network": "toetwitch.network",
    "SearchLimitError": "toetwitch.errors",
    "TableError": "toetwitch.errors",
    "ToetwitchError": "toetwitch.errors",
    "UnknownNameError": "toetwitch.errors",
    "charts": "toetwitch.display",
    "draw": "toetwitch.display.drawing",
    "excluded": "toetwitch.evidence",
    "explore": "toetwitch.display.explorer",
    "jeffrey": "toetwitch.evidence",
    "likelihood": "toetwitch.evidence",
    "load_model": "toetwitch.model",
    "read_network": "toetwitch.network",
}
"""Where each public name is defined."""


def __getattr__(name: str) -> object:
    if name == "__version__":
        value: object = importlib.import_module("importlib.metadata").version("toetwitch")
    elif name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
