"""What axe-core finds wrong on a page."""

from __future__ import annotations

__all__ = ["serious_faults"]

import importlib
from typing import Any

from tests.browser.requirements import wanted

GRAVE = ("serious", "critical")


def serious_faults(page: Any, *within: str) -> list[str]:
    """Return the serious and critical faults inside the elements that match, each with its rule and where it is.

    Raises
    ------
    AssertionError
        When nothing was checked: a selector that matches nothing would find no fault either.
    """
    wanted("axe_playwright_python")
    axe = importlib.import_module("axe_playwright_python.sync_playwright").Axe()
    answer = axe.run(page, context={"include": [[selector] for selector in within]}).response
    assert answer["passes"], f"nothing was checked within {within}"
    found = [fault for fault in answer["violations"] if fault["impact"] in GRAVE]
    return [
        f"{fault['id']} ({fault['impact']}): {node['target']} {node.get('failureSummary', '')}"
        for fault in found
        for node in fault["nodes"]
    ]
