"""What a module offers is listed, bound, documented, annotated and, where it is a record, frozen."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

import toetwitch
from tests.architecture.source_tree import MODULES, module_name, tree_of

NAMED = [path for path in MODULES if module_name(path) not in ("toetwitch", "toetwitch.__main__")]


def listed(path: Path) -> list[str] | None:
    """Return `__all__` as the source says it, or None."""
    for node in tree_of(path).body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["__all__"]:
            names: list[str] = ast.literal_eval(node.value)
            return names
    return None


def is_compiled(function: ast.AST) -> bool:
    """Return whether a function is compiled by numba, which infers its types and needs its parts at the top level."""
    return "compiled" in [ast.unparse(decorator) for decorator in getattr(function, "decorator_list", ())]


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function and method of a file."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_every_module_says_what_it_is(path: Path) -> None:
    """A module opens with a docstring, unless it is an empty package marker."""
    assert not tree_of(path).body or ast.get_docstring(tree_of(path)), f"{path} has no docstring"


@pytest.mark.parametrize("path", NAMED, ids=module_name)
def test_all_is_bound_and_documented(path: Path) -> None:
    """Each name in `__all__` exists, and each class or function in it has a docstring."""
    if all(isinstance(node, ast.Expr) for node in tree_of(path).body):
        return
    names = listed(path)
    assert names is not None, f"{path} has no __all__"
    assert len(set(names)) == len(names)
    if path.stem.endswith("_numba"):
        pytest.importorskip("numba")
    module = importlib.import_module(module_name(path))
    for name in names:
        value = getattr(module, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert inspect.getdoc(value), f"{path}: {name} has no docstring"


@pytest.mark.parametrize("path", NAMED, ids=module_name)
def test_public_definitions_are_listed(path: Path) -> None:
    """A public class or function that a module defines stands in its `__all__`."""
    names = listed(path) or []
    defined = [
        node.name
        for node in tree_of(path).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_") and not is_compiled(node)
    ]
    assert set(defined) <= set(names), f"{path}: {sorted(set(defined) - set(names))} not in __all__"


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_every_function_is_annotated(path: Path) -> None:
    """Arguments and results carry types."""
    for function in functions(path):
        if is_compiled(function):
            continue
        arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        bare = [a.arg for a in arguments if a.annotation is None and a.arg not in ("self", "cls")]
        assert not bare, f"{path}:{function.lineno} {function.name} has bare arguments {bare}"
        assert function.returns is not None, f"{path}:{function.lineno} {function.name} has no return type"


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_records_are_frozen(path: Path) -> None:
    """Every dataclass that leaves its module is frozen: asking a question never changes the asker."""
    for node in ast.walk(tree_of(path)):
        if not isinstance(node, ast.ClassDef) or node.name.startswith("_"):
            continue
        for decorator in node.decorator_list:
            if "dataclass" in ast.unparse(decorator):
                assert "frozen=True" in ast.unparse(decorator), f"{path}:{node.lineno} {node.name} is not frozen"


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_no_argument_has_a_mutable_default(path: Path) -> None:
    """A default is a value, not a list, set or dict that calls would share."""
    for function in functions(path):
        for default in [*function.args.defaults, *filter(None, function.args.kw_defaults)]:
            assert not isinstance(default, ast.List | ast.Dict | ast.Set), f"{path}:{function.lineno} {function.name}"


@pytest.mark.parametrize("name", toetwitch.__all__)
def test_the_facade_binds_what_it_lists(name: str) -> None:
    """Each promised name can be had from the package, and dir() shows it."""
    assert getattr(toetwitch, name) is not None
    assert name in dir(toetwitch)


def test_the_facade_refuses_what_it_does_not_list() -> None:
    """An unknown attribute is an AttributeError that names it."""
    with pytest.raises(AttributeError, match="no attribute 'lode_model'"):
        toetwitch.lode_model  # noqa: B018
