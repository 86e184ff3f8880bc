"""An answer as a person gives it, a state and how sure, and the evidence that it stands for.

Full certainty is hard evidence. Less is likelihood evidence: the state said gets the sureness, the others share the
rest evenly, and the prior still counts.
"""

from __future__ import annotations

__all__ = ["Answer", "answer_of", "case_code", "evidence_of", "said", "state_said"]

import math
from collections.abc import Mapping
from dataclasses import dataclass

from toetwitch.errors import EvidenceError
from toetwitch.evidence import Excluded, Jeffrey, Likelihood, likelihood
from toetwitch.knowledge.variable import Variable
from toetwitch.markup import words


@dataclass(frozen=True, slots=True)
class Answer:
    """A state, and how sure one is of it.

    Parameters
    ----------
    state
        A state of the variable.
    sure
        Above the share of chance (one by the number of states), up to 1.
    """

    state: str
    sure: float = 1.0


def evidence_of(variable: Variable, answer: Answer) -> object:
    """Return the evidence that an answer stands for.

    Raises
    ------
    UnknownNameError
        For a state that the variable does not have.
    EvidenceError
        For a sureness that says nothing, or is no probability.

    Examples
    --------
    >>> evidence_of(Variable("numbness"), Answer("true"))
    True
    >>> dict(evidence_of(Variable("numbness"), Answer("false", 0.75)).weights)
    {'false': 0.75, 'true': 0.25}
    """
    at, count = variable.index(answer.state), len(variable.states)
    if answer.sure == 1:
        return bool(at) if variable.is_binary else answer.state
    if not 1 / count < answer.sure < 1:
        raise EvidenceError(f"{answer.sure!r} sure of {variable.id!r}; expected more than 1/{count}, at most 1")
    if variable.is_binary:
        return likelihood(answer.sure if at else round(1 - answer.sure, 12))
    rest = (1 - answer.sure) / (count - 1)
    return likelihood({state: answer.sure if n == at else rest for n, state in enumerate(variable.states)})


def answer_of(variable: Variable, value: object) -> Answer | None:
    """Return the answer that evidence stands for, or None when no answer says the same.

    Examples
    --------
    >>> answer_of(Variable("numbness"), likelihood(0.25))
    Answer(state='false', sure=0.75)
    """
    if isinstance(value, bool | str):
        return Answer(variable.states[variable.index(value)])
    if not isinstance(value, Likelihood):
        return None
    weights = [float(value.weights.get(state, 0.0)) for state in variable.states]
    top = max(range(len(weights)), key=weights.__getitem__)
    rest = [weight for n, weight in enumerate(weights) if n != top]
    sure = round(weights[top] / sum(weights), 12)
    even = all(math.isclose(weight, rest[0], rel_tol=1e-9, abs_tol=1e-12) for weight in rest)
    return Answer(variable.states[top], sure) if even and sure > 1 / len(weights) else None


def state_said(variable: Variable, state: object) -> str:
    """Return a state in words: yes and no for a binary variable.

    Examples
    --------
    >>> state_said(Variable("numbness"), True), state_said(Variable("caffeine", ("low", "very_high")), "very_high")
    ('yes', 'very high')
    """
    index = variable.index(state)
    return ("no", "yes")[index] if variable.is_binary else words(variable.states[index])


def said(variable: Variable, value: object) -> str:
    """Return evidence about a variable in words.

    Examples
    --------
    >>> said(Variable("numbness"), likelihood(0.8))
    'yes, 80 % sure'
    """
    answer = answer_of(variable, value)
    if answer is not None:
        return state_said(variable, answer.state) + ("" if answer.sure == 1 else f", {100 * answer.sure:.3g} % sure")
    if isinstance(value, Excluded):
        return "not " + " or ".join(state_said(variable, state) for state in value.states)
    weights = value.weights if isinstance(value, Likelihood) else getattr(value, "probabilities", {})
    shares = ", ".join(f"{state_said(variable, state)} {weight:.3g}" for state, weight in weights.items())
    return f"{'afterwards' if isinstance(value, Jeffrey) else 'weights'}: {shares}"


def case_code(case: Mapping[str, object], name: str = "case") -> str:
    """Return a case as a Python statement.

    Examples
    --------
    >>> print(case_code({"foot_drop": True, "numbness": likelihood(0.8)}))
    case = {
        "foot_drop": True,
        "numbness": tt.likelihood(0.8),
    }
    """
    if not case:
        return f"{name} = {{}}"
    lines = (f"    {_quoted(id)}: {_code(value)},\n" for id, value in case.items())
    return f"{name} = {{\n{''.join(lines)}}}"


def _quoted(text: str) -> str:
    single = repr(text)
    return f'"{single[1:-1]}"' if single[0] == "'" and '"' not in single else single


def _code(value: object) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Excluded):
        return f"tt.excluded({', '.join(map(_code, value.states))})"
    if isinstance(value, Likelihood):
        return f"tt.likelihood({_weights(value.weights)})"
    if isinstance(value, Jeffrey):
        return f"tt.jeffrey({_weights(value.probabilities)})"
    return repr(value)


def _weights(weights: Mapping[str, float]) -> str:
    p = weights.get("true")
    if p is not None and set(weights) == {"false", "true"} and weights["false"] == 1.0 - p and 0 <= p <= 1:
        return repr(float(p))
    return "{" + ", ".join(f"{_quoted(state)}: {float(weight)!r}" for state, weight in weights.items()) + "}"
