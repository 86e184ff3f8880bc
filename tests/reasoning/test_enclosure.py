"""No choice of numbers within the cited ranges takes a posterior out of its enclosure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

import toetwitch as tt
from toetwitch.errors import BudgetExceededError
from toetwitch.knowledge.parameters import parameters
from toetwitch.network import Network
from toetwitch.reasoning import enclosure as module
from toetwitch.reasoning.parameter_lanes import run_numbers
from toetwitch.testing.strategies import Question, networks, questions

SMALL = tt.load_model(Path(__file__).resolve().parents[1] / "data" / "small_model")
CASES = (
    {},
    {"numbness": True},
    {"weakness": "mild", "numbness": False, "age": "old"},
    {"trips": True, "heavy_load": True},
    {"trips": False, "weakness": "severe"},
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_bounds_contain_every_sampled_posterior(case: dict[str, object]) -> None:
    """Numbers drawn uniformly, and at the corners of their ranges, give posteriors within the bounds."""
    net, rng, lanes = SMALL.network, np.random.default_rng(0), 400
    drawn = {}
    for p in parameters(net.definition):
        values = rng.uniform(p.estimate.low, p.estimate.high, size=lanes)
        values[lanes // 2 :] = rng.choice([p.estimate.low, p.estimate.high], size=lanes - lanes // 2)
        drawn[p.path] = values
    found = run_numbers(net.inference, net.read(case), drawn, lanes, list(SMALL.causes))
    for cause in SMALL.causes:
        bounds = net.enclosure(case, cause)
        sample = found.marginals[cause][1, found.valid]
        assert len(sample) > lanes / 2
        assert bounds.low - 1e-12 <= sample.min() <= sample.max() <= bounds.high + 1e-12
        assert bounds.low <= bounds.posterior <= bounds.high


@settings(deadline=None, max_examples=15)
@given(questions(networks(nodes=(3, 5), solved=False)))
def test_certain_numbers_are_enclosed_tightly(question: Question) -> None:
    """Where no number has a range the enclosure is the posterior itself: interval arithmetic on points is exact."""
    net, evidence = Network(question.network), net_evidence(question)
    if any(p.estimate.low != p.estimate.high for p in parameters(net.definition)):
        return
    for target in net.variables:
        bounds = net.enclosure(evidence, target)
        assert [bounds.low, bounds.high] == pytest.approx([bounds.posterior] * 2, abs=1e-7)


def net_evidence(question: Question) -> dict[str, object]:
    """Return the evidence of a question as a dict."""
    return dict(question.evidence)


def test_wider_ranges_give_wider_bounds_that_still_say_something() -> None:
    """On a small case the bounds are neither a point nor everything."""
    bounds = SMALL.network.enclosure({"numbness": True}, SMALL.causes[0])
    assert 0 < bounds.low < bounds.posterior < bounds.high < 1
    assert bounds.method in str(bounds)
    assert bounds.to_dict()["low"] == bounds.low
    assert bounds.to_frame()["high"].iloc[0] == bounds.high


def test_an_observed_target_is_certain_and_a_table_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """An observed target needs no bounds; a noisy-MAX too large to write out is named."""
    net = SMALL.network
    bounds = net.enclosure({SMALL.causes[0]: True}, SMALL.causes[0])
    assert (bounds.low, bounds.high) == (1.0, 1.0)
    monkeypatch.setattr(module, "MOST_CELLS", 4)
    with pytest.raises(BudgetExceededError, match=r"writes out .* expected at most 4"):
        net.enclosure({"numbness": True}, SMALL.causes[0])
