"""Reading markup back: elements with their attributes, text, and whether everything that opens closes."""

from __future__ import annotations

__all__ = ["Page", "read_page"]

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"br", "hr", "meta"}


@dataclass
class Page(HTMLParser):
    """What a page says.

    Parameters
    ----------
    elements
        Name and attributes of each, in order.
    text
        All text, unescaped.
    open
        Elements not closed yet.
    """

    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    text: str = ""
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    @property
    def names(self) -> list[str]:
        """The names of the elements."""
        return [name for name, _ in self.elements]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element, open until its end."""
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element without content."""
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Close the element that was opened last."""
        if not self.open or self.open.pop() != tag:
            raise ValueError(f"</{tag}> closes nothing that is open")

    def handle_data(self, data: str) -> None:
        """Collect text."""
        self.text += data


def read_page(markup: str) -> Page:
    """Return what markup says.

    Raises
    ------
    ValueError
        When an element is not closed where it should be.
    """
    page = Page()
    page.feed(markup)
    page.close()
    if page.open:
        raise ValueError(f"left open: {page.open}")
    return page
