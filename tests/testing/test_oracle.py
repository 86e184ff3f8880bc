"""The oracle agrees with answers worked out by hand, and shares no code with what it judges."""

from __future__ import annotations

import math

import pytest

from tests.architecture.source_tree import reachable
from toetwitch.evidence import excluded, jeffrey, likelihood
from toetwitch.knowledge.estimate import Estimate
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.table import Anchor, Cpt, Effect, Leak, Link, Logistic, NoisyMax
from toetwitch.knowledge.variable import Variable
from toetwitch.testing.counterfactual import necessity
from toetwitch.testing.oracle import CELL_LIMIT, Enumeration, TooManyCellsError, expand

P = Estimate.of
A, B, C = Variable("a"), Variable("b"), Variable("c")
COIN = Cpt("a", (), [0.8, 0.2])
WET = NetworkDefinition((A, B), (COIN, Cpt("b", ("a",), [[0.9, 0.1], [0.2, 0.8]])))


@pytest.mark.parametrize("module", ["oracle", "counterfactual"])
def test_the_oracle_reaches_no_inference(module: str) -> None:
    """Neither the engine nor the inference above it can be reached from the oracle."""
    found = reachable(f"toetwitch.testing.{module}")
    assert not [name for name in found if name.split(".")[1:2] in (["engine"], ["inference"], ["interop"])]


def test_bayes_rule() -> None:
    """P(a | b) is P(a) P(b | a) / P(b)."""
    truth = Enumeration(WET)
    assert truth.posterior({"b": True})["a"][1] == pytest.approx(0.16 / 0.24)
    assert truth.log_probability({"b": True}) == pytest.approx(math.log(0.24))


def test_soft_evidence() -> None:
    """Likelihoods multiply, exclusions zero, Jeffrey evidence replaces."""
    truth = Enumeration(WET)
    assert truth.posterior({"a": likelihood({"false": 0.1, "true": 0.4})})["a"][1] == pytest.approx(0.08 / 0.16)
    assert truth.posterior({"a": excluded("false")})["a"][1] == 1
    assert truth.posterior({"a": jeffrey(0.5)})["b"][1] == pytest.approx(0.5 * 0.1 + 0.5 * 0.8)


def test_several_jeffrey_statements() -> None:
    """Statements that can hold together all hold."""
    stated = {"a": jeffrey(0.5), "b": jeffrey(0.3)}
    found = Enumeration(WET).posterior(stated)
    assert found["a"][1] == pytest.approx(0.5, abs=1e-12)
    assert found["b"][1] == pytest.approx(0.3, abs=1e-12)


def test_impossible_evidence_is_empty() -> None:
    """Evidence of probability zero has no posterior, and minus infinity for its logarithm."""
    truth = Enumeration(NetworkDefinition((A, B), (COIN, Cpt("b", ("a",), [[1, 0], [0.2, 0.8]]))))
    assert truth.posterior({"a": False, "b": True}) == {}
    assert truth.log_probability({"a": False, "b": True}) == -math.inf


def test_tiny_probabilities_are_exact_in_logarithms() -> None:
    """The product of numbers that no double can hold the product of is right in its logarithm."""
    chain = NetworkDefinition((A, B), (Cpt("a", (), [1, 1e-300]), Cpt("b", ("a",), [[0.5, 0.5], [1, 1e-300]])))
    assert Enumeration(chain).log_probability({"a": True, "b": True}) == pytest.approx(600 * math.log(0.1))


def test_logistic_prevalence() -> None:
    """The solved intercept gives the cited marginal and keeps the odds ratio."""
    table = Logistic("b", Anchor("prevalence", P(0.1)), (Effect({"a": ("true",)}, P(4.0)),))
    network = NetworkDefinition((A, B), (COIN, table))
    off, on = expand(network)["b"][:, 1]
    assert 0.8 * off + 0.2 * on == pytest.approx(0.1, abs=1e-14)
    assert (on / (1 - on)) / (off / (1 - off)) == pytest.approx(4.0)


def test_noisy_or_by_hand() -> None:
    """Two causes of a noisy-OR: the net links and the leak all have to fail."""
    table = NoisyMax("c", Leak("leak", {"true": P(0.1)}), (Link("a", {"true": P(0.55)}), Link("b", {"true": P(0.64)})))
    network = NetworkDefinition((A, B, C), (COIN, Cpt("b", (), [0.5, 0.5]), table))
    assert expand(network)["c"][1, 1, 1] == pytest.approx(1 - 0.9 * 0.5 * 0.4)


def test_inhibiting_link_by_hand() -> None:
    """An inhibiting cause lowers the finding to what is stated, and by the same share beside another cause."""
    links = (Link("a", {"true": P(0.02)}, inhibits=True), Link("b", {"true": P(0.55)}))
    table = NoisyMax("c", Leak("leak", {"true": P(0.1)}), links)
    network = NetworkDefinition((A, B, C), (COIN, Cpt("b", (), [0.5, 0.5]), table))
    values = expand(network)["c"]
    assert values[1, 0, 1] == pytest.approx(0.02)
    assert values[1, 1, 1] == pytest.approx(0.55 * 0.2)


def test_leak_from_a_prevalence() -> None:
    """The solved leak gives the cited marginal."""
    table = NoisyMax("b", Leak("prevalence", {"true": P(0.2)}), (Link("a", {"true": P(0.6)}),))
    network = NetworkDefinition((A, B), (COIN, table))
    assert Enumeration(network).posterior({})["b"][1] == pytest.approx(0.2, abs=1e-12)
    assert expand(network)["b"][1, 1] == pytest.approx(0.6)


def test_necessity_by_hand() -> None:
    """With one cause, the finding is there because of it unless the background alone would have brought it."""
    table = NoisyMax("b", Leak("leak", {"true": P(0.1)}), (Link("a", {"true": P(0.55)}),))
    network = NetworkDefinition((A, B), (COIN, table))
    because = 0.2 * 0.9 * 0.5
    assert necessity(network, ["a"], {"b": True})["a"]["b"] == pytest.approx(because / (0.8 * 0.1 + 0.2 * 0.55))


def test_too_large_to_enumerate() -> None:
    """A joint past the limit is refused with its size."""
    many = tuple(Variable(f"v{k}") for k in range(CELL_LIMIT.bit_length()))
    network = NetworkDefinition(many, tuple(Cpt(v.id, (), [0.5, 0.5]) for v in many))
    with pytest.raises(TooManyCellsError, match="expected at most"):
        Enumeration(network)
