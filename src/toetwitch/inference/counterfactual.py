"""Interventions, and what would have been seen under one: surgery on tables, and the twin network.

To do X = x is to cut the arcs into X: its table is replaced by one that always says x, so that nothing above X is
learnt from it. A counterfactual asks more: given what was seen, what would have been seen under the intervention? The
twin network answers it: every variable below the intervention gets a copy for the counterfactual world, all chance is
shared between the worlds, and the rest is common to both.

What is shared must be said where a table does not: each link of a noisy-MAX, and the background, is its own chance
event, so a link that fires in the one world fires in the other when its parent acts there too; any other table is
coupled by quantiles (the same uniform number picks the state in both worlds, states in their order), which changes as
little as the two distributions allow and never turns a better cause into a worse outcome.

References
----------
Pearl (2009), Causality, 2nd ed., sections 1.3, 7.1. Balke & Pearl (1994), Probabilistic evaluation of counterfactual
queries. AAAI-94.
"""

from __future__ import annotations

__all__ = ["Counterfactual", "always"]

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine import CompiledNetwork, Dense, NoisyMax, Term
from toetwitch.errors import ImpossibleEvidenceError
from toetwitch.evidence import Evidence
from toetwitch.inference.exact import ExactInference

Array = NDArray[np.float64]


def always(potential: Dense | NoisyMax, child: int, state: int) -> Dense | NoisyMax:
    """Return a table over the same variables that says one state whatever the parents are.

    Examples
    --------
    >>> always(Dense((0, 1), [[0.9, 0.1], [0.2, 0.8]]), 1, 0).values.tolist()
    [[1.0, 0.0], [1.0, 0.0]]
    """
    if isinstance(potential, Dense):
        axis = potential.scope.index(child)
        values = np.zeros_like(potential.values)
        np.moveaxis(values, axis, -1)[..., state] = 1.0
        return Dense(potential.scope, values)
    terms = []
    for n, term in enumerate(potential.terms):
        values = np.zeros_like(term.values)
        values[..., state if n == 0 else 0] = 1.0
        terms.append(Term(term.parent, values))
    return NoisyMax(potential.child, tuple(terms))


@dataclass(frozen=True, slots=True)
class _Twin:
    compiled: CompiledNetwork
    primed: Mapping[int, int]


class Counterfactual:
    """Questions about interventions in one network.

    Parameters
    ----------
    exact
        Inference in the actual world.
    """

    def __init__(self, exact: ExactInference) -> None:
        self.exact = exact
        self._twin = lru_cache(maxsize=128)(self._build)
        self._without = lru_cache(maxsize=64)(self._build_without)

    def intervened(self, evidence: Evidence, do: Mapping[str, int], targets: Sequence[str]) -> dict[str, Array]:
        """Return P(target | evidence, do), shape (states,): the evidence is what is seen under the intervention.

        Whatever the evidence says of a variable that is set is dropped. Jeffrey statements count as the weights that
        make them hold without the intervention.

        Raises
        ------
        ImpossibleEvidenceError
            When the evidence has probability zero under the intervention.
        """
        exact, index = self.exact, self.exact.index
        rest = evidence.without(*do)
        hard = {index(id): state for id, state in (*rest.hard.items(), *do.items())}
        soft = {index(id): weights for id, weights in exact.weights(rest).items()}
        cut = {index(id): always(exact.resolved.potentials[index(id)], index(id), state) for id, state in do.items()}
        with exact.named_budget():
            log_evidence, marginals = exact.compiled.lanes(hard, soft, cut, [index(id) for id in targets])
        if math.isinf(log_evidence[0]):
            raise ImpossibleEvidenceError("the evidence cannot be seen under the intervention", rest.ids)
        return {id: marginals[index(id)][:, 0] for id in targets}

    def would_be(self, evidence: Evidence, do: Mapping[str, int], targets: Sequence[str]) -> dict[str, Array]:
        """Return P(target would be in each state under the intervention | what was seen), shape (states,).

        Raises
        ------
        ImpossibleEvidenceError
            When the evidence has probability zero.
        """
        index, sizes = self.exact.index, self.exact.resolved.sizes
        setting = tuple(sorted((index(id), state) for id, state in do.items()))
        wanted = tuple(sorted({index(id) for id in targets} - {i for i, _ in setting}))
        twin = self._twin(setting, wanted)
        hard = {index(id): state for id, state in evidence.hard.items()}
        soft = {index(id): weights for id, weights in self.exact.weights(evidence).items()}
        with self.exact.named_budget():
            answer = twin.compiled.posterior(hard, soft, [twin.primed.get(i, i) for i in wanted])
        if math.isinf(answer.log_evidence):
            raise ImpossibleEvidenceError("the evidence has probability zero", evidence.ids)
        found = {i: answer.marginals[twin.primed.get(i, i)] for i in wanted}
        found.update({i: np.eye(sizes[i])[state] for i, state in setting})
        return {id: found[index(id)] for id in targets}

    def vanishing(self, evidence: Evidence, cause: str, findings: Sequence[str]) -> dict[str, float]:
        """Return P(finding as seen, and lower were the cause switched off | evidence), all but findings as it was.

        Findings are noisy-MAX variables; those that stand between them and the cause have copies, whether they are
        graded or binary, seen or not, brought about by the cause or held back by it. Other causes stay as they are.

        Raises
        ------
        ImpossibleEvidenceError
            When the evidence has probability zero.
        """
        index, sizes = self.exact.index, self.exact.resolved.sizes
        wanted = tuple(sorted(index(id) for id in findings))
        twin = self._without(index(cause), wanted)
        hard = {index(id): state for id, state in evidence.hard.items()}
        soft = {index(id): weights for id, weights in self.exact.weights(evidence).items()}
        found = dict.fromkeys(findings, 0.0)
        for id in findings:
            i = index(id)
            if i not in twin.primed:
                continue
            with self.exact.named_budget():
                log_evidence, joint = twin.compiled.joint(hard, soft, [i, twin.primed[i]])
            if math.isinf(log_evidence):
                raise ImpossibleEvidenceError("the evidence has probability zero", evidence.ids)
            seen = [hard[i]] if i in hard else range(1, sizes[i])
            found[id] = float(sum(joint[s, :s].sum() for s in seen))
        return found

    # -- the twin network -----------------------------------------------------------------------------------------

    def _build_without(self, cause: int, wanted: tuple[int, ...]) -> _Twin:
        resolved = self.exact.resolved
        count = len(self.exact.network.variables)
        findings = {
            i
            for i, potential in enumerate(resolved.potentials)
            if isinstance(potential, NoisyMax) or any(j >= count for j in potential.scope)
        }
        parents = [_parents(i, potential) if i in findings else () for i, potential in enumerate(resolved.potentials)]
        return self._twin_of(((cause, 0),), _below({cause}, parents) & _above(wanted, parents))

    def _build(self, setting: tuple[tuple[int, int], ...], wanted: tuple[int, ...]) -> _Twin:
        resolved = self.exact.resolved
        parents = [_parents(i, potential) for i, potential in enumerate(resolved.potentials)]
        return self._twin_of(setting, _below({i for i, _ in setting}, parents) & _above(wanted, parents))

    def _twin_of(self, setting: tuple[tuple[int, int], ...], below: set[int]) -> _Twin:
        """Return the network of both worlds, with a copy of each variable of `below`."""
        resolved = self.exact.resolved
        work = _Work(list(resolved.sizes), list(resolved.potentials), dict(setting))
        for i in sorted(below):
            work.primed[i] = work.new(resolved.sizes[i])
        for i in sorted(below):
            potential = resolved.potentials[i]
            if isinstance(potential, NoisyMax):
                work.split(i, potential)
            else:
                work.couple(i, potential)
        potentials = [work.potentials[i] for i in range(len(work.sizes))]
        return _Twin(CompiledNetwork(work.sizes, potentials, memory_budget=self.exact.memory_budget), dict(work.primed))


class _Work:
    """A twin network being made: variables and potentials are added to the actual world's."""

    def __init__(self, sizes: list[int], potentials: Sequence[Dense | NoisyMax], setting: Mapping[int, int]) -> None:
        self.sizes = sizes
        self.potentials: dict[int, Dense | NoisyMax] = dict(enumerate(potentials))
        self.setting = setting
        self.primed: dict[int, int] = {}

    def new(self, size: int) -> int:
        self.sizes.append(size)
        return len(self.sizes) - 1

    def couple(self, child: int, potential: Dense) -> None:
        """Add the copy of a table's child: P(copy | child, parents, copies of the parents), by quantiles."""
        axis = potential.scope.index(child)
        scope = [i for i in potential.scope if i != child]
        self._add_copy(child, self.primed[child], scope, np.moveaxis(potential.values, axis, -1))

    def split(self, child: int, potential: NoisyMax) -> None:
        """Make the contributions that both worlds share, or that differ, explicit, and both children their maximum."""
        size = self.sizes[child]
        touched = {*self.setting, *self.primed}
        shared = [term for term in potential.terms if term.parent not in touched]
        same, other = [], []
        if shared:
            common = self.new(size)
            self.potentials[common] = NoisyMax(common, tuple(shared))
            same.append(common)
            other.append(common)
        for term in potential.terms:
            if term.parent is None or term.parent not in touched:
                continue
            contribution, copy = self.new(size), self.new(size)
            self.potentials[contribution] = Dense((term.parent, contribution), term.values)
            self._add_copy(contribution, copy, [term.parent], term.values)
            same.append(contribution)
            other.append(copy)
        as_it_is = np.eye(size)
        self.potentials[child] = NoisyMax(child, tuple(Term(i, as_it_is) for i in same))
        self.potentials[self.primed[child]] = NoisyMax(self.primed[child], tuple(Term(i, as_it_is) for i in other))

    def _add_copy(self, child: int, copy: int, scope: Sequence[int], values: Array) -> None:
        """Add P(copy | child, parents, their copies) from `values`, shape (parents ..., states of the child)."""
        doubled = [i for i in scope if i in self.primed]
        actual = values.reshape(*values.shape[:-1], *(1 for _ in doubled), values.shape[-1], 1)
        # The counterfactual table: set parents at their state, parents with a copy on the copy's axis.
        taken = values
        for axis, i in enumerate(scope):
            if i in self.setting:
                taken = np.take(taken, [self.setting[i]], axis=axis)
        own = [axis for axis, i in enumerate(scope) if i in self.primed]
        rest = [1 if axis in own else taken.shape[axis] for axis in range(len(scope))]
        moved = np.moveaxis(taken, own, range(len(scope) - len(own), len(scope))) if own else taken
        kept = [taken.shape[axis] for axis in range(len(scope)) if axis not in own]
        moved = moved.reshape(*kept, *(taken.shape[axis] for axis in own), values.shape[-1])
        counter = moved.reshape(*rest, *(taken.shape[axis] for axis in own), 1, values.shape[-1])
        joint = _by_quantiles(actual, counter)
        share = joint / np.where(actual > 0, actual, 1.0)
        table = np.where(actual > 0, share, np.broadcast_to(counter, joint.shape))
        total = table.sum(axis=-1, keepdims=True)
        # A state too improbable for a double to resolve its quantiles has no share: the copy is then drawn afresh.
        table = np.where(total > 0, table / np.where(total > 0, total, 1.0), np.broadcast_to(counter, joint.shape))
        self.potentials[copy] = Dense((*scope, *(self.primed[i] for i in doubled), child, copy), table)


def _by_quantiles(first: Array, second: Array) -> Array:
    """Return the joint of two distributions that one uniform number picks: first over axis -2, second over axis -1."""
    f, g = np.cumsum(first, axis=-2), np.cumsum(second, axis=-1)
    upper = np.minimum(f, g)
    lower = np.maximum(f - first, g - second)
    return np.asarray(np.clip(upper - lower, 0.0, None))


def _parents(child: int, potential: Dense | NoisyMax) -> tuple[int, ...]:
    if isinstance(potential, Dense):
        return tuple(i for i in potential.scope if i != child)
    return tuple(term.parent for term in potential.terms if term.parent is not None)


def _below(roots: set[int], parents: Sequence[Sequence[int]]) -> set[int]:
    """Return the proper descendants of the roots that are none of them; a set variable passes nothing on to itself."""
    found: set[int] = set()
    grew = True
    while grew:
        more = {
            i for i, above in enumerate(parents) if i not in found and i not in roots and (found | roots) & set(above)
        }
        grew = bool(more)
        found |= more
    return found


def _above(wanted: Sequence[int], parents: Sequence[Sequence[int]]) -> set[int]:
    found: set[int] = set()
    stack = list(wanted)
    while stack:
        i = stack.pop()
        if i not in found:
            found.add(i)
            stack.extend(parents[i])
    return found
