"""Red flags as data: which findings ask for which urgency, by whose word.

A rule is monotone by construction: its condition has no negation and every atom is closed upward in the order of its
states, so worse news can only make it fire. Where a guideline is calmer than the founding article, the rule carries
the dissent beside it; a dissent reassures, so it may hold only on known answers, and worse news of a danger finding
can only make it fail. Both properties are checked when the values are built, so that no rule book can lack them.
"""

from __future__ import annotations

__all__ = [
    "POLICIES",
    "TRIAGE_LEVELS",
    "AskFirst",
    "Policy",
    "PosteriorRule",
    "RedFlag",
    "RuleBook",
    "level_rank",
]

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from toetwitch.errors import UnknownNameError
from toetwitch.frozen import FrozenMapping
from toetwitch.knowledge.condition import AllOf, AnyOf, Atom, Condition, Not, atoms, ids, rises_with

TRIAGE_LEVELS = ("self_care", "routine_appointment", "urgent_appointment", "immediate_medical_attention")
"""Least to most urgent: manage at home, weeks, days, the same day or an emergency service."""

POLICIES = ("article", "guideline")
"""Whose level counts where the founding article and guidelines disagree."""

ORIGINS = ("article", "extension")


def level_rank(level: str) -> int:
    """Return the rank of a triage level, 0 for the least urgent.

    Raises
    ------
    UnknownNameError
        For another word; carries the nearest level.

    Examples
    --------
    >>> level_rank("urgent_appointment")
    2
    """
    if level not in TRIAGE_LEVELS:
        raise UnknownNameError("triage level", level, TRIAGE_LEVELS)
    return TRIAGE_LEVELS.index(level)


@dataclass(frozen=True, slots=True)
class RedFlag:
    """A rule: when this is so, at least that level.

    Parameters
    ----------
    id
        The name.
    when
        The condition; without negation, and closed upward.
    level
        What it asks for: the article's own level when the article states the rule.
    origin
        "article" or "extension".
    rationale
        Why, in a sentence.
    sources
        Keys of the works that say so, the leading one first.
    concern
        Causes that it guards against.
    concern_external
        Dangers that are not causes of the model.
    emergency
        Whether the sources say ambulance or emergency department, not just the same day.
    pathway
        Where to turn, when a source names it.
    guideline_level
        What guidelines say where they differ; without `dissent_when` for information only.
    dissent_when
        When the guideline's level may be used: only where this is known to hold.
    dissent, dissent_limit
        What the guidelines say, and how far that goes.
    dissent_sources
        Keys of the works behind the dissent.
    note
        What else a reader should know.

    Raises
    ------
    ValueError
        For a condition that is not monotone, or an incomplete dissent.
    """

    id: str
    when: Condition
    level: str
    origin: str
    rationale: str
    sources: tuple[str, ...]
    concern: tuple[str, ...] = ()
    concern_external: tuple[str, ...] = ()
    emergency: bool = False
    pathway: str = ""
    guideline_level: str = ""
    dissent_when: Condition | None = None
    dissent: str = ""
    dissent_limit: str = ""
    dissent_sources: tuple[str, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        level_rank(self.level)
        if self.origin not in ORIGINS:
            raise UnknownNameError("origin", self.origin, ORIGINS)
        if not self.sources:
            raise ValueError(f"rule {self.id!r} cites no source; expected one or more")
        _check_monotone(self.when)
        if self.guideline_level:
            level_rank(self.guideline_level)
        if self.dissent_when is not None:
            if not self.guideline_level or level_rank(self.guideline_level) >= level_rank(self.level):
                raise ValueError(f"dissent_when of {self.id!r} needs a guideline_level below {self.level!r}")
            if not self.dissent_sources:
                raise ValueError(f"the dissent of {self.id!r} cites no source; expected dissent_source")

    @property
    def source(self) -> str:
        """The key of the leading source."""
        return self.sources[0]

    @property
    def rank(self) -> int:
        """The rank of the level, 0 for the least urgent."""
        return level_rank(self.level)

    @property
    def guideline_rank(self) -> int:
        """The rank of the level where the dissent holds: never above the rule's own."""
        return level_rank(self.guideline_level) if self.dissent_when is not None else self.rank


def _check_monotone(when: Condition) -> None:
    if isinstance(when, Not):
        raise ValueError(f"{when}: a rule may not negate; worse news could clear it")
    if isinstance(when, AllOf | AnyOf):
        for part in when.parts:
            _check_monotone(part)
    elif not rises_with(when, when.id):
        if when.among == ("false", "true"):
            raise ValueError(f"{when}: a rule may not ask for an absence; worse news could clear it")
        upward = list(when.among[when.among.index(when.states[0]) :])
        raise ValueError(f"{when}: not closed upward; expected {upward}, so that worse news cannot clear the rule")


@dataclass(frozen=True, slots=True)
class PosteriorRule:
    """How likely a cause must be to ask for a level by itself.

    Parameters
    ----------
    id
        The name.
    causes
        Causes, each judged alone.
    probability_at_least
        The rule holds when P(cause present | evidence) reaches this for one of them.
    level
        What it asks for.
    rationale
        Why this number.
    sources
        Keys of the works that it rests on.
    """

    id: str
    causes: tuple[str, ...]
    probability_at_least: float
    level: str
    rationale: str
    sources: tuple[str, ...]

    def __post_init__(self) -> None:
        level_rank(self.level)
        if not self.causes:
            raise ValueError(f"posterior rule {self.id!r} names no cause; expected one or more")
        if not 0 < self.probability_at_least <= 1:
            raise ValueError(f"probability_at_least of {self.id!r} is {self.probability_at_least!r}; expected (0, 1]")
        if not self.sources:
            raise ValueError(f"posterior rule {self.id!r} cites no source; expected one or more")


@dataclass(frozen=True, slots=True)
class AskFirst:
    """A danger worth asking about before anything else.

    Parameters
    ----------
    finding
        The variable.
    question
        Plain words that a person can answer at home.
    """

    finding: str
    question: str


@dataclass(frozen=True, slots=True)
class Policy:
    """How levels are chosen.

    Parameters
    ----------
    default
        The policy used when none is asked for.
    gate
        What self-care needs: each id with the answer that counts as no. All must be answered.
    gate_rationale
        Why these.
    danger_findings
        Ids of which a worse value never lowers the level, under either policy and with the posterior counted.
    any_of
        Ids that are true exactly when one of their parts is, for example a class of medicines.
    level_meaning
        What each level means, in words.
    no_main_advice_from
        The level from which self-care advice is never the main answer.
    sources
        Keys of the works that the gate rests on.
    """

    default: str = "article"
    gate: tuple[Atom, ...] = ()
    gate_rationale: str = ""
    danger_findings: tuple[str, ...] = ()
    any_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    level_meaning: Mapping[str, str] = field(default_factory=dict)
    no_main_advice_from: str = "urgent_appointment"
    sources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "any_of", FrozenMapping({id: tuple(parts) for id, parts in self.any_of.items()}))
        object.__setattr__(self, "level_meaning", FrozenMapping(dict(self.level_meaning)))
        if self.default not in POLICIES:
            raise UnknownNameError("policy", self.default, POLICIES)
        for level in (*self.level_meaning, self.no_main_advice_from):
            level_rank(level)
        for atom in self.gate:
            if len(atom.states) != 1:
                raise ValueError(f"gate answer {atom}; expected one state, the one that counts as no")
        for name in ("danger_findings", "gate_ids"):
            _check_distinct(name, getattr(self, name))

    @property
    def gate_ids(self) -> tuple[str, ...]:
        """The ids that the gate asks about."""
        return tuple(atom.id for atom in self.gate)


@dataclass(frozen=True, slots=True)
class RuleBook:
    """Every rule of a model, checked to be monotone together.

    Parameters
    ----------
    rules
        The red flags.
    policy
        How levels are chosen.
    posterior_rules
        Which probability of which cause asks for which level.
    ask_first
        Dangers to ask about, gravest first.

    Attributes
    ----------
    named_by
        For each rule the ids that its condition mentions.
    ranks
        Policy to the rank of each rule's level: its own, and the one where its dissent holds.

    Raises
    ------
    ValueError
        For a duplicate id, a dissent that worse news of a danger finding could make hold, or a rule that fires on
        what the gate counts as no.

    Examples
    --------
    >>> drop = RedFlag("drop", Atom("foot_drop", ("true",)), "urgent_appointment", "extension", "...", ("someone",))
    >>> RuleBook((drop,)).rule("drop").level
    'urgent_appointment'
    """

    rules: tuple[RedFlag, ...] = ()
    policy: Policy = field(default_factory=Policy)
    posterior_rules: tuple[PosteriorRule, ...] = ()
    ask_first: tuple[AskFirst, ...] = ()
    named_by: tuple[frozenset[str], ...] = field(init=False, repr=False, compare=False)
    ranks: Mapping[str, tuple[int, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "named_by", tuple(frozenset(ids(rule.when)) for rule in self.rules))
        ranks = {
            "article": tuple(rule.rank for rule in self.rules),
            "guideline": tuple(rule.guideline_rank for rule in self.rules),
        }
        object.__setattr__(self, "ranks", FrozenMapping(ranks))
        _check_distinct("rule", [rule.id for rule in self.rules])
        _check_distinct("posterior rule", [rule.id for rule in self.posterior_rules])
        _check_distinct("ask_first", [ask.finding for ask in self.ask_first])
        for rule in self.rules:
            self.check_dissent(rule)
            self.check_gate(rule)

    def check_gate(self, rule: RedFlag) -> None:
        """Refuse a rule for which an answer that the gate counts as no is a reason to fire.

        Raises
        ------
        ValueError
            When an atom of `when` holds on such an answer.
        """
        answers = {atom.id: atom.states[0] for atom in self.policy.gate}
        for atom in atoms(rule.when):
            if answers.get(atom.id) in atom.states:
                raise ValueError(
                    f"{atom}: the gate counts {atom.id} = {answers[atom.id]} as no; {rule.id!r} fires on it"
                )

    def check_dissent(self, rule: RedFlag) -> None:
        """Refuse a dissent that worse news of a danger finding could make hold.

        Raises
        ------
        ValueError
            When an atom of `dissent_when` on a danger finding is not closed downward.
        """
        if rule.dissent_when is None:
            return
        for id in ids(rule.dissent_when):
            if id in self.policy.danger_findings and not rises_with(rule.dissent_when, id, falls=True):
                raise ValueError(
                    f"dissent_when of {rule.id!r} could come to hold on worse news of the danger finding {id!r}; "
                    "expected only its absence or its mildest states"
                )

    def rule(self, id: str) -> RedFlag:
        """Return a rule by its id.

        Raises
        ------
        UnknownNameError
            When there is none; carries the nearest id.
        """
        for rule in self.rules:
            if rule.id == id:
                return rule
        raise UnknownNameError("rule", id, [rule.id for rule in self.rules])

    def question(self, id: str) -> str:
        """Return the plain question for a variable, or "" when none is written."""
        return next((ask.question for ask in self.ask_first if ask.finding == id), "")

    @property
    def mentioned(self) -> tuple[str, ...]:
        """Every variable on which a rule, a dissent or the gate depends, parts of classes included."""
        conditions = [condition for rule in self.rules for condition in (rule.when, rule.dissent_when) if condition]
        named = dict.fromkeys(id for condition in (*conditions, *self.policy.gate) for id in ids(condition))
        parts = [part for id, members in self.policy.any_of.items() if id in named for part in members]
        return tuple(dict.fromkeys([*named, *parts]))

    def citations(self) -> Iterator[tuple[str, str]]:
        """Yield every source key that is cited, with the place that cites it."""
        for rule in self.rules:
            yield from ((key, f"red_flag[{rule.id}]") for key in (*rule.sources, *rule.dissent_sources))
        yield from ((key, "policy") for key in self.policy.sources)
        for posterior in self.posterior_rules:
            yield from ((key, f"posterior_rule[{posterior.id}]") for key in posterior.sources)


def _check_distinct(name: str, ids: object) -> None:
    seen: set[object] = set()
    for id in ids:  # type: ignore[attr-defined]
        if id in seen:
            raise ValueError(f"duplicate {name} {id!r}; expected each once")
        seen.add(id)
