"""What produced a finding is an event of the model, and enumeration of the contributions is its oracle."""

from __future__ import annotations

import json
from itertools import product

import numpy as np
import pytest

import toetwitch as tt
from toetwitch.errors import ImpossibleEvidenceError
from toetwitch.evidence import likelihood
from toetwitch.inference import Disablement
from toetwitch.knowledge import Cpt, Estimate, Leak, Link, NetworkDefinition, NoisyMax, Variable
from toetwitch.network import Network
from toetwitch.reasoning.attribution import BACKGROUND, attribute

PRIOR = {"caffeine": 0.4, "stress": 0.3}
LEAK = {"twitch": 0.05, "tremor": 0.1}
LINKS = {("caffeine", "twitch"): 0.5, ("stress", "twitch"): 0.3, ("caffeine", "tremor"): 0.4}


def small_network() -> Network:
    """Return two causes and two noisy-OR findings."""
    tables = [Cpt(id, (), [1 - p, p]) for id, p in PRIOR.items()]
    for finding, leak in LEAK.items():
        links = tuple(Link(cause, {"true": Estimate.of(p)}) for (cause, child), p in LINKS.items() if child == finding)
        tables.append(NoisyMax(finding, Leak("leak", {"true": Estimate.of(leak)}), links))
    return Network(NetworkDefinition(tuple(map(Variable, (*PRIOR, *LEAK))), tuple(tables)))


def enumerated(seen: dict[str, bool]) -> dict[tuple[str, str], float]:
    """Return P(the contribution of a parent is on | what is seen), by every outcome of every chance event."""
    sites = [(BACKGROUND, f) for f in LEAK] + list(LINKS)
    chance = {(by, f): LEAK[f] if by == BACKGROUND else (LINKS[by, f] - LEAK[f]) / (1 - LEAK[f]) for by, f in sites}
    total, active = 0.0, dict.fromkeys(sites, 0.0)
    for causes in product((0, 1), repeat=len(PRIOR)):
        on = {BACKGROUND: 1, **dict(zip(PRIOR, causes, strict=True))}
        prior = np.prod([p if on[c] else 1 - p for c, p in PRIOR.items()])
        for fired in product((0, 1), repeat=len(sites)):
            would = dict(zip(sites, fired, strict=True))
            weight = prior * np.prod([chance[s] if would[s] else 1 - chance[s] for s in sites])
            acts = {s: would[s] and on[s[0]] for s in sites}
            if all(any(acts[s] for s in sites if s[1] == f) == state for f, state in seen.items()):
                total += weight
                for site in sites:
                    active[site] += weight * acts[site]
    return {site: value / total for site, value in active.items()}


SEEN = ({"twitch": True}, {"twitch": True, "tremor": True}, {"twitch": True, "tremor": False})


@pytest.mark.parametrize("seen", SEEN)
def test_active_links_equal_enumeration(seen: dict[str, bool]) -> None:
    """P(this parent produced the finding | evidence) is what adding up every outcome gives."""
    found = small_network().attribute(seen)
    truth = enumerated(seen)
    assert set(found.produced) == {f for f, state in seen.items() if state}
    for finding, row in found.produced.items():
        for by, probability in row.items():
            assert probability == pytest.approx(truth[by, finding], abs=1e-12)


def test_at_least_one_parent_produced_a_finding() -> None:
    """The numbers of a finding sum to at least one, and necessity never exceeds production without intermediates."""
    net = small_network()
    disablement = Disablement(net.inference, list(PRIOR))
    found = attribute(disablement, net.read({"twitch": True, "tremor": True}))
    for finding, row in found.produced.items():
        assert sum(row.values()) >= 1
        for cause in PRIOR:
            if cause in row:
                assert found.necessity[cause][finding] <= row[cause] + 1e-12


def test_an_observed_absent_cause_produced_nothing() -> None:
    """A parent that is known absent has probability zero, and a sole explanation has probability one."""
    net = small_network()
    found = net.attribute({"twitch": True, "caffeine": False, "stress": False})
    assert found.produced["twitch"]["caffeine"] == 0.0
    assert found.produced["twitch"][BACKGROUND] == pytest.approx(1.0, abs=1e-12)


def test_soft_evidence_weighs_production() -> None:
    """Under likelihood evidence production is P(finding | evidence) times production given the finding."""
    net = small_network()
    soft = net.attribute({"twitch": likelihood(0.8)}).produced["twitch"]["caffeine"]
    sure = net.attribute({"twitch": True}).produced["twitch"]["caffeine"]
    weight = net.posterior({"twitch": likelihood(0.8)})["twitch"]["true"]
    assert soft == pytest.approx(weight * sure, abs=1e-12)


def test_a_graded_finding_is_produced_by_who_reaches_its_state() -> None:
    """Only a contribution equal to the observed state counts: a milder one did not produce it."""
    p = Estimate.of
    pain = Variable("pain", ("none", "mild", "severe"))
    table = NoisyMax(
        "pain",
        Leak("leak", {"mild": p(0.2), "severe": p(0.0)}),
        (Link("nerve", {"mild": p(0.3), "severe": p(0.5)}),),
    )
    net = Network(NetworkDefinition((Variable("nerve"), pain), (Cpt("nerve", (), [0.9, 0.1]), table)))
    found = net.attribute({"pain": "severe"}).produced["pain"]
    assert found == pytest.approx({BACKGROUND: 0.0, "nerve": 1.0}, abs=1e-12)


def test_impossible_evidence_is_refused_and_nothing_seen_is_nothing_produced() -> None:
    """Evidence of probability zero raises; no finding gives no rows."""
    p = Estimate.of
    table = NoisyMax("twitch", Leak("leak", {"true": p(0.0)}), (Link("caffeine", {"true": p(0.5)}),))
    sure = Network(
        NetworkDefinition((Variable("caffeine"), Variable("twitch")), (Cpt("caffeine", (), [0.5, 0.5]), table))
    )
    with pytest.raises(ImpossibleEvidenceError):
        sure.attribute({"twitch": True, "caffeine": False})
    assert dict(sure.attribute({"caffeine": True}).produced) == {}


def test_the_toe_model_attributes_a_foot_drop() -> None:
    """Each finding of a case has its producers, necessity beside them; dict, frame and text agree."""
    answer = tt.load_model().attribute({"foot_drop": True, "numbness": True})
    assert set(answer.produced) == {"foot_drop", "numbness"}
    assert json.loads(json.dumps(answer.to_dict()))["produced"]["foot_drop"] == dict(answer.produced["foot_drop"])
    frame = answer.to_frame()
    leading = max(answer.produced["foot_drop"], key=lambda by: answer.produced["foot_drop"][by])
    assert frame.loc[("foot_drop", leading), "produced"] == answer.produced["foot_drop"][leading]
    assert leading in str(answer)
    assert answer.expected_disablement["peripheral_neuropathy"] > 0
