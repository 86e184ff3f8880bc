"""What the explorer's page does with what it is told, in a browser: words stay words, keys work, nothing hides."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import toetwitch as tt
from tests.browser.accessibility import serious_faults
from tests.browser.explorer_page import ExplorerPage
from toetwitch.display.explorer import Session
from toetwitch.display.explorer.subject import subject_of
from toetwitch.knowledge import Cpt, NetworkDefinition, Variable

SMALL_MODEL = Path(__file__).resolve().parents[1] / "data" / "small_model"
HOSTILE = "<img src=x onerror=window.harmed=1><script>window.harmed=1</script>"


def hostile() -> tt.Network:
    """Return a network whose names are markup, in which rain makes the last state certain."""
    wet = Variable(HOSTILE, ("dry", "<b>damp</b>", '"wet"', "d", "e", "f"), label=HOSTILE, definition=HOSTILE)
    tables = (
        Cpt("rain", (), [0.8, 0.2]),
        Cpt(HOSTILE, ("rain",), [[0.5, 0.1, 0.1, 0.1, 0.1, 0.1], [0, 0, 0, 0, 0, 1]]),
    )
    return tt.Network(NetworkDefinition((Variable("rain"), wet), tables))


def small(page: Any, evidence: Mapping[str, object] | None = None) -> ExplorerPage:
    """Return the explorer of the small model."""
    return ExplorerPage(page, Session(subject_of(tt.load_model(SMALL_MODEL)), evidence))


def test_a_hostile_name_is_only_a_name(page: Any) -> None:
    """Markup in ids, states and definitions is shown letter by letter in every part, and nothing of it runs."""
    explorer = ExplorerPage(page, Session(subject_of(hostile()), {"rain": False}))
    page.get_by_role("combobox", name=HOSTILE, exact=True).select_option("<b>damp</b>")
    page.get_by_role("listitem").get_by_text(f"{HOSTILE}: <b>damp</b>").wait_for()
    page.get_by_role("combobox", name="What to set").select_option(HOSTILE)
    explorer.settle()
    assert page.locator(".tt-explorer").inner_text().count(HOSTILE) >= 3
    assert page.locator(".tt-explorer img, .tt-explorer script, .tt-explorer b").count() == 0
    assert page.evaluate("window.harmed") is None


def test_impossible_answers_are_named_and_can_be_taken_back(page: Any) -> None:
    """Answers that cannot hold together are told by name where the bars were, and undo brings the bars back."""
    ExplorerPage(page, Session(subject_of(hostile()), {"rain": True}))
    page.get_by_role("combobox", name=HOSTILE, exact=True).select_option("dry")
    clash = page.get_by_text("These answers cannot hold together:")
    clash.wait_for()
    assert "rain" in clash.inner_text() or "rain" in clash.locator("..").inner_text()
    page.get_by_role("button", name="Undo").click()
    clash.wait_for(state="hidden")
    assert page.locator(".tt-bars .tt-bar").count() == 1


def test_the_filter_finds_by_any_words(page: Any) -> None:
    """Typing narrows the list to what holds all the words, and says so when nothing does."""
    ExplorerPage(page, Session(subject_of(None)))
    box = page.get_by_role("searchbox")
    box.fill("DROP foot")
    assert page.locator(".tt-row").all_inner_texts()[0].startswith("Foot drop")
    assert page.locator(".tt-row").count() == 1
    box.fill("zebra")
    assert page.get_by_text("Nothing of that name").is_visible()
    box.fill("")
    known = [variable for variable in tt.load_model().network.variables.values() if variable.kind != "latent"]
    assert page.locator(".tt-row").count() == len(known)


def test_a_case_can_be_answered_by_keyboard_alone(page: Any) -> None:
    """From the filter, Enter leads to the first answer; y, n, u and the arrows answer; focus stays where it was."""
    explorer = ExplorerPage(page, Session(subject_of(None)))
    page.get_by_role("searchbox").focus()
    page.keyboard.type("foot drop")
    page.keyboard.press("Enter")
    page.keyboard.press("y")
    page.get_by_text("⚑ 1 RED FLAG:").wait_for()
    assert dict(explorer.session.case) == {"foot_drop": True}
    focused = "() => document.activeElement.closest('.tt-row').querySelector('.tt-label').textContent"
    assert page.evaluate(focused) == "Foot drop"
    page.keyboard.press("ArrowRight")
    page.get_by_text("No red flag fired.").wait_for()
    assert dict(explorer.session.case) == {"foot_drop": False}
    assert page.evaluate(focused) == "Foot drop"
    page.keyboard.press("u")
    page.get_by_text("Nothing yet: these are the priors.").wait_for()
    assert dict(explorer.session.case) == {}


def test_how_sure_is_likelihood_evidence(page: Any) -> None:
    """An answer of which one is less than certain counts as likelihood evidence, and says so."""
    explorer = ExplorerPage(page, Session(subject_of(None), {"numbness": False}))
    page.get_by_role("searchbox").fill("numbness")
    page.get_by_role("combobox", name="How sure of Numbness", exact=True).select_option("80% sure")
    page.get_by_text("Numbness: no, 80 % sure").wait_for()
    assert explorer.session.case["numbness"] == tt.likelihood(0.2)


def test_the_level_is_announced_once_for_each_change(page: Any) -> None:
    """The live region tells level and flags in words, and changes only when they do."""
    explorer = ExplorerPage(page, Session(subject_of(None), {"toe_movement": True}))
    region = page.locator(".tt-explorer [aria-live=polite]")
    page.evaluate(
        """() => { window.told = [];
        new MutationObserver(() => window.told.push(document.querySelector('.tt-explorer [aria-live]').textContent))
          .observe(document.querySelector('.tt-explorer [aria-live]'), { childList: true, characterData: true }); }"""
    )
    before = region.inner_text()
    page.get_by_role("searchbox").fill("tiredness")
    page.get_by_role("radiogroup", name="Tiredness").get_by_role("radio", name="yes").check()
    explorer.settle()
    assert region.inner_text() == before
    page.get_by_role("searchbox").fill("foot drop")
    page.get_by_role("radiogroup", name="Foot drop").get_by_role("radio", name="yes").check()
    explorer.settle()
    assert page.evaluate("window.told") == ["1 red flag. Immediate medical attention, level 4 of 4."]


def test_flags_stand_before_everything(page: Any) -> None:
    """The level and its flags are the first visible words of the explorer, in words and not by colour alone."""
    ExplorerPage(page, Session(subject_of(None), {"foot_drop": True}))
    text = page.locator(".tt-explorer").inner_text().strip()
    told = text.index("RED FLAG")
    assert told < text.index("What is known")
    assert "level" in text[: text.index("What is known")].lower()


def test_a_question_can_be_answered_where_it_stands(page: Any) -> None:
    """A question leads to its row in the list, and its buttons answer it."""
    explorer = small(page)
    question = page.locator(".tt-ask li").first
    question.locator(".tt-question").click()
    row = page.evaluate("() => document.activeElement.closest('.tt-row').querySelector('.tt-label').textContent")
    before = len(explorer.session.case)
    question.get_by_role("button").nth(1).click()
    page.wait_for_function("n => document.querySelectorAll('.tt-chip').length > n", arg=before)
    assert row in page.locator(".tt-chips").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1100, 420])
def test_axe_finds_no_serious_fault(page: Any, scheme: str, width: int) -> None:
    """Names, roles, contrast and targets hold in light and dark, wide and narrow, calm and alarming."""
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 1000})
    explorer = ExplorerPage(page, Session(subject_of(None), {"toe_movement": True, "caffeine_intake": "high"}))
    assert serious_faults(page, ".tt-explorer") == []
    page.get_by_role("searchbox").fill("foot drop")
    page.get_by_role("radiogroup", name="Foot drop").get_by_role("radio", name="yes").check()
    page.get_by_text("⚑ 1 RED FLAG:").wait_for()
    page.get_by_role("button", name="Show all").click()
    explorer.settle()
    assert serious_faults(page, ".tt-explorer") == []
    paper = page.evaluate("() => getComputedStyle(document.querySelector('.tt-explorer')).backgroundColor")
    assert (sum(map(int, paper.strip("rgb()").split(","))) < 300) == (scheme == "dark")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
