"""`toetwitch ask` asks dangers first, takes "I do not know", and ends when told to."""

from __future__ import annotations

import json

import pytest

import toetwitch as tt
from tests.commands.running import SMALL, run
from toetwitch.commands.ask import next_question


def test_the_answers_are_the_case(capsys: pytest.CaptureFixture[str]) -> None:
    """What was typed is assessed as the library assesses it; an empty answer stays unknown."""
    done = run(capsys, "ask", "--model", SMALL, "--json", typed="mild\n\nstop\n")
    assert done.code == 0
    assert json.loads(done.out) == tt.load_model(SMALL).assess({"weakness": "mild"}).to_dict()


def test_the_gravest_danger_is_asked_first(capsys: pytest.CaptureFixture[str]) -> None:
    """The first question is the first of the rule book, in its plain words, with its states."""
    done = run(capsys, "ask", "--model", SMALL, typed="stop\n")
    assert "Is the foot weak? [1 none, 2 mild, 3 severe]" in done.err


def test_a_state_may_be_given_by_number(capsys: pytest.CaptureFixture[str]) -> None:
    """The number beside a state stands for it."""
    done = run(capsys, "ask", "--model", SMALL, "--json", typed="3\nstop\n")
    assert json.loads(done.out)["evidence"] == {"weakness": "severe"}


def test_the_top_level_is_said_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    """As soon as an answer reaches the top level it is said, with the rule's reason, before the next question."""
    done = run(capsys, "ask", "--model", SMALL, typed="severe\nstop\n")
    assert "IMMEDIATE MEDICAL ATTENTION\n  Strength that is lost may not return." in done.err


def test_a_misspelt_answer_is_asked_again(capsys: pytest.CaptureFixture[str]) -> None:
    """An answer that cannot be read is told with the nearest one, and the question stands."""
    done = run(capsys, "ask", "--model", SMALL, "--json", typed="sever\nsevere\nstop\n")
    assert "did you mean 'severe'?" in done.err
    assert json.loads(done.out)["evidence"] == {"weakness": "severe"}


def test_what_is_meant_can_be_asked(capsys: pytest.CaptureFixture[str]) -> None:
    """A question mark shows the definition and the question stands."""
    done = run(capsys, "ask", "--model", SMALL, "--json", typed="?\nnone\nstop\n")
    assert tt.load_model(SMALL).network.variables["weakness"].definition in done.err
    assert json.loads(done.out)["evidence"] == {"weakness": "none"}


def test_the_end_of_input_is_a_stop(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal the interview ends where the input ends, with an assessment."""
    done = run(capsys, "ask", "--model", SMALL, "--json", typed="mild\n")
    assert done.code == 0
    assert json.loads(done.out)["evidence"] == {"weakness": "mild"}


def test_every_question_is_asked_once_and_no_cause_is() -> None:
    """Unknown answers to everything ask about each askable variable exactly once, and end."""
    model = tt.load_model(SMALL)
    asked: dict[str, object] = {}
    triage = model.assess({}).triage
    while (id := next_question(model, asked, triage)) is not None:
        assert id not in asked
        asked[id] = None
    kinds = {model.network.variables[id].kind for id in asked}
    assert set(model.definition.rules.mentioned) <= set(asked)
    assert not kinds & {"cause", "latent", "test"}


def test_the_gate_comes_before_the_rest() -> None:
    """Once the dangers were asked, what the self-care gate wants answered comes next."""
    model = tt.load_model(SMALL)
    triage = model.assess({"weakness": "none"}).triage
    assert next_question(model, {"weakness": "none"}, triage) == triage.unanswered[0]
