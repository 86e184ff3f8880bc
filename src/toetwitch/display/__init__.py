"""Pictures: `draw` lays a network out in layers with bars in the nodes; `charts` draws results with Matplotlib."""

from __future__ import annotations

__all__ = ["Drawing", "charts", "draw"]

from toetwitch.display import charts
from toetwitch.display.drawing import Drawing, draw
