"""Cards and drawings saved as a page and opened in a browser: readable in light and dark, whole, and asking nobody."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import toetwitch as tt
from tests.browser.accessibility import serious_faults
from toetwitch.knowledge import Cpt, NetworkDefinition, Variable
from toetwitch.markup import Markup, document, element

HOSTILE = "<script>window.harmed=1</script>"
ALARMING = {"toe_movement": True, "foot_drop": True, "caffeine_intake": "high"}
CALM = {"toe_movement": True, "fasciculation": True, "caffeine_intake": "high"}


def hostile() -> tt.Network:
    """Return a small network with a name that is markup."""
    tables = (Cpt(HOSTILE, (), [0.8, 0.2]), Cpt("wet", (HOSTILE,), [[0.9, 0.1], [0.2, 0.8]]))
    return tt.Network(NetworkDefinition((Variable(HOSTILE), Variable("wet")), tables))


@functools.cache
def displays() -> dict[str, str]:
    """Return every kind of display, as a notebook would be given it."""
    model, small = tt.load_model(), hostile()
    shown: dict[str, Any] = {
        "assessment with a red flag": model.assess(ALARMING),
        "assessment without": model.assess(CALM),
        "explanation": model.explain(ALARMING, "lumbar_radiculopathy"),
        "production": model.attribute(ALARMING),
        "questions": model.next_questions(CALM),
        "what if": model.what_if(CALM, {"caffeine_intake": "none_or_low"}, ["fasciculation", "caffeine_effect"]),
        "advice": model.advise(CALM),
        "conflict": model.conflict(CALM),
        "intervals": small.intervals({"wet": True}, [HOSTILE], draws=20, rng=np.random.default_rng(1)),
        "sensitivity": small.sensitivity({"wet": True}, HOSTILE),
        "network": small,
        "model": model,
        "drawing": tt.draw(small, {"wet": True}),
        "neighbourhood": tt.draw(model, ALARMING, around="restless_legs_syndrome"),
    }
    return {name: answer._repr_html_() for name, answer in shown.items()}


@pytest.fixture(params=["light", "dark"])
def opened(request: pytest.FixtureRequest, page: Any, tmp_path: Path) -> tuple[Any, str]:
    """Open all displays, saved as one page, as a reader who prefers light or dark would."""
    parts = [
        element("section", element("h2", name), Markup(markup), class_="shown") for name, markup in displays().items()
    ]
    saved = tmp_path / "displays.html"
    saved.write_text(document("Displays", *parts), encoding="utf-8")
    page.emulate_media(color_scheme=request.param)
    page.goto(saved.as_uri())
    return page, request.param


def test_a_saved_page_is_readable(opened: tuple[Any, str]) -> None:
    """Every display shows text and has a size; dark is dark and light is light; what looks like markup is a name."""
    page, scheme = opened
    sections = page.locator("section.shown")
    assert sections.count() == len(displays())
    for n in range(sections.count()):
        box = sections.nth(n).locator(".toetwitch").first.bounding_box()
        assert box is not None
        assert box["width"] > 100
        assert box["height"] > 20
        assert len(sections.nth(n).inner_text()) > 20
    paper = page.evaluate("() => getComputedStyle(document.querySelector('.toetwitch')).backgroundColor")
    assert (sum(map(int, paper.strip("rgb()").split(","))) < 300) == (scheme == "dark")
    assert HOSTILE in page.locator("body").inner_text()
    assert page.evaluate("window.harmed") is None


def test_a_saved_page_has_no_serious_fault(opened: tuple[Any, str]) -> None:
    """Names, roles, structure and contrast hold in every display, all folds open."""
    page, _ = opened
    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    assert serious_faults(page, ".toetwitch") == []


def test_a_red_flag_is_seen_first(opened: tuple[Any, str]) -> None:
    """In an alarming assessment the flag's box comes before any table, as a filled bar with words."""
    page, _ = opened
    card = page.locator("section.shown", has_text="assessment with a red flag").first.locator(".toetwitch")
    flag, table = card.get_by_text("RED FLAG").first, card.locator("table").first
    assert flag.bounding_box()["y"] < table.bounding_box()["y"]
    colours = flag.evaluate("e => [getComputedStyle(e).backgroundColor, getComputedStyle(e).color]")
    assert colours == ["rgb(163, 17, 27)", "rgb(255, 255, 255)"]
