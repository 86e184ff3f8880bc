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

__all__ = ["predict_leaves", "predictable_leaves"]

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine.factors import Evidence, restrict
from toetwitch.engine.potentials import NoisyMax, Potential
from toetwitch.engine.program import Program, load
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


def predict_leaves(
    program: Program,
    potentials: Sequence[Potential],
    evidence: Evidence,
    lanes: int,
    leaves: Mapping[int, int],
    log_evidence: Array,
    *,
    replaced: frozenset[int] = frozenset(),
) -> dict[int, Array]:
    """Return the posterior of each leaf, shape (size, lanes); zeros where the evidence is impossible.

    Parameters
    ----------
    program
        A program whose plan keeps the unobserved parents of the leaves.
    potentials, evidence, lanes, replaced
        What the program runs on.
    leaves
        Potential of each leaf.
    log_evidence
        Natural logarithm of the probability of the evidence alone, shape (lanes,).
    """
    questions = [(leaf, state) for leaf in leaves for state in range(program.plan.sizes[leaf] - 1)]
    factors = [_at_most(_noisy(potentials[leaves[leaf]]), state, evidence) for leaf, state in questions]
    if lanes == 1:
        log_totals = _side_by_side(program, potentials, evidence, [weights for weights, _ in factors], replaced)
    else:
        log_totals = np.stack(
            [load(program, potentials, evidence, lanes, replaced=replaced, extra=weights)[1] for weights, _ in factors]
            or [np.zeros(lanes)]
        )
    possible = log_evidence > -np.inf
    reference = np.where(possible, log_evidence, 0.0)
    cumulative = {leaf: [np.zeros(lanes)] for leaf in leaves}
    for (leaf, _), (_, factor), log_total in zip(questions, factors, log_totals, strict=False):
        at_most = np.exp(np.minimum(log_total - reference, 0.0)) * factor
        cumulative[leaf].append(np.clip(at_most, cumulative[leaf][-1], 1.0))
    return {leaf: np.diff(np.stack([*steps, np.ones(lanes)]), axis=0) * possible for leaf, steps in cumulative.items()}


def _side_by_side(
    program: Program,
    potentials: Sequence[Potential],
    evidence: Evidence,
    questions: Sequence[Mapping[int, Array]],
    replaced: frozenset[int],
) -> Array:
    """Return log P for each question's weights, shape (questions, 1), as lanes of one run."""
    if not questions:
        return np.zeros((0, 1))
    sizes = program.plan.sizes
    weights = {v: np.ones((sizes[v], len(questions))) for question in questions for v in question}
    for lane, question in enumerate(questions):
        for v, own in question.items():
            weights[v][:, lane] = own[:, 0]
    _, log_totals, _ = load(program, potentials, evidence, len(questions), replaced=replaced, extra=weights)
    return log_totals[:, np.newaxis]


def _noisy(potential: Potential) -> NoisyMax:
    assert isinstance(potential, NoisyMax)
    return potential


def _at_most(noisy: NoisyMax, state: int, evidence: Evidence) -> tuple[dict[int, Array], Array]:
    """Return P(contribution <= state) as weights on the unobserved parents, and its product over the other terms."""
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
