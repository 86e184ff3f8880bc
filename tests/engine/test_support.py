from __future__ import annotations

import networks
import numpy as np
import pytest
from hypothesis import given, settings

from toetwitch.engine import CompiledNetwork, Dense, native, support


@pytest.fixture(scope="module", autouse=True)
def _kernels():
    pytest.importorskip("numba")
    assert native.wait_for_kernel()


@pytest.fixture(autouse=True)
def _shortened_however_small():
    """Shorten every table that has a zero, also those of networks too small for it to pay."""
    kept = support.WORTHWHILE_ENTRIES, support.LIVE_SHARE
    support.WORTHWHILE_ENTRIES, support.LIVE_SHARE = 0, 1.0
    yield
    support.WORTHWHILE_ENTRIES, support.LIVE_SHARE = kept


def in_numpy(ask):
    """Call `ask` as if numba were not there."""
    kept, native._LOADER.kernel = native._LOADER.kernel, None
    try:
        return ask()
    finally:
        native._LOADER.kernel = kept


@settings(max_examples=150, deadline=None)
@given(networks.drawn_questions(9))
def test_shortened_tables_give_the_bits_of_whole_ones(question):
    """Leaving out what is zero whatever is observed changes no bit of an answer, on one lane or many."""
    network, hard, soft = question
    compiled = network.compiled
    fast, slow = compiled.posterior(hard, soft), in_numpy(lambda: compiled.posterior(hard, soft))
    assert fast.log_evidence == slow.log_evidence
    for v, table in fast.marginals.items():
        assert (table == slow.marginals[v]).all()
    varied = {v: np.stack([w, np.ones_like(w)], axis=1) for v, w in soft.items()} or {0: np.ones((network.sizes[0], 2))}
    log_evidence, marginals = compiled.lanes(hard, varied)
    slow_log, slow_marginals = in_numpy(lambda: compiled.lanes(hard, varied))
    assert (log_evidence == slow_log).all()
    for v, table in marginals.items():
        assert (table == slow_marginals[v]).all()


def test_a_deterministic_chain_keeps_its_diagonal():
    """Of a chain of copies only the entries that agree are kept: one a state, in tables and messages alike."""
    size, length = 20, 4
    tables = [Dense((0,), np.full(size, 1 / size)), *(Dense((v, v + 1), np.eye(size)) for v in range(length))]
    compiled = CompiledNetwork([size] * (length + 1), tables)
    runner = compiled._session({}, frozenset(), {}, None).main
    found = support.find_support(runner.program)
    widths = [len(clique.variables) for clique in runner.program.plan.cliques]
    assert 2 in widths
    for width, kept in zip(widths, found.tables, strict=True):
        assert (None if kept is None else len(kept)) == (size if width == 2 else None)
    assert np.allclose(compiled.posterior({0: 3}).marginals[length], np.eye(size)[3])
