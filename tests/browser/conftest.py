"""A real browser for the tests in this folder, and a real JupyterLab for some of them.

Where the browser or a library is missing the tests are skipped with the reason; with TOETWITCH_RUN_BROWSER set, as in
continuous integration, what is missing is a failure.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.chromium import chromium_path, open_page, start_chromium
from tests.browser.jupyterlab import JupyterLab, serve_jupyterlab
from tests.browser.requirements import missing, wanted


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """Start Chromium, headless; closed after this folder, since it keeps an event loop running."""
    api = wanted("playwright.sync_api")
    if chromium_path() is None:
        missing("needs Chromium on the PATH: apt-get install chromium")
    with api.sync_playwright() as playwright:
        chromium = start_chromium(playwright)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """Open an empty page."""
    with open_page(browser) as opened:
        yield opened


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterLab]:
    """Start a JupyterLab on this machine, with settings of its own."""
    for name in ("jupyterlab", "ipykernel", "anywidget"):
        wanted(name)
    with serve_jupyterlab(Path(tmp_path_factory.mktemp("lab"))) as served:
        yield served
