"""Laws of the stated numbers: what a table says in so many words is what the network answers."""

# ruff: noqa: D401 (the docstring of a law is its statement)
from __future__ import annotations

__all__ = ["expanded", "odds_ratios_hold", "prevalence_holds", "stated_alone"]

import math
from collections.abc import Iterator, Mapping, Sequence

from toetwitch.errors import ImpossibleEvidenceError
from toetwitch.knowledge.estimate import Estimate
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.table import Cpt, Logistic, NoisyMax
from toetwitch.testing.adapters import Adapter
from toetwitch.testing.laws.law import LawBrokenError, agree, asked, close, law_of, pick
from toetwitch.testing.oracle import expand
from toetwitch.testing.strategies import Question

ODDS_TOLERANCE = 1e-7
"""Relative; odds of rare things are quotients of small numbers."""


@law_of("any", enumerates=True)
def expanded(adapter: Adapter, question: Question) -> None:
    """Logistic and noisy-MAX tables equal their expansion into explicit tables."""
    network = question.network
    full = expand(network)
    tables = tuple(Cpt(v.id, network.parents(v.id), full[v.id]) for v in network.variables)
    answer = asked(adapter, NetworkDefinition(network.variables, tables), question.evidence)
    agree(asked(adapter, network, question.evidence), answer, "as with every table written out")


@law_of("any")
def prevalence_holds(adapter: Adapter, question: Question) -> None:
    """Where a table cites a marginal, the network's own marginal is that number."""
    network = question.network
    for given, cited in _cited(network).items():
        if any(adapter.posterior_of(network, {}, [id])[id][state] == 0 for id, state in given):
            continue
        answer = adapter.posterior_of(network, dict(given), list(dict.fromkeys(id for id, _ in cited)))
        for (id, state), p in cited.items():
            close(answer[id][state], p, f"P({id} = {state} | {_said(dict(given))})")


def _cited(network: NetworkDefinition) -> dict[tuple[tuple[str, str], ...], dict[tuple[str, str], float]]:
    """Return what is given, and then which probability is cited for which id and state."""
    found: dict[tuple[tuple[str, str], ...], dict[tuple[str, str], float]] = {}
    for table in network.tables:
        if isinstance(table, Logistic) and table.anchor.kind == "prevalence":
            for state, cited in table.anchor.bands.items():
                found.setdefault(((table.anchor.by, state),), {})[table.child, "true"] = cited.value
            if table.anchor.overall is not None and not table.anchor.bands:
                found.setdefault((), {})[table.child, "true"] = table.anchor.overall.value
        elif isinstance(table, NoisyMax) and table.leak.kind == "prevalence":
            for state, cited in table.leak.overall.items():
                found.setdefault((), {})[table.child, state] = cited.value
    return found


@law_of("any")
def stated_alone(adapter: Adapter, question: Question) -> None:
    """P(finding | this cause alone) is what the link states, and without any cause it is the background."""
    network = question.network
    tables = [t for t in network.tables if isinstance(t, NoisyMax) and not t.leak.bands]
    for table in pick(question, tables, 4):
        quiet = _quiet(network, table)
        if quiet is None:
            continue
        for given, stated in [*_backgrounds(network, table, quiet), *_alone(table, quiet)]:
            try:
                got = adapter.posterior_of(network, given, [table.child])[table.child]
            except ImpossibleEvidenceError:
                continue
            for state, estimate in stated.items():
                close(got[state], estimate.value, f"P({table.child} = {state} | {_said(given)})")


@law_of("any")
def odds_ratios_hold(adapter: Adapter, question: Question) -> None:
    """Changing one risk changes the log-odds of a logistic child by the stated effects, all else equal."""
    network, rng = question.network, question.rng
    tables = [t for t in network.tables if isinstance(t, Logistic) and t.effects]
    for table in pick(question, tables, 4):
        states = {p: str(rng.choice(network.by_id[p].states)) for p in table.parents}
        first = _log_odds(adapter, network, states, table.child)
        changed = [p for p in table.parents if p != table.anchor.by]
        for parent in changed:
            for state in network.by_id[parent].states:
                other = {**states, parent: state}
                second = _log_odds(adapter, network, other, table.child)
                if first is None or second is None:
                    continue
                expected = _effects(table, other) - _effects(table, states)
                got = second - first
                if abs(got - expected) > ODDS_TOLERANCE * max(1.0, abs(expected)):
                    raise LawBrokenError(
                        f"from {parent} = {states[parent]} to {state} the log-odds of {table.child} change by "
                        f"{got:.9g}; expected {expected:.9g}, with {_said(states)} otherwise"
                    )


def _effects(table: Logistic, states: Mapping[str, str]) -> float:
    total = 0.0
    for effect in table.effects:
        if all(states[p] in held for p, held in effect.when.items()):
            size = effect.size.value
            if effect.stated_as == "odds_ratio":
                total += math.log(size)
            else:
                base = table.anchor.overall.value if table.anchor.overall else math.nan
                total += math.log(size / (1 - size)) - math.log(base / (1 - base))
    return total


def _log_odds(adapter: Adapter, network: NetworkDefinition, given: Mapping[str, str], child: str) -> float | None:
    """Return the log-odds of a child, or None where they cannot be had from a double."""
    try:
        p = adapter.posterior_of(network, given, [child])[child]
    except ImpossibleEvidenceError:
        return None
    if not min(p["true"], p["false"]) > 1e-6:
        return None
    return math.log(p["true"]) - math.log(p["false"])


def _quiet(network: NetworkDefinition, table: NoisyMax) -> dict[str, str] | None:
    """Return for each parent a state in which it does nothing, or None when one has none."""
    quiet: dict[str, str] = {}
    for parent in table.parents:
        acting = {link.parent_state for link in table.links if link.parent == parent}
        silent = [state for state in network.by_id[parent].states if state not in acting]
        if not silent:
            return None
        quiet[parent] = silent[0]
    return quiet


def _backgrounds(
    network: NetworkDefinition, table: NoisyMax, quiet: Mapping[str, str]
) -> Iterator[tuple[dict[str, str], Mapping[str, Estimate]]]:
    if table.leak.kind == "leak":
        yield dict(quiet), table.leak.overall
    elif table.leak.kind == "specificity":
        top = network.by_id[table.child].states[-1]
        yield dict(quiet), {network.by_id[table.child].states[0]: table.leak.overall[top]}


def _alone(table: NoisyMax, quiet: Mapping[str, str]) -> Sequence[tuple[dict[str, str], Mapping[str, Estimate]]]:
    return [({**quiet, link.parent: link.parent_state}, link.probabilities) for link in table.links]


def _said(given: Mapping[str, str]) -> str:
    return ", ".join(f"{id} = {state}" for id, state in given.items()) or "nothing"
