"""Imports run only downward, heavy libraries load late, and two walls hold."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source_tree import MODULES, Import, imports_of, module_name, reachable, tree_of

RANKS: tuple[frozenset[str], ...] = (
    frozenset({"errors", "frozen"}),
    frozenset({"evidence"}),
    frozenset({"frames"}),
    frozenset({"engine"}),
    frozenset({"markup"}),
    frozenset({"knowledge"}),
    frozenset({"inference"}),
    frozenset({"interop"}),
    frozenset({"reasoning"}),
    frozenset({"network"}),
    frozenset({"model"}),
    frozenset({"display", "testing"}),
    frozenset({"commands"}),
    frozenset({"__main__"}),
)
"""Lowest first. A module imports from lower ranks and from its own room."""

HEAVY = {
    "hypothesis",
    "llvmlite",
    "matplotlib",
    "narwhals",
    "networkx",
    "numba",
    "numpy",
    "pandas",
    "pgmpy",
    "polars",
    "pyarrow",
    "scipy",
}
"""Libraries whose import a user feels."""

LATE = HEAVY - {"numpy", "networkx", "narwhals"}
"""Libraries that no module of ours may import at its top, except the rooms that exist for them."""

RANK_OF = {room: rank for rank, rooms in enumerate(RANKS) for room in rooms}
FILES = [path for path in MODULES if module_name(path) != "toetwitch"]


def room(module: str) -> str:
    """Return the part of a dotted name of ours that has a rank."""
    return module.split(".")[1]


def own(found: Import) -> bool:
    """Return whether an import is of this package."""
    return found.module.split(".")[0] == "toetwitch"


def test_every_module_has_a_rank() -> None:
    """A new top-level module must be given its place before anything may import it."""
    assert {room(module_name(path)) for path in FILES} <= set(RANK_OF)


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_imports_run_downward(path: Path) -> None:
    """A module imports only rooms of a lower rank, or its own."""
    here = room(module_name(path))
    for found in imports_of(path):
        if not own(found) or found.for_types:
            continue
        assert found.module != "toetwitch", f"{path}:{found.line} imports the facade; import the module that defines it"
        there = room(found.module)
        assert there == here or RANK_OF[there] < RANK_OF[here], f"{path}:{found.line} imports {found.module} upward"


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_no_own_import_hides_in_a_function(path: Path) -> None:
    """An import of our own modules stands at the top, where a reader and this test see it."""
    for found in imports_of(path):
        assert not (own(found) and found.in_function), f"{path}:{found.line} imports {found.module} inside a function"


def test_the_facade_imports_nothing_of_ours_at_run_time() -> None:
    """The package module only names where things are; it binds them on first use."""
    facade = next(path for path in MODULES if module_name(path) == "toetwitch")
    assert [found for found in imports_of(facade) if own(found) and not found.for_types] == []


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_heavy_libraries_are_imported_late(path: Path) -> None:
    """No module outside `testing` and `display` imports a heavy library at its top, save for arrays and graphs."""
    if room(module_name(path)) in {"testing", "display"}:
        return
    for found in imports_of(path):
        late = found.module.split(".")[0] in LATE
        kernel = room(module_name(path)) == "engine" and found.module.split(".")[0] in {"numba", "llvmlite"}
        assert found.in_function or found.for_types or kernel or not late, f"{path}:{found.line} imports {found.module}"


def test_import_loads_no_heavy_library() -> None:
    """`import toetwitch` loads no heavy library, and fewer modules than twice what `import numpy` loads."""
    script = (
        "import json, sys; before = set(sys.modules); import {0}; print(json.dumps(sorted(set(sys.modules) - before)))"
    )

    def loaded(name: str) -> list[str]:
        done = subprocess.run([sys.executable, "-c", script.format(name)], capture_output=True, text=True, check=True)
        modules: list[str] = json.loads(done.stdout)
        return modules

    ours = loaded("toetwitch")
    assert not {name.split(".")[0] for name in ours} & HEAVY
    assert len(ours) < 2 * len(loaded("numpy"))


def test_red_flags_reach_no_engine() -> None:
    """The module that decides which rules fire cannot reach a prior, a table or the arithmetic."""
    rooms = {room(name) for name in reachable("toetwitch.reasoning.red_flags") if name != "toetwitch"}
    assert "reasoning" in rooms, "toetwitch.reasoning.red_flags does not exist"
    assert not rooms & {"engine", "inference", "interop", "model"}, sorted(rooms)


@pytest.mark.parametrize("path", [p for p in FILES if room(module_name(p)) == "engine"], ids=module_name)
def test_the_engine_knows_arrays_only(path: Path) -> None:
    """The engine imports the errors and nothing else of ours, so it is never told what a toe is."""
    rooms = {room(found.module) for found in imports_of(path) if own(found)}
    assert rooms <= {"engine", "errors"}


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_modules_are_called_after_a_concept(path: Path) -> None:
    """No module has a name that could hold anything."""
    assert path.stem not in {"utils", "helpers", "common", "misc", "core", "base"}


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_input_is_not_checked_by_assert(path: Path) -> None:
    """An assert may tell the type checker what is known, never check a value: `python -O` switches it off."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Assert):
            said = ast.unparse(node.test)
            narrows = said.startswith("isinstance(") or said.endswith(" is not None")
            assert narrows, f"{path}:{node.lineno} assert {said}"
