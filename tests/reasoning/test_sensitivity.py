"""A sensitivity function is the model solved again, at every point."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import toetwitch as tt
from toetwitch.errors import EvidenceError, UnknownNameError
from toetwitch.knowledge import Cpt, NetworkDefinition, NoisyMax
from toetwitch.knowledge.estimate import Estimate
from toetwitch.knowledge.parameters import parameters
from toetwitch.network import Network
from toetwitch.reasoning.sensitivity import curve, sensitivity
from toetwitch.testing.strategies import Question, networks, questions

SMALL = tt.load_model(Path(__file__).resolve().parents[1] / "data" / "small_model")
CASES = ({"numbness": True}, {"weakness": "mild", "numbness": False, "age": "old"}, {"trips": True})


def log_odds(p: float) -> float:
    """Return ln p / (1 - p)."""
    return math.log(p) - math.log1p(-p)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_functions_agree_with_solving_again_at_random_points(case: dict[str, object]) -> None:
    """(a x + b) / (c x + d) is the re-solved posterior at 50 random points of its domain, to 1e-10."""
    net, rng = SMALL.network, np.random.default_rng(1)
    cause = SMALL.causes[0]
    answer = SMALL.sensitivity(case, cause)
    assert answer.posterior == pytest.approx(net.posterior(case, [cause])[cause]["true"], abs=1e-12)
    linear = [f for f in answer.functions if f.coefficients]
    assert "link" in {f.role for f in linear}
    for f in linear:
        points = rng.uniform(*f.domain, size=50)
        points = points[(points > 0) & (points < 1)]
        solved = curve(net.inference, net.read(case), cause, 1, f.path, points)
        assert [f.at(x) for x in points] == pytest.approx(list(solved), abs=1e-10)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_both_ends_of_every_number_are_solved(case: dict[str, object]) -> None:
    """The tornado's ends equal solving the model with the number at the ends of its cited range."""
    net, cause = SMALL.network, SMALL.causes[0]
    for f in SMALL.sensitivity(case, cause).functions:
        if f.coefficients and not (f.domain[0] <= f.low and f.high <= f.domain[1]):
            continue
        solved = curve(net.inference, net.read(case), cause, 1, f.path, [f.low, f.high])
        assert [f.at_low, f.at_high] == pytest.approx(list(solved), abs=1e-10)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_log_odds_moves_past_the_distance(case: dict[str, object]) -> None:
    """The Chan-Darwiche distance bounds how far the target's log-odds move."""
    for cause in SMALL.causes:
        answer = SMALL.sensitivity(case, cause)
        for f in answer.functions:
            for end in (f.at_low, f.at_high):
                if 0 < end < 1 and 0 < answer.posterior < 1:
                    assert abs(log_odds(end) - log_odds(answer.posterior)) <= f.distance + 1e-9


@settings(deadline=None, max_examples=10)
@given(questions(networks(nodes=(3, 5), kinds=("cpt",), determinism=False)), st.integers(0, 10**6))
def test_every_entry_of_an_uncited_table_has_its_function(question: Question, seed: int) -> None:
    """For a network without citations each entry's function is the posterior of the network with that entry changed."""
    net, evidence = Network(question.network), dict(question.evidence)
    if net.read(evidence).jeffrey:
        return
    target = next(iter(net.variables))
    rng = np.random.default_rng(seed)
    functions = [f for f in net.sensitivity(evidence, target).functions if f.role == "entry"]
    if not functions:
        return
    for f in (functions[k] for k in rng.choice(len(functions), min(4, len(functions)), replace=False)):
        child, rest = f.path.split(".entry[")
        when, state = rest.split("].")
        table = net.definition.table_of[child]
        assert isinstance(table, Cpt)
        cell = tuple(net.variables[part.split("=")[0]].index(part.split("=")[1]) for part in when.split(",") if part)
        x, s = float(rng.uniform(0.05, 0.95)), net.variables[child].index(state)
        values = table.values.copy()
        values[cell] *= (1 - x) / (1 - values[(*cell, s)])
        values[(*cell, s)] = x
        tables = tuple(replace(t, values=values) if t.child == child else t for t in net.definition.tables)
        changed = Network(NetworkDefinition(net.definition.variables, tables))
        *_, last = changed.posterior(evidence, [target])[target].values()
        assert f.at(x) == pytest.approx(last, abs=1e-10)


def test_a_source_is_judged_by_all_its_numbers_together() -> None:
    """Doubling a source doubles the odds of each of its numbers in one model."""
    case = {"numbness": True}
    net, cause = SMALL.network, SMALL.causes[0]
    answer = SMALL.sensitivity(case, cause, factor=2.0)
    effect = next(s for s in answer.by_source if s.source == "clinic-2002")
    tables = []
    for table in net.definition.tables:
        if isinstance(table, NoisyMax):
            links = tuple(
                replace(link, probabilities={s: doubled(e, "clinic-2002") for s, e in link.probabilities.items()})
                for link in table.links
            )
            table = replace(table, links=links)
        tables.append(table)
    touched = [p for p in parameters(net.definition) if "clinic-2002" in p.estimate.sources]
    if all(p.role == "link" for p in touched):
        changed = Network(NetworkDefinition(net.definition.variables, tuple(tables)))
        assert effect.doubled == pytest.approx(changed.posterior(case, [cause])[cause]["true"], abs=1e-10)
    assert effect.halved != effect.doubled
    assert answer.leading in SMALL.causes


def doubled(estimate: Estimate, source: str) -> Estimate:
    """Return an estimate with its odds doubled if it cites the source."""
    if source not in estimate.sources:
        return estimate
    x = 2 * estimate.value / (1 + estimate.value)
    return Estimate(x, min(x, estimate.low), max(x, estimate.high), estimate.sources, estimate.grade)


@pytest.mark.parametrize("factor", [1.0, 0.0, -2.0, math.inf, math.nan])
def test_a_factor_that_moves_nothing_or_has_no_inverse_is_refused(factor: float) -> None:
    """Odds are multiplied and divided by a finite factor above one."""
    with pytest.raises(EvidenceError, match="expected a finite number above 1"):
        SMALL.sensitivity({}, SMALL.causes[0], factor=factor)


def test_points_outside_the_domain_and_unknown_numbers_are_refused() -> None:
    """A function says where it holds, a curve that it is one, and a misspelt path what is near."""
    answer = SMALL.sensitivity({"numbness": True}, SMALL.causes[0])
    line = next(f for f in answer.functions if f.coefficients)
    with pytest.raises(EvidenceError, match="expected a number from"):
        line.at(line.domain[1] + 1)
    solved = next(f for f in answer.functions if not f.coefficients)
    with pytest.raises(EvidenceError, match="enters by a solution"):
        solved.at(solved.value)
    with pytest.raises(UnknownNameError):
        answer.function(line.path + "x")
    with pytest.raises(UnknownNameError):
        curve(SMALL.network.inference, SMALL.network.read({}), SMALL.causes[0], 1, "nonsense", [0.1])


def test_numbers_that_cannot_matter_are_left_out() -> None:
    """Only numbers of the target, the evidence and their ancestors are listed."""
    net = SMALL.network
    answer = sensitivity(net.inference, net.read({}), SMALL.causes[0], 1)
    assert not any(f.path.startswith("trips.") for f in answer.functions)


def test_every_form_says_the_same() -> None:
    """Dict, frame and text hold the same numbers; the dict is JSON."""
    answer = SMALL.sensitivity({"numbness": True}, SMALL.causes[0])
    again = json.loads(json.dumps(answer.to_dict(), allow_nan=False))
    assert again["posterior"] == answer.posterior
    assert answer.to_frame()["swing"].iloc[0] == answer.functions[0].swing
    assert f"{answer.posterior:.4f}" in str(answer)
