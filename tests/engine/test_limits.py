from __future__ import annotations

import math
import threading
import tracemalloc

import networks
import numpy as np
import pytest

from toetwitch.engine import CompiledNetwork, Dense
from toetwitch.errors import BudgetExceededError


def chain(count, step):
    """Return a chain of two-state variables, each the next one's parent."""
    tables = [Dense((0,), [0.5, 0.5]), *(Dense((v - 1, v), step) for v in range(1, count))]
    return CompiledNetwork([2] * count, tables)


def test_a_chain_of_5000_variables_is_answered():
    """The posterior at the head of a long chain, its tail observed, is the matrix power; log P(e) too."""
    step = np.array([[0.999, 0.001], [0.002, 0.998]])
    answer = chain(5000, step).posterior({4999: 1}, {}, [0])
    column = np.linalg.matrix_power(step, 4999)[:, 1]
    np.testing.assert_allclose(answer.marginals[0], column / column.sum(), rtol=1e-9)
    assert answer.log_evidence == pytest.approx(math.log(0.5 * column.sum()), rel=1e-10)


def test_a_clique_that_cannot_fit_is_refused_before_anything_is_allocated():
    """A table past the budget is refused by its predicted need and names its variables; planning takes 1 % of it."""
    grid = 30
    # Every pair of variables shares a table, so any order joins all of them.
    pairs = [(a, b) for a in range(grid) for b in range(a)]
    network = CompiledNetwork([2] * grid, [Dense(pair, np.ones((2, 2))) for pair in pairs], memory_budget=2**24)
    tracemalloc.start()
    try:
        with pytest.raises(BudgetExceededError) as caught:
            network.posterior({}, {}, [0])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.bytes_needed >= 8 * 2**grid
    assert set(caught.value.clique) == set(range(grid))
    assert peak < caught.value.bytes_needed / 100


@pytest.mark.parametrize("by_weights", [False, True])
def test_evidence_of_probability_1e_minus_3000_is_right_in_log(by_weights):
    """Evidence of probability 1e-3000 has its logarithm to 13 digits, observed or weighted, and a sound posterior."""
    count = 3001
    network = CompiledNetwork([2] * count, [Dense((0,), [0.25, 0.75]), *(
        Dense((0, v), [[0.9, 0.1], [0.9, 0.1]]) for v in range(1, count)
    )])  # fmt: skip
    if by_weights:
        answer = network.posterior({}, {v: [0.0, 1.0] for v in range(1, count)}, [0])
    else:
        answer = network.posterior(dict.fromkeys(range(1, count), 1), {}, [0])
    assert answer.log_evidence == pytest.approx(-3000 * math.log(10), rel=1e-13)
    np.testing.assert_allclose(answer.marginals[0], [0.25, 0.75], rtol=1e-11)


def test_deterministic_tables_stay_exact():
    """An exclusive-or of two coins is known for sure from any two of the three, to the bit; the third is even."""
    table = np.zeros((2, 2, 2))
    for a in range(2):
        for b in range(2):
            table[a, b, a ^ b] = 1.0
    network = CompiledNetwork([2, 2, 2], [Dense((0,), [0.5, 0.5]), Dense((1,), [0.5, 0.5]), Dense((0, 1, 2), table)])
    for a in range(2):
        for out in range(2):
            answer = network.posterior({0: a, 2: out}, {}, [1])
            assert answer.marginals[1].tolist() == [float(a ^ out == b) for b in range(2)]
            assert answer.log_evidence == math.log(0.25)
    assert network.posterior({0: 1, 1: 1, 2: 1}, {}).log_evidence == -math.inf
    assert network.posterior({2: 1}, {}, [0]).marginals[0].tolist() == [0.5, 0.5]


def questions(network, rng, count):
    """Return pieces of hard evidence."""
    return [{v: int(rng.integers(n)) for v, n in enumerate(network.sizes) if rng.random() < 0.4} for _ in range(count)]


def bits(network, asked):
    """Return the answers of all questions as bytes."""
    answers = [network.posterior(hard, {}) for hard in asked]
    return [(a.log_evidence, *(t.tobytes() for t in a.marginals.values())) for a in answers]


def test_eight_threads_agree_with_one():
    """Eight threads that ask one network the same questions at once, each from another on, get the bits of one."""
    drawn = networks.build(7, 9, "plain", most=3)
    asked = questions(drawn, np.random.default_rng(0), 40)
    alone = bits(drawn.compiled, asked)
    network, found, ready = drawn.compiled, {}, threading.Barrier(8)

    def ask(turn):
        ready.wait()
        order = asked[5 * turn :] + asked[: 5 * turn]
        mine = bits(network, order)
        found[turn] = mine[len(asked) - 5 * turn :] + mine[: len(asked) - 5 * turn]

    threads = [threading.Thread(target=ask, args=(turn,)) for turn in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[turn] for turn in range(8)] == [alone] * 8


@pytest.mark.parametrize("style", ["plain", "zeros", "extreme"])
def test_repeats_agree_bit_for_bit(style):
    """The same calls on two networks made alike, and again on the first, give the same bits; explanations too."""
    drawn = networks.build(12, 8, style, most=3)
    asked = questions(drawn, np.random.default_rng(1), 10)
    first, other = drawn.compiled, drawn.compiled
    expected = bits(first, asked)
    assert bits(first, asked) == expected
    assert bits(other, asked) == expected
    assert first.k_best(asked[0], {}, 5) == first.k_best(asked[0], {}, 5) == other.k_best(asked[0], {}, 5)
