"""Faults of reading: evidence, frames, and networks in foreign formats."""

# ruff: noqa: D401 (the docstring of a fault is its mistake)
from __future__ import annotations

__all__ = ["FAULTS"]

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import numpy as np

from tests.testing.mutation.fault import Fault, around, fault
from toetwitch import network as network_module
from toetwitch.evidence import Evidence
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.table import Cpt

FAULTS: list[Fault] = []
Context = AbstractContextManager[Any]


def reading(change: Callable[[Evidence, Any, Any], Evidence]) -> Context:
    """Return a context in which evidence is changed once it has been read."""

    @contextmanager
    def both() -> Any:
        def make(original: Callable[..., Any]) -> Callable[..., Any]:
            return lambda said, variables: change(original(said, variables), said, variables)

        with everywhere("read_evidence", make):
            yield

    return both()


@contextmanager
def everywhere(name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Iterator[None]:
    """Put a function around one of the library's, wherever a module of the library has imported it."""
    importers = [
        module
        for path, module in list(sys.modules.items())
        if path.startswith("toetwitch.") and not path.startswith("toetwitch.testing") and hasattr(module, name)
    ]
    with ExitStack() as stack:
        for module in importers:
            stack.enter_context(around(module, name, make))
        yield


@fault(FAULTS, "evidence", "unknown_is_left_out", "enumeration")
def unknown_read_as_absent() -> Context:
    """An id that is said to be unknown is read as its lowest state."""

    def change(found: Evidence, said: Any, variables: Any) -> Evidence:
        known = set(found.ids)
        return found.with_hard({id: 0 for id in said if id not in known})

    return reading(change)


@fault(FAULTS, "evidence", "enumeration", "certain")
def true_and_false_swapped() -> Context:
    """True is read as the first state."""

    def change(found: Evidence, said: Any, variables: Any) -> Evidence:
        return found.with_hard({id: 1 - s for id, s in found.hard.items() if isinstance(said[id], bool)})

    return reading(change)


@fault(FAULTS, "evidence", "excluded_is_zero_weight")
def excluded_read_as_observed() -> Context:
    """A state that is ruled out is read as the state observed."""

    def change(found: Evidence, said: Any, variables: Any) -> Evidence:
        turned = {id: 1.0 - w if id in found.excluded else w for id, w in found.soft.items()}
        return Evidence(found.hard, turned, found.jeffrey, found.excluded)

    return reading(change)


@fault(FAULTS, "evidence", "likelihood_scale", "enumeration")
def strongest_likelihood_taken_for_observed() -> Context:
    """Likelihood evidence is read as its most likely state."""

    def change(found: Evidence, said: Any, variables: Any) -> Evidence:
        return found.with_hard({id: int(np.argmax(w)) for id, w in found.soft.items() if id not in found.excluded})

    return reading(change)


@fault(FAULTS, "evidence", "log_evidence")
def likelihoods_normalised() -> Context:
    """Likelihoods are scaled to sum to one, which changes P(evidence)."""

    def change(found: Evidence, said: Any, variables: Any) -> Evidence:
        soft = {id: w if id in found.excluded else w / w.sum() for id, w in found.soft.items()}
        return Evidence(found.hard, soft, found.jeffrey, found.excluded)

    return reading(change)


@fault(FAULTS, "evidence", "untouched")
def evidence_written_to() -> Context:
    """Reading evidence writes defaults into the caller's mapping."""

    def change(found: Evidence, said: Any, variables: Any) -> Evidence:
        if isinstance(said, dict):
            for id in variables:
                said.setdefault(id, None)
        return found

    return reading(change)


@fault(FAULTS, "evidence", "no_memory")
def evidence_sticks() -> Context:
    """What the question before observed still counts where this one is silent."""
    before: dict[tuple[str, ...], dict[str, int]] = {}

    def change(found: Evidence, said: Any, variables: Any) -> Evidence:
        key = tuple(variables)
        old = {id: s for id, s in before.get(key, {}).items() if id not in found.ids}
        before[key] = dict(found.hard)
        return found.with_hard(old)

    return reading(change)


@fault(FAULTS, "frames", "batch")
def missing_cells_filled_in() -> Context:
    """A missing cell of a frame becomes the first state."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def changed(frame: Any, variables: Any) -> Any:
            found = original(frame, variables)
            rows = {row for row in range(len(found.codes)) if row not in found.soft}
            codes = found.codes.copy()
            for row in rows:
                codes[row] = np.maximum(codes[row], 0)
            return type(found)(codes, found.soft, found.problems)

        return changed

    return everywhere("read_codes", make)


@fault(FAULTS, "frames", "batch")
def soft_cells_forgotten() -> Context:
    """Soft evidence in a cell of a frame is read as unknown."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def changed(frame: Any, variables: Any) -> Any:
            found = original(frame, variables)
            return type(found)(found.codes, {}, found.problems)

        return changed

    return everywhere("read_codes", make)


@fault(FAULTS, "evidence", "renaming", "reordering")
def order_by_spelling() -> Context:
    """Answers are listed by spelling where they are paired with ids by order."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def changed(self: Any, said: Any = None, targets: Any = None) -> Any:
            answer = original(self, said, targets)
            wrong = dict(zip(sorted(answer), answer.values(), strict=True))
            same = all(list(wrong[id]) == list(answer[id]) for id in answer)
            return wrong if same else answer

        return changed

    return around(network_module.Network, "posterior", make)


@fault(FAULTS, "exchange", "round_trip")
def exported_to_four_digits() -> Context:
    """Probabilities are written with four digits."""
    return _read_back(lambda values: np.round(values, 4) / np.round(values, 4).sum(axis=-1, keepdims=True))


@fault(FAULTS, "exchange", "round_trip")
def states_sorted_on_the_way() -> Context:
    """States come back in another order than their probabilities."""
    return _read_back(lambda values: values[..., ::-1])


def _read_back(change: Callable[[Any], Any]) -> Context:
    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def changed(model: Any) -> Any:
            found = original(model)
            tables = tuple(
                Cpt(t.child, t.parents, change(np.maximum(t.values, 1e-9)) if t.values.ndim else t.values)
                for t in found.tables
            )
            return NetworkDefinition(found.variables, tables)

        return changed

    return everywhere("from_pgmpy", make)
