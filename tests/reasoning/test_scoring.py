"""Scores count what they say, with intervals that hold, and baselines that can be worked out by hand."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toetwitch.evidence import read_evidence
from toetwitch.inference import ExactInference
from toetwitch.knowledge.cases import Case
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.red_flag import TRIAGE_LEVELS
from toetwitch.knowledge.table import Cpt
from toetwitch.knowledge.variable import Variable
from toetwitch.model import load_model
from toetwitch.reasoning.scoring import (
    NaiveBayes,
    Outcome,
    Proportion,
    confusion,
    outcome_of,
    ranking_scores,
    score_ranking,
    score_triage,
)

SMALL = Path(__file__).resolve().parents[1] / "data" / "small_model"
SELF, ROUTINE, URGENT, IMMEDIATE = TRIAGE_LEVELS


def case(id: str = "x", *, right: tuple[str, ...] = ("a",), also: tuple[str, ...] = (), floor: str = SELF) -> Case:
    """Return a case of which only the answer matters."""
    return Case(id, {}, right, also, floor, "report", uses_tests=False)


@given(st.integers(0, 500), st.integers(1, 500))
def test_wilson_interval_solves_its_equation(hits: int, total: int) -> None:
    """The bounds are the shares p at which the observed share is 1.96 standard errors of p away, inside [0, 1]."""
    hits = min(hits, total)
    share, (low, high) = hits / total, Proportion(hits, total).interval
    assert 0 <= low <= share <= high <= 1
    for bound in {low, high} - {0.0, 1.0}:
        distance = abs(share - bound) / math.sqrt(bound * (1 - bound) / total)
        assert distance == pytest.approx(1.959963984540054, rel=1e-6)
    assert (low == 0.0) == (hits == 0)
    assert (high == 1.0) == (hits == total)


def test_known_wilson_interval() -> None:
    """Agresti and Coull's 1998 example: none of ten gives an upper bound of 0.278."""
    assert Proportion(0, 10).interval[1] == pytest.approx(0.2775, abs=1e-4)


def test_rankings_are_counted_at_one_and_three() -> None:
    """Strict counts published diagnoses only, lenient also acceptable ones; the place of the first right one counts."""
    ranking = ("b", "c", "a", "d")
    found = score_ranking([(case(), ranking), (case(also=("b",)), ranking), (case(right=("d",)), ranking)])
    assert [found.strict[k].hits for k in (1, 3)] == [0, 2]
    assert [found.lenient[k].hits for k in (1, 3)] == [1, 2]
    assert found.strict[1].total == 3


def test_no_ranking_is_no_hit() -> None:
    """A case without a posterior is counted, as a miss."""
    assert score_ranking([(case(), ())]).lenient[3] == Proportion(0, 1)


def outcome(floor: str, answered: str, aside: str | None = None, id: str = "x") -> Outcome:
    """Return an outcome of which only the level matters."""
    levels = {"article": answered, "guideline": answered}
    without = {"article": aside or answered, "guideline": aside or answered}
    return Outcome(case(id, floor=floor), ("a",), levels, without)


@pytest.mark.parametrize(("floor", "answered"), list(itertools.product(TRIAGE_LEVELS, TRIAGE_LEVELS)))
def test_triage_is_judged_by_the_floor(floor: str, answered: str) -> None:
    """Below the floor is under-triage; urgent or higher for a calm floor is over-triage; anything else is neither."""
    found = score_triage([outcome(floor, answered)], "article")
    order = TRIAGE_LEVELS.index
    assert found.under.hits == (order(answered) < order(floor))
    assert found.under_by_floor[floor] == found.under
    assert found.over_calm.total == (floor in (SELF, ROUTINE))
    assert found.over_calm.hits == (floor in (SELF, ROUTINE) and answered in (URGENT, IMMEDIATE))


def test_a_rule_left_aside_is_told_apart() -> None:
    """Over-triage without the rule counts the levels that the other rules and the posterior give."""
    found = score_triage([outcome(ROUTINE, IMMEDIATE, ROUTINE, "one"), outcome(SELF, URGENT, id="two")], "guideline")
    assert (found.over_calm.hits, found.over_calm_aside.hits) == (2, 1)
    assert found.over_ids == ("one", "two")


def test_leaving_a_rule_aside_leaves_the_rest() -> None:
    """Without its only fired rule a case has the posterior's level; with another rule's name aside nothing changes."""
    answer = load_model(SMALL).assess({"weakness": "severe"})
    assert [found.id for found in answer.red_flags] == ["weak_foot"]
    aside = outcome_of(case(), answer, "weak_foot")
    assert aside.levels["article"] == IMMEDIATE
    assert aside.levels_aside["article"] == answer.triage.posterior_level
    assert dict(outcome_of(case(), answer, "another").levels_aside) == dict(aside.levels)


def test_groups_are_scored_apart() -> None:
    """Each group's total is its own cases; a case with two diagnoses counts under both."""
    found = ranking_scores(
        [outcome(SELF, SELF), Outcome(case(right=("a", "b")), ("b",), {}, {})], lambda case: case.diagnosis
    )
    assert {name: score.strict[1].total for name, score in found.items()} == {"a": 2, "b": 1}


def two_causes() -> tuple[ExactInference, NetworkDefinition]:
    """Return two causes of one finding."""
    variables = (Variable("a", kind="cause"), Variable("b", kind="cause"), Variable("f", kind="finding"))
    finding = np.array([[[0.95, 0.05], [0.4, 0.6]], [[0.7, 0.3], [0.2, 0.8]]])
    tables = (Cpt("a", (), np.array([0.7, 0.3])), Cpt("b", (), np.array([0.8, 0.2])), Cpt("f", ("a", "b"), finding))
    network = NetworkDefinition(variables, tables)
    return ExactInference(network), network


def test_naive_bayes_multiplies_what_the_network_says() -> None:
    """The baseline ranks by P(cause) P(finding | cause), each worked out here from the tables."""
    inference, network = two_causes()
    bayes = NaiveBayes.of(inference, ("a", "b"))
    assert bayes.prior_order == ("a", "b")
    given_a, given_b = 0.8 * 0.3 + 0.2 * 0.8, 0.7 * 0.6 + 0.3 * 0.8
    assert bayes.given["a"]["f"][1] == pytest.approx(given_a)
    assert bayes.given["b"]["f"][1] == pytest.approx(given_b)
    expected = ("a", "b") if 0.3 * given_a > 0.2 * given_b else ("b", "a")
    assert bayes.ranking(read_evidence({"f": True}, network.by_id)) == expected == ("b", "a")
    assert bayes.ranking(read_evidence({"f": False}, network.by_id)) == ("a", "b")


def test_naive_bayes_of_nothing_is_the_prior_order() -> None:
    """Without evidence the two baselines agree."""
    inference, network = two_causes()
    bayes = NaiveBayes.of(inference, ("a", "b"))
    assert bayes.ranking(read_evidence({}, network.by_id)) == bayes.prior_order


def test_confusion_counts_each_case_once_on_or_off_the_diagonal() -> None:
    """A case counts under the published cause that leads, else under its first, and never twice."""
    evidence: dict[str, bool | str] = {"toe_movement": True}

    def outcome(id: str, diagnosis: tuple[str, ...], ranking: tuple[str, ...]) -> Outcome:
        case = Case(id, evidence, diagnosis, (), "self_care", "report", False)
        return Outcome(case, ranking, {}, {})

    found = confusion(
        [
            outcome("one", ("a", "b"), ("b", "a")),
            outcome("two", ("a", "b"), ("c", "a")),
            outcome("three", ("c",), ("c",)),
            outcome("four", ("c",), ()),
        ]
    )
    assert found == {"b": {"b": 1}, "a": {"c": 1}, "c": {"c": 1}}
