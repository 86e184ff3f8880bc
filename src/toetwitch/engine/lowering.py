"""A program as flat arrays: what the compiled kernels read instead of Python objects.

One buffer of doubles holds constants (potentials' tables, products that no evidence changes); another, with a lane
axis innermost, holds what a run computes. Every step of a pass becomes a row of integers: where to read, through which
index map, where to write. An index map sends the entries of a clique's table to those of a smaller array.

Entries that are zero whatever is observed are left out of the larger tables (see `support`). The order of every product
and sum is the same as in the NumPy kernels, so both give the same bits.
"""

from __future__ import annotations

__all__ = ["Lowered", "lower_program"]

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine.arithmetic import PLAIN
from toetwitch.engine.factors import Evidence, build_factor
from toetwitch.engine.plan import Clique
from toetwitch.engine.potentials import Dense, NoisyMax, Potential
from toetwitch.engine.program import Program
from toetwitch.engine.reduction import Link, Slice, Survival, Weights
from toetwitch.engine.support import Support, find_support

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
GATHER, JOIN, FIRST, PICK = range(4)
"""Kinds of loading step: copy a slice of a table; join a fixed contribution into the start of a chain; close the
chain's first link; copy one entry of the start."""
LANED_ENTRIES = 2**20
"""Larger programs run one lane at a time: the tables of several would not fit the cache."""
SHORTEST_RUN = 8
"""Shorter runs are read entry by entry."""
LARGEST_PLAN = 2**30
"""Programs with more table entries than this keep to NumPy."""


@dataclass(frozen=True, slots=True, eq=False)
class Lowered:
    """Flat arrays for the compiled kernels; all offsets count entries.

    Attributes
    ----------
    constants
        Tables, in doubles.
    loads
        Loading steps, one row each; see `kernels_numba.load_factors`.
    load_terms
        Pairs (slot of an observed variable, stride) that loading steps address states by.
    cliques
        Per clique: first entry of its table, entries, first entry of its message, separator entries, parent or -1,
        first entry of its downward message, whether the downward pass reaches it, place of the map from its table to
        its message (-1: the message repeats along the table).
    products
        Per factor of a clique: constant or not, first entry, place of its whole map (-1: none), length of the runs
        over which it advances with the table or stands still, which of the two, place of the map of runs.
    product_starts
        First row of `products` of each clique, and the end.
    scatters
        Per array summed out of a finished table: kind (0 downward message, 1 posterior), and the rest as for factors.
    scatter_starts
        First row of `scatters` of each clique, and the end.
    maps
        All index maps, one after another.
    soft_places
        First entry of each piece of weights, by variable.
    soft_scalars
        Variables both observed and weighted, and the entry that their weight goes to.
    entries, zeroed
        Doubles per lane that a run needs; those from `zeroed` on must start at zero.
    posterior_start, posterior_entries
        First entry of the posteriors, which follow one another in the order of `targets`, and their number.
    targets, segment_starts
        Variables answered, and where each one's posterior starts among the posteriors.
    scalar_start, scalars
        First entry of the scalar factors, and their number.
    hard
        Observed variables, by slot.
    laned
        Whether lanes may run side by side; otherwise one runs after the other.
    """

    constants: Array
    loads: Integers
    load_terms: Integers
    cliques: Integers
    products: Integers
    product_starts: Integers
    scatters: Integers
    scatter_starts: Integers
    maps: NDArray[np.int32]
    soft_places: tuple[tuple[int, int, int], ...]
    entries: int
    zeroed: int
    posterior_start: int
    posterior_entries: int
    targets: tuple[int, ...]
    segment_starts: Integers
    soft_scalars: tuple[tuple[int, int], ...]
    scalar_start: int
    scalars: int
    hard: tuple[int, ...]
    laned: bool


class _Lowering:
    """Collects the arrays while a program is walked."""

    def __init__(self, program: Program, potentials: Sequence[Potential], support: Support) -> None:
        self.program = program
        self.support = support
        self.plan = program.plan
        self.potentials = potentials
        self.slots = {v: slot for slot, v in enumerate(self.plan.pattern.hard)}
        self.constants: list[Array] = []
        self.constant_entries = 0
        self.shared: dict[object, int] = {}
        self.loads: list[tuple[int, ...]] = []
        self.load_terms: list[tuple[int, int]] = []
        self.entries = 0
        self.maps: list[NDArray[np.int32]] = []
        self.map_entries = 0
        self.laned = support.entries <= LANED_ENTRIES
        self.soft_places: list[tuple[int, int, int]] = []
        self.scalar_start = 0
        self.zeroed = 0
        self.soft_scalars: list[tuple[int, int]] = []

    def constant(self, key: object, values: Array) -> int:
        """Store a table once; return its first entry."""
        if key is None or key not in self.shared:
            place = self.constant_entries
            self.constants.append(np.ascontiguousarray(values).reshape(-1))
            self.constant_entries += values.size
            if key is None:
                return place
            self.shared[key] = place
        return self.shared[key]

    def room(self, entries: int) -> int:
        """Reserve entries of the lane buffer."""
        place = self.entries
        self.entries += entries
        return place

    def index_map(self, table: Sequence[int], inner: Sequence[int]) -> int:
        """Return the place of the map from a table over `table` to an array over `inner` (C order)."""
        sizes = self.plan.sizes
        strides = {}
        stride = 1
        for v in reversed(inner):
            strides[v] = stride
            stride *= sizes[v]
        index: NDArray[np.int32] = np.zeros((), dtype=np.int32)
        for v in table:
            index = np.add.outer(index, np.arange(sizes[v], dtype=np.int32) * np.int32(strides.get(v, 0)))
        return self.store_map(index)

    def reference(self, number: int, inner: Sequence[int], child: int = -1) -> tuple[int, int, int, int]:
        """Return how a clique's table reads an array over `inner`, which is the message of `child` if that is given.

        That is the place of the whole map or -1, the length of the runs, whether they advance, and the place of the
        map of runs. A run is a stretch of the table over which the smaller array is either read straight on or stands
        still; a shortened table is read entry by entry.
        """
        table = self.plan.cliques[number].variables
        kept = self.support.tables[number]
        if kept is not None:
            index = self.sparse_index(kept, table, inner)
            rank = self.support.ranks[child] if child >= 0 else None
            place = self.store_map(index if rank is None else rank[index])
            return place, 1, 1, place
        sizes = self.plan.sizes
        together = 0
        while together < min(len(table), len(inner)) and table[-1 - together] == inner[-1 - together]:
            together += 1
        advancing = together > 0
        if not advancing:
            inside = set(inner)
            while together < len(table) and table[-1 - together] not in inside:
                together += 1
        run = math.prod(sizes[v] for v in table[len(table) - together :])
        whole = self.index_map(table, inner) if self.laned else -1
        if run < SHORTEST_RUN:
            return whole, 1, 1, whole if self.laned else self.index_map(table, inner)
        return whole, run, int(advancing), self.index_map(table[: len(table) - together], inner)

    def sparse_index(self, kept: Integers, table: Sequence[int], inner: Sequence[int]) -> NDArray[np.int32]:
        """Return for each kept entry of a table the entry of an array over `inner` (C order)."""
        sizes = self.plan.sizes
        index = np.zeros(len(kept), dtype=np.int32)
        stride = 1
        for v in reversed(inner):
            below = math.prod(sizes[w] for w in table[table.index(v) + 1 :])
            index += (kept // below % sizes[v] * stride).astype(np.int32)
            stride *= sizes[v]
        return index

    def store_map(self, index: NDArray[np.int32]) -> int:
        """Keep an index map; return its place."""
        place = self.map_entries
        self.maps.append(index.reshape(-1))
        self.map_entries += index.size
        return place

    def constant_reference(self, number: int, constant: Array) -> tuple[int, int, int, int, int]:
        """Store a clique's constant factor; return its first entry and how the table reads it."""
        variables = self.plan.cliques[number].variables
        kept = self.support.tables[number]
        inner = [v for v, n in zip(variables, constant.shape, strict=False) if n > 1]
        if kept is None:
            return self.constant(None, constant), *self.reference(number, inner)
        values = constant.reshape(-1)[self.sparse_index(kept, variables, inner)]
        straight = self.store_map(np.arange(len(kept), dtype=np.int32)) if self.laned else -1
        return self.constant(None, values), straight, len(kept), 1, self.store_map(np.zeros(1, dtype=np.int32))

    def address(self, fixed: Sequence[tuple[int, int]]) -> tuple[int, int]:
        """Store (variable, stride) pairs; return where they start and end."""
        start = len(self.load_terms)
        self.load_terms += [(self.slots[v], stride) for v, stride in fixed]
        return start, len(self.load_terms)


def lower_program(program: Program, potentials: Sequence[Potential], targets: Sequence[int]) -> Lowered | None:
    """Return the flat form of `program`, or None when it is too large for index maps.

    Parameters
    ----------
    program
        What to lower.
    potentials
        The numbers it was compiled with.
    targets
        Variables whose posterior is wanted, all of them in the plan.
    """
    plan = program.plan
    if plan.entries > LARGEST_PLAN:
        return None
    work = _Lowering(program, potentials, find_support(program))
    products: list[tuple[int, ...]] = []
    product_starts = [0]
    factors: dict[int, int] = {}
    moving = {index for own in program.moving for index in own}
    work.scalar_start = work.room(len(plan.scalars))
    for clique in plan.cliques:
        for index in clique.pieces:
            if index in moving:
                factors[index] = _load_piece(work, index)
    for place, index in enumerate(plan.scalars):
        _load_scalar(work, index, work.scalar_start + place)
    tables = [work.room(table) for table, _ in work.support.sizes]
    messages = [work.room(message) for _, message in work.support.sizes]
    work.zeroed = work.entries
    told = [work.room(message) for _, message in work.support.sizes]
    children: list[list[int]] = [[] for _ in plan.cliques]
    for number, clique in enumerate(plan.cliques):
        if clique.parent >= 0:
            children[clique.parent].append(number)
    for number in range(len(plan.cliques)):
        constant = program.constant[number]
        if constant is not None:
            products.append((1, *work.constant_reference(number, constant)))
        for index in program.moving[number]:
            scope = plan.pieces[index].scope
            products.append((0, factors[index], *work.reference(number, scope)))
        products += [
            (0, messages[child], *work.reference(number, plan.cliques[child].separator, child))
            for child in children[number]
        ]
        product_starts.append(len(products))
    return _finish(work, tables, messages, told, children, products, product_starts, targets)


def _load_piece(work: _Lowering, index: int) -> int:
    """Write the steps that compute a piece; return the first entry of the result."""
    piece = work.plan.pieces[index]
    size = math.prod(work.plan.sizes[v] for v in piece.scope)
    target = work.room(size)
    if isinstance(piece, Weights):
        work.soft_places.append((piece.variable, target, size))
    elif isinstance(piece, Slice):
        _load_slice(work, piece, target, size)
    elif isinstance(piece, Link):
        _load_link(work, piece, target)
    # Other pieces are constant: they are part of their table before any loading.
    return target


def _load_scalar(work: _Lowering, index: int, target: int) -> None:
    piece = work.plan.pieces[index]
    if isinstance(piece, Weights):
        work.soft_scalars.append((piece.variable, target))
    elif isinstance(piece, Slice):
        _load_slice(work, piece, target, 1)
    elif isinstance(piece, Survival):
        term = _noisy(work, piece.potential).terms[piece.term]
        source = work.constant((piece.potential, piece.term, "lowest"), term.values[..., 0])
        _step(work, GATHER, target, 1, source, [] if term.parent is None else [(term.parent, 1)])
    elif isinstance(piece, Link):
        _load_link(work, piece, target)


def _load_slice(work: _Lowering, piece: Slice, target: int, size: int) -> None:
    dense = work.potentials[piece.potential]
    assert isinstance(dense, Dense)
    inside = set(piece.scope)
    hard = [axis for axis, v in enumerate(dense.scope) if v not in inside]
    free = [axis for axis, v in enumerate(dense.scope) if v in inside]
    source = work.constant((piece.potential, tuple(hard)), dense.values.transpose(*hard, *free))
    fixed = []
    stride = size
    for axis in reversed(hard):
        fixed.append((dense.scope[axis], stride))
        stride *= dense.values.shape[axis]
    _step(work, GATHER, target, size, source, fixed)


def _load_link(work: _Lowering, piece: Link, target: int) -> None:
    noisy = _noisy(work, piece.potential)
    classes = 2 if piece.raised else work.plan.sizes[noisy.child]
    start = work.room(classes) if piece.constants else -1
    for place, index in enumerate(piece.constants):
        term = noisy.terms[index]
        table = _classes(term.values, piece.raised)
        source = work.constant((piece.potential, index, piece.raised), table)
        fixed = [(noisy.child, classes)] if piece.raised else []
        rows = table.size // (1 if term.parent is None else term.values.shape[0])
        fixed += [] if term.parent is None else [(term.parent, rows)]
        # The tables of a raised child start at state one.
        shift = classes if piece.raised else 0
        _step(work, JOIN if place else GATHER, start, classes, source - shift, fixed)
    if piece.term is None:
        _step(work, PICK, target, 1 if piece.raised else classes, start + int(piece.raised), [])
        return
    term = noisy.terms[piece.term]
    contribution = np.moveaxis(_classes(term.values, piece.raised), 0, -2) if piece.raised else term.values
    parents = term.values.shape[0]
    if piece.first and piece.constants:
        source = work.constant((piece.potential, piece.term, "first"), contribution)
        fixed = [(noisy.child, parents * classes)] if piece.raised else []
        shift = parents * classes if piece.raised else 0
        last = int(piece.raised and piece.last)
        _step(work, FIRST, target, classes, source - shift, fixed, (start, parents, last))
        return
    nothing = Evidence({}, {})
    if piece.raised:
        tables = [
            build_factor(piece, work.potentials, Evidence({noisy.child: np.array([state])}, {}), PLAIN)[..., 0]
            for state in range(1, work.plan.sizes[noisy.child])
        ]
        size = tables[0].size
        source = work.constant((piece.potential, piece.term, "raised", piece.first, piece.last), np.stack(tables))
        _step(work, GATHER, target, size, source - size, [(noisy.child, size)])
        return
    table = build_factor(piece, work.potentials, nothing, PLAIN)
    _step(work, GATHER, target, table.size, work.constant(None, table), [])


def _step(
    work: _Lowering,
    kind: int,
    target: int,
    size: int,
    source: int,
    fixed: Sequence[tuple[int, int]],
    first: tuple[int, int, int] = (0, 0, 0),
) -> None:
    begin, end = work.address(fixed)
    del end
    start, parents, last = first
    work.loads.append((kind, target, size, source, begin, len(fixed), start, parents * 2 + last))


def _classes(values: Array, raised: bool) -> Array:
    """Return contributions by class: as they are, or for each state from one on, (below it, at it)."""
    if not raised:
        return values
    below = np.cumsum(values, axis=-1)[..., :-1]
    return np.stack([below, values[..., 1:]], axis=-1)


def _noisy(work: _Lowering, index: int) -> NoisyMax:
    potential = work.potentials[index]
    assert isinstance(potential, NoisyMax)
    return potential


def _finish(
    work: _Lowering,
    tables: Sequence[int],
    messages: Sequence[int],
    told: Sequence[int],
    children: Sequence[Sequence[int]],
    products: Sequence[tuple[int, ...]],
    product_starts: Sequence[int],
    targets: Sequence[int],
) -> Lowered:
    plan = work.plan
    sizes = plan.sizes
    segment_starts = np.cumsum([0, *(sizes[v] for v in targets)])
    posterior_start = work.room(int(segment_starts[-1]))
    wanted: list[list[int]] = [[] for _ in plan.cliques]
    for place, v in enumerate(targets):
        wanted[work.program.homes[v]].append(place)
    scatters: list[tuple[int, ...]] = []
    scatter_starts = [0]
    cliques = []
    busy = _ancestors(plan.cliques, wanted)
    for number, clique in enumerate(plan.cliques):
        scatters += [
            (0, told[child], *work.reference(number, plan.cliques[child].separator, child))
            for child in children[number]
            if busy[child]
        ]
        for target in wanted[number]:
            start = posterior_start + int(segment_starts[target])
            scatters.append((1, start, *work.reference(number, (targets[target],))))
        scatter_starts.append(len(scatters))
        entries, sent = work.support.sizes[number]
        through = -1
        if work.support.tables[number] is not None:
            through = work.reference(number, clique.separator, number)[0]
        down = told[number], busy[number], through
        cliques.append((tables[number], entries, messages[number], sent, clique.parent, *down))
    return Lowered(
        constants=np.concatenate([*work.constants, np.zeros(1)]),
        loads=np.array(work.loads, dtype=np.int64).reshape(-1, 8),
        load_terms=np.array(work.load_terms, dtype=np.int64).reshape(-1, 2),
        cliques=np.array(cliques, dtype=np.int64).reshape(-1, 8),
        products=np.array(products, dtype=np.int64).reshape(-1, 6),
        product_starts=np.array(product_starts, dtype=np.int64),
        scatters=np.array(scatters, dtype=np.int64).reshape(-1, 6),
        scatter_starts=np.array(scatter_starts, dtype=np.int64),
        maps=np.concatenate([*work.maps, np.zeros(1, dtype=np.int32)]),
        soft_places=tuple(work.soft_places),
        entries=work.entries,
        zeroed=work.zeroed,
        posterior_start=posterior_start,
        posterior_entries=int(segment_starts[-1]),
        targets=tuple(targets),
        segment_starts=segment_starts[:-1].astype(np.int64),
        soft_scalars=tuple(work.soft_scalars),
        scalar_start=work.scalar_start,
        scalars=len(plan.scalars),
        hard=plan.pattern.hard,
        laned=work.laned,
    )


def _ancestors(cliques: Sequence[Clique], wanted: Sequence[Sequence[int]]) -> list[bool]:
    """Return which cliques the downward pass must reach: those with a posterior, and everything above them."""
    busy = [bool(own) for own in wanted]
    for number, clique in enumerate(cliques):
        if busy[number] and clique.parent >= 0:
            busy[clique.parent] = True
    return busy
