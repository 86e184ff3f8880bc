"""What the page is told, as JSON types: words and numbers only, never markup, so that nothing has to be trusted.

Every function here is pure: a subject and a case in, a dictionary out. The page puts text into elements as text.
"""

from __future__ import annotations

__all__ = [
    "NOTICE",
    "catalogue",
    "details_view",
    "explanation_view",
    "flags_view",
    "questions_view",
    "quick_view",
    "what_if_view",
]

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from toetwitch.display.explorer.answers import answer_of, case_code, said, state_said
from toetwitch.display.explorer.subject import ASKED, Case, Quick, Subject
from toetwitch.evidence import likelihood
from toetwitch.knowledge.case_file import case_text
from toetwitch.knowledge.red_flag import TRIAGE_LEVELS, level_rank
from toetwitch.knowledge.variable import Variable
from toetwitch.markup import words
from toetwitch.reasoning.red_flags import FiredRule
from toetwitch.reasoning.triage import Triage

NOTICE = "For research and teaching. Not a medical device, no diagnosis, no advice."

HEADINGS = {"finding": "Findings", "context": "Context", "test": "Tests", "variable": "Variables", "cause": "Causes"}
GROUPS = (
    "movement",
    "course",
    "sensation",
    "motor",
    "impact",
    "systemic",
    "exposure",
    "medication",
    "history",
    "person",
)
"""The order of headings within a kind; others come after, as the model has them."""

LISTED = 6
"""How many names are written out before the rest is counted."""

ROWS = 12
"""How many contributions, or changes, are sent."""

MOVED = 5e-4
"""Changes of a probability smaller than this are not worth a row."""

TELLING = 5e-3
"""Contributions smaller than this, in nats, say nothing: they would be shown as 0.00."""

View = dict[str, Any]


def catalogue(subject: Subject) -> View:
    """Return what never changes: the variables in groups, what may be set, and what this must not be taken for."""
    variables = subject.network.variables
    groups: dict[tuple[str, str], list[View]] = {}
    for kind in ASKED:
        for variable in variables.values():
            if variable.kind == kind:
                groups.setdefault((kind, variable.group), []).append(_entry(subject, variable))
    return {
        "title": subject.title,
        "notice": NOTICE,
        "levels": [words(level) for level in TRIAGE_LEVELS],
        "groups": [
            {"heading": HEADINGS[kind], "group": words(group), "kind": kind, "items": items}
            for (kind, group), items in sorted(groups.items(), key=_place)
        ],
        "modifiable": [
            {"id": id, "label": variables[id].name, "states": _states(variables[id]), "state": state}
            for id, state in subject.modifiable.items()
        ],
    }


def _place(entry: tuple[tuple[str, str], list[View]]) -> tuple[int, int]:
    (kind, group), _ = entry
    return ASKED.index(kind), GROUPS.index(group) if group in GROUPS else len(GROUPS)


def _entry(subject: Subject, variable: Variable) -> View:
    return {
        "id": variable.id,
        "label": variable.name,
        "definition": variable.definition,
        "question": subject.wording(variable.id),
        "states": _states(variable),
    }


def _states(variable: Variable) -> list[View]:
    # Yes comes before no, as people say it; other states run from mild to bad.
    order = reversed(variable.states) if variable.is_binary else variable.states
    return [{"state": state, "label": state_said(variable, state)} for state in order]


def flags_view(subject: Subject, case: Case, before: Quick) -> View:
    """Return the answers and the level before any probability is known: the rules are read from the answers alone.

    What the probabilities asked for before the change counts until they are known again, so that the level never falls
    for a moment.
    """
    posterior_level = None if before.urgency is None else before.urgency.posterior_level
    urgency = subject.urgency(case, None if posterior_level is None else level_rank(posterior_level))
    told = None if urgency is None else {**_triage(subject, urgency), "remarks": ["The probabilities are computed."]}
    return {"answers": _answers(subject, case), "triage": told}


def quick_view(subject: Subject, case: Case, quick: Quick) -> View:
    """Return what moves at once: the answers, the level with its flags, the bars."""
    variables = subject.network.variables
    return {
        "answers": _answers(subject, case),
        "triage": None if quick.urgency is None else _triage(subject, quick.urgency),
        "bars": [_bar(subject, id, quick) for id in quick.ranking],
        "problem": quick.problem,
        "clash": [variables[id].name for id in quick.clash],
        "code": f"import toetwitch as tt\n\n{subject.opening}\n{case_code(case)}\n{subject.closing}",
        "file": case_text(case),
    }


def _answers(subject: Subject, case: Case) -> View:
    variables = subject.network.variables
    return {id: _answer(variables[id], value) for id, value in case.items()}


def _answer(variable: Variable, value: object) -> View:
    answer = answer_of(variable, value)
    stated = {"label": variable.name, "text": said(variable, value)}
    return stated | ({} if answer is None else {"state": answer.state, "sure": answer.sure})


def _bar(subject: Subject, id: str, quick: Quick) -> View:
    variable, row, prior = subject.network.variables[id], quick.posterior[id], subject.prior[id]
    # A yes-or-no variable is one bar; of others each state is.
    states = variable.states[-1:] if variable.is_binary else variable.states
    shown = [{"label": state_said(variable, s), "p": row[s], "prior": prior[s]} for s in states]
    return {"id": id, "label": variable.name, "rows": shown, "single": variable.is_binary}


def _triage(subject: Subject, urgency: Triage) -> View:
    flags = [_flag(subject, found) for found in urgency.fired]
    remarks = []
    if urgency.emergency:
        remarks.append("A rule that fired says: ambulance or emergency department.")
    if urgency.posterior_level is None:
        remarks.append("There is no posterior: the rules alone set the level.")
    else:
        remarks.append(f"The probabilities alone ask for: {words(urgency.posterior_level)}.")
    for name, level in urgency.level_by_policy.items():
        if level != urgency.level:
            remarks.append(f"By the {name} policy: {words(level)}.")
    if urgency.gate_applied:
        remarks.append(f"Held back from self-care until answered: {_listed(subject, urgency.unanswered)}.")
    elif urgency.ask_next:
        worst = words(urgency.level_if_possible_fired)
        remarks.append(f"Could still rise to {worst}; ask first: {_listed(subject, urgency.ask_next)}.")
    return {
        "level": words(urgency.level),
        "rank": level_rank(urgency.level),
        "policy": urgency.policy,
        "flags": flags,
        "remarks": remarks,
    }


def _flag(subject: Subject, found: FiredRule) -> View:
    variables = subject.network.variables
    fired_by = [f"{variables[id].name}: {_because(variables[id], value)}" for id, value in found.because.items()]
    return {
        "title": words(found.id).capitalize(),
        "level": words(found.level),
        "rationale": found.rationale,
        "because": "; ".join(fired_by),
        "source": found.cited,
    }


def _because(variable: Variable, value: object) -> str:
    if isinstance(value, Mapping):
        return said(variable, likelihood(value))
    if isinstance(value, tuple):
        return " or ".join(state_said(variable, state) for state in value)
    return state_said(variable, value)


def _listed(subject: Subject, ids: Iterable[str]) -> str:
    names = [subject.network.variables[id].name for id in ids]
    more = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {more} more" if more > 0 else "")


def details_view(subject: Subject, case: Case) -> View:
    """Return the rest of the assessment: how many findings each cause accounts for, and how likely none is there."""
    answer = subject.assess(case)
    if answer is None or answer.no_listed_cause is None:
        return {"accounts": {}, "findings": 0, "none": None, "if_no": ""}
    shares = {id: value for id, value in answer.expected_disablement.items() if value >= 0.005}
    lower = answer.triage.level_if_unanswered_were_no
    open_ids = answer.triage.unanswered
    if_no = f"If every open question of the gate were answered no: {words(lower)}." if open_ids else ""
    findings = max((len(row) for row in answer.attribution.necessity.values()), default=0)
    return {"accounts": shares, "findings": findings, "none": answer.no_listed_cause, "if_no": if_no}


def explanation_view(subject: Subject, case: Case, target: str) -> View:
    """Return what each answer adds to the log-odds of a target."""
    answer = subject.explain(case, target)
    variables = subject.network.variables
    title = variables[target].name
    if answer.state != variables[target].states[-1] or not variables[target].is_binary:
        title += f": {state_said(variables[target], answer.state)}"
    view: View = {"id": target, "label": title, "certain": answer.certain, "rows": [], "more": 0, "unexplained": ""}
    if answer.certain or answer.posterior_log_odds is None:
        return view
    order = [id for id, value in answer.contributions.items() if abs(value) >= TELLING]
    view["rows"] = [
        {
            "id": id,
            "label": f"{variables[id].name}: {said(variables[id], case[id])}",
            "value": answer.contributions[id],
            "says": "for" if answer.contributions[id] > 0 else "against",
        }
        for id in sorted(order, key=lambda id: -abs(answer.contributions[id]))[:ROWS]
    ]
    view["more"] = max(0, len(order) - ROWS)
    view["neutral"] = _listed(subject, [id for id in answer.contributions if id not in order])
    view["prior"], view["posterior"] = _probability(answer.prior_log_odds), _probability(answer.posterior_log_odds)
    view["unexplained"] = _listed(subject, answer.unexplained)
    view["bound"] = answer.error_bound
    return view


def _probability(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds)) if abs(log_odds) < 700 else float(log_odds > 0)


def questions_view(subject: Subject, case: Case, target: str) -> View:
    """Return what to ask next, dangers first."""
    answer = subject.next_questions(case, target)
    variables = subject.network.variables
    settled = ""
    if answer.reach is not None:
        bounds = f"{words(answer.reach.lowest)} to {words(answer.reach.highest)}"
        settled = (
            "No remaining answer can change the level." if answer.settled else f"Answers can move the level: {bounds}."
        )
    asked = [
        {
            "id": q.id,
            "label": variables[q.id].name,
            "wording": q.wording,
            "reason": _reason(variables, q.reason),
            "gain": q.gain,
            "raise_to": words(q.could_raise_to),
            "level_change": q.level_change,
            "states": _states(variables[q.id]),
        }
        for q in answer.questions
    ]
    about = "" if subject.has_rules else variables[target].name
    return {"questions": asked, "settled": settled, "about": about}


def _reason(variables: Mapping[str, Variable], reason: str) -> str:
    """Return a reason with the ids in it as names, and levels in words."""
    names = {id: variable.name for id, variable in variables.items()} | {level: words(level) for level in TRIAGE_LEVELS}
    parts = re.split(r"(\s+|[:;,.]+(?=\s|$))", reason)
    return "".join(names.get(part, part) for part in parts)


def what_if_view(subject: Subject, case: Case, do: Mapping[str, str]) -> View:
    """Return what would have been under an intervention, the most moved first."""
    variables = subject.network.variables
    answer = subject.what_if(case, do)
    rows: list[View] = []
    for id, before in answer.before.items():
        after, variable = answer.instead[id], variables[id]
        state = max(before, key=lambda s: abs(after[s] - before[s])) if not variable.is_binary else variable.states[-1]
        if abs(after[state] - before[state]) >= MOVED:
            label = variable.name if variable.is_binary else f"{variable.name}: {state_said(variable, state)}"
            rows.append({"id": id, "label": label, "now": before[state], "instead": after[state]})
    rows.sort(key=lambda row: -abs(row["instead"] - row["now"]))
    done = ", ".join(f"{variables[id].name}: {state_said(variables[id], state)}" for id, state in do.items())
    return {"said": done, "rows": rows[:ROWS], "more": max(0, len(rows) - ROWS)}
