"""Charts of a scored case file: whether probabilities hold, what led instead, and which level was answered."""

from __future__ import annotations

__all__ = ["calibration", "confusion", "triage_confusion"]

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from toetwitch.display.charts_canvas import (
    ACCENT,
    AGAINST,
    BODY,
    EDGE,
    FAINT,
    GRID,
    INK,
    PALE,
    SMALL,
    SOFT,
    WIDTH,
    capital,
    column_width,
    percent,
    percent_axis,
    said_chart,
    sheet,
    write,
)
from toetwitch.errors import EvidenceError
from toetwitch.knowledge.red_flag import TRIAGE_LEVELS, level_rank
from toetwitch.markup import words
from toetwitch.reasoning.forecast import Bin
from toetwitch.reasoning.scoring import Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ABREAST = 3
"""Panels side by side."""

FEW = 8
"""Columns that can carry their names."""

LONGEST = 2.6
"""Inches: the longest name that a column can carry."""

DEEP = (0.0, 0.28, 0.45)
"""The colour of a full cell, in shares of red, green and blue: white text keeps its contrast on it."""

NOTHING = "no posterior"
"""The column of cases without a leading cause."""


def calibration(bins: Sequence[Bin] | Mapping[str, Sequence[Bin]]) -> Figure:
    """Draw how often what was said came true, by what was said, with Wilson's intervals and the number of forecasts.

    Parameters
    ----------
    bins
        What `reliability` returned, or several such results by name: one panel each, on the same scales.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ChartLibraryMissingError
        When Matplotlib is not installed.
    """
    panels = dict(bins) if isinstance(bins, Mapping) else {"": bins}
    title = "Does what is said in p of a hundred happen in p of a hundred?"
    if not any(panels.values()):
        return said_chart(title, "There is no forecast to score.")
    alone = len(panels) == 1
    abreast = 2 if len(panels) in (2, 4) else ABREAST
    left, gap, foot = 0.55, 0.42, 0.36 if alone else 0.86
    head = 0.05 if "" in panels else 0.24
    side = 2.7 if alone else min((WIDTH - 2 * EDGE - left - 0.2 - gap * (abreast - 1)) / abreast, 2.4)
    tall = head + side + foot
    page = sheet(
        title,
        "Dot: what happened, with its 95% interval, by the mean of what was said. On the broken line: well calibrated."
        + ("" if alone else " Below: how many forecasts, on a logarithmic scale."),
        tall * -(-len(panels) // abreast),
        said=" ".join(_calibration_said(name, found) for name, found in panels.items()),
    )
    for n, (name, found) in enumerate(panels.items()):
        x, y = EDGE + left + (n % abreast) * (side + gap), page.top + (n // abreast) * tall + head
        axes = page.panel(x, y, side, side)
        _calibration_panel(axes, found, ticks=5 if alone else 3, first=n % abreast == 0)
        if alone:
            _calibration_table(page.panel(x + side + 0.35, y, page.width - x - side - 0.35 - EDGE, side), found)
        else:
            _calibration_counts(page.panel(x, y + side + 0.4, side, 0.22), found, first=n % abreast == 0)
        if name:
            write(axes, 0, 6, name, at=(0, 1), va="bottom", weight="bold")
    return page.figure


def _calibration_said(name: str, found: Sequence[Bin]) -> str:
    head = f"{name}: " if name else ""
    return head + "; ".join(f"said {percent(b.mean)}, happened {b.happened}" for b in found) + "."


def _calibration_panel(axes: Axes, found: Sequence[Bin], *, ticks: int, first: bool) -> None:
    axes.set_ylim(0, 1)
    percent_axis(axes, 0, 1, "Said")
    at = [n / (ticks - 1) for n in range(ticks)]
    labels = [f"{x:.0%}" for x in at]
    axes.set_xticks(at, labels)
    axes.set_yticks(at, labels if first else [""] * ticks)
    axes.grid(axis="y", color=GRID, linewidth=0.7)
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1.0, linestyle=(0, (4, 3)))
    for b in found:
        axes.plot([b.mean, b.mean], b.happened.interval, color=ACCENT, linewidth=1.4, clip_on=False)
        axes.plot([b.mean], [b.happened.value or 0.0], "o", color=ACCENT, markersize=5, clip_on=False)
    if first:
        write(axes, -36, 0, "Happened", at=(0, 0.5), rotation=90, ha="center", size=SMALL, colour=SOFT)


def _calibration_table(axes: Axes, found: Sequence[Bin]) -> None:
    """Write the numbers beside their only panel: what was said, what happened, and of how many."""
    axes.set(xlim=(0, 1), ylim=(max(len(found), 8) + 1.5, 0), xticks=[], yticks=[])
    for x, head in ((0.22, "said"), (0.66, "happened (95%)"), (1.0, "of")):
        write(axes, 0, 0, head, at=(x, 0.5), ha="right", size=SMALL, colour=SOFT)
    for n, b in enumerate(found):
        low, high = b.happened.interval
        cells = (percent(b.mean), f"{percent(b.happened.value or 0.0)} ({low:.0%} to {high:.0%})",
                 f"{b.happened.total:,}")  # fmt: skip
        for x, cell in zip((0.22, 0.66, 1.0), cells, strict=True):
            write(axes, 0, 0, cell, at=(x, n + 1.5), ha="right")


def _calibration_counts(axes: Axes, found: Sequence[Bin], *, first: bool) -> None:
    """Draw how many forecasts each bin holds."""
    axes.set(xlim=(0, 1), xticks=[], yticks=[])
    most = max((b.happened.total for b in found), default=1)
    axes.set_ylim(math.log10(1 + most) * 1.1, 0)
    for b in found:
        width = (b.high - b.low) * 0.9
        axes.bar((b.low + b.high) / 2, math.log10(1 + b.happened.total), width=width, color=PALE, edgecolor=ACCENT,
                 linewidth=0.6)  # fmt: skip
    if first:
        write(axes, -5, 0, f"most {most:,}", at=(0, math.log10(1 + most) / 2), ha="right", size=SMALL - 1, colour=SOFT)


def confusion(outcomes: Sequence[Outcome], *, names: Mapping[str, str] | None = None) -> Figure:
    """Draw which cause led, by which was published, a count in each cell.

    A case with several published diagnoses counts as the one that led, if any of them did, else as the first.

    Parameters
    ----------
    outcomes
        What `outcome_of` returned for each case.
    names
        Id to what to call it.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ChartLibraryMissingError
        When Matplotlib is not installed.
    """
    called = names or {}
    counts: dict[tuple[str, str], int] = {}
    for outcome in outcomes:
        led = outcome.ranking[0] if outcome.ranking else NOTHING
        published = led if led in outcome.case.diagnosis else outcome.case.diagnosis[0]
        counts[published, led] = counts.get((published, led), 0) + 1
    rows = sorted({row for row, _ in counts})
    rest = sorted({column for _, column in counts} - set(rows), key=lambda id: (id == NOTHING, id))
    right = sum(count for (row, column), count in counts.items() if row == column)
    title = "What led, by what was published"
    return _matrix(
        [capital(called.get(id, words(id))) for id in rows],
        [capital(called.get(id, words(id))) for id in (*rows, *rest)],
        [[counts.get((row, column), 0) for column in (*rows, *rest)] for row in rows],
        title=title,
        reading="Rows: the published cause. Columns: the cause that led. On the framed diagonal they are the same: "
        f"{right} of {len(outcomes)} cases.",
        axes_said=("published", "led"),
    )


def triage_confusion(outcomes: Sequence[Outcome], policy: str = "article") -> Figure:
    """Draw which level was answered, by the least urgent safe level, a count in each cell.

    Parameters
    ----------
    outcomes
        What `outcome_of` returned for each case.
    policy
        Whose levels: "article" or "guideline".

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    EvidenceError
        For a policy under which a case has no level.
    ChartLibraryMissingError
        When Matplotlib is not installed.
    """
    for outcome in outcomes:
        if policy not in outcome.levels:
            known = ", ".join(outcome.levels)
            raise EvidenceError(f"policy {policy!r} has no level for case {outcome.case.id!r}; expected one of {known}")
    table = [[0] * len(TRIAGE_LEVELS) for _ in TRIAGE_LEVELS]
    for outcome in outcomes:
        table[level_rank(outcome.case.triage_at_least)][level_rank(outcome.levels[policy])] += 1
    under = sum(table[row][column] for row in range(len(table)) for column in range(row))
    labels = [capital(words(level)) for level in TRIAGE_LEVELS]
    return _matrix(
        labels, labels, table, title=f"Level answered, by the least urgent safe level ({policy} policy)",
        reading=f"Rows: the least urgent safe level. Columns: what was answered. Hatched, {under} of {len(outcomes)}: "
        "less urgent than is safe.",
        axes_said=("safe from", "answered"), ordered=True,
    )  # fmt: skip


def _matrix(
    rows: Sequence[str],
    columns: Sequence[str],
    table: Sequence[Sequence[int]],
    *,
    title: str,
    reading: str,
    axes_said: tuple[str, str],
    ordered: bool = False,
) -> Figure:
    if not rows:
        return said_chart(title, "There is no case to score.")
    numbered = len(columns) > FEW or max(column_width(label) for label in columns) > LONGEST
    hits = [
        f"{row} {axes_said[0]}, {column} {axes_said[1]}: {count}"
        for row, counts in zip(rows, table, strict=True)
        for column, count in zip(columns, counts, strict=True)
        if count
    ]
    note = ""
    if numbered:
        # Names would not fit above the columns; a number stands for a name in either direction.
        more = [f"{n}: {name}" for n, name in enumerate(columns, start=1) if n > len(rows)]
        note = f"Columns without a row: {'; '.join(more)}." if more else ""
        rows = [f"{name}   {n}" for n, name in enumerate(rows, start=1)]
        columns = [str(n) for n in range(1, len(columns) + 1)]
    left = max(column_width(label) for label in rows) + 0.15
    slanted = max(column_width(label) for label in columns) * 0.72 + 0.12
    head, aside = (0.2, 0.0) if numbered else (slanted + 0.1, slanted)
    cell = min(0.5 if ordered else 0.3, max((WIDTH - 2 * EDGE - left - aside) / len(columns), 0.17))
    width = max(WIDTH, 2 * EDGE + left + cell * len(columns) + aside)
    page = sheet(title, reading, head + cell * len(rows) + 0.1, said="; ".join(hits) + ".", note=note, width=width)
    axes = page.panel(EDGE + left, page.top + head, cell * len(columns), cell * len(rows))
    axes.set(xlim=(0, len(columns)), ylim=(len(rows), 0), xticks=[], yticks=[])
    for n, label in enumerate(rows):
        write(axes, -6, 0, label, at=(0, n + 0.5), ha="right", size=min(BODY, cell * 60))
    for n, label in enumerate(columns):
        write(axes, 0 if numbered else 2, 4, label, at=(n + 0.5, 0), va="bottom", ha="center" if numbered else "left",
              rotation=0 if numbered else 45, size=SMALL if numbered else BODY)  # fmt: skip
    _cells(axes, table, min(BODY, cell * 40), ordered=ordered)
    return page.figure


def _cells(axes: Axes, table: Sequence[Sequence[int]], size: float, *, ordered: bool) -> None:
    most = max(max(counts) for counts in table) or 1
    for row, counts in enumerate(table):
        for column, count in enumerate(counts):
            same, under = row == column, ordered and column < row
            share = 0.75 * count / most
            patch = axes.bar(
                column + 0.5, 0.92, width=0.92, bottom=row + 0.04, color=[1 - share * (1 - c) for c in DEEP],
                edgecolor=INK if same else AGAINST if under else GRID, linewidth=1.2 if same else 0.6,
            )  # fmt: skip
            if under:
                patch[0].set_hatch("////")
            if count or ordered:
                said = write(axes, 0, 0, f"{count}", at=(column + 0.5, row + 0.5), ha="center", size=size,
                             colour=("white" if share > 0.5 else INK) if count else SOFT,
                             weight="bold" if count and (same or under) else "normal")  # fmt: skip
                if under:
                    said.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1.2})
                    said.set_color(INK)
