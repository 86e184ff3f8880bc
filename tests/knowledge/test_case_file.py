"""Laws of a case in a file: what is written is read back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toetwitch.errors import EvidenceError, ModelFileError, UnknownNameError
from toetwitch.evidence import excluded, jeffrey, likelihood
from toetwitch.knowledge import Variable
from toetwitch.knowledge.case_file import case_text, read_case_file

STATES = ("none or low", "moderate", 'hi"gh')
VARIABLES = {id: Variable(id) for id in ("foot_drop", "a.b", "<script>", "evidence")} | {
    "caffeine intake": Variable("caffeine intake", STATES)
}
PROBABILITIES = st.floats(0.01, 0.99)


def values(id: str) -> st.SearchStrategy[object]:
    """Return evidence of every kind about a variable."""
    if id == "caffeine intake":
        shares = st.tuples(PROBABILITIES, PROBABILITIES, PROBABILITIES)
        weights = shares.map(lambda w: dict(zip(STATES, w, strict=True)))
        return st.sampled_from(STATES) | weights.map(likelihood) | st.sampled_from(STATES).map(excluded)
    return st.booleans() | PROBABILITIES.map(likelihood) | PROBABILITIES.map(jeffrey) | st.booleans().map(excluded)


@given(st.fixed_dictionaries({}, optional={id: values(id) for id in VARIABLES}))
def test_a_case_is_read_back_as_it_was_written(evidence: dict[str, object]) -> None:
    """Every kind of evidence, on ids and states of any spelling, survives the file, in its order."""
    back = read_case_file("case.toml", case_text(evidence).encode(), VARIABLES)
    stated = {
        id: excluded(*("true" if s is True else "false" if s is False else s for s in value.states))
        if hasattr(value, "states")
        else value
        for id, value in evidence.items()
    }
    assert list(back.items()) == list(stated.items())


def test_json_says_the_same_as_toml() -> None:
    """The same table as JSON gives the same evidence, whether or not the file's name says so."""
    document = {"evidence": {"foot_drop": True, "a.b": {"likelihood": 0.8}}}
    expected = {"foot_drop": True, "a.b": likelihood(0.8)}
    assert read_case_file("case.json", json.dumps(document).encode(), VARIABLES) == expected
    assert read_case_file("case", json.dumps(document).encode(), VARIABLES) == expected


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("foot_drop = ", ModelFileError, "expected TOML or JSON"),
        ("foot_dorp = true", UnknownNameError, "did you mean 'foot_drop'"),
        ("foot_drop = { sure = 0.8 }", UnknownNameError, "unknown kind of evidence 'sure'"),
        ("foot_drop = { likelihood = true }", EvidenceError, "expected a probability"),
        ("[]", ModelFileError, "expected TOML or JSON"),
    ],
)
def test_a_broken_case_is_refused(text: str, error: type[Exception], message: str) -> None:
    """What is no case is refused with the place and what was expected."""
    with pytest.raises(error, match=message):
        read_case_file("case.toml", text.encode(), VARIABLES)
