"""A counterexample as text that one can paste: Python that builds the network and the evidence."""

from __future__ import annotations

__all__ = ["again_text", "case_text", "evidence_text", "network_text", "question_text"]

import re
import shlex
from collections.abc import Mapping

from toetwitch.evidence import UNKNOWN, Excluded, Jeffrey, Likelihood
from toetwitch.knowledge.estimate import Estimate
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.table import Cpt, Leak, Link, Logistic, Row, Table
from toetwitch.knowledge.variable import BINARY, Variable
from toetwitch.testing.strategies import Question

NETWORK_FILES = (".bif", ".bif.gz")
SPOKEN = re.compile(r"[^-=!~\s][^=!~\s]*")
"""Ids that a word on the command line can name."""


def evidence_text(evidence: Mapping[str, object]) -> str:
    """Return evidence as a Python expression.

    Examples
    --------
    >>> from toetwitch.evidence import excluded, jeffrey
    >>> print(evidence_text({"a": True, "b": excluded("high"), "c": jeffrey(0.25), "d": float("nan")}))
    {'a': True, 'b': tt.excluded('high'), 'c': tt.jeffrey({'false': 0.75, 'true': 0.25}), 'd': None}
    """
    return "{" + ", ".join(f"{id!r}: {_answer(value)}" for id, value in evidence.items()) + "}"


def _answer(value: object) -> str:
    if isinstance(value, Excluded):
        return f"tt.excluded({', '.join(map(repr, value.states))})"
    if isinstance(value, Likelihood):
        return f"tt.likelihood({_numbers(value.weights)})"
    if isinstance(value, Jeffrey):
        return f"tt.jeffrey({_numbers(value.probabilities)})"
    return "None" if value is UNKNOWN or value != value else repr(value)


def _numbers(numbers: Mapping[str, float]) -> str:
    return repr({state: float(p) for state, p in numbers.items()})


def case_text(evidence: Mapping[str, object]) -> str | None:
    """Return a case as the words that the command line takes, quoted for a shell; None where it takes none such.

    What is unknown is left out, which says the same.

    Examples
    --------
    >>> print(case_text({"foot_drop": True, "caffeine_intake": "high", "numbness": None}))
    foot_drop=true caffeine_intake=high
    >>> print(case_text({"mood": "so so"}))
    'mood=so so'
    >>> case_text({"an id": True}) is None
    True
    """
    words = []
    for id, value in evidence.items():
        if value is None or value is UNKNOWN or value != value:
            continue
        if not isinstance(value, bool | str) or not SPOKEN.fullmatch(id):
            return None
        words.append(f"{id}={str(value).lower() if isinstance(value, bool) else value}")
    return shlex.join(words)


def again_text(path: str, evidence: Mapping[str, object]) -> str:
    """Return what asks about a case of a model again: a command, or Python where no command can; "" without a path.

    Examples
    --------
    >>> print(again_text("my models/toe", {"foot_drop": True}))
    toetwitch assess --model 'my models/toe' foot_drop=true
    >>> print(again_text("alarm.bif", {"HR": "LOW"}))
    tt.read_network('alarm.bif').posterior(evidence)
    """
    if not path:
        return ""
    if path.endswith(NETWORK_FILES):
        return f"tt.read_network({path!r}).posterior(evidence)"
    words = case_text(evidence)
    if words is None:
        return f"tt.load_model({path!r}).assess(evidence)"
    return f"toetwitch assess --model {shlex.quote(path)} {words}".rstrip()


def network_text(network: NetworkDefinition) -> str:
    """Return Python that builds a network.

    Examples
    --------
    >>> print(network_text(NetworkDefinition((Variable("a"),), (Cpt("a", (), [0.25, 0.75]),))))
    network = NetworkDefinition(
        (Variable('a'),),
        (
            Cpt('a', (), [0.25, 0.75]),
        ),
    )
    """
    variables = ", ".join(_variable(v) for v in network.variables)
    tables = "".join(f"        {_table(table)},\n" for table in network.tables)
    return f"network = NetworkDefinition(\n    ({variables},),\n    (\n{tables}    ),\n)"


def question_text(question: Question) -> str:
    """Return Python that repeats a question.

    Examples
    --------
    >>> network = NetworkDefinition((Variable("a"),), (Cpt("a", (), [0.25, 0.75]),))
    >>> print(question_text(Question(network, {"a": True})).splitlines()[-1])
    question = Question(network, {'a': True}, seed=0)
    """
    return (
        "import toetwitch as tt\n"
        "from toetwitch.knowledge.estimate import Estimate\n"
        "from toetwitch.knowledge.network import NetworkDefinition\n"
        "from toetwitch.knowledge.table import Anchor, Cpt, Effect, Leak, Link, Logistic, NoisyMax, Row\n"
        "from toetwitch.knowledge.variable import Variable\n"
        "from toetwitch.testing.strategies import Question\n\n"
        "p = Estimate.of\n"
        f"{network_text(question.network)}\n"
        f"question = Question(network, {evidence_text(question.evidence)}, seed={question.seed})"
    )


def _variable(variable: Variable) -> str:
    states = "" if variable.states == BINARY else f", {variable.states!r}"
    kind = f", kind={variable.kind!r}" if variable.kind != "variable" else ""
    return f"Variable({variable.id!r}{states}{kind})"


def _table(table: Table) -> str:
    if isinstance(table, Cpt):
        rows = f", rows={_rows(table.rows)}" if table.rows else ""
        return f"Cpt({table.child!r}, {table.parents!r}, {table.values.tolist()!r}{rows})"
    if isinstance(table, Logistic):
        anchor = table.anchor
        overall = "None" if anchor.overall is None else _estimate(anchor.overall)
        banded = f", {anchor.by!r}, {_estimates(anchor.bands)}" if anchor.by else ""
        effects = "".join(f"Effect({dict(e.when)!r}, {_estimate(e.size)}, {e.stated_as!r}), " for e in table.effects)
        return f"Logistic({table.child!r}, Anchor({anchor.kind!r}, {overall}{banded}), ({effects}))"
    links = "".join(
        f"Link({k.parent!r}, {_estimates(k.probabilities)}, {k.parent_state!r}{_inhibits(k)}), " for k in table.links
    )
    return f"NoisyMax({table.child!r}, {_leak(table.leak)}, ({links}))"


def _inhibits(link: Link) -> str:
    return ", inhibits=True" if link.inhibits else ""


def _rows(rows: tuple[Row, ...]) -> str:
    # The array holds the same numbers; the rows only say that they are cited.
    return "(" + "".join(f"Row({dict(r.when)!r}, {_estimates(r.probabilities)}), " for r in rows) + ")"


def _leak(leak: Leak) -> str:
    bands = "{" + ", ".join(f"{state!r}: {_estimates(band)}" for state, band in leak.bands.items()) + "}"
    banded = f", {leak.by!r}, {bands}" if leak.by else ""
    return f"Leak({leak.kind!r}, {_estimates(leak.overall)}{banded})"


def _estimates(numbers: Mapping[str, Estimate]) -> str:
    return "{" + ", ".join(f"{state!r}: {_estimate(e)}" for state, e in numbers.items()) + "}"


def _estimate(estimate: Estimate) -> str:
    return f"p({estimate.value!r})"
