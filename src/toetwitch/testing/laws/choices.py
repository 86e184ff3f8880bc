"""Laws of other questions: the most probable explanation, interventions, counterfactuals, and exchange."""

# ruff: noqa: D401 (the docstring of a law is its statement)
from __future__ import annotations

__all__ = ["do_is_not_see", "most_probable", "necessity", "round_trip"]

import numpy as np

from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.table import Cpt
from toetwitch.testing.adapters import Adapter, NotOfferedError, Posteriors
from toetwitch.testing.counterfactual import necessity as enumerated_necessity
from toetwitch.testing.laws.law import LawBrokenError, agree, asked, close, law_of, pick
from toetwitch.testing.oracle import Enumeration, expand
from toetwitch.testing.strategies import Question


@law_of("plain", enumerates=True)
def most_probable(adapter: Adapter, question: Question) -> None:
    """The most probable explanation agrees with the evidence, and no complete assignment is more probable."""
    truth = Enumeration(question.network)
    found = dict(adapter.mpe(question.network, question.evidence))
    best, assignment = truth.mpe(question.evidence)
    got = truth.log_weight(found, question.evidence)
    if not got >= best - 1e-9 * max(1.0, abs(best)):
        raise LawBrokenError(f"{found} has log-probability {got:.12g}; {assignment} has {best:.12g}")


@law_of("hard", enumerates=True)
def do_is_not_see(adapter: Adapter, question: Question) -> None:
    """Setting a variable from outside cuts its arcs: what it descends from keeps its probability."""
    # Written out, so that no stated prevalence is solved anew when arcs are cut.
    full = expand(question.network)
    variables = question.network.variables
    tables = tuple(Cpt(v.id, question.network.parents(v.id), full[v.id]) for v in variables)
    network = NetworkDefinition(variables, tables)
    prior = asked(adapter, network, {})
    for id in pick(question, [v.id for v in network.variables if network.parents(v.id)], 2):
        state = network.by_id[id].states[-1]
        size = len(network.by_id[id].states)
        cut = NetworkDefinition(
            network.variables,
            tuple(Cpt(id, (), np.eye(size)[size - 1]) if t.child == id else t for t in network.tables),
        )
        got = _done(adapter, network, id, state)
        agree(got, prior, f"as before {id} was set, since it descends from it", ids=network.parents(id))
        agree(got, asked(adapter, cut, {}), f"as in the network without the arcs into {id}")


def _done(adapter: Adapter, network: NetworkDefinition, id: str, state: str) -> Posteriors:
    try:
        return adapter.do(network, {id: state}, {})
    except NotOfferedError:
        raise
    except Exception as error:
        raise LawBrokenError(f"setting {id} = {state} raised {type(error).__name__}: {error}") from error


@law_of("noisy_or", enumerates=True)
def necessity(adapter: Adapter, question: Question) -> None:
    """P(present, and absent without this cause | evidence) equals enumeration of both worlds at once."""
    network = question.network
    causes = [v.id for v in network.variables if v.kind == "cause"]
    got = adapter.necessity(network, causes, question.evidence)
    expected = enumerated_necessity(network, causes, question.evidence)
    for cause in causes:
        for finding, p in expected[cause].items():
            close(got[cause].get(finding, 0.0), p, f"the probability that {finding} is there because of {cause}")


@law_of("any", rebuilds=True)
def round_trip(adapter: Adapter, question: Question) -> None:
    """A network written and read back has the same names, states and posteriors."""
    try:
        back = adapter.round_trip(question.network)
    except NotOfferedError:
        raise
    except Exception as error:
        raise LawBrokenError(
            f"the network could not be written and read back: {type(error).__name__}: {error}"
        ) from error
    for variable in question.network.variables:
        if variable.id not in back.by_id or set(back.by_id[variable.id].states) != set(variable.states):
            raise LawBrokenError(f"{variable.id!r} with states {variable.states} did not come back")
    answer = asked(adapter, question.network, question.evidence)
    agree(asked(adapter, back, question.evidence), answer, "as before it was written", ids=answer)
