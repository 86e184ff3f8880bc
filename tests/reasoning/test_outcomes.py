"""Lanes over answers: what each answer does equals asking the network with that answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

import toetwitch as tt
from toetwitch.network import Network
from toetwitch.reasoning.answers import given_answers, given_first, joint_answers
from toetwitch.reasoning.forms import forms
from toetwitch.testing.strategies import Question, networks, questions

SMALL = tt.load_model(Path(__file__).resolve().parents[1] / "data" / "small_model")


@settings(deadline=None, max_examples=40)
@given(questions(networks(nodes=(3, 7))))
def test_each_answer_is_asked_as_evidence(question: Question) -> None:
    """P(target, answer | evidence) is P(answer | evidence) P(target | evidence, answer), whatever the tables are."""
    net, evidence = Network(question.network), dict(question.evidence)
    read = net.read(evidence)
    free = [id for id in net.variables if id not in read.ids]
    if read.jeffrey or len(free) < 3:
        return  # A Jeffrey statement is refitted when an answer is added.
    targets, asked = free[:1], free[1:]
    answers, joint = given_answers(net.inference, read, targets, asked)
    rows = [(id, state) for id in asked for state in net.variables[id].states]
    prior = net.posterior(evidence, asked)
    for n, (id, state) in enumerate(rows):
        assert answers[n, 0] == pytest.approx(prior[id][state], abs=1e-11)
        if prior[id][state] > 1e-6:
            after = net.posterior({**evidence, id: state}, targets)
            for target in targets:
                expected = np.array(list(after[target].values())) * prior[id][state]
                assert joint[target][:, n, 0] == pytest.approx(expected, abs=1e-11)


@settings(deadline=None, max_examples=25)
@given(questions(networks(nodes=(3, 7))))
def test_two_answers_are_asked_as_evidence(question: Question) -> None:
    """After a first answer, and for joint answers, the same holds with both answers as evidence."""
    net, evidence = Network(question.network), dict(question.evidence)
    read = net.read(evidence)
    free = [id for id in net.variables if id not in read.ids]
    if read.jeffrey or len(free) < 3:
        return
    target, first, *others = free
    answers, _ = given_first(net.inference, read, [target], first, others)
    before = net.posterior(evidence, [first])[first]
    for k, state in enumerate(net.variables[first].states):
        if before[state] > 1e-6:
            after = net.posterior({**evidence, first: state}, others)
            assert answers[:, k] == pytest.approx(np.concatenate([list(after[id].values()) for id in others]), abs=1e-9)
    rows, probability, posterior = joint_answers(net.inference, read, [target], [first, others[0]])
    assert probability.sum() == pytest.approx(1, abs=1e-11)
    for n, row in enumerate(rows):
        if probability[n] > 1e-6:
            said = {id: net.variables[id].states[s] for id, s in zip((first, others[0]), row, strict=True)}
            expected = list(net.posterior({**evidence, **said}, [target])[target].values())
            assert posterior[target][:, n] == pytest.approx(expected, abs=1e-9)


def test_readings_are_answered_side_by_side() -> None:
    """A reading with a finding unknown equals the case without it."""
    net = SMALL.network
    finding = next(v.id for v in net.variables.values() if v.kind == "finding" and len(v.states) == 2)
    asked = [v.id for v in net.variables.values() if v.kind in ("context", "finding") and v.id != finding]
    readings = {finding: np.array([[0.0, 1.0], [1.0, 1.0]])}
    known, unknown = net.read({finding: True}), net.read({})
    both = given_answers(net.inference, known, SMALL.causes, asked, readings)
    for n, case in enumerate((known, unknown)):
        alone = given_answers(net.inference, case, SMALL.causes, asked)
        assert both[0][:, n] == pytest.approx(alone[0][:, 0], abs=1e-11)
        for cause in SMALL.causes:
            assert both[1][cause][..., n] == pytest.approx(alone[1][cause][..., 0], abs=1e-11)


def test_every_question_of_the_toe_model_has_a_form() -> None:
    """No question of the shipped model needs a lane for each state of each cause."""
    model = tt.load_model()
    inference = model.network.inference
    asked = [v.id for v in model.network.variables.values() if v.kind in ("context", "finding", "test")]
    assert forms(inference, model.network.read({}), model.causes, asked).keys() == set(asked)
