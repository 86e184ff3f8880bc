"""Frames of cases to integer codes and back, for pandas, polars and Arrow alike.

A column is a variable, a row is a case, a missing cell is unknown. What cannot be read is kept beside the codes as a
reason per row, so that one bad row never costs the others.
"""

from __future__ import annotations

__all__ = ["Codes", "read_codes", "write_frame"]

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toetwitch.errors import EvidenceError, ToetwitchError, UnknownNameError
from toetwitch.evidence import Evidence, StateSpace, is_unknown, read_evidence
from toetwitch.frozen import FrozenMapping

Array = NDArray[np.float64]

UNSEEN = -2
"""Marks a cell value that has not been looked up yet; -1 is unknown."""


@dataclass(frozen=True, slots=True, eq=False)
class Codes:
    """Cases as integers.

    Parameters
    ----------
    codes
        Shape (rows, variables), the index of the observed state or -1 for unknown.
    soft
        Row to evidence that holds what integers cannot: excluded, likelihood and Jeffrey answers of that row.
    problems
        Row to the reason why it could not be read.
    """

    codes: NDArray[np.int64]
    soft: Mapping[int, Evidence]
    problems: Mapping[int, str]


def read_codes(frame: Any, variables: Mapping[str, StateSpace]) -> Codes:
    """Read a frame of cases.

    Parameters
    ----------
    frame
        A pandas or polars data frame, an Arrow table or record batch.
    variables
        The network's variables by id; columns must be among them.

    Raises
    ------
    EvidenceError
        For something that is not a frame, or two columns of one name.
    UnknownNameError
        For a column that is no variable; carries the nearest one.
    """
    table = _eager(frame)
    names = list(table.columns)
    for name in names:
        if name not in variables:
            raise UnknownNameError("variable", name, variables, where="as a column of the frame")
    rows = len(table)
    place = {id: k for k, id in enumerate(variables)}
    codes = np.full((rows, len(variables)), -1, dtype=np.int64)
    soft: dict[int, dict[str, object]] = {}
    problems: dict[int, str] = {}
    for name in names:
        column = _column(table[name].to_list(), variables[name], soft, problems)
        codes[:, place[name]] = column
    read: dict[int, Evidence] = {}
    for row, answers in soft.items():
        try:
            read[row] = read_evidence(answers, variables)
        except ToetwitchError as error:
            problems.setdefault(row, str(error))
    return Codes(codes, FrozenMapping(read), FrozenMapping(dict(sorted(problems.items()))))


def write_frame(like: Any, columns: Mapping[str, Sequence[Any] | Array]) -> Any:
    """Return columns as a frame of the same kind as `like`, with its index where it has one."""
    import narwhals.stable.v1 as nw

    table = _eager(like)
    out = nw.from_dict({name: _plain(values) for name, values in columns.items()}, backend=table.implementation)
    index = nw.maybe_get_index(table)
    native = out.to_native()
    if index is not None:
        native = native.set_axis(index, axis=0)
    return native.to_batches()[0] if _is_record_batch(like) and len(out) else native


def _eager(frame: Any) -> Any:
    import narwhals.stable.v1 as nw

    if _is_record_batch(frame):
        import pyarrow as pa

        frame = pa.Table.from_batches([frame])
    try:
        return nw.from_native(frame, eager_only=True)
    except TypeError:
        raise EvidenceError(
            f"cases of type {type(frame).__name__}; expected a pandas or polars data frame or an Arrow table"
        ) from None
    except Exception as error:
        if type(error).__name__ == "DuplicateError":
            raise EvidenceError(f"the frame has two columns of one name; expected distinct names ({error})") from None
        raise


def _is_record_batch(frame: Any) -> bool:
    return type(frame).__name__ == "RecordBatch" and type(frame).__module__.startswith("pyarrow")


def _plain(values: Sequence[Any] | Array) -> Any:
    return values if isinstance(values, np.ndarray) else list(values)


def _column(
    cells: list[object], variable: StateSpace, soft: dict[int, dict[str, object]], problems: dict[int, str]
) -> NDArray[np.int64]:
    """Return the codes of one column; look each distinct value up once."""
    known: dict[Hashable, int] = {}
    out = np.empty(len(cells), dtype=np.int64)
    for row, cell in enumerate(cells):
        code = known.get(cell, UNSEEN) if isinstance(cell, bool | str) else UNSEEN
        if code == UNSEEN:
            code = _cell(row, cell, variable, soft, problems)
            if isinstance(cell, bool | str) and row not in problems:
                known[cell] = code
        out[row] = code
    return out


def _cell(
    row: int, cell: object, variable: StateSpace, soft: dict[int, dict[str, object]], problems: dict[int, str]
) -> int:
    if is_unknown(cell):
        return -1
    try:
        read = read_evidence({variable.id: cell}, {variable.id: variable})
    except (ToetwitchError, TypeError) as error:
        problems.setdefault(row, str(error))
        return -1
    if variable.id in read.hard:
        return read.hard[variable.id]
    soft.setdefault(row, {})[variable.id] = cell
    return -1
