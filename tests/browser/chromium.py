"""Chromium, headless, and pages in it that tell when they ask anybody outside this machine."""

from __future__ import annotations

__all__ = ["Requests", "chromium_path", "open_page", "start_chromium"]

import contextlib
import shutil
from collections.abc import Iterator
from typing import Any

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Headless, as root in a container, and without a word of the browser's own to the network."""

PATIENCE = 60_000
"""Milliseconds that a step may take on a busy machine: far past what it needs, so that only a hang is stopped."""


def chromium_path() -> str | None:
    """Return where Chromium is, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def start_chromium(playwright: Any) -> Any:
    """Return the browser that is installed on this machine."""
    return playwright.chromium.launch(executable_path=chromium_path(), args=list(FLAGS))


class Requests:
    """What a page asked for, and what went wrong on it."""

    def __init__(self, page: Any) -> None:
        self.asked: list[str] = []
        self.errors: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def outside(self, *inside: str) -> list[str]:
        """Return the addresses that do not begin with any of these."""
        return [url for url in self.asked if not url.startswith((*inside, "data:", "blob:", "about:"))]


@contextlib.contextmanager
def open_page(browser: Any, width: int = 1100, height: int = 1000) -> Iterator[Any]:
    """Open an empty page; that it asked nobody outside this machine, and threw nothing, is checked at its end."""
    context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True)
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE)
    seen = Requests(opened)
    yield opened
    context.close()
    assert seen.outside("file://", "http://127.0.0.1") == []
    assert seen.errors == []
