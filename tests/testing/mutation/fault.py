"""A seeded fault: a mistake that someone could make, put in for as long as a context lasts."""

from __future__ import annotations

__all__ = ["Fault", "around", "fault"]

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock


@dataclass(frozen=True, slots=True)
class Fault:
    """A mistake.

    Parameters
    ----------
    name
        Short.
    place
        "engine", "inference", "evidence", "frames", "exchange", "reasoning" or "model".
    mistake
        What is wrong, in a sentence.
    seed
        Puts the fault in; for a fault in a model file, changes the model.
    suspects
        Laws to try first: those that ought to notice.
    """

    name: str
    place: str
    mistake: str
    seed: Callable[..., Any]
    suspects: tuple[str, ...]


def around(
    owner: Any, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]
) -> AbstractContextManager[Any]:
    """Put a function around an attribute for as long as the context lasts; the attribute has to exist."""
    return mock.patch.object(owner, name, make(getattr(owner, name)))


def fault(catalogue: list[Fault], place: str, *suspects: str) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Enter a function, which returns the context that seeds the fault, into a catalogue; its docstring says what."""

    def entered(seed: Callable[[], Any]) -> Callable[[], Any]:
        @contextmanager
        def seeded() -> Iterator[None]:
            with seed():
                yield

        mistake = (seed.__doc__ or "").strip().splitlines()[0]
        catalogue.append(Fault(seed.__name__, place, mistake, seeded, suspects))
        return seed

    return entered
