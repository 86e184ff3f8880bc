"""Laws of the explorer's session: it knows what it is told, every step can be undone, no message breaks it."""

from __future__ import annotations

import functools
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import toetwitch as tt
from toetwitch.display.explorer.answers import Answer, answer_of, case_code, evidence_of, said
from toetwitch.display.explorer.background import Background
from toetwitch.display.explorer.session import Session
from toetwitch.display.explorer.subject import subject_of
from toetwitch.display.explorer.views import catalogue
from toetwitch.knowledge import Cpt, NetworkDefinition, Variable
from toetwitch.knowledge.case_file import read_case_file

SMALL_MODEL = Path(__file__).resolve().parents[1] / "data" / "small_model"
HOSTILE = "</script><script>alert(1)</script>"
ALARMING = {"toe_movement": True, "foot_drop": True, "caffeine_intake": "high"}


@functools.cache
def network() -> tt.Network:
    """Return a network in which some evidence cannot be: wet is certain under rain."""
    rain, wet = Variable("rain"), Variable(HOSTILE, ("dry", "da'mp", 'we"t'))
    soil = Variable("soil colour", ("light", "dark"))
    tables = (
        Cpt("rain", (), [0.8, 0.2]),
        Cpt(HOSTILE, ("rain",), [[0.7, 0.2, 0.1], [0.0, 0.0, 1.0]]),
        Cpt("soil colour", (HOSTILE,), [[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]]),
    )
    return tt.Network(NetworkDefinition((rain, wet, soil), tables))


def executed(code: str) -> dict[str, object]:
    """Return the case that copied code makes."""
    names: dict[str, Any] = {"network": network()}
    exec(code, names)
    found: dict[str, object] = names["case"]
    return found


class Exploring(RuleBasedStateMachine):
    """A session beside the plainest record of it: a list of cases, and how far back it stands."""

    def __init__(self) -> None:
        super().__init__()
        self.session = Session(subject_of(network()))
        self.cases: list[dict[str, object]] = [{}]
        self.at = 0

    def becomes(self, case: dict[str, object]) -> None:
        """Note a change; what had been undone is forgotten, and no change is none."""
        if case != self.cases[self.at]:
            self.cases = [*self.cases[: self.at + 1], case]
            self.at += 1

    @rule(id=st.sampled_from(sorted(network().variables)), data=st.data())
    def answer(self, id: str, data: st.DataObject) -> None:
        """Answer with a state, certain or not."""
        variable = network().variables[id]
        state = data.draw(st.sampled_from(variable.states))
        sure = data.draw(st.sampled_from([1.0, 0.95, 0.8, 0.6]))
        assert self.session.handle({"do": "answer", "id": id, "state": state, "sure": sure}) == ""
        self.becomes({**self.cases[self.at], id: evidence_of(variable, Answer(state, sure))})

    @rule(id=st.sampled_from(sorted(network().variables)))
    def clear(self, id: str) -> None:
        """Take an answer back."""
        assert self.session.handle({"do": "clear", "id": id}) == ""
        self.becomes({known: value for known, value in self.cases[self.at].items() if known != id})

    @rule(id=st.sampled_from(sorted(network().variables)))
    def exclude(self, id: str) -> None:
        """Say something that no answer on the page can say."""
        value = tt.excluded(network().variables[id].states[0])
        self.session.tell(id, value)
        self.becomes({**self.cases[self.at], id: value})

    @rule()
    def undo(self) -> None:
        """Step back."""
        assert self.session.can_undo == (self.at > 0)
        assert self.session.handle({"do": "undo"}) == ""
        self.at = max(0, self.at - 1)

    @rule()
    def redo(self) -> None:
        """Step forward."""
        assert self.session.can_redo == (self.at < len(self.cases) - 1)
        assert self.session.handle({"do": "redo"}) == ""
        self.at = min(len(self.cases) - 1, self.at + 1)

    @rule()
    def reset(self) -> None:
        """Forget the answers, not the history."""
        assert self.session.handle({"do": "reset"}) == ""
        self.becomes({})

    @rule(message=st.sampled_from([
        {"do": "answer", "id": "rian", "state": "true"},
        {"do": "answer", "id": "rain", "state": "maybe"},
        {"do": "answer", "id": "rain", "state": "true", "sure": 0.2},
        {"do": "answer", "id": "rain", "state": "true", "sure": "very"},
        {"do": "answer", "id": ["rain"], "state": None},
        {"do": "clear"}, {"do": "load", "text": "rain ="}, {"do": "load", "text": 3}, {"do": "suppose", "id": "rian"},
        {"do": "select", "id": "rian"}, {"do": "__init__"}, {}, {"do": "answer", "id": "rain", "state": "true", "x": 1},
    ]))  # fmt: skip
    def say_nonsense(self, message: dict[str, Any]) -> None:
        """Send what cannot be done: it is refused in words and changes nothing."""
        before = self.session.case
        assert self.session.handle(message)
        assert self.session.case is before

    @rule()
    def save_and_load(self) -> None:
        """Load what was saved: the case is the same, so there is no step to undo."""
        assert self.session.handle({"do": "load", "text": self.session.view()["file"]}) == ""
        excluding = [v for v in self.session.case.values() if type(v).__name__ == "Excluded"]
        if not excluding:
            self.becomes(dict(self.session.case))

    @precondition(lambda self: len(self.cases[self.at]) > 1)
    @rule()
    def look_elsewhere(self) -> None:
        """Look at another variable, and suppose another state: neither is a step."""
        before = self.session.case
        assert self.session.handle({"do": "select", "id": "soil colour"}) == ""
        assert self.session.handle({"do": "suppose", "id": "rain", "state": "true"}) == ""
        assert self.session.case is before

    @invariant()
    def knows_what_it_was_told(self) -> None:
        """Check that the case, the answers shown and the file to save all say the same."""
        case = self.cases[self.at]
        assert dict(self.session.case) == case
        view = self.session.view()
        assert set(view["answers"]) == set(case)
        assert view["undo"] == (self.at > 0)
        assert list(read_case_file("case", view["file"].encode(), network().variables)) == list(case)

    @invariant()
    def shows_the_posterior(self) -> None:
        """Check that the bars are the network's own posteriors, or a clash is named, and that the view is JSON."""
        view = self.session.view()
        json.dumps(view, allow_nan=False)
        clash = network().clash(self.session.case)
        assert len(view["clash"]) == len(clash)
        if clash:
            assert "cannot hold together" in view["problem"]
            assert view["bars"] == []
            assert self.session.later() == {}
        else:
            posterior = network().posterior(self.session.case)
            assert {bar["id"] for bar in view["bars"]} == set(posterior)
            for bar in view["bars"]:
                shown = list(posterior[bar["id"]].values())[-len(bar["rows"]) :]
                assert [row["p"] for row in bar["rows"]] == pytest.approx(shown)


TestExploring = Exploring.TestCase
TestExploring.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


@given(st.sampled_from(sorted(network().variables)), st.data())
def test_an_answer_is_read_back(id: str, data: st.DataObject) -> None:
    """The evidence of an answer stands for that answer and no other, and its code makes that evidence."""
    variable = network().variables[id]
    answer = Answer(
        data.draw(st.sampled_from(variable.states)), data.draw(st.floats(1 / len(variable.states) + 0.001, 1))
    )
    value = evidence_of(variable, answer)
    back = answer_of(variable, value)
    assert back is not None
    assert (back.state, back.sure) == (answer.state, pytest.approx(answer.sure, abs=1e-9))
    assert executed(f"import toetwitch as tt\n{case_code({id: value})}") == {id: value}


def test_other_evidence_is_told_in_words() -> None:
    """What no answer can say is shown as it is, and copied as it is."""
    variable = network().variables[HOSTILE]
    value = tt.jeffrey({"dry": 0.25, "da'mp": 0.5, 'we"t': 0.25})
    assert answer_of(variable, value) is None
    assert said(variable, value) == "afterwards: dry 0.25, da'mp 0.5, we\"t 0.25"
    case = {HOSTILE: value, "rain": tt.excluded(True)}
    session = Session(subject_of(network()), case)
    assert executed(session.view()["code"].replace("network.posterior(case)", "")) == case


@pytest.mark.parametrize("setting", [None, "neurology_clinic"])
def test_the_level_is_that_of_the_assessment(setting: str | None) -> None:
    """Level, flags in their order and ranking at once are those of the whole assessment, whatever is answered."""
    model = tt.load_model(setting=setting)
    session = Session(subject_of(model))
    for id, value in {"toe_movement": True, "numbness": False, "foot_drop": tt.likelihood(0.8), "sex": "male"}.items():
        session.tell(id, value)
        view, answer = session.view(), model.assess(session.case)
        assert view["triage"]["level"] == answer.triage.level.replace("_", " ")
        assert [flag["title"].lower() for flag in view["triage"]["flags"]] == [
            found.id.replace("_", " ") for found in answer.red_flags
        ]
        assert tuple(bar["id"] for bar in view["bars"]) == answer.ranking
        assert {bar["id"]: bar["rows"][0]["p"] for bar in view["bars"]} == pytest.approx(dict(answer.causes))
    assert view["triage"]["flags"][0]["because"] == "Foot drop: yes, 80 % sure"


def test_flags_come_before_any_probability(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules are told from the answers alone, and the level never falls while the probabilities are computed."""
    session = Session(subject_of(tt.load_model()), {"saddle_numbness": True, "bladder_or_bowel_dysfunction": True})
    asked_for = session.quick.urgency
    assert asked_for is not None
    assert asked_for.posterior_level == "immediate_medical_attention"
    assert session.flags() is None
    session.replace({"foot_drop": True})
    with monkeypatch.context() as patched:
        patched.setattr(type(session.subject), "quick", None)
        flags = session.flags()
    assert flags is not None
    assert [flag["title"] for flag in flags["triage"]["flags"]] == ["Foot drop"]
    assert set(flags["answers"]) == {"foot_drop"}
    session.view()
    session.reset()
    flags, last = session.flags(), session.subject.quick({"foot_drop": True}).urgency
    assert flags is not None
    assert last is not None
    assert flags["triage"]["level"] == (last.posterior_level or "").replace("_", " ")


def test_copied_code_runs_and_answers_the_same() -> None:
    """The code to copy, run in a fresh namespace, makes the case and gives the level that is shown."""
    session = Session(subject_of(None), ALARMING)
    code = session.view()["code"]
    names: dict[str, Any] = {}
    exec(code.replace("\nmodel.assess(case)", "\nanswer = model.assess(case)"), names)
    assert names["case"] == ALARMING
    assert names["answer"].triage.level.replace("_", " ") == session.view()["triage"]["level"]


def test_what_comes_later_is_of_the_case_now() -> None:
    """Details, reasons and what-if are those of the model, most telling first, in words."""
    model = tt.load_model()
    session = Session(subject_of(model), ALARMING)
    assert session.supposed == ("caffeine_intake", "none_or_low")
    parts = session.later()
    assert list(parts) == ["ask", "why", "what_if", "details"]
    details, why, supposed = parts["details"](), parts["why"](), parts["what_if"]()
    answer = model.assess(ALARMING)
    assert details["none"] == pytest.approx(answer.no_listed_cause)
    assert why["id"] == answer.ranking[0]
    assert why["posterior"] == pytest.approx(answer.causes[why["id"]])
    assert supposed["rows"][0]["id"] == "caffeine_effect"
    assert all(row["instead"] < row["now"] for row in supposed["rows"] if row["id"] == "caffeine_effect")
    json.dumps([details, why, supposed], allow_nan=False)


def test_what_is_looked_at_changes_only_its_own_part() -> None:
    """Choosing a cause asks for its reasons and nothing else anew; choosing none returns to the leading one."""
    session = Session(subject_of(tt.load_model(SMALL_MODEL)))
    before = session.later()
    other = session.quick.ranking[1]
    session.select(other)
    after = session.later()
    assert {name for name in after if after[name] != before[name]} == {"why"}
    assert after["why"]()["id"] == other
    session.select(None)
    assert session.later() == before


def test_questions_come_in_words() -> None:
    """What to ask next is told with the names of variables, never their ids, and with the answers to choose from."""
    session = Session(subject_of(tt.load_model(SMALL_MODEL)))
    view = session.later()["ask"]()
    assert view["questions"]
    for question in view["questions"]:
        assert question["states"]
        assert "_" not in question["reason"]


def test_the_catalogue_lists_what_can_be_known() -> None:
    """Every variable but the latent ones stands in one group, with its label and its states as words."""
    model = tt.load_model()
    entries = [item for group in catalogue(subject_of(model))["groups"] for item in group["items"]]
    known = {id for id, variable in model.network.variables.items() if variable.kind != "latent"}
    assert {entry["id"] for entry in entries} == known
    assert len(entries) == len(known)
    foot_drop = next(entry for entry in entries if entry["id"] == "foot_drop")
    assert foot_drop["label"] == "Foot drop"
    assert [state["label"] for state in foot_drop["states"]] == ["yes", "no"]


def test_a_question_past_the_budget_is_told_in_words() -> None:
    """Where a posterior would cost too much there are no bars, the reason is said, and the rules still speak."""
    model = tt.load_model(memory_budget=115_000)
    many = ("foot_drop", "pins_and_needles", "fasciculation", "numbness", "fatigue", "muscle_cramp")
    view = Session(subject_of(model), dict.fromkeys(many, True)).view()
    assert "past the budget" in view["problem"]
    assert view["bars"] == []
    assert view["triage"]["rank"] == 3
    assert view["triage"]["flags"]


def test_work_in_the_background_is_of_the_latest_question() -> None:
    """An answer whose question was replaced while it was computed is never delivered; a failure is told, not lost."""
    begun, go_on = threading.Event(), threading.Event()
    delivered: list[tuple[str, object]] = []

    def slow() -> str:
        begun.set()
        assert go_on.wait(10)
        return "stale"

    def broken() -> str:
        raise ValueError("cannot")

    work = Background(
        lambda name, _, answer: delivered.append((name, answer)), lambda name, _, e: delivered.append((name, str(e)))
    )
    work.want({"why": slow, "ask": lambda: "dropped"})
    assert begun.wait(10)
    work.want({"why": lambda: "new", "what_if": broken})
    go_on.set()
    assert work.wait(10)
    assert delivered == [("why", "new"), ("what_if", "cannot")]
