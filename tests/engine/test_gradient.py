from __future__ import annotations

import math
from fractions import Fraction

import networks
import numpy as np
import oracle
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from toetwitch.engine import CompiledNetwork, Dense, NoisyMax, Term


def expanded(sizes, node, values_of):
    """Expand a noisy-max whose terms' values are given, which need not sum to one."""
    terms = [(t.parent, np.vectorize(Fraction)(values_of(place))) for place, t in enumerate(node.terms)]
    return oracle.noisy_table(sizes, node.child, terms)


def kept_potentials(network, hard, soft):
    """Return the potentials that are not pruned as barren."""
    return {p.potential for p in network.compiled.plan(hard, list(soft), targets=[]).pieces if hasattr(p, "potential")}


@st.composite
def observed_contributions(draw):
    """Draw a network, evidence, and one of its noisy-MAX nodes, whose child is observed and so never pruned."""
    seed, style = draw(st.integers(0, 2**32 - 1)), draw(st.sampled_from(["plain", "zeros"]))
    network = networks.build(seed, draw(st.integers(3, 6)), style, noisy_share=1.0)
    noisy = [i for i, p in enumerate(network.potentials) if isinstance(p, NoisyMax)]
    assume(noisy)
    index = draw(st.sampled_from(noisy))
    hard = {network.potentials[index].child: draw(st.integers(0, network.sizes[network.potentials[index].child] - 1))}
    soft = {}
    for v, size in enumerate(network.sizes):
        kind = draw(st.sampled_from(["unknown", "unknown", "hard", "soft"])) if v not in hard else "hard"
        if kind == "soft":
            soft[v] = np.array(draw(st.lists(st.sampled_from([0.2, 1.0, 3.0]), min_size=size, max_size=size)))
        elif kind == "hard":
            hard.setdefault(v, draw(st.integers(0, size - 1)))
    return network, hard, soft, index


@settings(max_examples=60, deadline=None)
@given(observed_contributions(), st.data())
def test_a_contribution_moves_the_evidence_by_its_derivative(question, data):
    """P(e) is linear in each entry of each contribution: raising one moves it by exactly the derivative."""
    network, hard, soft, index = question
    log_evidence, gradient = network.compiled.gradient(hard, soft)
    assume(log_evidence > -300)
    node = network.potentials[index]
    place = data.draw(st.integers(0, len(node.terms) - 1))
    entry = tuple(data.draw(st.integers(0, n - 1)) for n in node.terms[place].values.shape)
    raised = np.array(node.terms[place].values)
    raised[entry] += 0.5
    tables = list(network.tables)
    tables[index] = expanded(network.sizes, node, lambda p: raised if p == place else node.terms[p].values)
    after, _ = oracle.marginals(network.sizes, tables, hard, soft)
    expected = math.expm1(after - log_evidence) / 0.5 if after - log_evidence < 600 else math.inf
    if math.isfinite(expected):
        np.testing.assert_allclose(gradient[index][place][entry], expected, rtol=1e-7, atol=1e-9)


def directions(potential, rng, step):
    """Return a way to move each array of a potential: contributions keep their sums, zeros stay."""
    if isinstance(potential, Dense):
        return [rng.normal(size=potential.values.shape) * potential.values]
    found = []
    for term in potential.terms:
        own = rng.normal(size=term.values.shape)
        own -= own.mean(axis=-1, keepdims=True)
        found.append(own * (term.values > 10 * step).all(axis=-1, keepdims=True))
    return found


def moved(potential, along, step):
    """Return a potential that has gone `step` along its directions."""
    if isinstance(potential, Dense):
        return Dense(potential.scope, potential.values + step * along[0])
    terms = zip(potential.terms, along, strict=True)
    return NoisyMax(potential.child, tuple(Term(term.parent, term.values + step * own) for term, own in terms))


@pytest.mark.parametrize("seed", range(12))
def test_a_small_step_is_a_network_solved_again(seed):
    """Moving all numbers at once by a little moves log P(e) as the derivatives add up, by solving the moved network."""
    network = networks.build(seed, 8, "plain", most=3, noisy_share=0.7)
    rng = np.random.default_rng(seed)
    hard = {v: int(rng.integers(0, n)) for v, n in enumerate(network.sizes) if rng.random() < 0.5}
    _, gradient = network.compiled.gradient(hard)
    step = 1e-5
    kept = kept_potentials(network, hard, {})
    along = {i: directions(network.potentials[i], rng, step) for i in kept}
    expected = 0.0
    for i, own in along.items():
        parts = gradient[i] if isinstance(gradient[i], tuple) else (gradient[i],)
        expected += sum(float((part * one).sum()) for part, one in zip(parts, own, strict=True))
    ends = []
    for sign in (1.0, -1.0):
        tables = [moved(p, along[i], sign * step) if i in kept else p for i, p in enumerate(network.potentials)]
        ends.append(CompiledNetwork(network.sizes, tables).posterior(hard, {}, []).log_evidence)
    assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(expected, rel=1e-6, abs=1e-7)
