"""Present findings as signed sums over absent ones: many readings of a case from one run of a small plan.

P(finding <= t | causes) of a noisy-MAX is a product over its causes, so evidence on it is a short signed sum of
products: present is "anything" minus "absent". With the present findings of many causes written so, what is left of the
network is little more than its skeleton of context and causes, with a weight on each variable and one lane for each
combination. Its plan does not grow with those findings, and the same lanes answer for every subset of them: what if
this finding were unknown, or milder, or gone with its cause? A finding above another (a twitch above the moving toe)
takes part with the weights that the lower one leaves it.

Signed sums lose digits where the evidence is improbable: an answer says by how much (`Sum.amplification`, the sum of
absolute values over the sum), and callers turn to the plan without signs past `SAFE_AMPLIFICATION`.

References
----------
Heckerman (1989), A tractable inference algorithm for diagnosing multiple diseases. UAI-89, 163-171.
Diez & Galan (2003), Efficient computation for the noisy MAX. International Journal of Intelligent Systems 18, 165-177.
"""

from __future__ import annotations

__all__ = ["ALLOWANCES", "DECISION_AMPLIFICATION", "MAX_LANES", "SAFE_AMPLIFICATION", "Expander", "Expansion", "Sum"]

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine import CompiledNetwork, Dense
from toetwitch.inference.leaves import Leaf, find_leaves
from toetwitch.inference.resolution import Resolved

Array = NDArray[np.float64]

MAX_LANES = 2**14
"""A second or so on the toe model; past that the plan without signs is asked."""

SAFE_AMPLIFICATION = 1e5
"""Rounding of 1e-16 grows to at most about 1e-11."""

FEW_PARENTS = 6
"""Findings of up to so many unobserved parents stay evidence of the plan."""

ALLOWANCES = (1e10, 1e4)
"""How far the product of 1 / P(finding) may go: all but absurd pictures first, then only the common findings."""

DECISION_AMPLIFICATION = 1e10
"""Six digits: enough to hold a posterior against a threshold, or to rank."""

CHUNK = 256
"""Lanes a run: as many as keep the skeleton's tables in cache."""


@dataclass(frozen=True, slots=True, eq=False)
class Sum:
    """What one reading of the evidence comes to.

    Parameters
    ----------
    log_evidence
        Natural log of P(evidence), minus infinity when it is zero.
    amplification
        How much rounding errors grow: the sum of absolute values over the sum.
    marginals
        Target to posterior, shape (states,).
    """

    log_evidence: float
    amplification: float
    marginals: Mapping[int, Array]


class Expander:
    """Writes cases as sums.

    Parameters
    ----------
    resolved
        The network as arrays.
    compiled
        The same, compiled.
    """

    def __init__(self, resolved: Resolved, compiled: CompiledNetwork) -> None:
        self.resolved = resolved
        self.compiled = compiled
        self.leaves = find_leaves(resolved)
        self._marginals: dict[int, Array] = {}
        self.below: dict[int, list[int]] = {}
        for i, leaf in self.leaves.items():
            for parent in (*leaf.parents, *leaf.passes):
                self.below.setdefault(parent, []).append(i)

    def expand(
        self,
        hard: Mapping[int, int],
        soft: Mapping[int, Array],
        targets: Sequence[int],
        *,
        free: Collection[int] = (),
        variants: Sequence[Mapping[int, Array]] = ({},),
        allowance: float = ALLOWANCES[0],
    ) -> Expansion | None:
        """Return the lanes of a case, or None when no finding gains by it, or the form does not fit.

        Only findings of many parents take part: those of few stay evidence of the plan, which costs it little and
        loses no digits.

        Parameters
        ----------
        hard, soft
            The evidence.
        targets
            Variables asked for.
        free
            Findings of which every state, and their absence from the evidence, will be read.
        variants
            Other readings of variables that do not take part: variable to weights, shape (states,).
        allowance
            How far the product of 1 / P(finding) of those that take part may go.
        """
        taking = self._taking(hard, soft, allowance)
        varied = {i for variant in variants for i in variant}
        # Lanes do not hold the state of a finding that takes part, so nothing that depends on it can be read from them.
        if not taking or not self._above(targets).isdisjoint(taking):
            return None
        leaves = [taking[i] for i in sorted(taking, key=self._depth)]
        choices = [_choices(leaf, hard.get(leaf.index), leaf.index in free) for leaf in leaves]
        if math.prod(map(len, choices)) * len(variants) > MAX_LANES:
            return None
        if any(p in taking for leaf in leaves for p in leaf.passes) or varied & set(taking):
            return None
        return Expansion(self, leaves, choices, hard, soft, targets, variants)

    def takes(
        self, hard: Mapping[int, int], soft: Mapping[int, Array], allowance: float = ALLOWANCES[0]
    ) -> Collection[int]:
        """Return the findings that would take part."""
        return self._taking(hard, soft, allowance).keys()

    def _above(self, targets: Sequence[int]) -> set[int]:
        """Return variables and all that they descend from."""
        found: set[int] = set()
        stack = list(targets)
        while stack:
            i = stack.pop()
            if i not in found:
                found.add(i)
                potential = self.resolved.potentials[i]
                above = potential.scope if isinstance(potential, Dense) else potential.parents
                stack.extend(j for j in above if j is not None)
        return found

    def observed_below(self, i: int, known: Collection[int]) -> list[int]:
        """Return the findings directly below one that are among the known, or stand above one of them."""
        return [j for j in self.below.get(i, ()) if j in known or self._stands_above(j, known)]

    def _stands_above(self, i: int, known: Collection[int]) -> bool:
        """Return whether any of the known descends from a finding, others in between."""
        seen = {i}
        stack = [i]
        while stack:
            for j in self.below.get(stack.pop(), ()):
                if j in known:
                    return True
                if j not in seen:
                    seen.add(j)
                    stack.append(j)
        return False

    def _taking(self, hard: Mapping[int, int], soft: Mapping[int, Array], allowance: float) -> dict[int, Leaf]:
        """Return the findings that take part: the most probable ones first, as far as the allowance goes."""
        taking: dict[int, Leaf] = {}
        spent = 1.0
        for rarity, together in sorted(self._units(hard, soft)):
            spent *= rarity
            if spent <= allowance:
                taking.update({i: self.leaves[i] for i in together})
        return taking

    def _units(self, hard: Mapping[int, int], soft: Mapping[int, Array]) -> list[tuple[float, tuple[int, ...]]]:
        """Return what can take part: 1 / P of its present findings, and the findings, which come all or none.

        A wide finding brings those that stand above or below it with evidence, and those in between without any.
        """
        known = {*hard, *soft}
        present = [i for i in (*hard, *soft) if i in self.leaves and hard.get(i, 1) > 0]
        wide = [
            i
            for i in present
            if self._free_parents(i, hard) > FEW_PARENTS or self.leaves[i].passes or self.observed_below(i, known)
        ]
        units = []
        placed: set[int] = set()
        for start in wide:
            together: set[int] = set()
            stack = [] if start in placed else [start]
            while stack:
                i = stack.pop()
                if i not in together:
                    together.add(i)
                    stack.extend(p for p in self.leaves[i].parents if p in self.leaves and hard.get(p, 1) > 0)
                    stack.extend(self.observed_below(i, known))
            placed |= together
            if together:
                rarity = math.prod(1 / self._commonness(i, hard) for i in together if i in hard and hard[i] > 0)
                units.append((rarity, tuple(sorted(together))))
        return units

    def _commonness(self, i: int, hard: Mapping[int, int]) -> float:
        """Return the prior probability of a finding's observed state."""
        if i not in self._marginals:
            self._marginals[i] = self.compiled.posterior({}, {}, [i]).marginals[i]
        return max(float(self._marginals[i][hard[i]]), 1e-12)

    def _free_parents(self, i: int, hard: Mapping[int, int]) -> int:
        return sum(parent not in hard for parent in self.leaves[i].parents)

    def _depth(self, i: int) -> int:
        return 1 + max((self._depth(p) for p in self.leaves[i].parents if p in self.leaves), default=0)


class Expansion:
    """The lanes of one case, run once; readings are sums over them.

    Attributes
    ----------
    log_lane
        Natural log of what each lane comes to, shape (variants, lanes).
    posterior
        Target to posteriors, shape (states, variants, lanes).
    """

    def __init__(
        self,
        expander: Expander,
        leaves: Sequence[Leaf],
        choices: Sequence[Sequence[int]],
        hard: Mapping[int, int],
        soft: Mapping[int, Array],
        targets: Sequence[int],
        variants: Sequence[Mapping[int, Array]],
    ) -> None:
        self.leaves = tuple(leaves)
        self.place = {leaf.index: k for k, leaf in enumerate(self.leaves)}
        self.sizes = expander.resolved.sizes
        self.targets = tuple(targets)
        self.choice = np.array(list(itertools.product(*choices)), dtype=np.int64)
        self.weights = {
            leaf.index: np.eye(leaf.size)[hard[leaf.index]]
            if leaf.index in hard
            else np.asarray(soft.get(leaf.index, np.ones(leaf.size)))
            for leaf in self.leaves
        }
        self.log_lane, self.posterior = self._run(expander.compiled, hard, soft, variants)

    def _run(
        self,
        compiled: CompiledNetwork,
        hard: Mapping[int, int],
        soft: Mapping[int, Array],
        variants: Sequence[Mapping[int, Array]],
    ) -> tuple[Array, dict[int, Array]]:
        shape = (len(variants), len(self.choice))
        varied = sorted({i for variant in variants for i in variant})
        weights: dict[int, Array] = {i: w[:, None, None] for i, w in soft.items() if i not in self.place}
        for i in varied:
            plain = np.eye(self.sizes[i])[hard[i]] if i in hard else soft.get(i, np.ones(self.sizes[i]))
            weights[i] = np.stack([variant.get(i, plain) for variant in variants], axis=1)[:, :, None]
        kept = {i: s for i, s in hard.items() if i not in self.place and i not in varied}
        scale = np.ones(shape[1])
        for k, leaf in enumerate(self.leaves):
            for parent, factor in self._factors(leaf, self.choice[:, k]):
                if parent is None:
                    scale = scale * factor
                elif parent in kept:
                    scale = scale * factor[kept[parent]]
                elif parent not in self.place:
                    here = factor[:, None, :]
                    weights[parent] = weights[parent] * here if parent in weights else here
        flat = {i: np.broadcast_to(w, (w.shape[0], *shape)).reshape(w.shape[0], -1) for i, w in weights.items()}
        logs, posteriors = [], []
        for start in range(0, shape[0] * shape[1], CHUNK):
            block = {i: w[:, start : start + CHUNK] for i, w in flat.items()}
            count = min(CHUNK, shape[0] * shape[1] - start)
            log_evidence, marginals = compiled.lanes(kept, block, {}, self.targets)
            logs.append(np.broadcast_to(log_evidence, count))
            posteriors.append({i: np.broadcast_to(m, (len(m), count)) for i, m in marginals.items()})
        with np.errstate(divide="ignore"):
            log_lane = np.concatenate(logs).reshape(shape) + np.log(scale)
        return log_lane, {
            i: np.concatenate([p[i] for p in posteriors], axis=1).reshape(-1, *shape) for i in self.targets
        }

    def _factors(self, leaf: Leaf, choice: NDArray[np.int64]) -> list[tuple[int | None, Array]]:
        """Return what a leaf's choices multiply in: variable (None for all) to shape ([states], lanes).

        Choice t < size - 1 reads "at most t", size - 1 "anything"; for a finding that can be held back, size reads
        "not held back".
        """
        top = leaf.size - 1
        threshold = np.minimum(choice, top)
        found: list[tuple[int | None, Array]] = [
            (term.parent, _cumulative(term.values)[..., threshold]) for term in leaf.noisy.terms
        ]
        for i, passing in leaf.passes.items():
            found.append((i, np.where(choice == top, 1.0, passing[:, None])))
        return found

    def coefficients(self, weights: Mapping[int, Array] | None = None) -> Array:
        """Return the sign and weight of each lane, shape (lanes,), for weights on the findings, shape (states,)."""
        changed = weights or {}
        return np.asarray(math.prod(self.share(leaf.index, changed.get(leaf.index)) for leaf in self.leaves))

    def share(self, index: int, weights: Array | None = None) -> Array:
        """Return one finding's factor of the coefficients, shape (lanes,); its weights are the evidence by default."""
        known = self.weights[index] if weights is None else weights
        return self.share_of(index, np.stack([w * self.lower(index, s) for s, w in enumerate(known)]))

    def share_of(self, index: int, table: Array) -> Array:
        """Return one finding's factor of the coefficients for weights that differ by lane, shape (states, lanes)."""
        k = self.place[index]
        leaf, choice = self.leaves[k], self.choice[:, k]
        if leaf.passes:
            gain = table[1] - table[0]
            return np.asarray(np.where(choice == leaf.size - 1, table[0], np.where(choice == 0, -gain, gain)))
        above = np.vstack([table[1:], np.zeros((1, len(choice)))])
        return np.asarray((table - above)[choice, np.arange(len(choice))])

    def share_below(self, index: int, state: int) -> Array:
        """Return the factor that reads a finding's causes as if below a state, and what stands below it as if in it."""
        k = self.place[index]
        threshold = 0 if self.leaves[k].passes else state - 1
        return np.where(self.choice[:, k] == threshold, self.lower(index, state), 0.0)

    def lower(self, index: int, state: int, but: int | None = None) -> Array:
        """Return what the findings below one, but for one, say when it is in a state, shape (lanes,)."""
        product = np.ones(len(self.choice))
        for leaf, choice in zip(self.leaves, self.choice.T, strict=True):
            for term in leaf.noisy.terms if leaf.index != but else ():
                if term.parent == index:
                    product = product * _cumulative(term.values)[state, np.minimum(choice, leaf.size - 1)]
        return product

    def sum(self, weights: Mapping[int, Array] | None = None, variant: int = 0) -> Sum:
        """Return what the evidence comes to, with other weights on some of the findings where given."""
        return self.summed(self.coefficients(weights), variant)

    def summed(self, coefficients: Array, variant: int = 0) -> Sum:
        """Return the sum with these coefficients, shape (lanes,)."""
        parts, highest = self.parts(coefficients, variant)
        if math.isinf(highest):
            return Sum(-math.inf, 1.0, {i: np.zeros(self.sizes[i]) for i in self.targets})
        total, absolute = float(parts.sum()), float(np.abs(parts).sum())
        marginals = {i: np.clip(self.posterior[i][:, variant] @ parts, 0.0, None) for i in self.targets}
        if total <= 0 or not all(m.any() for m in marginals.values()):
            # No digit is left.
            return Sum(-math.inf, math.inf, {i: np.zeros(self.sizes[i]) for i in self.targets})
        return Sum(math.log(total) + highest, absolute / total, {i: m / m.sum() for i, m in marginals.items()})

    def parts(self, coefficients: Array, variant: int = 0) -> tuple[Array, float]:
        """Return what each lane adds, shape (lanes,), divided by exp of the number returned beside it."""
        logs = self.log_lane[variant]
        highest = float(logs.max())
        scaled = np.exp(logs - highest) if math.isfinite(highest) else np.zeros_like(logs)
        return coefficients * scaled, highest


def _choices(leaf: Leaf, observed: int | None, free: bool) -> list[int]:
    """Return the thresholds that a finding's weights need; the last reads "anything"."""
    top = leaf.size - 1
    if leaf.passes:
        return [0, top, top + 1]
    if observed is None or free:
        return list(range(leaf.size))
    return [0] if observed == 0 else [observed - 1, observed]


def _cumulative(values: Array) -> Array:
    """Return P(contribution <= state) along the last axis; exactly one at the top."""
    cumulative = np.cumsum(values, axis=-1)
    cumulative[..., -1] = 1.0
    return np.asarray(cumulative)
