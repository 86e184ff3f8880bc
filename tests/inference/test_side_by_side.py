"""What would vanish with a cause, where the findings in between are graded and unknown, or held back by the cause."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from toetwitch.inference import Disablement
from toetwitch.knowledge import Cpt, Estimate, Leak, Link, NetworkDefinition, NoisyMax, Variable
from toetwitch.network import Network
from toetwitch.testing.counterfactual import necessity

P = Estimate.of
ROOTS = (Cpt("c", (), np.array([0.7, 0.3])), Cpt("d", (), np.array([0.6, 0.4])))


@pytest.mark.parametrize("case", [{"f": True}, {"f": True, "m": False}, {"f": True, "m": True}], ids=str)
def test_a_finding_that_the_cause_holds_back_appears_without_it(case: dict[str, object]) -> None:
    """Switching a cause off releases what it held back, and that may bring about the finding all the same."""
    held = NoisyMax(
        "m", Leak("leak", {"true": P(0.3)}), (Link("d", {"true": P(0.8)}), Link("c", {"true": P(0.1)}, inhibits=True))
    )
    finding = NoisyMax("f", Leak("leak", {"true": P(0.05)}), (Link("m", {"true": P(0.6)}), Link("c", {"true": P(0.7)})))
    network = NetworkDefinition(tuple(map(Variable, "cdmf")), (*ROOTS, held, finding))
    net = Network(network)
    found = Disablement(net.inference, ["c", "d"]).necessity(net.read(case))
    expected = necessity(network, ["c", "d"], case)
    for cause in ("c", "d"):
        assert found[cause] == pytest.approx(expected[cause], abs=1e-12)


def graded() -> Network:
    """Return a cause of a graded finding, which brings about another the more the worse it is."""
    between = NoisyMax("g", Leak("leak", {"mild": P(0.1), "severe": P(0.05)}),
                       (Link("c", {"mild": P(0.3), "severe": P(0.5)}),))  # fmt: skip
    links = (Link("g", {"true": P(0.3)}, "mild"), Link("g", {"true": P(0.8)}, "severe"))
    finding = NoisyMax("f", Leak("leak", {"true": P(0.1)}), links)
    variables = (Variable("c"), Variable("d"), Variable("g", ("none", "mild", "severe")), Variable("f"))
    return Network(NetworkDefinition(variables, (*ROOTS, between, finding)))


def test_an_unknown_graded_finding_in_between_passes_the_cause_on() -> None:
    """With the grade unknown, P(finding, and absent without the cause) equals enumeration of both worlds."""
    net = graded()
    leak = np.array([0.85, 0.1, 0.05])
    alone = np.cumsum([0.2, 0.3, 0.5])
    contribution = np.diff(alone / np.cumsum(leak), prepend=0.0)
    fires = [0.0, (0.3 - 0.1) / 0.9, (0.8 - 0.1) / 0.9]
    edges = np.array([0.0, *fires[1:], 1.0])
    total = lost = 0.0
    for c, own, by_cause, coin, k in itertools.product((0, 1), range(3), range(3), (0, 1), range(3)):
        chance = (0.3 if c else 0.7) * leak[own] * contribution[by_cause] * (0.1 if coin else 0.9)
        chance *= edges[k + 1] - edges[k]
        uniform = (edges[k] + edges[k + 1]) / 2
        now, without = max(own, by_cause * c), own
        if coin or uniform < fires[now]:
            total += chance
            lost += chance * (not (coin or uniform < fires[without]))
    found = Disablement(net.inference, ["c", "d"]).necessity(net.read({"f": True}))
    assert found["c"]["f"] == pytest.approx(lost / total, abs=1e-12)
    assert found["d"]["f"] == 0.0
    assert 0 < found["c"]["f"] < 1


def test_both_worlds_agree_where_the_findings_in_between_fold() -> None:
    """On a chain of binary findings the worlds side by side equal the folded twin network."""
    middle = NoisyMax("m", Leak("leak", {"true": P(0.1)}), (Link("c", {"true": P(0.5)}), Link("d", {"true": P(0.4)})))
    finding = NoisyMax("f", Leak("leak", {"true": P(0.05)}), (Link("m", {"true": P(0.6)}), Link("c", {"true": P(0.3)})))
    net = Network(NetworkDefinition(tuple(map(Variable, "cdmf")), (*ROOTS, middle, finding)))
    inference = Disablement(net.inference, ["c", "d"])
    for case in ({"f": True}, {"f": True, "m": True}, {"m": True}):
        read = net.read(case)
        folded = inference.necessity(read)
        for cause in ("c", "d"):
            assert inference.twin.worlds.vanishing(read, cause, list(case)) == pytest.approx(folded[cause], abs=1e-12)
