"""How the answers of an unasked question hang on the rest: short signed sums of products.

An unasked finding changes nothing but the weights of its parents: P(finding <= s | parents) of a noisy-MAX is a product
of one factor a parent, and so is that of a table whose other parents are known. A finding that a cause can hold back is
"anything" less "let through" plus "let through and absent"; one below another unasked finding is a sum over that
finding's states. A question that the plan of the evidence and the targets holds anyway is its own factor.

References
----------
Heckerman & Breese (1996), Causal independence for probability assessment and inference using Bayesian networks. IEEE
Trans. SMC-A 26, 826-831.
"""

from __future__ import annotations

__all__ = ["Form", "Product", "above", "forms", "independent", "multiplied"]

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine import Dense, NoisyMax
from toetwitch.evidence import Evidence
from toetwitch.inference import ExactInference

Array = NDArray[np.float64]

MOST_PRODUCTS = 32
"""Products of one answer; a finding below more than a few unasked findings is left out."""


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """A signed product of weights on single variables.

    Parameters
    ----------
    sign
        Its coefficient.
    weights
        Id to factor, shape (states,).
    """

    sign: float
    weights: Mapping[str, Array]


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """How a question's answers hang on what a plan holds.

    Parameters
    ----------
    answers
        For each answer the products that sum to P(answer | what is held).
    summed
        What was summed out for it, itself included; forms that share any of it are not independent given what is held.
    more
        What the plan has to hold for it beside the targets, the evidence and all above them.
    """

    answers: tuple[tuple[Product, ...], ...]
    summed: frozenset[str]
    more: frozenset[str]


def forms(
    inference: ExactInference, evidence: Evidence, targets: Collection[str], questions: Sequence[str]
) -> dict[str, Form]:
    """Return the form of each question that has one.

    Parameters
    ----------
    inference
        The network.
    evidence
        What stays observed; ids that readings vary are best left out of its hard evidence.
    targets
        Ids asked for.
    questions
        Ids about which nothing is known.
    """
    maker = _Forms(inference, evidence, targets)
    found = {}
    for id in questions:
        form = maker.of(id)
        if form is not None:
            found[id] = form
    return found


def independent(chosen: Sequence[Form]) -> bool:
    """Return whether forms are independent given what is held, so that their joint answers are products."""
    summed = [id for form in chosen for id in form.summed]
    held = {id for form in chosen for id in form.more}
    return len(summed) == len(set(summed)) and held.isdisjoint(summed)


def multiplied(answers: Sequence[Sequence[Product]]) -> list[Product]:
    """Return the joint answer of independent forms."""
    found = [Product(1.0, {})]
    for products in answers:
        found = [_times(a, b) for a in found for b in products]
    return found


class _Forms:
    """Makes forms of questions about one case."""

    def __init__(self, inference: ExactInference, evidence: Evidence, targets: Collection[str]) -> None:
        self.inference = inference
        self.hard = evidence.hard
        self.always = frozenset(above(inference, [*targets, *evidence.ids]))
        self.held = set(self.always)

    def of(self, id: str) -> Form | None:
        size = len(self.inference.network.by_id[id].states)
        if id in self.always:
            one_hot = tuple((Product(1.0, {id: np.eye(size)[s]}),) for s in range(size))
            return Form(one_hot, frozenset(), frozenset())
        self.held = set(self.always)
        summed = self._summed(id)
        below: list[list[Product]] = []
        for s in range(size - 1):
            upto = self._at_most(id, s)
            if upto is None:
                return None
            below.append(upto)
        below.append([Product(1.0, {})])
        rest = ((*more, *_negated(less)) for less, more in itertools.pairwise(below))
        return Form((tuple(below[0]), *rest), summed - self.held, frozenset(self.held - self.always))

    def _summed(self, id: str) -> frozenset[str]:
        """Return what is to be summed out for a question, holding what would be met along two ways."""
        network = self.inference.network
        met: dict[str, int] = {}
        stack = [] if id in self.held else [id]
        while stack:
            for parent in network.parents(stack.pop()):
                if parent not in self.held:
                    met[parent] = met.get(parent, 0) + 1
                    if met[parent] == 1:
                        stack.append(parent)
        self._hold([parent for parent, times in met.items() if times > 1])
        return frozenset({id, *met} - self.held)

    def _hold(self, ids: Sequence[str]) -> None:
        self.held |= above(self.inference, ids)

    def _at_most(self, id: str, state: int) -> list[Product] | None:
        """Return P(id <= state | what is held) as products, or None where it is none."""
        inference = self.inference
        i = inference.index(id)
        potential = inference.resolved.potentials[i]
        if isinstance(potential, NoisyMax):
            return self._terms(potential, state)
        leaf = inference.expander.leaves.get(i)
        if leaf is None:
            return self._table(potential, i, state)
        passing = self._times([Product(1.0, {})], [(j, w) for j, w in leaf.passes.items()])
        drive = self._terms(leaf.noisy, 0)
        if passing is None or drive is None:
            return None
        let_through = [product for a in passing for b in drive if (product := _times(a, b))]
        return [Product(1.0, {}), *_negated(passing), *let_through]

    def _terms(self, noisy: NoisyMax, state: int) -> list[Product] | None:
        scale, factors = 1.0, []
        for term in noisy.terms:
            upto = term.values[..., : state + 1].sum(axis=-1)
            if term.parent is None:
                scale *= float(upto)
            else:
                factors.append((term.parent, upto))
        return self._times([Product(scale, {})], factors)

    def _table(self, potential: Dense, i: int, state: int) -> list[Product] | None:
        values, scope = potential.values, list(potential.scope)
        upto = np.take(values, range(state + 1), axis=scope.index(i)).sum(axis=scope.index(i))
        scope.remove(i)
        names = self.inference.network.variables
        for j in list(scope):
            if j < len(names) and names[j].id in self.hard:
                upto = np.take(upto, self.hard[names[j].id], axis=scope.index(j))
                scope.remove(j)
        if not scope:
            return [Product(float(upto), {})]
        return self._times([Product(1.0, {})], [(scope[0], upto)]) if len(scope) == 1 else None

    def _times(self, products: list[Product], factors: Sequence[tuple[int, Array]]) -> list[Product] | None:
        """Multiply by factors on variables, writing those that are not held as what they descend from."""
        names = self.inference.network.variables
        for i, factor in factors:
            if i >= len(names):
                return None
            id = names[i].id
            more = [Product(float(factor[self.hard[id]]), {})] if id in self.hard else self._factor(id, factor)
            products = [_times(a, b) for a in products for b in more]
            if len(products) > MOST_PRODUCTS:
                return None
        return products

    def _factor(self, id: str, factor: Array) -> list[Product]:
        """Return a factor on an unobserved variable: as it is where the variable is held, else on what is above it."""
        more = [Product(float(factor[-1]), {})]
        for state, step in enumerate(factor[:-1] - factor[1:] if id not in self.held else ()):
            upto = self._at_most(id, state)
            if upto is None:
                # Neither held nor a product: a latent variable, say, which the plan then has to hold.
                self._hold([id])
                break
            more += [Product(float(step) * p.sign, p.weights) for p in upto]
        return [Product(1.0, {id: factor})] if id in self.held else more


def _times(a: Product, b: Product) -> Product:
    weights = dict(a.weights)
    for id, factor in b.weights.items():
        weights[id] = weights[id] * factor if id in weights else factor
    return Product(a.sign * b.sign, weights)


def _negated(products: Sequence[Product]) -> list[Product]:
    return [Product(-p.sign, p.weights) for p in products]


def above(inference: ExactInference, ids: Sequence[str]) -> set[str]:
    """Return ids and all that they descend from."""
    found: set[str] = set()
    stack = list(ids)
    while stack:
        id = stack.pop()
        if id not in found:
            found.add(id)
            stack.extend(inference.network.parents(id))
    return found
