"""The least evidence that fires a rule: one case for each way in which its condition can hold."""

from __future__ import annotations

__all__ = ["firing"]

import itertools
from collections.abc import Iterator, Mapping

from toetwitch.knowledge.condition import AllOf, Atom, Condition, Not
from toetwitch.knowledge.variable import BINARY


def firing(when: Condition, *, most: int = 64) -> tuple[dict[str, str | bool], ...]:
    """Return minimal cases on which a monotone condition holds, at the mildest states that do.

    Parameters
    ----------
    when
        A condition without negation.
    most
        Most cases.

    Examples
    --------
    >>> from toetwitch.knowledge.condition import AnyOf
    >>> firing(AllOf((Atom("a", ("true",)), AnyOf((Atom("b", ("true",)), Atom("c", ("true",)))))))
    ({'a': True, 'b': True}, {'a': True, 'c': True})
    """
    return tuple({atom.id: _answer(atom) for atom in way.values()} for way in itertools.islice(_ways(when), most))


def _answer(atom: Atom) -> str | bool:
    return atom.states[0] == "true" if atom.among == BINARY else atom.states[0]


def _ways(when: Condition) -> Iterator[Mapping[str, Atom]]:
    if isinstance(when, Atom):
        yield {when.id: when}
    elif isinstance(when, Not):
        raise ValueError(f"{when} is a negation; expected a monotone condition")
    elif isinstance(when, AllOf):
        for ways in itertools.product(*(list(_ways(part)) for part in when.parts)):
            yield _joined(ways)
    else:
        for part in when.parts:
            yield from _ways(part)


def _joined(ways: tuple[Mapping[str, Atom], ...]) -> Mapping[str, Atom]:
    found: dict[str, Atom] = {}
    for way in ways:
        for id, atom in way.items():
            # Atoms are closed upward, so the one with fewer states is the one that asks for more.
            if id not in found or len(atom.states) < len(found[id].states):
                found[id] = atom
    return found
