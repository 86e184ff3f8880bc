"""Laws of the markup with which results render themselves."""

from __future__ import annotations

import math
import re

import pytest

from tests.display.pages import read_page
from toetwitch.markup import DARK, LIGHT, STYLE, alert, bar, card, document, element, range_bar, signed_bar, table

HOSTILE = "<script>alert(1)</script>\"' onload=x &amp;"


@pytest.mark.parametrize(
    "markup",
    [
        element("b", HOSTILE),
        element("b", "x", title=HOSTILE),
        table(HOSTILE, [HOSTILE, HOSTILE], [[HOSTILE, HOSTILE]]),
        alert(HOSTILE, HOSTILE),
        bar(0.5, HOSTILE),
        signed_bar(-1, 2, HOSTILE),
        range_bar(0.1, 0.2, 0.3, HOSTILE),
        card(HOSTILE, HOSTILE),
        document(HOSTILE, HOSTILE),
    ],
)
def test_a_hostile_name_is_only_text(markup: str) -> None:
    """Whatever a name holds, no element or handler comes of it, and it reads back as it was."""
    page = read_page(markup)
    assert "script" not in page.names
    assert not any(key.startswith("on") for _, attributes in page.elements for key in attributes)
    said = page.text + "".join(value or "" for _, attributes in page.elements for value in attributes.values())
    assert HOSTILE in said


def test_a_table_has_caption_and_scoped_headers() -> None:
    """A reader who cannot see the grid is told what the table is and which header a cell belongs to."""
    page = read_page(table("Causes", ["Cause", "P"], [["coffee", "12 %"], ["nerve", "3 %"]]))
    assert page.names.count("caption") == 1
    scopes = [attributes.get("scope") for name, attributes in page.elements if name == "th"]
    assert scopes == ["col", "col", "row", "row"]


@pytest.mark.parametrize(("fraction", "width"), [(0, 0), (0.25, 30), (1, 120), (1.5, 120), (-1, 0), (math.nan, 0)])
def test_a_bar_is_as_long_as_its_share(fraction: float, width: float) -> None:
    """The filled part is the fraction of the whole, and never more than the whole."""
    first = next(attributes for name, attributes in read_page(bar(fraction, "p")).elements if name == "rect")
    assert float(first["width"] or "") == pytest.approx(width)


def test_for_and_against_differ_in_shape() -> None:
    """A bar against is hollow and lies on the other side, so colour is not the only difference."""
    (one,), (other,) = (
        [a for name, a in read_page(signed_bar(v, 2, "x")).elements if name == "rect"] for v in (1.0, -1.0)
    )
    assert float(one["x"] or "") == 80
    assert float(other["x"] or "") < 80
    assert "fill:none" not in (one["style"] or "")
    assert "fill:none" in (other["style"] or "")


def luminance(colour: str) -> float:
    """Return the relative luminance of #rrggbb, as WCAG 2 defines it."""
    channels = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours."""
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_enough_in_both_themes() -> None:
    """Text has 4.5 to 1 and every accent 3 to 1 on the page, light or dark (WCAG AA)."""
    accents = re.findall(r"--tt-(?:line|for|against):(#\w{6})", STYLE)
    assert len(accents) == 3
    for ink, paper in (LIGHT, DARK):
        assert contrast(ink, paper) >= 4.5
        assert all(contrast(accent, paper) >= 3 for accent in accents)
    assert contrast("#a3111b", "#ffffff") >= 4.5


def test_a_card_stands_alone() -> None:
    """A card has no script, no outside address and no id, so that it can be saved, and shown twice."""
    page = read_page(card("Title", bar(0.5, "half"), alert("Look")))
    assert not {"script", "link", "img", "iframe", "object"} & set(page.names)
    for _, attributes in page.elements:
        assert not {"id", "src", "href"} & set(attributes)
    assert "url(" not in STYLE
    assert "@import" not in STYLE
