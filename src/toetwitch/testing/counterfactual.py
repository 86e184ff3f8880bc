"""Counterfactuals by brute force: both worlds at once, every way that chance could have fallen.

Chance is made explicit. Each independent contribution of a noisy-OR (the background, every link, every inhibitor's
veto) is a coin of its own, thrown before it is known whether it will matter. A world is the coins and the states of all
other variables. In the other world one cause is absent, the coins lie as they fell, and findings are worked out anew;
what is not a noisy-OR stays as it was.

References
----------
Balke & Pearl (1994), Probabilistic evaluation of counterfactual queries. AAAI-94.
Richens, Lee & Johri (2020), Improving the accuracy of medical diagnosis with causal machine learning.
Nature Communications 11, 3923. doi:10.1038/s41467-020-17419-7
"""

from __future__ import annotations

__all__ = ["necessity"]

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

from toetwitch.errors import TableError
from toetwitch.evidence import Excluded, Jeffrey, Likelihood
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.table import NoisyMax
from toetwitch.testing.oracle import Enumeration

Coins = Mapping[str, tuple[bool, ...]]
World = dict[str, bool]


def necessity(
    network: NetworkDefinition, causes: Sequence[str], evidence: Mapping[str, object]
) -> dict[str, dict[str, float]]:
    """Return cause to finding to P(finding is present, and would be absent without this cause | evidence).

    Parameters
    ----------
    network
        Binary variables; noisy-ORs whose background is a plain leak, and explicit or logistic tables.
    causes
        Each is switched off in a world of its own.
    evidence
        Hard, excluded or likelihood evidence; findings are the noisy-ORs that it says are, or may be, present.

    Raises
    ------
    TableError
        For a variable of more than two states, or a leak with bands.

    Examples
    --------
    >>> from toetwitch.knowledge.estimate import Estimate
    >>> from toetwitch.knowledge.table import Cpt, Leak, Link
    >>> from toetwitch.knowledge.variable import Variable
    >>> p = Estimate.of
    >>> finding = NoisyMax("b", Leak("leak", {"true": p(0.1)}), (Link("a", {"true": p(0.55)}),))
    >>> network = NetworkDefinition((Variable("a"), Variable("b")), (Cpt("a", (), [0.8, 0.2]), finding))
    >>> round(necessity(network, ["a"], {"b": True})["a"]["b"], 4)
    0.4737
    """
    findings = [
        id for id, value in evidence.items() if isinstance(network.table_of[id], NoisyMax) and _may_be_present(value)
    ]
    total = 0.0
    because: dict[str, dict[str, float]] = {cause: dict.fromkeys(findings, 0.0) for cause in causes}
    for actual, coins, p in _worlds(network):
        weight = p * math.prod(_weight(value, actual[id]) for id, value in evidence.items())
        if weight == 0:
            continue
        total += weight
        for cause in causes:
            other = _without(network, actual, coins, cause)
            for finding in findings:
                if actual[finding] and not other[finding]:
                    because[cause][finding] += weight
    if total == 0:
        return because
    return {cause: {id: p / total for id, p in found.items()} for cause, found in because.items()}


def _may_be_present(value: object) -> bool:
    return value is not None and value is not False and value != "false" and _weight(value, True) > 0


def _weight(value: object, present: bool) -> float:
    state = "true" if present else "false"
    if isinstance(value, Excluded):
        return float(state not in {str(s).lower() for s in value.states})
    if isinstance(value, Likelihood):
        return float(value.weights.get(state, 0.0))
    if isinstance(value, Jeffrey):
        raise TableError("Jeffrey evidence in a counterfactual; expected hard, excluded or likelihood evidence")
    return float(str(value).lower() == state)


def _worlds(network: NetworkDefinition) -> Iterator[tuple[World, Coins, float]]:
    """Yield every way that everything could be: states, coins, probability."""
    for variable in network.variables:
        if len(variable.states) != 2:
            raise TableError(f"{variable.id!r} has {len(variable.states)} states; expected two")
    yield from _extended(network, Enumeration(network), 0, {}, {}, 1.0)


def _extended(
    network: NetworkDefinition, truth: Enumeration, k: int, world: World, coins: dict[str, tuple[bool, ...]], p: float
) -> Iterator[tuple[World, Coins, float]]:
    if k == len(truth.ids):
        yield dict(world), dict(coins), p
        return
    id = truth.ids[k]
    table = network.table_of[id]
    if isinstance(table, NoisyMax):
        for thrown, chance in _throws(table):
            if chance > 0:
                following = {**coins, id: thrown}
                now = {**world, id: _present(table, thrown, world)}
                yield from _extended(network, truth, k + 1, now, following, p * chance)
        return
    cell = tuple(int(world[parent]) for parent in table.parents)
    for present in (False, True):
        chance = float(truth.tables[id][(*cell, int(present))])
        if chance > 0:
            yield from _extended(network, truth, k + 1, {**world, id: present}, coins, p * chance)


def _throws(table: NoisyMax) -> Iterator[tuple[tuple[bool, ...], float]]:
    """Yield each fall of the coins of a noisy-OR, background first, and its probability."""
    if table.leak.bands or table.leak.kind != "leak":
        raise TableError(f"the background of {table.child!r} is not a plain leak")
    leak = table.leak.overall["true"].value
    chances = [leak]
    for link in table.links:
        stated = link.probabilities["true"].value
        if link.inhibits:
            chances.append(1 - stated / leak)
        else:
            chances.append((stated - leak) / (1 - leak))
    for thrown in itertools.product((False, True), repeat=len(chances)):
        yield thrown, math.prod(c if fell else 1 - c for c, fell in zip(chances, thrown, strict=True))


def _present(table: NoisyMax, thrown: Sequence[bool], world: World) -> bool:
    present, held_back = thrown[0], False
    for link, fell in zip(table.links, thrown[1:], strict=True):
        if fell and world[link.parent] == (link.parent_state == "true"):
            if link.inhibits:
                held_back = True
            else:
                present = True
    return present and not held_back


def _without(network: NetworkDefinition, actual: World, coins: Coins, cause: str) -> World:
    """Return the world with a cause absent, the coins as they fell, and noisy-ORs worked out anew."""
    other = {**actual, cause: False}
    for id in network.order:
        table = network.table_of[id]
        if isinstance(table, NoisyMax) and id != cause:
            other[id] = _present(table, coins[id], other)
    return other
