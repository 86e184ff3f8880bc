"""A network of the shape of the toe model: context, 26 causes with logistic tables, graded and plain findings.

Its numbers are random; its structure (fan-in, share of graded findings, rare causes) follows the model, so that growth
in one dimension at a time can be measured.
"""

from __future__ import annotations

__all__ = ["Shape", "cases", "network"]

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine import CompiledNetwork, Dense, NoisyMax, Term


@dataclass(frozen=True, slots=True)
class Shape:
    """How large a synthetic network is; with `steady`, every finding has exactly `finding_fan_in` parents."""

    contexts: int = 14
    causes: int = 26
    findings: int = 75
    context_fan_in: int = 9
    finding_fan_in: int = 20
    steady: bool = False


def network(shape: Shape = Shape(), seed: int = 0) -> CompiledNetwork:
    """Return a synthetic network: contexts first, then causes, then findings."""
    rng = np.random.default_rng(seed)
    sizes = [int(rng.integers(2, 5)) if v < 4 else 2 for v in range(shape.contexts)]
    sizes += [2] * shape.causes
    sizes += [int(rng.choice([2, 2, 2, 3, 4])) for _ in range(shape.findings)]
    potentials: list[Dense | NoisyMax] = [
        Dense((v,), rng.dirichlet(np.full(sizes[v], 2.0))) for v in range(shape.contexts)
    ]
    for place in range(shape.causes):
        child = shape.contexts + place
        fan_in = int(rng.integers(1, min(shape.context_fan_in, shape.contexts) + 1))
        parents = sorted(int(p) for p in rng.choice(shape.contexts, fan_in, replace=False))
        logit = np.full([sizes[p] for p in parents], rng.normal(-3.0, 1.0))
        for axis, parent in enumerate(parents):
            effect = np.linspace(0.0, rng.exponential(1.0), sizes[parent])
            logit = logit + effect.reshape([-1 if a == axis else 1 for a in range(len(parents))])
        present = 1.0 / (1.0 + np.exp(-logit))
        potentials.append(Dense((*parents, child), np.stack([1.0 - present, present], axis=-1)))
    for place in range(shape.findings):
        child = shape.contexts + shape.causes + place
        drawn = shape.finding_fan_in if shape.steady else 2 + rng.geometric(0.18)
        fan_in = int(min(shape.causes, drawn, shape.finding_fan_in))
        parents = sorted(int(p) + shape.contexts for p in rng.choice(shape.causes, fan_in, replace=False))
        leak = np.append(1.0, rng.dirichlet(np.ones(sizes[child] - 1)) * rng.uniform(0.005, 0.1))
        terms = [Term(None, leak / leak.sum())]
        for parent in parents:
            link = rng.uniform(0.05, 0.8)
            row = np.append(1.0 - link, rng.dirichlet(np.ones(sizes[child] - 1)) * link)
            terms.append(Term(parent, np.stack([np.eye(sizes[child])[0], row])))
        potentials.append(NoisyMax(child, tuple(terms)))
    return CompiledNetwork(sizes, potentials)


def cases(
    compiled: CompiledNetwork,
    shape: Shape,
    rows: int,
    seed: int = 1,
    *,
    fewest: int = 4,
    most: int = 20,
    positive: int | None = None,
) -> NDArray[np.int8]:
    """Return ragged cases drawn from the network: half the context known, a few findings asked, -1 elsewhere.

    With `positive`, exactly that many of the findings asked are present and the others absent.
    """
    rng = np.random.default_rng(seed)
    complete = sample(compiled, rows, rng)
    codes = np.full(complete.shape, -1, dtype=np.int8)
    first_finding = shape.contexts + shape.causes
    for row in range(rows):
        known = rng.random(shape.contexts) < 0.5
        codes[row, : shape.contexts][known] = complete[row, : shape.contexts][known]
        asked = rng.choice(shape.findings, int(rng.integers(fewest, most + 1)), replace=False) + first_finding
        codes[row, asked] = complete[row, asked]
        # People who come have something: a third of what is asked is present whatever the background rate.
        present = asked[rng.random(len(asked)) < 0.3]
        if positive is not None:
            codes[row, asked] = 0
            present = asked[:positive]
        for finding in present:
            codes[row, finding] = max(1, int(complete[row, finding]))
    return codes


def sample(compiled: CompiledNetwork, rows: int, rng: np.random.Generator) -> NDArray[np.int8]:
    """Draw complete assignments, potential by potential: each lists its child last."""
    drawn = np.zeros((rows, len(compiled.sizes)), dtype=np.int8)
    for potential in compiled.potentials:
        if isinstance(potential, Dense):
            *parents, child = potential.scope
            table = potential.values[tuple(drawn[:, p] for p in parents)]
            table = np.broadcast_to(table, (rows, table.shape[-1]))
            drawn[:, child] = (table.cumsum(axis=1) < rng.random((rows, 1))).sum(axis=1)
        else:
            for term in potential.terms:
                table = term.values if term.parent is None else term.values[drawn[:, term.parent]]
                table = np.broadcast_to(table, (rows, table.shape[-1]))
                own = (table.cumsum(axis=1) < rng.random((rows, 1))).sum(axis=1)
                drawn[:, potential.child] = np.maximum(drawn[:, potential.child], own)
    return drawn
