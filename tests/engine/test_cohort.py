from __future__ import annotations

import networks
import numpy as np
import pytest

from toetwitch.engine import batches, native


@pytest.fixture(scope="module", autouse=True)
def _kernels():
    pytest.importorskip("numba")
    assert native.wait_for_row_kernel()


@pytest.mark.parametrize("seed", range(60))
def test_rows_without_plans_are_rows_with_plans(seed, monkeypatch):
    """A case answered without a plan equals the same case answered by its plan, whatever the network."""
    monkeypatch.setattr(batches, "ENOUGH_ROWS", 1)
    style = ["plain", "zeros", "extreme"][seed % 3]
    network = networks.build(seed, 1 + seed % 9, style, most=2 + seed % 3, directed=seed % 2 == 0)
    rng = np.random.default_rng(seed)
    rows = 8
    codes = np.array([[rng.integers(-1, n) if rng.random() < 0.6 else -1 for n in network.sizes] for _ in range(rows)])
    soft = {0: rng.random((rows, network.sizes[0]))} if seed % 5 == 0 else {}
    compiled = network.compiled
    batch = compiled.batch(codes, soft, threads=1)
    for row in range(rows):
        hard = {v: int(s) for v, s in enumerate(codes[row]) if s >= 0}
        answer = compiled.posterior(hard, {v: w[row] for v, w in soft.items()}, range(len(network.sizes)))
        np.testing.assert_allclose(batch.log_evidence[row], answer.log_evidence, rtol=1e-11, atol=1e-11)
        for v, table in answer.marginals.items():
            np.testing.assert_allclose(batch.marginals[v][row], table, rtol=1e-9, atol=1e-12)


def test_threads_agree_bit_for_bit(monkeypatch):
    """One thread and several give the same bits, with plans and without."""
    network = networks.build(11, 9, "plain", most=3)
    rng = np.random.default_rng(0)
    codes = np.array([[rng.integers(-1, n) for n in network.sizes] for _ in range(700)])
    for enough in (1, 10**9):
        monkeypatch.setattr(batches, "ENOUGH_ROWS", enough)
        one = network.compiled.batch(codes, threads=1)
        several = network.compiled.batch(codes, threads=3)
        assert (one.log_evidence == several.log_evidence).all()
        assert all((one.marginals[v] == several.marginals[v]).all() for v in one.marginals)
