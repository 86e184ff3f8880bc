"""Whether compiled kernels are there yet; nobody ever waits for them.

numba is optional. Where it is installed, it is imported and its kernels are compiled (or read from its cache) in a
thread of its own, once the engine has been busy long enough for that to pay. Until then, and without numba, the NumPy
kernels answer, with the same bits.
"""

from __future__ import annotations

__all__ = ["kernel", "note_work", "row_kernel", "wait_for_kernel", "wait_for_row_kernel"]

import os
import threading
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

Kernel = Callable[..., bool]
WORTHWHILE_SECONDS = 0.2
"""Time spent in NumPy kernels after which compiled ones are fetched: that takes about a second from the cache."""


class _Loader:
    """Loads one module of kernels once, in a thread of its own."""

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = name
        self.lock = threading.Lock()
        self.spent = 0.0
        self.thread: threading.Thread | None = None
        self.kernel: Kernel | None = None
        self.wanted = os.environ.get("TOETWITCH_KERNELS", "auto") != "numpy" and find_spec("numba") is not None

    def start(self) -> None:
        with self.lock:
            if self.wanted and self.thread is None:
                self.thread = threading.Thread(target=self.load, name=f"toetwitch-{self.name}", daemon=True)
                self.thread.start()

    def load(self) -> None:
        try:
            module = import_module(self.module)
            module.warm_up()
        except Exception:
            # An unusable numba must leave the library as good as it is without.
            self.wanted = False
            return
        self.kernel = getattr(module, self.name)

    def wait(self) -> bool:
        self.start()
        if self.thread is not None:
            self.thread.join()
        return self.kernel is not None


_LOADER = _Loader("toetwitch.engine.kernels_numba", "run")
_ROW_LOADER = _Loader("toetwitch.engine.rows_numba", "answer_rows")


def kernel() -> Kernel | None:
    """Return the compiled passes if they are ready, else None."""
    return _LOADER.kernel


def note_work(seconds: float) -> None:
    """Record time spent without the compiled kernel; enough of it starts the background load."""
    _LOADER.spent += seconds
    if _LOADER.spent > WORTHWHILE_SECONDS:
        for loader in (_LOADER, _ROW_LOADER):
            if loader.thread is None:
                loader.start()


def wait_for_kernel() -> bool:
    """Load the compiled passes now; return whether there are any. For benchmarks, tests and long cohorts."""
    return _LOADER.wait()


def row_kernel() -> bool:
    """Return whether the compiled answer to cases without a plan is ready."""
    return _ROW_LOADER.kernel is not None


def wait_for_row_kernel() -> bool:
    """Load the compiled answer to cases without a plan now; return whether there is one."""
    return _ROW_LOADER.wait()
