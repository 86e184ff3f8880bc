"""A flip flips, a little less of it does not, and nothing shorter is found by looking everywhere."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest

import toetwitch as tt
from toetwitch.knowledge import Cpt, NetworkDefinition, Variable
from toetwitch.knowledge.parameters import Parameter, parameters
from toetwitch.knowledge.red_flag import TRIAGE_LEVELS
from toetwitch.network import Network
from toetwitch.reasoning.flips import Flip
from toetwitch.reasoning.parameter_lanes import numbers_at, run_numbers
from toetwitch.reasoning.ranking import leaders
from toetwitch.reasoning.sensitivity import scaled
from toetwitch.reasoning.triage import posterior_level

SMALL = tt.load_model(Path(__file__).resolve().parents[1] / "data" / "small_model")
CASES = ({"numbness": True}, {"weakness": "mild", "numbness": False, "age": "old"})
TABLES = (
    Cpt("flu", (), np.array([0.9, 0.1])),
    Cpt("cold", (), np.array([0.8, 0.2])),
    Cpt("cough", ("flu", "cold"), np.array([[[0.95, 0.05], [0.4, 0.6]], [[0.3, 0.7], [0.1, 0.9]]])),
)
PLAIN = Network(NetworkDefinition(tuple(map(Variable, ("flu", "cold", "cough"))), TABLES))


def answer(model: tt.Model, case: dict[str, object], rows: list[dict[str, float]]) -> list[tuple[str, str]]:
    """Return the leading cause and the posterior's level with other numbers, one for each row."""
    known = parameters(model.network.inference.network)
    found = run_numbers(
        model.network.inference, model.network.read(case), numbers_at(rows, known), len(rows), model.causes, priors=True
    )
    posterior = {id: found.marginals[id][-1] for id in model.causes}
    levels = posterior_level(posterior, model.definition.rules)
    return [(str(a), TRIAGE_LEVELS[int(b)]) for a, b in zip(leaders(posterior, found.priors), levels, strict=True)]


def moved(found: Flip, share: float) -> dict[str, float]:
    """Return the numbers of a change after a share of it."""
    known: dict[str, Parameter] = {p.path: p for p in parameters(SMALL.network.inference.network)}
    return {n.path: scaled(known[n.path], math.exp(share * n.log_odds)) for n in found.numbers}


@pytest.mark.parametrize("case", CASES)
def test_a_flip_flips_and_a_little_less_does_not(case: dict[str, object]) -> None:
    """With a change of one or two numbers the answer is the one told; with a ten-thousandth less it is as it was."""
    flips = SMALL.flip(case)
    assert {len(found.numbers) for found in flips} == {1, 2}
    assert [f.log_odds for f in flips] == sorted(f.log_odds for f in flips)
    now = answer(SMALL, case, [{}])[0]
    assert now[0] == SMALL.assess(case).ranking[0]
    for found in flips:
        which = 0 if found.changes == "leading" else 1
        less, enough = answer(SMALL, case, [moved(found, 0.9999), moved(found, 1.0)])
        assert less[which] == now[which]
        assert enough[which] == found.becomes != now[which]
        for n in found.numbers:
            assert moved(found, 1.0)[n.path] == pytest.approx(n.to, rel=1e-12)


def test_a_pair_is_no_longer_than_the_shortest_single() -> None:
    """Two numbers reach at least as near as one of them alone."""
    for case in CASES:
        flips = SMALL.flip(case)
        for kind in ("leading", "level"):
            one = [f.log_odds for f in flips if f.changes == kind and len(f.numbers) == 1]
            two = [f.log_odds for f in flips if f.changes == kind and len(f.numbers) == 2]
            if one and two:
                assert min(two) <= min(one) * 1.001


def test_no_change_on_a_grid_is_shorter() -> None:
    """On a network small enough to try a grid of all pairs, none of it flips with a shorter change."""
    case, rivals = {"cough": True}, ["flu", "cold"]
    shortest = PLAIN.flip(case, rivals)[0].log_odds
    names = ("flu", "cold", "cough0", "cough1", "cough2", "cough3")
    values = np.array([0.1, 0.2, 0.05, 0.6, 0.7, 0.9])
    steps = np.linspace(-1.5, 1.5, 61)
    odds = np.log(values / (1 - values))

    def leading(p: np.ndarray) -> str:
        """Return the leader by the definition, written out."""
        prior = {"flu": p[0], "cold": p[1]}
        joint = np.array([(1 - p[0]) * (1 - p[1]), (1 - p[0]) * p[1], p[0] * (1 - p[1]), p[0] * p[1]]) * p[2:]
        joint = joint / joint.sum()
        after = {"flu": joint[2] + joint[3], "cold": joint[1] + joint[3]}

        def gain(id: str) -> float:
            a, b = after[id], prior[id]
            return math.copysign(a * math.log(a / b) + (1 - a) * math.log((1 - a) / (1 - b)), a - b)

        return max(rivals, key=gain)

    first = leading(values)
    best = math.inf
    for i, j in itertools.combinations(range(len(names)), 2):
        for x, y in itertools.product(steps, steps):
            if math.hypot(x, y) < best:
                changed = odds.copy()
                changed[[i, j]] += [x, y]
                if leading(1 / (1 + np.exp(-changed))) != first:
                    best = math.hypot(x, y)
    assert shortest <= best
    assert shortest == pytest.approx(best, abs=0.06)


def test_every_form_says_the_same() -> None:
    """Dict, frame, text and card agree, and the dict is JSON; without rivals or numbers there is nothing to flip."""
    found = SMALL.flip({"numbness": True})[0]
    again = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert [n["path"] for n in again["numbers"]] == list(found.to_frame().index) == [n.path for n in found.numbers]
    assert all(n.path in str(found) and n.path in found._repr_html_() for n in found.numbers)
    assert found.log_odds == pytest.approx(math.sqrt(sum(n["log_odds"] ** 2 for n in again["numbers"])))
    assert PLAIN.flip({}, []) == ()
    assert all(len(f.numbers) == 1 for f in SMALL.flip({"numbness": True}, numbers=1))
