"""An assessment as a card: red flags first, then how urgent, then the causes."""

from __future__ import annotations

__all__ = ["assessment_card"]

from typing import TYPE_CHECKING

from toetwitch.knowledge.red_flag import TRIAGE_LEVELS, level_rank
from toetwitch.markup import Markup, alert, bar, card, element, folded, paragraph, table, words

if TYPE_CHECKING:
    from toetwitch.reasoning.assessment import Assessment
    from toetwitch.reasoning.red_flags import FiredRule

SHOWN = 6
"""How many causes are shown before the rest is folded."""

QUESTIONS = 6
"""How many unanswered questions are named."""


def assessment_card(answer: Assessment, notice: str) -> Markup:
    """Return one case's answer as a card.

    Parameters
    ----------
    answer
        The assessment.
    notice
        What it must not be taken for.
    """
    model = answer.model
    return card(
        "",
        _urgency(answer),
        _causes(answer),
        _open_rules(answer),
        _known(answer),
        element("p", element("small", f"{model.name} {model.version}, setting {words(model.setting)}. {notice}")),
    )


def _level(level: str) -> str:
    return f"{words(level).capitalize()} (level {level_rank(level) + 1} of {len(TRIAGE_LEVELS)})"


def _urgency(answer: Assessment) -> Markup:
    urgency = answer.triage
    said = []
    if urgency.emergency:
        said.append(paragraph(element("strong", "A rule that fired says: ambulance or emergency department.")))
    if answer.red_flags:
        said.append(element("ul", *(_fired(answer, found) for found in answer.red_flags)))
    if urgency.posterior_level is None:
        said.append(paragraph("There is no posterior: the rules alone set the level."))
    else:
        said.append(paragraph(f"The posterior alone asks for: {words(urgency.posterior_level)}."))
    other = {name: level for name, level in urgency.level_by_policy.items() if level != urgency.level}
    for name, level in other.items():
        said.append(paragraph(f"By the {name} policy: {words(level)}."))
    if urgency.gate_applied:
        said.append(paragraph("Held back from self-care until answered: " + _listed(answer, urgency.unanswered) + "."))
    elif urgency.ask_next:
        worst = words(urgency.level_if_possible_fired)
        said.append(paragraph(f"Could still rise to {worst}; ask first: {_listed(answer, urgency.ask_next)}."))
    title = f"{_level(urgency.level)}, by the {urgency.policy} policy"
    if answer.red_flags:
        count = len(answer.red_flags)
        return alert(f"⚑ {count} RED FLAG{'S' if count > 1 else ''}: {title}", *said)
    return element("div", element("div", title, class_="tt-title"), paragraph("No red flag fired."), *said,
                   class_="tt-calm")  # fmt: skip


def _listed(answer: Assessment, ids: tuple[str, ...]) -> str:
    named = ", ".join(answer.names.get(id, words(id)) for id in ids[:QUESTIONS])
    more = len(ids) - QUESTIONS
    return named + (f" and {more} more" if more > 0 else "")


def _fired(answer: Assessment, found: FiredRule) -> Markup:
    because = "; ".join(f"{answer.names.get(id, words(id))}: {_said(value)}" for id, value in found.because.items())
    return element(
        "li",
        element("strong", f"⚑ {words(found.id).capitalize()}: {words(found.level)}."),
        f" {found.rationale} ",
        element("em", f"Because {because}."),
        element("small", f" [{found.cited}]"),
    )


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return words(value) if isinstance(value, str) else str(value)


def _causes(answer: Assessment) -> Markup:
    if not answer.ranking:
        clash = f" They clash: {_listed(answer, answer.clash)}." if answer.clash else ""
        return paragraph(element("strong", "No posterior. "), f"{answer.problem}.{clash}")
    rows = [
        [
            f"{place}. {answer.names.get(id, words(id))}",
            element("span", bar(answer.causes[id], f"{answer.causes[id]:.1%}"), f"{answer.causes[id]:.1%}",
                    class_="tt-number"),
            f"{answer.information_gain[id]:.2f}",
            f"{answer.expected_disablement[id]:.2f}",
        ]
        for place, id in enumerate(answer.ranking, start=1)
    ]  # fmt: skip
    columns = ["Cause", "Probability", "Learnt from the case (nats)", "Findings it accounts for"]
    rest = rows[SHOWN:]
    none = "" if answer.no_listed_cause is None else f"No listed cause present: {answer.no_listed_cause:.1%}. "
    log_evidence = "" if answer.log_evidence is None else f"Natural log of P(evidence): {answer.log_evidence:.2f}."
    return Markup(
        table("Leading explanations", columns, rows[:SHOWN])
        + paragraph(none + log_evidence)
        + (folded(f"{len(rest)} more causes", table("Other causes", columns, rest)) if rest else "")
    )


def _open_rules(answer: Assessment) -> Markup | None:
    if not answer.possible_red_flags:
        return None
    rows = [
        [words(found.id), words(found.level), _listed(answer, found.waits_for)] for found in answer.possible_red_flags
    ]
    return folded(
        f"{len(rows)} red flags that unanswered questions keep open",
        table("Red flags still possible", ["Rule", "Could raise to", "Waits for"], rows),
    )


def _known(answer: Assessment) -> Markup:
    rows = [[answer.names.get(id, words(id)), _said(value)] for id, value in answer.evidence.items()]
    if not rows:
        return paragraph("Nothing is known of this case: these are the priors.")
    return folded(f"{len(rows)} answers known", table("What is known", ["Id", "Answer"], rows))
