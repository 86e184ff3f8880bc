"""Laws of evidence: the kinds mean what they say, unknown is not absent, and what cannot be is refused."""

# ruff: noqa: D401 (the docstring of a law is its statement)
from __future__ import annotations

__all__ = [
    "clash_is_minimal",
    "excluded_is_zero_weight",
    "impossible_is_refused",
    "jeffrey_holds",
    "likelihood_is_an_observed_child",
    "likelihood_scale",
    "statements_hold",
    "unknown_is_left_out",
]

import math

import numpy as np

from toetwitch.errors import ImpossibleEvidenceError
from toetwitch.evidence import UNKNOWN, Jeffrey, excluded, is_unknown, jeffrey, likelihood
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.table import Cpt
from toetwitch.knowledge.variable import Variable
from toetwitch.testing.adapters import Adapter, NotOfferedError, Posteriors
from toetwitch.testing.laws.law import LawBrokenError, agree, asked, law_of, pick, vector, without_jeffrey
from toetwitch.testing.strategies import Question


@law_of("any")
def unknown_is_left_out(adapter: Adapter, question: Question) -> None:
    """None, NaN, `UNKNOWN` and leaving an id out are the same, and none of them is absence."""
    _offers(adapter, "unknown")
    network = question.network
    told = {id: value for id, value in question.evidence.items() if not is_unknown(value)}
    answer = asked(adapter, network, told)
    for value in (None, math.nan, UNKNOWN):
        silent = {id: told.get(id, value) for id in network.by_id}
        agree(asked(adapter, network, silent), answer, f"as when the ids that are {value!r} are left out")


@law_of("plain", rebuilds=True)
def likelihood_is_an_observed_child(adapter: Adapter, question: Question) -> None:
    """Likelihood evidence equals an observed child with those likelihoods."""
    _offers(adapter, "likelihood")
    network, evidence = question.network, dict(question.evidence)
    for id in pick(question, _unseen(adapter, question), 2):
        states = network.by_id[id].states
        weights = question.rng.uniform(0.05, 1, len(states))
        sign = Variable("observed_sign")
        table = Cpt(sign.id, (id,), np.column_stack([1 - weights, weights]))
        grown = NetworkDefinition((*network.variables, sign), (*network.tables, table))
        expected = asked(adapter, grown, {**evidence, sign.id: "true"})
        weighed = {**evidence, id: likelihood(dict(zip(states, map(float, weights), strict=True)))}
        agree(
            asked(adapter, network, weighed),
            expected,
            f"as with an observed child of {id}",
            ids=expected.keys() - {sign.id},
        )


@law_of("plain")
def likelihood_scale(adapter: Adapter, question: Question) -> None:
    """A common factor on likelihoods moves nothing, equal ones say nothing, a single one is certainty."""
    _offers(adapter, "likelihood")
    network, evidence = question.network, dict(question.evidence)
    answer = asked(adapter, network, evidence)
    for id in pick(question, _unseen(adapter, question), 2):
        states = network.by_id[id].states
        weights = question.rng.uniform(0.05, 1, len(states))
        small = asked(adapter, network, {**evidence, id: likelihood(dict(zip(states, weights * 1e-3, strict=True)))})
        large = asked(adapter, network, {**evidence, id: likelihood(dict(zip(states, weights * 1e3, strict=True)))})
        agree(small, large, f"as with a million times the likelihoods of {id}")
        flat = asked(adapter, network, {**evidence, id: likelihood(dict.fromkeys(states, 0.25))})
        agree(flat, answer, f"as without the equal likelihoods of {id}")
        state = max(answer[id], key=lambda s: answer[id][s])
        sure = asked(adapter, network, {**evidence, id: likelihood({state: 0.5})})
        agree(sure, asked(adapter, network, {**evidence, id: state}), f"as with {id} = {state}")


@law_of("plain")
def excluded_is_zero_weight(adapter: Adapter, question: Question) -> None:
    """Ruling states out leaves the rest in proportion, and ruling out all but one is observing that one."""
    _offers(adapter, "excluded")
    network, evidence = question.network, dict(question.evidence)
    answer = asked(adapter, network, evidence)
    for id in pick(question, _unseen(adapter, question), 2):
        states = network.by_id[id].states
        kept = max(answer[id], key=lambda s: answer[id][s])
        others = [state for state in states if state != kept]
        if not others:
            continue
        expected = asked(adapter, network, {**evidence, id: kept})
        agree(asked(adapter, network, {**evidence, id: excluded(*others)}), expected, f"as with {id} = {kept}")
        p = vector(answer[id]) * np.array([state != others[0] for state in states])
        ruled = asked(adapter, network, {**evidence, id: excluded(others[0])})
        agree(ruled, {id: dict(zip(states, p / p.sum(), strict=True))}, f"the rest in proportion without {others[0]}")


@law_of("plain")
def jeffrey_holds(adapter: Adapter, question: Question) -> None:
    """After Jeffrey evidence the variable has the stated probabilities, and the rest is their mixture."""
    _offers(adapter, "jeffrey")
    network, evidence = question.network, without_jeffrey(question.evidence)
    answer = asked(adapter, network, evidence)
    for id in pick(question, _unseen(adapter, question), 2):
        possible = [state for state, p in answer[id].items() if p > 0]
        shares = question.rng.dirichlet(np.ones(len(possible)))
        stated = dict(zip(possible, map(float, shares / shares.sum()), strict=True))
        got = asked(adapter, network, {**evidence, id: jeffrey(stated)})
        agree({id: got[id]}, {id: {s: stated.get(s, 0.0) for s in answer[id]}}, "as stated")
        mean = {x: np.zeros(len(p)) for x, p in answer.items()}
        for state, share in stated.items():
            given = asked(adapter, network, {**evidence, id: state})
            mean = {x: mean[x] + share * vector(given[x]) for x in mean}
        agree(got, _named(answer, mean), f"the mixture over {id} that was stated")


@law_of("statements")
def statements_hold(adapter: Adapter, question: Question) -> None:
    """Several Jeffrey statements that can hold together all hold."""
    _offers(adapter, "jeffrey")
    answer = asked(adapter, question.network, question.evidence)
    for id, value in question.evidence.items():
        if isinstance(value, Jeffrey):
            expected = {state: value.probabilities.get(state, 0.0) for state in answer[id]}
            agree(answer, {id: expected}, "as stated")


@law_of("clash")
def impossible_is_refused(adapter: Adapter, question: Question) -> None:
    """Evidence of probability zero raises; it never returns numbers, NaN least of all."""
    try:
        answer = adapter.posterior(question.network, question.evidence)
    except NotOfferedError:
        raise
    except Exception:
        return
    id, posterior = max(answer.items(), key=lambda item: not np.isfinite(vector(item[1])).all())
    raise LawBrokenError(f"impossible evidence was answered: the posterior of {id!r} is {dict(posterior)}")


@law_of("clash")
def clash_is_minimal(adapter: Adapter, question: Question) -> None:
    """The refusal names findings that clash, and leaving any one of them out makes the rest possible."""
    network, evidence = question.network, dict(question.evidence)
    named = adapter.clash(network, evidence)
    if not named or not set(named) <= set(evidence):
        raise LawBrokenError(f"the clash is {named!r}; expected some of {', '.join(evidence)}")
    _check_refused(adapter, network, {id: evidence[id] for id in named})
    for left_out in named:
        rest = {id: evidence[id] for id in named if id != left_out}
        try:
            adapter.posterior(network, rest)
        except ImpossibleEvidenceError as error:
            raise LawBrokenError(
                f"the clash {', '.join(named)} is not minimal: it stands without {left_out!r}"
            ) from error


def _check_refused(adapter: Adapter, network: NetworkDefinition, evidence: dict[str, object]) -> None:
    try:
        adapter.posterior(network, evidence)
    except ImpossibleEvidenceError:
        return
    raise LawBrokenError(f"the named clash {', '.join(evidence)} is possible on its own")


def _offers(adapter: Adapter, kind: str) -> None:
    if kind not in adapter.evidence_kinds:
        raise NotOfferedError(f"{adapter.name} offers no evidence of kind {kind}")


def _unseen(adapter: Adapter, question: Question) -> list[str]:
    said = question.evidence
    return [
        id for id in adapter.ids(question.network) if is_unknown(said.get(id)) and not isinstance(said.get(id), Jeffrey)
    ]


def _named(answer: Posteriors, values: dict[str, np.ndarray]) -> Posteriors:
    return {x: dict(zip(answer[x], map(float, p), strict=True)) for x, p in values.items()}
