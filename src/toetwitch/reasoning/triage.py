"""How urgent: the gravest of what the red flags ask for and what the posterior asks for, behind the self-care gate.

The level is a maximum, so nothing that is reassuring about one finding takes away what another asks for. Self-care
passes only through a gate: each finding on which its safety rests must have been answered, and an unanswered one is
not a no. Two policies are always computed, and both are shown: `article` keeps the founding article's levels,
`guideline` steps a rule down where its cited dissent is known to hold.

Many cases are decided at once, as arrays; one case is decided by the same code, as a cohort of one.
"""

from __future__ import annotations

__all__ = ["Dissent", "Triage", "TriageMany", "gravest_by_posterior", "posterior_level", "triage", "triage_many"]

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toetwitch.errors import UnknownNameError
from toetwitch.frozen import FrozenMapping
from toetwitch.knowledge.condition import UNKNOWN, Atom, atom_truth
from toetwitch.knowledge.red_flag import POLICIES, TRIAGE_LEVELS, RuleBook, level_rank
from toetwitch.reasoning.red_flags import Decisions, FiredRule, PossibleRule, Supports, decide, explain

Bools = NDArray[np.bool_]
Ranks = NDArray[np.int8]

NO_POSTERIOR = -1
"""Rank that stands for "no posterior": the evidence is impossible under the model, or inference failed."""

ROUNDING = 1e-12
"""Slack when a posterior is held against a threshold, so that the order of a sum does not decide."""


def gravest_by_posterior(book: RuleBook) -> int:
    """Return the rank of the gravest level that any posterior could ask for."""
    return max((level_rank(rule.level) for rule in book.posterior_rules), default=0)


def posterior_level(causes: Mapping[str, NDArray[np.float64] | float], book: RuleBook) -> Ranks:
    """Return the rank of the level that probabilities of causes ask for.

    Parameters
    ----------
    causes
        Cause id to P(cause present | evidence), scalars or arrays of one shape.
    book
        The rules; each of `posterior_rules` holds when one of its causes reaches its probability.

    Returns
    -------
    numpy.ndarray
        Ranks in `TRIAGE_LEVELS`, of the shape of the probabilities. Non-decreasing in each of them.

    Examples
    --------
    >>> from toetwitch.knowledge.red_flag import PosteriorRule
    >>> rule = PosteriorRule("ces", ("cauda_equina_syndrome",), 0.01, TRIAGE_LEVELS[3], "...", ("someone",))
    >>> posterior_level({"cauda_equina_syndrome": np.array([0.001, 0.2])}, RuleBook(posterior_rules=(rule,))).tolist()
    [0, 3]
    """
    level = np.zeros(np.broadcast_shapes(*(np.shape(p) for p in causes.values())), dtype=np.int8)
    for rule in book.posterior_rules:
        for cause in rule.causes:
            if cause in causes:
                holds = np.asarray(causes[cause]) >= rule.probability_at_least - ROUNDING
                level = np.maximum(level, np.where(holds, level_rank(rule.level), 0)).astype(np.int8)
    return level


@dataclass(frozen=True, slots=True, eq=False)
class TriageMany:
    """The urgency of many cases; ranks stand for `TRIAGE_LEVELS`.

    Parameters
    ----------
    policy
        By which policy `level` was set.
    level
        What to act on, shape (...).
    rules_level, posterior_level
        What the fired rules, and the posterior, ask for; the posterior's is -1 where there is none.
    level_if_unanswered_were_no
        The level if each unanswered question of the gate were answered no.
    level_if_possible_fired
        The level if each possible rule fired.
    level_by_policy
        The level under each policy.
    gate_applied
        Where the gate alone keeps the case from self-care.
    unanswered
        Which questions of the gate are open, shape (..., gate).
    decisions
        What became of every rule.
    """

    policy: str
    level: Ranks
    rules_level: Ranks
    posterior_level: Ranks
    level_if_unanswered_were_no: Ranks
    level_if_possible_fired: Ranks
    level_by_policy: Mapping[str, Ranks]
    gate_applied: Bools
    unanswered: Bools
    decisions: Decisions


def triage_many(
    supports: Supports,
    posterior: NDArray[Any] | int | None,
    book: RuleBook,
    policy: str | None = None,
    *,
    posterior_if_no: NDArray[Any] | int | None = None,
) -> TriageMany:
    """Decide how urgent each of many cases is.

    Parameters
    ----------
    supports
        Id to what is known of it, shape (..., states) with the same leading axes; ids left out are unknown.
    posterior
        Ranks that the posterior asks for, shape (...); None or -1 where there is no posterior.
    book
        The rules.
    policy
        "article" or "guideline"; by default the one of the book.
    posterior_if_no
        Ranks that the posterior would ask for if the gate's open questions were answered no; by default `posterior`.

    Returns
    -------
    TriageMany
        Of the leading shape.

    Raises
    ------
    UnknownNameError
        For a policy that does not exist.
    """
    policy = book.policy.default if policy is None else policy
    if policy not in POLICIES:
        raise UnknownNameError("policy", policy, POLICIES)
    decisions = decide(supports, book)
    shape = decisions.fired.shape[:-1]
    present = _ranks(posterior, shape)
    unanswered = _open_questions(supports, book, shape)
    incomplete = unanswered.any(axis=-1) | (present == NO_POSTERIOR)

    rules_by_policy = {name: _rules_level(decisions, book, name) for name in POLICIES}
    ungated = {name: np.maximum(rules, present) for name, rules in rules_by_policy.items()}
    level_by_policy = {name: np.where(incomplete, np.maximum(rank, 1), rank) for name, rank in ungated.items()}
    if_possible = np.where(decisions.possible, book.ranks["article"], 0).max(axis=-1, initial=0)

    rules_if_no = rules_by_policy[policy]
    if policy == "guideline" and unanswered.any():
        # A no fires no rule (the rule book refuses one that it could), but it may settle a dissent.
        rules_if_no = _rules_level(decide(_answered_no(supports, unanswered, book), book), book, policy)
    present_if_no = present if posterior_if_no is None else _ranks(posterior_if_no, shape)
    if_no = np.maximum(rules_if_no, present_if_no)
    return TriageMany(
        policy=policy,
        level=_small(level_by_policy[policy]),
        rules_level=_small(rules_by_policy[policy]),
        posterior_level=present,
        level_if_unanswered_were_no=_small(np.where(present_if_no == NO_POSTERIOR, np.maximum(if_no, 1), if_no)),
        level_if_possible_fired=_small(np.maximum(level_by_policy[policy], if_possible)),
        level_by_policy=FrozenMapping({name: _small(rank) for name, rank in level_by_policy.items()}),
        gate_applied=(ungated[policy] < 1) & incomplete,
        unanswered=unanswered,
        decisions=decisions,
    )


def _small(ranks: NDArray[Any]) -> Ranks:
    return ranks.astype(np.int8)


def _ranks(ranks: NDArray[Any] | int | None, shape: tuple[int, ...]) -> Ranks:
    return _small(np.broadcast_to(np.asarray(NO_POSTERIOR if ranks is None else ranks), shape))


def _rules_level(decisions: Decisions, book: RuleBook, policy: str) -> Ranks:
    ranks = np.where(decisions.fired, book.ranks["article"], 0)
    if policy == "guideline":
        ranks = np.where(decisions.dissents, book.ranks["guideline"], ranks)
    return _small(ranks.max(axis=-1, initial=0))


def _open_questions(supports: Supports, book: RuleBook, shape: tuple[int, ...]) -> Bools:
    """Return which questions of the gate are open: some state is neither known to hold nor known not to."""
    still_open = np.zeros((*shape, len(book.policy.gate)), dtype=bool)
    for n, atom in enumerate(book.policy.gate):
        support = supports.get(atom.id)
        still_open[..., n] = True if support is None else ~_settled(atom, support)
    return still_open


def _settled(atom: Atom, support: NDArray[Any]) -> Bools:
    each = [atom_truth(np.array([state == other for other in atom.among]), support) for state in atom.among]
    settled: Bools = np.logical_and.reduce([np.not_equal(truth, UNKNOWN) for truth in each])
    return settled


def _answered_no(supports: Supports, unanswered: Bools, book: RuleBook) -> Supports:
    denied = dict(supports)
    for n, atom in enumerate(book.policy.gate):
        before = supports.get(atom.id, np.ones(len(atom.among)))
        denied[atom.id] = np.where(unanswered[..., n, None], atom.member.astype(before.dtype), before)
    return denied


@dataclass(frozen=True, slots=True)
class Dissent:
    """Where a guideline disagrees with a rule that fired.

    Parameters
    ----------
    rule
        Id of the rule.
    level, guideline_level
        What the rule asks for, and what the guidelines would.
    holds
        Whether the evidence settles that the guideline's view applies here; only then does its policy use it.
    waits_for
        What would have to be answered, and reassuring, for it to apply.
    text, limit
        What the guidelines say, and how far that goes.
    sources
        Keys of the works behind it.
    """

    rule: str
    level: str
    guideline_level: str
    holds: bool
    waits_for: tuple[str, ...]
    text: str
    limit: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Triage:
    """How urgent one case is, and why.

    Parameters
    ----------
    level
        What to act on: one of `TRIAGE_LEVELS`, the self-care gate applied.
    policy
        By which policy `level` was set.
    rules_level
        What the fired rules ask for under that policy.
    posterior_level
        What the posterior alone asks for; None when there is no posterior, and then the level is never self-care.
    level_if_unanswered_were_no
        The level if each open question of the gate were answered no.
    level_if_possible_fired
        The level if every possible rule fired: the worst that further answers could show.
    level_by_policy
        The level under each policy.
    gate_applied
        Whether only the gate keeps this from self-care.
    unanswered
        What the gate still wants answered, gravest first.
    ask_next
        What to ask now: unanswered ids that could still raise the level, gravest first.
    emergency
        Whether a fired rule says ambulance or emergency department.
    pathways
        Where to turn, as the gravest fired rules name it.
    fired, possible
        The rules, gravest first.
    dissent
        Where guidelines disagree with rules that fired.
    """

    level: str
    policy: str
    rules_level: str
    posterior_level: str | None
    level_if_unanswered_were_no: str
    level_if_possible_fired: str
    level_by_policy: Mapping[str, str]
    gate_applied: bool
    unanswered: tuple[str, ...]
    ask_next: tuple[str, ...]
    emergency: bool
    pathways: tuple[str, ...]
    fired: tuple[FiredRule, ...]
    possible: tuple[PossibleRule, ...]
    dissent: tuple[Dissent, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "level_by_policy", FrozenMapping(dict(self.level_by_policy)))


def triage(
    supports: Supports,
    posterior: int | None,
    book: RuleBook,
    policy: str | None = None,
    *,
    posterior_if_no: int | None = None,
) -> Triage:
    """Decide how urgent one case is.

    Parameters
    ----------
    supports
        Id to an array of shape (states,); ids left out are unknown.
    posterior
        Rank that the posterior asks for; None when there is no posterior.
    book
        The rules.
    policy
        "article" or "guideline"; by default the one of the book.
    posterior_if_no
        Rank that the posterior would ask for if the gate's open questions were answered no; by default `posterior`.

    Returns
    -------
    Triage
        With every fired rule, whatever the posterior says.

    Examples
    --------
    >>> from toetwitch.knowledge.red_flag import RedFlag
    >>> drop = RedFlag("drop", Atom("foot_drop", ("true",)), "urgent_appointment", "extension", "...", ("someone",))
    >>> answer = triage({"foot_drop": np.array([0.0, 1.0])}, 0, RuleBook((drop,)))
    >>> answer.level, dict(answer.fired[0].because)
    ('urgent_appointment', {'foot_drop': True})
    """
    many = triage_many(supports, posterior, book, policy, posterior_if_no=posterior_if_no)
    fired, possible = explain(supports, book, many.decisions)
    open_ids = [atom.id for atom, is_open in zip(book.policy.gate, many.unanswered, strict=True) if is_open]
    rank = int(many.level)
    return Triage(
        level=TRIAGE_LEVELS[rank],
        policy=many.policy,
        rules_level=TRIAGE_LEVELS[int(many.rules_level)],
        posterior_level=None if many.posterior_level == NO_POSTERIOR else TRIAGE_LEVELS[int(many.posterior_level)],
        level_if_unanswered_were_no=TRIAGE_LEVELS[int(many.level_if_unanswered_were_no)],
        level_if_possible_fired=TRIAGE_LEVELS[int(many.level_if_possible_fired)],
        level_by_policy={name: TRIAGE_LEVELS[int(level)] for name, level in many.level_by_policy.items()},
        gate_applied=bool(many.gate_applied),
        unanswered=tuple(sorted(open_ids, key=lambda id: _gravity(id, book))),
        ask_next=_ask_next(possible, rank, book),
        emergency=any(found.emergency for found in fired),
        pathways=tuple(dict.fromkeys(found.rule.pathway for found in fired if found.rule.pathway)),
        fired=fired,
        possible=possible,
        dissent=tuple(_dissent(found) for found in fired if found.rule.guideline_level or found.rule.dissent),
    )


def _gravity(id: str, book: RuleBook) -> int:
    order = [ask.finding for ask in book.ask_first]
    return order.index(id) if id in order else len(order)


def _ask_next(possible: tuple[PossibleRule, ...], rank: int, book: RuleBook) -> tuple[str, ...]:
    """Return what could still raise the level: first in the order of the book, then by the level it could raise to."""
    reach: dict[str, int] = {}
    for found in possible:
        if found.rule.rank > rank:
            for id in found.waits_for:
                reach[id] = max(reach.get(id, 0), found.rule.rank)
    return tuple(sorted(reach, key=lambda id: (_gravity(id, book), -reach[id])))


def _dissent(found: FiredRule) -> Dissent:
    rule = found.rule
    return Dissent(
        rule=rule.id,
        level=rule.level,
        guideline_level=rule.guideline_level or rule.level,
        holds=found.dissents,
        waits_for=found.dissent_waits_for,
        text=rule.dissent,
        limit=rule.dissent_limit,
        sources=rule.dissent_sources,
    )
