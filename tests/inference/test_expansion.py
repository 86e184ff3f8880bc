"""Signed sums over lanes, forced on small networks, where findings of few parents would not take part."""

from __future__ import annotations

import itertools

import pytest

from toetwitch.evidence import likelihood
from toetwitch.inference import expansion
from toetwitch.knowledge.estimate import Estimate
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.table import Leak, Link, NoisyMax
from toetwitch.knowledge.variable import Variable
from toetwitch.network import Network
from toetwitch.testing.adapters import OwnAdapter
from toetwitch.testing.laws import LAWS
from toetwitch.testing.laws.trial import try_law
from toetwitch.testing.oracle import Enumeration
from toetwitch.testing.paste import question_text

P = Estimate.of


@pytest.mark.parametrize("name", ["enumeration", "log_evidence", "necessity", "total_probability"])
def test_law_holds_when_every_finding_takes_part(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The laws hold when every present finding is written as a signed sum."""
    monkeypatch.setattr(expansion, "FEW_PARENTS", 0)
    outcome = try_law(LAWS[name], OwnAdapter(), examples=150)
    assert outcome.breach is None, f"{outcome.breach.detail}\n\n{question_text(outcome.breach.question)}"


def test_what_stands_below_through_an_unobserved_finding_takes_part() -> None:
    """In a chain of findings the evidence below an unobserved one still speaks about those above it."""
    ids = ("a", "b", "c", "d")
    tables = [NoisyMax("a", Leak("leak", {"true": P(0.5)}), ())]
    tables += [
        NoisyMax(id, Leak("leak", {"true": P(0.2)}), (Link(above, {"true": P(0.7)}),))
        for above, id in itertools.pairwise(ids)
    ]
    network = NetworkDefinition(tuple(Variable(id) for id in ids), tuple(tables))
    told = {"a": likelihood(0.4), "b": True, "d": True}
    truth = Enumeration(network)
    assert Network(network).log_probability(told) == pytest.approx(truth.log_probability(told), abs=1e-12)


def test_sums_agree_with_the_plan_without_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the toe model the signed sum and the plain plan give the same posteriors and the same necessities."""
    import toetwitch as tt

    model = tt.load_model()
    case = {"fasciculation": True, "foot_drop": True, "numbness": False, "age_group": "40_to_59", "hand_tremor": True}
    by_sums = model.assess(case)
    monkeypatch.setattr(expansion, "MAX_LANES", 0)
    plain = model.assess(case)
    assert by_sums.causes == pytest.approx(plain.causes, abs=1e-10)
    for cause, row in plain.attribution.necessity.items():
        assert by_sums.attribution.necessity[cause] == pytest.approx(row, abs=1e-8)
    assert by_sums.triage.posterior_level == plain.triage.posterior_level
