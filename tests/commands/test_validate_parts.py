"""The parts of the report say what the answers say, and nothing more."""

from __future__ import annotations

from toetwitch.commands.case_input import example_path
from toetwitch.commands.validate_parts import Robust, confusion_part, robust_cases, robustness_part, table
from toetwitch.knowledge.cases import Case, read_cases
from toetwitch.model import load_model
from toetwitch.reasoning.scoring import Outcome


def case(id: str, diagnosis: tuple[str, ...], acceptable: tuple[str, ...] = ()) -> Case:
    """Return a case of which nothing but the conclusion matters."""
    return Case(id, {"toe_movement": True}, diagnosis, acceptable, "self_care", "report", False)


def robust(id: str, leading: str, leads: float, acceptable: tuple[str, ...] = ()) -> Robust:
    """Return a case of which "a" is the published cause."""
    return Robust(case(id, ("a",), acceptable), leading, leads, 0.5, 0.2, 0.8, "c", 1 - leads)


def test_a_table_has_a_cell_for_each_column() -> None:
    """Each row has as many cells as the head."""
    lines = table(["one", "two"], [[1, 2], ["x", "y"]])
    assert {line.count("|") for line in lines} == {3}


def test_confusion_tells_who_led_instead() -> None:
    """A cause's row counts its cases and names the causes that led in its place, most often first."""
    outcomes = [
        Outcome(case("1", ("a",)), ("b", "a"), {}, {}),
        Outcome(case("2", ("a",)), ("b", "a"), {}, {}),
        Outcome(case("3", ("a",)), ("c", "a"), {}, {}),
        Outcome(case("4", ("a",)), ("a", "b"), {}, {}),
    ]
    lines = confusion_part(outcomes)
    assert "| a | 4 | 1 | b 2, c 1 |" in lines
    assert sum(line.startswith(("| 1 |", "| 2 |", "| 3 |", "| 4 |")) for line in lines) == 3


def test_firm_and_shaky_answers_are_told_apart() -> None:
    """Each case is in one group by the share of models in which its cause leads, and the least firm comes first."""
    found = [robust("one", "a", 0.95), robust("two", "b", 0.7, ("b",)), robust("three", "c", 0.4)]
    text = "\n".join(robustness_part(found, 50))
    assert "| firm: leads in 90% or more | 1/3 = 33 % (6-79) | 1/1 = 100 % (21-100) |" in text
    assert "| shaky: leads in less than 60% | 1/3 = 33 % (6-79) | 0/1 = 0 % (0-79) |" in text
    assert text.index("| three | c (not published)") < text.index("| two | b (acceptable)") < text.index("| one | a |")


def test_the_leading_cause_of_a_case_is_the_one_that_assess_gives() -> None:
    """What leads with all numbers at their estimates is the first of the ranking; shares are of the same models."""
    model = load_model()
    cases = read_cases(example_path(), model.definition.network)[:1]
    (found,) = robust_cases(model, cases, 20, 1)
    assert found.leading == model.assess(cases[0].evidence).ranking[0]
    assert 0 <= found.runner_up_leads <= 1 - found.leads + 1e-12
    assert found.low <= found.high
