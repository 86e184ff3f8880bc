"""Evidence: what is known of a case, in four kinds that must not be confused.

Hard evidence names a state. Excluded evidence rules states out and says nothing else. Likelihood evidence weighs the
states by how well they agree with an observation ("80 % sure" of a test read in bad light): the prior still counts.
Jeffrey evidence states the probability that the variable has *after* the observation: it replaces what the model
believed of that variable. Unknown is its own value, and is never absence.

References
----------
Mrad, Delcroix, Piechowiak, Leicester & Abid (2015), An explication of uncertain evidence in Bayesian networks.
Applied Intelligence 43, 802-824. doi:10.1007/s10489-015-0678-6
"""

from __future__ import annotations

__all__ = [
    "UNKNOWN",
    "Evidence",
    "Excluded",
    "Jeffrey",
    "Likelihood",
    "StateSpace",
    "Unknown",
    "excluded",
    "is_unknown",
    "jeffrey",
    "likelihood",
    "read_evidence",
]

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from toetwitch.errors import EvidenceError, UnknownNameError
from toetwitch.frozen import FrozenMapping

Array = NDArray[np.float64]

SUM_TOLERANCE = 1e-6
"""How far stated probabilities may be from one before they are refused as a typo."""


class Unknown(enum.Enum):
    """The type of `UNKNOWN`."""

    UNKNOWN = "unknown"

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = Unknown.UNKNOWN
"""Not asked or not answered; the same as leaving the id out, as `None` and as NaN."""


@dataclass(frozen=True, slots=True)
class Excluded:
    """The variable is in none of these states."""

    states: tuple[str | bool, ...]


@dataclass(frozen=True, slots=True)
class Likelihood:
    """P(observation | state) for each state, up to a common factor; a state left out has weight 0."""

    weights: Mapping[str, float]

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", FrozenMapping(dict(self.weights)))


@dataclass(frozen=True, slots=True)
class Jeffrey:
    """P(state) after the observation, for each state; a state left out has probability 0."""

    probabilities: Mapping[str, float]

    def __post_init__(self) -> None:
        object.__setattr__(self, "probabilities", FrozenMapping(dict(self.probabilities)))


def excluded(*states: str | bool) -> Excluded:
    """Return evidence that rules states out.

    Examples
    --------
    >>> excluded("over_4_weeks")
    Excluded(states=('over_4_weeks',))
    """
    return Excluded(states)


def likelihood(weights: Mapping[str, float] | float) -> Likelihood:
    """Return likelihood evidence; a number p is short for a binary variable's {"true": p, "false": 1 - p}.

    Examples
    --------
    >>> dict(likelihood(0.75).weights)
    {'false': 0.25, 'true': 0.75}
    """
    return Likelihood(_binary(weights) if not isinstance(weights, Mapping) else weights)


def jeffrey(probabilities: Mapping[str, float] | float) -> Jeffrey:
    """Return Jeffrey evidence; a number p is short for a binary variable's {"true": p, "false": 1 - p}.

    Examples
    --------
    >>> dict(jeffrey(0.75).probabilities)
    {'false': 0.25, 'true': 0.75}
    """
    return Jeffrey(_binary(probabilities) if not isinstance(probabilities, Mapping) else probabilities)


def _binary(p: float) -> Mapping[str, float]:
    if isinstance(p, bool) or not isinstance(p, int | float) or not 0 <= p <= 1:
        raise EvidenceError(f"got {p!r}; expected a probability in [0, 1] or a mapping of states")
    return {"false": 1.0 - float(p), "true": float(p)}


class StateSpace(Protocol):
    """What evidence needs to know of a variable."""

    @property
    def id(self) -> str:
        """The name."""

    @property
    def states(self) -> tuple[str, ...]:
        """The names of the states."""

    def index(self, state: object) -> int:
        """Return the array index of a state."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Evidence that has been checked against a network.

    Parameters
    ----------
    hard
        Id to the index of the observed state.
    soft
        Id to weights, shape (states,), for excluded (0 or 1) and likelihood evidence.
    jeffrey
        Id to stated probabilities, shape (states,), summing to one.
    excluded
        The ids in `soft` whose weights only rule states out.
    """

    hard: Mapping[str, int]
    soft: Mapping[str, Array]
    jeffrey: Mapping[str, Array]
    excluded: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for name in ("hard", "soft", "jeffrey"):
            object.__setattr__(self, name, FrozenMapping(dict(getattr(self, name))))

    @property
    def ids(self) -> tuple[str, ...]:
        """Every id about which something is known, hard first."""
        return (*self.hard, *self.soft, *self.jeffrey)

    def without(self, *ids: str) -> Evidence:
        """Return the evidence with some ids unknown again."""
        gone = set(ids)
        return Evidence(
            {id: index for id, index in self.hard.items() if id not in gone},
            {id: weights for id, weights in self.soft.items() if id not in gone},
            {id: stated for id, stated in self.jeffrey.items() if id not in gone},
            self.excluded - gone,
        )

    def with_hard(self, states: Mapping[str, int]) -> Evidence:
        """Return the evidence with some ids observed as the states of these indices, whatever was known of them."""
        rest = self.without(*states)
        return Evidence({**rest.hard, **states}, rest.soft, rest.jeffrey, rest.excluded)


def read_evidence(evidence: Mapping[str, object], variables: Mapping[str, StateSpace]) -> Evidence:
    """Check evidence against a network's variables; unknown values are dropped.

    Parameters
    ----------
    evidence
        Id to a state (`True`, `False` or a name), an `Excluded`, `Likelihood` or `Jeffrey`, or an unknown value.
    variables
        The variables, by id.

    Raises
    ------
    UnknownNameError
        For an id or state that does not exist; carries the nearest one.
    EvidenceError
        For a value of another type, or weights that are not a likelihood or a distribution.
    """
    if not isinstance(evidence, Mapping):
        raise EvidenceError(f"evidence of type {type(evidence).__name__}; expected a mapping of ids to answers")
    hard: dict[str, int] = {}
    soft: dict[str, Array] = {}
    stated: dict[str, Array] = {}
    ruled_out: set[str] = set()
    for id, value in evidence.items():
        if id not in variables:
            raise UnknownNameError("variable", id, variables, where="in the evidence")
        variable = variables[id]
        if is_unknown(value):
            continue
        if isinstance(value, Excluded):
            weights = np.ones(len(variable.states))
            weights[[variable.index(state) for state in value.states]] = 0.0
            if not weights.any():
                raise EvidenceError(f"every state of {id!r} is excluded; expected at least one that is left")
            soft[id] = _frozen(weights)
            ruled_out.add(id)
        elif isinstance(value, Likelihood):
            soft[id] = _vector(variable, value.weights, "likelihood")
        elif isinstance(value, Jeffrey):
            vector = _vector(variable, value.probabilities, "probability")
            if abs(vector.sum() - 1) > SUM_TOLERANCE:
                raise EvidenceError(f"probabilities for {id!r} sum to {vector.sum():.6g}; expected 1")
            stated[id] = _frozen(vector / vector.sum())
        else:
            hard[id] = _hard_index(variable, value)
    return Evidence(hard, soft, stated, frozenset(ruled_out))


def _hard_index(variable: StateSpace, value: object) -> int:
    if isinstance(value, np.bool_):
        value = bool(value)
    if not isinstance(value, bool | str):
        names = ", ".join(map(repr, variable.states)) if variable.states != ("false", "true") else "True or False"
        raise EvidenceError(f"{variable.id!r} is {value!r} of type {type(value).__name__}; expected {names}")
    return variable.index(value)


def is_unknown(value: object) -> bool:
    """Return whether a value means "not known": None, NaN, a missing value of pandas, or `UNKNOWN`."""
    if value is None or value is UNKNOWN:
        return True
    if isinstance(value, float | np.floating):
        return math.isnan(value)
    return type(value).__name__ in ("NAType", "NaTType")


def _vector(variable: StateSpace, weights: Mapping[str, float], name: str) -> Array:
    vector = np.zeros(len(variable.states))
    for state, weight in weights.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float | np.number):
            raise EvidenceError(f"{name} of {variable.id!r} = {state!r} is {weight!r}; expected a number")
        if not (math.isfinite(weight) and weight >= 0):
            raise EvidenceError(f"{name} of {variable.id!r} = {state!r} is {weight!r}; expected a finite number >= 0")
        vector[variable.index(state)] = float(weight)
    if not vector.any():
        raise EvidenceError(f"every {name} of {variable.id!r} is 0; expected at least one above 0")
    return _frozen(vector)


def _frozen(vector: Array) -> Array:
    vector.setflags(write=False)
    return vector
