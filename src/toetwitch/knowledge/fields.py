"""Reading a table of a model file field by field, so that each mistake is refused at its place.

A reader takes what it expects and then says that it is done; whatever is left over is a misspelling.
"""

from __future__ import annotations

__all__ = ["Fields", "entries"]

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from toetwitch.errors import ModelFileError, UnknownNameError, nearest


class Fields:
    """The fields of one table, taken one at a time.

    Parameters
    ----------
    table
        The parsed table.
    file, place
        Where it stands, for messages.

    Examples
    --------
    >>> fields = Fields({"id": "foot_drop", "emergency": False}, file="rules.toml", place="red_flag[0]")
    >>> fields.text("id"), fields.flag("emergency"), fields.texts("concern")
    ('foot_drop', False, ())
    >>> fields.done()
    """

    def __init__(self, table: object, *, file: str, place: str) -> None:
        self.file, self.place = file, place
        if not isinstance(table, Mapping):
            raise self.error(f"{_shown(table)}; expected a table")
        self._left = dict(table)
        self._known: list[str] = []

    def error(self, message: str, field: str = "") -> ModelFileError:
        """Return an error that names this place."""
        place = ".".join(part for part in (self.place, field) if part)
        return ModelFileError(message, file=self.file, place=place)

    def within(self, field: str) -> str:
        """Return the place of a field."""
        return f"{self.place}.{field}" if self.place else field

    def take(self, field: str, default: Any = None) -> Any:
        """Return the raw value of a field, or the default when it is absent."""
        self._known.append(field)
        return self._left.pop(field, default)

    def text(self, field: str, default: str | None = None) -> str:
        """Return a string; required, and not empty, when there is no default."""
        value = self.take(field, default)
        if value is None:
            raise self.missing(field, "a string")
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise self.error(f"{_shown(value)}; expected a string", field)
        return value

    def texts(self, field: str) -> tuple[str, ...]:
        """Return a list of strings; a lone string is a list of one, an absent field an empty list."""
        value = self.take(field, [])
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list) or not all(isinstance(item, str) and item for item in listed):
            raise self.error(f"{_shown(value)}; expected a list of strings", field)
        return tuple(listed)

    def flag(self, field: str, default: bool = False) -> bool:
        """Return true or false."""
        value = self.take(field, default)
        if not isinstance(value, bool):
            raise self.error(f"{_shown(value)}; expected true or false", field)
        return value

    def number(self, field: str, low: float, high: float) -> float:
        """Return a number in [low, high]; required."""
        value = self.take(field)
        if value is None:
            raise self.missing(field, f"a number from {low} to {high}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise self.error(f"{_shown(value)}; expected a number from {low} to {high}", field)
        return float(value)

    def choice(self, field: str, choices: Sequence[str], default: str | None = None) -> str:
        """Return one of a few strings."""
        value = self.text(field, default)
        if value and value not in choices:
            raise self.error(str(UnknownNameError(field, value, choices)), field)
        return value

    def missing(self, field: str, wanted: str) -> ModelFileError:
        """Return an error for a field that is absent, naming what may be its misspelling."""
        close = nearest(field, self._left)
        hint = f"; did you mean {field!r} by {close!r}?" if close else ""
        return self.error(f"no {field}; expected {wanted}{hint}")

    def done(self) -> None:
        """Refuse whatever was not taken."""
        for field in self._left:
            raise self.error(str(UnknownNameError("field", field, self._known)), field)


def entries(documents: Sequence[tuple[str, Mapping[str, Any]]], section: str) -> Iterator[tuple[str, str, object]]:
    """Yield the tables of an array of tables, over several files, each with its file and place.

    Parameters
    ----------
    documents
        File name and parsed document.
    section
        Name of the array of tables.

    Raises
    ------
    ModelFileError
        When a document has something else under that name.

    Examples
    --------
    >>> list(entries([("a.toml", {"red_flag": [{"id": "foot_drop"}]}), ("b.toml", {})], "red_flag"))
    [('a.toml', 'red_flag[foot_drop]', {'id': 'foot_drop'})]
    """
    for file, document in documents:
        found = document.get(section, [])
        if not isinstance(found, list):
            raise ModelFileError(f"{_shown(found)}; expected [[{section}]] tables", file=file, place=section)
        for number, entry in enumerate(found):
            name = entry.get("id", number) if isinstance(entry, Mapping) else number
            yield file, f"{section}[{name if isinstance(name, str) else number}]", entry


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
