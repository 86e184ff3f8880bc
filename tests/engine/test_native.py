from __future__ import annotations

import networks
import numpy as np
import pytest
from hypothesis import given, settings

from toetwitch.engine import native


@pytest.fixture(scope="module", autouse=True)
def _kernels():
    pytest.importorskip("numba")
    assert native.wait_for_kernel()


def without_kernel(ask):
    """Call `ask` as if numba were not there."""
    kept, native._LOADER.kernel = native._LOADER.kernel, None
    try:
        return ask()
    finally:
        native._LOADER.kernel = kept


@settings(max_examples=150, deadline=None)
@given(networks.drawn_questions())
def test_compiled_kernels_give_the_bits_of_numpy(question):
    """A single case comes out of the compiled kernels bit for bit as from NumPy."""
    network, hard, soft = question
    fast = network.compiled.posterior(hard, soft)
    slow = without_kernel(lambda: network.compiled.posterior(hard, soft))
    assert fast.log_evidence == slow.log_evidence
    for v, table in fast.marginals.items():
        assert (table == slow.marginals[v]).all()


@settings(max_examples=100, deadline=None)
@given(networks.drawn_questions())
def test_lanes_give_the_bits_of_single_cases(question):
    """Lanes do not touch each other: each equals its own single case bit for bit, in either kind of kernel."""
    network, hard, soft = question
    varied = {v: np.stack([w, np.ones_like(w), w[::-1]], axis=1) for v, w in soft.items()}
    varied = varied or {0: np.ones((network.sizes[0], 3))}
    log_evidence, marginals = network.compiled.lanes(hard, varied)
    numpy_log, numpy_marginals = without_kernel(lambda: network.compiled.lanes(hard, varied))
    assert (log_evidence == numpy_log).all()
    for v, table in marginals.items():
        assert (table == numpy_marginals[v]).all()
    for lane in range(3):
        alone = network.compiled.posterior(hard, {v: w[:, lane] for v, w in varied.items()})
        np.testing.assert_allclose(log_evidence[lane], alone.log_evidence, rtol=1e-12, atol=1e-12)
        for v, table in alone.marginals.items():
            np.testing.assert_allclose(marginals[v][:, lane], table, rtol=1e-11, atol=1e-300)
