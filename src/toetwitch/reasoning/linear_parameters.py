"""Which stated numbers enter a table linearly, and how: the derivative of the table by the number.

P(evidence) is linear in all entries of one table together. Where a stated number moves the entries of one table along
a line, and no intercept or leak is solved below it, P(evidence) is a linear function of the number, and a posterior is
a quotient of two. That holds for cited rows (the other entries of the row keep their proportions), for links whose
background is stated, for leaks by band, and for backgrounds without links; all within a domain in which every entry
stays a probability.

References
----------
van der Gaag, Renooij & Coupe (2007), Sensitivity analysis of probabilistic networks. Springer, 103-124.
"""

from __future__ import annotations

__all__ = ["Line", "entry_lines", "is_solved", "solved_upstream", "table_line"]

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine import Dense, NoisyMax
from toetwitch.inference import ExactInference
from toetwitch.knowledge import table as stated
from toetwitch.knowledge.estimate import Estimate
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.parameters import Parameter, when_text

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """How a table moves with a number.

    Parameters
    ----------
    index
        The potential.
    term
        The term of a noisy-MAX, or None for a dense table.
    values
        The entries at the estimate.
    slope
        Their derivative by the number, of the same shape.
    low, high
        The domain on which this holds.
    """

    index: int
    term: int | None
    values: Array
    slope: Array
    low: float
    high: float


def solved_upstream(network: NetworkDefinition) -> frozenset[str]:
    """Return the variables above one whose intercept or leak is solved: their numbers enter the solution."""
    found: set[str] = set()
    stack = [p for table in network.tables if is_solved(table) for p in table.parents]
    while stack:
        id = stack.pop()
        if id not in found:
            found.add(id)
            stack.extend(network.parents(id))
    return frozenset(found)


def is_solved(table: stated.Table) -> bool:
    """Return whether an intercept or leak of the table is solved from what is above it."""
    if isinstance(table, stated.Logistic):
        return table.anchor.kind == "prevalence"
    return isinstance(table, stated.NoisyMax) and table.leak.kind == "prevalence"


def table_line(inference: ExactInference, parameter: Parameter) -> Line | None:
    """Return how a parameter moves its table along a line, or None where it does not."""
    table = inference.network.table_of[parameter.child]
    if isinstance(table, stated.Cpt):
        return _row_line(inference, table, parameter)
    if isinstance(table, stated.NoisyMax) and table.leak.kind != "prevalence":
        if parameter.role == "link":
            return _link_line(inference, table, parameter)
        return _leak_line(inference, table, parameter)
    return None


def _row_line(inference: ExactInference, table: stated.Cpt, parameter: Parameter) -> Line | None:
    child = inference.network.by_id[table.child]
    for row in table.rows:
        prefix = f"{table.child}.row[{when_text(row.when)}]."
        if not parameter.path.startswith(prefix) or parameter.path[len(prefix) :] not in child.states:
            continue
        s, x = child.index(parameter.path[len(prefix) :]), parameter.estimate.value
        if x >= 1:
            return None
        mask = np.ones(table.values.shape[:-1], dtype=bool)
        for axis, parent in enumerate(table.parents):
            variable = inference.network.by_id[parent]
            held = [variable.index(state) for state in row.when.get(parent, variable.states)]
            shape = [-1 if a == axis else 1 for a in range(len(table.parents))]
            mask &= np.isin(np.arange(len(variable.states)), held).reshape(shape)
        line = np.array([-row.probabilities[state].value / (1 - x) for state in child.states])
        line[s] = 1.0
        slope = np.where(mask[..., None], line, 0.0)
        return Line(inference.index(table.child), None, table.values, slope, 0.0, 1.0)
    return None


def _made_by(inference: ExactInference, child: str) -> int:
    """Return the potential with the terms of a noisy-MAX: its own, or its hidden drive's."""
    hidden = f"{child}:drive"
    if hidden in inference.resolved.hidden:
        return len(inference.network.variables) + inference.resolved.hidden.index(hidden)
    return inference.index(child)


def _link_line(inference: ExactInference, table: stated.NoisyMax, parameter: Parameter) -> Line | None:
    child = inference.network.by_id[table.child]
    background = np.cumsum(_background(table, child.states))
    for link in table.links:
        prefix = f"{table.child}.link[{link.parent}={link.parent_state}]."
        if not parameter.path.startswith(prefix) or parameter.path[len(prefix) :] not in child.states:
            continue
        if link.inhibits:
            return _inhibiting_line(inference, table, link)
        if (background <= 0).any():
            return None
        s = child.index(parameter.path[len(prefix) :])
        row = inference.network.by_id[link.parent].index(link.parent_state)
        reach = np.where(np.arange(len(child.states)) < s, -1.0, 0.0) / background
        reach[-1] = 0.0
        return _term_line(
            inference, table, link.parent, row, np.diff(reach, prepend=0.0), parameter, link.probabilities
        )
    return None


def _leak_line(inference: ExactInference, table: stated.NoisyMax, parameter: Parameter) -> Line | None:
    child = inference.network.by_id[table.child]
    for band, mapping in table.leak.bands.items():
        prefix = f"{table.child}.leak[{band}]."
        if parameter.path.startswith(prefix) and parameter.path[len(prefix) :] in child.states:
            slope = np.zeros(len(child.states))
            slope[child.index(parameter.path[len(prefix) :])], slope[0] = 1.0, -1.0
            row = inference.network.by_id[table.leak.by].index(band)
            return _term_line(inference, table, table.leak.by, row, slope, parameter, mapping)
    if table.links or table.leak.bands or table.leak.kind != "leak":
        return None
    slope = np.zeros(len(child.states))
    slope[child.index(parameter.path.removeprefix(f"{table.child}.leak."))], slope[0] = 1.0, -1.0
    return _term_line(inference, table, None, None, slope, parameter, table.leak.overall)


def _background(table: stated.NoisyMax, states: tuple[str, ...]) -> Array:
    if table.leak.kind == "specificity":
        absent = table.leak.overall[states[-1]].value
        return np.array([absent, 1 - absent])
    upper = [table.leak.overall[state].value for state in states[1:]]
    return np.array([1 - sum(upper), *upper])


def _term_line(
    inference: ExactInference,
    table: stated.NoisyMax,
    parent: str | None,
    row: int | None,
    line: Array,
    parameter: Parameter,
    together: Mapping[str, Estimate],
) -> Line | None:
    index = _made_by(inference, table.child)
    potential = inference.resolved.potentials[index]
    if not isinstance(potential, NoisyMax):
        return None
    place = None if parent is None else inference.index(parent)
    term = [t.parent for t in potential.terms].index(place)
    values = potential.terms[term].values
    slope = np.zeros_like(values)
    slope[... if row is None else row] = line
    low, high = _domain(values, slope, parameter.estimate.value)
    room = 1.0 - sum(estimate.value for estimate in together.values())
    return Line(index, term, values, slope, max(low, 0.0), min(high, parameter.estimate.value + max(room, 0.0)))


def _domain(values: Array, slope: Array, x: float) -> tuple[float, float]:
    """Return between which numbers every entry stays zero or more."""
    falls, rises = slope < 0, slope > 0
    low = x - float((values[rises] / slope[rises]).min()) if rises.any() else 0.0
    high = x + float((values[falls] / -slope[falls]).min()) if falls.any() else 1.0
    return low, high


def _inhibiting_line(inference: ExactInference, table: stated.NoisyMax, link: stated.Link) -> Line | None:
    (x,) = (estimate.value for estimate in link.probabilities.values())
    index = inference.index(table.child)
    potential = inference.resolved.potentials[index]
    if x <= 0 or not isinstance(potential, Dense):
        return None
    axis = potential.scope.index(inference.index(link.parent))
    row = inference.network.by_id[link.parent].index(link.parent_state)
    acts = np.zeros(potential.values.shape[axis], dtype=bool)
    acts[row] = True
    acts = acts.reshape([-1 if a == axis else 1 for a in range(potential.values.ndim)])
    passes = np.where(acts, potential.values[..., 1:], 0.0) / x
    slope = np.concatenate([-passes, passes], axis=-1)
    leak = float(_background(table, inference.network.by_id[table.child].states)[1])
    return Line(index, None, potential.values, slope, 0.0, leak)


def entry_lines(inference: ExactInference, ids: frozenset[str]) -> Iterator[tuple[Parameter, Line]]:
    """Yield every entry of the uncited tables of some variables as a number, with its line.

    An entry's path is `child.entry[parent=state, ...].state`; it has no range but itself.
    """
    for table in inference.network.tables:
        if not isinstance(table, stated.Cpt) or table.rows or table.child not in ids:
            continue
        child = inference.network.by_id[table.child]
        parents = [inference.network.by_id[id] for id in table.parents]
        for cell in np.ndindex(*table.values.shape[:-1]):
            when = ",".join(f"{p.id}={p.states[k]}" for p, k in zip(parents, cell, strict=True))
            for s, x in enumerate(table.values[cell]):
                if x >= 1:
                    continue
                slope = np.zeros_like(table.values)
                slope[cell] = -table.values[cell] / (1 - x)
                slope[(*cell, s)] = 1.0
                path = f"{child.id}.entry[{when}].{child.states[s]}"
                number = Parameter(path, child.id, Estimate.of(float(x)), "probability", "entry")
                yield number, Line(inference.index(child.id), None, table.values, slope, 0.0, 1.0)
