"""How the maxima inside a network are taken apart: each noisy-max along the order in which its parents are summed out.

A noisy-max is a maximum of independent contributions, and a maximum may be taken in any order and in any grouping. So
no grouping is fixed beforehand. Variables are eliminated greedily, cheapest table first, and contributions to the same
child meet only when a table happens to hold two of them: then a small auxiliary variable, the larger of the two, takes
their place. What comes out is a tree of maxima for each noisy-max, fitted to the order, and the order itself.

References
----------
Zhang, N. L. & Poole, D. (1996). Exploiting causal independence in Bayesian network inference. JAIR 5, 301-328.
"""

from __future__ import annotations

__all__ = ["Decomposition", "decompose"]

import math
import random
from dataclasses import dataclass, field

from toetwitch.engine.ordering import members
from toetwitch.engine.reduction import Link, Maximum, Piece, Reduction, Slice, Survival, Weights, relevant
from toetwitch.engine.structure import NoisyMaxShape, Pattern, Structure


@dataclass(frozen=True, slots=True)
class Decomposition:
    """Pieces, the order they were made for, and its cost.

    Attributes
    ----------
    reduction
        The pieces, over the network's variables and auxiliary ones.
    order
        All variables of the reduction, first eliminated first.
    entries
        Sum of the tables met, an estimate.
    """

    reduction: Reduction
    order: tuple[int, ...]
    entries: float


@dataclass(slots=True, eq=False)
class _Slot:
    """The running maximum of one noisy-max: where its contributions meet."""

    potential: int
    constants: tuple[int, ...]
    raised: bool
    classes: int
    child: int
    started: bool = False


@dataclass(slots=True, eq=False)
class _Factor:
    """A table of the simulated elimination: its variables, and which auxiliary variable stands for each slot.

    A contribution not yet met by another has a term and no auxiliary variable.
    """

    scope: int
    partial: dict[int, int] = field(default_factory=dict)
    term: int = -1
    parent: int = -1


class _Simulation:
    """An elimination of bits: variables below `count`, slots from there on."""

    def __init__(self, structure: Structure, pattern: Pattern, seed: int, noise: float) -> None:
        self.structure = structure
        self.sizes = list(structure.sizes)
        self.count = len(self.sizes)
        self.pieces: list[Piece] = []
        self.order: list[int] = []
        self.slots: dict[int, _Slot] = {}
        self.factors: dict[int, _Factor] = {}
        self.next_factor = 0
        self.holding: dict[int, set[int]] = {}
        self.log_size = [math.log2(size) for size in self.sizes]
        self.entries = 0.0
        self.waiting: set[int] = set()
        self.chance = random.Random(seed)
        self.noise = noise
        self.slot_bits = 0
        hard = frozenset(pattern.hard)
        kept, consumed = relevant(structure, pattern)
        self.remaining = {v for v in range(self.count) if v not in hard and v not in consumed}
        self.free = tuple(sorted(self.remaining))
        for index in kept:
            self._take_up(index, hard, pattern.raised)
        self.pieces += [Weights(v, () if v in hard else (v,)) for v in pattern.soft]
        if pattern.together:
            self._hold(_Factor(_bits(pattern.together)))

    def _take_up(self, index: int, hard: frozenset[int], raised: frozenset[int]) -> None:
        shape = self.structure.shapes[index]
        if not isinstance(shape, NoisyMaxShape):
            scope = tuple(v for v in shape.scope if v not in hard)
            self.pieces.append(Slice(index, scope))
            if scope:
                self._hold(_Factor(_bits(scope)))
            return
        free = [(term, p) for term, p in enumerate(shape.parents) if p is not None and p not in hard]
        constants = tuple(term for term, p in enumerate(shape.parents) if p is None or p in hard)
        observed = shape.child in hard
        if observed and shape.child not in raised:
            self.pieces += [Survival(index, term, ()) for term in constants]
            self.pieces += [Survival(index, term, (parent,)) for term, parent in free]
        elif not free:
            ends = () if observed else (shape.child,)
            self.pieces.append(Link(index, None, constants, True, True, observed, ends))
            if ends:
                self._hold(_Factor(_bits(ends)))
        else:
            bit = self.count + len(self.slots)
            classes = 2 if observed else self.sizes[shape.child]
            self.slots[bit] = _Slot(index, constants, observed, classes, shape.child)
            self.log_size.append(math.log2(classes))
            for term, parent in free:
                self._hold(_Factor(1 << parent | 1 << bit, {}, term, parent))
            if not observed:
                self.waiting.add(shape.child)

    def run(self) -> Decomposition:
        self.slot_bits = sum(1 << bit for bit in self.slots)
        for bit in list(self.slots):
            self._close_if_alone(bit)
        scores = {bit: self._score(bit) for bit in (*self.remaining, *self.slots) if self._ready(bit)}
        while scores:
            bit = min(scores, key=scores.__getitem__)
            del scores[bit]
            changed = self._eliminate(bit)
            for other in members(changed):
                if self._ready(other):
                    scores[other] = self._score(other)
                else:
                    scores.pop(other, None)
        # The last maximum of each noisy-max is the child itself, so some auxiliary variables are not there any more.
        auxiliary = sorted(v for v in self.order if v >= self.count)
        rename = {v: self.count + place for place, v in enumerate(auxiliary)}
        sizes = (*self.structure.sizes, *(self.sizes[v] for v in auxiliary))
        renamed = tuple(_renamed(piece, rename) for piece in self.pieces)
        variables = (*self.free, *range(self.count, len(sizes)))
        reduction = Reduction(sizes, renamed, variables)
        return Decomposition(reduction, tuple(rename.get(v, v) for v in self.order), self.entries)

    def _hold(self, factor: _Factor) -> int:
        number = self.next_factor
        self.next_factor += 1
        self.factors[number] = factor
        for bit in members(factor.scope):
            self.holding.setdefault(bit, set()).add(number)
        return number

    def _drop(self, number: int) -> _Factor:
        factor = self.factors.pop(number)
        for bit in members(factor.scope):
            self.holding[bit].discard(number)
        return factor

    def _ready(self, bit: int) -> bool:
        if bit >= self.count:
            return bool(self.holding.get(bit))
        return bit in self.remaining and bit not in self.waiting

    def _score(self, bit: int) -> tuple[float, float, int]:
        union = 0
        met = 0
        twice: list[int] = []
        single = False
        for number in self.holding.get(bit, ()):
            factor = self.factors[number]
            union |= factor.scope
            if factor.term >= 0:
                single = True
            else:
                slots = factor.scope & self.slot_bits
                twice += members(met & slots)
                met |= slots
        # Where two partial maxima meet, both and the larger stand in the table at once.
        meeting = sum([self.log_size[slot] for slot in twice])
        extra = 1.0 if twice or single else 0.0
        weight = sum([self.log_size[other] for other in members(union)]) + meeting + extra
        # Closing a slot removes nothing from the network, so a variable of equal cost goes first.
        late = 1e-3 if bit >= self.count else 0.0
        jitter = self.chance.random()
        return (weight + late + self.noise * jitter, jitter, bit)

    def _eliminate(self, bit: int) -> int:
        """Join every factor that holds `bit`, sum it out, and return the bits whose scores may have changed."""
        numbers = sorted(self.holding.get(bit, ()), key=lambda n: (self.factors[n].scope.bit_count(), n))
        parts = [self._drop(number) for number in numbers]
        if not parts:
            self.remaining.discard(bit)
            self.order.append(bit)
            return 0
        whole = parts[0]
        for part in parts[1:]:
            whole = self._join(whole, part)
        if len(parts) == 1:
            self.entries += 2.0 ** min(1000.0, self._weight(whole.scope))
        changed = whole.scope
        if bit < self.count:
            self._materialise(whole)
            self.remaining.discard(bit)
            self.order.append(bit)
            whole.scope &= ~(1 << bit)
        if whole.scope:
            self._hold(whole)
        for slot in members(changed):
            if slot >= self.count:
                changed |= self._close_if_alone(slot)
        return changed

    def _weight(self, scope: int) -> float:
        return sum([self.log_size[bit] for bit in members(scope)])

    def _materialise(self, factor: _Factor) -> None:
        """Give a lone contribution its auxiliary variable."""
        if factor.term < 0:
            return
        (bit,) = (b for b in members(factor.scope) if b >= self.count)
        slot = self.slots[bit]
        upper = self._auxiliary(slot)
        constants = () if slot.started else slot.constants
        slot.started = True
        scope = (factor.parent, upper)
        self.pieces.append(Link(slot.potential, factor.term, constants, True, False, slot.raised, scope))
        factor.partial = {bit: upper}
        factor.term = factor.parent = -1

    def _auxiliary(self, slot: _Slot) -> int:
        self.sizes.append(slot.classes)
        return len(self.sizes) - 1

    def _join(self, left: _Factor, right: _Factor) -> _Factor:
        """Multiply two factors; where both contribute to the same noisy-max, take the maximum."""
        shared = [bit for bit in members(left.scope & right.scope) if bit >= self.count]
        union = left.scope | right.scope
        met = sum([self.log_size[bit] for bit in shared]) if left.term < 0 and right.term < 0 else 0.0
        self.entries += 2.0 ** min(1000.0, self._weight(union) + met + (1.0 if shared else 0.0))
        if left.term >= 0 and right.term < 0 and shared:
            left, right = right, left
        self._materialise(left)
        if not shared:
            self._materialise(right)
            return _Factor(union, {**left.partial, **right.partial})
        partial = {**left.partial, **right.partial}
        for bit in shared:
            slot = self.slots[bit]
            lower = left.partial[bit]
            upper = self._auxiliary(slot)
            if right.term >= 0:
                scope = (right.parent, lower, upper)
                self.pieces.append(Link(slot.potential, right.term, (), False, False, slot.raised, scope))
                self.order.append(lower)
            else:
                other = right.partial[bit]
                self.pieces.append(Maximum(slot.classes, False, (lower, other, upper)))
                self.order += [lower, other]
            partial[bit] = upper
        return _Factor(union, partial)

    def _close_if_alone(self, bit: int) -> int:
        """Finish a noisy-max whose contributions have all met; return the bits whose scores may have changed."""
        holders = self.holding.get(bit, set())
        if len(holders) != 1:
            return 0
        factor = self._drop(next(iter(holders)))
        self._materialise(factor)
        slot = self.slots[bit]
        top = factor.partial.pop(bit)
        factor.scope &= ~(1 << bit)
        if slot.raised:
            self._replace_top(top, None)
        else:
            self._replace_top(top, slot.child)
            self.waiting.discard(slot.child)
            factor.scope |= 1 << slot.child
        if factor.scope:
            self._hold(factor)
        return factor.scope

    def _replace_top(self, top: int, child: int | None) -> None:
        """Let the last maximum of a noisy-max be its child, or, when that is observed, leave it out."""
        for place in range(len(self.pieces) - 1, -1, -1):
            piece = self.pieces[place]
            if isinstance(piece, Link | Maximum) and piece.scope and piece.scope[-1] == top:
                ends = () if child is None else (child,)
                scope = (*piece.scope[:-1], *ends)
                if isinstance(piece, Link):
                    self.pieces[place] = Link(
                        piece.potential, piece.term, piece.constants, piece.first, True, piece.raised, scope
                    )
                else:
                    self.pieces[place] = Maximum(piece.classes, child is None, scope)
                return


def decompose(structure: Structure, pattern: Pattern, *, seed: int = 0, noise: float = 0.0) -> Decomposition:
    """Take the maxima of a network apart along a greedy elimination.

    Parameters
    ----------
    structure, pattern
        The network and the question, without numbers.
    seed, noise
        Random addition to the base-two logarithm of each table's size: other trees, sometimes cheaper ones.
    """
    return _Simulation(structure, pattern, seed, noise).run()


def _bits(scope: tuple[int, ...]) -> int:
    bits = 0
    for variable in scope:
        bits |= 1 << variable
    return bits


def _renamed(piece: Piece, rename: dict[int, int]) -> Piece:
    scope = tuple(rename.get(v, v) for v in piece.scope)
    if scope == piece.scope:
        return piece
    if isinstance(piece, Link):
        return Link(piece.potential, piece.term, piece.constants, piece.first, piece.last, piece.raised, scope)
    if isinstance(piece, Maximum):
        return Maximum(piece.classes, piece.last, scope)
    return piece
