from __future__ import annotations

import math

import networks
import numpy as np
import oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toetwitch.engine import CompiledNetwork, Dense, NoisyMax, Term, explanations
from toetwitch.engine.explanation_search import search_explanations
from toetwitch.engine.leaf_choices import Leaf, leaf_bound, leaf_rows
from toetwitch.errors import SearchLimitError


@settings(max_examples=100, deadline=None)
@given(networks.drawn_questions(6), st.sampled_from([1, 2, 5, 30, 10_000]))
def test_k_best_is_enumeration_in_order(question, k):
    """The k best are the k largest weights of all assignments, each reached by its own, none twice, none impossible."""
    network, hard, soft = question
    found = network.compiled.k_best(hard, soft, k)
    expected = [log for log, _ in oracle.best(network.sizes, network.tables, hard, soft, k) if log > -math.inf]
    np.testing.assert_allclose([log for log, _ in found], expected, rtol=1e-10, atol=1e-12)
    assert len({states for _, states in found}) == len(found)
    exact = dict(oracle.weights_of(network.sizes, network.tables, hard, soft))
    for log, states in found:
        np.testing.assert_allclose(log, oracle.log_of(exact[states]), rtol=1e-10, atol=1e-12)


def test_equally_probable_assignments_come_in_the_order_of_their_states():
    """Among equals, the first variable's lower state comes first, then the second's; the cut keeps to that order."""
    network = CompiledNetwork([2, 3, 2], [Dense((v,), np.full(n, 1.0 / n)) for v, n in enumerate([2, 3, 2])])
    whole = [states for _, states in network.k_best({}, {}, 12)]
    assert whole == sorted(whole)
    assert len(whole) == 12
    assert [states for _, states in network.k_best({}, {}, 5)] == whole[:5]


def test_impossible_evidence_has_no_explanation():
    """No assignment is listed for evidence of probability zero."""
    network = CompiledNetwork([2, 2], [Dense((0,), [1.0, 0.0]), Dense((0, 1), np.eye(2))])
    assert network.k_best({0: 1}, {}, 3) == ()
    assert network.k_best({1: 1}, {}, 3) == ()
    assert network.k_best({}, {}, 3) == ((0.0, (0, 0)),)


def test_a_long_chain_lists_its_best():
    """A chain of 5,000 variables gives its best: all still, then two that depart from it once."""
    count = 5000
    step = np.array([[0.9, 0.1], [0.9, 0.1]])
    tables = [Dense((0,), [0.9, 0.1]), *(Dense((v - 1, v), step) for v in range(1, count))]
    network = CompiledNetwork([2] * count, tables)
    found = network.k_best({}, {}, 3)
    expected = count * math.log(0.9) + np.array([0.0, -1.0, -1.0]) * math.log(9)
    np.testing.assert_allclose([log for log, _ in found], expected)
    assert found[0][1] == (0,) * count
    assert sum(found[1][1]) == sum(found[2][1]) == 1


def by_search(compiled, hard, soft, k, hidden=0):
    """Return what the search finds where no plan that sums first is let run."""
    kept, explanations.SUMMED_BYTES = explanations.SUMMED_BYTES, 0
    try:
        return compiled.k_best(hard, soft, k, hidden=hidden)
    finally:
        explanations.SUMMED_BYTES = kept


@settings(max_examples=150, deadline=None)
@given(networks.drawn_questions(7), st.sampled_from([1, 3, 40]))
def test_the_search_is_enumeration_in_order(question, k):
    """Branch and bound finds the k largest weights of all assignments, and no wrong ones."""
    network, hard, soft = question
    found = by_search(network.compiled, hard, soft, k)
    expected = [log for log, _ in oracle.best(network.sizes, network.tables, hard, soft, k) if log > -math.inf]
    np.testing.assert_allclose([log for log, _ in found], expected, rtol=1e-10, atol=1e-12)
    exact = dict(oracle.weights_of(network.sizes, network.tables, hard, soft))
    for log, states in found:
        np.testing.assert_allclose(log, oracle.log_of(exact[states]), rtol=1e-10, atol=1e-12)


def with_drive(seed):
    """Return a network whose last variable, a noisy-or, drives a finding that another variable holds back."""
    network = networks.build(seed, 5, "plain", most=2, noisy_share=0.8)
    rng = np.random.default_rng(seed)
    sizes = [*network.sizes, 2, 2]
    finding, drive = 5, 6
    parents = [int(p) for p in rng.choice(5, 3, replace=False)]
    terms = networks.noisy_terms(rng, sizes, drive, parents, "plain")
    passes = 0.3 if seed % 2 else 0.0
    table = np.zeros((2, 2, 2))
    table[0, :, 0] = 1.0
    table[1, 0] = [0.0, 1.0]
    table[1, 1] = [1.0 - passes, passes]
    holding = int(rng.integers(5))
    tables = [
        *network.tables,
        oracle.dense_table((drive, holding, finding), table),
        oracle.noisy_table(sizes, drive, [(t.parent, np.vectorize(oracle.Fraction)(t.values)) for t in terms]),
    ]
    potentials = [*network.potentials, Dense((drive, holding, finding), table), NoisyMax(drive, terms)]
    return CompiledNetwork(sizes, potentials), sizes, tables


@pytest.mark.parametrize("seed", range(30))
def test_a_hidden_drive_is_summed_and_never_maximised(seed):
    """Assignments of all but the hidden variable come in the order of their probability, the hidden one summed out."""
    compiled, sizes, tables = with_drive(seed)
    rng = np.random.default_rng(seed)
    hard = {v: int(rng.integers(2)) for v in range(6) if rng.random() < 0.3}
    summed = {}
    for states, weight in oracle.weights_of(sizes, tables, hard, {}):
        summed[states[:6]] = summed.get(states[:6], 0) + weight
    expected = sorted((oracle.log_of(w) for w in summed.values() if w), reverse=True)[:7]
    found = by_search(compiled, hard, {}, 7, hidden=1)
    np.testing.assert_allclose([log for log, _ in found], expected, rtol=1e-10, atol=1e-12)
    for log, states in found:
        np.testing.assert_allclose(log, oracle.log_of(summed[states[:6]]), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("seed", range(40))
def test_a_leaf_is_bounded_by_a_factor_for_each_parent(seed):
    """For every state of the parents the factors are at least the leaf's best state, and equal it when one is left."""
    rng = np.random.default_rng(seed)
    sizes = [*(int(n) for n in rng.integers(2, 4, 4)), int(rng.integers(2, 4))]
    noisy = NoisyMax(4, networks.noisy_terms(rng, sizes, 4, range(4), ["plain", "zeros", "extreme"][seed % 3]))
    leaf = Leaf(4, 0, -1, -1)
    allowed = {v: np.sort(rng.choice(sizes[v], int(rng.integers(1, sizes[v] + 1)), replace=False)) for v in range(4)}
    constant, factors = leaf_bound(leaf, [noisy], sizes, allowed)
    for states in np.array(np.meshgrid(*(allowed[v] for v in range(4)))).reshape(4, -1).T:
        best = leaf_rows(leaf, [noisy], sizes[4], dict(enumerate(states))).max()
        assert best <= constant + sum(factor[states[v]] for v, factor in factors.items()) + 1e-11
    single = {v: states[:1] for v, states in allowed.items()}
    exact = leaf_rows(leaf, [noisy], sizes[4], {v: int(s[0]) for v, s in single.items()}).max()
    assert leaf_bound(leaf, [noisy], sizes, single)[0] == exact


def wide(causes, findings, seed, memory_budget=2**31):
    """Return a network of rare causes, each of them a parent of each finding."""
    rng = np.random.default_rng(seed)
    potentials = [Dense((v,), [1 - p, p]) for v, p in enumerate(rng.uniform(0.01, 0.2, causes))]
    for place in range(findings):
        terms = [Term(None, [0.98, 0.02])]
        terms += [Term(v, [[1.0, 0.0], [1 - q, q]]) for v, q in enumerate(rng.uniform(0.05, 0.9, causes))]
        potentials.append(NoisyMax(causes + place, tuple(terms)))
    return CompiledNetwork([2] * (causes + findings), potentials, memory_budget=memory_budget)


def test_findings_of_many_causes_are_explained_without_a_full_table():
    """Three findings present of 16 causes each: the explanation is the best of all 65,536 sets of causes."""
    causes, findings = 16, 6
    network = wide(causes, findings, 3)
    present = {causes: 1, causes + 1: 1, causes + 2: 1}
    states = (np.arange(2**causes)[:, None] >> np.arange(causes)) & 1
    priors = np.array([p.values for p in network.potentials[:causes]])
    logs = np.log(np.where(states == 1, priors[:, 1], priors[:, 0])).sum(axis=1)
    for place in range(findings):
        noisy = network.potentials[causes + place]
        held = np.array([term.values[1, 0] for term in noisy.terms[1:]])
        absent = 0.98 * np.where(states == 1, held, 1.0).prod(axis=1)
        logs += np.log(1 - absent if causes + place in present else np.maximum(absent, 1 - absent))
    (best, found), *_ = by_search(network, present, {}, 1)
    assert found[:causes] == tuple(states[np.argmax(logs)])
    np.testing.assert_allclose(best, logs.max(), rtol=1e-12)


def test_a_search_past_its_work_is_refused():
    """A search that may not do enough work ends in an error that encloses the best, never in a list."""
    network = wide(14, 5, 1, memory_budget=2**18)
    present = {14: 1, 15: 1, 16: 1, 17: 1}
    best = by_search(network, present, {}, 1)[0][0]

    def brief(*given):
        return search_explanations(*given, most_entries=1.0)

    kept, explanations.search_explanations = explanations.search_explanations, brief
    try:
        with pytest.raises(SearchLimitError, match="more work than is allowed") as caught:
            by_search(network, present, {}, 1)
    finally:
        explanations.search_explanations = kept
    assert caught.value.best <= best <= caught.value.bound
