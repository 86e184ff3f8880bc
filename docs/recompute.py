"""Write the outputs of a document's examples anew: `python docs/recompute.py [FILE ...]`.

Each example runs in order in one namespace per document, and what it prints replaces what stood below it. The text
between the examples is left as it is.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import sys
from pathlib import Path


def recomputed(text: str) -> str:
    """Return the document with every example's output as it is now."""
    namespace: dict[str, object] = {"__name__": "__main__"}
    parts: list[str] = []
    for part in doctest.DocTestParser().parse(text):
        if isinstance(part, str):
            parts.append(part)
            continue
        first, *rest = part.source.splitlines()
        parts.append(f">>> {first}\n" + "".join(f"... {line}\n" for line in rest))
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(part.source, "<example>", "single"), namespace)
        parts.append(printed.getvalue())
    return "".join(parts)


if __name__ == "__main__":
    for name in sys.argv[1:] or [str(Path(__file__).with_name("worked_examples.md"))]:
        path = Path(name)
        path.write_text(recomputed(path.read_text(encoding="utf-8")), encoding="utf-8")
