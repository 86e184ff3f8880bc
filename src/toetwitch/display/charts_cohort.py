"""A chart of many assessed cases: how urgent they are, what leads, and which red flags fired."""

from __future__ import annotations

__all__ = ["cohort"]

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import narwhals.stable.v1 as nw

from toetwitch.display.charts_canvas import (
    ACCENT,
    AGAINST,
    SMALL,
    capital,
    column_width,
    percent,
    plain_axis,
    rows_chart,
    said_chart,
    write,
)
from toetwitch.errors import EvidenceError
from toetwitch.knowledge.red_flag import TRIAGE_LEVELS
from toetwitch.markup import words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BAR = 0.115
"""Inches: the height of a bar."""

NEEDED = ("status", "level", "red_flags", "most_probable_cause")


def cohort(answers: Any, *, most: int = 8, names: Mapping[str, str] | None = None) -> Figure:
    """Draw an overview of a frame of assessed cases.

    Parameters
    ----------
    answers
        What `Model.assess_many` returned: a pandas or polars data frame or an Arrow table.
    most
        How many causes, and how many rules, to draw.
    names
        Id to what to call it.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    EvidenceError
        For a frame without the columns of an assessed cohort.
    ChartLibraryMissingError
        When Matplotlib is not installed.
    """
    frame = nw.from_native(answers, eager_only=True)
    missing = [name for name in NEEDED if name not in frame.columns]
    if missing:
        raise EvidenceError(f"no column {', '.join(missing)}; expected the frame that `Model.assess_many` returns")
    people = len(frame)
    title = f"{people:,} case{'' if people == 1 else 's'}"
    if not people:
        return said_chart("No case", "The frame has no row.")
    called = names or {}
    levels = Counter(frame["level"].to_list())
    leads = Counter(id for id in frame["most_probable_cause"].to_list() if isinstance(id, str))
    fired = Counter(id for ids in frame["red_flags"].to_list() for id in ids.split())
    parts = {
        "How soon": [(capital(words(level)), levels.get(level, 0)) for level in reversed(TRIAGE_LEVELS)],
        "Most probable cause": _top(leads, most, called),
        "Red flags fired": _top(fired, most, called),
    }
    rows = [(label, count) for part in parts.values() for label, count in part]
    headings, at = [], 0
    for heading, part in parts.items():
        if part:
            headings.append((at, heading))
        at += len(part)
    told = [f"{count:,}  ({percent(count / people)})" for _, count in rows]
    states = Counter(frame["status"].to_list())
    unanswered = ", ".join(f"{count:,} {status}" for status, count in states.items() if status != "ok")
    chart = rows_chart(
        [label for label, _ in rows], title=f"{title}: how soon, what leads, which flags",
        reading="How many of them. One person can fire several red flags. Hatched: immediate medical attention.",
        said="; ".join(f"{label} {text}" for (label, _), text in zip(rows, told, strict=True)) + ".",
        note=(f"Without a posterior: {unanswered}; their levels come from the rules alone. " if unanswered else "")
        + _more(len(leads), most, "causes lead in fewer") + _more(len(fired), most, "rules fired in fewer"),
        right=max(column_width(text, SMALL) for text in told) + 0.15, headings=headings,
    )  # fmt: skip
    plain_axis(chart.axes, 0, max(count for _, count in rows) * 1.02, "Cases", whole=True)
    for n, ((_, count), y, text) in enumerate(zip(rows, chart.at, told, strict=True)):
        gravest = n == 0
        bar = chart.axes.barh(y, count, height=BAR, color="white" if gravest else ACCENT,
                              edgecolor=AGAINST if gravest else ACCENT, linewidth=1.0)  # fmt: skip
        if gravest:
            bar[0].set_hatch("////")
        write(chart.axes, 5, 0, text, at=(count, y), size=SMALL)
    return chart.figure


def _top(counts: Counter[str], most: int, called: Mapping[str, str]) -> list[tuple[str, int]]:
    order: Iterable[tuple[str, int]] = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [(capital(called.get(id, words(id))), count) for id, count in list(order)[:most]]


def _more(found: int, most: int, what: str) -> str:
    return f"{found - most} more {what}. " if found > most else ""
