"""The next question: its answers average to the present, its gain is what information theory says, dangers first."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

import toetwitch as tt
from toetwitch.errors import EvidenceError, UnknownNameError
from toetwitch.knowledge.red_flag import level_rank
from toetwitch.network import Network
from toetwitch.reasoning.answers import effects
from toetwitch.testing.strategies import Question, networks, questions

SMALL = tt.load_model(Path(__file__).resolve().parents[1] / "data" / "small_model")


def entropy(p: np.ndarray) -> float:
    """Return the entropy of a distribution in bits."""
    held = p[p > 0]
    return float(-(held * np.log2(held)).sum())


@settings(deadline=None, max_examples=12)
@given(questions(networks(nodes=(3, 5))))
def test_the_gain_is_the_expected_fall_of_entropy(question: Question) -> None:
    """A question's gain equals entropy before minus expected entropy after, asked of the network answer by answer."""
    net, evidence = Network(question.network), dict(question.evidence)
    free = [id for id in net.variables if id not in net.read(evidence).ids]
    if len(free) < 2 or net.read(evidence).jeffrey:
        return  # A Jeffrey statement is refitted when an answer is added, so it does not average.
    target, *asked = free
    before = np.array(list(net.posterior(evidence, [target])[target].values()))
    for found in net.next_questions(evidence, [target], k=len(asked), questions=asked).questions:
        answers = net.posterior(evidence, [found.id])[found.id]
        after, mixed = 0.0, np.zeros_like(before)
        for state, probability in answers.items():
            if probability > 0:
                given_it = np.array(list(net.posterior({**evidence, found.id: state}, [target])[target].values()))
                after += probability * entropy(given_it)
                mixed += probability * given_it
        assert mixed == pytest.approx(before, abs=1e-12)
        assert found.gain == pytest.approx(entropy(before) - after, abs=1e-9)
        assert sum(a.probability for a in found.answers.values()) == pytest.approx(1, abs=1e-12)
        assert found.gain >= 0


def test_looking_ahead_adds_the_best_second_question() -> None:
    """With a horizon of two a question is worth its gain plus the expected gain of the best follow-up."""
    net, causes = SMALL.network, SMALL.causes
    asked = [v.id for v in net.variables.values() if v.kind == "finding"]
    two = net.next_questions({}, causes, k=1, horizon=2, questions=asked).questions[0]
    more = 0.0
    for state, effect in two.answers.items():
        best = max(
            net.next_questions({two.id: state}, causes, questions=asked).candidates, key=lambda q: q.gain, default=None
        )
        assert best is not None
        assert best.gain == pytest.approx(
            next(
                q.gain
                for q in net.next_questions({two.id: state}, causes, questions=asked).candidates
                if q.id == two.follow_up[state]
            ),
            abs=1e-12,
        )
        more += effect.probability * best.gain
    assert two.gain_ahead == pytest.approx(two.gain + more, abs=1e-10)


def open_ids() -> list[str]:
    """Return what can be asked of the small model."""
    return [v.id for v in SMALL.network.variables.values() if v.kind in ("context", "finding", "test")]


def cases() -> list[dict[str, object]]:
    """Return no evidence, and each variable at its worst."""
    last = {v.id: v.states[-1] for v in SMALL.network.variables.values()}
    return [{}, *({id: last[id]} for id in open_ids()[:3])]


@pytest.mark.parametrize("policy", ["article", "guideline"])
@pytest.mark.parametrize("case", cases(), ids=str)
def test_the_level_after_an_answer_is_the_one_assess_gives(case: dict[str, object], policy: str) -> None:
    """Each answer's level equals assessing the case with that answer, and the bounds hold for all of them."""
    result = SMALL.next_questions(case, k=50, policy=policy)
    now = SMALL.assess(case, policy=policy)
    assert result.level == now.triage.level
    assert result.reach is not None
    for found in result.candidates:
        change = 0.0
        for state, effect in found.answers.items():
            after = SMALL.assess({**case, found.id: state}, policy=policy).triage.level
            assert effect.level == after
            assert level_rank(result.reach.lowest) <= level_rank(after) <= level_rank(result.reach.highest)
            change += effect.probability * (after != now.triage.level)
        assert found.level_change == pytest.approx(change, abs=1e-12)


def test_red_flags_that_could_raise_the_level_come_first() -> None:
    """What could still raise the level is asked before what only tells much about the causes."""
    result = SMALL.next_questions({}, k=2)
    flagged = [q.could_raise_to != "" for q in result.candidates]
    assert any(flagged)
    assert flagged == sorted(flagged, reverse=True)
    gains = [q.worth for q in result.candidates if not q.could_raise_to]
    assert gains == sorted(gains, reverse=True)


def test_the_same_decision_probability_sums_the_answers_that_change_nothing() -> None:
    """The joint same-decision probability equals assessing every joint answer of the questions."""
    case: dict[str, object] = {}
    result = SMALL.next_questions(case, k=2)
    first, second = (q.id for q in result.questions)
    total = 0.0
    for a in SMALL.network.variables[first].states:
        for b in SMALL.network.variables[second].states:
            try:
                both = SMALL.assess({first: a, second: b})
            except tt.ImpossibleEvidenceError:
                continue
            same = both.triage.level == result.level and max(both.causes, key=both.causes.__getitem__) == result.leading
            total += math.exp(both.log_evidence or 0.0) * same
    assert result.same_decision == pytest.approx(total, abs=1e-9)


def test_a_settled_case_says_so() -> None:
    """Once a rule of the top level has fired nothing can change the level; before, something can."""
    settled = SMALL.next_questions({"weakness": "severe"})
    assert settled.settled
    assert "no remaining answer can change it" in str(settled)
    assert not SMALL.next_questions({"weakness": "severe"}, policy="guideline").settled
    assert not SMALL.next_questions({}).settled


def test_costs_divide_the_gain() -> None:
    """A question that costs ten times as much is worth a tenth."""
    ids = open_ids()
    plain = {q.id: q for q in SMALL.next_questions({}, questions=ids).candidates}
    dear = {q.id: q for q in SMALL.next_questions({}, questions=ids, costs={ids[0]: 10.0}).candidates}
    assert dear[ids[0]].worth == pytest.approx(plain[ids[0]].worth / 10)
    assert dear[ids[1]].worth == plain[ids[1]].worth


def test_wrong_arguments_are_named() -> None:
    """A horizon, a cost or a name that cannot be is refused with what was expected."""
    with pytest.raises(EvidenceError, match="horizon 3; expected 1 or 2"):
        SMALL.next_questions({}, horizon=3)
    for k in (0, -1, 2.5):
        with pytest.raises(EvidenceError, match="expected how many questions to ask"):
            SMALL.next_questions({}, k=k)
    with pytest.raises(EvidenceError, match="expected a finite number above 0"):
        SMALL.next_questions({}, costs={open_ids()[0]: 0.0})
    with pytest.raises(UnknownNameError):
        SMALL.next_questions({}, costs={"nonsense": 1.0})


def test_every_form_says_the_same() -> None:
    """Dict, frame and text agree; the dict is JSON; nothing left to ask is said in words."""
    result = SMALL.next_questions({}, k=2)
    again = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert [q["id"] for q in again["questions"]] == [q.id for q in result.questions]
    assert list(result.to_frame().index) == [q.id for q in result.candidates]
    assert result.questions[0].id in str(result)
    assert str(SMALL.network.next_questions({}, SMALL.causes, questions=[])) == "Nothing is left to ask."


def test_levels_are_exact_with_danger_findings_present() -> None:
    """With danger findings already present, the level after an answer still counts every reading of them."""
    danger = [id for id in SMALL.definition.rules.policy.danger_findings if id in SMALL.network.variables]
    case: dict[str, object] = {id: SMALL.network.variables[id].states[-1] for id in danger[:2]}
    assessor = SMALL._assessor
    ids = [id for id in open_ids() if id not in case]
    free = [id for id in SMALL.causes if id not in case]
    found = effects(SMALL.network.inference, SMALL.network.read(case), free, ids, assessor)
    for (id, state), rank in zip(found.rows, found.level, strict=True):
        answer = SMALL.network.variables[id].states[state]
        assert level_rank(SMALL.assess({**case, id: answer}).triage.level) == rank
