from __future__ import annotations

import networks
import numpy as np
import pytest

from toetwitch.engine import compiled, native


@pytest.mark.parametrize("seed", range(12))
def test_a_case_is_answered_alike_without_a_plan(seed, monkeypatch):
    """Whether compiled code answers without a plan changes an answer by rounding only."""
    pytest.importorskip("numba")
    assert native.wait_for_row_kernel()
    network = networks.build(seed, 9, "plain", most=3, noisy_share=0.9)
    rng = np.random.default_rng(seed)
    hard = {v: int(rng.integers(0, n)) for v, n in enumerate(network.sizes) if rng.random() < 0.4}
    soft = {0: rng.random(network.sizes[0])}
    targets = range(len(network.sizes))
    direct_network = network.compiled
    object.__setattr__(direct_network, "_leaves", frozenset())
    direct = direct_network.posterior(hard, soft, targets)
    monkeypatch.setattr(compiled, "row_kernel", lambda: False)
    planned = network.compiled.posterior(hard, soft, targets)
    np.testing.assert_allclose(direct.log_evidence, planned.log_evidence, rtol=1e-12)
    for v in targets:
        np.testing.assert_allclose(direct.marginals[v], planned.marginals[v], rtol=1e-10, atol=1e-14)
