"""Every notebook is stored clean and runs from top to bottom."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))
MINUTES = 10
"""How long one cell may take: far past what it needs, so that only a hang is stopped."""


def cells(path: Path, kind: str) -> list[dict[str, Any]]:
    """Return the cells of a kind."""
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == kind]


def test_there_are_notebooks() -> None:
    """The folder is found: an empty list would pass everything below."""
    assert {path.name[:2] for path in NOTEBOOKS} == {f"{n:02}" for n in range(1, 10)}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_clean(path: Path) -> None:
    """No output and no execution count is stored, so that a difference between two versions is one of words or code."""
    for cell in cells(path, "code"):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_reads_as_an_essay(path: Path) -> None:
    """It opens with a title, and its conclusions are computed: no digit stands in its prose."""
    said = cells(path, "markdown")
    assert "".join(said[0]["source"]).startswith("# ")
    for cell in said:
        assert not any(character.isdigit() for character in "".join(cell["source"]))
    assert any("Markdown(" in "".join(cell["source"]) for cell in cells(path, "code"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path) -> None:
    """Executed by a fresh kernel, no cell fails; what a cell asserts of its own output is checked so too."""
    wanted = [name for name in ("nbclient", "ipykernel") if importlib.util.find_spec(name) is None]
    if wanted and not os.environ.get("TOETWITCH_RUN_NOTEBOOKS"):
        pytest.skip(f"needs {' and '.join(wanted)}: pip install 'toetwitch[notebook]'")
    nbclient = importlib.import_module("nbclient")
    nbformat = importlib.import_module("nbformat")
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(notebook, timeout=60 * MINUTES, kernel_name="python3").execute(cwd=str(path.parent))
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("text/html" in output.get("data", {}) for output in shown)
