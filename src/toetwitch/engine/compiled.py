"""A network ready for questions: the facade of the engine.

Each question is answered by a plan for its pattern of evidence (which variables are observed, weighted, asked for),
kept for the next question of the same pattern. The network itself never changes, so any number of threads may ask at
once.
"""

from __future__ import annotations

__all__ = ["Answer", "Batch", "CompiledNetwork"]

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from time import perf_counter
from types import MappingProxyType
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from toetwitch.engine.batches import Batch, run_batch
from toetwitch.engine.cohort import FlatNetwork, answer_cohort, flatten
from toetwitch.engine.explanations import Explained, most_probable_explanations
from toetwitch.engine.factors import Evidence
from toetwitch.engine.gradient import Gradient, differentiate
from toetwitch.engine.native import note_work, row_kernel
from toetwitch.engine.plan import Plan, make_plan
from toetwitch.engine.potentials import Dense, Potential
from toetwitch.engine.prediction import predictable_leaves
from toetwitch.engine.program import Program, compile_plan, load, posterior_tables
from toetwitch.engine.session import Runner, Session
from toetwitch.engine.structure import Pattern, Structure, noisy_children, shape_of, structure_of
from toetwitch.errors import EvidenceError

Array = NDArray[np.float64]
Kept = TypeVar("Kept")
KEPT_PROGRAMS = 512
"""Programs kept per network; a toe-sized one takes some tens of kilobytes."""
NO_WEIGHTS: Mapping[int, Array] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Answer:
    """Posteriors of one case.

    Attributes
    ----------
    log_evidence
        Natural logarithm of the probability of the evidence; -inf when it is impossible.
    marginals
        Posterior of each target, shape (size,); all zeros when the evidence is impossible.
    """

    log_evidence: float
    marginals: Mapping[int, Array]


class CompiledNetwork:
    """A network of integer variables, and exact answers about it.

    Parameters
    ----------
    sizes
        Number of states of each variable.
    potentials
        The factors; their product need not be normalised.
    memory_budget
        Largest predicted memory of one run, in bytes.

    Raises
    ------
    TableError
        When a potential does not fit `sizes`, or carries lanes (those belong in `lanes`).

    Examples
    --------
    >>> from toetwitch.engine import CompiledNetwork, Dense, NoisyMax, Term
    >>> cause = Dense((0,), [0.9, 0.1])
    >>> finding = NoisyMax(1, (Term(None, [0.95, 0.05]), Term(0, [[1, 0], [0.2, 0.8]])))
    >>> network = CompiledNetwork([2, 2], [cause, finding])
    >>> answer = network.posterior({1: 1}, {})
    >>> round(float(answer.marginals[0][1]), 4)
    0.6429
    """

    def __init__(
        self, sizes: Sequence[int], potentials: Sequence[Potential], *, memory_budget: int = 2 * 2**30
    ) -> None:
        self._structure = structure_of([int(size) for size in sizes], potentials)
        self._potentials = tuple(potentials)
        self._memory_budget = int(memory_budget)
        self._noisy = noisy_children(self._structure)
        self._kept: OrderedDict[Hashable, object] = OrderedDict()
        self._lock = Lock()
        for index, potential in enumerate(self._potentials):
            if _lanes_of(potential) is not None:
                raise EvidenceError(f"potential {index} carries lanes; expected none here: pass it to `lanes`")

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of states of each variable."""
        return self._structure.sizes

    @property
    def potentials(self) -> tuple[Potential, ...]:
        """The factors of the network."""
        return self._potentials

    def posterior(
        self,
        hard: Mapping[int, int],
        soft: Mapping[int, ArrayLike] = MappingProxyType({}),
        targets: Sequence[int] | None = None,
    ) -> Answer:
        """Return the posterior of each target given the evidence.

        Parameters
        ----------
        hard
            Observed state of each observed variable.
        soft
            Likelihood weights of each weighted variable, shape (size,); zeros allowed.
        targets
            Variables asked for; None asks for all that are not observed.
        """
        weights = self._weights(soft, 1) if soft else NO_WEIGHTS
        if targets is not None and row_kernel() and self._needs_no_plan(hard, targets):
            found = self._without_plan(hard, weights, targets)
            if found is not None:
                return found
        began = perf_counter()
        session = self._session(hard, self._raised(hard), soft, targets)
        note_work(perf_counter() - began)
        log_evidence, flat = session.answer(self._states(hard, session.hard), weights, 1)
        column = flat[:, 0]
        return Answer(float(log_evidence[0]), {v: column[begin:end] for v, begin, end in session.spans})

    def lanes(
        self,
        hard: Mapping[int, int],
        soft: Mapping[int, ArrayLike] = MappingProxyType({}),
        potentials: Mapping[int, Potential] = MappingProxyType({}),
        targets: Sequence[int] | None = None,
    ) -> tuple[Array, dict[int, Array]]:
        """Answer variants of one case side by side: other weights, other numbers in the tables, or both.

        Parameters
        ----------
        hard
            Observed state of each observed variable, the same on all lanes.
        soft
            Likelihood weights, shape (size,) or (size, lanes). All ones leaves the variable unobserved on that lane.
        potentials
            Replacements of potentials by index, on the same variables, with or without a trailing lane axis.
        targets
            Variables asked for; None asks for all that are not observed.

        Returns
        -------
        tuple
            Natural logarithm of the probability of the evidence, shape (lanes,), and posteriors, shape (size, lanes).
        """
        lanes = _common_lanes(soft, potentials)
        numbers, structure = self._replace(potentials)
        session = self._session(hard, self._raised(hard), soft, targets, structure)
        log_evidence, flat = session.answer(
            self._states(hard, session.hard), self._weights(soft, lanes), lanes, numbers, frozenset(potentials)
        )
        return log_evidence, {v: flat[begin:end] for v, begin, end in session.spans}

    def batch(
        self,
        codes: NDArray[np.integer],
        soft: Mapping[int, ArrayLike] = MappingProxyType({}),
        targets: Sequence[int] | None = None,
        *,
        threads: int | None = None,
    ) -> Batch:
        """Answer many cases, each of which may observe other variables.

        Parameters
        ----------
        codes
            Observed states, shape (rows, variables); -1 where a variable is unknown.
        soft
            Likelihood weights, shape (rows, size).
        targets
            Variables asked for; None asks for all. An observed one comes back as the point mass.
        threads
            Number of threads; None uses every core.
        """
        table = self._codes(codes)
        rows = table.shape[0]
        weights = {v: np.asarray(w, dtype=np.float64) for v, w in soft.items()}
        for v, w in weights.items():
            if w.shape != (rows, self.sizes[v]):
                raise EvidenceError(f"weights of variable {v}: shape {w.shape}; expected {(rows, self.sizes[v])}")
        return run_batch(self, table, weights, self._targets(targets, ()), threads)

    def joint(
        self, hard: Mapping[int, int], soft: Mapping[int, ArrayLike], scope: Sequence[int]
    ) -> tuple[float, Array]:
        """Return log P(evidence) and the joint posterior of a few variables, one axis per variable of `scope`."""
        asked = tuple(int(v) for v in scope)
        if len(set(asked)) != len(asked):
            raise EvidenceError(f"joint of {asked}: a variable occurs twice; expected distinct variables")
        self._targets(asked, ())
        evidence = self._evidence(hard, soft)
        free = tuple(v for v in asked if v not in hard)
        program = self._program(self._pattern(evidence, free))
        state, log_evidence, arithmetic = load(program, self._potentials, evidence, 1)
        shape = tuple(self.sizes[v] for v in asked)
        joint = np.zeros(shape)
        place = tuple(slice(None) if v in free else int(hard[v]) for v in asked)
        if free and log_evidence[0] > -np.inf:
            table = posterior_tables(program, state, arithmetic, [free])[0][..., 0]
            joint[place] = table / table.sum()
        elif log_evidence[0] > -np.inf:
            joint[place] = 1.0
        return float(log_evidence[0]), joint

    def mpe(
        self, hard: Mapping[int, int], soft: Mapping[int, ArrayLike] = MappingProxyType({})
    ) -> tuple[float, tuple[int, ...]]:
        """Return the natural logarithm of the largest probability of a complete assignment, and that assignment."""
        found = self.k_best(hard, soft, 1)
        return found[0] if found else (-np.inf, tuple(int(hard.get(v, 0)) for v in range(len(self.sizes))))

    def k_best(
        self, hard: Mapping[int, int], soft: Mapping[int, ArrayLike] = NO_WEIGHTS, k: int = 10, *, hidden: int = 0
    ) -> tuple[Explained, ...]:
        """Return the k most probable complete assignments, each with the natural logarithm of its probability.

        Fewer when fewer are possible, none when the evidence is impossible. Equally probable ones come in the order of
        their states, first variable first. The last `hidden` variables are summed out.
        """
        evidence = self._evidence(hard, soft)
        return most_probable_explanations(
            self._structure, self._potentials, evidence, self._pattern(evidence), k,
            count=len(self.sizes) - hidden, memory_budget=self._memory_budget, keep=self._keep,
        )  # fmt: skip

    def gradient(
        self, hard: Mapping[int, int], soft: Mapping[int, ArrayLike] = MappingProxyType({})
    ) -> tuple[float, Gradient]:
        """Return log P(evidence) and its derivative by every entry of every potential.

        One array per dense table, a tuple of arrays (one a term) per noisy-max, of the shapes of their values. Tables
        pruned as barren have zeros: their rows are taken to sum to one whatever the entry. Impossible evidence has
        zeros throughout.
        """
        evidence = self._evidence(hard, soft)
        program = self._program(self._pattern(evidence))
        state, log_evidence, arithmetic = load(program, self._potentials, evidence, 1)
        if log_evidence[0] == -np.inf:
            return -np.inf, tuple(
                np.zeros_like(potential.values)
                if isinstance(potential, Dense)
                else tuple(np.zeros_like(term.values) for term in potential.terms)
                for potential in self._potentials
            )
        return float(log_evidence[0]), differentiate(program, state, self._potentials, evidence, arithmetic)

    def plan(self, hard: Mapping[int, int], soft: Sequence[int] = (), targets: Sequence[int] | None = None) -> Plan:
        """Return how a question would be answered, and its predicted cost.

        Parameters
        ----------
        hard
            Observed states: only which variables, and which noisy-max children are at their lowest state, matters.
        soft
            Variables with likelihood weights.
        targets
            Variables asked for; None asks for all that are not observed.
        """
        self._states(hard, tuple(hard))
        return self._session(hard, self._raised(hard), soft, targets).main.program.plan

    def _session(
        self,
        hard: Iterable[int],
        raised: frozenset[int],
        soft: Iterable[int],
        targets: Sequence[int] | None,
        structure: Structure | None = None,
    ) -> Session:
        """Return what is kept for a pattern of evidence, made on first use."""
        key = (tuple(hard), raised, tuple(soft), None if targets is None else tuple(targets), structure)
        return self._keep(key, lambda: self._make_session(key[0], raised, key[2], targets, structure))

    @cached_property
    def flat(self) -> FlatNetwork:
        """The network laid out for cohorts."""
        return flatten(self._structure, self._potentials)

    @property
    def memory_budget(self) -> int:
        """Largest predicted memory of one run, in bytes."""
        return self._memory_budget

    @property
    def structure(self) -> Structure:
        """Sizes and shapes, without numbers."""
        return self._structure

    @property
    def noisy_children(self) -> frozenset[int]:
        """Variables that are the child of a noisy-max."""
        return self._noisy

    def session(
        self, hard: tuple[int, ...], raised: frozenset[int], soft: tuple[int, ...], targets: Sequence[int]
    ) -> Session:
        """Return what answers one pattern of evidence: see `Pattern` for the arguments."""
        return self._session(hard, raised, soft, targets)

    def _needs_no_plan(self, hard: Mapping[int, int], targets: Sequence[int]) -> bool:
        """Return whether a case may be answered without a plan: where maxima are met, and none is predicted.

        Joining maxima directly costs about what a plan known beforehand does, and a small part of making one.
        """
        self._states(hard, tuple(hard))
        wanted = self._targets(targets, ())
        return bool(self._noisy) and not any(v in self._leaves and v not in hard for v in wanted)

    @cached_property
    def _leaves(self) -> frozenset[int]:
        return frozenset(predictable_leaves(self._structure, frozenset(range(len(self.sizes))), frozenset()))

    def _without_plan(
        self, hard: Mapping[int, int], weights: Mapping[int, Array], targets: Sequence[int]
    ) -> Answer | None:
        wanted = self._targets(targets, ())
        codes = np.full((1, len(self.sizes)), -1, dtype=np.int64)
        codes[0, list(hard)] = list(hard.values())
        rows = {v: w.T for v, w in weights.items()}
        log_evidence, flat, status = answer_cohort(self.flat, codes, rows, wanted, 1, self._memory_budget)
        if status[0] != 0:
            return None
        ends = np.cumsum([0, *(self.sizes[v] for v in wanted)])
        spans = zip(wanted, ends[:-1], ends[1:], strict=True)
        return Answer(float(log_evidence[0]), {v: flat[0, begin:end] for v, begin, end in spans})

    def _make_session(
        self,
        hard: tuple[int, ...],
        raised: frozenset[int],
        soft: tuple[int, ...],
        targets: Sequence[int] | None,
        structure: Structure | None,
    ) -> Session:
        shapes = self._structure if structure is None else structure
        for v in (*hard, *soft):
            self._check_variable(v)
        observed = frozenset(hard)
        wanted = self._targets(targets, observed)
        hidden = frozenset(wanted) - observed
        leaves = predictable_leaves(shapes, hidden, frozenset(soft))
        parents = {v for index in leaves.values() for v in shapes.shapes[index].variables} - observed - set(leaves)
        weighted = tuple(sorted(soft))
        main = Pattern(tuple(sorted(hard)), raised, weighted, tuple(sorted(hidden - set(leaves))))
        predictor = None
        if leaves:
            sideways = Pattern(main.hard, raised, tuple(sorted({*weighted, *parents})))
            predictor = Runner(self._compile(sideways, shapes), self._potentials, self._memory_budget)
        return Session(
            Runner(self._compile(main, shapes), self._potentials, self._memory_budget), wanted, leaves, predictor
        )

    def _compile(self, pattern: Pattern, structure: Structure | None = None) -> Program:
        shapes = self._structure if structure is None else structure
        return compile_plan(make_plan(shapes, pattern, memory_budget=self._memory_budget), shapes, self._potentials)

    def _replace(self, replacements: Mapping[int, Potential]) -> tuple[tuple[Potential, ...], Structure | None]:
        """Return the potentials, and the structure where it differs: other tables may sum to one along other axes."""
        if not replacements:
            return self._potentials, None
        potentials = list(self._potentials)
        shapes = list(self._structure.shapes)
        for index, potential in replacements.items():
            if not 0 <= index < len(potentials):
                raise EvidenceError(f"potential {index} does not exist; expected 0 to {len(potentials) - 1}")
            potentials[index] = potential
            shapes[index] = shape_of(self.sizes, index, potential)
            if shapes[index].variables != self._structure.shapes[index].variables:
                raise EvidenceError(
                    f"potential {index} is replaced by one over {shapes[index].variables}; "
                    f"expected {self._structure.shapes[index].variables}"
                )
        changed = tuple(shapes) != self._structure.shapes
        return tuple(potentials), Structure(self.sizes, tuple(shapes)) if changed else None

    def _pattern(self, evidence: Evidence, together: Sequence[int] = ()) -> Pattern:
        hard = tuple(sorted(evidence.states))
        raised = frozenset(v for v in hard if v in self._noisy and evidence.states[v][0] > 0)
        return Pattern(hard, raised, tuple(sorted(evidence.weights)), (), tuple(together))

    def _program(self, pattern: Pattern) -> Program:
        return self._keep(pattern, lambda: self._compile(pattern))

    def _keep(self, key: Hashable, make: Callable[[], Kept]) -> Kept:
        """Return what was made for `key` before, or make it; the least recently used goes first."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]  # type: ignore[return-value]
        made = make()
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > KEPT_PROGRAMS:
                self._kept.popitem(last=False)
        return made

    def _evidence(self, hard: Mapping[int, int], soft: Mapping[int, ArrayLike]) -> Evidence:
        states = self._states(hard, tuple(hard))
        return Evidence(dict(zip(hard, states, strict=True)), self._weights(soft, 1))

    def _raised(self, hard: Mapping[int, int]) -> frozenset[int]:
        return frozenset([v for v, state in hard.items() if state and v in self._noisy])

    def _states(self, hard: Mapping[int, int], order: Sequence[int]) -> NDArray[np.int64]:
        """Return the observed states in the given order, shape (observed, 1), having checked them."""
        sizes = self._structure.sizes
        for v, state in hard.items():
            self._check_variable(v)
            if not 0 <= state < sizes[v]:
                raise EvidenceError(f"variable {v} observed in state {state}; expected 0 to {sizes[v] - 1}")
        return np.array([hard[v] for v in order], dtype=np.int64).reshape(-1, 1)

    def _weights(self, soft: Mapping[int, ArrayLike], lanes: int) -> dict[int, Array]:
        """Return the weights, shape (size, lanes) or (size, 1), having checked them."""
        weights = {}
        for v, given in soft.items():
            self._check_variable(v)
            array = np.asarray(given, dtype=np.float64)
            array = array[:, np.newaxis] if array.ndim == 1 else array
            if array.shape not in ((self.sizes[v], 1), (self.sizes[v], lanes)):
                raise EvidenceError(
                    f"weights of variable {v}: shape {np.shape(given)}; expected ({self.sizes[v]},) "
                    f"or ({self.sizes[v]}, {lanes})"
                )
            if not np.isfinite(array).all() or (array < 0).any():
                raise EvidenceError(f"weights of variable {v}: {given!r}; expected finite numbers, zero or more")
            weights[v] = array
        return weights

    def _codes(self, codes: NDArray[np.integer]) -> NDArray[np.integer]:
        table = np.asarray(codes)
        if table.ndim != 2 or table.shape[1] != len(self.sizes) or not np.issubdtype(table.dtype, np.integer):
            raise EvidenceError(
                f"codes of shape {table.shape} and type {table.dtype}; expected integers of shape "
                f"(rows, {len(self.sizes)})"
            )
        bad = (table < -1) | (table >= np.array(self.sizes))
        if bad.any():
            row, v = map(int, np.argwhere(bad)[0])
            raise EvidenceError(
                f"row {row}, variable {v}: state {table[row, v]}; expected 0 to {self.sizes[v] - 1}, or -1 for unknown"
            )
        return table

    def _targets(self, targets: Sequence[int] | None, hard: Collection[int]) -> tuple[int, ...]:
        if targets is None:
            return tuple(v for v in range(len(self.sizes)) if v not in hard)
        for v in targets:
            self._check_variable(v)
        return tuple(int(v) for v in targets)

    def _check_variable(self, variable: int) -> None:
        if not 0 <= variable < len(self.sizes):
            raise EvidenceError(f"variable {variable} does not exist; expected 0 to {len(self.sizes) - 1}")


def _lanes_of(potential: Potential) -> int | None:
    if isinstance(potential, Dense):
        return potential.values.shape[-1] if potential.values.ndim > len(potential.scope) else None
    counts = [term.values.shape[-1] for term in potential.terms if term.values.ndim > term.axes]
    return max(counts) if counts else None


def _common_lanes(soft: Mapping[int, ArrayLike], potentials: Mapping[int, Potential]) -> int:
    """Return the number of lanes that weights and potentials agree on; one when none carries lanes."""
    found = {f"weights of variable {v}": np.shape(w)[1] for v, w in soft.items() if np.ndim(w) == 2}
    for index, potential in potentials.items():
        lanes = _lanes_of(potential)
        if lanes is not None:
            found[f"potential {index}"] = lanes
    counts = set(found.values()) - {1}
    if len(counts) > 1:
        raise EvidenceError(f"lanes disagree: {found}; expected one number of lanes")
    return counts.pop() if counts else 1
