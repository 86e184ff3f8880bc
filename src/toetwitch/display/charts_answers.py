"""Charts of one case: how probable each cause is, why, what moved, and what to ask next."""

from __future__ import annotations

__all__ = ["posteriors", "question_gains", "shift", "waterfall"]

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from toetwitch.display.charts_canvas import (
    ACCENT,
    AGAINST,
    FAINT,
    INK,
    MINUS,
    PALE,
    SMALL,
    SOFT,
    Rows,
    capital,
    column_width,
    percent,
    percent_axis,
    plain_axis,
    rows_chart,
    said_chart,
    write,
)
from toetwitch.errors import EvidenceError
from toetwitch.markup import words
from toetwitch.reasoning.assessment import Assessment
from toetwitch.reasoning.comparison import Comparison
from toetwitch.reasoning.explanation import Explanation
from toetwitch.reasoning.questions import NextQuestions, Question
from toetwitch.reasoning.uncertainty import Interval, Intervals

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BAR = 0.115
"""Inches: the height of a bar."""

ROUND = (0.5, 0.01, 0.99, 0.1, 0.9, *(x for n in range(3, 16) for x in (10.0**-n, 1 - 10.0**-n)), 0.2, 0.8, 0.3, 0.7,
         0.05, 0.95, 0.4, 0.6, 0.02, 0.98)  # fmt: skip
"""Probabilities that may be marked on a scale of log-odds, the roundest first."""

FARTHEST = math.log(1e15)
"""Log-odds past which a point stands at the edge of the scale; its label still tells the number."""


def posteriors(
    answer: Assessment | Intervals,
    *,
    intervals: Intervals | None = None,
    most: int = 12,
    names: Mapping[str, str] | None = None,
) -> Figure:
    """Draw how probable each cause is, with the credible interval that the cited ranges leave it.

    Parameters
    ----------
    answer
        What `Model.assess` or `intervals` returned. The causes of an assessment stand in the order of its ranking,
        those of intervals in order of probability.
    intervals
        Intervals to draw beside the probabilities of an assessment.
    most
        How many causes to draw; the rest is counted in the note.
    names
        Id to what to call it; the assessment's own names by default.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ChartLibraryMissingError
        When Matplotlib is not installed.

    Examples
    --------
    >>> import pytest
    >>> _ = pytest.importorskip("matplotlib")
    >>> from toetwitch.model import load_model
    >>> figure = posteriors(load_model().assess({"fasciculation": True}), most=3)
    >>> figure.axes[0].texts[0].get_text()
    'Benign fasciculation syndrome'
    """
    if isinstance(answer, Intervals):
        intervals = answer
        said = {id: t.posterior for id, t in answer.targets.items()}
        order = sorted(said, key=lambda id: -said[id])
        title, called = "How probable, and how sure", names or {}
    else:
        said, order = dict(answer.causes), list(answer.ranking)
        title, called = "Causes, leading explanation first", names or answer.names
    if not order:
        return said_chart(title, f"No posterior: {getattr(answer, 'problem', '') or 'nothing was asked'}.")
    shown = order[:most]
    ranges = {id: intervals.targets[id] for id in shown if intervals and id in intervals.targets}
    told = {id: _told(said[id], ranges.get(id)) for id in shown}
    labels = [called.get(id, capital(words(id))) for id in shown]
    reading = (
        f"Dot: the posterior. Line: {intervals.level:.0%} of {intervals.draws} models drawn from the cited ranges."
        if intervals
        else "Probability that each is present, given the evidence."
    )
    chart = rows_chart(
        labels,
        title=title,
        reading=reading,
        said="; ".join(f"{label} {told[id]}" for label, id in zip(labels, shown, strict=True)) + ".",
        note=_left_out(len(order) - len(shown), "more targets are less probable" if answer is intervals else
                       "more causes rank lower"),
        right=max(column_width(text) for text in told.values()) + 0.15,
    )  # fmt: skip
    ends = [said[id] for id in shown] + [t.high for t in ranges.values()]
    percent_axis(chart.axes, 0, min(1.0, max(max(ends) * 1.06, 1e-300)), "Probability given the evidence")
    for id, y in zip(shown, chart.at, strict=True):
        if id in ranges:
            chart.axes.plot([ranges[id].low, ranges[id].high], [y, y], color=PALE, linewidth=5, solid_capstyle="butt")
            chart.axes.plot([said[id]], [y], "o", color=ACCENT, markersize=5, clip_on=False)
        else:
            chart.axes.barh(y, said[id], height=BAR, color=ACCENT)
        write(chart.axes, 6, 0, told[id], at=(1, y), across=True)
    return chart.figure


def _told(p: float, t: Interval | None) -> str:
    return percent(p) if t is None else f"{percent(p)} ({percent(t.low)} to {percent(t.high)})"


def _left_out(count: int, what: str) -> str:
    return f"{count} {what} and are not drawn." if count > 0 else ""


def waterfall(
    answer: Explanation, *, order: Literal["contribution", "evidence"] = "contribution",
    names: Mapping[str, str] | None = None,
) -> Figure:  # fmt: skip
    """Draw how the evidence takes the log-odds of a cause from its prior to its posterior.

    Parameters
    ----------
    answer
        What `explain` returned.
    order
        "contribution": each finding's own (Shapley) contribution, strongest support first and what speaks against it
        last; "evidence": what each adds once those before it are known, in the order of the evidence.
    names
        Id to what to call it.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    EvidenceError
        For another order.
    ChartLibraryMissingError
        When Matplotlib is not installed.
    """
    if order not in ("contribution", "evidence"):
        raise EvidenceError(f"order {order!r}; expected 'contribution' or 'evidence'")
    called = names or {}
    title = f"Why: {called.get(answer.target, words(answer.target))}"
    title += "" if answer.state == "true" else f" = {words(answer.state)}"
    if answer.certain or answer.posterior_log_odds is None:
        return said_chart(title, f"{answer.certain}.")
    if order == "contribution":
        steps = [(id, answer.contributions[id]) for id in (*answer.supporting, *answer.conflicting)]
        reading = "Each bar: what a finding adds to the log-odds, averaged over all orders of learning them."
    else:
        steps = [(step.id, step.weight) for step in answer.waterfall]
        reading = "Each bar: what a finding adds to the log-odds once those above it are known."
    labels = ["Before any evidence", *(called.get(id, capital(words(id))) for id, _ in steps), "Given all of it"]
    ends = [answer.prior_log_odds, answer.posterior_log_odds]
    told = [f"{percent(_probability(x))}  ({_signed(x)})" for x in ends]
    silent = len(answer.contributions) - len(steps)
    chart = rows_chart(
        labels, title=title, reading=reading + " Solid, to the right: for. Hatched, to the left: against.",
        said=f"From {told[0]} to {told[1]}: "
        + "; ".join(f"{label} {_signed(w)}" for label, (_, w) in zip(labels[1:-1], steps, strict=True)) + ".",
        note=f"{silent} of the findings say nothing about it." if silent > 0 else "",
        right=max(column_width(text, weight="bold") for text in told) + 0.15, upper=0.2, strong=(0, len(labels) - 1),
    )  # fmt: skip
    _draw_steps(chart, steps, *ends)
    for x, y, text in ((ends[0], chart.at[0], told[0]), (ends[1], chart.at[-1], told[1])):
        chart.axes.plot([x], [y], "D", color=INK, markersize=5, clip_on=False)
        write(chart.axes, 6, 0, text, at=(1, y), across=True, weight="bold")
    return chart.figure


def _draw_steps(chart: Rows, steps: Sequence[tuple[str, float]], prior: float, posterior: float) -> None:
    axes = chart.axes
    path = [prior]
    for _, weight in steps:
        path.append(path[-1] + weight)
    low, high = min([*path, posterior]), max([*path, posterior])
    span = max(high - low, 1.0)
    # Room for the weight beside a bar that reaches the edge.
    room = span * 0.5 / max(chart.width - 1.0, 0.6)
    plain_axis(axes, low - room, high + room, "Log-odds (natural)")
    _odds_scale(chart, upper=True)
    for n, (_, weight) in enumerate(steps):
        y, start, end = chart.at[n + 1], path[n], path[n + 1]
        axes.plot([start, start], [chart.at[n], y], color=FAINT, linewidth=0.7)
        bar = axes.barh(y, weight, left=start, height=BAR, color=ACCENT if weight >= 0 else "white",
                        edgecolor=ACCENT if weight >= 0 else AGAINST, linewidth=1.0)  # fmt: skip
        if weight < 0:
            bar[0].set_hatch("////")
        side = 1 if weight >= 0 else -1
        write(axes, 4 * side, 0, _signed(weight), at=(end, y), ha="left" if side > 0 else "right", size=SMALL)
    axes.plot([path[-1], path[-1]], [chart.at[-2], chart.at[-1]], color=FAINT, linewidth=0.7)


def _signed(x: float) -> str:
    digits = 2 if abs(x) >= 0.005 else 3
    return f"{x:+.{digits}f}".replace("-", MINUS) if abs(x) >= 0.0005 else "≈0"


def _probability(log_odds: float) -> float:
    if log_odds > 700 or log_odds < -700:
        return float(log_odds > 0)
    return 1 / (1 + math.exp(-log_odds))


def _log_odds(p: float) -> float:
    if p <= 0 or p >= 1:
        return FARTHEST if p >= 1 else -FARTHEST
    return min(max(math.log(p) - math.log1p(-p), -FARTHEST), FARTHEST)


def _odds_scale(chart: Rows, *, upper: bool = False) -> None:
    """Mark probabilities on a scale of log-odds, above the axes or in place of its own ticks, none too near another."""
    axes = chart.axes
    low, high = axes.get_xlim()
    by_inch = (high - low) / chart.width
    kept: list[float] = []
    for p in ROUND:
        x = _log_odds(p)
        if low <= x <= high and all(abs(x - _log_odds(q)) >= by_inch * _apart(p, q) for q in kept):
            kept.append(p)
    kept.sort()
    if not upper:
        axes.set_xticks([_log_odds(p) for p in kept], [_mark(p) for p in kept])
        return
    for p in kept:
        write(axes, 0, 3, _mark(p), at=(_log_odds(p), 0), size=SMALL, colour=SOFT, ha="center", va="bottom")
        axes.plot([_log_odds(p)] * 2, [0, 0.05], color=FAINT, linewidth=0.7)


def _apart(p: float, q: float) -> float:
    """Return how far apart two marks must be, in inches, for their words to be told apart."""
    return max(0.5, (column_width(_mark(p), SMALL) + column_width(_mark(q), SMALL)) / 2 + 0.12)


def _mark(p: float) -> str:
    return f"{100 * p:.9g}%" if min(p, 1 - p) > 1e-7 else percent(p)


def shift(
    answer: Comparison | Assessment,
    before: Assessment | None = None,
    *,
    most: int = 12,
    names: Mapping[str, str] | None = None,
) -> Figure:
    """Draw from where to where each probability moved, on a scale of log-odds.

    Parameters
    ----------
    answer
        A comparison of two cases (`model.compare({}, case)` goes from prior to posterior), or an assessment.
    before
        The assessment from which to start, with an assessment: `model.assess({})` for the prior.
    most
        How many to draw, most moved in log-odds first.
    names
        Id to what to call it; the assessment's own names by default.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    EvidenceError
        When there is nothing to start from.
    ChartLibraryMissingError
        When Matplotlib is not installed.
    """
    if isinstance(answer, Comparison):
        pairs = {id: (m.before, m.after) for id, m in answer.targets.items()}
        called = names or {}
    elif before is None:
        raise EvidenceError("an assessment alone has nothing to start from; expected another as `before`")
    else:
        pairs = {id: (before.causes[id], p) for id, p in answer.causes.items() if id in before.causes}
        called = names or answer.names
    moved = sorted(pairs, key=lambda id: -abs(_log_odds(pairs[id][1]) - _log_odds(pairs[id][0])))
    title = "From prior to posterior" if before is None or not before.evidence else "From before to after"
    if isinstance(answer, Comparison):
        title = "What moved"
    if not moved:
        return said_chart(title, "There is no posterior to draw.")
    shown = moved[:most]
    labels = [called.get(id, capital(words(id))) for id in shown]
    told = [f"{percent(pairs[id][0])} → {percent(pairs[id][1])}" for id in shown]
    chart = rows_chart(
        labels, title=title,
        reading="Ring: before. Dot: after, given the evidence. Equal distances are equal weights of evidence.",
        said="; ".join(f"{label} {text}" for label, text in zip(labels, told, strict=True)) + ".",
        note=_left_out(len(moved) - len(shown), "more moved less"), right=max(map(column_width, told)) + 0.15,
    )  # fmt: skip
    ends = [_log_odds(p) for id in shown for p in pairs[id]]
    span = max(max(ends) - min(ends), 1.0)
    plain_axis(chart.axes, min(ends) - 0.05 * span, max(ends) + 0.05 * span, "Probability (scale of log-odds)")
    _odds_scale(chart)
    for id, y, text in zip(shown, chart.at, told, strict=True):
        start, end = map(_log_odds, pairs[id])
        colour = ACCENT if end >= start else AGAINST
        chart.axes.annotate("", (end, y), (start, y), arrowprops={
            "arrowstyle": "-|>,head_width=.18,head_length=.35", "color": colour, "linewidth": 1.4,
            "linestyle": "-" if end >= start else (0, (4, 2)), "shrinkA": 3, "shrinkB": 3})  # fmt: skip
        chart.axes.plot([start], [y], "o", markerfacecolor="white", markeredgecolor=colour, markersize=5, clip_on=False)
        chart.axes.plot([end], [y], "o", color=colour, markersize=5.5, clip_on=False)
        write(chart.axes, 6, 0, text, at=(1, y), across=True)
    return chart.figure


def question_gains(answer: NextQuestions, *, most: int = 12, names: Mapping[str, str] | None = None) -> Figure:
    """Draw what the answer to each question is expected to tell, in bits: those to ask now, then the most telling.

    Parameters
    ----------
    answer
        What `next_questions` returned.
    most
        How many questions to draw.
    names
        Id to what to call it; the wording of the question by default.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ChartLibraryMissingError
        When Matplotlib is not installed.
    """
    title = "What to ask next"
    if not answer.candidates:
        return said_chart(title, "Nothing is left to ask.")
    now = list(answer.questions)[:most]
    asked = {q.id for q in now}
    rest = sorted((q for q in answer.candidates if q.id not in asked), key=lambda q: -q.gain)[: most - len(now)]
    shown = [*now, *rest]
    called = names or {}
    labels = [called.get(q.id) or q.wording or capital(words(q.id)) for q in shown]
    told = [_bits(q.gain) + (f"  ⚑ {words(q.could_raise_to)}" if q.could_raise_to else "") for q in shown]
    raising = any(q.could_raise_to for q in shown)
    chart = rows_chart(
        labels, title=title,
        reading="Expected gain on the causes, in bits." + (" ⚑: could raise the level to what stands beside it."
                                                           if raising else ""),
        said="; ".join(f"{label} {text}" for label, text in zip(labels, told, strict=True)) + ".",
        note=_left_out(len(answer.candidates) - len(shown), "other questions would tell less"),
        right=_beside(told),
        headings=[(n, text) for n, text in ((0, "Ask now"), (len(now), "Would tell most")) if
                  n < len(shown) and (now if n == 0 else rest)],
    )  # fmt: skip
    widest = max(q.gain for q in shown) or 1.0
    plain_axis(chart.axes, 0, widest * 1.04, "Expected gain (bits)")
    for q, y, text in zip(shown, chart.at, told, strict=True):
        _gain_bar(chart.axes, q, y, solid=q.id in asked)
        write(chart.axes, 5, 0, text, at=(q.gain, y), size=SMALL)
    return chart.figure


def _bits(gain: float) -> str:
    return "<0.001" if 0 < gain < 0.001 else f"{gain:.3f}"


def _beside(told: Sequence[str]) -> float:
    return max(column_width(text, SMALL) for text in told) + 0.15


def _gain_bar(axes: Axes, q: Question, y: float, *, solid: bool) -> None:
    axes.barh(y, q.gain, height=BAR, color=ACCENT if solid else PALE, edgecolor=ACCENT, linewidth=0.8)
