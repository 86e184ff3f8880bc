"""No choice of numbers within the cited ranges takes a posterior out of its enclosure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import toetwitch as tt
from toetwitch.knowledge import Cpt, Estimate, Leak, Link, Logistic, NetworkDefinition, NoisyMax, Row, Variable
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
        assert bounds.low <= bounds.attained_low <= bounds.posterior <= bounds.attained_high <= bounds.high


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


def test_an_observed_target_is_certain() -> None:
    """An observed target needs no bounds."""
    bounds = SMALL.network.enclosure({SMALL.causes[0]: True}, SMALL.causes[0])
    assert (bounds.low, bounds.attained_low, bounds.attained_high, bounds.high) == (1.0,) * 4
    assert bounds.exact


@pytest.mark.parametrize("case", CASES, ids=str)
def test_either_proof_alone_encloses(case: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Odds ratios alone, for tables too large to be written out, and sums alone both hold what is attained."""
    for cause in SMALL.causes:
        both = SMALL.network.enclosure(case, cause)
        monkeypatch.setattr(module, "MOST_IN_ALL", 0)
        odds = SMALL.network.enclosure(case, cause)
        monkeypatch.undo()
        monkeypatch.setattr(module, "odds_bounds", lambda *_: (0.0, float("inf")))
        sums = SMALL.network.enclosure(case, cause)
        monkeypatch.undo()
        assert odds.method == "odds ratios"
        assert both.low == pytest.approx(max(odds.low, sums.low))
        assert both.high == pytest.approx(min(odds.high, sums.high))
        for bounds in (odds, sums):
            assert bounds.low <= both.attained_low <= both.attained_high <= bounds.high


@settings(deadline=None, max_examples=25)
@given(questions(networks(nodes=(3, 6))), st.integers(0, 2**32 - 1))
def test_no_sample_of_a_random_network_escapes(question: Question, seed: int) -> None:
    """Whatever the tables, posteriors under numbers drawn from their ranges lie within the outer bounds."""
    rng = np.random.default_rng(seed)
    net, evidence = Network(with_ranges(question.network, rng)), net_evidence(question)
    if net.read(evidence).jeffrey:
        return
    drawn = corners_and_between(net, 60, rng)
    targets = [id for id in net.variables if id not in net.read(evidence).ids][:2]
    found = run_numbers(net.inference, net.read(evidence), drawn, 60, targets)
    for target in targets:
        bounds = net.enclosure(evidence, target)
        sample = found.marginals[target][-1, found.valid]
        assert (sample >= bounds.low - 1e-9).all()
        assert (sample <= bounds.high + 1e-9).all()


def with_ranges(network: NetworkDefinition, rng: np.random.Generator) -> NetworkDefinition:
    """Return the network with a range around each stated number."""

    def ranged(e: Estimate, *, ratio: bool = False) -> Estimate:
        down, up = rng.uniform(0, 0.4, size=2)
        high = e.value * (1 + up) if ratio else e.value + (1 - e.value) * up
        return Estimate(e.value, e.value * (1 - down), high)

    def all_ranged(numbers: Mapping[str, Estimate]) -> dict[str, Estimate]:
        return {state: ranged(e) for state, e in numbers.items()}

    tables = []
    for table in network.tables:
        if isinstance(table, NoisyMax):
            links = tuple(replace(link, probabilities=all_ranged(link.probabilities)) for link in table.links)
            bands = {band: all_ranged(numbers) for band, numbers in table.leak.bands.items()}
            leak = replace(table.leak, overall=all_ranged(table.leak.overall), bands=bands)
            tables.append(replace(table, links=links, leak=leak))
        elif isinstance(table, Logistic):
            effects = tuple(replace(e, size=ranged(e.size, ratio=e.stated_as == "odds_ratio")) for e in table.effects)
            overall = None if table.anchor.overall is None else ranged(table.anchor.overall)
            anchor = replace(table.anchor, overall=overall, bands=all_ranged(table.anchor.bands))
            tables.append(replace(table, effects=effects, anchor=anchor))
        else:
            tables.append(table)
    return NetworkDefinition(network.variables, tuple(tables))


def corners_and_between(net: Network, lanes: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return values within the range of each number, half of them at its ends; of a cited row one number alone."""
    drawn, rows = {}, set()
    for p in parameters(net.definition):
        row = p.path.rpartition("].")[0] if p.role == "row" else p.path
        if row not in rows:
            rows.add(row)
            values = rng.uniform(p.estimate.low, p.estimate.high, size=lanes)
            values[::2] = rng.choice([p.estimate.low, p.estimate.high], size=len(values[::2]))
            drawn[p.path] = values
    return drawn


def test_few_straight_numbers_have_exact_extremes() -> None:
    """With two linear numbers the bounds are the extremes of all four corners, worked out by hand."""
    link = Link("cause", {"true": Estimate(0.6, 0.4, 0.8)})
    row = Row({}, {"false": Estimate(0.9, 0.8, 0.95), "true": Estimate(0.1, 0.05, 0.2)})
    tables = (
        Cpt.from_rows(Variable("cause"), (), (row,)),
        NoisyMax("finding", Leak("leak", {"true": Estimate.of(0.1)}), (link,)),
    )
    net = Network(NetworkDefinition((Variable("cause"), Variable("finding")), tables))
    bounds = net.enclosure({"finding": True}, "cause")
    expected = [p * c / (p * c + (1 - p) * 0.1) for p, c in ((0.05, 0.4), (0.2, 0.8))]
    assert bounds.exact
    assert [bounds.low, bounds.high] == pytest.approx(expected)
