"""The explorer's page alone: its JavaScript and style on an empty page, a session in this process behind it."""

from __future__ import annotations

__all__ = ["ExplorerPage"]

from collections.abc import Mapping
from importlib import resources
from typing import Any

from toetwitch.display.explorer import Session
from toetwitch.display.explorer.views import catalogue

HERE = resources.files("toetwitch.display.explorer")

FRAME = """<!DOCTYPE html><html lang="en"><head><meta name="color-scheme" content="light dark"><title>Explorer</title>
<style>%s</style></head><body><main id="place"></main></body></html>"""

BESIDE = """async (state) => {
  const store = { ...state, details: {}, why: {}, ask: {}, what_if: {} };
  const listeners = {};
  const take = (news) => {
    Object.assign(store, news);
    for (const name of Object.keys(news)) for (const listener of listeners[`change:${name}`] || []) listener();
  };
  const model = {
    get: (name) => store[name],
    on: (name, listener) => (listeners[name] ||= []).push(listener),
    off: () => {},
    send: async (message) => {
      take({ view: await window.quick(message) });
      take(await window.later());
    },
  };
  window.explorer.render({ model, el: document.getElementById("place") });
  take(await window.later());
}"""
"""What stands in for the notebook: the same traits, messages and changes, with this process as the kernel."""


class ExplorerPage:
    """The explorer of a session on a page.

    Parameters
    ----------
    page
        An empty page.
    session
        What is explored.
    """

    def __init__(self, page: Any, session: Session) -> None:
        self.page = page
        self.session = session
        self._serial = 0
        page.expose_function("quick", self._quick)
        page.expose_function("later", self._later)
        page.set_content(FRAME % HERE.joinpath("explorer.css").read_text(encoding="utf-8"))
        script = HERE.joinpath("explorer.js").read_text(encoding="utf-8")
        page.add_script_tag(type="module", content=script.replace("export default", "window.explorer ="))
        page.wait_for_function("() => window.explorer")
        page.evaluate(BESIDE, {"catalogue": catalogue(session.subject), "view": self._view("")})
        self.settle()

    def settle(self) -> None:
        """Wait until everything shown is of the case now."""
        self.page.wait_for_function("() => !document.querySelector('.tt-explorer [aria-busy=true]')")

    def _view(self, refusal: str) -> dict[str, Any]:
        self._serial += 1
        parts = dict.fromkeys(self.session.later(), self._serial)
        return {**self.session.view(), "refusal": refusal, "parts": parts, "revision": self._serial}

    def _quick(self, message: Mapping[str, Any]) -> dict[str, Any]:
        return self._view(self.session.handle(message))

    def _later(self) -> dict[str, Any]:
        return {name: {"serial": self._serial, "answer": part()} for name, part in self.session.later().items()}
