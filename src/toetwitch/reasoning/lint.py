"""Lint: what in a model can be read, and still cannot be meant.

A model folder that breaks a rule of the format is refused when it is read. What is looked for here is quieter: a
finding that lowers the cause it is said to speak for, a number so uncertain that it says nothing, a finding that
nothing brings about, a common complaint that makes a rare disease likely, a red flag that nobody can raise. Each
remark names the place, what was found and what was expected.

References
----------
Coupe & van der Gaag (2002), Properties of sensitivity analysis of Bayesian belief networks. Annals of Mathematics and
Artificial Intelligence 36, 323-356.
"""

from __future__ import annotations

__all__ = ["KINDS", "Remark", "lint"]

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toetwitch.evidence import Evidence
from toetwitch.inference import ExactInference
from toetwitch.knowledge.condition import FALSE, TRUE, Condition, evaluate, ids, read_atoms
from toetwitch.knowledge.definition import ModelDefinition
from toetwitch.knowledge.parameters import parameters
from toetwitch.knowledge.table import Link, Logistic, NoisyMax
from toetwitch.reasoning.red_flags import complete

KINDS = (
    "sign",
    "leak",
    "dead",
    "unreachable",
    "uncited",
    "uncertain",
    "prevalence",
    "joint",
    "rule",
)
"""What a remark can be about; `lint` gives them in this order."""

SLACK = 1e-9
"""Rounding that is no change of a probability."""

NEVER = 1e-12
"""A state of a smaller prior probability cannot be observed in practice."""

WIDE_ODDS = 1000.0
"""A probability whose odds may be off by more than this factor, from low to high, says nothing."""

WIDE_RATIO = 100.0
"""The same for an odds ratio."""

COMMON, RARE, LIKELY = 0.01, 1e-3, 0.05
"""A finding of one person in a hundred must not by itself make a disease of one in a thousand as likely as this."""

Weights = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to look at.

    Parameters
    ----------
    kind
        One of `KINDS`.
    place
        The path of a number, or the id of a variable or rule.
    text
        What was found, and what was expected.
    """

    kind: str
    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.place}: {self.text}"


def lint(definition: ModelDefinition, inference: ExactInference) -> tuple[Remark, ...]:
    """Return what to look at in a model that can be read, by kind.

    Parameters
    ----------
    definition
        What the model says.
    inference
        Exact inference in its network, at the model's default setting.

    Examples
    --------
    >>> from toetwitch.model import load_model
    >>> model = load_model()
    >>> [remark for remark in lint(model.definition, model.network.inference) if remark.kind == "sign"]
    []
    """
    pictures = _Pictures(definition, inference)
    found = [
        *_signs(pictures),
        *_leaks(definition),
        *_dead(definition),
        *_unreachable(pictures),
        *_support(definition),
        *_prevalences(definition, pictures),
        *_joint(pictures),
        *_rules(definition, pictures),
        *_posterior_rules(definition, pictures),
    ]
    return tuple(sorted(found, key=lambda remark: KINDS.index(remark.kind)))


class _Pictures:
    """The priors, and what each finding alone says of everything above it; each asked once."""

    def __init__(self, definition: ModelDefinition, inference: ExactInference) -> None:
        self.network = definition.network
        self.inference = inference
        self.prior = dict(inference.posterior(Evidence({}, {}, {})).marginals)
        self.causes = tuple(variable.id for variable in self.network.of_kind("cause"))
        self._seen: dict[str, dict[str, Weights]] = {}

    def given(self, id: str) -> dict[str, Weights]:
        """Return parent or cause to its posterior when a variable is in any state but its mildest."""
        if id not in self._seen:
            weights = np.ones(len(self.network.by_id[id].states))
            weights[0] = 0.0
            evidence = Evidence({id: 1}, {}, {}) if len(weights) == 2 else Evidence({}, {id: weights}, {})
            targets = dict.fromkeys((*self.network.parents(id), *self.causes))
            asked = [target for target in targets if target != id]
            self._seen[id] = dict(self.inference.posterior(evidence, asked).marginals)
        return self._seen[id]

    def possible(self, id: str) -> bool:
        """Return whether a variable can be in any state but its mildest."""
        return float(self.prior[id][1:].sum()) > NEVER


def _signs(pictures: _Pictures) -> Iterator[Remark]:
    """Yield findings and effects that move what brings them about against the stated direction."""
    by_id = pictures.network.by_id
    for table in pictures.network.tables:
        if isinstance(table, NoisyMax) and pictures.possible(table.child):
            for link in table.links:
                if not _graded_apart(link):
                    index = by_id[link.parent].index(link.parent_state)
                    yield from _sign(pictures, table.child, link.parent, index, -1 if link.inhibits else 1)
        elif isinstance(table, Logistic):
            for effect in table.effects:
                ((parent, states), *more) = effect.when.items()
                if effect.stated_as == "odds_ratio" and not more and len(states) == 1:
                    direction = int(np.sign(np.log(effect.size.value)))
                    yield from _sign(pictures, table.child, parent, by_id[parent].index(states[0]), direction)


def _graded_apart(link: Link) -> bool:
    """Return whether a link moves the parts of a graded finding apart, so that it has no one direction."""
    return len(link.probabilities) > 1


def _sign(pictures: _Pictures, child: str, parent: str, index: int, direction: int) -> Iterator[Remark]:
    before, after = float(pictures.prior[parent][index]), float(pictures.given(child)[parent][index])
    if direction * (after - before) < -SLACK:
        state = pictures.network.by_id[parent].states[index]
        moves, wanted = ("falls", "rise") if direction > 0 else ("rises", "fall")
        text = (
            f"P({parent} = {state}) {moves} from {before:.4g} to {after:.4g} when {child} is seen; expected a {wanted}"
        )
        yield Remark("sign", f"{parent} -> {child}", text)


def _leaks(definition: ModelDefinition) -> Iterator[Remark]:
    """Yield links whose range reaches below the background, or that stand at it and so say nothing."""
    for table in definition.network.tables:
        if not isinstance(table, NoisyMax) or table.leak.kind != "leak":
            continue
        top = table.leak.overall
        for link in table.links:
            for state, estimate in link.probabilities.items():
                if link.inhibits or len(link.probabilities) > 1:
                    continue
                place = f"{table.child}.link[{link.parent}={link.parent_state}].{state}"
                if estimate.value - top[state].value < 1e-4 * top[state].value:
                    text = f"{estimate.value:g} is the background {top[state].value:g}; expected more, or no link"
                    yield Remark("leak", place, text)
                elif estimate.high < top[state].value:
                    text = f"the range ends at {estimate.high:g}, below the background {top[state].value:g}"
                    yield Remark("leak", place, text)


def _dead(definition: ModelDefinition) -> Iterator[Remark]:
    """Yield variables that nothing brings about, or that bring about nothing and that no rule or advice asks for."""
    network, rules = definition.network, definition.rules
    asked = {id for rule in rules.rules for id in ids(rule.when)} | set(rules.policy.gate_ids)
    asked |= {id for parts in rules.policy.any_of.items() for id in (parts[0], *parts[1])}
    asked |= {id for entry in definition.advice for id in (*entry.acts_on, *entry.targets, *entry.relieves)}
    used = {parent for table in network.tables for parent in table.parents}
    for variable in network.variables:
        if variable.kind in ("finding", "test") and not network.parents(variable.id):
            yield Remark("dead", variable.id, "no cited effect brings it about; expected a link from a cause")
        if variable.kind in ("context", "cause", "latent") and variable.id not in used | asked:
            yield Remark("dead", variable.id, "it affects nothing, and no rule or advice names it")


def _unreachable(pictures: _Pictures) -> Iterator[Remark]:
    for id, row in pictures.prior.items():
        for state, probability in zip(pictures.network.by_id[id].states, row, strict=True):
            if probability <= NEVER:
                yield Remark("unreachable", id, f"state {state!r} has prior probability {probability:.3g}")


def _support(definition: ModelDefinition) -> Iterator[Remark]:
    """Yield numbers without a source, and numbers whose range is so wide that they say nothing."""
    for parameter in parameters(definition.network):
        estimate = parameter.estimate
        if not estimate.sources or not estimate.grade:
            yield Remark("uncited", parameter.path, f"{estimate.value:g} has no source or no grade")
        if parameter.scale == "odds_ratio":
            width, limit = estimate.high / estimate.low, WIDE_RATIO
        elif estimate.low > 0 and estimate.high < 1:
            width = estimate.high / (1 - estimate.high) * (1 - estimate.low) / estimate.low
            limit = WIDE_ODDS
        else:
            continue
        if width > limit:
            text = (
                f"{estimate.low:g} to {estimate.high:g} spans a factor of {width:.3g} in odds; it says next to nothing"
            )
            yield Remark("uncertain", parameter.path, text)


def _prevalences(definition: ModelDefinition, pictures: _Pictures) -> Iterator[Remark]:
    """Yield causes whose implied marginal is outside the cited check beside their bands."""
    for table in definition.network.tables:
        if isinstance(table, Logistic) and table.anchor.bands and table.anchor.overall is not None:
            cited, implied = table.anchor.overall, float(pictures.prior[table.child][1])
            if not cited.low <= implied <= cited.high:
                text = f"the bands imply {implied:.4g}; cited {cited.value:g} ({cited.low:g} to {cited.high:g})"
                yield Remark("prevalence", f"{table.child}.prevalence", text)


def _joint(pictures: _Pictures) -> Iterator[Remark]:
    """Yield common findings that alone make a rare disease likely."""
    for variable in pictures.network.variables:
        if variable.kind != "finding" or float(pictures.prior[variable.id][1:].sum()) < COMMON:
            continue
        for cause in pictures.causes:
            before, after = float(pictures.prior[cause][1]), float(pictures.given(variable.id)[cause][1])
            if before < RARE and after > LIKELY:
                text = f"this common finding alone lifts {cause} from {before:.2g} to {after:.2g}"
                yield Remark("joint", variable.id, text)


def _rules(definition: ModelDefinition, pictures: _Pictures) -> Iterator[Remark]:
    """Yield red flags that fire whatever is answered, or that no answer makes fire.

    Conditions of rules are monotone, so two answers decide: everything in its worst and in its mildest state, among the
    states that can be reached.
    """
    reached = {id: np.flatnonzero(row > NEVER) for id, row in pictures.prior.items()}
    worst = {id: np.eye(len(pictures.prior[id]))[states[-1]] for id, states in reached.items()}
    mildest = {id: np.eye(len(pictures.prior[id]))[states[0]] for id, states in reached.items()}
    for rule in definition.rules.rules:
        if not _holds(rule.when, worst, definition, TRUE):
            yield Remark("rule", rule.id, "it cannot fire: its condition is not met with everything at its worst")
        if not _holds(rule.when, mildest, definition, FALSE):
            yield Remark("rule", rule.id, "it always fires: its condition is met with everything at its mildest")


def _holds(when: Condition, said: dict[str, Weights], definition: ModelDefinition, truth: int) -> bool:
    return bool(np.equal(evaluate(when, read_atoms(complete(said, definition.rules))), truth))


def _posterior_rules(definition: ModelDefinition, pictures: _Pictures) -> Iterator[Remark]:
    """Yield rules on the posterior that hold before anything is known."""
    for rule in definition.rules.posterior_rules:
        for cause in rule.causes:
            prior = float(pictures.prior[cause][1])
            if prior >= rule.probability_at_least:
                text = (
                    f"P({cause}) is {prior:.3g} before anything is known; expected below {rule.probability_at_least:g}"
                )
                yield Remark("rule", rule.id, text)
