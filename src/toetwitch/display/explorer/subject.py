"""What is explored, behind one face: a model with its rules and causes, or any network, which has neither.

The quick part is what has to move at once: the rules, the level and the posteriors. The rest takes longer and comes
after it.
"""

from __future__ import annotations

__all__ = ["ModelSubject", "NetworkSubject", "Quick", "Subject", "subject_of"]

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from toetwitch.errors import BudgetExceededError, ImpossibleEvidenceError
from toetwitch.knowledge.variable import Variable
from toetwitch.markup import words
from toetwitch.model import Model, load_model
from toetwitch.network import Network
from toetwitch.reasoning.assessment import Assessment
from toetwitch.reasoning.explanation import Explanation
from toetwitch.reasoning.intervention import WhatIf
from toetwitch.reasoning.questions import NextQuestions
from toetwitch.reasoning.ranking import information_gain, ranked
from toetwitch.reasoning.red_flags import supports_of
from toetwitch.reasoning.triage import Triage, triage

Distribution = Mapping[str, float]
Case = Mapping[str, object]

ASKED = ("finding", "context", "test", "variable", "cause")
"""Kinds that can be answered, in the order in which they are listed; latent variables cannot be known."""


@dataclass(frozen=True, slots=True)
class Quick:
    """What moves at once when an answer changes.

    Parameters
    ----------
    ranking
        Ids, the leading or most moved first.
    posterior
        Id to state to probability; empty when there is no posterior.
    urgency
        The triage; None for a network without rules.
    problem
        Why there is no posterior, else "".
    clash
        A minimal set of answers that cannot hold together, else ().
    """

    ranking: tuple[str, ...] = ()
    posterior: Mapping[str, Distribution] = field(default_factory=dict)
    urgency: Triage | None = None
    problem: str = ""
    clash: tuple[str, ...] = ()


class Subject(Protocol):
    """What the explorer asks of a model or a network."""

    @property
    def network(self) -> Network:
        """The network."""

    @property
    def has_rules(self) -> bool:
        """Whether there are red flags and a level."""

    @property
    def title(self) -> str:
        """What is explored, in words."""

    @property
    def opening(self) -> str:
        """Python that loads it, and names it."""

    @property
    def closing(self) -> str:
        """Python that asks it about `case`."""

    @property
    def prior(self) -> Mapping[str, Distribution]:
        """Id to state to probability with no evidence."""

    @property
    def modifiable(self) -> Mapping[str, str]:
        """Ids that a what-if may set, to the state that it would set first; in the order in which to offer them."""

    def wording(self, id: str) -> str:
        """Return the plain question for a variable, or ""."""

    def quick(self, case: Case) -> Quick:
        """Return what moves at once; impossible or too costly evidence is said, not raised."""

    def urgency(self, case: Case, posterior: int | None) -> Triage | None:
        """Return the triage by the rules and a rank that the posterior asks for; None for a network without rules."""

    def assess(self, case: Case) -> Assessment | None:
        """Return the whole assessment; None for a network without rules."""

    def explain(self, case: Case, target: str) -> Explanation:
        """Return why a posterior is what it is."""

    def next_questions(self, case: Case, target: str) -> NextQuestions:
        """Return what to ask next."""

    def what_if(self, case: Case, do: Mapping[str, str]) -> WhatIf:
        """Return what setting a variable would change."""


def subject_of(model: Model | Network | None, policy: str | None = None) -> Subject:
    """Return what is explored; the library's own model by default."""
    if isinstance(model, Network):
        return NetworkSubject(model)
    return ModelSubject(load_model() if model is None else model, policy)


class ModelSubject:
    """A model: its causes are what is looked at, its rules set the level.

    Parameters
    ----------
    model
        The model.
    policy
        Whose level counts; the model's default when None.
    """

    def __init__(self, model: Model, policy: str | None = None) -> None:
        self.model = model
        self.policy = policy

    @property
    def network(self) -> Network:
        """The network."""
        return self.model.network

    @property
    def has_rules(self) -> bool:
        """True."""
        return True

    @property
    def title(self) -> str:
        """Which model, and where the person is seen."""
        definition = self.model.definition
        return f"{words(definition.name)} {definition.version}, setting {words(self.model.setting)}"

    @cached_property
    def opening(self) -> str:
        """Python that loads the model."""
        definition = self.model.definition
        setting = None if self.model.setting == definition.default_setting else self.model.setting
        stated = "" if setting is None else f'setting="{setting}"'
        if self.model is load_model(setting=setting):
            return f"model = tt.load_model({stated})"
        path = ", ".join(filter(None, ("path", stated)))
        return f"model = tt.load_model({path})  # path: the folder of {definition.name} {definition.version}"

    @property
    def closing(self) -> str:
        """Python that assesses `case`."""
        return f"model.assess(case{'' if self.policy is None else f', policy={self.policy!r}'})"

    @cached_property
    def prior(self) -> Mapping[str, Distribution]:
        """Cause to state to probability in this setting."""
        return self.network.posterior({}, self.model.causes)

    @cached_property
    def modifiable(self) -> Mapping[str, str]:
        """What advice acts on, set as it advises; then the causes, set absent."""
        advised: dict[str, str] = {}
        for step in self.model.definition.advice:
            advised |= {id: state for id, state in step.acts_on.items() if id not in advised}
        return advised | {id: self.network.variables[id].states[0] for id in self.model.causes if id not in advised}

    def wording(self, id: str) -> str:
        """Return the plain question for a variable, or ""."""
        return self.model.definition.rules.question(id)

    def quick(self, case: Case) -> Quick:
        """Return triage and ranked causes, without what they account for."""
        assessor = self.model.assessor
        evidence = self.network.read(case)
        try:
            posterior = self.network.posterior(case, self.model.causes)
            present = {id: row[self.network.variables[id].states[1]] for id, row in posterior.items()}
            rank = assessor.posterior_rank(evidence, present)
        except (ImpossibleEvidenceError, BudgetExceededError) as error:
            return _without_posterior(error, self.urgency(case, None))
        gain = {id: information_gain(p, assessor.prior[id]) for id, p in present.items()}
        return Quick(ranked(gain, present), posterior, self.urgency(case, rank))

    def urgency(self, case: Case, posterior: int | None) -> Triage | None:
        """Return the triage by the rules and a rank that the posterior asks for."""
        supports = supports_of(self.network.read(case), self.network.variables)
        return triage(supports, posterior, self.model.assessor.book, self.policy)

    def assess(self, case: Case) -> Assessment | None:
        """Return the whole assessment."""
        return self.model.assess(case, policy=self.policy)

    def explain(self, case: Case, target: str) -> Explanation:
        """Return why a cause is as probable as it is."""
        return self.network.explain(case, target)

    def next_questions(self, case: Case, target: str) -> NextQuestions:
        """Return what to ask next about all causes, dangers first."""
        return self.model.next_questions(case, policy=self.policy)

    def what_if(self, case: Case, do: Mapping[str, str]) -> WhatIf:
        """Return what would change of the causes and of the findings that are present."""
        variables, read = self.network.variables, self.network.read(case)
        present = [id for id, state in read.hard.items() if state > 0 and variables[id].kind == "finding"]
        return self.model.what_if(case, do, [id for id in (*present, *self.model.causes) if id not in do])


class NetworkSubject:
    """Any network: every variable may be answered, and every other one is looked at.

    Parameters
    ----------
    network
        The network.
    """

    def __init__(self, network: Network) -> None:
        self._network = network

    @property
    def network(self) -> Network:
        """The network."""
        return self._network

    @property
    def has_rules(self) -> bool:
        """False."""
        return False

    @property
    def title(self) -> str:
        """How large the network is."""
        return f"network of {len(self.network.variables)} variables"

    @property
    def opening(self) -> str:
        """Nothing: where a network came from it does not know."""
        return "# network: the one that is explored here"

    @property
    def closing(self) -> str:
        """Python that asks for every posterior."""
        return "network.posterior(case)"

    @cached_property
    def prior(self) -> Mapping[str, Distribution]:
        """Id to state to probability with no evidence; one by one where all at once are too many."""
        try:
            return self.network.posterior({})
        except BudgetExceededError:
            return {id: self.network.posterior({}, [id])[id] for id in self.network.variables}

    @cached_property
    def modifiable(self) -> Mapping[str, str]:
        """Every variable, set to its first state; those without parents first."""
        network = self.network.definition
        order = sorted(network.order, key=lambda id: len(network.parents(id)) > 0)
        return {id: self.network.variables[id].states[0] for id in order if len(self.network.variables[id].states) > 1}

    def wording(self, id: str) -> str:
        """Return nothing: a network has no words for its variables."""
        return ""

    def quick(self, case: Case) -> Quick:
        """Return the posteriors, the most moved first."""
        try:
            posterior = self.network.posterior(case)
        except (ImpossibleEvidenceError, BudgetExceededError) as error:
            return _without_posterior(error, None)
        moved = {id: _relative_entropy(row, self.prior[id]) for id, row in posterior.items()}
        return Quick(tuple(sorted(posterior, key=lambda id: -round(moved[id], 12))), posterior)

    def urgency(self, case: Case, posterior: int | None) -> Triage | None:
        """Return None: there are no rules."""
        return None

    def assess(self, case: Case) -> Assessment | None:
        """Return None: there are no rules."""
        return None

    def explain(self, case: Case, target: str) -> Explanation:
        """Return why a variable's posterior is what it is, for the state of which the case has taught most."""
        return self.network.explain(case, target, self._told(case, target))

    def next_questions(self, case: Case, target: str) -> NextQuestions:
        """Return what to ask next about the variable that is looked at."""
        return self.network.next_questions(case, [target])

    def what_if(self, case: Case, do: Mapping[str, str]) -> WhatIf:
        """Return what would change of every variable."""
        return self.network.what_if(case, do)

    def _told(self, case: Case, target: str) -> str:
        variable: Variable = self.network.variables[target]
        if variable.is_binary:
            return variable.states[-1]
        row, prior = self.network.posterior(case, [target])[target], self.prior[target]
        return max(variable.states, key=lambda state: (round(row[state] - prior[state], 12), row[state]))


def _without_posterior(error: ImpossibleEvidenceError | BudgetExceededError, urgency: Triage | None) -> Quick:
    if isinstance(error, ImpossibleEvidenceError):
        return Quick(urgency=urgency, problem=str(error), clash=error.clash)
    needed = f"the case needs {error.bytes_needed:,} bytes, past the budget of {error.budget:,}"
    return Quick(urgency=urgency, problem=f"{needed}: take an answer back, or give the model more")


def _relative_entropy(after: Distribution, before: Distribution) -> float:
    pairs: Sequence[tuple[float, float]] = [(p, before[state]) for state, p in after.items() if p > 0]
    return sum(p * math.log(p / q) if q > 0 else math.inf for p, q in pairs)
