"""Everything prepared for one pattern of evidence: programs, their flat forms, and where each answer lies.

A session is what the cache of a network keeps. Running it needs numbers only, and any number of threads may run it.
"""

from __future__ import annotations

__all__ = ["Runner", "Session"]

from collections.abc import Mapping, Sequence
from functools import cached_property
from time import perf_counter
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine.execution import normalise, run_lowered
from toetwitch.engine.factors import Evidence
from toetwitch.engine.lowering import Lowered, lower_program
from toetwitch.engine.native import kernel, note_work
from toetwitch.engine.potentials import Potential
from toetwitch.engine.prediction import at_most, leaf_posteriors
from toetwitch.engine.program import Program, load, posterior_tables

Array = NDArray[np.float64]
States = NDArray[np.int64]
NONE_REPLACED: frozenset[int] = frozenset()


class Runner:
    """Runs one program, by compiled kernels where they are there.

    Parameters
    ----------
    program
        What to run.
    potentials
        The numbers it was compiled with.
    memory_budget
        Bytes that a run may need: more lanes than fit are run in turn.
    """

    def __init__(self, program: Program, potentials: Sequence[Potential], memory_budget: int = 2 * 2**30) -> None:
        self.program = program
        self.most_lanes = max(1, memory_budget // max(1, program.plan.peak_bytes))
        self.potentials = tuple(potentials)
        self.targets = program.plan.pattern.targets
        sizes = program.plan.sizes
        self.segment_starts = np.cumsum([0, *(sizes[v] for v in self.targets)])[:-1].astype(np.int64)

    @cached_property
    def lowered(self) -> Lowered | None:
        """The flat form, or None when the program is too large for one."""
        return lower_program(self.program, self.potentials, self.targets)

    @property
    def lane_entries(self) -> int:
        """Doubles that a lane takes: fewer where compiled code leaves out what is always zero."""
        lowered = self.lowered if kernel() is not None else None
        return self.program.plan.entries if lowered is None else lowered.entries

    def run(
        self,
        states: States,
        weights: Mapping[int, Array],
        lanes: int,
        potentials: Sequence[Potential] | None = None,
        replaced: frozenset[int] = NONE_REPLACED,
    ) -> tuple[Array, Array]:
        """Return log P(e), shape (lanes,), and the posteriors of the targets one below the other.

        Parameters
        ----------
        states
            Observed states in the order of the pattern, shape (observed, lanes) or (observed, 1).
        weights
            Likelihood weights, shape (size, lanes) or (size, 1).
        lanes
            Number of lanes of the answer.
        potentials, replaced
            Other numbers for the potentials in `replaced`.
        """
        if lanes <= self.most_lanes:
            return self._run(states, weights, lanes, potentials, replaced)
        numbers = self.potentials if potentials is None else potentials
        found = []
        for start in range(0, lanes, self.most_lanes):
            stop = min(start + self.most_lanes, lanes)
            some = list(numbers)
            for index in replaced:
                some[index] = numbers[index].part(start, stop)
            weighed = {v: _some(w, start, stop) for v, w in weights.items()}
            found.append(self._run(_some(states, start, stop), weighed, stop - start, some, replaced))
        return np.concatenate([log for log, _ in found]), np.concatenate([flat for _, flat in found], axis=1)

    def _run(
        self,
        states: States,
        weights: Mapping[int, Array],
        lanes: int,
        potentials: Sequence[Potential] | None,
        replaced: frozenset[int],
    ) -> tuple[Array, Array]:
        ready = kernel()
        if ready is not None and not replaced and self.lowered is not None:
            found = run_lowered(ready, self.program, self.lowered, states, weights, lanes)
            if found is not None:
                return found
        began = perf_counter()
        hard = self.program.plan.pattern.hard
        evidence = Evidence({v: states[slot] for slot, v in enumerate(hard)}, weights)
        numbers = self.potentials if potentials is None else potentials
        state, log_evidence, arithmetic = load(self.program, numbers, evidence, lanes, replaced=replaced)
        tables = posterior_tables(self.program, state, arithmetic, [(v,) for v in self.targets])
        raw = [np.broadcast_to(table, (table.shape[0], lanes)) for table in tables]
        flat = normalise(np.concatenate(raw or [np.zeros((0, lanes))]), self.segment_starts, log_evidence)
        note_work(perf_counter() - began)
        return log_evidence, flat


class Session:
    """Answers all questions of one pattern.

    Parameters
    ----------
    main
        Gives log P(e) and the posteriors of the targets in its plan.
    wanted
        Variables asked for, in the order of the answer.
    leaves
        Those of them that are predicted, with their noisy-max potential.
    predictor
        Runs the lanes of the leaves: its pattern weights their parents.
    """

    def __init__(
        self, main: Runner, wanted: Sequence[int], leaves: Mapping[int, int], predictor: Runner | None
    ) -> None:
        self.main = main
        self.wanted = tuple(wanted)
        self.leaves = dict(leaves)
        self.predictor = predictor
        self.hard = main.program.plan.pattern.hard
        self.sizes = main.program.plan.sizes
        ends = np.cumsum([0, *(self.sizes[v] for v in self.wanted)]).tolist()
        self.spans = tuple(zip(self.wanted, ends[:-1], ends[1:], strict=True))
        self.rows = int(ends[-1])
        self.direct = self.wanted == main.targets

    def answer(
        self,
        states: States,
        weights: Mapping[int, Array],
        lanes: int,
        potentials: Sequence[Potential] | None = None,
        replaced: frozenset[int] = NONE_REPLACED,
    ) -> tuple[Array, Array]:
        """Return log P(e), shape (lanes,), and the posteriors of `wanted` one below the other, shape (rows, lanes)."""
        log_evidence, flat = self.main.run(states, weights, lanes, potentials, replaced)
        if self.direct:
            return log_evidence, flat
        possible = log_evidence > -np.inf
        slots = {v: slot for slot, v in enumerate(self.hard)}
        starts = dict(zip(self.main.targets, self.main.segment_starts.tolist(), strict=True))
        predicted = self._predict(states, weights, lanes, log_evidence, potentials, replaced)
        answers = np.empty((self.rows, lanes))
        for v, begin, end in self.spans:
            if v in starts:
                answers[begin:end] = flat[starts[v] : starts[v] + end - begin]
            elif v in predicted:
                answers[begin:end] = predicted[v]
            else:
                answers[begin:end] = (np.arange(end - begin)[:, np.newaxis] == states[slots[v]]) & possible
        return log_evidence, answers

    def _predict(
        self,
        states: States,
        weights: Mapping[int, Array],
        lanes: int,
        log_evidence: Array,
        potentials: Sequence[Potential] | None,
        replaced: frozenset[int],
    ) -> dict[int, Array]:
        """Return the posteriors of the leaves, each state of each leaf one lane of the predictor."""
        predictor = self.predictor
        if predictor is None:
            return {}
        numbers = self.main.potentials if potentials is None else potentials
        evidence = Evidence({v: states[slot] for slot, v in enumerate(self.hard)}, weights)
        questions = [(leaf, state) for leaf in self.leaves for state in range(self.sizes[leaf] - 1)]
        parts = [at_most(numbers[self.leaves[leaf]], state, evidence) for leaf, state in questions]
        block = max(1, min(len(questions), 128 // lanes))
        log_totals = np.empty((len(questions), lanes))
        wide = block > 1
        for start in range(0, len(questions), block):
            chosen = [own for own, _ in parts[start : start + block]]
            width = len(chosen) * lanes
            merged = {
                v: np.concatenate(
                    [np.broadcast_to(_times(own.get(v), weights.get(v), self.sizes[v]), (self.sizes[v], lanes))
                     for own in chosen],
                    axis=1,
                )
                for v in predictor.program.plan.pattern.soft
            }  # fmt: skip
            tiled = np.tile(np.broadcast_to(states, (states.shape[0], lanes)), len(chosen)) if wide else states
            spread = _tile_lanes(numbers, replaced, len(chosen)) if wide and lanes > 1 else numbers
            found, _ = predictor.run(tiled, merged, width, spread, replaced)
            log_totals[start : start + block] = found.reshape(len(chosen), lanes)
        return leaf_posteriors(questions, [factor for _, factor in parts], log_totals, log_evidence)


Numbers = TypeVar("Numbers", bound=np.generic)


def _some(laned: NDArray[Numbers], start: int, stop: int) -> NDArray[Numbers]:
    return laned[..., start:stop] if laned.shape[-1] > 1 else laned


def _times(own: Array | None, given: Array | None, size: int) -> Array:
    if own is None:
        return np.ones((size, 1)) if given is None else given
    return own if given is None else own * given


def _tile_lanes(potentials: Sequence[Potential], replaced: frozenset[int], times: int) -> Sequence[Potential]:
    """Repeat the lanes of replaced potentials, question by question."""
    tiled = list(potentials)
    for index in replaced:
        tiled[index] = tiled[index].tiled(times)
    return tiled
