"""The static site is whole, and takes nothing from elsewhere."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NEEDED = ("sphinx", "myst_nb", "furo", "matplotlib")

FETCHING = {
    "script": ("src",),
    "img": ("src", "srcset"),
    "iframe": ("src",),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "embed": ("src",),
    "object": ("data",),
    "input": ("src",),
    "use": ("href", "xlink:href"),
    "image": ("href", "xlink:href"),
}
"""Attributes that make a browser fetch; of `link`, every kind but those that only name a place."""

NAMING = {"canonical", "next", "prev", "author", "search", "index", "license"}


class Fetched(HTMLParser):
    """What a page makes a browser fetch, and where its links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.styles = ""
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element fetches."""
        given = {key: value or "" for key, value in attrs}
        if "id" in given:
            self.ids.add(given["id"])
        self.styles += given.get("style", "")
        self._in_style = tag == "style"
        self.addresses += [given[key] for key in FETCHING.get(tag, ()) if key in given]
        if tag == "link" and not set(given.get("rel", "").split()) & NAMING:
            self.addresses.append(given.get("href", ""))
        if tag == "a" and "href" in given:
            self.links.append(given["href"])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the same of an element without content."""
        self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        """Collect style sheets that stand in the page."""
        if self._in_style:
            self.styles += data

    def handle_endtag(self, tag: str) -> None:
        """Leave a style sheet."""
        self._in_style = False


def outside(address: str) -> bool:
    """Return whether an address is fetched from another place than the site."""
    return bool(re.match(r"\s*(?:[a-z][a-z0-9+.-]*:)?//", address, re.IGNORECASE))


def read(path: Path) -> Fetched:
    """Return what a page fetches."""
    page = Fetched()
    page.feed(path.read_text(encoding="utf-8"))
    return page


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the built site, the notebooks' outputs left out: `test_notebooks` runs them."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing and not os.environ.get("TOETWITCH_BUILD_SITE"):
        pytest.skip(f"needs {', '.join(missing)}: pip install 'toetwitch[site]'")
    folder = tmp_path_factory.mktemp("site") / "site"
    command = [sys.executable, str(ROOT / "docs" / "build_site.py"), str(folder), "--without-running"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def test_an_outside_address_is_recognised() -> None:
    """What would be fetched from elsewhere is found wherever it stands, and plain links are not taken for it."""
    page = Fetched()
    page.feed(
        '<script src="https://a/x.js"></script><link rel="stylesheet" href="//b/x.css"><img srcset="http://c/x 2x">'
    )
    page.feed('<link rel="canonical" href="https://d/"><a href="https://doi.org/10.1/x">x</a><img src="images/x.svg">')
    assert [address for address in page.addresses if outside(address)] == [
        "https://a/x.js",
        "//b/x.css",
        "http://c/x 2x",
    ]


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    """No script, style, font, image or frame of any page or style sheet has an outside address."""
    pages = list(site.rglob("*.html"))
    assert len(pages) > 15
    for path in pages:
        page = read(path)
        assert [address for address in page.addresses if outside(address)] == [], path
        assert not re.search(r"(?:url\(\s*['\"]?|@import\s+['\"])(?:https?:)?//", page.styles), path
    for path in site.rglob("*.css"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(?:url\(\s*['\"]?|@import\s+['\"])(?:https?:)?//", text), path


def test_every_page_is_there(site: Path) -> None:
    """Each document and each notebook is a page, and the first page leads to all of them."""
    first = read(site / "index.html").links
    for path in [*(ROOT / "docs").glob("*.md"), *(ROOT / "notebooks").glob("*.ipynb")]:
        page = f"notebooks/{path.stem}.html" if path.suffix == ".ipynb" else f"{path.stem}.html"
        assert (site / page).is_file()
        assert page in first


def test_links_within_the_site_lead_somewhere(site: Path) -> None:
    """A link to a page of the site finds it, and a link to a part of a page finds the part."""
    pages = {path: read(path) for path in site.rglob("*.html")}
    for path, page in pages.items():
        for link in page.links:
            place, _, part = link.partition("#")
            if outside(place) or place.startswith(("mailto:", "javascript:")):
                continue
            target = (path.parent / place).resolve() if place else path
            assert target.exists(), f"{path.name} links to {link}"
            if part and target in pages:
                assert part in pages[target].ids, f"{path.name} links to {link}"


def test_the_reference_is_rendered(site: Path) -> None:
    """The reference has the docstrings of what the library promises, parameters and results told apart."""
    text = re.sub(r"<[^>]+>", "", (site / "api.html").read_text(encoding="utf-8"))
    for said in ("Answer one case: the likelihood of every cause", "credible interval", "Parameters", "Raises",
                 "UnknownNameError", "matplotlib.figure.Figure"):  # fmt: skip
        assert said in text


def test_pages_can_be_used_without_a_mouse(site: Path) -> None:
    """Every heading by role has a level, code scrolls with the keyboard, landmarks are told apart."""
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert all("aria-level" in tag for tag in re.findall(r'<[^>]*role="heading"[^>]*>', text)), path
        assert all("tabindex" in tag for tag in re.findall(r"<pre[^>]*>", text)), path
        asides = re.findall(r"<aside[^>]*>", text)
        labels = re.findall(r'<aside[^>]*aria-label="([^"]*)"', text)
        assert len(labels) == len(set(labels)) == len(asides), path
