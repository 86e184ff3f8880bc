"""Make the pictures of the README anew: ``python docs/screenshots.py``.

The explorer is photographed in a real JupyterLab in headless Chromium, the card and the drawing as saved pages. Needs
Chromium on the PATH and ``pip install 'toetwitch[browser,charts]'`` (Pillow comes with the latter).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from PIL import Image  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402

import toetwitch as tt  # noqa: E402
from tests.browser.chromium import chromium_path, open_page, start_chromium  # noqa: E402
from tests.browser.jupyterlab import serve_jupyterlab  # noqa: E402
from toetwitch.markup import Markup, document  # noqa: E402

IMAGES = ROOT / "docs" / "images"
LARGEST = 200_000
"""Bytes of one picture."""

COLOURS = 128
"""Spread over all that occur, so that a rare one, such as that of a bar against, stays itself."""

CASE = {"toe_movement": True, "foot_drop": True, "caffeine_intake": "high", "numbness": False}


def main() -> None:
    """Make every picture, and say how large each is."""
    if chromium_path() is None:
        sys.exit("needs Chromium on the PATH: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = start_chromium(playwright)
        _explorer(browser)
        model = tt.load_model()
        _saved(browser, "assessment.png", model.assess(CASE))
        _saved(browser, "network.png", tt.draw(model, CASE, around="lumbar_radiculopathy"))
        browser.close()


def _explorer(browser: Any) -> None:
    cell = f"import toetwitch as tt\ntt.explore(evidence={CASE!r})"
    with (
        tempfile.TemporaryDirectory() as folder,
        serve_jupyterlab(Path(folder)) as lab,
        open_page(browser, 1500, 1500) as page,
    ):
        lab.open(page, "case.ipynb", [cell])
        page.wait_for_function("() => document.querySelector('.tt-explorer .tt-bar')")
        page.wait_for_function("() => !document.querySelector('.tt-explorer [aria-busy=true]')")
        _save(page.locator(".tt-explorer"), "explorer.png")


def _saved(browser: Any, name: str, answer: Any) -> None:
    with tempfile.TemporaryDirectory() as folder, open_page(browser) as page:
        saved = Path(folder) / "page.html"
        saved.write_text(document(name, Markup(answer._repr_html_())), encoding="utf-8")
        page.goto(saved.as_uri())
        _save(page.locator(".toetwitch"), name)


def _save(element: Any, name: str) -> None:
    path = IMAGES / name
    element.screenshot(path=path)
    # A palette holds all that a page of flat colours shows, at a third of the size.
    picture = Image.open(path).convert("RGB")
    picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path.relative_to(ROOT)}: {size:,} bytes")
    if size > LARGEST:
        sys.exit(f"{path.name} has {size:,} bytes; expected at most {LARGEST:,}")


if __name__ == "__main__":
    main()
