"""Stated numbers as lanes: other values of the parameters, answered side by side.

Whatever a paper's number enters, directly or by way of a solved intercept or leak, is solved again in every lane, so
an answer under other numbers is the answer of the model that states them. Values under which no model exists (no leak
gives the cited prevalence) are marked, not bent.
"""

from __future__ import annotations

__all__ = ["ParameterLanes", "entries", "numbers_at", "relevant", "run_numbers", "spread_of_logs"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine import Dense, NoisyMax
from toetwitch.errors import TableError
from toetwitch.evidence import Evidence
from toetwitch.inference import ExactInference, Numbers
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.parameters import Parameter, parameters
from toetwitch.reasoning.linear_parameters import Line, entry_lines, solved_upstream
from toetwitch.reasoning.moved_tables import moved_by, moved_tables

Array = NDArray[np.float64]

BLOCK = 256
"""Lanes solved at once: their tables stay in cache."""

LEAST = 96
"""Fewer lanes than this are solved with others that move other tables: a run has a cost of its own."""


@dataclass(frozen=True, slots=True, eq=False)
class ParameterLanes:
    """Answers under other numbers; a lane without a model, or with impossible evidence, has NaN and is not `valid`.

    Parameters
    ----------
    log_evidence
        Natural log of P(evidence), shape (lanes,).
    marginals
        Id to posteriors, shape (states, lanes).
    priors
        Id to P(last state) without evidence, shape (lanes,); empty where it was not asked for.
    distance
        A bound on the Chan-Darwiche distance to the model, shape (lanes,): no log-odds of any question moved further;
        NaN where it was not asked for.
    valid
        Where there is an answer, shape (lanes,).
    """

    log_evidence: Array
    marginals: Mapping[str, Array]
    priors: Mapping[str, Array]
    distance: Array
    valid: NDArray[np.bool_]


def relevant(network: NetworkDefinition, numbers: Sequence[Parameter], ids: Sequence[str]) -> list[Parameter]:
    """Return the parameters that can matter to a question about these ids: those of the ids and their ancestors."""
    found = _ancestors(network, ids)
    return [parameter for parameter in numbers if parameter.child in found]


def entries(inference: ExactInference, ids: Sequence[str]) -> list[Parameter]:
    """Return the entries of uncited tables that can matter to a question about these ids, as numbers.

    Of a binary variable the last state's alone, and none above a solved intercept or leak, which they would move.
    """
    above = _ancestors(inference.network, ids) - solved_upstream(inference.network)
    found = [p for p, _ in entry_lines(inference, frozenset(above))]
    by_id = inference.network.by_id
    return [p for p in found if len(by_id[p.child].states) > 2 or p.path.endswith(f"].{by_id[p.child].states[-1]}")]


def _ancestors(network: NetworkDefinition, ids: Sequence[str]) -> set[str]:
    """Return ids and all that they descend from."""
    found: set[str] = set()
    stack = list(ids)
    while stack:
        id = stack.pop()
        if id not in found:
            found.add(id)
            stack.extend(network.parents(id))
    return found


def numbers_at(rows: Sequence[Mapping[str, float]], known: Sequence[Parameter]) -> dict[str, Array]:
    """Return path to values, shape (rows,): each row changes some parameters, the others keep their estimates.

    Entries of a cited row of a table that are not changed share what the changed ones leave, in proportion, as they
    do where nothing else is stated.
    """
    stated = {parameter.path: parameter.estimate.value for parameter in known}
    cited_rows: dict[str, list[str]] = {}
    for parameter in known:
        if parameter.role == "row":
            cited_rows.setdefault(parameter.path.rpartition("].")[0], []).append(parameter.path)
    named = dict.fromkeys(path for row in rows for path in row)
    values = {path: np.full(len(rows), stated[path]) for path in named}
    for n, row in enumerate(rows):
        for path, value in row.items():
            values[path][n] = value
    for paths in cited_rows.values():
        if len(paths) > 1 and not named.keys().isdisjoint(paths):
            for path in paths:
                values.setdefault(path, np.full(len(rows), stated[path]))
            for n, row in enumerate(rows):
                _share_rest(values, paths, [path for path in paths if path in row], n)
    return values


def _share_rest(values: Mapping[str, Array], paths: Sequence[str], changed: Sequence[str], n: int) -> None:
    others = [path for path in paths if path not in changed]
    rest = sum(values[path][n] for path in others)
    if changed and rest > 0:
        left = max(0.0, 1.0 - sum(values[path][n] for path in changed))
        for path in others:
            values[path][n] *= left / rest


def run_numbers(
    inference: ExactInference,
    evidence: Evidence,
    numbers: Mapping[str, Array],
    lanes: int,
    targets: Sequence[str],
    *,
    priors: bool = False,
    distances: bool = False,
) -> ParameterLanes:
    """Answer a question under other numbers.

    Lanes that move the same tables are solved together, and only those tables are solved again.

    Parameters
    ----------
    inference
        The network.
    evidence
        The case; Jeffrey statements count as the weights that make them hold in the model as it stands.
    numbers
        Parameter path to values, shape (lanes,).
    lanes
        How many.
    targets
        Ids.
    priors
        Whether to answer without evidence too, for what leads.
    distances
        Whether to bound the distance to the model too.
    """
    sizes = {id: len(inference.network.by_id[id].states) for id in targets}
    answer = ParameterLanes(
        np.full(lanes, np.nan),
        {id: np.full((size, lanes), np.nan) for id, size in sizes.items()},
        {id: np.full(lanes, np.nan) for id in targets} if priors else {},
        np.full(lanes, np.nan),
        np.zeros(lanes, dtype=bool),
    )
    hard = {inference.index(id): state for id, state in evidence.hard.items()}
    soft = {inference.index(id): weights for id, weights in inference.weights(evidence).items()}
    places = [inference.index(id) for id in targets]
    known = {p.path: p for p in parameters(inference.network)}
    lines: dict[Parameter, Line] = {}
    if not numbers.keys() <= known.keys():
        lines = dict(entry_lines(inference, frozenset(inference.network.by_id)))
        known.update({p.path: p for p in lines})
    above = _ancestors(inference.network, targets)
    still = inference.compiled.lanes({}, {}, {}, places)[1] if priors else {}
    pending = _blocks(inference.network, known, numbers, lanes)
    while pending:
        block, moved = pending.pop()
        # A lane more than needed keeps the lane axis where there is a single one.
        padded = {
            path: np.append(values[block], values[block[-1:]])
            for path, values in numbers.items()
            if path in known and known[path].child in moved
        }
        try:
            potentials = moved_tables(inference, Numbers(len(block) + 1, padded), moved)
        except TableError:
            if len(block) > 1:
                pending += [(part, moved) for part in np.array_split(block, 2)]
            continue
        potentials.update(_with_entries(inference, lines, padded))
        count = len(block)
        with inference.named_budget():
            log_evidence, marginals = inference.compiled.lanes(hard, soft, potentials, places)
            if priors:
                before = still if moved.isdisjoint(above) else inference.compiled.lanes({}, {}, potentials, places)[1]
        log_evidence = np.broadcast_to(log_evidence, count + 1)[:count]
        answer.log_evidence[block] = log_evidence
        answer.valid[block] = np.isfinite(log_evidence)
        if distances:
            total = _distance({i: inference.resolved.potentials[i] for i in potentials}, potentials)
            answer.distance[block] = np.broadcast_to(total, count + 1)[:count]
        for id, place in zip(targets, places, strict=True):
            found = np.broadcast_to(marginals[place], (sizes[id], count + 1))[:, :count]
            answer.marginals[id][:, block] = np.where(answer.valid[block], found, np.nan)
            if priors:
                answer.priors[id][block] = np.broadcast_to(before[place][-1], count + 1)[:count]
    return answer


def _with_entries(
    inference: ExactInference, lines: Mapping[Parameter, Line], numbers: Mapping[str, Array]
) -> dict[int, Dense]:
    """Return the uncited tables of which some entries are other numbers, by the engine's index."""
    values: dict[int, Array] = {}
    for p, line in lines.items():
        if p.path in numbers:
            before = values.get(line.index, line.values[..., None])
            values[line.index] = before + line.slope[..., None] * (numbers[p.path] - p.estimate.value)
    return {
        i: Dense((*map(inference.index, inference.network.parents(id)), i), np.clip(table, 0.0, None))
        for i, table in values.items()
        for id in [inference.network.variables[i].id]
    }


def _blocks(
    network: NetworkDefinition, known: Mapping[str, Parameter], numbers: Mapping[str, Array], lanes: int
) -> list[tuple[NDArray[np.int64], frozenset[str]]]:
    """Return blocks of lanes with the tables that some lane of them moves; lanes that move the same stay together."""
    place = {id: n for n, id in enumerate(network.order)}
    children: dict[str, NDArray[np.bool_]] = {}
    for path, values in numbers.items():
        if path in known:
            own = children.setdefault(known[path].child, np.zeros(lanes, dtype=bool))
            own |= values != known[path].estimate.value
    ids = sorted(children, key=place.__getitem__)
    table = np.array([children[id] for id in ids]).reshape(len(ids), lanes)
    order = np.lexsort(table[::-1]) if ids else np.arange(lanes)
    blocks = []
    start = 0
    for stop in range(1, lanes + 1):
        # A new kind of lane opens a new block only where the last one is worth a run of its own.
        full = stop - start >= BLOCK
        changes = stop < lanes and not np.array_equal(table[:, order[stop]], table[:, order[stop - 1]])
        if stop == lanes or full or (changes and stop - start >= LEAST):
            block = order[start:stop]
            moved = [id for n, id in enumerate(ids) if table[n, block].any()]
            blocks.append((block, moved_by(network, moved)))
            start = stop
    return blocks


def _distance(stated: Mapping[int, Dense | NoisyMax], other: Mapping[int, Dense | NoisyMax]) -> Array:
    """Return the sum over tables of the spread of log ratios, shape (lanes,).

    A world's probability is a product of one entry a table, so its log ratio is between the sums of the least and of
    the greatest. A noisy-MAX is taken with its contributions explicit; summing them out brings models no further apart.
    """
    total = np.zeros(1)
    for i, before in stated.items():
        after = other[i]
        if isinstance(before, Dense) and isinstance(after, Dense):
            total = total + spread_of_logs(before.values[..., None], after.values)
        elif isinstance(before, NoisyMax) and isinstance(after, NoisyMax):
            for old, new in zip(before.terms, after.terms, strict=True):
                total = total + spread_of_logs(old.values[..., None], new.values)
    return total


def spread_of_logs(before: Array, after: Array) -> Array:
    """Return the greatest minus the least log ratio of two tables' entries, shape (lanes,); infinite for a new zero."""
    flat_before = before.reshape(-1, before.shape[-1])
    flat_after = after.reshape(-1, after.shape[-1])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where((flat_before == 0) & (flat_after == 0), 0.0, np.log(flat_after) - np.log(flat_before))
        spread = ratio.max(axis=0) - ratio.min(axis=0)
    return np.asarray(np.where(np.isnan(spread), np.inf, spread))
