"""Tornado charts: what a posterior rests on, number by number and source by source."""

from __future__ import annotations

__all__ = ["tornado", "tornado_by_source"]

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from toetwitch.display.charts_canvas import (
    ACCENT,
    AGAINST,
    INK,
    SMALL,
    SOFT,
    Rows,
    column_width,
    percent,
    percent_axis,
    rows_chart,
    said_chart,
    write,
)
from toetwitch.markup import words
from toetwitch.reasoning.sensitivity import Sensitivity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BAR = 0.115
"""Inches: the height of a bar."""

STILL = 5e-5
"""A posterior that moves less than this over a range has not moved."""


def tornado(answer: Sensitivity, *, most: int = 12, names: Mapping[str, str] | None = None) -> Figure:
    """Draw how far the posterior moves when each number goes from the low to the high end of its cited range.

    Parameters
    ----------
    answer
        What `sensitivity` returned.
    most
        How many numbers to draw, widest swing first.
    names
        Id of the target to what to call it.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ChartLibraryMissingError
        When Matplotlib is not installed.
    """
    moving = [f for f in answer.functions if not f.swing < STILL]
    shown = moving[:most]
    if not shown:
        return said_chart(_title(answer, names), "No number of the model moves it within its cited range.")
    ends = [(f.at_low, f.at_high) for f in shown]
    beside = [f"{f.value:.3g}  ({f.low:.3g} to {f.high:.3g})" for f in shown]
    chart = _tornado(
        answer, [f.path for f in shown], ends, beside,
        title=_title(answer, names), heading="cited", marks=("at the low end", "at the high end"),
        reading="Each number at either end of its cited range. Hollow: its low end. Solid: its high end.",
        note=_rest(len(moving) - len(shown), len(answer.functions) - len(moving)),
    )  # fmt: skip
    return chart.figure


def tornado_by_source(answer: Sensitivity, *, most: int = 12, names: Mapping[str, str] | None = None) -> Figure:
    """Draw how far the posterior moves when all numbers of one source are off together.

    Parameters
    ----------
    answer
        What `sensitivity` returned.
    most
        How many sources to draw: those that would change the leading cause first, then the widest.
    names
        Id to what to call the target and its rivals.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ChartLibraryMissingError
        When Matplotlib is not installed.
    """
    called = names or {}
    turning = [s for s in answer.by_source if s.changes_leading]
    moving = [s for s in answer.by_source if not s.changes_leading and not abs(s.doubled - s.halved) < STILL]
    shown = sorted([*turning, *moving][:most], key=lambda s: -_reach((s.halved, s.doubled), answer.posterior))
    if not shown:
        return said_chart(_title(answer, names), "No source moves it.")
    beside = []
    for s in shown:
        to = s.leading_halved if s.leading_halved != answer.leading else s.leading_doubled
        beside.append(f"{s.numbers}" + (f"  ⚠ {called.get(to, words(to))} leads" if s.changes_leading else ""))
    chart = _tornado(
        answer, [s.source for s in shown], [(s.halved, s.doubled) for s in shown], beside,
        title=_title(answer, names), heading="numbers", marks=("when divided", "when multiplied"),
        reading=f"All numbers of a source off together by a factor of {answer.factor:g} in odds. "
        "Hollow: divided. Solid: multiplied. ⚠: another cause would lead.",
        note=_rest(len(turning) + len(moving) - len(shown), len(answer.by_source) - len(turning) - len(moving)),
    )  # fmt: skip
    return chart.figure


def _title(answer: Sensitivity, names: Mapping[str, str] | None) -> str:
    target = (names or {}).get(answer.target, words(answer.target))
    state = "" if answer.state == "true" else f" = {words(answer.state)}"
    return f"What the {percent(answer.posterior)} for {target}{state} rests on"


def _rest(more: int, still: int) -> str:
    said = f"{more} more move it less. " if more > 0 else ""
    return said + (f"{still} do not move it." if still > 0 else "")


def _reach(ends: tuple[float, float], posterior: float) -> float:
    return max((abs(x - posterior) for x in ends if not math.isnan(x)), default=0.0)


def _tornado(
    answer: Sensitivity,
    labels: Sequence[str],
    ends: Sequence[tuple[float, float]],
    beside: Sequence[str],
    *,
    title: str,
    heading: str,
    marks: tuple[str, str],
    reading: str,
    note: str,
) -> Rows:
    beside = [
        text + "".join(f"  (no model {mark})" for x, mark in zip(pair, marks, strict=True) if math.isnan(x))
        for text, pair in zip(beside, ends, strict=True)
    ]
    told = [f"{label} from {percent(low)} to {percent(high)}" for label, (low, high) in zip(labels, ends, strict=True)]
    chart = rows_chart(
        labels, title=title, reading=reading, said="; ".join(told) + ".", note=note, upper=0.16,
        right=max(column_width(text, SMALL) for text in (*beside, heading)) + 0.15,
    )  # fmt: skip
    axes, now = chart.axes, answer.posterior
    known = [x for pair in ends for x in pair if not math.isnan(x)] + [now]
    span = max(max(known) - min(known), 1e-300)
    # Room for the percentages at the ends of the widest bars.
    room = span * 0.42 / max(chart.width - 0.84, 0.6)
    percent_axis(axes, max(0.0, min(known)) - room, min(1.0, max(known)) + room, "Posterior probability")
    axes.set_xticks([x for x in axes.get_xticks() if 0 <= x <= 1])
    axes.set_xlim(max(0.0, min(known)) - room, min(1.0, max(known)) + room)
    axes.axvline(now, color=INK, linewidth=0.9)
    write(axes, 0, 3, f"now {percent(now)}", at=(now, 0), size=SMALL, ha="center", va="bottom")
    write(axes, 6, 3, heading, at=(1, 0), across=True, size=SMALL, colour=SOFT, va="bottom")
    for pair, y, text in zip(ends, chart.at, beside, strict=True):
        for x, colour, solid in ((pair[0], AGAINST, False), (pair[1], ACCENT, True)):
            if not math.isnan(x):
                axes.barh(y, x - now, left=now, height=BAR, color=colour if solid else "white", edgecolor=colour,
                          linewidth=1.0)  # fmt: skip
        _ends_said(chart, pair, y, now)
        write(axes, 6, 0, text, at=(1, y), across=True, size=SMALL, colour=SOFT if "⚠" not in text else INK)
    return chart


def _ends_said(chart: Rows, pair: tuple[float, float], y: float, now: float) -> None:
    """Write the percentage at either end of a row's bars, the lower to the left."""
    known = [x for x in pair if not math.isnan(x)]
    below, above = min([*known, now]), max([*known, now])
    if below < now:
        write(chart.axes, -3, 0, percent(below), at=(below, y), ha="right", size=SMALL)
    if above > now:
        write(chart.axes, 3, 0, percent(above), at=(above, y), size=SMALL)
