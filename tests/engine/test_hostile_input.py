from __future__ import annotations

import math
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import networks
import numpy as np
import pytest

from toetwitch.engine import CompiledNetwork, Dense, NoisyMax, Term
from toetwitch.errors import BudgetExceededError

FLIP = np.array([[0.9, 0.1], [0.2, 0.8]])


def chain(length):
    """Return a chain of two-state variables, each like the one before it with error."""
    tables = [Dense((0,), [0.5, 0.5])] + [Dense((v - 1, v), FLIP) for v in range(1, length)]
    return CompiledNetwork([2] * length, tables)


def test_a_chain_of_5000_is_its_matrix_product():
    """A chain of 5,000 nodes is answered, and equals the product of its 2 x 2 matrices scaled step by step."""
    length = 5_000
    hard = {v: v // 10 % 2 for v in range(0, length, 10) if v}
    answer = chain(length).posterior(hard, {}, [0, 1, 4, 4_999])
    forward, log_total = np.array([0.5, 0.5]), 0.0
    for v in range(1, length):
        forward = forward @ FLIP
        if v in hard:
            forward = forward * (np.arange(2) == hard[v])
        log_total += math.log(forward.sum())
        forward = forward / forward.sum()
    assert answer.log_evidence == pytest.approx(log_total, rel=1e-12)
    np.testing.assert_allclose(answer.marginals[4_999], forward, rtol=1e-12)
    steps = [np.linalg.matrix_power(FLIP, n) for n in (4, 6)]
    joint = np.linalg.matrix_power(FLIP, 10)[:, hard[10]] * 0.5
    np.testing.assert_allclose(answer.marginals[0], joint / joint.sum(), rtol=1e-12)
    middle = (np.array([0.5, 0.5]) @ steps[0]) * steps[1][:, hard[10]]
    np.testing.assert_allclose(answer.marginals[4], middle / middle.sum(), rtol=1e-12)


def test_a_table_that_cannot_fit_is_refused_before_anything_is_allocated():
    """Thirty-six variables that all meet in pairs are refused with the clique named, in little memory."""
    count = 36
    tables = [Dense((a, b), [[1.0, 2.0], [2.0, 1.0]]) for a in range(count) for b in range(a + 1, count)]
    network = CompiledNetwork([2] * count, tables)
    tracemalloc.start()
    with pytest.raises(BudgetExceededError, match=r"the widest table joins 36 variables, of the network \(") as refusal:
        network.posterior({}, {})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sorted(refusal.value.clique) == list(range(count))
    assert refusal.value.bytes_needed > 8 * 2**count
    assert refusal.value.budget == 2 * 2**30
    assert peak < 50 * 2**20


def test_a_refused_question_leaves_the_network_usable():
    """After a refusal, a question that fits is answered as if nothing had been asked before."""
    count = 36
    tables = [Dense((a, b), [[1.0, 2.0], [2.0, 1.0]]) for a in range(count) for b in range(a + 1, count)]
    network = CompiledNetwork([2] * count, tables)
    with pytest.raises(BudgetExceededError):
        network.posterior({}, {})
    answer = network.posterior(dict.fromkeys(range(1, count), 0), {})
    np.testing.assert_allclose(answer.marginals[0], np.array([1.0, 2.0**35]) / (1.0 + 2.0**35), rtol=1e-13)


@pytest.mark.parametrize("exponent", [200, 300])
def test_contributions_near_zero_keep_the_logarithm(exponent):
    """Ten noisy-OR findings present at 1e-300 each give P(e) near 1e-3000 in log, and a posterior without NaN."""
    count, tiny = 10, 10.0**-exponent
    nodes = [
        NoisyMax(v, (Term(None, [1.0, 0.0]), Term(0, [[1.0 - tiny, tiny], [1.0 - tiny, tiny]])))
        for v in range(1, count + 1)
    ]
    network = CompiledNetwork([2] * (count + 1), [Dense((0,), [0.25, 0.75]), *nodes])
    answer = network.posterior(dict.fromkeys(range(1, count + 1), 1), {})
    assert answer.log_evidence == pytest.approx(-exponent * count * math.log(10), rel=1e-13)
    np.testing.assert_allclose(answer.marginals[0], [0.25, 0.75], rtol=1e-12)


def test_deterministic_tables_are_exact():
    """Where every table is zero or one, posteriors are zero, one or an exact fraction, and contradictions are -inf."""
    parity = np.zeros((2, 2, 2))
    for a in range(2):
        for b in range(2):
            parity[a, b, a ^ b] = 1.0
    tables = [Dense((v,), [0.5, 0.5]) for v in range(3)] + [Dense((0, 1, 3), parity), Dense((3, 2, 4), parity)]
    network = CompiledNetwork([2] * 5, tables)
    answer = network.posterior({4: 1, 0: 1, 1: 0}, {})
    assert answer.marginals[2].tolist() == [1.0, 0.0]
    assert answer.marginals[3].tolist() == [0.0, 1.0]
    assert math.exp(answer.log_evidence) == pytest.approx(0.125, rel=1e-15)
    impossible = network.posterior({4: 1, 0: 1, 1: 0, 2: 1}, {})
    assert impossible.log_evidence == -math.inf
    assert impossible.marginals[3].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("seed", range(4))
def test_threads_that_ask_at_once_get_the_bits_of_one(seed):
    """Eight threads asking different questions of one network get what one thread gets, bit for bit."""
    network = networks.build(seed, 9, "plain", most=3)
    rng = np.random.default_rng(seed)
    questions = [
        {v: int(rng.integers(0, n)) for v, n in enumerate(network.sizes) if rng.random() < 0.4} for _ in range(24)
    ]
    alone = network.compiled
    expected = [alone.posterior(hard, {}) for hard in questions]
    shared = network.compiled
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda hard: shared.posterior(hard, {}), questions * 3))
    for place, answer in enumerate(found):
        own = expected[place % len(questions)]
        assert answer.log_evidence == own.log_evidence
        assert all((answer.marginals[v] == own.marginals[v]).all() for v in own.marginals)
