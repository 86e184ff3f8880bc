"""What would vanish if one cause were switched off, from one derivative of log P(evidence).

A noisy-MAX finding seen in state s is there only thanks to cause C when every other contribution stays below s and
C's reaches it. P(evidence) is linear in the probabilities of C's contribution, and moving mass from "just below s" to
"s" changes it by exactly the probability of the first event. So with c(s) = P(C's contribution is s | C present) and
g(s) = d log P(evidence) / d c(s),

    necessity = c(s) * (g(s) - g(s - 1)),

for every cause and finding at once, from one backward pass. Findings with soft evidence, and findings that may vanish
because a finding above them does (a toe moves because its muscle twitches), take a few lanes more: in the lane where
the finding is below its state, and the findings above it are in given states, the part with C present is scaled by
the chance that they vanish with it.

Where the evidence allows it, all of this is read off the lanes of the posterior itself
(`toetwitch.inference.expansion`), to six digits or better.

`toetwitch.inference.twin` answers the same question on the explicit twin network, and takes over for the few forms that
this scheme leaves out (links that never fail into a finding above, deeper chains, findings in between that are graded
and unknown or that a cause holds back).

References
----------
Richens, Lee & Johri (2020), Improving the accuracy of medical diagnosis with causal machine learning.
Nature Communications 11, 3923. doi:10.1038/s41467-020-17419-7 (expected disablement)
Darwiche (2003), A differential approach to inference in Bayesian networks. Journal of the ACM 50, 280-305.
"""

from __future__ import annotations

__all__ = ["Disablement"]

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine import Dense, NoisyMax
from toetwitch.evidence import Evidence
from toetwitch.inference.exact import ExactInference
from toetwitch.inference.expansion import DECISION_AMPLIFICATION, Expansion
from toetwitch.inference.twin import TwinInference

Array = NDArray[np.float64]

MAX_CONFIGURATIONS = 64
"""Lanes for the states of the findings above one finding; past six of them the twin network is asked."""


@dataclass(frozen=True, slots=True)
class _Finding:
    """A present finding.

    Parameters
    ----------
    id, index
        Which.
    child
        The noisy-MAX that makes it: itself, or its hidden drive.
    state
        The observed state of `child`.
    above
        Findings that could vanish with the cause and take this one along.
    """

    id: str
    index: int
    child: int
    state: int
    above: tuple[int, ...]


class Disablement:
    """The necessity of every cause for every present finding, exactly.

    Parameters
    ----------
    exact
        Inference in the actual world.
    causes
        Ids of binary causes.
    """

    def __init__(self, exact: ExactInference, causes: Sequence[str]) -> None:
        self.exact = exact
        self.causes = tuple(causes)
        self.twin = TwinInference(exact, causes)
        self._indices = [exact.index(id) for id in self.causes]
        self._potentials = exact.resolved.potentials

    def necessity(self, evidence: Evidence) -> dict[str, dict[str, float]]:
        """Return cause to finding to P(the finding is present, and would be absent without this cause | evidence).

        Findings are the noisy-MAX variables with evidence above their lowest state; binary ones also with soft
        evidence. Evidence of probability zero gives zeros.
        """
        weights = self.exact.weights(evidence)
        present = [id for id, s in evidence.hard.items() if s > 0 and self._child(self.exact.index(id)) is not None]
        soft = [id for id in weights if self._child(self.exact.index(id)) is not None and len(weights[id]) == 2]
        findings = [self._finding(id, evidence) for id in (*present, *soft)]
        aside = self.twin.side_by_side(evidence) if findings else ()
        if aside:
            explicit = self.twin.necessity(evidence)
            return {cause: {finding.id: explicit[cause][finding.id] for finding in findings} for cause in self.causes}
        shares = self._by_sums(findings, evidence, weights)
        if shares is not None:
            return self._table(findings, shares)
        shares = {}
        direct = [finding for finding in findings if not finding.above and finding.id not in weights]
        if direct:
            shares.update(self._by_derivative(direct, evidence, weights))
        for finding in findings:
            if finding.id not in shares and self._fits_lanes(finding, evidence, weights):
                shares[finding.id] = self._by_lanes(finding, evidence, weights)
        if len(shares) < len(findings):
            explicit = self.twin.necessity(evidence)
            for finding in findings:
                row = np.array([explicit[cause][finding.id] for cause in self.causes])
                shares.setdefault(finding.id, row)
        return self._table(findings, shares)

    def _table(self, findings: Sequence[_Finding], shares: Mapping[str, Array]) -> dict[str, dict[str, float]]:
        return {
            cause: {finding.id: float(shares[finding.id][k]) for finding in findings}
            for k, cause in enumerate(self.causes)
        }

    # -- the form of a finding ------------------------------------------------------------------------------------

    def _child(self, i: int) -> int | None:
        """Return the noisy-MAX that makes a finding: itself or its hidden drive; None when there is none."""
        potential = self._potentials[i]
        if isinstance(potential, NoisyMax):
            return i
        hidden = [j for j in potential.scope if j >= len(self.exact.network.variables)]
        return hidden[0] if hidden else None

    def _finding(self, id: str, evidence: Evidence) -> _Finding:
        i = self.exact.index(id)
        child = self._child(i)
        noisy = self._noisy(i if child is None else child)
        absent = {self.exact.index(other) for other, s in evidence.hard.items() if s == 0}
        parents = [term.parent for term in noisy.terms if term.parent is not None]
        above = tuple(p for p in parents if self._child(p) is not None and p not in absent)
        return _Finding(id, i, noisy.child, evidence.hard.get(id, 1), above)

    def _noisy(self, i: int) -> NoisyMax:
        potential = self._potentials[i]
        if not isinstance(potential, NoisyMax):
            raise TypeError(f"variable {i} is made by a {type(potential).__name__}; expected a noisy-MAX")
        return potential

    def _fits_lanes(self, finding: _Finding, evidence: Evidence, weights: Mapping[str, Array]) -> bool:
        known = {self.exact.index(id) for id in (*evidence.hard, *weights)}
        for i in (finding.index, *finding.above):
            if set(self.exact.expander.observed_below(i, known)) - {finding.index}:
                return False
        if finding.child != finding.index or 2 ** len(finding.above) > MAX_CONFIGURATIONS:
            return False
        if not all(self._fits_above(m) for m in finding.above):
            return False
        return all(_cumulative(self._noisy(finding.child), c)[finding.state - 1] > 0 for c in self._indices)

    # -- signed sums ----------------------------------------------------------------------------------------------

    def _by_sums(
        self, findings: Sequence[_Finding], evidence: Evidence, weights: Mapping[str, Array]
    ) -> dict[str, Array] | None:
        """Return finding to necessity by cause from the lanes of the posterior itself; None where they do not fit."""
        for allowance in self.exact.allowances(evidence, weights) if findings else ():
            shares = self._by_sums_within(allowance, findings, evidence, weights)
            if shares is not None:
                return shares
        return None

    def _by_sums_within(
        self, allowance: float, findings: Sequence[_Finding], evidence: Evidence, weights: Mapping[str, Array]
    ) -> dict[str, Array] | None:
        taking = self.exact.takes(evidence, weights, allowance)
        plain = [f for f in findings if f.id not in taking]
        if any(f.above or f.child != f.index or f.id in weights for f in plain):
            return None
        sizes = self.exact.resolved.sizes
        below = [{f.id: (np.arange(sizes[f.index]) < f.state).astype(float)} for f in plain]
        expansion = self.exact.expansion(evidence, weights, self.causes, variants=[{}, *below], allowance=allowance)
        if expansion is None:
            return None
        whole = expansion.sum()
        if whole.amplification > DECISION_AMPLIFICATION or not all(self._fits_sums(f, expansion) for f in findings):
            return None
        factors = {leaf.index: expansion.share(leaf.index) for leaf in expansion.leaves}
        shares = {}
        for finding in findings:
            variant = plain.index(finding) + 1 if finding in plain else 0
            rest = [factor for i, factor in factors.items() if i != finding.index and i not in finding.above]
            lower = 1.0 if variant else expansion.share_below(finding.index, finding.state)
            actual = math.prod(factors[m] for m in finding.above)
            lanes, shift = expansion.parts(np.asarray(math.prod(rest) * lower), variant)
            present = np.stack([expansion.posterior[c][1][variant] for c in self._indices])
            joint = lanes * math.exp(shift - whole.log_evidence) * present
            shares[finding.id] = self._gain(finding, expansion, joint, np.asarray(actual))
        return shares

    def _fits_sums(self, finding: _Finding, expansion: Expansion) -> bool:
        noisy = self._noisy(finding.child)
        if any(_cumulative(noisy, c)[finding.state - 1] == 0 for c in self._indices):
            return False
        return all(m in expansion.place and self._fits_above(m) for m in finding.above)

    def _fits_above(self, m: int) -> bool:
        potential = self._potentials[m]
        if not isinstance(potential, NoisyMax) or self.exact.resolved.sizes[m] != 2:
            return False
        if any(term.parent is not None and self._child(term.parent) is not None for term in potential.terms):
            return False
        return all(_cumulative(potential, c)[0] > 0 for c in self._indices)

    def _gain(self, finding: _Finding, expansion: Expansion, joint: Array, actual: Array) -> Array:
        """Return necessity by cause from P(cause, lane, finding below its state) / P(e), shape (causes, lanes)."""
        noisy, s = self._noisy(finding.child), finding.state
        within = np.array([_cumulative(noisy, c)[s] for c in self._indices])
        below = np.array([_cumulative(noisy, c)[s - 1] for c in self._indices])
        w_self = expansion.weights[finding.index][s] if finding.index in expansion.place else 1.0
        kept = (joint * actual).sum(axis=1)
        gain = within / below * kept - kept
        for k, c in enumerate(self._indices):
            fails = [_cumulative(self._noisy(m), c)[0] for m in finding.above]
            if any(q < 1 for q in fails):
                switched = [
                    self._vanishing(m, q, finding, expansion) for m, q in zip(finding.above, fails, strict=True)
                ]
                gain[k] = within[k] / below[k] * (joint[k] * math.prod(switched)).sum() - kept[k]
        return np.asarray(np.clip(gain * w_self, 0.0, 1.0))

    def _vanishing(self, m: int, fails: float, finding: _Finding, expansion: Expansion) -> Array:
        """Return the lane factor of a finding above, its absence counting also for when it vanishes with the cause."""
        w, reach, s = expansion.weights[m], _cumulative(self._noisy(finding.child), m), finding.state
        gone = w[1] * (reach[s] - reach[s - 1]) * (1 - fails) / fails * expansion.lower(m, 1, but=finding.index)
        return expansion.share_of(m, np.stack([w[0] + gone, w[1] * expansion.lower(m, 1)]))

    # -- one derivative -------------------------------------------------------------------------------------------

    def _by_derivative(
        self, findings: Sequence[_Finding], evidence: Evidence, weights: Mapping[str, Array]
    ) -> dict[str, Array]:
        hard = {self.exact.index(id): s for id, s in evidence.hard.items()}
        soft = {self.exact.index(id): w for id, w in weights.items()}
        with self.exact.named_budget():
            _, gradient = self.exact.compiled.gradient(hard, soft)
        place = {c: k for k, c in enumerate(self._indices)}
        shares = {}
        for finding in findings:
            row = np.zeros(len(self.causes))
            slopes = gradient[finding.child]
            for term, slope in zip(self._noisy(finding.child).terms, slopes, strict=True):
                if term.parent in place:
                    s = finding.state
                    row[place[term.parent]] = term.values[1, s] * (slope[1, s] - slope[1, s - 1])
            shares[finding.id] = np.clip(row, 0.0, 1.0)
        return shares

    # -- lanes ----------------------------------------------------------------------------------------------------

    def _by_lanes(self, finding: _Finding, evidence: Evidence, weights: Mapping[str, Array]) -> Array:
        """Return necessity by cause from lanes in which the finding is below its state."""
        s, above, sizes = finding.state, finding.above, self.exact.resolved.sizes
        states = np.array(list(itertools.product((0, 1), repeat=len(above))), dtype=np.int64)
        hard = {self.exact.index(id): state for id, state in evidence.hard.items()}
        soft: dict[int, Array] = {self.exact.index(id): w for id, w in weights.items()}
        w_above = {m: np.eye(2)[hard[m]] if m in hard else soft.get(m, np.ones(2)) for m in above}
        w_self = soft.get(finding.index, np.eye(sizes[finding.index])[s])
        hard = {i: state for i, state in hard.items() if i not in above and i != finding.index}
        soft = {i: w for i, w in soft.items() if i not in above and i != finding.index}
        with self.exact.named_budget():
            total = self.exact.log_probability(Evidence(evidence.hard, weights, {}))
            if s == 1:
                hard[finding.index] = 0
            else:
                soft[finding.index] = (np.arange(sizes[finding.index]) < s).astype(float)
            soft.update({m: np.eye(2)[states[:, bit]].T for bit, m in enumerate(above)})
            log_evidence, marginals = self.exact.compiled.lanes(hard, soft, {}, self._indices)
        if math.isinf(total):
            return np.zeros(len(self.causes))
        joint = np.exp(log_evidence - total)[None, :] * np.stack([marginals[c][1] for c in self._indices])
        gain = self._weighed(finding, states, w_above, joint) * float(w_self[s])
        return np.asarray(np.clip(gain, 0.0, 1.0))

    def _weighed(
        self, finding: _Finding, states: NDArray[np.int64], w_above: Mapping[int, Array], joint: Array
    ) -> Array:
        """Sum P(cause, states above, finding below its state), shape (causes, lanes), into necessity."""
        noisy, s = self._noisy(finding.child), finding.state
        within = np.array([_cumulative(noisy, c)[s] for c in self._indices])
        below = np.array([_cumulative(noisy, c)[s - 1] for c in self._indices])
        actual = np.ones_like(joint)
        switched = np.repeat((within / below)[:, None], joint.shape[1], axis=1)
        for bit, m in enumerate(finding.above):
            w, reach = w_above[m], _cumulative(noisy, m)
            fails = np.array([_cumulative(self._noisy(m), c)[0] for c in self._indices])
            vanishes = w[0] + w[1] * (reach[s] - reach[s - 1]) * (1 - fails) / fails
            actual *= w[states[:, bit]][None, :]
            switched *= np.where(states[:, bit] == 0, vanishes[:, None], w[1])
        return np.asarray(((switched - actual) * joint).sum(axis=1))


def _cumulative(noisy: Dense | NoisyMax, parent: int) -> Array:
    """Return P(contribution of a parent <= state), shape (states,), the parent in its upper state."""
    terms = noisy.terms if isinstance(noisy, NoisyMax) else ()
    for term in terms:
        if term.parent == parent:
            return np.asarray(np.cumsum(term.values[1]))
    return np.ones(terms[0].values.shape[-1] if terms else 2)
