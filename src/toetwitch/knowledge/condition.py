"""Conditions on evidence, read in three values: true, false, and not known.

A condition is an atom (this variable is in one of these states) or a combination of conditions. Evidence may leave an
atom undecided, so conditions follow Kleene's strong logic: a conjunction with a false part is false whatever the rest
turns out to be, and a disjunction with a true part is true. What stays unknown is what further answers could decide.

What evidence says of one variable is its *support*, an array of shape (..., states): either a distribution (sums to
one), or the 0/1 indicator of the states that are still possible. All ones is "unknown"; one-hot is both, and means the
same as both. Leading axes are cases, so the code that decides one case decides a cohort.

References
----------
Kleene (1952), Introduction to Metamathematics, section 64.
"""

from __future__ import annotations

__all__ = [
    "CLEARED_BELOW",
    "FALSE",
    "FIRED_ABOVE",
    "SURE_ABOVE",
    "TRUE",
    "UNKNOWN",
    "AllOf",
    "AnyOf",
    "Atom",
    "Condition",
    "Not",
    "Truth",
    "atom_truth",
    "atoms",
    "evaluate",
    "ids",
    "parse_condition",
    "read_atoms",
    "render_condition",
    "rises_with",
]

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toetwitch.errors import ModelFileError, UnknownNameError
from toetwitch.knowledge.variable import BINARY

FIRED_ABOVE = 0.5
"""An atom holds when its states have more than this probability: more likely than not."""

CLEARED_BELOW = 0.05
"""An atom is false when its states have less than this; a miss counted 19 times as bad as a false alarm gives 1/20."""

SURE_ABOVE = 1 - CLEARED_BELOW
"""What reassurance needs: the opposite is cleared."""

ROUNDING = 1e-9
"""Slack at the two thresholds, so that 0.1 + 0.2 + 0.2 is not above one half."""

TRUE, UNKNOWN, FALSE = 1, 0, -1
"""Three-valued truth in order, so that "and" is the minimum, "or" the maximum, and "not" the negative."""

Bools = NDArray[np.bool_]
Truth = int | NDArray[np.int8]
"""`TRUE`, `UNKNOWN` or `FALSE`: a number for one case, an array for many."""


@dataclass(frozen=True, slots=True)
class Atom:
    """A variable is in one of some states.

    Parameters
    ----------
    id
        The variable.
    states
        The states that make the atom true, in the variable's order.
    among
        All states of the variable, in order; listed states run from mild to bad.
    """

    id: str
    states: tuple[str, ...]
    among: tuple[str, ...] = BINARY

    def __post_init__(self) -> None:
        for state in self.states:
            if state not in self.among:
                raise UnknownNameError("state", state, self.among, where=f"of {self.id!r}")
        if not 0 < len(set(self.states)) < len(self.among):
            raise ValueError(f"{self.id!r} in {self.states!r}; expected some of its states, not none and not all")
        ordered = tuple(state for state in self.among if state in self.states)
        object.__setattr__(self, "states", ordered)

    @property
    def member(self) -> Bools:
        """Which of the variable's states make the atom true, shape (states,)."""
        return np.array([state in self.states for state in self.among])

    def __str__(self) -> str:
        return f"{self.id} = {' or '.join(self.states)}"


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds."""

    parts: tuple[Condition, ...]

    def __str__(self) -> str:
        return " and ".join(_bracketed(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Condition, ...]

    def __str__(self) -> str:
        return " or ".join(_bracketed(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Condition

    def __str__(self) -> str:
        return f"not {_bracketed(self.part)}"


Condition = Atom | AllOf | AnyOf | Not


def _bracketed(condition: Condition) -> str:
    single = isinstance(condition, Atom | Not) and not (isinstance(condition, Atom) and len(condition.states) > 1)
    return str(condition) if single else f"({condition})"


def parse_condition(value: object, states: Mapping[str, tuple[str, ...]], *, file: str, place: str) -> Condition:
    """Read a condition as a model file writes it.

    Parameters
    ----------
    value
        A table with exactly one key: an id and its value (true, false, a state, or a list of states), or "all_of",
        "any_of" with a list of conditions, or "not" with one.
    states
        Variable id to its states.
    file, place
        Where it stands, for messages.

    Raises
    ------
    ModelFileError
        For anything else; the message names the nearest id or state.

    Examples
    --------
    >>> states = {"foot_drop": ("false", "true"), "muscle_weakness": ("none", "mild", "significant")}
    >>> written = {"any_of": [{"foot_drop": True}, {"muscle_weakness": ["mild", "significant"]}]}
    >>> print(parse_condition(written, states, file="rules.toml", place="when"))
    foot_drop = true or (muscle_weakness = mild or significant)
    """
    if not isinstance(value, Mapping) or len(value) != 1:
        raise ModelFileError(
            f"condition {value!r}; expected a table with exactly one key: an id, all_of, any_of or not",
            file=file,
            place=place,
        )
    (key, inner), where = next(iter(value.items())), f"{place}.{next(iter(value))}"
    if key == "not":
        return Not(parse_condition(inner, states, file=file, place=where))
    if key in ("all_of", "any_of"):
        if not isinstance(inner, list) or not inner:
            raise ModelFileError(f"{inner!r}; expected a list of one or more conditions", file=file, place=where)
        parts = tuple(parse_condition(part, states, file=file, place=f"{where}[{n}]") for n, part in enumerate(inner))
        return AllOf(parts) if key == "all_of" else AnyOf(parts)
    if key not in states:
        error = UnknownNameError("variable", key, states, where="in a condition")
        raise ModelFileError(str(error), file=file, place=place)
    try:
        return Atom(key, _state_names(key, inner, states[key]), states[key])
    except (UnknownNameError, ValueError, TypeError) as error:
        raise ModelFileError(str(error), file=file, place=where) from None


def _state_names(id: str, value: object, states: tuple[str, ...]) -> tuple[str, ...]:
    if states == BINARY:
        if not isinstance(value, bool):
            raise TypeError(f"{id!r} is {value!r}; expected true or false")
        return (BINARY[value],)
    names = value if isinstance(value, list) else [value]
    if not all(isinstance(name, str) for name in names):
        raise TypeError(f"{id!r} is {value!r}; expected one or more of {', '.join(map(repr, states))}")
    return tuple(names)


def render_condition(condition: Condition) -> dict[str, Any]:
    """Return the table that `parse_condition` reads back as an equal condition.

    Examples
    --------
    >>> render_condition(AllOf((Atom("foot_drop", ("true",)), Not(Atom("numbness", ("false",))))))
    {'all_of': [{'foot_drop': True}, {'not': {'numbness': False}}]}
    """
    if isinstance(condition, Not):
        return {"not": render_condition(condition.part)}
    if isinstance(condition, AllOf | AnyOf):
        key = "all_of" if isinstance(condition, AllOf) else "any_of"
        return {key: [render_condition(part) for part in condition.parts]}
    if condition.among == BINARY:
        return {condition.id: condition.states == ("true",)}
    return {condition.id: condition.states[0] if len(condition.states) == 1 else list(condition.states)}


def atoms(condition: Condition) -> Iterator[Atom]:
    """Yield the atoms of a condition, in reading order, repeats included."""
    if isinstance(condition, Atom):
        yield condition
    else:
        for part in condition.parts if isinstance(condition, AllOf | AnyOf) else (condition.part,):
            yield from atoms(part)


def ids(condition: Condition) -> tuple[str, ...]:
    """Return the variables that a condition mentions, in reading order.

    Examples
    --------
    >>> ids(AnyOf((Atom("numbness", ("true",)), Atom("foot_drop", ("true",)), Atom("numbness", ("false",)))))
    ('numbness', 'foot_drop')
    """
    return tuple(dict.fromkeys(atom.id for atom in atoms(condition)))


def rises_with(condition: Condition, id: str, *, falls: bool = False) -> bool:
    """Return whether worse news of a variable can only move a condition towards true (or, with `falls`, towards false).

    Sufficient, not necessary: every atom on the variable is closed upward in the order of its states and stands under
    an even number of negations (for `falls`: closed downward, or under an odd number).

    Examples
    --------
    >>> weak = Atom("muscle_weakness", ("mild",), ("none", "mild", "significant"))
    >>> rises_with(weak, "muscle_weakness"), rises_with(weak, "muscle_weakness", falls=True)
    (False, False)
    >>> rises_with(Not(Atom("foot_drop", ("false",))), "foot_drop")
    True
    """
    if isinstance(condition, Not):
        return rises_with(condition.part, id, falls=not falls)
    if isinstance(condition, AllOf | AnyOf):
        return all(rises_with(part, id, falls=falls) for part in condition.parts)
    if condition.id != id:
        return True
    count = len(condition.states)
    return condition.states == (condition.among[:count] if falls else condition.among[-count:])


def atom_truth(member: Bools, support: NDArray[Any], true_above: float = FIRED_ABOVE) -> Truth:
    """Decide an atom from the support of its variable.

    Parameters
    ----------
    member
        Which states make the atom true, shape (states,).
    support
        Shape (..., states): distributions, or 0/1 indicators of the states that are still possible. An array of
        integers holds indicators.
    true_above
        How probable the states must be for the atom to hold.

    Returns
    -------
    int or numpy.ndarray
        Shape (...). For an indicator: true when every possible state is a member, false when none is. For a
        distribution: true above `true_above`, false below `CLEARED_BELOW`.

    Examples
    --------
    >>> atom_truth(np.array([False, True]), np.array([0.96, 0.04]))
    -1
    >>> atom_truth(np.array([False, True]), np.array([[0, 1], [1, 1], [1, 0]])).tolist()
    [1, 0, -1]
    """
    above, below = true_above + ROUNDING, CLEARED_BELOW - ROUNDING
    if support.ndim == 1:
        weights: list[float] = support.tolist()
        held = sum(weight for weight, belongs in zip(weights, member, strict=True) if belongs)
        if all(weight in (0, 1) for weight in weights):
            return FALSE if held == 0 else TRUE if held == sum(weights) else UNKNOWN
        return TRUE if held > above else FALSE if held < below else UNKNOWN
    # The states are few and the cases many, so column by column is the fast way to add.
    inside, outside = (
        functools.reduce(np.add, (support[..., n] for n in np.flatnonzero(chosen))) for chosen in (member, ~member)
    )
    possible = (outside == 0).astype(np.int8) - (inside == 0)
    decided: Truth = possible
    if np.issubdtype(support.dtype, np.floating):
        stated = (inside > above).astype(np.int8) - (inside < below)
        decided = np.where(((support == 0) | (support == 1)).all(axis=-1), possible, stated)
    return decided


def read_atoms(supports: Mapping[str, NDArray[Any]], true_above: float = FIRED_ABOVE) -> Callable[[Atom], Truth]:
    """Return a function that decides atoms from supports, each atom once.

    Parameters
    ----------
    supports
        Variable id to support, shape (..., states), leading axes broadcastable; an id left out is unknown.
    true_above
        How probable an atom must be to hold; `SURE_ABOVE` where the condition reassures.
    """
    decided: dict[Atom, Truth] = {}

    def truth_of(atom: Atom) -> Truth:
        if atom.id not in supports:
            return UNKNOWN
        if atom not in decided:
            decided[atom] = atom_truth(atom.member, supports[atom.id], true_above)
        return decided[atom]

    return truth_of


def evaluate(condition: Condition, truth_of: Callable[[Atom], Truth]) -> Truth:
    """Decide a condition, given what is known of its atoms.

    Examples
    --------
    >>> both = AllOf((Atom("numbness", ("true",)), Atom("foot_drop", ("true",))))
    >>> evaluate(both, read_atoms({"numbness": np.array([1.0, 0.0])})) == FALSE
    True
    """
    if isinstance(condition, Atom):
        return truth_of(condition)
    if isinstance(condition, Not):
        return -evaluate(condition.part, truth_of)
    parts = [evaluate(part, truth_of) for part in condition.parts]
    numbers = [truth for truth in parts if isinstance(truth, int)]
    arrays: list[Any] = [truth for truth in parts if not isinstance(truth, int)]
    if isinstance(condition, AllOf):
        return _fold(np.minimum, [min(numbers), *arrays] if numbers else arrays)
    return _fold(np.maximum, [max(numbers), *arrays] if numbers else arrays)


def _fold(combine: Callable[..., Any], truths: list[Any]) -> Truth:
    folded: Truth = functools.reduce(combine, truths)
    return folded
