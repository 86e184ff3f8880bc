"""Slow, obvious answers by full enumeration; shares no code with the engine.

A network is a list of sizes and a list of plain tables. Noisy-max nodes are expanded by summing over every combination
of their independent contributions.
"""

from __future__ import annotations

import itertools
import math
from fractions import Fraction


def noisy_table(sizes, child, terms):
    """Expand contributions (parent or None, rows) into a dictionary from parent and child states to probability."""
    parents = [parent for parent, _ in terms if parent is not None]
    table = {}
    for states in itertools.product(*(range(sizes[p]) for p in parents)):
        rows, given = [], iter(states)
        for parent, values in terms:
            rows.append(values if parent is None else values[next(given)])
        for result in range(sizes[child]):
            table[(*states, result)] = sum(
                (math.prod(row[c] for row, c in zip(rows, combination, strict=True)))
                for combination in itertools.product(range(sizes[child]), repeat=len(rows))
                if max(combination) == result
            )
    return (*parents, child), table


def dense_table(scope, values):
    """Read an array into a dictionary from states to entry."""
    table = {}
    for states in itertools.product(*(range(n) for n in values.shape)):
        table[states] = Fraction(float(values[states]))
    return tuple(scope), table


def weights_of(sizes, tables, hard, soft):
    """Yield every complete assignment that agrees with the evidence, and its exact weight."""
    for states in itertools.product(*(range(n) for n in sizes)):
        if any(states[v] != s for v, s in hard.items()):
            continue
        weight = Fraction(1)
        for v, w in soft.items():
            weight *= Fraction(float(w[states[v]]))
        for scope, table in tables:
            if not weight:
                break
            weight *= table[tuple(states[v] for v in scope)]
        yield states, weight


def log_of(value):
    """Natural logarithm of a fraction of any size."""
    if value == 0:
        return -math.inf
    shift = value.numerator.bit_length() - value.denominator.bit_length()
    scaled = value / Fraction(2) ** shift
    return math.log(float(scaled)) + shift * math.log(2)


def marginals(sizes, tables, hard, soft):
    """Return log P(e) and the posterior of every variable; None for posteriors of impossible evidence."""
    total = Fraction(0)
    sums = [[Fraction(0)] * n for n in sizes]
    for states, weight in weights_of(sizes, tables, hard, soft):
        total += weight
        for v, s in enumerate(states):
            sums[v][s] += weight
    if not total:
        return -math.inf, None
    return log_of(total), [[float(x / total) for x in row] for row in sums]


def joint(sizes, tables, hard, soft, scope):
    """Return the joint posterior of `scope` as a dictionary."""
    total = Fraction(0)
    sums = {}
    for states, weight in weights_of(sizes, tables, hard, soft):
        total += weight
        key = tuple(states[v] for v in scope)
        sums[key] = sums.get(key, Fraction(0)) + weight
    return {key: float(value / total) for key, value in sums.items()} if total else {}


def best(sizes, tables, hard, soft, count=1):
    """Return the largest weights, in logarithms, and their assignments."""
    ranked = sorted(weights_of(sizes, tables, hard, soft), key=lambda pair: -pair[1])
    return [(log_of(weight), states) for states, weight in ranked[:count]]
