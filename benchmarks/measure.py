"""Timing and reporting: medians of repeated runs, figures as text, charts as small SVG."""

from __future__ import annotations

__all__ = ["RESULTS", "bars", "curves", "median_seconds", "write"]

import math
import statistics
import time
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def median_seconds(ask: Callable[[], object], *, least: int = 3, most: int = 30, budget: float = 2.0) -> float:
    """Return the median duration of `ask`, run until `budget` seconds are spent, between `least` and `most` times."""
    times: list[float] = []
    while len(times) < least or (len(times) < most and sum(times) < budget):
        start = time.perf_counter()
        ask()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def write(name: str, lines: Sequence[str]) -> None:
    """Write a result as text, and show it."""
    RESULTS.mkdir(exist_ok=True)
    text = "\n".join(lines) + "\n"
    (RESULTS / name).write_text(text, encoding="utf-8")
    print(text, flush=True)


def bars(name: str, title: str, rows: Sequence[tuple[str, float]], unit: str) -> None:
    """Write horizontal bars on a logarithmic axis."""
    shown = [(label, value) for label, value in rows if value > 0]
    low = math.floor(math.log10(min(value for _, value in shown)))
    high = math.ceil(math.log10(max(value for _, value in shown)))
    high = max(high, low + 1)
    height = 24 * len(shown) + 60
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 {height}" role="img" font-family="sans-serif" '
        f'font-size="13"><title>{escape(title)}</title><rect width="720" height="{height}" fill="#ffffff"/>'
        f'<text x="10" y="20" font-weight="bold">{escape(title)}</text>'
    ]
    for decade in range(low, high + 1):
        x = 230 + 400 * (decade - low) / (high - low)
        parts.append(f'<line x1="{x:.0f}" y1="32" x2="{x:.0f}" y2="{height - 24}" stroke="#c8c8c8"/>')
        parts.append(f'<text x="{x:.0f}" y="{height - 8}" text-anchor="middle">{10.0**decade:g}</text>')
    for place, (label, value) in enumerate(shown):
        y = 36 + 24 * place
        width = 400 * (math.log10(value) - low) / (high - low)
        parts.append(f'<text x="222" y="{y + 14}" text-anchor="end">{escape(label)}</text>')
        parts.append(f'<rect x="230" y="{y}" width="{max(width, 1):.1f}" height="18" fill="#2b6a99"/>')
        parts.append(f'<text x="{236 + width:.0f}" y="{y + 14}">{value:.3g} {escape(unit)}</text>')
    parts.append("</svg>\n")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / name).write_text("\n".join(parts), encoding="utf-8")


def curves(name: str, title: str, panels: Sequence[tuple[str, str, Sequence[tuple[float, float]]]]) -> None:
    """Write small line charts side by side, both axes logarithmic: (what varies, unit, points) each."""
    width = 240 * len(panels)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 230" role="img" font-family="sans-serif" '
        f'font-size="11"><title>{escape(title)}</title><rect width="{width}" height="230" fill="#ffffff"/>'
        f'<text x="10" y="18" font-size="13" font-weight="bold">{escape(title)}</text>'
    ]
    for place, (label, unit, points) in enumerate(panels):
        left = 240 * place + 46
        across = _logarithmic([x for x, _ in points], left, left + 170)
        up = _logarithmic([y for _, y in points], 190, 56)
        line = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in points)
        parts.append(f'<text x="{left}" y="40">{escape(unit)} against {escape(label)}</text>')
        parts.append(f'<path d="M{left} 50V194H{left + 176}" fill="none" stroke="#767676"/>')
        parts.append(f'<polyline points="{line}" fill="none" stroke="#2b6a99" stroke-width="2"/>')
        for x, y in points:
            parts.append(f'<circle cx="{across(x):.1f}" cy="{up(y):.1f}" r="3" fill="#2b6a99"/>')
            parts.append(f'<text x="{across(x):.1f}" y="208" text-anchor="middle">{x:g}</text>')
        parts += [
            f'<text x="{left - 5}" y="{up(y) + 4:.1f}" text-anchor="end">{y:.3g}</text>'
            for y in sorted({min(y for _, y in points), max(y for _, y in points)})
        ]
    parts.append("</svg>\n")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / name).write_text("\n".join(parts), encoding="utf-8")


def _logarithmic(values: Sequence[float], begin: float, end: float) -> Callable[[float], float]:
    low, high = math.log(min(values)), math.log(max(values))
    span = (high - low) or 1.0
    return lambda value: begin + (end - begin) * (math.log(value) - low) / span
