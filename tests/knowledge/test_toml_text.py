"""Documents are written as TOML that reads back as the same document, and as a person would write them."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toetwitch.knowledge.toml_text import KEYED, LISTED, ON_ONE_LINE, WITH_HEADER, toml_text

ESTIMATE = {"value": 0.1, "low": 0.0, "high": 1.0, "source": ["a", "b"], "grade": "D", "note": 'said "so"'}

KEYS = st.one_of(
    st.text(max_size=6),
    st.sampled_from(["value", "table", "leak", "a.b", "probability", "source", *LISTED, *ON_ONE_LINE, *WITH_HEADER]),
)
TEXTS = st.text(st.characters(blacklist_categories=("Cs",)), max_size=8)
NUMBERS = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**60), 2**60))
VALUES = st.recursive(
    st.one_of(TEXTS, NUMBERS, st.booleans(), st.just(ESTIMATE)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)
ENTRIES = st.dictionaries(KEYS, VALUES, max_size=4)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a document: sections that are tables, lists of tables, or named tables."""
    document: dict[str, Any] = {}
    for name in draw(st.lists(st.one_of(KEYS, st.sampled_from(sorted(KEYED))), max_size=3, unique=True)):
        if name in KEYED:
            document[name] = draw(st.dictionaries(KEYS, ENTRIES, min_size=1, max_size=3))
        else:
            document[name] = draw(st.one_of(ENTRIES, st.lists(ENTRIES, min_size=1, max_size=3)))
    return document


@settings(max_examples=400, deadline=None)
@given(document=documents())
def test_text_reads_back_as_the_document(document: dict[str, Any]) -> None:
    """Parsing what is written gives an equal document, whatever the keys, texts and nesting."""
    assert tomllib.loads(toml_text(document)) == document


def test_a_variable_reads_as_a_person_would_write_it() -> None:
    """Estimates stay on a line, effects have headers of their own, and conditions are inline."""
    estimate = {"value": 0.1, "low": 0.05, "high": 0.2, "source": "survey", "grade": "A"}
    table = {
        "kind": "logistic",
        "prevalence": estimate,
        "effect": [{"when": {"sex": "female", "age": ["old", "very old"]}, "odds_ratio": estimate}],
    }
    assert toml_text({"variable": [{"id": "a", "table": table}], "source": {"survey": {"year": 2001}}}) == (
        "[[variable]]\n"
        'id = "a"\n'
        "\n"
        "[variable.table]\n"
        'kind = "logistic"\n'
        'prevalence = { value = 0.1, low = 0.05, high = 0.2, source = "survey", grade = "A" }\n'
        "\n"
        "[[variable.table.effect]]\n"
        'when = { sex = "female", age = ["old", "very old"] }\n'
        'odds_ratio = { value = 0.1, low = 0.05, high = 0.2, source = "survey", grade = "A" }\n'
        "\n"
        "[source.survey]\n"
        "year = 2001\n"
    )


def test_what_toml_cannot_hold_is_refused() -> None:
    """None has no place in TOML, and is refused by name instead of being left out."""
    with pytest.raises(TypeError, match="NoneType None; expected what TOML can hold"):
        toml_text({"model": {"name": None}})
