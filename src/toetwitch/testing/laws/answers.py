"""Laws of the answer: what any set of posteriors must be, whatever computed it."""

# ruff: noqa: D401, D403 (the docstring of a law is its statement)
from __future__ import annotations

__all__ = [
    "asked_alone",
    "barren",
    "certain",
    "chain_rule",
    "d_separation",
    "enumeration",
    "log_evidence",
    "normalised",
    "tiny_evidence",
    "total_probability",
]

import math

import networkx as nx
import numpy as np

from toetwitch.evidence import is_unknown
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.table import Cpt
from toetwitch.knowledge.variable import Variable
from toetwitch.testing.adapters import Adapter
from toetwitch.testing.laws.law import LawBrokenError, agree, asked, close, law_of, pick, vector
from toetwitch.testing.oracle import Enumeration
from toetwitch.testing.strategies import Question


@law_of("any", enumerates=True)
def enumeration(adapter: Adapter, question: Question) -> None:
    """Posteriors equal brute-force enumeration of the joint."""
    network = question.network
    truth = Enumeration(network).posterior(question.evidence)
    expected = {id: dict(zip(network.by_id[id].states, map(float, p), strict=True)) for id, p in truth.items()}
    agree(asked(adapter, network, question.evidence), expected, "by enumeration")


@law_of("plain", enumerates=True)
def log_evidence(adapter: Adapter, question: Question) -> None:
    """The log-probability of the evidence equals that of brute-force enumeration, however small it is."""
    got = adapter.log_probability(question.network, question.evidence)
    close(got, Enumeration(question.network).log_probability(question.evidence), "log P(evidence)")


@law_of("unlikely", enumerates=True)
def tiny_evidence(adapter: Adapter, question: Question) -> None:
    """Evidence whose probability no double can hold has the right logarithm, and posteriors."""
    truth = Enumeration(question.network)
    close(
        adapter.log_probability(question.network, question.evidence),
        truth.log_probability(question.evidence),
        "log P(evidence)",
    )
    enumeration.check(adapter, question)


@law_of("any")
def normalised(adapter: Adapter, question: Question) -> None:
    """Each posterior is finite, non-negative and sums to one."""
    for id, posterior in asked(adapter, question.network, question.evidence).items():
        p = vector(posterior)
        if not (np.isfinite(p).all() and (p >= 0).all() and abs(p.sum() - 1) <= 1e-12 * len(p) + 1e-12):
            raise LawBrokenError(
                f"the posterior of {id!r} is {p.tolist()}, sum {p.sum():.15g}; expected a distribution"
            )


@law_of("any")
def certain(adapter: Adapter, question: Question) -> None:
    """A variable observed in a state has that state for certain."""
    answer = asked(adapter, question.network, question.evidence)
    for id, value in question.evidence.items():
        if isinstance(value, bool | str) and id in answer:
            state = str(value).lower() if isinstance(value, bool) else value
            if answer[id][state] != 1:
                raise LawBrokenError(f"P({id} = {state}) is {answer[id][state]:.12g} though it is observed; expected 1")


@law_of("any")
def asked_alone(adapter: Adapter, question: Question) -> None:
    """A variable asked for alone has the posterior that it has when all are asked for."""
    answer = asked(adapter, question.network, question.evidence)
    for id in pick(question, list(answer), 4):
        agree(
            adapter.posterior_of(question.network, question.evidence, [id]), {id: answer[id]}, "as when all are asked"
        )


@law_of("plain")
def total_probability(adapter: Adapter, question: Question) -> None:
    """P(X | e) is the mean of P(X | e, Y = y), weighed by P(Y = y | e)."""
    network, evidence = question.network, dict(question.evidence)
    answer = asked(adapter, network, evidence)
    unseen = [id for id in answer if is_unknown(evidence.get(id))]
    for id in pick(question, unseen, 3):
        mean = {x: np.zeros(len(posterior)) for x, posterior in answer.items()}
        for state, p in answer[id].items():
            if p > 0:
                given = asked(adapter, network, {**evidence, id: state})
                for x in mean:
                    mean[x] = mean[x] + p * vector(given[x])
        expected = {x: dict(zip(answer[x], map(float, values), strict=True)) for x, values in mean.items()}
        agree(answer, expected, f"the mean over {id}")


@law_of("plain")
def chain_rule(adapter: Adapter, question: Question) -> None:
    """log P(e, X = x) is log P(e) plus log P(X = x | e)."""
    network, evidence = question.network, dict(question.evidence)
    before = adapter.log_probability(network, evidence)
    answer = asked(adapter, network, evidence)
    unseen = [id for id in answer if is_unknown(evidence.get(id))]
    for id in pick(question, unseen, 3):
        for state, p in answer[id].items():
            if p > 1e-6:
                got = adapter.log_probability(network, {**evidence, id: state})
                close(got, before + math.log(p), f"log P(evidence, {id} = {state})")


@law_of("plain")
def d_separation(adapter: Adapter, question: Question) -> None:
    """Learning a variable moves nothing that the evidence d-separates from it."""
    network, evidence = question.network, dict(question.evidence)
    known = {id: value for id, value in evidence.items() if not is_unknown(value)}
    graph = network.graph()
    given: set[object] = {id for id, value in known.items() if isinstance(value, bool | str)}
    for id in [id for id in known if id not in given]:
        # Soft evidence is an observed child of its variable, which itself stays unobserved.
        graph.add_edge(id, ("soft", id))
        given.add(("soft", id))
    answer = asked(adapter, network, evidence)
    for id in pick(question, [id for id in answer if id not in known], 3):
        apart = [x for x in answer if x != id and x not in given and nx.is_d_separator(graph, {id}, {x}, given)]
        states = [state for state, p in answer[id].items() if p > 0]
        for state in pick(question, states, 2):
            moved = asked(adapter, network, {**evidence, id: state})
            agree(moved, answer, f"as before {id} = {state} was known, from which it is d-separated", ids=apart)


@law_of("any", rebuilds=True)
def barren(adapter: Adapter, question: Question) -> None:
    """A child about which nothing is known changes nothing."""
    network = question.network
    (id,) = pick(question, list(network.by_id), 1)
    rows = question.rng.dirichlet([1.0, 1.0], size=len(network.by_id[id].states))
    extra = Variable("barren_leaf")
    grown = NetworkDefinition((*network.variables, extra), (*network.tables, Cpt(extra.id, (id,), rows)))
    answer = asked(adapter, network, question.evidence)
    agree(asked(adapter, grown, question.evidence), answer, f"as without a new child of {id}", ids=answer)
