"""Drawings for the reports: bars with intervals, and reliability curves, as small self-contained SVG files."""

from __future__ import annotations

__all__ = ["bars", "matrix", "reliability_plot"]

import html
from collections.abc import Mapping, Sequence

from toetwitch.reasoning.forecast import Bin
from toetwitch.reasoning.scoring import Proportion

INK, FILL, LINE = "#1b1b1b", "#8ab4dc", "#767676"
STYLES = ("none", "6 3", "2 3", "8 2 2 2", "1 2", "10 4")
"""Dash patterns: curves are told apart without colour."""


def _svg(width: int, height: int, title: str, shapes: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" font-family="sans-serif" font-size="12" fill="{INK}">\n<title>{html.escape(title)}</title>\n'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>\n<text x="8" y="18" font-weight="bold">'
        f"{html.escape(title)}</text>\n" + "\n".join(shapes) + "\n</svg>\n"
    )


def bars(title: str, rows: Sequence[tuple[str, Proportion]]) -> str:
    """Return a drawing of shares as bars, each with its interval.

    Examples
    --------
    >>> "8/10 = 80 %" in bars("Shares", [("one", Proportion(8, 10))])
    True
    """
    left, wide, step = 270, 260, 20
    shapes = []
    for k, (name, share) in enumerate(rows):
        y = 30 + k * step
        low, high = share.interval
        value = share.value or 0.0
        shapes.append(f'<text x="{left - 8}" y="{y + 12}" text-anchor="end">{html.escape(name)}</text>')
        shapes.append(f'<rect x="{left}" y="{y + 2}" width="{wide * value:.1f}" height="13" fill="{FILL}"/>')
        ends = f'x1="{left + wide * low:.1f}" x2="{left + wide * high:.1f}"'
        shapes.append(f'<line {ends} y1="{y + 8}" y2="{y + 8}" stroke="{INK}"/>')
        shapes.append(f'<text x="{left + wide + 10}" y="{y + 12}">{html.escape(str(share))}</text>')
    return _svg(left + wide + 180, 40 + len(rows) * step, title, shapes)


def reliability_plot(title: str, curves: Mapping[str, Sequence[Bin]]) -> str:
    """Return a drawing of what happened against what was said; the diagonal is perfect.

    Examples
    --------
    >>> text = reliability_plot("Said", {"one": [Bin(0.4, 0.6, 0.5, Proportion(1, 2))]})
    >>> "<title>Said</title>" in text
    True
    """
    size, left, top = 300, 50, 34

    def point(x: float, y: float) -> str:
        return f"{left + size * x:.1f},{top + size * (1 - y):.1f}"

    shapes = [
        f'<rect x="{left}" y="{top}" width="{size}" height="{size}" fill="none" stroke="{LINE}"/>',
        f'<polyline points="{point(0, 0)} {point(1, 1)}" stroke="{LINE}" fill="none"/>',
        f'<text x="{left}" y="{top + size + 16}">0</text>',
        f'<text x="{left + size}" y="{top + size + 16}" text-anchor="end">1, said</text>',
        f'<text x="{left - 8}" y="{top + size}" text-anchor="end">0</text>',
        f'<text x="{left - 8}" y="{top + 10}" text-anchor="end">1</text>',
    ]
    for k, (name, bins) in enumerate(curves.items()):
        dash = STYLES[k % len(STYLES)]
        points = " ".join(point(b.mean, b.happened.value or 0.0) for b in bins)
        y = top + 14 + 18 * k
        shapes.append(f'<polyline points="{points}" stroke="{INK}" fill="none" stroke-dasharray="{dash}"/>')
        shapes.append(
            f'<line x1="{left + size + 14}" x2="{left + size + 54}" y1="{y - 4}" y2="{y - 4}" stroke="{INK}" '
            f'stroke-dasharray="{dash}"/>'
        )
        shapes.append(f'<text x="{left + size + 60}" y="{y}">{html.escape(name)}</text>')
    return _svg(left + size + 220, top + size + 30, title, shapes)


def matrix(title: str, counts: Mapping[str, Mapping[str, int]], names: Sequence[str]) -> str:
    """Return a drawing of counts: what was so, down, against what was said, across; the diagonal is agreement.

    Examples
    --------
    >>> text = matrix("Said", {"a": {"a": 2, "b": 1}}, ["a", "b"])
    >>> "<title>Said</title>" in text and ">2</text>" in text
    True
    """
    left, top, step = 250, 200, 17
    size = step * len(names)
    most = max((n for row in counts.values() for n in row.values()), default=1)
    shapes = [f'<rect x="{left}" y="{top}" width="{size}" height="{size}" fill="none" stroke="{LINE}"/>']
    for k, name in enumerate(names):
        y, x = top + step * k + 13, left + step * k + 12
        shapes.append(f'<text x="{left - 6}" y="{y}" text-anchor="end">{html.escape(name)}</text>')
        shapes.append(f'<text transform="translate({x},{top - 6}) rotate(-60)">{html.escape(name)}</text>')
    place = {name: k for k, name in enumerate(names)}
    for row, said in counts.items():
        for column, n in said.items():
            x, y = left + step * place[column], top + step * place[row]
            fill = FILL if row == column else "#e8b07a"
            box = f'x="{x}" y="{y}" width="{step}" height="{step}"'
            shapes.append(f'<rect {box} fill="{fill}" fill-opacity="{0.35 + 0.65 * n / most:.2f}"/>')
            shapes.append(f'<text x="{x + step / 2}" y="{y + 13}" text-anchor="middle">{n}</text>')
    shapes.append(f'<text x="{left - 6}" y="{top - 6}" text-anchor="end" font-style="italic">published, down</text>')
    return _svg(left + size + 150, top + size + 20, title, shapes)
