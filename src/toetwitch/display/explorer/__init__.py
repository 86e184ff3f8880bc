"""The explorer: one cell in which a case is answered, and everything that follows from it moves at once."""

from __future__ import annotations

__all__ = ["Explorer", "Session", "explore"]

from toetwitch.display.explorer.session import Session
from toetwitch.display.explorer.widget import Explorer, explore
