"""An estimate and a source as cards: the number in its range, how far to trust it, and where it comes from."""

from __future__ import annotations

__all__ = ["estimate_card", "source_card"]

from typing import TYPE_CHECKING

from toetwitch.markup import Markup, card, element, paragraph, range_bar, table

if TYPE_CHECKING:
    from toetwitch.knowledge.estimate import Estimate, Source

TRUST = {
    "A": "reported by the source for this very case",
    "B": "reported by the source for this very case",
    "C": "scaled or pooled from what sources report",
    "D": "judgement: nobody has measured it",
    "": "uncited",
}
"""Grade to what it means."""


def estimate_card(estimate: Estimate) -> Markup:
    """Return a number within its range, its grade in words, its sources, and the note that says why."""
    said = f"{estimate.value:g}, from {estimate.low:g} to {estimate.high:g}"
    # A probability is seen on the whole of 0 to 1, an odds ratio beside 1, which changes nothing.
    end = 1.0 if estimate.high <= 1 else 1.1 * estimate.high
    drawn = range_bar(estimate.low, estimate.value, estimate.high, said, bounds=(0.0, end))
    fixed = estimate.low == estimate.high
    grade = f"Grade {estimate.grade}: {TRUST[estimate.grade]}." if estimate.grade else "Uncited, without a grade."
    parts = [
        paragraph(drawn, element("strong", f"{estimate.value:g}"), "" if fixed else f" (from {estimate.low:g} to "
                  f"{estimate.high:g}; the bar goes from 0 to {end:.3g})"),
        paragraph(grade),
    ]  # fmt: skip
    if estimate.sources:
        parts.append(paragraph("Sources: ", element("code", ", ".join(estimate.sources)), "."))
    if estimate.note:
        parts.append(paragraph(estimate.note))
    return card("Estimate", *parts)


def source_card(source: Source) -> Markup:
    """Return what a work is and where it stands; an address is text, not a link."""
    rows = [["Key", element("code", source.key)], ["Year", str(source.year) if source.year else "not known"],
            ["Reference", source.reference or "none"]]  # fmt: skip
    return card(source.title or source.key, table(f"Source {source.key}", ["Field", "Value"], rows))
