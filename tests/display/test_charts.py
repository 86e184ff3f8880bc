"""Laws of the charts: what stands and is drawn on a figure is what the result says, whatever the result is."""

from __future__ import annotations

import base64
import builtins
import html
import importlib
import math
import os
import pickle
import re
import sys
from typing import Any

import numpy as np
import pytest

from tests.test_markup import contrast
from toetwitch.display import charts
from toetwitch.display.charts_canvas import ACCENT, AGAINST, INK, SOFT, percent
from toetwitch.errors import EvidenceError
from toetwitch.knowledge import Cpt, NetworkDefinition, Variable
from toetwitch.knowledge.cases import Case
from toetwitch.model import load_model
from toetwitch.network import Network
from toetwitch.reasoning.comparison import Comparison, Movement
from toetwitch.reasoning.explanation import Explanation, Step
from toetwitch.reasoning.forecast import Bin, reliability
from toetwitch.reasoning.questions import AnswerEffect, NextQuestions, Question
from toetwitch.reasoning.scoring import Outcome, Proportion
from toetwitch.reasoning.sensitivity import Sensitivity, SensitivityFunction, SourceEffect
from toetwitch.reasoning.uncertainty import Interval, Intervals

if not os.environ.get("TOETWITCH_DRAW_CHARTS"):
    pytest.importorskip("matplotlib", reason="needs matplotlib: pip install 'toetwitch[charts]'")

LONG = "An exceedingly long name of a cause that nobody would ever print on one line, not even in a very wide journal"
MATHS = "costs $5 and \\frac{1}{2} more than $4_x^"


def words_of(figure: Any) -> list[str]:
    """Return everything that is written on a figure, lines joined."""
    found = [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]
    return [text.get_text().replace("\n", " ") for text in found]


def all_words(figure: Any) -> str:
    """Return the same as one string without spaces, so that a broken label reads as it was."""
    return re.sub(r"\s", "", " ".join(words_of(figure)))


def assert_sound(figure: Any) -> None:
    """Check that a figure can be drawn, keeps all its words inside and apart, and has a text alternative."""
    canvas = importlib.import_module("matplotlib.backends.backend_agg").FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    width, height = figure.bbox.width, figure.bbox.height
    boxes = []
    for text in [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]:
        if text.get_text():
            box = text.get_window_extent(renderer)
            assert box.x0 >= -1, f"{text.get_text()!r} leaves the figure"
            assert box.x1 <= width + 1, f"{text.get_text()!r} leaves the figure"
            assert box.y0 >= -1, f"{text.get_text()!r} leaves the figure"
            assert box.y1 <= height + 1, f"{text.get_text()!r} leaves the figure"
            if not text.get_rotation():
                boxes.append((text.get_text(), box))
    for n, (one, a) in enumerate(boxes):
        for other, b in boxes[:n]:
            apart = a.x1 <= b.x0 + 1 or b.x1 <= a.x0 + 1 or a.y1 <= b.y0 + 1.5 or b.y1 <= a.y0 + 1.5
            assert apart, f"{one!r} lies over {other!r}"
    assert figure.get_label()


def bars(axes: Any) -> list[tuple[float, float]]:
    """Return the two ends of each bar."""
    return [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in axes.patches if hasattr(patch, "get_x")]


def points(axes: Any, marker: str) -> list[float]:
    """Return where the points of a kind stand."""
    return [float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() == marker]


def some_intervals(values: dict[str, float]) -> Intervals:
    """Return intervals around some posteriors."""
    told = {id: Interval(p, p, p / 2, min(1.0, p * 1.5), 0.5) for id, p in values.items()}
    return Intervals(0.9, told, next(iter(told)), 100, 0)


HARD_SETS = {
    "one": {"only": 0.4},
    "twenty-six": {f"cause_{n:02}": 0.9 / (n + 1) for n in range(26)},
    "ties": dict.fromkeys(("a", "b", "c"), 0.25),
    "tiny": {"rare": 1e-12, "rarer": 3e-15, "never": 0.0},
    "sure": {"sure": 1.0, "nearly": 1 - 1e-9, "long": 0.999},
    "hostile": {LONG: 0.5, MATHS: 0.4, "<script>": 0.3, "Ελληνικά": 0.2, "x" * 90: 0.1},
}


@pytest.mark.parametrize("values", HARD_SETS.values(), ids=HARD_SETS)
def test_posteriors_draw_the_intervals(values: dict[str, float]) -> None:
    """Each dot stands at the posterior and each line ends where the interval does, in order of probability."""
    answer = some_intervals(values)
    figure = charts.posteriors(answer, most=30)
    assert_sound(figure)
    order = sorted(values, key=lambda id: -values[id])
    axes = figure.axes[0]
    assert points(axes, "o") == [values[id] for id in order]
    ranges = [list(map(float, line.get_xdata())) for line in axes.lines if line.get_marker() == "None"]
    assert ranges == [[answer.targets[id].low, answer.targets[id].high] for id in order]
    for id in order:
        said = re.sub(r"\s", "", id.replace("_", " ").capitalize())[1:]
        assert said.lower() in all_words(figure).lower()
        assert percent(values[id]) in figure.get_label()


def test_posteriors_draw_the_ranking() -> None:
    """An assessment's causes stand in its order, each bar as long as its probability, and the rest is counted."""
    answer = load_model().assess({"toe_movement": True, "caffeine_intake": "high"})
    figure = charts.posteriors(answer, most=5)
    assert_sound(figure)
    assert [end for _, end in bars(figure.axes[0])] == pytest.approx([answer.causes[id] for id in answer.ranking[:5]])
    said = words_of(figure)
    # A name may be broken behind a hyphen as well as between words.
    names = {name.replace(" ", ""): id for id, name in answer.names.items()}
    assert [names[text.replace(" ", "")] for text in said if text.replace(" ", "") in names] == list(answer.ranking[:5])
    assert any(f"{len(answer.ranking) - 5} more causes" in text for text in said)


def explanation(contributions: dict[str, float], prior: float = -2.0) -> Explanation:
    """Return an explanation whose contributions add up."""
    steps, at = [], prior
    for id, weight in contributions.items():
        at += weight
        steps.append(Step(id, weight, at))
    return Explanation("cause", "true", prior, at, contributions, waterfall=tuple(steps))


@pytest.mark.parametrize(
    "contributions",
    [{}, {"a": 1.0}, {"a": 1.0, "b": -2.5, "c": 0.0}, {"up": 27.0, "down": -40.0}, {f"f{n}": 0.1 for n in range(26)},
     {LONG: 1e-5, MATHS: -1e-5}],
    ids=["none", "one", "both ways", "far", "many", "tiny"],
)  # fmt: skip
@pytest.mark.parametrize("order", ["contribution", "evidence"])
def test_a_waterfall_adds_up(contributions: dict[str, float], order: Any) -> None:
    """The bars lead without a gap from the prior to the posterior, and each is as long as what it stands for."""
    answer = explanation(contributions)
    figure = charts.waterfall(answer, order=order)
    assert_sound(figure)
    found = bars(figure.axes[0])
    start, end = points(figure.axes[0], "D")
    assert start == answer.prior_log_odds
    assert end == answer.posterior_log_odds
    at = start
    for one, other in found:
        assert min(abs(one - at), abs(other - at)) < 1e-9
        at = other if abs(one - at) < 1e-9 else one
    assert at == pytest.approx(end, abs=1e-9)
    drawn = sorted(abs(b - a) for a, b in found)
    wanted = sorted(abs(w) for w in contributions.values() if order == "evidence" or w)
    assert drawn == pytest.approx(wanted)


def test_what_speaks_against_is_hatched() -> None:
    """For and against differ by more than their colour."""
    axes = charts.waterfall(explanation({"a": 1.0, "b": -0.5})).axes[0]
    hatches = [patch.get_hatch() for patch in axes.patches]
    assert hatches[0] is None
    assert hatches[1]
    assert {"+1.00", "\N{MINUS SIGN}0.50"} <= set(words_of(axes.figure))


def test_a_certain_answer_is_said_in_words() -> None:
    """Where nothing is left to add up, the figure says why instead of drawing."""
    figure = charts.waterfall(load_model().explain({"caffeine_effect": True}, "caffeine_effect"))
    assert not figure.axes
    assert any("observed" in text for text in words_of(figure))


def function(path: str, at_low: float, at_high: float) -> SensitivityFunction:
    """Return how a posterior depends on one number."""
    return SensitivityFunction(path, "link", 0.2, 0.1, 0.3, at_low, at_high, (), (0.1, 0.3), 1.0, ("somebody",))


def rests(ends: dict[str, tuple[float, float]], posterior: float = 0.4) -> Sensitivity:
    """Return a sensitivity with these ends, by number and by source."""
    functions = tuple(function(path, low, high) for path, (low, high) in ends.items())
    sources = tuple(
        SourceEffect(path, 3, low, high, "a", "b", n == 0) for n, (path, (low, high)) in enumerate(ends.items())
    )
    return Sensitivity("cause", "true", posterior, "a", functions, sources, 2.0)


ENDS = {
    "one": {"a.leak.true": (0.2, 0.6)},
    "falling": {"a.leak.true": (0.6, 0.2), "b.prevalence": (0.45, 0.39)},
    "no model": {"a.leak.true": (math.nan, 0.6), "b.leak.true": (0.1, math.nan)},
    "same side": {"a.leak.true": (0.42, 0.5), LONG: (0.3, 0.4)},
    "many": {f"finding_{n}.link[cause_{n}=true].true": (0.4 - 0.3 / (n + 1), 0.4 + 0.3 / (n + 1)) for n in range(26)},
}


@pytest.mark.parametrize("ends", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("draw", [charts.tornado, charts.tornado_by_source])
def test_a_tornado_reaches_its_ends(draw: Any, ends: dict[str, tuple[float, float]]) -> None:
    """Each bar goes from the posterior to where the number or source takes it, and a missing end is said."""
    figure = draw(rests(ends), most=30)
    assert_sound(figure)
    drawn = sorted(x for a, b in bars(figure.axes[0]) for x in (a, b) if abs(x - 0.4) > 1e-12)
    assert drawn == pytest.approx(sorted(x for pair in ends.values() for x in pair if abs(x - 0.4) > 1e-12))
    missing = sum(math.isnan(x) for pair in ends.values() for x in pair)
    assert sum("no model" in text for text in words_of(figure)) == missing


def test_a_tornado_leaves_out_what_moves_nothing() -> None:
    """Numbers without a swing are counted and not drawn; where there is no other, that is said."""
    figure = charts.tornado(rests({"a": (0.2, 0.6), "b": (0.4, 0.4)}))
    assert len(bars(figure.axes[0])) == 2
    assert any("1 do not move it" in text for text in words_of(figure))
    assert not charts.tornado(rests({"b": (0.4, 0.4)})).axes


def test_a_source_that_turns_the_answer_is_marked() -> None:
    """A source that would change the leading cause is marked by a sign and words."""
    said = words_of(charts.tornado_by_source(rests({"paper": (0.2, 0.6), "other": (0.3, 0.5)})))
    assert [text for text in said if "⚠" in text and "leads" in text] == ["3  ⚠ b leads"]


def questions(gains: dict[str, float], asked: int = 1, raising: str = "") -> NextQuestions:
    """Return candidates with these gains."""
    effect = {"true": AnswerEffect(0.5, 0.1, "", "cause"), "false": AnswerEffect(0.5, 0.1, "", "cause")}
    found = tuple(Question(id, gain, 1.0, effect, could_raise_to=raising) for id, gain in gains.items())
    return NextQuestions(found[:asked], found, "", "cause", None, None)


@pytest.mark.parametrize(
    ("gains", "asked", "raising"),
    [({"a": 0.4}, 1, ""), ({"a": 0.0, "b": 0.0}, 1, ""), ({"a": 0.1, "b": 0.1, "c": 1e-12}, 2, "urgent_appointment"),
     ({f"q{n}": n / 26 for n in range(26)}, 3, "immediate_medical_attention"), ({LONG: 0.3, MATHS: 0.2}, 0, "")],
    ids=["one", "zero", "ties", "many", "long"],
)  # fmt: skip
def test_question_gains_are_as_long_as_they_tell(gains: dict[str, float], asked: int, raising: str) -> None:
    """Those to ask now stand first, then the most telling; each bar is the gain, and a red flag is in words."""
    answer = questions(gains, asked, raising)
    figure = charts.question_gains(answer, most=30)
    assert_sound(figure)
    rest = sorted(list(gains.values())[asked:], reverse=True)
    assert [end for _, end in bars(figure.axes[0])] == pytest.approx([*list(gains.values())[:asked], *rest])
    assert all_words(figure).count("⚑") >= (len(gains) if raising else 0)


def test_no_question_is_said_in_words() -> None:
    """Where nothing is left to ask, the figure says so."""
    assert "Nothing is left to ask." in words_of(charts.question_gains(questions({})))


@pytest.mark.parametrize("values", HARD_SETS.values(), ids=HARD_SETS)
def test_a_shift_goes_from_before_to_after(values: dict[str, float]) -> None:
    """Each row runs from the log-odds before to those after, certain ones at the edge, with both numbers beside it."""
    answer = Comparison((), {id: Movement(0.05, p) for id, p in values.items()})
    figure = charts.shift(answer, most=30)
    assert_sound(figure)
    found = points(figure.axes[0], "o")
    assert found[::2] == pytest.approx([math.log(0.05 / 0.95)] * len(values))
    wanted = sorted(math.log(p / (1 - p)) if 0 < p < 1 else math.copysign(math.log(1e15), p - 0.5)
                    for p in values.values())  # fmt: skip
    assert sorted(found[1::2]) == pytest.approx(wanted, rel=1e-6)
    for p in values.values():
        assert f"5.0% → {percent(p)}" in words_of(figure)


def test_a_shift_starts_from_the_prior() -> None:
    """Two assessments give a shift too; one alone is refused with what it lacks."""
    model = load_model()
    prior, answer = model.assess({}), model.assess({"fasciculation": True})
    figure = charts.shift(answer, prior, most=4)
    assert_sound(figure)
    first = words_of(figure)
    name = next(id for id in answer.ranking if answer.names[id] in first)
    assert f"{percent(prior.causes[name])} → {percent(answer.causes[name])}" in first
    with pytest.raises(EvidenceError, match="expected another as `before`"):
        charts.shift(answer)


def test_calibration_draws_every_bin() -> None:
    """Each dot stands at what was said and what happened, its line spans Wilson's interval; counts are told."""
    rng = np.random.default_rng(3)
    said = rng.random(500) ** 3
    bins = reliability(said, (rng.random(500) < said).astype(float))
    figure = charts.calibration(bins)
    assert_sound(figure)
    dots = [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in figure.axes[0].lines
            if line.get_marker() == "o"]  # fmt: skip
    assert dots == [(b.mean, b.happened.value) for b in bins]
    spans = [list(line.get_ydata()) for line in figure.axes[0].lines if line.get_marker() == "None"][1:]
    assert spans == [list(b.happened.interval) for b in bins]
    assert {f"{b.happened.total:,}" for b in bins} <= set(words_of(figure))


@pytest.mark.parametrize("panels", range(1, 8))
def test_calibrations_stand_side_by_side(panels: int) -> None:
    """Several results get a panel each, named, whatever their number."""
    one = (Bin(0.0, 0.01, 1e-12, Proportion(0, 5)), Bin(0.8, 1.0, 1.0, Proportion(5, 5)))
    figure = charts.calibration({f"cohort {n}": one for n in range(panels)})
    assert_sound(figure)
    assert {f"cohort {n}" for n in range(panels)} <= set(words_of(figure))
    assert sum(bool([line for line in axes.lines if line.get_marker() == "o"]) for axes in figure.axes) == panels


def outcome(published: str, led: str, floor: str = "self_care", level: str = "routine_appointment") -> Outcome:
    """Return what was answered to a case."""
    case = Case(f"{published}-{led}", {}, (published,), (), floor, "report", False)
    return Outcome(case, (led,) if led else (), {"article": level}, {})


@pytest.mark.parametrize("count", [1, 5, 26])
def test_confusion_counts_the_cases(count: int) -> None:
    """Every cell holds how many cases have that published and that leading cause; what has no row is named."""
    ids = [f"cause_{n:02}" for n in range(count)]
    outcomes = [outcome(id, id) for id in ids] + [
        outcome(ids[0], "another"),
        outcome(ids[-1], ""),
        outcome(ids[0], ids[0]),
    ]
    figure = charts.confusion(outcomes, names={"another": LONG})
    assert_sound(figure)
    axes = figure.axes[0]
    cells = [text for text in axes.texts if text.get_ha() == "center" and text.xy[1] > 0.4]
    assert sum(int(text.get_text()) for text in cells) == len(outcomes)
    diagonal = [text for text in cells if text.xy[0] == text.xy[1]]
    assert sum(int(text.get_text()) for text in diagonal) == count + 1
    assert all_words(figure).count(re.sub(r"\s", "", LONG)) == 1
    assert "Noposterior" in all_words(figure)


def test_under_triage_is_hatched() -> None:
    """A level below the safe one lies in a hatched cell, and how many there are is said."""
    outcomes = [outcome("a", "a"), outcome("a", "a", "urgent_appointment"), outcome("a", "a", "urgent_appointment")]
    figure = charts.triage_confusion(outcomes)
    assert_sound(figure)
    assert sum(bool(patch.get_hatch()) for patch in figure.axes[0].patches) == 6
    assert any("Hatched, 2 of 3" in text for text in words_of(figure))
    with pytest.raises(EvidenceError, match="policy 'guideline' has no level"):
        charts.triage_confusion(outcomes, "guideline")


def test_a_cohort_is_counted() -> None:
    """Levels, leading causes and fired rules are the frame's counts; another frame is refused."""
    pd = pytest.importorskip("pandas")
    model = load_model()
    rows = [{"foot_drop": True}, {"fasciculation": True}, {"fasciculation": True, "caffeine_intake": "high"},
            {"caffeine_intake": "nonsense"}]  # fmt: skip
    frame = pd.DataFrame(rows).astype(object)
    answers = model.assess_many(frame.where(frame.notna(), None))
    figure = charts.cohort(answers)
    assert_sound(figure)
    drawn = [end for _, end in bars(figure.axes[0])]
    assert sum(drawn[:4]) == len(answers)
    assert drawn[0] == (answers["level"] == "immediate_medical_attention").sum()
    leads = answers["most_probable_cause"].value_counts()
    assert drawn[4] == leads.iloc[0]
    assert any("1 invalid" in text for text in words_of(figure))
    with pytest.raises(EvidenceError, match="no column status"):
        charts.cohort(frame)
    assert not charts.cohort(answers.iloc[:0]).axes


def test_a_cohort_may_be_polars() -> None:
    """The overview of a polars frame is that of the same pandas frame."""
    pl, pd = pytest.importorskip("polars"), pytest.importorskip("pandas")
    model = load_model()
    one = charts.cohort(model.assess_many(pd.DataFrame({"foot_drop": [True, False]})))
    other = charts.cohort(model.assess_many(pl.DataFrame({"foot_drop": [True, False]})))
    assert words_of(one) == words_of(other)


def test_nothing_global_is_touched() -> None:
    """No setting of Matplotlib changes, pyplot is not loaded for it, and a style sheet does not change the colours."""
    import matplotlib

    before = dict(matplotlib.rcParams)
    loaded = "matplotlib.pyplot" in sys.modules
    plain = charts.posteriors(some_intervals({"a": 0.4}))
    assert dict(matplotlib.rcParams) == before
    assert ("matplotlib.pyplot" in sys.modules) == loaded
    with matplotlib.rc_context({"text.color": "red", "axes.facecolor": "black", "figure.facecolor": "black",
                                "font.size": 30, "axes.grid": True, "axes.grid.axis": "both"}):  # fmt: skip
        styled = charts.posteriors(some_intervals({"a": 0.4}))
    for figure in (plain, styled):
        assert figure.get_facecolor() == (1.0, 1.0, 1.0, 1.0)
        assert {text.get_color() for text in figure.texts} <= {INK, SOFT}
    assert [text.get_size() for text in plain.axes[0].texts] == [text.get_size() for text in styled.axes[0].texts]


def test_vector_output_embeds_its_type(tmp_path: Any) -> None:
    """A PDF carries its fonts; an SVG has outlines in place of text."""
    figure = charts.posteriors(some_intervals({"a": 0.4}))
    figure.savefig(tmp_path / "chart.pdf")
    written = (tmp_path / "chart.pdf").read_bytes()
    assert b"/Type3" in written or b"/FontFile" in written
    figure.savefig(tmp_path / "chart.svg")
    assert "<text" not in (tmp_path / "chart.svg").read_text(encoding="utf-8")


def test_a_notebook_shows_it_with_its_words() -> None:
    """What a notebook shows is one image from no outside address, with the chart in words beside it, escaped."""
    figure = charts.posteriors(some_intervals({"a <b>": 0.4}))
    shown = figure._repr_html_()
    (source,) = re.findall(r'src="([^"]*)"', shown)
    assert source.startswith("data:image/svg+xml;base64,")
    assert b"<svg" in base64.b64decode(source.split(",")[1])
    (alt,) = re.findall(r'alt="([^"]*)"', shown)
    assert html.unescape(alt) == figure.get_label()
    assert "40%" in alt
    assert "<b>" not in shown


def test_a_figure_pickles() -> None:
    """A figure goes to another process and is still shown there."""
    figure = pickle.loads(pickle.dumps(charts.posteriors(some_intervals({"a": 0.4}))))
    assert figure._repr_html_().startswith("<img")


def test_colours_are_told_apart() -> None:
    """Text has 4.5 to 1 on white, and marks 3 to 1."""
    assert min(contrast(INK, "#ffffff"), contrast(SOFT, "#ffffff")) >= 4.5
    assert min(contrast(ACCENT, "#ffffff"), contrast(AGAINST, "#ffffff")) >= 3


def test_without_the_library_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Matplotlib is missing the error gives the line that installs it."""
    real = builtins.__import__

    def missing(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(f"No module named {name!r}")
        return real(name, *rest, **more)

    for name in [name for name in sys.modules if name.startswith("matplotlib")]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(charts.ChartLibraryMissingError, match=r"pip install 'toetwitch\[charts\]'"):
        charts.question_gains(questions({}))


def test_any_network_has_charts() -> None:
    """Results of a network of the user's own are drawn under their ids."""
    a, b = Variable("rain"), Variable("wet")
    net = Network(
        NetworkDefinition((a, b), (Cpt("rain", (), [0.8, 0.2]), Cpt("wet", ("rain",), [[0.9, 0.1], [0.2, 0.8]])))
    )
    for figure in (
        charts.waterfall(net.explain({"wet": True}, "rain")),
        charts.tornado(net.sensitivity({"wet": True}, "rain")),
        charts.question_gains(net.next_questions({}, ["rain"])),
        charts.shift(net.compare({}, {"wet": True}, ["rain"])),
        charts.posteriors(net.intervals({}, ["rain"], draws=5, rng=np.random.default_rng(0))),
    ):
        assert_sound(figure)
        assert re.search("rain|wet", " ".join(words_of(figure)), re.IGNORECASE)
