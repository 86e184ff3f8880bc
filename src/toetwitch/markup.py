"""Escaped HTML tables and SVG primitives, with which each result renders itself.

Text becomes markup by being escaped, once, where it enters: `element` escapes every child and every attribute that is
not `Markup` already, so a variable named ``<script>`` is shown and never run. What comes out stands alone: styles are
inline, nothing is fetched, nothing is scripted, and no element has an id, so that the same card may be shown twice.

Colours: text and background follow the page (JupyterLab's and VS Code's theme variables, else the reader's own
preference), and accents are middle tones that keep a contrast of 3:1 on white and on near-black alike. Words or shapes
say all that a colour says.
"""

from __future__ import annotations

__all__ = [
    "STYLE",
    "Markup",
    "alert",
    "bar",
    "card",
    "document",
    "element",
    "folded",
    "paragraph",
    "range_bar",
    "signed_bar",
    "table",
    "text",
    "words",
]

import html
import math
from collections.abc import Iterable, Sequence

VOID = frozenset({"br", "circle", "hr", "line", "meta", "path", "polyline", "rect"})
"""Elements that are written without content."""

LIGHT = ("#1b1b1b", "#ffffff")
DARK = ("#ececec", "#161616")
"""Text and background where the page does not say: by the reader's preference."""


def _theme(colours: tuple[str, str]) -> str:
    ink, paper = colours
    return (
        f"--tt-ink:var(--jp-content-font-color1,var(--vscode-editor-foreground,{ink}));"
        f"--tt-paper:var(--jp-layout-color0,var(--vscode-editor-background,{paper}));"
    )


STYLE = (
    f".toetwitch{{{_theme(LIGHT)}--tt-line:#858585;--tt-for:#2f7fc1;--tt-against:#b8641e;"
    "color:var(--tt-ink);background:var(--tt-paper);font:14px/1.45 system-ui,sans-serif;"
    "max-width:62em;padding:.6em .8em;border:1px solid var(--tt-line);border-radius:4px;margin:.3em 0}"
    f"@media (prefers-color-scheme:dark){{.toetwitch{{{_theme(DARK)}}}}}"
    ".toetwitch .tt-title{font-weight:700;font-size:1.1em;margin:0 0 .3em}"
    ".toetwitch p{margin:.35em 0}.toetwitch ul{margin:.3em 0;padding-left:1.3em}"
    ".toetwitch .tt-scroll{overflow-x:auto}"
    ".toetwitch.toetwitch table{border-collapse:collapse;margin:.5em 0;color:inherit;font-size:inherit;"
    "table-layout:auto;border:0}"
    ".toetwitch caption{text-align:left;font-weight:600;padding:.2em 0;color:inherit;caption-side:top}"
    ".toetwitch.toetwitch table tr{background:transparent}"
    ".toetwitch.toetwitch th,.toetwitch.toetwitch td{text-align:left;vertical-align:top;padding:.2em .7em .2em 0;"
    "border:0;border-bottom:1px solid var(--tt-line);max-width:32em;white-space:normal;color:inherit}"
    ".toetwitch tbody th{font-weight:400}"
    ".toetwitch.toetwitch.toetwitch .tt-number{font-variant-numeric:tabular-nums;white-space:nowrap}"
    ".toetwitch svg{vertical-align:middle;margin-right:.5em}"
    ".toetwitch .tt-alert{border:2px solid #a3111b;border-left-width:10px;padding:.4em .7em;margin:.4em 0}"
    ".toetwitch .tt-alert .tt-title{background:#a3111b;color:#fff;padding:.25em .5em;margin:-.4em -.7em .3em}"
    ".toetwitch .tt-calm{border:2px solid var(--tt-line);border-left-width:10px;padding:.4em .7em;margin:.4em 0}"
    ".toetwitch summary{cursor:pointer;font-weight:600}.toetwitch details{margin:.4em 0}"
    ".toetwitch code{font:.95em ui-monospace,monospace;color:inherit;background:none;padding:0}"
    ".toetwitch small{font-size:.9em}"
)
"""The style of every card; each carries its own copy, so that one alone can be saved and read."""


class Markup(str):
    """Text that is HTML already: escaped, or written here.

    Examples
    --------
    >>> element("b", "<script>")
    '<b>&lt;script&gt;</b>'
    """

    __slots__ = ()

    def __html__(self) -> str:
        return str(self)


def text(value: object) -> Markup:
    """Return a value as escaped text; markup stays as it is.

    Examples
    --------
    >>> text("a < b")
    'a &lt; b'
    """
    return value if isinstance(value, Markup) else Markup(html.escape(str(value), quote=True))


def words(id: object) -> str:
    """Return an id in words.

    Examples
    --------
    >>> words("foot_drop")
    'foot drop'
    """
    return str(id).replace("_", " ")


def element(name: str, /, *children: object, **attributes: object) -> Markup:
    """Return an element; children and attributes are escaped.

    Parameters
    ----------
    name
        Name of the element: written by us, never taken from data.
    *children
        Markup, or anything that is then escaped; None is left out.
    **attributes
        An underscore stands for a hyphen, and one at the end is dropped (`class_`); None is left out.

    Examples
    --------
    >>> element("td", "1 < 2", class_="tt-number", aria_label='"quoted"')
    '<td class="tt-number" aria-label="&quot;quoted&quot;">1 &lt; 2</td>'
    """
    given = {key.rstrip("_").replace("_", "-"): text(value) for key, value in attributes.items() if value is not None}
    opening = name + "".join(f' {key}="{value}"' for key, value in given.items())
    if name in VOID and not children:
        return Markup(f"<{opening}/>")
    inner = "".join(text(child) for child in children if child is not None)
    return Markup(f"<{opening}>{inner}</{name}>")


def paragraph(*children: object) -> Markup:
    """Return a paragraph."""
    return element("p", *children)


def table(caption: str, columns: Sequence[object], rows: Iterable[Sequence[object]]) -> Markup:
    """Return a table with a caption, a scoped header for each column, and the first cell of a row as its header.

    Examples
    --------
    >>> 'scope="row"' in table("Causes", ["Cause", "P"], [["coffee", "12 %"]])
    True
    """
    head = element("tr", *(element("th", name, scope="col") for name in columns))
    body = [element("tr", element("th", first, scope="row"), *map(_cell, rest)) for first, *rest in rows]
    whole = element("table", element("caption", caption), element("thead", head), element("tbody", *body))
    return element("div", whole, class_="tt-scroll", tabindex="0", role="group", aria_label=caption)


def _cell(content: object) -> Markup:
    is_number = not isinstance(content, Markup) and str(content).lstrip("+-")[:1].isdigit()
    return element("td", content, class_="tt-number" if is_number else None)


def folded(summary: object, *children: object) -> Markup:
    """Return parts that open on a click, without any script."""
    return element("details", element("summary", summary), *children)


def alert(title: object, *children: object) -> Markup:
    """Return a box that cannot be missed: a thick frame and a filled title, whatever the colours of the page."""
    # The colours are repeated inline: a viewer that drops style sheets must not drop the warning.
    heading = element("div", title, class_="tt-title", style="background:#a3111b;color:#fff;padding:.25em .5em")
    frame = "border:2px solid #a3111b;border-left-width:10px"
    return element("div", heading, *children, class_="tt-alert", style=frame)


def _svg(width: float, label: str, *shapes: Markup) -> Markup:
    return element(
        "svg", element("title", label), *shapes, xmlns="http://www.w3.org/2000/svg", role="img", aria_label=label,
        width=f"{width:g}", height="12", viewBox=f"0 0 {width:g} 12",
    )  # fmt: skip


def bar(fraction: float, label: str, *, width: float = 120) -> Markup:
    """Return a bar that is filled to a fraction of its width, in a frame that shows the whole.

    Examples
    --------
    >>> 'width="30"' in bar(0.25, "25 %")
    True
    """
    filled = width * min(max(fraction, 0.0), 1.0) if math.isfinite(fraction) else 0.0
    return _svg(
        width,
        label,
        element("rect", x="0", y="1", width=f"{filled:.4g}", height="10", style="fill:var(--tt-for,#2f7fc1)"),
        element("rect", x=".5", y="1.5", width=f"{width - 1:g}", height="9",
                style="fill:none;stroke:var(--tt-line,#858585)"),
    )  # fmt: skip


def signed_bar(value: float, extent: float, label: str, *, width: float = 160) -> Markup:
    """Return a bar from the middle: to the right and solid for, to the left and hollow against.

    Parameters
    ----------
    value
        What to show.
    extent
        The value at which the bar reaches the edge.
    label
        The same in words.
    width
        In pixels.
    """
    middle = width / 2
    reach = 0.0 if not extent else (middle - 1) * min(abs(value) / extent, 1.0)
    left = middle if value >= 0 else middle - reach
    paint = "fill:var(--tt-for,#2f7fc1)" if value >= 0 else "fill:none;stroke:var(--tt-against,#b8641e);stroke-width:2"
    return _svg(
        width,
        label,
        element("rect", x=f"{left:.4g}", y="2", width=f"{reach:.4g}", height="8", style=paint),
        element("line", x1=f"{middle:g}", y1="0", x2=f"{middle:g}", y2="12", style="stroke:var(--tt-ink,#858585)"),
    )


def range_bar(
    low: float, value: float, high: float, label: str, *, bounds: tuple[float, float] = (0.0, 1.0), width: float = 160
) -> Markup:
    """Return a range as a thick line, with a mark at the value."""
    start, end = bounds

    def place(x: float) -> float:
        share = (x - start) / (end - start) if end > start and math.isfinite(x) else 0.0
        return 2 + (width - 4) * min(max(share, 0.0), 1.0)

    left, right, at = place(min(low, high)), place(max(low, high)), place(value)
    return _svg(
        width,
        label,
        element("line", x1="2", y1="6", x2=f"{width - 2:g}", y2="6", style="stroke:var(--tt-line,#858585)"),
        element("line", x1=f"{left:.4g}", y1="6", x2=f"{max(right, left + 1):.4g}", y2="6",
                style="stroke:var(--tt-for,#2f7fc1);stroke-width:6"),
        element("line", x1=f"{at:.4g}", y1="0", x2=f"{at:.4g}", y2="12",
                style="stroke:var(--tt-ink,#858585);stroke-width:2"),
    )  # fmt: skip


def card(title: object, *parts: object) -> Markup:
    """Return a self-contained card: its style, a title, and parts."""
    return element(
        "div", element("style", Markup(STYLE)), element("div", title, class_="tt-title") if title else None, *parts,
        class_="toetwitch",
    )  # fmt: skip


def document(title: str, *parts: object) -> Markup:
    """Return a whole page that holds parts, for saving to a file."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
    )
    body = element("body", element("main", element("h1", title), *parts), style="font-family:system-ui,sans-serif")
    return Markup("<!DOCTYPE html>" + element("html", head, body, lang="en"))
