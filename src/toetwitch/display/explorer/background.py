"""Work that may wait: one thread, in which newer work replaces what has not begun.

What takes longer than a person notices is computed beside the kernel's own thread, part by part. When the case changes,
parts that have not begun are dropped, and the answer of the one under way is not delivered, since its question is gone.
"""

from __future__ import annotations

__all__ = ["Background"]

import threading
from collections.abc import Callable, Mapping
from typing import Any

Part = Callable[[], Any]


class Background:
    """Computes named parts in order; the latest wins.

    Parameters
    ----------
    deliver
        Called in the thread with the name of a part, the part and its answer, while that part is still wanted.
    refuse
        Called in the thread with the name of a part, the part and the exception that it raised, likewise.
    """

    def __init__(
        self, deliver: Callable[[str, Part, Any], None], refuse: Callable[[str, Part, Exception], None]
    ) -> None:
        self._deliver = deliver
        self._refuse = refuse
        self._lock = threading.Lock()
        self._wanted: dict[str, Part] = {}
        self._thread: threading.Thread | None = None

    def want(self, parts: Mapping[str, Part]) -> None:
        """Want these parts, in this order, and nothing else; one that is under way already goes on."""
        with self._lock:
            self._wanted = dict(parts)
            if self._wanted and self._thread is None:
                self._thread = threading.Thread(target=self._work, name="toetwitch explorer", daemon=True)
                self._thread.start()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until nothing is wanted; return whether that came about."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)
        return thread is None or not thread.is_alive()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._wanted:
                    self._thread = None
                    return
                name, part = next(iter(self._wanted.items()))
            answer, error = None, None
            try:
                answer = part()
            except Exception as raised:  # whatever a part raises is said in its place; the others go on
                error = raised
            with self._lock:
                # Still the same question? Else the answer is stale.
                wanted = self._wanted.get(name) is part
                if wanted:
                    del self._wanted[name]
            if wanted and error is None:
                self._deliver(name, part, answer)
            elif wanted and error is not None:
                self._refuse(name, part, error)
