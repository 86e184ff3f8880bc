"""A network as a card: what kinds of variables it has, and each with its states and parents. Nothing is inferred."""

from __future__ import annotations

__all__ = ["network_card"]

from collections import Counter

from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.variable import Variable
from toetwitch.markup import Markup, card, folded, paragraph, table

SHOWN = 12
"""Variables shown at once; a larger network is folded by kind."""

NAMED = 8
"""States or parents named in a cell before the rest is counted."""


def network_card(network: NetworkDefinition, title: str = "Bayesian network") -> Markup:
    """Return the variables of a network, by kind.

    Parameters
    ----------
    network
        The stated network.
    title
        What to call it.
    """
    children = Counter(parent for table in network.tables for parent in table.parents)
    arcs = sum(children.values())
    kinds = Counter(variable.kind for variable in network.variables)
    by_kind = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    parts: list[Markup] = [paragraph(f"{len(network.variables)} variables ({by_kind}) and {arcs} arcs.")]
    for kind, count in kinds.items():
        rows = [_row(network, variable, children[variable.id]) for variable in network.of_kind(kind)]
        whole = table(f"Variables of kind {kind}", ["Id", "Name", "States", "Parents", "Children"], rows)
        parts.append(whole if len(network.variables) <= SHOWN else folded(f"{kind} ({count})", whole))
    return card(title, *parts)


def _row(network: NetworkDefinition, variable: Variable, children: int) -> list[str]:
    parents = network.parents(variable.id)
    return [variable.id, variable.name, _some(variable.states), _some(parents) or "none", str(children)]


def _some(names: tuple[str, ...]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
