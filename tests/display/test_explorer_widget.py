"""Laws of the explorer as seen from Python; a browser drives its page in tests/browser."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

import toetwitch as tt
from toetwitch.display.explorer import Explorer
from toetwitch.display.explorer import widget as widget_module
from toetwitch.knowledge import Cpt, NetworkDefinition, Variable

ALARMING = {"toe_movement": True, "foot_drop": True, "caffeine_intake": "high"}


def rain() -> tt.Network:
    """Return a small network."""
    tables = (Cpt("rain", (), [0.8, 0.2]), Cpt("wet", ("rain",), [[0.9, 0.1], [0.2, 0.8]]))
    return tt.Network(NetworkDefinition((Variable("rain"), Variable("wet")), tables))


def page_says(explorer: Explorer, **message: Any) -> None:
    """Send what the page would send."""
    explorer.widget._handle_custom_msg(message, [])


def test_a_missing_library_is_named_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without anywidget, `explore` refuses with the line that installs it; it is an ImportError too."""
    monkeypatch.setitem(sys.modules, "anywidget", None)
    widget_module._page_class.cache_clear()
    with pytest.raises(ImportError, match=r"pip install 'toetwitch\[explore\]'") as caught:
        tt.explore(rain())
    assert isinstance(caught.value, tt.ToetwitchError)
    widget_module._page_class.cache_clear()


@pytest.fixture
def _page_library() -> None:
    if importlib.util.find_spec("anywidget") is None and not os.environ.get("TOETWITCH_RUN_BROWSER"):
        pytest.skip("needs anywidget: pip install 'toetwitch[explore]'")


@pytest.mark.usefixtures("_page_library")
class TestExplorer:
    """The facade, with the page's messages handed in as the comm would."""

    def test_python_sees_what_the_page_says(self) -> None:
        """An answer given on the page is evidence in Python, and observers hear of it once."""
        explorer = tt.explore(evidence={"toe_movement": True})
        heard: list[dict[str, object]] = []
        stop = explorer.observe(lambda e: heard.append(e.evidence))
        page_says(explorer, do="answer", id="foot_drop", state="true")
        assert explorer.evidence == {"toe_movement": True, "foot_drop": True}
        assert heard == [explorer.evidence]
        assert explorer.assessment is not None
        assert explorer.assessment.triage.level == tt.load_model().assess(explorer.evidence).triage.level
        page_says(explorer, do="answer", id="foot_dorp", state="true")
        page_says(explorer, do="select", id="caffeine_effect")
        assert len(heard) == 1
        stop()
        explorer.undo()
        assert len(heard) == 1

    def test_the_page_sees_what_python_says(self) -> None:
        """Setting the evidence, undoing, redoing and resetting from Python show on the page."""
        explorer = tt.explore(rain())
        explorer.evidence = {"wet": True}
        assert set(explorer.widget.view["answers"]) == {"wet"}
        assert explorer.posterior["rain"]["true"] == pytest.approx(2 / 3)
        explorer.undo()
        assert explorer.widget.view["answers"] == {}
        explorer.redo()
        explorer.tell("rain", False)
        explorer.reset()
        assert explorer.evidence == {}
        assert explorer.widget.view["undo"]
        assert explorer.assessment is None

    def test_a_refusal_is_shown_in_words(self) -> None:
        """What cannot be done is said on the page with the nearest right answer, and changes nothing."""
        explorer = tt.explore(rain())
        page_says(explorer, do="answer", id="wte", state="true")
        assert "did you mean 'wet'" in explorer.widget.view["refusal"]
        assert explorer.evidence == {}
        page_says(explorer, do="answer", id="wet", state="true")
        assert explorer.widget.view["refusal"] == ""

    def test_an_unforeseen_failure_is_shown_in_words(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Even a bug leaves words on the page and not a page that no longer answers."""
        explorer = tt.explore(rain())

        def fail(case: object) -> None:
            raise ZeroDivisionError("by nothing")

        with monkeypatch.context() as patched:
            patched.setattr(explorer.session.subject, "quick", fail)
            page_says(explorer, do="answer", id="wet", state="true")
            assert explorer.widget.view["refusal"] == "ZeroDivisionError: by nothing"
        page_says(explorer, do="undo")
        assert explorer.widget.view["refusal"] == ""

    def test_later_parts_are_numbered_for_what_is_shown(self) -> None:
        """Each later part arrives with the number that the view announced, so a stale one can be told."""
        explorer = tt.explore(rain(), {"wet": True})
        page_says(explorer, do="suppose", id="rain", state="false")
        assert explorer.wait(30)
        for name in ("details", "why", "ask", "what_if"):
            part = getattr(explorer.widget, name)
            assert part["serial"] == explorer.widget.view["parts"][name]
            assert "problem" not in part
        before = dict(explorer.widget.why)
        page_says(explorer, do="suppose", id="rain", state="true")
        assert explorer.wait(30)
        assert explorer.widget.why == before

    def test_a_case_is_saved_and_loaded(self, tmp_path: Path) -> None:
        """A saved case loads as the same case, and a case of the command line's JSON loads too."""
        explorer = tt.explore(evidence={**ALARMING, "numbness": tt.likelihood(0.8)})
        explorer.save(tmp_path / "case.toml")
        other = tt.explore()
        other.load(tmp_path / "case.toml")
        assert other.evidence == explorer.evidence
        (tmp_path / "case.json").write_text(json.dumps({"foot_drop": True}), encoding="utf-8")
        other.load(tmp_path / "case.json")
        assert other.evidence == {"foot_drop": True}
        (tmp_path / "bad.toml").write_text("foot_dorp = true", encoding="utf-8")
        with pytest.raises(tt.UnknownNameError, match="did you mean 'foot_drop'"):
            other.load(tmp_path / "bad.toml")
        assert other.evidence == {"foot_drop": True}

    def test_a_page_without_widgets_shows_the_card(self) -> None:
        """Where no widget can be shown the answer is still there: words, and the assessment's card."""
        data, _ = tt.explore(evidence=ALARMING)._repr_mimebundle_()
        assert "application/vnd.jupyter.widget-view+json" in data
        assert "RED FLAG" in data["text/html"]
        assert "3 answers known" in data["text/plain"]
