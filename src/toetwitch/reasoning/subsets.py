"""Log-odds of a target under every subset of the evidence, in one run of the engine.

Every explanation asks the same thing: what would the answer be if only these findings were known? A finding left out
is one whose weights are all ones, so the subsets are lanes of one plan.
"""

from __future__ import annotations

__all__ = ["LANES_AT_ONCE", "coalition_log_odds", "connected", "item_weights"]

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from toetwitch.evidence import Evidence
from toetwitch.inference import ExactInference
from toetwitch.knowledge.network import NetworkDefinition

Array = NDArray[np.float64]

LANES_AT_ONCE = 512
"""Lanes a run: as many as keep its tables in cache."""


def item_weights(inference: ExactInference, evidence: Evidence) -> dict[str, Array]:
    """Return each evidence item as weights over its states, shape (states,); Jeffrey statements as fitted weights."""
    sizes = {id: len(variable.states) for id, variable in inference.network.by_id.items()}
    hard = {id: np.eye(sizes[id])[state] for id, state in evidence.hard.items()}
    return {**hard, **inference.weights(evidence)}


def coalition_log_odds(
    inference: ExactInference,
    items: Mapping[str, Array],
    coalitions: NDArray[np.bool_],
    target: str,
    state: int,
) -> Array:
    """Return ln odds(target = state | the items of each coalition), natural log.

    Parameters
    ----------
    inference
        The network.
    items
        Id to weights, shape (states,), in the order of the columns of `coalitions`.
    coalitions
        Shape (coalitions, items): which items are known.
    target, state
        The variable asked for, not among the items, and the index of its state.

    Returns
    -------
    numpy.ndarray
        Shape (coalitions,); plus or minus infinity where a coalition makes the state certain or impossible.
    """
    out = np.empty(len(coalitions))
    for start in range(0, len(coalitions), LANES_AT_ONCE):
        block = coalitions[start : start + LANES_AT_ONCE]
        varied = {id: np.where(block[:, k], weights[:, None], 1.0) for k, (id, weights) in enumerate(items.items())}
        _, marginals = inference.lanes(Evidence({}, {}, {}), varied, [target])
        posterior = marginals[target]
        present = posterior[state]
        absent = posterior.sum(axis=0) - present if len(posterior) > 2 else posterior[1 - state]
        with np.errstate(divide="ignore"):
            out[start : start + LANES_AT_ONCE] = np.log(present) - np.log(absent)
    return out


def connected(network: NetworkDefinition, target: str, items: Sequence[str]) -> frozenset[str]:
    """Return the items that can bear on the target under some subset of the others.

    The moral graph of the ancestors of target and items decides it: an item in another component is d-separated from
    the target under every subset.
    """
    needed: set[str] = set()
    stack = [target, *items]
    while stack:
        id = stack.pop()
        if id not in needed:
            needed.add(id)
            stack.extend(network.parents(id))
    neighbours: dict[str, set[str]] = {id: set() for id in needed}
    for id in needed:
        family = (id, *network.parents(id))
        for member in family:
            neighbours[member].update(family)
    reached: set[str] = set()
    stack = [target]
    while stack:
        id = stack.pop()
        if id not in reached:
            reached.add(id)
            stack.extend(neighbours[id])
    return frozenset(id for id in items if id in reached)
