"""Laws of sameness: what must not matter to an answer does not."""

# ruff: noqa: D401 (the docstring of a law is its statement)
from __future__ import annotations

__all__ = ["batch", "no_memory", "renaming", "reordering", "repeatable", "threads", "untouched"]

import contextlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from toetwitch.evidence import Excluded, Jeffrey, Likelihood, is_unknown
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.table import Anchor, Cpt, Effect, Leak, Logistic, Row, Table
from toetwitch.testing.adapters import Adapter, NotOfferedError
from toetwitch.testing.laws.law import LawBrokenError, agree, asked, law_of
from toetwitch.testing.strategies import Question

FEW = 12
"""Variables of a network that is cheap to build anew."""


@law_of("any", rebuilds=True)
def reordering(adapter: Adapter, question: Question) -> None:
    """The order in which variables, tables and findings are listed changes nothing."""
    network, rng = question.network, question.rng
    variables = [network.variables[k] for k in rng.permutation(len(network.variables))]
    tables = [network.tables[k] for k in rng.permutation(len(network.tables))]
    shuffled = NetworkDefinition(tuple(variables), tuple(tables))
    said = dict(reversed(list(question.evidence.items())))
    agree(asked(adapter, shuffled, said), asked(adapter, network, question.evidence), "as in another order")


@law_of("any", rebuilds=True)
def renaming(adapter: Adapter, question: Question) -> None:
    """Other names give the same numbers."""
    network = question.network
    # Names that sort the other way round, so that an order that hides in the spelling shows.
    names = {v.id: f"n{len(network.variables) - k:04d}" for k, v in enumerate(network.variables)}
    renamed = NetworkDefinition(
        tuple(replace(v, id=names[v.id]) for v in network.variables),
        tuple(_renamed(table, names) for table in network.tables),
    )
    answer = asked(adapter, network, question.evidence)
    got = asked(adapter, renamed, {names[id]: value for id, value in question.evidence.items()})
    agree({id: got[names[id]] for id in answer}, answer, "as under the first names")


@law_of("any")
def repeatable(adapter: Adapter, question: Question) -> None:
    """The same question twice has the same answer, bit for bit."""
    first = asked(adapter, question.network, question.evidence)
    again = asked(adapter, question.network, question.evidence)
    _identical(first, again, "the first time")


@law_of("any")
def no_memory(adapter: Adapter, question: Question) -> None:
    """A question in between changes no answer: evidence does not stick."""
    network, evidence = question.network, dict(question.evidence)
    first = asked(adapter, network, evidence)
    asked(adapter, network, {})
    for id in list(evidence)[:3]:
        asked(adapter, network, {x: value for x, value in evidence.items() if x != id})
    _identical(first, asked(adapter, network, evidence), "before other questions were asked")
    if len(network.variables) > FEW:
        return
    # The same ids with other answers, put to a twin that has not been asked before, and only then the question itself.
    twin = NetworkDefinition(network.variables, network.tables)
    for id, value in evidence.items():
        if _kind(value) == "hard":
            for state in network.by_id[id].states:
                with contextlib.suppress(LawBrokenError):  # refused, as some of these are impossible
                    asked(adapter, twin, {**evidence, id: state})
    agree(asked(adapter, twin, evidence), first, "as where the same ids had no other answer before")


@law_of("any")
def untouched(adapter: Adapter, question: Question) -> None:
    """Asking leaves the network and the evidence as they were."""
    evidence = dict(question.evidence)
    before = [np.array(t.values) for t in question.network.tables if isinstance(t, Cpt)]
    kept = dict(evidence)
    asked(adapter, question.network, evidence)
    after = [t.values for t in question.network.tables if isinstance(t, Cpt)]
    if list(evidence) != list(kept) or any(evidence[id] is not kept[id] for id in kept):
        raise LawBrokenError(f"the evidence became {evidence}; expected {kept}")
    if not all((a == b).all() for a, b in zip(before, after, strict=True)):
        raise LawBrokenError("a table of the network changed while a question was answered")


@law_of("plain")
def batch(adapter: Adapter, question: Question) -> None:
    """Cases asked together, each observing what it likes, have the answers they have when asked one by one."""
    network = question.network
    evidence = {id: value for id, value in question.evidence.items() if _kind(value) in adapter.batch_kinds}
    hard = {id: value for id, value in evidence.items() if isinstance(value, bool | str)}
    cases: list[Mapping[str, object]] = [{}, evidence, hard]
    cases += [{x: value for x, value in evidence.items() if x != id} for id in list(evidence)[:3]]
    cases += [{id: value} for id, value in list(hard.items())[:2]]
    told = [{id: value for id, value in case.items() if not is_unknown(value)} for case in cases]
    try:
        together = adapter.posterior_many(network, cases)
    except NotOfferedError:
        raise
    except Exception as error:
        raise LawBrokenError(f"possible cases raised {type(error).__name__}: {error}") from error
    for row, case in enumerate(told):
        agree(together[row], asked(adapter, network, case), f"as row {row} has when asked alone")


@law_of("plain")
def threads(adapter: Adapter, question: Question) -> None:
    """Threads that ask at once get the answers that one gets, bit for bit."""
    network, evidence = question.network, dict(question.evidence)
    cases = [evidence, {}, *({id: value} for id, value in list(evidence.items())[:4])]
    alone = [asked(adapter, network, case) for case in cases]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda case: asked(adapter, network, case), cases * 2))
    for k, answer in enumerate(together):
        _identical(alone[k % len(cases)], answer, "from one thread alone")


def _kind(value: object) -> str:
    names = {Excluded: "excluded", Likelihood: "likelihood", Jeffrey: "jeffrey"}
    return "unknown" if is_unknown(value) else names.get(type(value), "hard")


def _identical(expected: Mapping[str, Mapping[str, float]], got: Mapping[str, Mapping[str, float]], when: str) -> None:
    for id, posterior in expected.items():
        if dict(got[id]) != dict(posterior):
            raise LawBrokenError(f"the posterior of {id!r} is {dict(got[id])}; {when} it was {dict(posterior)}")


def _renamed(table: Table, names: Mapping[str, str]) -> Table:
    child = names[table.child]
    if isinstance(table, Cpt):
        rows = tuple(Row({names[p]: s for p, s in row.when.items()}, row.probabilities) for row in table.rows)
        return Cpt(child, tuple(names[p] for p in table.parents), table.values, rows)
    if isinstance(table, Logistic):
        anchor = table.anchor
        by = names[anchor.by] if anchor.by else ""
        effects = tuple(
            Effect({names[p]: s for p, s in e.when.items()}, e.size, e.stated_as, e.mechanism) for e in table.effects
        )
        return Logistic(child, Anchor(anchor.kind, anchor.overall, by, anchor.bands), effects)
    leak = table.leak
    return replace(
        table,
        child=child,
        leak=Leak(leak.kind, leak.overall, names[leak.by] if leak.by else "", leak.bands),
        links=tuple(replace(link, parent=names[link.parent]) for link in table.links),
    )
