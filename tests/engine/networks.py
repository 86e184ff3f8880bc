"""Random networks: dense and noisy-max nodes of two to four states, with zeros and extreme probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import oracle
from hypothesis import strategies as st

from toetwitch.engine import CompiledNetwork, Dense, NoisyMax, Term


@dataclass
class Drawn:
    """A random network in the engine's form and in the oracle's."""

    sizes: list
    potentials: list
    tables: list

    @property
    def compiled(self):
        """The network as the engine takes it."""
        return CompiledNetwork(self.sizes, self.potentials)


def rows(rng, shape, style):
    """Return distributions along the last axis."""
    if style == "zeros":
        values = rng.random(shape) * (rng.random(shape) < 0.6)
        values[..., 0] += values.sum(axis=-1) == 0
    elif style == "extreme":
        values = 10.0 ** rng.uniform(-250, 0, shape)
        values[..., 0] += 0.5
    else:
        values = rng.random(shape) + 0.01
    return values / values.sum(axis=-1, keepdims=True)


def noisy_terms(rng, sizes, child, parents, style):
    """Return random contributions; a parent's lowest state usually contributes nothing."""
    terms = [Term(None, rows(rng, (sizes[child],), style))] if rng.random() < 0.7 or not parents else []
    for parent in parents:
        values = rows(rng, (sizes[parent], sizes[child]), style)
        if rng.random() < 0.7:
            values[0] = np.eye(sizes[child])[0]
        terms.append(Term(parent, values))
    return tuple(terms)


def build(seed, count, style, *, most=4, directed=True, noisy_share=0.5):
    """Return a random network of `count` variables, whose ids are shuffled."""
    rng = np.random.default_rng(seed)
    sizes = [int(n) for n in rng.integers(2, most + 1, count)]
    ids = rng.permutation(count)
    potentials, tables = [], []
    for place in range(count):
        child = int(ids[place])
        fan_in = int(rng.integers(0, min(place, 4) + 1))
        parents = [int(p) for p in rng.choice(ids[:place], fan_in, replace=False)] if fan_in else []
        if parents and rng.random() < noisy_share:
            terms = noisy_terms(rng, sizes, child, parents, style)
            potentials.append(NoisyMax(child, terms))
            expand = [(t.parent, np.vectorize(Fraction)(t.values)) for t in terms]
            tables.append(oracle.noisy_table(sizes, child, expand))
        else:
            scope = (*parents, child)
            values = rows(rng, tuple(sizes[v] for v in scope), style)
            if not directed:
                values = values * 10.0 ** rng.uniform(-3, 3)
            order = rng.permutation(len(scope))
            scope, values = tuple(scope[i] for i in order), values.transpose(order)
            potentials.append(Dense(scope, values))
            tables.append(oracle.dense_table(scope, values))
    return Drawn(sizes, potentials, tables)


@st.composite
def drawn_networks(draw, largest=7):
    """Draw a network."""
    return build(
        draw(st.integers(0, 2**32 - 1)),
        draw(st.integers(1, largest)),
        draw(st.sampled_from(["plain", "zeros", "extreme"])),
        most=draw(st.sampled_from([2, 3, 4])),
        directed=draw(st.booleans()),
    )


@st.composite
def drawn_questions(draw, largest=7):
    """Draw a network with hard and soft evidence."""
    network = draw(drawn_networks(largest))
    hard, soft = {}, {}
    for v, size in enumerate(network.sizes):
        kind = draw(st.sampled_from(["unknown", "unknown", "hard", "hard", "soft"]))
        if kind == "hard":
            hard[v] = draw(st.integers(0, size - 1))
        elif kind == "soft":
            soft[v] = np.array(
                draw(st.lists(st.sampled_from([0.0, 1e-200, 0.2, 1.0, 3.0]), min_size=size, max_size=size))
            )
    return network, hard, soft
