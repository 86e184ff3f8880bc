"""Networks in the Bayesian interchange format (BIF), read strictly and with every label kept.

A file is read as tokens, never line by line, so that layout does not matter and labels such as ``Asy/Patch``, ``<5`` or
``12+`` survive. What is missing, doubled, misspelt or does not sum to one is refused with its line: a reader that fills
gaps with zeros, or numbers states on its own, answers questions about another network.

References
----------
Cozman (1998), The Interchange Format for Bayesian Networks, version 0.15.
"""

from __future__ import annotations

__all__ = ["parse_bif", "read_bif"]

import gzip
import itertools
import os
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, NoReturn

import numpy as np
from numpy.typing import NDArray

from toetwitch.errors import InterchangeError, TableError, nearest
from toetwitch.interop.rounding import without_rounding
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.table import ROW_TOLERANCE, Cpt
from toetwitch.knowledge.variable import Variable

_TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|("[^"\n]*"|[{}()\[\],;|"]|[^\s{}()\[\],;|"]+)', re.DOTALL)
"""A comment, or a token: a quoted text, one mark, or a word. A word may hold any other sign."""

_MARKS = frozenset('{}()[],;|"')
_GZIP = b"\x1f\x8b"


def read_bif(source: str | os.PathLike[str] | IO[str] | IO[bytes]) -> NetworkDefinition:
    """Read a network from a BIF file, plain or compressed with gzip.

    Parameters
    ----------
    source
        A path, or an open file in text or binary mode.

    Returns
    -------
    NetworkDefinition
        Variables in the order of the file, states in the order of their declaration.

    Raises
    ------
    InterchangeError
        When the file is not a complete network; names the file and the line.
    OSError
        When the file cannot be opened.
    """
    if isinstance(source, str | os.PathLike):
        name = os.path.basename(os.fspath(source))
        with open(source, "rb") as file:
            content: str | bytes = file.read()
    else:
        name = os.path.basename(str(getattr(source, "name", "BIF")))
        content = source.read()
    return parse_bif(content if isinstance(content, str) else _decoded(content, name), name=name)


def _decoded(content: bytes, name: str) -> str:
    try:
        if content[:2] == _GZIP:
            content = gzip.decompress(content)
        return content.decode("utf-8")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise InterchangeError(f"{name}: {error}; expected a BIF text in UTF-8, plain or compressed by gzip") from None


def parse_bif(text: str, *, name: str = "BIF") -> NetworkDefinition:
    """Read a network from the text of a BIF file.

    Parameters
    ----------
    text
        The content.
    name
        What to call it in messages.

    Raises
    ------
    InterchangeError
        When the text is not a complete network; names the line.

    Examples
    --------
    >>> network = parse_bif('''
    ... network rain { }
    ... variable rain { type discrete [ 2 ] { no, yes }; }
    ... variable grass { type discrete [ 2 ] { dry, wet }; }
    ... probability ( rain ) { table 0.8, 0.2; }
    ... probability ( grass | rain ) { (no) 0.9, 0.1; (yes) 0.05, 0.95; }
    ... ''')
    >>> network.table_of["grass"].values[1]
    array([0.05, 0.95])
    """
    reader = _Reader(text, name)
    blocks: list[_Block] = []
    while reader.peek() is not None:
        keyword = reader.word("'network', 'variable' or 'probability'")
        if keyword == "network":
            _skip_network(reader)
        elif keyword == "variable":
            _read_variable(reader)
        elif keyword == "probability":
            blocks.append(_read_block(reader))
        else:
            reader.refuse(keyword, "'network', 'variable' or 'probability'", ("network", "variable", "probability"))
    return _assembled(reader, blocks)


class _Reader:
    """The tokens, how far they have been read, and the variables declared so far."""

    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.name = name
        self.tokens: list[str] = [token for token in _TOKEN.findall(text) if token]
        self.at = 0
        self.variables: dict[str, Variable] = {}

    def peek(self) -> str | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self, expected: str) -> str:
        if self.at >= len(self.tokens):
            self.fail(f"the file ends; expected {expected}")
        self.at += 1
        return self.tokens[self.at - 1]

    def mark(self, mark: str) -> None:
        token = self.take(repr(mark))
        if token != mark:
            self.refuse(token, repr(mark))

    def word(self, expected: str) -> str:
        token = self.take(expected)
        if token in _MARKS:
            self.refuse(token, expected)
        return _unquoted(token)

    def until(self, mark: str) -> list[str]:
        """Take the tokens up to a closing mark, and the mark."""
        try:
            end = self.tokens.index(mark, self.at)
        except ValueError:
            self.at = len(self.tokens)
            self.fail(f"the file ends; expected {mark!r}")
        found = self.tokens[self.at : end]
        self.at = end + 1
        return found

    def known(self, name: str) -> str:
        if name not in self.variables:
            self.refuse(name, "a declared variable", tuple(self.variables))
        return name

    def refuse(self, token: str, expected: str, choices: Sequence[str] = ()) -> NoReturn:
        found = nearest(token, choices)
        hint = f"; did you mean {found!r}?" if found else ""
        self.fail(f"got {token[:60]!r}; expected {expected}{hint}")

    def fail(self, message: str, at: int | None = None) -> NoReturn:
        raise InterchangeError(f"{self.name}, line {self.line(self.at - 1 if at is None else at)}: {message}")

    def line(self, at: int) -> int:
        """Return the line of a token, counted from one."""
        matches = (match for match in _TOKEN.finditer(self.text) if match[1])
        match = next(itertools.islice(matches, max(at, 0), None), None)
        return self.text.count("\n", 0, match.start() if match else len(self.text.rstrip())) + 1


def _unquoted(token: str) -> str:
    return token[1:-1] if len(token) > 1 and token[0] == '"' else token


def _items(tokens: Sequence[str]) -> list[str]:
    """Split a list at its commas, or at each word when it has none; words between commas are one name."""
    if "," not in tokens:
        return [_unquoted(token) for token in tokens]
    parts: list[list[str]] = [[]]
    for token in tokens:
        if token == ",":
            parts.append([])
        else:
            parts[-1].append(_unquoted(token))
    return [" ".join(part) for part in parts]


def _skip_network(reader: _Reader) -> None:
    while reader.take("'{'") != "{":
        continue
    while (token := reader.take("'property' or '}'")) != "}":
        if token != "property":
            reader.refuse(token, "'property' or '}'")
        reader.until(";")


def _read_variable(reader: _Reader) -> None:
    id = reader.word("the name of a variable")
    if id in reader.variables:
        reader.fail(f"a second declaration of variable {id!r}; expected one")
    reader.mark("{")
    states: list[str] = []
    while (token := reader.take("'type', 'property' or '}'")) != "}":
        if token == "property":
            reader.until(";")
        elif token == "type":
            states = _read_states(reader, id)
        else:
            reader.refuse(token, "'type', 'property' or '}'", ("type", "property"))
    try:
        reader.variables[id] = Variable(id, tuple(states))
    except ValueError as error:
        reader.fail(str(error))


def _read_states(reader: _Reader, id: str) -> list[str]:
    kind = reader.word("'discrete'")
    if kind != "discrete":
        reader.refuse(kind, "'discrete'", ("discrete",))
    reader.mark("[")
    count = reader.word("the number of states")
    reader.mark("]")
    reader.mark("{")
    states = _items(reader.until("}"))
    if not count.isdecimal() or len(states) != int(count):
        reader.fail(f"variable {id!r} says it has {count} states and lists {len(states)}; expected the same number")
    reader.mark(";")
    return states


@dataclass(frozen=True, slots=True)
class _Block:
    """A probability block as it stands in the file; states and sizes are looked up once all variables are known."""

    at: int
    header: tuple[str, ...]
    entries: tuple[tuple[int, tuple[str, ...] | str, tuple[str, ...]], ...]
    """Token index; parent states, "table" or "default"; numbers."""


def _read_block(reader: _Reader) -> _Block:
    at = reader.at
    reader.mark("(")
    header = tuple(reader.until(")"))
    reader.mark("{")
    entries: list[tuple[int, tuple[str, ...] | str, tuple[str, ...]]] = []
    while (token := reader.take("a row, 'table', 'default' or '}'")) != "}":
        start = reader.at - 1
        if token == "property":
            reader.until(";")
        elif token == "(":
            key = tuple(reader.until(")"))
            entries.append((start, key, tuple(reader.until(";"))))
        elif token in ("table", "default"):
            entries.append((start, token, tuple(reader.until(";"))))
        else:
            reader.refuse(token, "a row, 'table', 'default' or '}'", ("table", "default", "property"))
    return _Block(at, header, tuple(entries))


def _assembled(reader: _Reader, blocks: Sequence[_Block]) -> NetworkDefinition:
    tables: dict[str, Cpt] = {}
    for block in blocks:
        child, parents = _read_header(reader, block)
        if child.id in tables:
            reader.fail(f"a second probability block for {child.id!r}; expected one", block.at)
        values = _read_values(reader, block, child, parents)
        try:
            tables[child.id] = Cpt(child.id, tuple(parent.id for parent in parents), values)
        except TableError as error:
            reader.fail(str(error), block.at)
    for id in reader.variables:
        if id not in tables:
            reader.fail(f"no probability block for variable {id!r}; expected one", len(reader.tokens))
    if not tables:
        reader.fail("the file declares no variable; expected a network", len(reader.tokens))
    try:
        return NetworkDefinition(tuple(reader.variables.values()), tuple(tables[id] for id in reader.variables))
    except TableError as error:
        raise InterchangeError(f"{reader.name}: {error}") from None


def _read_header(reader: _Reader, block: _Block) -> tuple[Variable, list[Variable]]:
    reader.at = block.at + 1
    bar = block.header.index("|") if "|" in block.header else len(block.header)
    # Without a bar or commas, as older files have it, the first name is the child.
    names = (
        _items(block.header)
        if bar == len(block.header)
        else [*_items(block.header[:bar]), *_items(block.header[bar + 1 :])]
    )
    if not names or (bar < len(block.header) and len(_items(block.header[:bar])) != 1):
        reader.fail(f"probability ( {' '.join(block.header)} ); expected one variable before '|'")
    found = [reader.variables[reader.known(name)] for name in names]
    if len(set(names)) != len(names):
        reader.fail(f"probability ( {' '.join(block.header)} ) names a variable twice; expected distinct names")
    return found[0], found[1:]


def _read_values(reader: _Reader, block: _Block, child: Variable, parents: Sequence[Variable]) -> NDArray[np.float64]:
    """Return shape (parent sizes ..., child size)."""
    shape = [len(variable.states) for variable in (*parents, child)]
    values = np.full(shape, np.nan)
    default: NDArray[np.float64] | None = None
    positions: list[Mapping[str, int]] = [{s: i for i, s in enumerate(parent.states)} for parent in parents]
    for at, key, numbers in block.entries:
        reader.at = at + 1
        row = _numbers(reader, numbers, child.id)
        if key == "table":
            _check_count(reader, row, values.size, child.id)
            if not np.isnan(values).all():
                reader.fail(f"a table of {child.id!r} beside other rows; expected one or the other")
            # The child's axis is the slowest in a table, the last parent's the fastest.
            values = np.moveaxis(row.reshape(shape[-1:] + shape[:-1]), 0, -1)
            _check_rows(reader, values, child.id)
            continue
        _check_count(reader, row, shape[-1], child.id)
        _check_rows(reader, row, child.id)
        if key == "default":
            default = row
            continue
        cell = _cell(reader, _items(key), parents, positions)
        if not np.isnan(values[cell]).any():
            reader.fail(f"a second row of {child.id!r} for ({', '.join(_items(key))}); expected one")
        values[cell] = row
    missing = np.isnan(values)
    if missing.any() and default is None:
        first = np.argwhere(missing)[0]
        states = ", ".join(parent.states[i] for parent, i in zip(parents, first[:-1], strict=True))
        reader.fail(f"no row of {child.id!r} for ({states}); expected one for each combination", block.at)
    whole = values if default is None else np.where(missing, default, values)
    return without_rounding(whole)


def _numbers(reader: _Reader, tokens: Sequence[str], id: str) -> NDArray[np.float64]:
    words = [token for token in tokens if token != ","]
    try:
        return np.array(words, dtype=np.float64)
    except ValueError:
        for word in words:
            try:
                float(word)
            except ValueError:
                reader.fail(f"got {word[:60]!r} in the table of {id!r}; expected a probability")
        raise


def _check_count(reader: _Reader, row: NDArray[np.float64], wanted: int, id: str) -> None:
    if row.size != wanted:
        reader.fail(f"{row.size} numbers in a row of {id!r}; expected {wanted}")


def _check_rows(reader: _Reader, values: NDArray[np.float64], id: str) -> None:
    bad = ~((values >= 0) & (values <= 1))
    if bad.any():
        reader.fail(f"got {float(values[bad][0])!r} in the table of {id!r}; expected a probability in [0, 1]")
    sums = values.sum(axis=-1)
    worst = float(sums.flat[np.argmax(np.abs(sums - 1))])
    if abs(worst - 1) > ROW_TOLERANCE:
        reader.fail(f"a row of {id!r} sums to {worst:.6g}; expected 1")


def _cell(
    reader: _Reader, states: Sequence[str], parents: Sequence[Variable], positions: Sequence[Mapping[str, int]]
) -> tuple[int, ...]:
    if len(states) != len(parents):
        reader.fail(
            f"({', '.join(states)}) names {len(states)} states; expected one for each of {len(parents)} parents"
        )
    for state, parent, position in zip(states, parents, positions, strict=True):
        if state not in position:
            reader.refuse(state, f"a state of {parent.id!r}", parent.states)
    return tuple(position[state] for state, position in zip(states, positions, strict=True))
