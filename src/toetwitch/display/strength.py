"""How strongly each arc ties a variable to its parent: how far the parent's state alone moves what it points to.

For each two states of the parent the distributions of the child are compared by total variation (half the summed
difference, 0 to 1), the other parents kept at their priors as if these were independent; the farthest two states count.
That reads the table and nothing else, so it costs no inference beyond the priors, and a noisy-MAX is never expanded.

References
----------
Koiter (2006), Visualizing inference in Bayesian networks. MSc thesis, Delft University of Technology.
"""

from __future__ import annotations

__all__ = ["strengths"]

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine.potentials import Dense, NoisyMax
from toetwitch.inference.resolution import Resolved

Array = NDArray[np.float64]


def strengths(resolved: Resolved, priors: Mapping[str, Array], children: Iterable[str]) -> dict[tuple[str, str], float]:
    """Return (parent, child) to the strength of the arc, 0 to 1.

    Parameters
    ----------
    resolved
        The network as tables.
    priors
        Every parent of the children to its prior, shape (states,).
    children
        Ids.

    Examples
    --------
    >>> from toetwitch.inference.resolution import resolve
    >>> from toetwitch.knowledge import Cpt, NetworkDefinition, Variable
    >>> tables = (Cpt("rain", (), [0.8, 0.2]), Cpt("wet", ("rain",), [[0.9, 0.1], [0.2, 0.8]]))
    >>> resolved = resolve(NetworkDefinition((Variable("rain"), Variable("wet")), tables))
    >>> strengths(resolved, {"rain": np.array([0.8, 0.2])}, ["wet"])
    {('rain', 'wet'): 0.7}
    """
    potentials = resolved.without_hidden()
    ids = {index: id for id, index in resolved.index.items()}
    by_index = {resolved.index[id]: prior for id, prior in priors.items()}
    found = {}
    for child in children:
        place = resolved.index[child]
        table = potentials[place]
        given = _of_table(table, place, by_index) if isinstance(table, Dense) else _of_maximum(table, by_index)
        found.update({(ids[parent], child): _farthest(rows) for parent, rows in given.items()})
    return found


def _farthest(rows: Array) -> float:
    """Return the largest total variation between any two rows of shape (parent's states, child's states)."""
    apart = np.abs(rows[:, None, :] - rows[None, :, :]).sum(axis=-1) / 2
    return round(float(apart.max()), 12)


def _of_table(table: Dense, child: int, priors: Mapping[int, Array]) -> dict[int, Array]:
    """Return parent to P(child | its state), the other parents averaged out one by one."""
    parents = [variable for variable in table.scope if variable != child]
    found = {}
    for kept in parents:
        scope, values = list(table.scope), table.values
        for other in parents:
            if other != kept:
                axis = scope.index(other)
                values = np.tensordot(values, priors[other], axes=(axis, 0))
                scope.pop(axis)
        found[kept] = values if scope == [kept, child] else values.T
    return found


def _of_maximum(table: NoisyMax, priors: Mapping[int, Array]) -> dict[int, Array]:
    """Return the same for a maximum of contributions: cumulative distributions multiply."""
    below: dict[int | None, Array] = {}
    for term in table.terms:
        cumulative = np.cumsum(np.atleast_2d(term.values), axis=-1)
        below[term.parent] = below.get(term.parent, np.ones_like(cumulative)) * cumulative
    mean = {parent: rows[0] if parent is None else priors[parent] @ rows for parent, rows in below.items()}
    found = {}
    for kept in (parent for parent in below if parent is not None):
        rest = np.prod([values for parent, values in mean.items() if parent != kept] or [np.ones(1)], axis=0)
        found[kept] = np.diff(below[kept] * rest, axis=-1, prepend=0.0)
    return found
