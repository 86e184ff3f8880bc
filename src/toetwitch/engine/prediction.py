"""Posteriors of unobserved noisy-max leaves without building their tables.

P(leaf <= s, e) is the probability of the evidence with one more factor on each parent, P(contribution <= s | parent).
That is a lane of the same plan with other weights, so sixty unasked findings cost sixty upward lanes of a small plan
instead of one pass through a plan that joins the parents of all of them.

References
----------
Heckerman, D. & Breese, J. S. (1996). Causal independence for probability assessment and inference using Bayesian
networks. IEEE Trans. SMC-A 26(6), 826-831.
"""

from __future__ import annotations

__all__ = ["at_most", "leaf_posteriors", "predictable_leaves"]

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine.factors import Evidence, restrict
from toetwitch.engine.potentials import NoisyMax, Potential
from toetwitch.engine.structure import NoisyMaxShape, Structure

Array = NDArray[np.float64]


def predictable_leaves(structure: Structure, wanted: frozenset[int], weighted: frozenset[int]) -> dict[int, int]:
    """Return the wanted, unweighted noisy-max children that nothing else mentions, each with its potential."""
    mentions = [0] * len(structure.sizes)
    for shape in structure.shapes:
        for variable in shape.variables:
            mentions[variable] += 1
    return {
        shape.child: index
        for index, shape in enumerate(structure.shapes)
        if isinstance(shape, NoisyMaxShape)
        and shape.child in wanted
        and shape.child not in weighted
        and mentions[shape.child] == 1
    }


def at_most(noisy: Potential, state: int, evidence: Evidence) -> tuple[dict[int, Array], Array]:
    """Return P(contribution <= state) as weights on the unobserved parents, and its product over the other terms."""
    assert isinstance(noisy, NoisyMax)
    weights: dict[int, Array] = {}
    factor: Array = np.ones(1)
    for term in noisy.terms:
        axis = term.axes - 1
        upto = term.values[(slice(None),) * axis + (slice(0, state + 1),)].sum(axis=axis)
        if term.parent is None:
            factor = factor * np.atleast_1d(upto)
        elif term.parent in evidence.states:
            factor = factor * restrict(upto, 1, {0: evidence.states[term.parent]})
        else:
            weights[term.parent] = upto if upto.ndim == 2 else upto[:, np.newaxis]
    return weights, factor


def leaf_posteriors(
    questions: Sequence[tuple[int, int]], factors: Sequence[Array], log_totals: Array, log_evidence: Array
) -> dict[int, Array]:
    """Return the posterior of each leaf, shape (size, lanes); zeros where the evidence is impossible.

    Parameters
    ----------
    questions
        (leaf, state) pairs, the states of each leaf ascending from zero and all but the last.
    factors
        For each, the part of P(leaf <= state | ...) that no unobserved parent enters.
    log_totals
        For each, natural logarithm of P(evidence, the other part), shape (questions, lanes).
    log_evidence
        Natural logarithm of P(evidence), shape (lanes,).
    """
    possible = log_evidence > -np.inf
    reference = np.where(possible, log_evidence, 0.0)
    cumulative: dict[int, list[Array]] = {}
    for (leaf, _), factor, log_total in zip(questions, factors, log_totals, strict=True):
        steps = cumulative.setdefault(leaf, [np.zeros(len(possible))])
        steps.append(np.clip(np.exp(np.minimum(log_total - reference, 0.0)) * factor, steps[-1], 1.0))
    return {
        leaf: np.diff(np.stack([*steps, np.ones(len(possible))]), axis=0) * possible
        for leaf, steps in cumulative.items()
    }
