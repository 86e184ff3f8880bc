"""Pictures of a network: `draw` lays the arcs out in layers and puts the bars into the nodes."""

from __future__ import annotations

__all__ = ["Drawing", "draw"]

from toetwitch.display.drawing import Drawing, draw
