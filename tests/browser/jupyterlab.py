"""A JupyterLab that serves one folder, and steps through a notebook in it."""

from __future__ import annotations

__all__ = ["JupyterLab", "serve_jupyterlab"]

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS = 90.0
"""How long the server may take to answer on a busy machine."""


@dataclass(frozen=True, slots=True)
class JupyterLab:
    """A server.

    Parameters
    ----------
    folder
        What it serves.
    address
        Where.
    """

    folder: Path
    address: str

    def open(self, page: Any, name: str, cells: Sequence[str]) -> None:
        """Open a notebook of these cells and run them all.

        Raises
        ------
        AssertionError
            When a cell fails; the message is its traceback.
        """
        made = [
            {
                "cell_type": "code",
                "id": f"cell{n}",
                "metadata": {},
                "source": cell,
                "outputs": [],
                "execution_count": None,
            }
            for n, cell in enumerate(cells)
        ]
        spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = {"cells": made, "metadata": {"kernelspec": spec}, "nbformat": 4, "nbformat_minor": 5}
        (self.folder / name).write_text(json.dumps(notebook), encoding="utf-8")
        page.goto(f"{self.address}/lab/tree/{name}?token=&reset")
        page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        # Before the kernel is there, running a cell would ask which one to take.
        kernel = "window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status"
        page.wait_for_function(f"() => {kernel} === 'idle'")
        command(page, "notebook:run-all-cells")
        self._finished(page, len(cells) - 1)
        failed = page.locator(".jp-OutputArea-output[data-mime-type*=error]")
        if failed.count():
            raise AssertionError(failed.first.inner_text())

    def run(self, page: Any, cell: int) -> str:
        """Run one cell and return the text that it prints."""
        shown = page.locator(".jp-CodeCell").nth(cell)
        shown.locator(".cm-content").click()
        page.keyboard.press("Control+Enter")
        self._finished(page, cell)
        text: str = shown.locator(".jp-OutputArea-output").last.inner_text()
        return text

    def _finished(self, page: Any, cell: int) -> None:
        done = r"n => /^\[\d+\]:$/.test(document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')[n].textContent)"
        page.wait_for_function(done, arg=cell)


def command(page: Any, name: str, **arguments: Any) -> None:
    """Have JupyterLab begin one of its commands; what it brings about is for the caller to wait for."""
    page.evaluate("([name, given]) => { window.jupyterapp.commands.execute(name, given); }", [name, arguments])


@contextlib.contextmanager
def serve_jupyterlab(folder: Path) -> Iterator[JupyterLab]:
    """Serve a folder inside `folder` until the end of the block; nothing of the user's own settings is read."""
    served = folder / "notebooks"
    served.mkdir()
    _set(folder, "apputils", "notification", fetchNews="false", checkForUpdates=False)
    # Cells that are scrolled out of view would leave the page.
    _set(folder, "notebook", "tracker", windowingMode="none")
    places = {
        "JUPYTER_CONFIG_DIR": folder / "config",
        "JUPYTER_DATA_DIR": folder / "data",
        "JUPYTER_RUNTIME_DIR": folder / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": folder / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": folder / "workspaces",
        "IPYTHONDIR": folder / "ipython",
    }
    port = _free_port()
    options = [
        "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", "--IdentityProvider.token=",
        "--expose-app-in-browser", f"--ServerApp.root_dir={served}", "--ServerApp.disable_check_xsrf=True",
    ]  # fmt: skip
    log = folder / "log"
    with log.open("w") as written:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            env={**os.environ, **{name: str(place) for name, place in places.items()}},
            stdout=written,
            stderr=subprocess.STDOUT,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/api", server, log)
        yield JupyterLab(served, address)
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _set(folder: Path, extension: str, plugin: str, **values: Any) -> None:
    place = folder / "settings" / "@jupyterlab" / f"{extension}-extension"
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{plugin}.jupyterlab-settings").write_text(json.dumps(values), encoding="utf-8")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
        else:
            return
    raise RuntimeError(f"JupyterLab does not answer at {address}: {log.read_text()[-2000:]}")
