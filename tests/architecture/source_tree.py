"""The package as its source says it, read from the syntax tree, so that nothing has to be imported to be judged."""

from __future__ import annotations

__all__ = ["MODULES", "Import", "imports_of", "module_name", "reachable", "tree_of"]

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src"
MODULES = tuple(sorted((SOURCE / "toetwitch").rglob("*.py")))


def module_name(path: Path) -> str:
    """Return the dotted name under which a file is imported."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


_BY_NAME = {module_name(path): path for path in MODULES}


@functools.cache
def tree_of(path: Path) -> ast.Module:
    """Return the parsed file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@dataclass(frozen=True, slots=True)
class Import:
    """One imported module.

    Parameters
    ----------
    module
        The dotted name; for `from package import module` the module itself where it is one of ours.
    line
        Where it stands.
    in_function
        Whether it runs only when a function is called.
    for_types
        Whether it stands under `if TYPE_CHECKING`.
    """

    module: str
    line: int
    in_function: bool
    for_types: bool


@functools.cache
def imports_of(path: Path) -> tuple[Import, ...]:
    """Return every import in a file, nested ones included."""
    package = module_name(path) if path.name == "__init__.py" else module_name(path).rpartition(".")[0]
    return tuple(_walk(tree_of(path), package, in_function=False, for_types=False))


def _walk(node: ast.AST, package: str, *, in_function: bool, for_types: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield Import(alias.name, node.lineno, in_function, for_types)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*above, base] if base else above)
        for alias in node.names:
            full = f"{base}.{alias.name}"
            yield Import(full if full in _BY_NAME else base, node.lineno, in_function, for_types)
    elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        for statement in node.body:
            yield from _walk(statement, package, in_function=in_function, for_types=True)
        for statement in node.orelse:
            yield from _walk(statement, package, in_function=in_function, for_types=for_types)
    else:
        inside = in_function or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from _walk(child, package, in_function=inside, for_types=for_types)


def reachable(start: str) -> frozenset[str]:
    """Return every module of ours that importing `start` leads to, the packages on the way included."""
    seen: set[str] = set()
    todo = [start]
    while todo:
        name = todo.pop()
        if name in seen or name not in _BY_NAME:
            continue
        seen.add(name)
        if "." in name:
            todo.append(name.rpartition(".")[0])
        todo.extend(found.module for found in imports_of(_BY_NAME[name]) if not found.for_types)
    return frozenset(seen)
