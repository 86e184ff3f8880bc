"""On public networks the answers are those of pgmpy, one by one and in a batch."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import toetwitch as tt
from tests.interop.tables import numbers
from tests.interop.test_bif import SHIPPED

NAMES = ("asia", "child", "alarm", "insurance", "hepar2")
CASES = 3
OBSERVED = 0.2
"""The share of variables that a case observes."""


@pytest.fixture(scope="module", params=NAMES)
def pair(request: pytest.FixtureRequest) -> tuple[tt.Network, Any]:
    """Return a public network, ours and pgmpy's, each by its own reader."""
    logging.getLogger("pgmpy").setLevel(logging.ERROR)
    from pgmpy.readwrite import BIFReader

    path = next(path for path in SHIPPED if path.name == f"{request.param}.bif.gz")
    model = BIFReader(string=gzip.decompress(Path(path).read_bytes()).decode()).get_model()
    for cpd in model.get_cpds():
        # The files print seven digits; with rows off by 1e-7, what pgmpy answers depends on the nodes that it prunes.
        cpd.normalize()
    return tt.read_network(path), model


def cases(network: tt.Network) -> list[dict[str, str]]:
    """Return cases that can happen: variables drawn parents first, of which a fifth is then observed."""
    rng = np.random.default_rng(20)
    found = []
    for _ in range(CASES):
        drawn: dict[str, str] = {}
        for id in network.definition.order:
            parents = network.definition.parents(id)
            row = numbers(network.definition, id)[tuple(network.variables[p].index(drawn[p]) for p in parents)]
            drawn[id] = network.variables[id].states[int(rng.choice(len(row), p=row / row.sum()))]
        kept = rng.permutation(list(drawn))[: max(1, round(OBSERVED * len(drawn)))]
        found.append({str(id): drawn[str(id)] for id in kept})
    return found


def by_pgmpy(model: Any, evidence: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Return every posterior as pgmpy's variable elimination finds it."""
    from pgmpy.inference import VariableElimination

    engine = VariableElimination(model)
    answers = {}
    for id in model.nodes():
        if id not in evidence:
            factor = engine.query([id], dict(evidence), show_progress=False)
            answers[id] = dict(zip(factor.state_names[id], factor.values, strict=True))
    return answers


def test_agrees_with_pgmpy(pair: tuple[tt.Network, Any]) -> None:
    """Every posterior of every case is pgmpy's to 1e-9, single and batch, and observed cells are point masses."""
    network, model = pair
    asked = cases(network)
    frame = pd.DataFrame(asked, columns=list(network.variables))
    batch = network.posterior_many(frame)
    for row, evidence in enumerate(asked):
        single = network.posterior(evidence)
        expected = by_pgmpy(model, evidence)
        assert set(single) == set(expected)
        for id, states in expected.items():
            for state, p in states.items():
                assert single[id][state] == pytest.approx(p, abs=1e-9)
                assert batch[id][row, network.variables[id].index(state)] == pytest.approx(p, abs=1e-9)
        for id, state in evidence.items():
            assert batch[id][row].tolist() == [float(other == state) for other in network.variables[id].states]


def test_a_network_of_pgmpy_is_the_file(pair: tuple[tt.Network, Any]) -> None:
    """A network read by pgmpy and taken over has the variables, states and tables of the file read here."""
    network, model = pair
    taken = tt.Network.from_pgmpy(model)
    assert {id: v.states for id, v in taken.variables.items()} == {id: v.states for id, v in network.variables.items()}
    for id in network.variables:
        assert network.definition.parents(id) == taken.definition.parents(id)
        ours, theirs = numbers(network.definition, id), numbers(taken.definition, id)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-15)
