"""Fields of a model file are refused at their place."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from toetwitch.errors import ModelFileError
from toetwitch.knowledge.fields import Fields, entries


def fields(**table: object) -> Fields:
    """Return a reader of a table."""
    return Fields(table, file="a.toml", place="rule[x]")


def test_what_is_right_is_read() -> None:
    """Each reader returns its value, and then nothing is left over."""
    read = fields(name="a", list=["b"], one="c", yes=True, p=0.5, level="low")
    assert (read.text("name"), read.texts("list"), read.texts("one"), read.texts("none")) == ("a", ("b",), ("c",), ())
    assert (read.flag("yes"), read.flag("no"), read.number("p", 0, 1)) == (True, False, 0.5)
    assert read.choice("level", ("low", "high")) == "low"
    assert read.text("absent", "default") == "default"
    read.done()


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda: fields().text("name"), "no name; expected a string"),
        (lambda: fields(name=3).text("name"), r"rule\[x\]\.name: 3; expected a string"),
        (lambda: fields(name=" ").text("name"), "expected a string"),
        (lambda: fields(list=[1]).texts("list"), "expected a list of strings"),
        (lambda: fields(yes=1).flag("yes"), "1; expected true or false"),
        (lambda: fields(p=1.5).number("p", 0, 1), "1.5; expected a number from 0 to 1"),
        (lambda: fields(p=True).number("p", 0, 1), "True; expected a number"),
        (lambda: fields(p=math.nan).number("p", 0, 1), "nan; expected a number"),
        (lambda: fields().number("p", 0, 1), "no p; expected a number from 0 to 1"),
        (lambda: fields(level="hgh").choice("level", ("low", "high")), "did you mean 'high'"),
        (lambda: Fields([], file="a.toml", place="rule[x]"), "expected a table"),
        (lambda: fields(name="x" * 1000).number("name", 0, 1), r"'x{50,60}\.\.\.; expected"),
        (lambda: list(entries([("a.toml", {"rule": {"id": "x"}})], "rule")), r"expected \[\[rule\]\] tables"),
    ],
)
def test_what_is_wrong_is_refused(read: Callable[[], object], message: str) -> None:
    """A wrong value is named with what was expected."""
    with pytest.raises(ModelFileError, match=message) as caught:
        read()
    assert caught.value.file == "a.toml"


def test_a_misspelt_field_is_refused_with_the_nearest() -> None:
    """What was not taken is a misspelling."""
    read = fields(rationle="...")
    read.text("rationale", "")
    with pytest.raises(ModelFileError, match="did you mean 'rationale'"):
        read.done()


def test_entries_are_named_by_their_id() -> None:
    """A place names the id where there is one, else the number."""
    found = list(entries([("a", {"rule": [{"id": "x"}, {"id": 3}, "y"]}), ("b", {})], "rule"))
    assert [place for _, place, _ in found] == ["rule[x]", "rule[1]", "rule[2]"]
