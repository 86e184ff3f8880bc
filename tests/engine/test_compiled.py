from __future__ import annotations

import math

import networks
import numpy as np
import oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toetwitch.engine import CompiledNetwork, Dense
from toetwitch.errors import BudgetExceededError, EvidenceError


def close(got, expected, tolerance=1e-10):
    """Assert equality to a relative tolerance."""
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=1e-13)


@settings(max_examples=150, deadline=None)
@given(networks.drawn_questions())
def test_posterior_is_enumeration(question):
    """Every posterior and log P(e) equal exact enumeration; impossible evidence gives -inf and zeros."""
    network, hard, soft = question
    answer = network.compiled.posterior(hard, soft)
    log_evidence, expected = oracle.marginals(network.sizes, network.tables, hard, soft)
    assert set(answer.marginals) == set(range(len(network.sizes))) - set(hard)
    if expected is None:
        assert answer.log_evidence == -math.inf
        assert all((table == 0).all() for table in answer.marginals.values())
        return
    close(answer.log_evidence, log_evidence)
    for v, table in answer.marginals.items():
        np.testing.assert_allclose(table, expected[v], rtol=1e-9, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(networks.drawn_questions(), st.data())
def test_targets_change_nothing(question, data):
    """Asking for fewer targets, observed ones included, gives the same numbers."""
    network, hard, soft = question
    compiled = network.compiled
    targets = data.draw(st.lists(st.sampled_from(range(len(network.sizes))), unique=True))
    log_evidence, expected = oracle.marginals(network.sizes, network.tables, hard, soft)
    answer = compiled.posterior(hard, soft, targets)
    assert list(answer.marginals) == targets
    close(answer.log_evidence, log_evidence)
    for v in targets:
        np.testing.assert_allclose(
            answer.marginals[v], expected[v] if expected else np.zeros(network.sizes[v]), rtol=1e-9, atol=1e-12
        )


@settings(max_examples=60, deadline=None)
@given(networks.drawn_questions(), st.data())
def test_joint_is_enumeration(question, data):
    """The joint of a few variables, observed ones included, equals enumeration."""
    network, hard, soft = question
    scope = data.draw(st.lists(st.sampled_from(range(len(network.sizes))), unique=True, max_size=3))
    log_evidence, table = network.compiled.joint(hard, soft, scope)
    close(log_evidence, oracle.marginals(network.sizes, network.tables, hard, soft)[0])
    expected = np.zeros([network.sizes[v] for v in scope])
    for states, value in oracle.joint(network.sizes, network.tables, hard, soft, scope).items():
        expected[states] = value
    np.testing.assert_allclose(table, expected, rtol=1e-9, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(networks.drawn_questions(6))
def test_mpe_is_enumeration(question):
    """The most probable assignment agrees with the evidence and no assignment is more probable."""
    network, hard, soft = question
    log_best, states = network.compiled.mpe(hard, soft)
    ((expected, _),) = oracle.best(network.sizes, network.tables, hard, soft)
    close(log_best, expected)
    assert all(states[v] == s for v, s in hard.items())
    if expected > -math.inf:
        ((own, _),) = oracle.best(network.sizes, network.tables, dict(enumerate(states)), soft)
        close(own, expected)


@settings(max_examples=60, deadline=None)
@given(networks.drawn_networks(6), st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_batch_is_row_by_row(network, seed, count):
    """A ragged batch gives in each row what that row alone gives, observed targets as point masses."""
    rng = np.random.default_rng(seed)
    codes = np.array([[rng.integers(-1, n) for n in network.sizes] for _ in range(count)])
    soft = {0: rng.random((count, network.sizes[0])) * (rng.random((count, network.sizes[0])) < 0.8)}
    compiled = network.compiled
    batch = compiled.batch(codes, soft)
    for row in range(count):
        hard = {v: int(s) for v, s in enumerate(codes[row]) if s >= 0}
        answer = compiled.posterior(hard, {0: soft[0][row]}, range(len(network.sizes)))
        close(batch.log_evidence[row], answer.log_evidence)
        for v, table in answer.marginals.items():
            np.testing.assert_allclose(batch.marginals[v][row], table, rtol=1e-10, atol=1e-13)


def scarce(network, ask):
    """Return the answer under the smallest memory budget, to a factor of two, that gives one: lanes run in turn."""
    for bits in range(3, 40):
        try:
            return ask(CompiledNetwork(network.sizes, network.potentials, memory_budget=2**bits))
        except BudgetExceededError:
            continue
    raise AssertionError("no budget was enough")


@settings(max_examples=60, deadline=None)
@given(networks.drawn_questions(6), st.integers(0, 2**32 - 1))
def test_lanes_are_separate_questions(question, seed):
    """Each lane, with its own weights and tables, gives what a network with those tables gives."""
    network, hard, soft = question
    rng = np.random.default_rng(seed)
    replacements, variants = {}, []
    for index, potential in enumerate(network.potentials):
        if isinstance(potential, Dense) and rng.random() < 0.5:
            factor = rng.random((*potential.values.shape, 3)) + 0.1
            replacements[index] = Dense(potential.scope, potential.values[..., None] * factor)
    varied = {v: np.stack([w, w[::-1], np.ones_like(w)], axis=1) for v, w in soft.items()}
    for lane in range(3):
        own = list(network.potentials)
        for index, potential in replacements.items():
            own[index] = Dense(potential.scope, potential.values[..., lane])
        variants.append(CompiledNetwork(network.sizes, own))
    log_evidence, marginals = network.compiled.lanes(hard, varied, replacements)
    in_turn = scarce(network, lambda compiled: compiled.lanes(hard, varied, replacements))
    close(in_turn[0], log_evidence)
    for v, table in marginals.items():
        np.testing.assert_allclose(in_turn[1][v], table, rtol=1e-10, atol=1e-13)
    for lane in range(3 if varied or replacements else 1):
        answer = variants[lane].posterior(hard, {v: w[:, lane] for v, w in varied.items()})
        close(log_evidence[lane], answer.log_evidence)
        for v, table in answer.marginals.items():
            np.testing.assert_allclose(marginals[v][:, lane], table, rtol=1e-10, atol=1e-13)


@settings(max_examples=60, deadline=None)
@given(networks.drawn_questions(6), st.data())
def test_gradient_is_the_change_of_a_multilinear_function(question, data):
    """P(e) is linear in each entry of a dense table: raising one entry moves it by exactly the derivative."""
    network, hard, soft = question
    asked = range(len(network.sizes))
    log_evidence, gradient = network.compiled.gradient(hard, soft)
    if log_evidence == -math.inf:
        assert all((np.asarray(part) == 0).all() for parts in gradient for part in parts)
        return
    plan = network.compiled.plan(hard, list(soft), targets=[])
    kept = {piece.potential for piece in plan.pieces if hasattr(piece, "potential")}
    dense = [i for i, p in enumerate(network.potentials) if isinstance(p, Dense) and i in kept]
    if not dense or abs(log_evidence) > 300:
        return
    index = data.draw(st.sampled_from(dense))
    place = tuple(data.draw(st.integers(0, n - 1)) for n in network.potentials[index].values.shape)
    raised = np.array(network.potentials[index].values)
    raised[place] += 0.5
    tables = list(network.tables)
    tables[index] = oracle.dense_table(network.potentials[index].scope, raised)
    del asked
    after, _ = oracle.marginals(network.sizes, tables, hard, soft)
    expected = math.expm1(after - log_evidence) / 0.5 if after - log_evidence < 600 else math.inf
    if math.isfinite(expected):
        np.testing.assert_allclose(gradient[index][place], expected, rtol=1e-7, atol=1e-9)


def test_chain_of_tiny_probabilities_is_exact_in_log():
    """P(e) = 1e-3000 comes out as its logarithm, and the posterior stays a distribution."""
    count = 11
    values = np.array([[1.0, 1e-300], [1.0, 1e-300]])
    network = CompiledNetwork(
        [2] * count, [Dense((0,), [0.5, 0.5])] + [Dense((v - 1, v), values) for v in range(1, count)]
    )
    answer = network.posterior(dict.fromkeys(range(1, count), 1), {})
    assert answer.log_evidence == pytest.approx(-3000 * math.log(10), rel=1e-13)
    np.testing.assert_allclose(answer.marginals[0], [0.5, 0.5], rtol=1e-12)
    hidden = network.posterior({}, {v: [0.0, 1e-200] for v in range(1, count)})
    assert hidden.log_evidence == pytest.approx(-5000 * math.log(10), rel=1e-13)


def test_same_call_same_bits():
    """Repeated calls agree bit for bit, and so does a lane with the case alone."""
    network = networks.build(5, 9, "plain")
    first = network.compiled.posterior({0: 1}, {})
    again = network.compiled.posterior({0: 1}, {})
    lanes = network.compiled.lanes({0: 1}, {1: np.ones((network.sizes[1], 7))})
    assert first.log_evidence == again.log_evidence
    for v, table in first.marginals.items():
        assert (table == again.marginals[v]).all()
        np.testing.assert_allclose(lanes[1][v][:, 3], table, rtol=1e-14)


@pytest.mark.parametrize(
    ("hard", "soft", "message"),
    [
        ({9: 0}, {}, "variable 9 does not exist; expected 0 to 3"),
        ({0: 7}, {}, "variable 0 observed in state 7; expected 0 to"),
        ({}, {0: [1.0]}, "weights of variable 0: shape"),
        ({}, {0: [-1.0, 1.0]}, "expected finite numbers, zero or more"),
    ],
)
def test_bad_evidence_is_refused(hard, soft, message):
    """Evidence that does not fit is refused with the value got and what was expected."""
    network = networks.build(1, 4, "plain", most=2)
    with pytest.raises(EvidenceError, match=message):
        network.compiled.posterior(hard, soft)
