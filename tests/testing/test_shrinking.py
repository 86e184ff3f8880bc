"""What fails shrinks: the smallest draw with a feature has that feature and next to nothing else."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from toetwitch.evidence import UNKNOWN, Excluded, Jeffrey, Likelihood
from toetwitch.knowledge.condition import ids
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.table import Cpt, Logistic, NoisyMax
from toetwitch.knowledge.variable import Variable
from toetwitch.network import Network
from toetwitch.testing import OwnAdapter, strategies
from toetwitch.testing.laws.trial import questions_for
from toetwitch.testing.oracle import Enumeration
from toetwitch.testing.repeatable import drawn, smallest_failing
from toetwitch.testing.strategies import Question

A, B, C = Variable("a"), Variable("b", ("s0", "s1", "s2")), Variable("c")
THREE = NetworkDefinition(
    (A, B, C), (Cpt("a", (), [0.5, 0.5]), Cpt("b", (), [0.2, 0.3, 0.5]), Cpt("c", ("a",), [[0.5, 0.5], [0.9, 0.1]]))
)


def least(strategy: Any, wanted: Callable[[Any], bool]) -> Any:
    """Return the smallest draw with a feature."""
    found = smallest_failing(strategy, lambda value: "found" if wanted(value) else None, count=200)
    assert found is not None, "no draw has the feature"
    return found[0]


def arcs(network: NetworkDefinition) -> int:
    """Return the number of arcs."""
    return sum(len(table.parents) for table in network.tables)


def states(network: NetworkDefinition) -> int:
    """Return the number of states of all variables."""
    return sum(len(variable.states) for variable in network.variables)


def has(network: NetworkDefinition, feature: Callable[[Any], bool]) -> bool:
    """Return whether a table of the network has a feature."""
    return any(feature(table) for table in network.tables)


NETWORKS: dict[str, tuple[Callable[[NetworkDefinition], bool], int, int, int]] = {
    "anything": (lambda n: True, 1, 0, 2),
    "an arc": (lambda n: arcs(n) > 0, 2, 1, 4),
    "two parents": (lambda n: has(n, lambda t: len(t.parents) == 2), 3, 2, 6),
    "three states": (lambda n: any(len(v.states) == 3 for v in n.variables), 1, 0, 3),
    "certainty": (lambda n: has(n, lambda t: isinstance(t, Cpt) and t.values.max() == 1), 1, 0, 2),
    "a noisy-OR": (lambda n: has(n, lambda t: isinstance(t, NoisyMax) and t.links != ()), 2, 1, 4),
    "an inhibitor": (lambda n: has(n, lambda t: isinstance(t, NoisyMax) and any(k.inhibits for k in t.links)), 2, 1, 4),
    "an effect": (lambda n: has(n, lambda t: isinstance(t, Logistic) and t.effects != ()), 2, 1, 4),
    "an interaction": (
        lambda n: has(n, lambda t: isinstance(t, Logistic) and any(len(e.when) > 1 for e in t.effects)),
        3,
        2,
        6,
    ),
}
"""Feature to what has it, and the nodes, arcs and states that it takes."""


@pytest.mark.parametrize("feature", NETWORKS)
def test_networks(feature: str) -> None:
    """A network shrinks to the nodes, arcs and states that the feature takes, and at most one more node."""
    wanted, nodes, edges, size = NETWORKS[feature]
    found = least(strategies.networks(solved=False), wanted)
    assert len(found.variables) <= nodes + 1
    assert arcs(found) <= edges + 1
    assert states(found) <= size + 2


def test_noisy_or_networks() -> None:
    """One cause and one finding are left."""
    found = least(strategies.noisy_or_networks(), lambda n: True)
    assert [v.kind for v in found.variables] == ["cause", "finding"]


@pytest.mark.parametrize(
    ("kind", "least_id"), [("hard", "a"), ("excluded", "a"), ("likelihood", "a"), ("jeffrey", "a"), ("unknown", "a")]
)
def test_evidence(kind: str, least_id: str) -> None:
    """Evidence of a kind shrinks to one statement of that kind, about the first variable."""
    types = {"excluded": Excluded, "likelihood": Likelihood, "jeffrey": Jeffrey}

    def is_kind(value: Any) -> bool:
        if kind == "unknown":
            return value is None or value is UNKNOWN or (isinstance(value, float) and math.isnan(value))
        return isinstance(value, types.get(kind, (bool, str)))  # type: ignore[arg-type]

    found = least(strategies.evidence(THREE), lambda e: any(map(is_kind, e.values())))
    assert list(found) == [least_id]


def test_questions() -> None:
    """A question with evidence about two variables is about a network of two, and asks nothing else."""
    found = least(strategies.questions(), lambda q: len(q.evidence) == 2)
    assert len(found.network.variables) == 2
    assert arcs(found.network) <= 1


def test_clashes() -> None:
    """A clash shrinks to one variable in a state that it cannot be in."""
    found = least(strategies.clashes(), lambda q: True)
    assert len(found.network.variables) == len(found.evidence) == 1


def test_unlikely() -> None:
    """The smallest improbable case is a chain of three."""
    assert len(least(strategies.unlikely(), lambda q: True).network.variables) == 3


def test_cases() -> None:
    """A case that tells something tells one thing."""
    assert len(least(strategies.cases(Network(THREE)), lambda case: len(case) > 0)) == 1


def test_rule_books() -> None:
    """A rule set with a rule that asks for the emergency room is one rule about one variable."""
    found = least(
        strategies.rule_books(THREE), lambda book: any(r.level == "immediate_medical_attention" for r in book.rules)
    )
    assert len(found.rules) == 1
    assert len(ids(found.rules[0].when)) == 1


@pytest.mark.parametrize("rows", [1, 3])
def test_frames(rows: int) -> None:
    """A cohort of so many rows, one of them with an answer, has no more rows and no more answers."""
    found = least(strategies.frames(THREE), lambda f: len(f) >= rows and bool(f.notna().to_numpy().any()))
    assert isinstance(found, pd.DataFrame)
    assert len(found) == rows
    assert int(found.notna().to_numpy().sum()) == 1


def careless(question: Question) -> str | None:
    """Answer as an engine that forgets likelihoods; return how it fails."""
    hard = {id: value for id, value in question.evidence.items() if not isinstance(value, Likelihood)}
    expected = Enumeration(question.network).posterior(question.evidence)
    got = OwnAdapter().posterior(question.network, hard)
    for id, posterior in got.items():
        if any(abs(p - q) > 1e-9 for p, q in zip(posterior.values(), expected[id], strict=True)):
            return f"{id} differs"
    return None


@pytest.mark.parametrize("place", [0, 2])
def test_a_failure_of_an_engine_shrinks_to_a_handful_of_nodes(place: int) -> None:
    """An engine that forgets likelihoods is shown with one such statement about a handful of nodes."""
    strategy = questions_for("plain", ["hard", "likelihood"])[place]
    found = smallest_failing(strategy, careless, count=300)
    assert found is not None
    question, detail = found
    assert detail.endswith("differs")
    assert len(question.network.variables) <= 4
    assert sum(isinstance(value, Likelihood) for value in question.evidence.values()) == 1


def test_draws_repeat_whatever_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same draws come out when a module with constants of its own is loaded in between."""
    before = drawn(strategies.questions(), 60)
    (tmp_path / "full_of_constants.py").write_text(f"NUMBERS = {list(range(990))}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("full_of_constants")
    after = drawn(strategies.questions(), 60)
    assert [repr(q) for q in before] == [repr(q) for q in after]
