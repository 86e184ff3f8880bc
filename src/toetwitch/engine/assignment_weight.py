"""The logarithm of one complete assignment's weight, read off the potentials one by one.

Logarithms are added exactly and rounded once, so assignments made of the same entries get the same number to the bit,
whichever plan found them, and ties can be told.
"""

from __future__ import annotations

__all__ = ["log_entry", "log_weight"]

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine.potentials import Dense, Potential

Array = NDArray[np.float64]


def log_weight(
    potentials: Sequence[Potential], states: Sequence[int], weights: Mapping[int, Array], sizes: Sequence[int]
) -> float:
    """Return the natural logarithm of the product of all potentials and weights at an assignment.

    Parameters
    ----------
    potentials
        Without lanes.
    states
        Of the variables that are maximised, from the first on; those past them are summed out.
    weights
        Likelihood weights of variables, shape (size, 1).
    sizes
        Of all variables.
    """
    found = [_log(float(w[states[v], 0])) for v, w in weights.items()]
    given = dict(enumerate(states))
    groups: dict[int, list[Potential]] = {}
    for potential in potentials:
        hidden = max(_variables(potential))
        if hidden < len(states):
            found.append(log_entry(potential, given))
        else:
            groups.setdefault(hidden, []).append(potential)
    for hidden, group in groups.items():
        logs = [sum(log_entry(p, {**given, hidden: state}) for p in group) for state in range(sizes[hidden])]
        found.append(float(np.logaddexp.reduce(logs)))
    return -math.inf if -math.inf in found else math.fsum(found)


def log_entry(potential: Potential, states: Mapping[int, int]) -> float:
    """Return the natural logarithm of a potential at the states of its variables."""
    if isinstance(potential, Dense):
        return _log(float(potential.values[tuple(states[v] for v in potential.scope)]))
    own = states[potential.child]
    below, at = -math.inf, -math.inf
    for place, term in enumerate(potential.terms):
        row = term.values if term.parent is None else term.values[states[term.parent]]
        # The maximum is reached here or was before; sums of products of non-negative numbers lose no digit.
        here_below, here_at = _log(float(row[:own].sum())), _log(float(row[own]))
        if place == 0:
            below, at = here_below, here_at
        else:
            at = float(np.logaddexp(at + float(np.logaddexp(here_below, here_at)), below + here_at))
            below += here_below
    return at


def _variables(potential: Potential) -> tuple[int, ...]:
    if isinstance(potential, Dense):
        return potential.scope or (-1,)
    return (potential.child, *(p for p in potential.parents if p is not None))


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf
