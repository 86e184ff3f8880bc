"""Every number of a network, by a name that says where it stands.

A parameter's path is its address in questions and answers about single numbers: `urge_to_move.leak.true`,
`numbness.link[peripheral_neuropathy=true].true`, `restless_legs_syndrome.effect[sex=female]`.
"""

from __future__ import annotations

__all__ = ["Parameter", "parameters", "when_text"]

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from toetwitch.knowledge.estimate import Estimate
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.table import Cpt, Logistic, NoisyMax, Table


@dataclass(frozen=True, slots=True)
class Parameter:
    """A cited number and its place.

    Parameters
    ----------
    path
        The address.
    child
        The variable whose table holds it.
    estimate
        The number.
    scale
        "probability" or "odds_ratio".
    role
        "row", "prevalence", "baseline", "effect", "leak" or "link".
    mechanism
        Key of the mechanism, for effects and links; else "".
    """

    path: str
    child: str
    estimate: Estimate
    scale: str
    role: str
    mechanism: str = ""


def parameters(network: NetworkDefinition) -> tuple[Parameter, ...]:
    """Return the cited numbers of a network, table by table.

    A `Cpt` without cited rows has none. The lowest state of a binary row, leak or link is the complement of the
    other and is no parameter of its own.
    """
    return tuple(parameter for table in network.tables for parameter in _of_table(table))


def when_text(when: Mapping[str, tuple[str, ...]]) -> str:
    """Return a condition on parents as text.

    Examples
    --------
    >>> when_text({"sex": ("female",), "age_group": ("under_40", "40_to_59")})
    'sex=female,age_group=under_40|40_to_59'
    """
    return ",".join(f"{parent}={'|'.join(states)}" for parent, states in when.items())


def _of_table(table: Table) -> Iterator[Parameter]:
    if isinstance(table, Cpt):
        yield from _of_cpt(table)
    elif isinstance(table, Logistic):
        yield from _of_logistic(table)
    else:
        yield from _of_noisy_max(table)


def _of_cpt(table: Cpt) -> Iterator[Parameter]:
    for row in table.rows:
        states = tuple(row.probabilities)
        for state in states[1:] if len(states) == 2 else states:
            path = f"{table.child}.row[{when_text(row.when)}].{state}"
            yield Parameter(path, table.child, row.probabilities[state], "probability", "row")


def _of_logistic(table: Logistic) -> Iterator[Parameter]:
    child, anchor = table.child, table.anchor
    for state, estimate in anchor.bands.items():
        yield Parameter(f"{child}.{anchor.kind}[{state}]", child, estimate, "probability", anchor.kind)
    if anchor.overall is not None and not anchor.bands:
        yield Parameter(f"{child}.{anchor.kind}", child, anchor.overall, "probability", anchor.kind)
    for effect in table.effects:
        path = f"{child}.effect[{when_text(effect.when)}]"
        yield Parameter(path, child, effect.size, effect.stated_as, "effect", effect.mechanism)


def _of_noisy_max(table: NoisyMax) -> Iterator[Parameter]:
    child = table.child
    for state, estimate in table.leak.overall.items():
        yield Parameter(f"{child}.{table.leak.kind}.{state}", child, estimate, "probability", "leak")
    for band, mapping in table.leak.bands.items():
        for state, estimate in mapping.items():
            yield Parameter(f"{child}.leak[{band}].{state}", child, estimate, "probability", "leak")
    for link in table.links:
        for state, estimate in link.probabilities.items():
            path = f"{child}.link[{link.parent}={link.parent_state}].{state}"
            yield Parameter(path, child, estimate, "probability", "link", link.mechanism)
