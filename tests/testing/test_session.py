"""A session of adding, changing and retracting evidence: at every step the answer is that of the evidence at hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from toetwitch.errors import ImpossibleEvidenceError
from toetwitch.evidence import excluded, jeffrey, likelihood
from toetwitch.network import Network
from toetwitch.testing.oracle import Enumeration
from toetwitch.testing.strategies import networks


class Session(RuleBasedStateMachine):
    """Someone who asks one network question after question.

    The model of the session is a dictionary of what is known now. Whatever was asked before, the answer has to be the
    enumeration's for that dictionary: nothing sticks, nothing is forgotten, and a clash is over once it is undone.
    """

    @initialize(network=networks(nodes=(2, 5), max_cells=2**8))
    def open(self, network: Any) -> None:
        """Open a session on a network."""
        self.network = Network(network)
        self.truth = Enumeration(network)
        self.known: dict[str, object] = {}

    def variable(self, data: st.DataObject) -> Any:
        """Draw a variable."""
        return data.draw(st.sampled_from(list(self.network.variables.values())))

    @rule(data=st.data())
    def observe(self, data: st.DataObject) -> None:
        """Observe a state, or change what was observed."""
        variable = self.variable(data)
        self.known[variable.id] = data.draw(st.sampled_from(variable.states))

    @rule(data=st.data())
    def rule_out(self, data: st.DataObject) -> None:
        """Rule a state out."""
        variable = self.variable(data)
        self.known[variable.id] = excluded(data.draw(st.sampled_from(variable.states)))

    @rule(data=st.data())
    def weigh(self, data: st.DataObject) -> None:
        """Weigh the states by a likelihood."""
        variable = self.variable(data)
        weights = [data.draw(st.sampled_from((1.0, 0.5, 0.1))) for _ in variable.states]
        self.known[variable.id] = likelihood(dict(zip(variable.states, weights, strict=True)))

    @rule(data=st.data())
    def state(self, data: st.DataObject) -> None:
        """State what the probability is now, and about no other variable at once."""
        variable = self.variable(data)
        self.known = {id: value for id, value in self.known.items() if not hasattr(value, "probabilities")}
        share = data.draw(st.sampled_from((0.5, 0.2, 0.9)))
        rest = (1 - share) / (len(variable.states) - 1)
        probabilities = [share, *(rest for _ in variable.states[1:])]
        self.known[variable.id] = jeffrey(dict(zip(variable.states, probabilities, strict=True)))

    @rule(data=st.data())
    def retract(self, data: st.DataObject) -> None:
        """Take an answer back."""
        self.known.pop(self.variable(data).id, None)

    @rule(data=st.data())
    def shrug(self, data: st.DataObject) -> None:
        """Say in so many words that something is not known."""
        self.known[self.variable(data).id] = data.draw(st.sampled_from((None, math.nan)))

    @rule()
    def start_over(self) -> None:
        """Forget everything."""
        self.known = {}

    @invariant()
    def answer_is_of_the_evidence_at_hand(self) -> None:
        """Compare with the enumeration; impossible evidence is refused with a clash among it."""
        if not hasattr(self, "network"):
            return
        expected = self.truth.posterior(self.known)
        if not expected:
            with pytest.raises(ImpossibleEvidenceError) as refused:
                self.network.posterior(self.known)
            assert set(refused.value.clash) <= set(self.known)
            return
        answer = self.network.posterior(self.known, list(self.network.variables))
        for id, posterior in answer.items():
            assert all(abs(p - q) < 1e-9 for p, q in zip(posterior.values(), expected[id], strict=True)), id


Session.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=12,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
TestSession = Session.TestCase
TestSession.__doc__ = "Whatever was asked before, an answer is that of the evidence at hand."
