from __future__ import annotations

import math

import networks
import numpy as np
import oracle
from hypothesis import given, settings
from hypothesis import strategies as st

from toetwitch.engine import CompiledNetwork, Dense


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
