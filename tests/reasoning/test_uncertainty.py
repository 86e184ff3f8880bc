"""Intervals come from whole models, each drawn by the stated rule and answered exactly."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

import toetwitch as tt
from toetwitch.errors import EvidenceError
from toetwitch.inference import ExactInference
from toetwitch.knowledge import Cpt, Estimate, Leak, Link, NetworkDefinition, NoisyMax, Variable
from toetwitch.knowledge.parameters import Parameter, parameters
from toetwitch.knowledge.table import Row
from toetwitch.network import Network
from toetwitch.reasoning.parameter_lanes import run_numbers
from toetwitch.reasoning.uncertainty import draw_numbers

SMALL = tt.load_model(Path(__file__).resolve().parents[1] / "data" / "small_model")


def cited(prior: Estimate, leak: Estimate, link: Estimate) -> Network:
    """Return one cause and one finding with these numbers."""
    row = Row({}, {"false": prior.complement(), "true": prior})
    cause, finding = Variable("cause"), Variable("finding")
    tables = (
        Cpt.from_rows(cause, (), (row,)),
        NoisyMax("finding", Leak("leak", {"true": leak}), (Link("cause", {"true": link}),)),
    )
    return Network(NetworkDefinition((cause, finding), tables))


def test_draws_have_the_stated_quantiles() -> None:
    """The estimate is the median of the draws, and the ends of the range are its 2.5th and 97.5th percentiles."""
    rng = np.random.default_rng(5)
    for scale, numbers in (("probability", (0.02, 0.05, 0.3)), ("odds_ratio", (0.7, 2.0, 3.0))):
        low, value, high = numbers
        number = Parameter("p", "a", Estimate(value, low, high), scale, "link")
        drawn = draw_numbers([number], 40_000, rng)["p"]
        assert np.percentile(drawn, [2.5, 50, 97.5]) == pytest.approx([low, value, high], rel=0.05)
    fixed = Parameter("p", "a", Estimate.of(0.2), "probability", "link")
    assert draw_numbers([fixed], 10, rng) == {}


def test_every_draw_is_a_model_of_its_own() -> None:
    """A lane's posterior equals that of the network stated with that lane's numbers."""
    net = cited(Estimate(0.1, 0.05, 0.2), Estimate(0.02, 0.01, 0.05), Estimate(0.6, 0.4, 0.8))
    read = net.read({"finding": True})
    drawn = draw_numbers(parameters(net.definition), 8, np.random.default_rng(2))
    lanes = run_numbers(net.inference, read, drawn, 8, ["cause"])
    for n in range(8):
        prior, leak, link = (float(drawn[p.path][n]) for p in parameters(net.definition))
        other = cited(*map(Estimate.of, (prior, leak, link)))
        truth = other.posterior({"finding": True})["cause"]["true"]
        assert lanes.marginals["cause"][1, n] == pytest.approx(truth, abs=1e-12)


def test_numbers_without_ranges_leave_no_doubt() -> None:
    """When every number is certain, each interval is the posterior and the leading target always leads."""
    net = cited(*map(Estimate.of, (0.1, 0.02, 0.6)))
    answer = net.intervals({"finding": True}, ["cause"], draws=20, rng=np.random.default_rng(0))
    only = answer.targets["cause"]
    assert [only.low, only.median, only.high] == pytest.approx([only.posterior] * 3, abs=1e-12)
    assert answer.leading_leads == 1.0


def test_intervals_nest_and_contain_the_posterior_of_the_estimates() -> None:
    """A higher level gives a wider interval, and the same chance gives the same answer bit for bit."""
    case = {"numbness": True, "heavy_load": True}
    half = SMALL.intervals(case, level=0.5, draws=300, rng=np.random.default_rng(3))
    most = SMALL.intervals(case, level=0.95, draws=300, rng=np.random.default_rng(3))
    again = SMALL.intervals(case, level=0.95, draws=300, rng=np.random.default_rng(3))
    assert most == again
    for id in SMALL.causes:
        assert most.targets[id].low <= half.targets[id].low <= half.targets[id].median
        assert half.targets[id].median <= half.targets[id].high <= most.targets[id].high
        assert most.targets[id].low <= most.targets[id].posterior <= most.targets[id].high
    assert sum(t.leads for t in most.targets.values()) == pytest.approx(1)


def test_intervals_cover_what_they_promise() -> None:
    """Truths drawn from the ranges fall in the 90 % interval of a known quotient in about 90 % of cases."""
    net = cited(Estimate(0.1, 0.05, 0.2), Estimate(0.02, 0.01, 0.05), Estimate(0.6, 0.4, 0.8))
    case = {"finding": True}
    answer = net.intervals(case, ["cause"], draws=2000, rng=np.random.default_rng(0)).targets["cause"]
    truths = draw_numbers(parameters(net.definition), 1000, np.random.default_rng(1))
    sample = run_numbers(net.inference, net.read(case), truths, 1000, ["cause"]).marginals["cause"][1]
    covered = float(((answer.low <= sample) & (sample <= answer.high)).mean())
    assert covered == pytest.approx(0.9, abs=4 * math.sqrt(0.09 / 1000))


def test_draws_without_a_model_are_rejected_and_counted() -> None:
    """Where a drawn prevalence lies below what the links alone give, the draw is left out and said to be."""
    cause, finding = Variable("cause"), Variable("finding")
    leak = Leak("prevalence", {"true": Estimate(0.3, 0.05, 0.6)})
    table = NoisyMax("finding", leak, (Link("cause", {"true": Estimate.of(0.6)}),))
    tables = (Cpt("cause", (), [0.8, 0.2]), table)
    net = Network.from_inference(ExactInference(NetworkDefinition((cause, finding), tables)))
    answer = net.intervals({}, ["finding"], draws=200, rng=np.random.default_rng(0))
    assert answer.rejected > 0
    assert answer.draws + answer.rejected == 200
    assert answer.targets["finding"].low >= 0.12 - 1e-9


def test_wrong_arguments_are_named() -> None:
    """A level that is no probability, no draws at all and a seed for a generator are refused."""
    with pytest.raises(EvidenceError, match=r"level 90; expected a number between 0 and 1"):
        SMALL.intervals({}, level=90, rng=np.random.default_rng(0))
    with pytest.raises(EvidenceError, match="expected one or more"):
        SMALL.intervals({}, draws=0, rng=np.random.default_rng(0))
    with pytest.raises(EvidenceError, match="rng of type int; expected a numpy Generator"):
        SMALL.intervals({}, rng=5)  # type: ignore[arg-type]


def test_every_form_says_the_same() -> None:
    """Dict, frame and text hold the same intervals; the dict is JSON."""
    answer = SMALL.intervals({"numbness": True}, draws=50, rng=np.random.default_rng(0))
    again = json.loads(json.dumps(answer.to_dict(), allow_nan=False))
    assert again["targets"][answer.leading]["low"] == answer.targets[answer.leading].low
    assert answer.to_frame().index[0] == answer.leading
    assert answer.leading in str(answer)
