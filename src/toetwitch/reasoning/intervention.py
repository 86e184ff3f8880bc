"""What if: to do is not to see, and what would have been seen.

`what_if` answers two questions about setting a variable. Seen under the intervention: the arcs into the variable are
cut, so doing something to an effect says nothing of its causes. Given what was seen: what would have been seen instead
(the counterfactual), so that "would the movement persist without the coffee?" keeps all that this case shows about
this person.

Advice is read as such interventions and ranked by how many of the present findings would persist. It never lowers a
level and is silent where the level says that self-care is not the answer; a contraindicated step is withheld, and a
step that needs a prescriber is shown for that talk, never as something to do alone.

References
----------
Pearl (2009), Causality, 2nd ed., chapters 3 and 7.
"""

from __future__ import annotations

__all__ = ["AdviceEffect", "Advised", "WhatIf", "advise", "checked_intervention", "what_if"]

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from toetwitch.errors import EvidenceError
from toetwitch.evidence import Evidence
from toetwitch.frozen import FrozenMapping
from toetwitch.inference.counterfactual import Counterfactual
from toetwitch.knowledge.advice import Advice
from toetwitch.knowledge.condition import TRUE, UNKNOWN, evaluate, read_atoms
from toetwitch.knowledge.red_flag import RuleBook, level_rank
from toetwitch.reasoning.cards import advised_card, what_if_card
from toetwitch.reasoning.red_flags import complete, supports_of

if TYPE_CHECKING:
    import pandas as pd

Distribution = Mapping[str, float]

STATUSES = ("offered", "with caution", "with a prescriber", "already so", "withheld")
"""How a step may be shown, most freely first."""


def checked_intervention(do: Mapping[str, str | bool]) -> Mapping[str, str | bool]:
    """Return what is to be set, having checked that it is a mapping; it comes from the caller.

    Raises
    ------
    EvidenceError
        For anything else.
    """
    if not isinstance(do, Mapping):
        raise EvidenceError(
            f"an intervention of type {type(do).__name__}; expected a mapping of ids to the states they are set to"
        )
    return do


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What an intervention would change.

    Parameters
    ----------
    do
        Id to the state it is set to.
    before
        Target to state to P(state | evidence).
    seen
        Target to state to P(state | evidence, do): if the same evidence were seen under the intervention.
    instead
        Target to state to P(it would be so under the intervention | what was seen): the counterfactual.
    """

    do: Mapping[str, str]
    before: Mapping[str, Distribution]
    seen: Mapping[str, Distribution]
    instead: Mapping[str, Distribution]

    def __post_init__(self) -> None:
        object.__setattr__(self, "do", FrozenMapping(dict(self.do)))
        for name in ("before", "seen", "instead"):
            rows = {id: FrozenMapping(dict(row)) for id, row in getattr(self, name).items()}
            object.__setattr__(self, name, FrozenMapping(rows))

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as JSON types."""
        found: dict[str, Any] = {"do": dict(self.do)}
        for name in ("before", "seen", "instead"):
            found[name] = {id: dict(row) for id, row in getattr(self, name).items()}
        return found

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame, a row for each target and state: before, seen, instead."""
        import pandas as pd

        pairs = [(id, state) for id, row in self.before.items() for state in row]
        return pd.DataFrame(
            {name: [getattr(self, name)[id][state] for id, state in pairs] for name in ("before", "seen", "instead")},
            index=pd.MultiIndex.from_tuples(pairs, names=["target", "state"]),
        )

    def __str__(self) -> str:
        said = ", ".join(f"{id} = {state}" for id, state in self.do.items())
        lines = [f"If {said} (now; if this were seen under it; what would have been instead)"]
        moved = {
            id: abs(list(row.values())[-1] - list(self.before[id].values())[-1]) for id, row in self.instead.items()
        }
        for id in sorted(moved, key=lambda id: -moved[id])[:8]:
            *_, last = self.before[id]
            now, seen, instead = self.before[id][last], self.seen[id][last], self.instead[id][last]
            lines.append(f"  {id + ' = ' + last:<44} {now:>7.1%} {seen:>7.1%} {instead:>7.1%}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return what_if_card(self)


def what_if(
    counterfactual: Counterfactual, evidence: Evidence, do: Mapping[str, int], targets: Sequence[str] | None = None
) -> WhatIf:
    """Return what setting variables would change.

    Parameters
    ----------
    counterfactual
        The network.
    evidence
        What was seen.
    do
        Id to the index of the state it is set to.
    targets
        Ids; every variable that is not set by default.

    Raises
    ------
    ImpossibleEvidenceError
        When the evidence has probability zero, or would have under the intervention.

    Examples
    --------
    >>> from toetwitch.evidence import read_evidence
    >>> from toetwitch.inference import ExactInference
    >>> from toetwitch.knowledge import Cpt, NetworkDefinition, Variable
    >>> tables = (Cpt("rain", (), [0.8, 0.2]), Cpt("wet", ("rain",), [[0.9, 0.1], [0.2, 0.8]]))
    >>> world = Counterfactual(ExactInference(NetworkDefinition((Variable("rain"), Variable("wet")), tables)))
    >>> answer = what_if(world, read_evidence({"wet": True}, world.exact.network.by_id), {"rain": 0})
    >>> round(answer.instead["wet"]["true"], 4)
    0.4167
    >>> round(what_if(world, Evidence({}, {}, {}), {"wet": 1}).seen["rain"]["true"], 4)
    0.2
    """
    exact = counterfactual.exact
    if targets is None:
        targets = [id for id in exact.network.by_id if id not in do]
    by_id = exact.network.by_id

    def named(found: Mapping[str, Any]) -> dict[str, Distribution]:
        return {id: dict(zip(by_id[id].states, map(float, found[id]), strict=True)) for id in targets}

    return WhatIf(
        {id: by_id[id].states[state] for id, state in do.items()},
        named(exact.posterior(evidence, targets).marginals),
        named(counterfactual.intervened(evidence, do, targets)),
        named(counterfactual.would_be(evidence, do, targets)),
    )


@dataclass(frozen=True, slots=True)
class AdviceEffect:
    """One step of advice, for one case.

    Parameters
    ----------
    advice
        The step, with its effect sizes, grades and sources.
    status
        One of `STATUSES`.
    persists
        Present finding to P(it would still be present had the step been taken | what was seen); empty for a step
        that the model cannot read as an intervention.
    reason
        Why the status is what it is.
    """

    advice: Advice
    status: str
    persists: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "persists", FrozenMapping(dict(self.persists)))

    @property
    def expected_relief(self) -> float:
        """The expected number of present findings that would be gone."""
        return sum(1 - p for p in self.persists.values())


@dataclass(frozen=True, slots=True)
class Advised:
    """What a person can do, for one case.

    Parameters
    ----------
    level
        The triage level, which comes first.
    steps
        Steps that may be shown, by how freely, then by expected relief; empty where the level asks for help first.
    withheld
        Steps that are contraindicated here.
    without
        Present finding to P(present | evidence): 1 where it was observed.
    silent
        Why there is no advice, or "".
    """

    level: str
    steps: tuple[AdviceEffect, ...]
    withheld: tuple[AdviceEffect, ...]
    without: Mapping[str, float]
    silent: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "without", FrozenMapping(dict(self.without)))

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as JSON types."""
        return {
            "level": self.level,
            "silent": self.silent,
            "without": dict(self.without),
            "steps": [_step_dict(step) for step in self.steps],
            "withheld": [_step_dict(step) for step in self.withheld],
        }

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame, a row a step: status, expected relief, grades, sources, reason."""
        import pandas as pd

        rows = [
            {
                "status": step.status,
                "expected_relief": step.expected_relief if step.persists else math.nan,
                "grade": step.advice.grade,
                "grade_for": step.advice.grade_for,
                "grade_for_movement": step.advice.grade_for_movement,
                "sources": " ".join(step.advice.sources),
                "reason": step.reason,
            }
            for step in (*self.steps, *self.withheld)
        ]
        columns = ["status", "expected_relief", "grade", "grade_for", "grade_for_movement", "sources", "reason"]
        ids = [step.advice.id for step in (*self.steps, *self.withheld)]
        return pd.DataFrame(rows, index=pd.Index(ids, name="advice"), columns=columns)

    def __str__(self) -> str:
        if self.silent:
            return self.silent
        lines = []
        for step in self.steps:
            relief = f"{step.expected_relief:.2f} findings fewer expected" if step.persists else "no effect size here"
            lines.append(f"[{step.status}] {step.advice.text} ({relief}; grade {step.advice.grade}, "
                         f"{step.advice.grade_for_movement} for the movement itself)")  # fmt: skip
            if step.reason:
                lines.append(f"    {step.reason}")
        return "\n".join(lines) or "No advice applies."

    def _repr_html_(self) -> str:
        return advised_card(self)


def _step_dict(step: AdviceEffect) -> dict[str, Any]:
    return {
        "id": step.advice.id,
        "text": step.advice.text,
        "status": step.status,
        "reason": step.reason,
        "persists": dict(step.persists),
        "do": dict(step.advice.acts_on),
        "effect": step.advice.effect,
        "grade": step.advice.grade,
        "grade_for": step.advice.grade_for,
        "grade_for_movement": step.advice.grade_for_movement,
        "sources": list(step.advice.sources),
        "self_directed": step.advice.self_directed,
    }


def advise(
    counterfactual: Counterfactual, evidence: Evidence, level: str, advice: Sequence[Advice], book: RuleBook
) -> Advised:
    """Return what a person can do, ranked by what would persist, or why nothing is said.

    Parameters
    ----------
    counterfactual
        The network.
    evidence
        The case.
    level
        Its triage level.
    advice
        The steps of the model.
    book
        The rules, whose policy says from which level advice is silent.

    Raises
    ------
    ImpossibleEvidenceError
        When the evidence has probability zero.
    """
    if level_rank(level) >= level_rank(book.policy.no_main_advice_from):
        said = level.replace("_", " ")
        return Advised(level, (), (), {}, f"{said.capitalize()} comes first; self-care advice is not the answer here.")
    exact = counterfactual.exact
    by_id = exact.network.by_id
    present = [id for id, state in evidence.hard.items() if state > 0 and by_id[id].kind == "finding"]
    truth_of = read_atoms(complete(supports_of(evidence, by_id), book))
    before = exact.posterior(evidence, present).marginals
    shown, withheld = [], []
    for entry in advice:
        if entry.requires is not None and evaluate(entry.requires, truth_of) != TRUE:
            continue
        against = None if entry.contraindicated_when is None else evaluate(entry.contraindicated_when, truth_of)
        if against is not None and np.equal(against, TRUE):
            withheld.append(AdviceEffect(entry, "withheld", reason=entry.caution or "Contraindicated here."))
            continue
        do = {id: by_id[id].index(state) for id, state in entry.acts_on.items()}
        persists = {}
        if do and present:
            instead = counterfactual.would_be(evidence, do, present)
            persists = {id: float(1 - instead[id][0]) for id in present}
        if do and all(evidence.hard.get(id) == state for id, state in do.items()):
            status, reason = "already so", ""
        elif not entry.self_directed:
            status, reason = "with a prescriber", "Never stop or change a prescribed medicine alone. " + entry.caution
        elif against is not None and np.equal(against, UNKNOWN):
            status, reason = "with caution", entry.caution
        else:
            status, reason = "offered", entry.caution
        shown.append(AdviceEffect(entry, status, persists, reason.strip()))
    order = {status: place for place, status in enumerate(STATUSES)}
    shown.sort(key=lambda step: (order[step.status], -step.expected_relief))
    return Advised(level, tuple(shown), tuple(withheld), {id: float(1 - before[id][0]) for id in present})
