"""What would vanish if one cause were switched off: the twin network, folded into noisy-MAX states.

In the counterfactual world one cause is off and everything else that chance decided stays as it was. For findings
that independent causes bring about, switching a cause off can only remove contributions, so the pair (actual,
counterfactual) of a finding takes three values in one order: absent; present, but only thanks to this cause; present
anyway. The maximum of contributions respects that order, so the twin of a noisy-MAX is a noisy-MAX, and each cause is
a lane of one run. A graded finding observed in state s gets a fourth value, "above s", which the evidence rules out.
Causes that the switched cause may have led to stay as they were: the question is what *this* cause produces now.

Two forms do not fold into these three values: a graded finding in between whose state is not known, and a finding in
between that the cause holds back, which would appear, and bring about others, once the cause is gone. For the causes
that they concern, the two worlds stand side by side (`Counterfactual.vanishing`).

References
----------
Balke & Pearl (1994), Probabilistic evaluation of counterfactual queries. AAAI-94.
Richens, Lee & Johri (2020), Improving the accuracy of medical diagnosis with causal machine learning.
Nature Communications 11, 3923. doi:10.1038/s41467-020-17419-7
"""

from __future__ import annotations

__all__ = ["TwinInference"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine import CompiledNetwork, Dense, NoisyMax, Term
from toetwitch.evidence import Evidence
from toetwitch.inference.counterfactual import Counterfactual
from toetwitch.inference.exact import ExactInference

Array = NDArray[np.float64]

ABSENT, THANKS_TO_CAUSE, ANYWAY, ABOVE = range(4)


@dataclass(frozen=True, slots=True)
class _Twin:
    compiled: CompiledNetwork
    lanes: Mapping[int, Dense | NoisyMax]


class TwinInference:
    """Counterfactual questions about switching off one cause at a time.

    Parameters
    ----------
    exact
        Inference in the actual world.
    causes
        Ids of the causes, one lane each.
    """

    def __init__(self, exact: ExactInference, causes: Sequence[str]) -> None:
        self.exact = exact
        self.causes = tuple(causes)
        self.worlds = Counterfactual(exact)
        self._parents = {i: self._direct(i) for i in self._folded(())}
        self._odd = self._odd_between()
        self._twin = lru_cache(maxsize=64)(self._build)

    def necessity(self, evidence: Evidence) -> dict[str, dict[str, float]]:
        """Return cause to finding to P(the finding is present, and would be absent without this cause | evidence).

        Findings are the noisy-MAX variables with evidence above their lowest state. Hard evidence on graded findings
        is read as observed; soft evidence on graded findings is kept as evidence but not attributed. Impossible
        evidence gives zeros.
        """
        graded = tuple(sorted((id, s) for id, s in evidence.hard.items() if s > 0 and self._is_graded(id)))
        twin = self._twin(graded)
        hard, soft = self._translated(evidence)
        findings = self._attributed(evidence)
        if not findings:
            return {cause: {} for cause in self.causes}
        targets = [self.exact.index(id) for id in findings]
        needed = set(targets) | self._above(targets)
        lanes = {i: potential for i, potential in twin.lanes.items() if i in needed}
        aside = self.side_by_side(evidence)
        if not lanes and not aside:
            return {cause: dict.fromkeys(findings, 0.0) for cause in self.causes}
        log_evidence, marginals = twin.compiled.lanes(hard, soft, lanes, targets)
        possible = np.broadcast_to(~np.isinf(log_evidence), len(self.causes))
        found = {
            cause: {
                id: float(marginals[i][THANKS_TO_CAUSE, lane if lanes else 0]) if possible[lane] else 0.0
                for id, i in zip(findings, targets, strict=True)
            }
            for lane, cause in enumerate(self.causes)
        }
        if possible.any():
            found.update({cause: self.worlds.vanishing(evidence, cause, findings) for cause in aside})
        return found

    def side_by_side(self, evidence: Evidence) -> tuple[str, ...]:
        """Return the causes for which a finding in between does not fold."""
        if not self._odd:
            return ()
        between = set(self._odd) & self._above([self.exact.index(id) for id in self._attributed(evidence)])
        names = self.exact.network.variables
        graded = {i for i in between if self.exact.resolved.sizes[i] > 2 and names[i].id not in evidence.hard}
        held = {j for i in between for j in self._odd[i]}
        return tuple(
            cause
            for cause in self.causes
            if (c := self.exact.index(cause)) in held or any(c in self._findings_above(i) for i in graded)
        )

    def _odd_between(self) -> dict[int, tuple[int, ...]]:
        """Return the findings above another that are graded, or that causes can hold back, with these causes."""
        count, potentials = len(self.exact.network.variables), self.exact.resolved.potentials
        between = {j for i in self._parents for j in self._parents[i] if j in self._parents and j < count}
        found: dict[int, tuple[int, ...]] = {}
        for i in sorted(between):
            holding = tuple(j for j in self._parents[i] if j < count) if isinstance(potentials[i], Dense) else ()
            if holding or self.exact.resolved.sizes[i] > 2:
                found[i] = holding
        return found

    def _direct(self, i: int) -> list[int]:
        potential = self.exact.resolved.potentials[i]
        if isinstance(potential, Dense):
            return [j for j in potential.scope if j != i]
        return [term.parent for term in potential.terms if term.parent is not None]

    def _findings_above(self, i: int) -> set[int]:
        """Return what stands above a finding by way of findings alone."""
        found: set[int] = set()
        stack = [i]
        while stack:
            for j in self._parents.get(stack.pop(), []):
                if j not in found:
                    found.add(j)
                    stack.append(j)
        return found

    def _attributed(self, evidence: Evidence) -> list[str]:
        present = [id for id, s in evidence.hard.items() if s > 0 and self._folds(id)]
        soft = [id for id in (*evidence.soft, *evidence.jeffrey) if self._folds(id) and not self._is_graded(id)]
        return present + soft

    def _is_graded(self, id: str) -> bool:
        return self._folds(id) and len(self.exact.network.by_id[id].states) > 2

    def _folds(self, id: str) -> bool:
        i = self.exact.index(id)
        return i in self._folded(())

    def _folded(self, graded: tuple[tuple[str, int], ...]) -> dict[int, int]:
        """Return the variables whose states become twin states, with the observed state of graded ones (else 1)."""
        states = {self.exact.index(id): s for id, s in graded}
        resolved = self.exact.resolved
        folded = {}
        for i, potential in enumerate(resolved.potentials):
            if isinstance(potential, NoisyMax):
                folded[i] = states.get(i, 1)
            elif any(j >= len(self.exact.network.variables) for j in potential.scope):
                folded[i] = 1
        return folded

    def _above(self, targets: Sequence[int]) -> set[int]:
        found: set[int] = set()
        stack = list(targets)
        while stack:
            potential = self.exact.resolved.potentials[stack.pop()]
            terms = () if isinstance(potential, Dense) else potential.terms
            parents = [term.parent for term in terms if term.parent is not None]
            scope = potential.scope if isinstance(potential, Dense) else parents
            new = set(scope) - found
            found |= new
            stack.extend(new)
        return found

    def _translated(self, evidence: Evidence) -> tuple[dict[int, int], dict[int, Array]]:
        hard: dict[int, int] = {}
        soft: dict[int, Array] = {}
        folded = self._folded(())
        sizes = self.exact.resolved.sizes
        for id, s in evidence.hard.items():
            i = self.exact.index(id)
            if i not in folded or s == 0:
                hard[i] = s
            else:
                soft[i] = np.array([0.0, 1.0, 1.0] + [0.0] * (s < sizes[i] - 1))
        for id, weights in self.exact.weights(evidence).items():
            i = self.exact.index(id)
            if i in folded and sizes[i] == 2:
                soft[i] = np.array([weights[0], weights[1], weights[1]])
            else:
                soft[i] = weights
        return hard, soft

    # -- construction ---------------------------------------------------------------------------------------------

    def _build(self, graded: tuple[tuple[str, int], ...]) -> _Twin:
        resolved = self.exact.resolved
        observed = dict(graded)
        folded = {
            i: s
            for i, s in self._folded(graded).items()
            if resolved.sizes[i] == 2 or self.exact.network.variables[i].id in observed
        }
        sizes = [3 + (folded[i] < size - 1) if i in folded else size for i, size in enumerate(resolved.sizes)]
        lane_of = {self.exact.index(id): lane for lane, id in enumerate(self.causes)}
        plain: list[Dense | NoisyMax] = []
        lanes: dict[int, Dense | NoisyMax] = {}
        for i, potential in enumerate(resolved.potentials):
            if isinstance(potential, NoisyMax):
                plain.append(self._noisy_max(potential, folded, sizes, {}))
                if any(term.parent in lane_of for term in potential.terms) and i in folded:
                    lanes[i] = self._noisy_max(potential, folded, sizes, lane_of)
            else:
                plain.append(_dense(potential, i, folded, sizes))
        budget = self.exact.memory_budget
        return _Twin(CompiledNetwork(sizes, plain, memory_budget=budget), lanes)

    def _noisy_max(
        self, potential: NoisyMax, folded: Mapping[int, int], sizes: Sequence[int], lane_of: Mapping[int, int]
    ) -> NoisyMax:
        terms = []
        for term in potential.terms:
            values = term.values if term.parent is None else _copied_states(term.values, 0, term.parent, folded, sizes)
            if potential.child not in folded:
                terms.append(Term(term.parent, values))
                continue
            observed, size = folded[potential.child], sizes[potential.child]
            anyway = _contribution(values, observed, size, ANYWAY)
            if term.parent in folded:
                anyway[THANKS_TO_CAUSE] = _contribution(values, observed, size, THANKS_TO_CAUSE)[THANKS_TO_CAUSE]
            if term.parent is not None and term.parent in lane_of:
                by_lane = np.repeat(anyway[..., None], len(self.causes), axis=-1)
                by_lane[..., lane_of[term.parent]] = _contribution(values, observed, size, THANKS_TO_CAUSE)
                anyway = by_lane
            elif lane_of:
                anyway = np.repeat(anyway[..., None], len(self.causes), axis=-1)
            terms.append(Term(term.parent, anyway))
        return NoisyMax(potential.child, tuple(terms))


def _contribution(values: Array, observed: int, size: int, kind: int) -> Array:
    """Return contributions over twin states, shape (..., size): below `observed`, at it (as `kind`), above it."""
    out = np.zeros([*values.shape[:-1], size])
    out[..., ABSENT] = values[..., :observed].sum(axis=-1)
    out[..., kind] = values[..., observed]
    if size > ABOVE:
        out[..., ABOVE] = values[..., observed + 1 :].sum(axis=-1)
    return out


def _copied_states(values: Array, axis: int, i: int, folded: Mapping[int, int], sizes: Sequence[int]) -> Array:
    """Spread an axis over a folded variable's twin states: both kinds of present act as present."""
    if i not in folded:
        return values
    return np.take(values, [0, 1, 1, 1][: sizes[i]], axis=axis)


def _dense(potential: Dense, child: int, folded: Mapping[int, int], sizes: Sequence[int]) -> Dense:
    """Return a table over twin states; a child held back from its drive keeps the drive's kind of presence."""
    values = potential.values
    for axis, i in enumerate(potential.scope):
        if i != child:
            values = _copied_states(values, axis, i, folded, sizes)
    if child not in folded:
        return Dense(potential.scope, values)
    drive_axis = 0
    axis = potential.scope.index(child)
    absent, present = np.take(values, 0, axis=axis), np.take(values, 1, axis=axis)
    kinds = [absent]
    for kind in (THANKS_TO_CAUSE, ANYWAY):
        mask = np.zeros(values.shape[drive_axis])
        mask[kind] = 1.0
        kinds.append(present * mask.reshape([-1] + [1] * (present.ndim - 1)))
    return Dense(potential.scope, np.stack(kinds, axis=axis))
