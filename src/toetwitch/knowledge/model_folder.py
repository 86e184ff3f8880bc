"""A model folder on disk: which files it has, and each as parsed TOML.

A folder may hold anything, so nothing here trusts it: files are read only when they are regular, small and UTF-8, links
to other folders are refused (they may loop), and a document may not nest deeper than a model needs.
"""

from __future__ import annotations

__all__ = ["MAX_FILES", "MAX_FILE_BYTES", "Document", "default_model_path", "parse_document", "read_documents"]

import importlib.resources
import os
import re
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from toetwitch.errors import ModelFileError, nearest

MAX_FILE_BYTES = 1_000_000
"""A hand-written file of this size is a mistake; the largest of the toe model is about a tenth of it."""

MAX_FILES = 1_000
"""More files than this is the wrong folder."""

MAX_LINE = 10_000
"""Characters in a line; TOML parsers need quadratic time for absurdly long keys, and keys cannot span lines."""

MAX_DEPTH = 32
"""Tables in tables; conditions nest a few deep, and deeper values would exhaust the stack of whoever prints them."""

LONG_INTEGER = re.compile(r"[0-9_]{4000}")

Document = tuple[str, dict[str, Any]]
"""A file's name relative to the model folder, and its parsed content."""


def default_model_path() -> Path:
    """Return the folder of the toe model, in an installed package or in a checkout.

    Raises
    ------
    ModelFileError
        When neither has it.

    Examples
    --------
    >>> default_model_path().name
    'toe'
    """
    package = Path(str(importlib.resources.files("toetwitch")))
    candidates = [package / "models" / "toe", package.parent.parent / "models" / "toe"]
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    raise ModelFileError("no model folder; expected models/toe beside or inside the package", file=str(candidates[0]))


def read_documents(path: str | os.PathLike[str]) -> tuple[list[Document], list[ModelFileError]]:
    """Read every TOML file below a folder, in the order of their names.

    Returns
    -------
    tuple
        The documents that could be read, and one problem for each file that could not.

    Raises
    ------
    ModelFileError
        When the path is no folder, cannot be listed, or has no TOML file.
    """
    folder = Path(path)
    _check_folder(folder)
    documents: list[Document] = []
    problems: list[ModelFileError] = []
    found = list(_files(folder))
    if not found:
        raise ModelFileError("no *.toml file; expected a model folder with at least model.toml", file=str(folder))
    for file in sorted(found, key=lambda file: file.as_posix()):
        name = file.as_posix()
        try:
            documents.append((name, parse_document(_read(folder / file, name), name)))
        except ModelFileError as problem:
            problems.append(problem)
    return documents, problems


def _check_folder(folder: Path) -> None:
    name = str(folder)[:200]
    try:
        mode = folder.stat().st_mode
    except (OSError, ValueError) as error:
        beside = folder.parent
        known = _names(beside)
        close = nearest(folder.name[:200], known)
        hint = f"; did you mean {str(beside / close)!r}?" if close else ""
        raise ModelFileError(f"{_reason(error)}; expected a model folder{hint}", file=name) from None
    if not stat.S_ISDIR(mode):
        raise ModelFileError(f"a file; expected a model folder, such as {str(folder.parent)!r}", file=name)


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))[:MAX_FILES]
    except (OSError, ValueError):
        return []


def _reason(error: OSError | ValueError) -> str:
    return error.strerror.lower() if isinstance(error, OSError) and error.strerror else str(error)


def _files(folder: Path) -> Iterator[Path]:
    """Yield the TOML files below a folder, relative to it."""

    def refuse(error: OSError) -> None:
        raise ModelFileError(f"{_reason(error)}; expected a folder that can be listed", file=str(error.filename))

    count = 0
    for top, folders, names in os.walk(folder, onerror=refuse):
        for name in folders:
            if os.path.islink(os.path.join(top, name)):
                place = Path(top, name).relative_to(folder).as_posix()
                raise ModelFileError("a link to a folder, which may loop; expected the folder itself", file=place)
        for name in names:
            if name.endswith(".toml"):
                count += 1
                if count > MAX_FILES:
                    raise ModelFileError(f"more than {MAX_FILES} TOML files; expected a model folder", file=str(folder))
                yield Path(top, name).relative_to(folder)


def _read(path: Path, name: str) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ModelFileError("not a regular file; expected TOML", file=name)
        _check_size(status.st_size, name)
        with path.open("rb") as stream:
            return stream.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(f"{_reason(error)}; expected a readable file", file=name) from None


def _check_size(size: int, name: str) -> None:
    if size > MAX_FILE_BYTES:
        message = f"{size:,} bytes; expected at most {MAX_FILE_BYTES:,} in one file of a model"
        raise ModelFileError(message, file=name)


def parse_document(content: bytes, name: str) -> dict[str, Any]:
    """Parse the content of one file.

    Raises
    ------
    ModelFileError
        When it is too large, not UTF-8, not TOML, empty, or nested deeper than a model needs.

    Examples
    --------
    >>> parse_document(b"model = { name = 'small' }", "model.toml")
    {'model': {'name': 'small'}}
    """
    _check_size(len(content), name)
    return _parse(_decode(content, name), name)


def _decode(content: bytes, name: str) -> str:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        wide = "; it looks like UTF-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
        message = f"byte 0x{content[error.start]:02x} is not UTF-8 text (line {line}){wide}; expected UTF-8"
        raise ModelFileError(message, file=name) from None
    if text.startswith("\ufeff"):
        raise ModelFileError("a byte order mark at the start; expected UTF-8 without one", file=name)
    return text


def _parse(text: str, name: str) -> dict[str, Any]:
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) > MAX_LINE:
            message = f"line {number} has {len(line):,} characters; expected at most {MAX_LINE:,}"
            raise ModelFileError(message, file=name)
    try:
        document = tomllib.loads(text)
    except RecursionError:
        raise ModelFileError(f"nested too deeply; expected at most {MAX_DEPTH} levels", file=name) from None
    except tomllib.TOMLDecodeError as error:
        last = text.count("\n") + 1
        reason = str(error).replace("(at end of document)", f"(at the end of the file, line {last})")[:300]
        raise ModelFileError(f"not TOML: {reason}", file=name) from None
    except ValueError:
        # Python refuses to convert integers of thousands of digits, and tomllib passes that on without a place.
        number = next((n for n, line in enumerate(text.split("\n"), start=1) if LONG_INTEGER.search(line)), 1)
        raise ModelFileError(f"not TOML: a number of thousands of digits (at line {number})", file=name) from None
    if not document:
        raise ModelFileError("empty; expected at least one section of a model", file=name)
    if _depth_exceeds(document, MAX_DEPTH):
        raise ModelFileError(f"nested too deeply; expected at most {MAX_DEPTH} levels", file=name)
    return document


def _depth_exceeds(document: dict[str, Any], limit: int) -> bool:
    level: list[Any] = [document]
    for _ in range(limit):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True
