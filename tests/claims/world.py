"""What the checks of the claims ask of a model, in the words of the claims."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import toetwitch as tt
from toetwitch.knowledge import Advice, RedFlag
from toetwitch.knowledge.parameters import Parameter, parameters

Evidence = Mapping[str, object]
PASSING = ("load_and_arousal", "electrolytes")
"""Groups of causes that the article calls metabolic and lifestyle factors."""

NEUROLOGICAL = ("neurological", "compression")
"""Groups of causes in nerves and brain that are no emergency."""


class World:
    """A model, asked the way the claims are worded.

    Parameters
    ----------
    model
        The model that should show the claims.
    """

    def __init__(self, model: tt.Model) -> None:
        self.model = model

    def p(self, id: str, evidence: Evidence | None = None, state: str | None = None) -> float:
        """Return P(id = state | evidence); the worst state by default."""
        row = self.model.network.posterior(dict(evidence or {}), [id])[id]
        return row[state] if state is not None else list(row.values())[-1]

    def shown(self, id: str, evidence: Evidence | None = None) -> float:
        """Return P(id is in any state but its mildest | evidence)."""
        return 1 - next(iter(self.model.network.posterior(dict(evidence or {}), [id])[id].values()))

    def done(self, do: Mapping[str, str | bool], id: str, evidence: Evidence | None = None) -> float:
        """Return P(id is in any state but its mildest | evidence, do)."""
        return 1 - next(iter(self.model.what_if(dict(evidence or {}), do, [id]).seen[id].values()))

    def parents(self, id: str) -> tuple[str, ...]:
        """Return the parents of a variable."""
        return self.model.definition.network.parents(id)

    def raises(self, cause: str, effect: str) -> bool:
        """Return whether the effect has an arc from the cause, and setting the cause makes it more likely."""
        return cause in self.parents(effect) and self.lifts(cause, effect)

    def lifts(self, cause: str, effect: str, by: float = 1.0) -> bool:
        """Return whether setting a context or a cause makes the effect more than `by` times as likely."""
        states = self.model.network.variables[cause].states
        worst, mildest = self.done({cause: states[-1]}, effect), self.done({cause: states[0]}, effect)
        return worst > by * mildest + 1e-12

    def link(self, cause: str, effect: str) -> float:
        """Return what the model states of an arc: P(effect | this cause alone), or the odds ratio."""
        (parameter,) = (p for p in self._arc(cause, effect) if p.path.endswith((f"[{cause}=true]", "=true].true")))
        return parameter.estimate.value

    def sources(self, cause: str, effect: str) -> frozenset[str]:
        """Return the keys of the works that an arc rests on."""
        return frozenset(key for p in self._arc(cause, effect) for key in p.estimate.sources)

    def grades(self, cause: str, effect: str) -> frozenset[str]:
        """Return the grades of the numbers of an arc."""
        return frozenset(p.estimate.grade for p in self._arc(cause, effect))

    def mechanism(self, cause: str, effect: str) -> str:
        """Return how an arc works, in words."""
        keys = dict.fromkeys(p.mechanism for p in self._arc(cause, effect))
        return " ".join(self.model.definition.mechanisms[key] for key in keys)

    def _arc(self, cause: str, effect: str) -> list[Parameter]:
        def named(path: str) -> bool:
            return any(part.partition("=")[0] == cause for part in path.partition("[")[2].partition("]")[0].split(","))

        return [p for p in self._parameters if p.child == effect and p.role in ("link", "effect") and named(p.path)]

    @cached_property
    def _parameters(self) -> tuple[Parameter, ...]:
        return parameters(self.model.definition.network)

    def definition(self, id: str) -> str:
        """Return what a variable means, in words."""
        return self.model.network.variables[id].definition

    def share(self, groups: tuple[str, ...], evidence: Evidence) -> float:
        """Return the summed probability of the causes of some groups."""
        causes = [id for id in self.model.causes if self.model.network.variables[id].group in groups]
        found = self.model.network.posterior(dict(evidence), causes)
        return sum(row["true"] for row in found.values())

    @cached_property
    def gate(self) -> dict[str, str]:
        """Every question that self-care needs answered, with the answer no."""
        return {atom.id: atom.states[0] for atom in self.model.definition.rules.policy.gate}

    def rule(self, id: str) -> RedFlag:
        """Return a red flag."""
        return next(rule for rule in self.model.definition.rules.rules if rule.id == id)

    def fires(self, id: str, evidence: Evidence, level: str) -> bool:
        """Return whether a red flag fires, asks for this level, and the answer is at least as urgent."""
        answer = self.model.assess(evidence)
        rank = tt.TRIAGE_LEVELS.index
        fired = {found.id: found.level for found in answer.red_flags}
        return fired.get(id) == level and rank(answer.triage.level) >= rank(level)

    def advice(self, id: str) -> Advice:
        """Return a step of advice."""
        return next(entry for entry in self.model.definition.advice if entry.id == id)
