"""Where charts are drawn: a figure of rows or panels, its type and colours, and its words for who cannot see it.

Everything is set on the figure itself: no global setting is read for a colour or a size, none is changed, and nothing
is registered with pyplot, so that charts can be made in any thread and in any style sheet. Sizes are in inches and
points as they will stand in print; rows keep their height however many there are. Matplotlib is imported when the
first chart is drawn.

References
----------
Okabe & Ito (2008), Color universal design: how to make figures and presentations that are friendly to colorblind
people.
"""

from __future__ import annotations

__all__ = [
    "ACCENT",
    "AGAINST",
    "BODY",
    "FAINT",
    "GRID",
    "INK",
    "MINUS",
    "PALE",
    "SMALL",
    "SOFT",
    "WIDTH",
    "ChartLibraryMissingError",
    "Rows",
    "Sheet",
    "capital",
    "column_width",
    "percent",
    "percent_axis",
    "plain_axis",
    "rows_chart",
    "said_chart",
    "sheet",
    "write",
]

import base64
import functools
import importlib
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toetwitch.errors import ToetwitchError
from toetwitch.markup import element

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

WIDTH = 6.5
"""Inches: the text width of a letter or A4 page, and of a notebook."""

HEADING, BODY, SMALL = 10.5, 8.5, 7.5
"""Points."""

INK, SOFT, GRID, FAINT = "#1b1b1b", "#5a5a5a", "#e4e4e4", "#9a9a9a"
ACCENT, AGAINST, PALE = "#0072B2", "#D55E00", "#9ccbe6"
"""Okabe and Ito's blue and vermillion, and a tint of the blue: told apart by every kind of colour vision."""

ROW, LINE, EDGE = 0.25, 0.135, 0.08
"""Height of a row of one line, what each further line adds, and the margin around everything."""

LABELS = 2.5
"""The widest that the column of labels may be before labels are broken into lines."""

STEPS = (1, 2, 2.5, 5, 10)
"""Ticks stand at round numbers."""

FAMILIES = ("Inter", "Source Sans 3", "Helvetica Neue", "Helvetica", "Arial", "Liberation Sans")
BEHIND = ("Noto Sans CJK JP", "Noto Sans CJK SC", "Hiragino Sans", "Microsoft YaHei", "Arial Unicode MS")
"""Typefaces, of which the first that is installed is used, with Matplotlib's own and these for what it lacks."""

MINUS = "\N{MINUS SIGN}"

LEAST_AXIS = 1.6
"""The narrowest that the axes may be: a figure whose rows say much is wider instead."""

MOST_DIGITS = 6
"""Decimals of a percentage; a smaller probability is written with a power of ten."""

BREAKS = re.compile(r"(?<=[ _.,;/\]=-])|(?=\[)")
"""Where a label may go on to the next line: ids and paths have no spaces."""


class ChartLibraryMissingError(ToetwitchError, ImportError):
    """Matplotlib, an optional library, is not installed."""


def _library(name: str) -> Any:
    """Return a module of Matplotlib.

    Raises
    ------
    ChartLibraryMissingError
        When it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ChartLibraryMissingError(f"charts need matplotlib ({error}): pip install 'toetwitch[charts]'") from error


@functools.cache
def _families() -> tuple[str, ...]:
    installed = set(_library("matplotlib.font_manager").get_font_names())
    first = [name for name in FAMILIES if name in installed][:1]
    return (*first, "DejaVu Sans", *(name for name in BEHIND if name in installed))


def column_width(text: str, size: float = BODY, weight: str = "normal") -> float:
    """Return how wide a line of text is, in inches."""
    properties = _library("matplotlib.font_manager").FontProperties(family=list(_families()), size=size, weight=weight)
    measure = _library("matplotlib.textpath").text_to_path.get_text_width_height_descent
    # Drawn text is hinted, and so a little wider than its outline.
    return 1.05 * float(measure(text, properties, ismath=False)[0]) / 72


def _wrapped(text: str, width: float, size: float, weight: str = "normal") -> tuple[str, ...]:
    """Return a text in lines that are at most so many inches wide; nothing is cut off."""
    lines = [""]
    for part in BREAKS.split(" ".join(text.split())):
        if lines[-1] and column_width((lines[-1] + part).rstrip(), size, weight) > width:
            lines.append("")
        for letter in part:
            if letter != " " and lines[-1].strip() and column_width(lines[-1] + letter, size, weight) > width:
                lines.append("")
            lines[-1] += letter
    return tuple(line.rstrip() for line in lines)


def capital(label: str) -> str:
    """Return a label with a capital letter, as beside others."""
    return label[:1].upper() + label[1:]


def percent(p: float) -> str:
    r"""Return a probability with two figures that count, near one as well as near zero.

    Examples
    --------
    >>> percent(0.234), percent(0.0234), percent(0.99977), percent(0.0)
    ('23%', '2.3%', '99.977%', '0%')
    >>> ascii(percent(1e-12)), percent(float("nan"))
    ("'1.0\\xd710\\u207b\\xb9\\xb2'", 'no model')
    """
    if math.isnan(p):
        return "no model"
    least = min(p, 1 - p)
    if least <= 0:
        return f"{100 * p:.0f}%"
    digits = max(0, 1 - math.floor(math.log10(100 * least) + 1e-12))
    if digits <= MOST_DIGITS:
        return f"{100 * p:.{digits}f}%"
    mantissa, exponent = f"{least:.1e}".split("e")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return (f"1 {MINUS} " if p > 0.5 else "") + f"{mantissa}\N{MULTIPLICATION SIGN}10{raised}"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A figure with its heading written, and room left below it.

    Parameters
    ----------
    figure
        The figure.
    width, height
        Its size in inches.
    top, bottom
        Where the room begins and ends, in inches from the upper edge.
    """

    figure: Figure
    width: float
    height: float
    top: float
    bottom: float

    def panel(self, left: float, top: float, width: float, height: float) -> Axes:
        """Return axes at a place in inches from the upper left corner."""
        place = (left / self.width, 1 - (top + height) / self.height, width / self.width, height / self.height)
        axes = self.figure.add_axes(place, facecolor="none")
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0, labelsize=SMALL, labelcolor=SOFT, labelfontfamily=list(_families()))
        axes.set_axisbelow(True)
        return axes


def sheet(title: str, reading: str, room: float, *, said: str, note: str = "", width: float = WIDTH) -> Sheet:
    """Return a figure with a title, how to read it, and a note at its foot.

    Parameters
    ----------
    title
        What is shown.
    reading
        How to read it.
    room
        Inches that the panels need.
    said
        The chart in words: the text alternative.
    note
        A caveat.
    width
        Inches.
    """
    figure = _library("matplotlib.figure").Figure(facecolor="white", edgecolor="none", frameon=True)
    inside = width - 2 * EDGE
    blocks = [
        (_wrapped(title, inside, HEADING, "bold"), HEADING, "bold", INK),
        (_wrapped(reading, inside, SMALL) if reading else (), SMALL, "normal", SOFT),
    ]
    foot = _wrapped(note, inside, SMALL) if note else ()
    top = EDGE + sum(len(lines) * size * 1.32 / 72 for lines, size, _, _ in blocks) + 0.1
    height = top + room + len(foot) * SMALL * 1.32 / 72 + EDGE
    figure.set_size_inches(width, height)
    y = EDGE
    for lines, size, weight, colour in blocks:
        for line in lines:
            _on_figure(figure, EDGE / width, 1 - y / height, line, size, weight, colour)
            y += size * 1.32 / 72
    y = top + room
    for line in foot:
        _on_figure(figure, EDGE / width, 1 - y / height, line, SMALL, "normal", SOFT)
        y += SMALL * 1.32 / 72
    figure.set_label(f"{title}. {said}")
    # On the instance: a subclass could not exist before Matplotlib is imported, and a figure must pickle.
    setattr(figure, "_repr_html_", functools.partial(_html, figure))  # noqa: B010
    return Sheet(figure, width, height, top, top + room)


def _on_figure(figure: Figure, x: float, y: float, line: str, size: float, weight: str, colour: str) -> None:
    figure.text(
        x, y, line, size=size, weight=weight, color=colour, va="top", family=list(_families()), parse_math=False
    )


def _html(figure: Figure) -> str:
    """Return the figure as an image that carries its own type and its words; what a notebook shows."""
    written = io.BytesIO()
    figure.savefig(written, format="svg", metadata={"Date": None})
    source = "data:image/svg+xml;base64," + base64.b64encode(written.getvalue()).decode("ascii")
    width = f"{figure.get_size_inches()[0] * 96:.0f}"
    return element(
        "img", src=source, alt=figure.get_label(), width=width, style="max-width:100%;height:auto;background:#fff"
    )


@dataclass(frozen=True, slots=True)
class Rows:
    """A chart of labelled rows.

    Parameters
    ----------
    figure, axes
        What to draw on; y is in inches from the upper edge of the axes.
    at
        The middle of each row.
    width
        Of the axes, in inches.
    """

    figure: Figure
    axes: Axes
    at: tuple[float, ...]
    width: float


def rows_chart(
    labels: Sequence[str],
    *,
    title: str,
    reading: str,
    said: str,
    note: str = "",
    right: float = 0.9,
    axis: float = 0.42,
    upper: float = 0.0,
    headings: Sequence[tuple[int, str]] = (),
    strong: Sequence[int] = (),
) -> Rows:
    """Return a chart with one row for each label.

    Parameters
    ----------
    labels
        One a row, top to bottom; broken into lines where they are long.
    title, reading, said, note
        As for `sheet`.
    right
        Inches to the right of the axes, for what is written beside a row.
    axis, upper
        Inches below and above the axes, for scales.
    headings
        Before which row a heading stands, and its words.
    strong
        Rows whose label is set bold.
    """
    weights = ["bold" if n in strong else "normal" for n in range(len(labels))]
    lines = [_wrapped(label, LABELS, BODY, weight) for label, weight in zip(labels, weights, strict=True)]
    over = dict(headings)
    left = max(
        [column_width(line, BODY, weight) for wrapped, weight in zip(lines, weights, strict=True) for line in wrapped]
        + [0.4]
    )
    at, y = [], 0.04
    heading_at = []
    for n, wrapped in enumerate(lines):
        if n in over:
            heading_at.append((y + ROW * 0.55, over[n]))
            y += ROW
        height = ROW + LINE * (len(wrapped) - 1)
        at.append(y + height / 2)
        y += height
    y += 0.04
    start = EDGE + left + 0.1
    page = sheet(
        title, reading, upper + y + axis, said=said, note=note, width=max(WIDTH, start + LEAST_AXIS + right + EDGE)
    )
    width = page.width - start - right - EDGE
    axes = page.panel(start, page.top + upper, width, y)
    axes.set_ylim(y, 0)
    axes.set_yticks([])
    for place, wrapped, weight in zip(at, lines, weights, strict=True):
        write(
            axes, -0.1 * 72, 0, "\n".join(wrapped), at=(0, place), ha="right", across=True, weight=weight, spacing=1.12
        )
    for place, words in heading_at:
        write(axes, -(start - EDGE) * 72, 0, words, at=(0, place), across=True, colour=SOFT, size=SMALL, weight="bold")
    return Rows(page.figure, axes, tuple(at), width)


def write(
    axes: Axes,
    right: float,
    up: float,
    words: str,
    *,
    at: tuple[float, float],
    across: bool = False,
    size: float = BODY,
    colour: str = INK,
    weight: str = "normal",
    ha: str = "left",
    va: str = "center",
    spacing: float = 1.2,
    rotation: float = 0.0,
) -> Text:
    """Write words so many points beside a place; `across` counts x in shares of the axes' width."""
    return axes.annotate(
        words, at, xycoords=axes.get_yaxis_transform() if across else "data", xytext=(right, up),
        textcoords="offset points", ha=ha, va=va, size=size, color=colour, weight=weight, annotation_clip=False,
        family=list(_families()), linespacing=spacing, rotation=rotation, parse_math=False,
    )  # fmt: skip


def percent_axis(axes: Axes, low: float, high: float, label: str) -> None:
    """Give the axes a scale in percent, with a few ticks at round numbers."""
    ticker = _library("matplotlib.ticker")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(ticker.MaxNLocator(5, steps=STEPS))
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(_in_percent))
    _finish(axes, label)


def plain_axis(axes: Axes, low: float, high: float, label: str, *, whole: bool = False) -> None:
    """Give the axes a scale in plain numbers."""
    ticker = _library("matplotlib.ticker")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(ticker.MaxNLocator(5, steps=STEPS, integer=whole))
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(_in_plain))
    _finish(axes, label)


def _in_percent(value: float, _: object) -> str:
    return f"{100 * value:.6g}%"


def _in_plain(value: float, _: object) -> str:
    return f"{value:.6g}".replace("-", MINUS)


def _finish(axes: Axes, label: str) -> None:
    axes.grid(axis="x", color=GRID, linewidth=0.7)
    axes.set_xlabel(label, size=SMALL, color=SOFT, family=list(_families()), labelpad=3)


def said_chart(title: str, sentence: str) -> Figure:
    """Return a chart that only says why there is nothing to draw."""
    return sheet(title, sentence, 0.05, said=sentence).figure
