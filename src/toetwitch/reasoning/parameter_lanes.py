"""Stated numbers as lanes: other values of the parameters, answered side by side.

Whatever a paper's number enters, directly or by way of a solved intercept or leak, is solved again in every lane, so
an answer under other numbers is the answer of the model that states them. Values under which no model exists (no leak
gives the cited prevalence) are marked, not bent.
"""

from __future__ import annotations

__all__ = ["ParameterLanes", "numbers_at", "relevant", "run_numbers", "spread_of_logs"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine import Dense, NoisyMax
from toetwitch.errors import TableError
from toetwitch.evidence import Evidence
from toetwitch.inference import ExactInference, Numbers, resolve
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.parameters import Parameter

Array = NDArray[np.float64]

BLOCK = 256
"""Lanes solved at once: their tables stay in cache."""


@dataclass(frozen=True, slots=True, eq=False)
class ParameterLanes:
    """Answers under other numbers; a lane without a model, or with impossible evidence, has NaN and is not `valid`.

    Parameters
    ----------
    log_evidence
        Natural log of P(evidence), shape (lanes,).
    marginals
        Id to posteriors, shape (states, lanes).
    distance
        A bound on the Chan-Darwiche distance to the model, shape (lanes,): no log-odds of any question moved further.
    valid
        Where there is an answer, shape (lanes,).
    """

    log_evidence: Array
    marginals: Mapping[str, Array]
    distance: Array
    valid: NDArray[np.bool_]


def relevant(network: NetworkDefinition, parameters: Sequence[Parameter], ids: Sequence[str]) -> list[Parameter]:
    """Return the parameters that can matter to a question about these ids: those of the ids and their ancestors."""
    found: set[str] = set()
    stack = list(ids)
    while stack:
        id = stack.pop()
        if id not in found:
            found.add(id)
            stack.extend(network.parents(id))
    return [parameter for parameter in parameters if parameter.child in found]


def numbers_at(rows: Sequence[Mapping[str, float]], parameters: Sequence[Parameter]) -> dict[str, Array]:
    """Return path to values, shape (rows,): each row changes some parameters, the others keep their estimates.

    Entries of a cited row of a table that are not changed share what the changed ones leave, in proportion, as they
    do where nothing else is stated.
    """
    stated = {parameter.path: parameter.estimate.value for parameter in parameters}
    cited_rows: dict[str, list[str]] = {}
    for parameter in parameters:
        if parameter.role == "row":
            cited_rows.setdefault(parameter.path.rpartition("].")[0], []).append(parameter.path)
    named = dict.fromkeys(path for row in rows for path in row)
    values = {path: np.array([row.get(path, stated[path]) for row in rows]) for path in named}
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
    inference: ExactInference, evidence: Evidence, numbers: Mapping[str, Array], lanes: int, targets: Sequence[str]
) -> ParameterLanes:
    """Answer a question under other numbers.

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
    """
    sizes = {id: len(inference.network.by_id[id].states) for id in targets}
    answer = ParameterLanes(
        np.full(lanes, np.nan),
        {id: np.full((size, lanes), np.nan) for id, size in sizes.items()},
        np.full(lanes, np.nan),
        np.zeros(lanes, dtype=bool),
    )
    hard = {inference.index(id): state for id, state in evidence.hard.items()}
    soft = {inference.index(id): weights for id, weights in inference.weights(evidence).items()}
    pending = [np.arange(start, min(start + BLOCK, lanes)) for start in range(0, lanes, BLOCK)]
    while pending:
        block = pending.pop()
        chosen = {path: values[block] for path, values in numbers.items()}
        try:
            # A lane more than needed keeps the lane axis where there is a single one.
            padded = {path: np.append(values, values[-1:]) for path, values in chosen.items()}
            resolved = resolve(inference.network, shifts=inference.shifts, numbers=Numbers(len(block) + 1, padded))
        except TableError:
            if len(block) > 1:
                pending += list(np.array_split(block, 2))
            continue
        with inference.named_budget():
            log_evidence, marginals = inference.compiled.lanes(
                hard, soft, dict(enumerate(resolved.potentials)), [inference.index(id) for id in targets]
            )
        count = len(block)
        answer.log_evidence[block] = log_evidence[:count]
        answer.valid[block] = np.isfinite(log_evidence[:count])
        answer.distance[block] = _distance(inference.resolved.potentials, resolved.potentials)[:count]
        for id in targets:
            found = marginals[inference.index(id)][:, :count]
            answer.marginals[id][:, block] = np.where(answer.valid[block], found, np.nan)
    return answer


def _distance(stated: Sequence[Dense | NoisyMax], other: Sequence[Dense | NoisyMax]) -> Array:
    """Return the sum over tables of the spread of log ratios, shape (lanes,).

    A world's probability is a product of one entry a table, so its log ratio is between the sums of the least and of
    the greatest. A noisy-MAX is taken with its contributions explicit; summing them out brings models no further apart.
    """
    total = np.zeros(1)
    for before, after in zip(stated, other, strict=True):
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
