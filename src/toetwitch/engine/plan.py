"""The plan of a question: which tables to build, in which order, and what that costs, before any is built.

A plan is a frozen value made from sizes alone. It is a forest of cliques: each clique holds the pieces assigned to it,
sums out its residual variables and sends the rest, its separator, to its parent. One pass towards the roots gives the
probability of the evidence, one pass back every posterior.

References
----------
Lauritzen, S. L. & Spiegelhalter, D. J. (1988). Local computations with probabilities on graphical structures and their
application to expert systems. J. R. Stat. Soc. B 50, 157-224.
"""

from __future__ import annotations

__all__ = ["Clique", "Plan", "make_plan"]

import math
from collections.abc import Sequence
from dataclasses import dataclass

from toetwitch.engine.forest import Clique, clique_forest
from toetwitch.engine.ordering import Elimination, adjacency, eliminate
from toetwitch.engine.reduction import Link, Piece, Reduction, is_constant, reduce_network
from toetwitch.engine.structure import NoisyMaxShape, Pattern, Structure
from toetwitch.errors import BudgetExceededError

BYTES_PER_ENTRY = 8
EASY_ENTRIES = 3000.0
"""Below this many entries a run takes less than the search for a better order would."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a pattern of evidence is answered, and its predicted cost.

    Attributes
    ----------
    pattern
        The question.
    sizes
        Sizes of all variables, auxiliary ones last.
    pieces
        The factors, each of them in one clique, or a scalar.
    scalars
        Indices of the pieces without a variable.
    cliques
        Children before parents.
    order
        The elimination order.
    width
        Largest number of variables in one table, less one.
    entries
        Total size of the tables, per lane.
    operations
        Multiplications and additions of an upward and a downward pass, per lane.
    peak_bytes
        Memory that a run allocates, per lane.
    """

    pattern: Pattern
    sizes: tuple[int, ...]
    pieces: tuple[Piece, ...]
    scalars: tuple[int, ...]
    cliques: tuple[Clique, ...]
    order: tuple[int, ...]
    width: int
    entries: int
    operations: int
    peak_bytes: int

    def __str__(self) -> str:
        asked = self.pattern
        shown = " ".join(map(str, self.order[:40])) + (" ..." if len(self.order) > 40 else "")
        return (
            f"plan for {len(asked.hard)} observed, {len(asked.soft)} weighted, {len(asked.targets)} asked\n"
            f"  cliques      {len(self.cliques)}, {len(self.pieces)} factors\n"
            f"  width        {self.width}\n"
            f"  entries      {self.entries:,}\n"
            f"  operations   {self.operations:,}\n"
            f"  peak memory  {self.peak_bytes:,} bytes a lane\n"
            f"  order        {shown}"
        )

    def widest(self) -> tuple[int, ...]:
        """Return the variables of the largest table."""
        tables = [clique.variables for clique in self.cliques]
        return max(tables, key=lambda table: math.prod(self.sizes[v] for v in table), default=())


def make_plan(
    structure: Structure, pattern: Pattern, *, memory_budget: int, prune: bool = True, sum_first: bool = False
) -> Plan:
    """Return the cheapest plan found for `pattern`.

    Parameters
    ----------
    structure, pattern
        The network and the question, without numbers.
    memory_budget
        Largest predicted memory of a single-lane run, in bytes.
    prune
        False keeps barren variables.
    sum_first
        Sum auxiliary variables out before all others, as maximising over the others requires.

    Raises
    ------
    BudgetExceededError
        When the cheapest plan needs more than `memory_budget`.
    """
    reduction, elimination = _search(structure, pattern, prune, sum_first)
    plan = _build(structure, pattern, reduction, elimination)
    if plan.peak_bytes > memory_budget:
        clique = tuple(v for v in plan.widest() if v < len(structure.sizes))
        raise BudgetExceededError(
            f"the plan needs {plan.peak_bytes:,} bytes, more than the budget of {memory_budget:,}; the widest table "
            f"joins {len(plan.widest())} variables, of the network {clique}: observe one of them, ask for fewer "
            "targets, or raise the budget",
            clique=clique,
            bytes_needed=plan.peak_bytes,
            budget=memory_budget,
        )
    return plan


def _search(structure: Structure, pattern: Pattern, prune: bool, sum_first: bool) -> tuple[Reduction, Elimination]:
    """Try parent orders and greedy rules, longer the more the best so far costs."""
    count = len(structure.sizes)
    best: tuple[Reduction, Elimination] | None = None
    limit = math.inf
    for ranks in _parent_orders(structure, pattern):
        reduction = reduce_network(structure, pattern, lambda v, ranks=ranks: ranks[v], prune=prune)  # type: ignore[misc]
        scopes = [piece.scope for piece in reduction.pieces]
        graph = adjacency(len(reduction.sizes), [*scopes, pattern.together])
        early = range(count, len(reduction.sizes)) if sum_first else ()
        for rule in ("fill_then_weight", "weighted_fill", "weight"):
            found = eliminate(graph, reduction.sizes, reduction.variables, rule, first=early, limit=limit)
            if found is not None and (best is None or found.entries < best[1].entries):
                best = reduction, found
                limit = found.entries
            if limit <= EASY_ENTRIES:
                break
        chained = any(isinstance(piece, Link) and not (piece.first and piece.last) for piece in reduction.pieces)
        if limit <= EASY_ENTRIES or not chained:
            break
    if best is None:
        raise AssertionError("the first search has no limit")
    return best


def _parent_orders(structure: Structure, pattern: Pattern) -> Sequence[Sequence[float]]:
    """Return orders in which chains may take up their parents: all chains in the same one, so that they run abreast."""
    count = len(structure.sizes)
    hard = frozenset(pattern.hard)
    chains = [
        [parent for parent in shape.parents if parent is not None and parent not in hard]
        for shape in structure.shapes
        if isinstance(shape, NoisyMaxShape) and (shape.child in pattern.raised or shape.child not in hard)
    ]
    degree = [0.0] * count
    for chain in chains:
        for parent in chain:
            degree[parent] += 1.0
    rare_first = degree
    spread = _barycentres(count, chains)
    return rare_first, [-d for d in degree], spread


def _barycentres(count: int, chains: Sequence[Sequence[int]]) -> list[float]:
    """Return positions that put parents of the same chains near each other (a few sweeps of averaging)."""
    position = [float(v) for v in range(count)]
    for _ in range(10):
        pulled = [0.0] * count
        times = [0] * count
        for chain in chains:
            if chain:
                centre = sum(position[v] for v in chain) / len(chain)
                for v in chain:
                    pulled[v] += centre
                    times[v] += 1
        ranked = sorted(range(count), key=lambda v: (pulled[v] / times[v] if times[v] else position[v], v))
        for place, v in enumerate(ranked):
            position[v] = float(place)
    return position


def _build(structure: Structure, pattern: Pattern, reduction: Reduction, elimination: Elimination) -> Plan:
    fixed = frozenset(index for index, piece in enumerate(reduction.pieces) if is_constant(piece, structure))
    cliques = clique_forest(reduction, elimination, fixed)
    sizes = reduction.sizes
    tables = [math.prod(sizes[v] for v in clique.variables) for clique in cliques]
    separators = [math.prod(sizes[v] for v in clique.separator) for clique in cliques]
    children = [0] * len(cliques)
    for clique in cliques:
        if clique.parent >= 0:
            children[clique.parent] += 1
    operations = sum(
        table * (len(set(clique.pieces) - fixed) + 2 * child + 2) + 3 * separator
        for table, separator, clique, child in zip(tables, separators, cliques, children, strict=True)
    )
    scratch = max(tables, default=0)
    return Plan(
        pattern=pattern,
        sizes=sizes,
        pieces=reduction.pieces,
        scalars=tuple(index for index, piece in enumerate(reduction.pieces) if not piece.scope),
        cliques=cliques,
        order=elimination.order,
        width=max((len(clique.variables) for clique in cliques), default=0) - 1,
        entries=sum(tables),
        operations=operations,
        peak_bytes=BYTES_PER_ENTRY * (sum(tables) + 2 * sum(separators) + 2 * scratch),
    )
