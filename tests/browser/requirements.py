"""What the browser tests need, and what happens without it."""

from __future__ import annotations

__all__ = ["missing", "wanted"]

import importlib
import os
from typing import Any, NoReturn

import pytest


def wanted(name: str) -> Any:
    """Return a library, or skip (fail, where browser tests are demanded) with what installs it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        return missing(f"needs {name} ({error}): pip install 'toetwitch[browser]'")


def missing(reason: str) -> NoReturn:
    """Skip with a reason, or fail with it where browser tests are demanded."""
    if os.environ.get("TOETWITCH_RUN_BROWSER"):
        pytest.fail(reason)
    pytest.skip(reason)
