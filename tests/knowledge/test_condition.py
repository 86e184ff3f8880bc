"""Conditions are sound in three values, alike for one case and for many."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toetwitch.errors import ModelFileError, UnknownNameError
from toetwitch.knowledge.condition import (
    FALSE,
    SURE_ABOVE,
    TRUE,
    UNKNOWN,
    AllOf,
    AnyOf,
    Atom,
    Condition,
    Not,
    atom_truth,
    atoms,
    evaluate,
    ids,
    parse_condition,
    read_atoms,
    render_condition,
    rises_with,
)

STATES = {
    "numbness": ("false", "true"),
    "foot_drop": ("false", "true"),
    "weakness": ("none", "mild", "significant"),
    "duration": ("none", "days", "weeks", "months"),
}


@st.composite
def an_atom(draw: st.DrawFn) -> Atom:
    """Return an atom over `STATES`."""
    id = draw(st.sampled_from(sorted(STATES)))
    states = STATES[id]
    chosen = draw(st.sets(st.sampled_from(states), min_size=1, max_size=len(states) - 1))
    return Atom(id, tuple(state for state in states if state in chosen), states)


def combined(parts: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    """Return conditions one level deeper."""
    some = st.lists(parts, min_size=1, max_size=3).map(tuple)
    return some.map(AllOf) | some.map(AnyOf) | parts.map(Not)


CONDITIONS = st.recursive(an_atom(), combined, max_leaves=8)
CASES = st.fixed_dictionaries({id: st.sampled_from([None, *states]) for id, states in STATES.items()})


def holds(condition: Condition, case: Mapping[str, str]) -> bool:
    """Return the two-valued truth in a case that is fully known: the oracle."""
    if isinstance(condition, Atom):
        return case[condition.id] in condition.states
    if isinstance(condition, Not):
        return not holds(condition.part, case)
    return (all if isinstance(condition, AllOf) else any)(holds(part, case) for part in condition.parts)


def completions(case: Mapping[str, str | None]) -> Iterator[dict[str, str]]:
    """Yield every way in which the unknown answers could turn out."""
    options = [STATES[id] if answer is None else (answer,) for id, answer in case.items()]
    for answers in itertools.product(*options):
        yield dict(zip(case, answers, strict=True))


def supports(case: Mapping[str, str | None]) -> dict[str, Any]:
    """Return the supports of a case of hard findings."""
    return {id: np.eye(len(STATES[id]))[STATES[id].index(answer)] for id, answer in case.items() if answer is not None}


@settings(deadline=None)
@given(CONDITIONS, CASES)
def test_what_is_known_holds_in_every_completion(condition: Condition, case: dict[str, str | None]) -> None:
    """A condition known to hold, or not to hold, does so however the unknown answers turn out."""
    truth = evaluate(condition, read_atoms(supports(case)))
    outcomes = {holds(condition, completion) for completion in completions(case)}
    assert truth in (TRUE, UNKNOWN, FALSE)
    assert truth != TRUE or outcomes == {True}
    assert truth != FALSE or outcomes == {False}


@settings(deadline=None)
@given(CONDITIONS, CASES.filter(lambda case: None not in case.values()))
def test_full_knowledge_leaves_nothing_unknown(condition: Condition, case: dict[str, str | None]) -> None:
    """With every answer known, three-valued logic is ordinary logic."""
    truth = evaluate(condition, read_atoms(supports(case)))
    known = {id: str(answer) for id, answer in case.items()}
    assert truth == (TRUE if holds(condition, known) else FALSE)


@settings(deadline=None)
@given(CONDITIONS, st.lists(CASES, min_size=1, max_size=5))
def test_many_cases_are_decided_as_each_alone(condition: Condition, cases: list[dict[str, str | None]]) -> None:
    """Arrays of cases give, row by row, what scalars give."""
    columns = {
        id: np.stack([supports(case).get(id, np.ones(len(states))) for case in cases]) for id, states in STATES.items()
    }
    many = evaluate(condition, read_atoms(columns))
    alone = [evaluate(condition, read_atoms(supports(case))) for case in cases]
    assert np.asarray(many).tolist() == alone


@settings(deadline=None)
@given(CONDITIONS)
def test_rendering_and_parsing_are_inverse(condition: Condition) -> None:
    """What is written reads back as an equal condition."""
    assert parse_condition(render_condition(condition), STATES, file="f", place="when") == condition


@settings(deadline=None)
@given(CONDITIONS, CASES.filter(lambda case: None not in case.values()), st.sampled_from(sorted(STATES)), st.data())
def test_a_rising_condition_never_falls(
    condition: Condition, case: dict[str, str | None], id: str, data: st.DataObject
) -> None:
    """Where `rises_with` says so, a worse state of the variable never makes a condition false."""
    before = {key: str(answer) for key, answer in case.items()}
    rank = STATES[id].index(before[id])
    after = {**before, id: data.draw(st.sampled_from(STATES[id][rank:]))}
    if rises_with(condition, id):
        assert holds(condition, after) >= holds(condition, before)
    if rises_with(condition, id, falls=True):
        assert holds(condition, after) <= holds(condition, before)


@pytest.mark.parametrize(
    ("support", "expected"),
    [
        ([0.0, 1.0], TRUE),
        ([1.0, 0.0], FALSE),
        ([1.0, 1.0], UNKNOWN),
        ([0.5, 0.5], UNKNOWN),
        ([0.49, 0.51], TRUE),
        ([0.95, 0.05], UNKNOWN),
        ([0.951, 0.049], FALSE),
    ],
)
def test_thresholds(support: list[float], expected: int) -> None:
    """Above one half holds, from 0.05 to one half is not known, below is cleared; alike for one case and for many."""
    member = np.array([False, True])
    assert atom_truth(member, np.array(support)) == expected
    assert np.asarray(atom_truth(member, np.array([support]))).tolist() == [expected]


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float64])
def test_a_set_is_decided_by_inclusion(dtype: type) -> None:
    """States that are still possible decide an atom only when all, or none, of them are its own."""
    member = np.array([False, True, True, False])
    sets = np.array([[0, 1, 1, 0], [1, 1, 1, 0], [1, 0, 0, 1]], dtype=dtype)
    assert np.asarray(atom_truth(member, sets)).tolist() == [TRUE, UNKNOWN, FALSE]
    assert [atom_truth(member, each) for each in sets] == [TRUE, UNKNOWN, FALSE]


def test_rounding_does_not_decide() -> None:
    """Probabilities that add up to one half, by whatever rounding, stay at one half."""
    member = np.array([True, True, True, False])
    assert atom_truth(member, np.array([0.1, 0.2, 0.2 + 1e-12, 0.5 - 1e-12])) == UNKNOWN


def test_reassurance_needs_more_than_a_majority() -> None:
    """An atom read as reassurance holds only where its opposite is cleared."""
    member = np.array([True, False])
    assert atom_truth(member, np.array([0.6, 0.4])) == TRUE
    assert atom_truth(member, np.array([0.6, 0.4]), SURE_ABOVE) == UNKNOWN
    assert atom_truth(member, np.array([0.96, 0.04]), SURE_ABOVE) == TRUE


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({}, "expected a table with exactly one key"),
        ({"numbness": True, "foot_drop": True}, "expected a table with exactly one key"),
        ("numbness", "expected a table with exactly one key"),
        ({"numbnes": True}, "did you mean 'numbness'"),
        ({"numbness": "true"}, "expected true or false"),
        ({"weakness": True}, "expected one or more of 'none', 'mild', 'significant'"),
        ({"weakness": "significnt"}, "did you mean 'significant'"),
        ({"weakness": ["mild", 3]}, "expected one or more of"),
        ({"weakness": ["none", "mild", "significant"]}, "not none and not all"),
        ({"weakness": []}, "not none and not all"),
        ({"all_of": []}, "expected a list of one or more conditions"),
        ({"any_of": {"numbness": True}}, "expected a list of one or more conditions"),
        ({"all_of": [{"numbness": True}, {"not": {"foot_dorp": True}}]}, r"all_of\[1\]\.not: .*mean 'foot_drop'"),
    ],
)
def test_a_wrong_condition_is_refused(written: object, message: str) -> None:
    """Each mistake is refused at its place, with the nearest right answer."""
    with pytest.raises(ModelFileError, match=message) as caught:
        parse_condition(written, STATES, file="rules.toml", place="red_flag[x].when")
    assert str(caught.value).startswith("rules.toml: red_flag[x].when")


def test_an_atom_refuses_a_state_that_its_variable_does_not_have() -> None:
    """A state of another variable is named with the nearest one."""
    with pytest.raises(UnknownNameError, match="did you mean 'mild'"):
        Atom("weakness", ("mld",), STATES["weakness"])


def test_mentions_and_words() -> None:
    """A condition lists its ids once and its atoms as often as they stand, and reads as a sentence."""
    weak = Atom("weakness", ("mild", "significant"), STATES["weakness"])
    both = AllOf((weak, Not(AnyOf((Atom("numbness", ("true",)), weak)))))
    assert ids(both) == ("weakness", "numbness")
    assert len(list(atoms(both))) == 3
    words = "(weakness = mild or significant) and not (numbness = true or (weakness = mild or significant))"
    assert str(both) == words
