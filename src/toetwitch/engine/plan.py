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
from collections.abc import Iterable
from dataclasses import dataclass

from toetwitch.engine.decomposition import decompose
from toetwitch.engine.forest import Clique, clique_forest
from toetwitch.engine.ordering import RULES, Elimination, adjacency, eliminate, follow
from toetwitch.engine.reduction import Link, Piece, Reduction, is_constant, reduce_network
from toetwitch.engine.structure import Pattern, Structure
from toetwitch.errors import BudgetExceededError

BYTES_PER_ENTRY = 8
ENTRIES_PER_TRY = 50_000.0
"""A further try at a better order takes about as long as running this many entries a few times."""
MOST_TRIES = 8


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
    """Try several decompositions and greedy rules, more of them the more the best so far costs."""
    count = len(structure.sizes)
    if sum_first:
        reduction = reduce_network(structure, pattern, prune=prune)
        found = _greedy(reduction, pattern, "weight", first=range(count, len(reduction.sizes)))
        return reduction, _sure(found)
    best_parts = decompose(structure, pattern)
    tries = 1
    while tries < MOST_TRIES and best_parts.entries > tries * ENTRIES_PER_TRY and _has_links(best_parts.reduction):
        parts = decompose(structure, pattern, seed=tries, noise=1.0)
        best_parts = min(best_parts, parts, key=lambda one: one.entries)
        tries += 1
    reduction = best_parts.reduction
    best = follow(_graph(reduction, pattern), reduction.sizes, best_parts.order)
    for seed in range(MOST_TRIES):
        # A greedy pass takes time with the size of the graph, a run with the size of its tables.
        if best.entries <= ENTRIES_PER_TRY * (seed + 1) * max(1.0, len(reduction.variables) / 40.0):
            break
        for rule in RULES:
            found = _greedy(reduction, pattern, rule, seed=seed, limit=best.entries)
            if found is not None:
                best = found
    return reduction, best


def _greedy(
    reduction: Reduction,
    pattern: Pattern,
    rule: str,
    *,
    seed: int = 0,
    first: Iterable[int] = (),
    limit: float = math.inf,
) -> Elimination | None:
    graph = _graph(reduction, pattern)
    return eliminate(graph, reduction.sizes, reduction.variables, rule, seed=seed, first=first, limit=limit)


def _graph(reduction: Reduction, pattern: Pattern) -> list[int]:
    return adjacency(len(reduction.sizes), [*(piece.scope for piece in reduction.pieces), pattern.together])


def _has_links(reduction: Reduction) -> bool:
    return any(isinstance(piece, Link) and not (piece.first and piece.last) for piece in reduction.pieces)


def _sure(found: Elimination | None) -> Elimination:
    if found is None:
        raise AssertionError("a search without a limit always ends")
    return found


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
