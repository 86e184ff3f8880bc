"""Explanations, questions, interventions and sensitivities as cards: a table each, its caveat beside the number."""

from __future__ import annotations

__all__ = [
    "advised_card",
    "comparison_card",
    "conflict_card",
    "enclosure_card",
    "explanation_card",
    "flip_card",
    "intervals_card",
    "production_card",
    "questions_card",
    "sensitivity_card",
    "what_if_card",
]

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from toetwitch.knowledge.red_flag import TRIAGE_LEVELS, level_rank
from toetwitch.markup import (
    Markup,
    alert,
    bar,
    card,
    element,
    folded,
    paragraph,
    range_bar,
    signed_bar,
    table,
    words,
)

if TYPE_CHECKING:
    from toetwitch.reasoning.attribution import Production
    from toetwitch.reasoning.comparison import Comparison, Movement
    from toetwitch.reasoning.conflict import Conflict
    from toetwitch.reasoning.enclosure import Enclosure
    from toetwitch.reasoning.explanation import Explanation
    from toetwitch.reasoning.flips import Flip
    from toetwitch.reasoning.intervention import AdviceEffect, Advised, WhatIf
    from toetwitch.reasoning.questions import NextQuestions, Question
    from toetwitch.reasoning.sensitivity import Sensitivity, SensitivityFunction
    from toetwitch.reasoning.uncertainty import Intervals

ROWS = 12
"""How many rows a table shows before the rest is folded."""

WORTH_SAYING = 0.05
"""Interactions smaller than this many nats are not listed."""


def _probability(log_odds: float) -> str:
    return f"{1 / (1 + math.exp(-log_odds)):.2%}" if abs(log_odds) < 700 else f"{float(log_odds > 0):.2%}"


def _percent(p: float) -> str:
    return "no model" if math.isnan(p) else f"{p:.1%}"


def _barred(p: float) -> Markup:
    return element("span", bar(p, _percent(p)), _percent(p), class_="tt-number")


def _capped(caption: str, columns: list[str], rows: list[list[object]]) -> Markup:
    rest = rows[ROWS:]
    whole = table(caption, columns, rows[:ROWS])
    return Markup(whole + (folded(f"{len(rest)} more", table(f"{caption}: the rest", columns, rest)) if rest else ""))


def explanation_card(answer: Explanation) -> Markup:
    """Return what each finding adds to the log-odds of a cause, from prior to posterior."""
    title = f"Why {words(answer.target)} = {words(answer.state)}"
    if answer.certain or answer.posterior_log_odds is None:
        return card(title, paragraph(f"{answer.certain}."))
    extent = max((abs(value) for value in answer.contributions.values()), default=1.0)
    rows: list[list[object]] = [
        [
            words(id),
            element("span", signed_bar(value, extent, f"{value:+.2f}"), f"{value:+.2f}", class_="tt-number"),
            "for" if id in answer.supporting else "against" if id in answer.conflicting else "says nothing",
            "; ".join(map(str, answer.carriers.get(id, ()))),
        ]
        for id in (*answer.supporting, *answer.conflicting, *answer.neutral)
        for value in [answer.contributions[id]]
    ]
    parts = [
        paragraph(
            f"From {_probability(answer.prior_log_odds)} with no evidence (log odds {answer.prior_log_odds:+.2f}) to ",
            element("strong", _probability(answer.posterior_log_odds)),
            f" (log odds {answer.posterior_log_odds:+.2f}); the contributions add up to the difference.",
        ),
        _capped(
            "What each finding adds, in natural-log odds", ["Evidence", "Contribution", "Speaks", "Carried by"], rows
        ),
    ]
    if answer.standard_errors:
        parts.append(paragraph(f"From sampled orders: each is within {answer.error_bound:.2g} (four standard errors)."))
    pairs = sorted(answer.interactions.items(), key=lambda item: -abs(item[1]))
    told = [[f"{words(a)}, {words(b)}", f"{value:+.2f}", "take from each other" if value < 0 else "add to each other"]
            for (a, b), value in pairs if abs(value) >= WORTH_SAYING]  # fmt: skip
    if told:
        parts.append(table("Findings that act together", ["Pair", "Nats", "They"], told[:ROWS]))
    if answer.unexplained:
        parts.append(paragraph(f"Not explained by it: {', '.join(map(words, answer.unexplained))}."))
    return card(title, *parts)


def production_card(answer: Production) -> Markup:
    """Return what produced each present finding."""
    rows: list[list[object]] = [
        [words(finding), words(by), _barred(probability)]
        for finding, row in answer.produced.items()
        for by, probability in sorted(row.items(), key=lambda item: -item[1])[:4]
        if probability >= 0.005
    ]
    if not rows:
        return card("What produced the findings", paragraph("No present finding has links to be told apart."))
    note = "Several may have produced one finding at once, so the numbers of a finding may sum to more than one."
    parts = [paragraph(note), table("What produced each finding", ["Finding", "Produced by", "Probability"], rows)]
    ranked = sorted(answer.expected_disablement.items(), key=lambda item: -item[1])
    if ranked:
        gone: list[list[object]] = [[words(id), f"{value:.2f}"] for id, value in ranked if value >= 0.005]
        parts.append(_capped("Findings that would vanish without it", ["Cause", "Expected number"], gone))
    return card("What produced the findings", *parts)


def questions_card(answer: NextQuestions) -> Markup:
    """Return what to ask next, dangers first, and whether to stop."""
    parts: list[object] = []
    if answer.level:
        now = f"Now: {words(answer.level)} (level {level_rank(answer.level) + 1} of {len(TRIAGE_LEVELS)})."
        parts.append(paragraph(element("strong", now), f" Leading: {words(answer.leading)}."))
    if answer.reach is not None:
        bounds = f"from {words(answer.reach.lowest)} to {words(answer.reach.highest)}"
        settled = "No remaining answer can change the level." if answer.settled else f"Answers can move it {bounds}."
        parts.append(paragraph(settled))
    if answer.same_decision is not None and answer.questions:
        stay = f"With probability {answer.same_decision:.0%} level and leading cause stay as they are"
        parts.append(paragraph(f"{stay} once these are answered."))
    if not answer.questions:
        return card("What to ask next", *parts, paragraph("Nothing is left to ask."))
    widest = max(question.gain for question in answer.questions) or 1.0
    rows = [_question_row(question, widest) for question in answer.questions]
    columns = ["Question", "Why", "Gain (bits)", "Most telling answer", "Could raise to", "Level changes"]
    return card("What to ask next", *parts, table("Questions, in the order in which to ask", columns, rows))


def _question_row(question: Question, widest: float) -> list[object]:
    gain = f"{question.gain:.3f}"
    raise_to = f"⚑ {words(question.could_raise_to)}" if question.could_raise_to else "no"
    return [
        question.wording or words(question.id),
        question.reason,
        element("span", bar(question.gain / widest, f"{gain} bits", width=80), gain, class_="tt-number"),
        words(question.telling) if question.answers else "",
        raise_to,
        f"{question.level_change:.1%}",
    ]


def what_if_card(answer: WhatIf) -> Markup:
    """Return what an intervention would change: now, if the same were seen under it, and instead of what was seen."""
    said = ", ".join(f"{words(id)} = {words(state)}" for id, state in answer.do.items())
    rows: list[list[object]] = []
    moved = sorted(answer.before, key=lambda id: -_moved(answer.before[id], answer.instead[id]))
    for id in moved:
        *_, last = answer.before[id]
        shown = [answer.before[id][last], answer.seen[id][last], answer.instead[id][last]]
        rows.append([f"{words(id)} = {words(last)}", *map(_barred, shown)])
    columns = ["Target", "Now", "If this were seen under it", "What would have been"]
    note = "To do is not to see: nothing is learnt about the causes of what is set."
    return card(f"What if {said}", paragraph(note), _capped("What would change, most moved first", columns, rows))


def _moved(before: Mapping[str, float], after: Mapping[str, float]) -> float:
    return max(abs(after[state] - p) for state, p in before.items())


def advised_card(answer: Advised) -> Markup:
    """Return what a person can do, or why nothing is said."""
    title = "What can be done"
    if answer.silent:
        return card(title, alert(f"⚑ {answer.silent}"))
    columns = ["Step", "Status", "Findings fewer", "Grade", "Grade for the movement", "Note"]
    parts: list[object] = []
    if answer.steps:
        rows = [_step_row(step) for step in answer.steps]
        parts.append(_capped("Steps, most freely offered first", columns, rows))
    else:
        parts.append(paragraph("No advice applies."))
    if answer.withheld:
        against = table("Contraindicated here", columns, [_step_row(step) for step in answer.withheld])
        parts.append(folded(f"{len(answer.withheld)} withheld", against))
    return card(title, *parts)


def _step_row(step: AdviceEffect) -> list[object]:
    relief = f"{step.expected_relief:.2f}" if step.persists else "no effect size"
    return [step.advice.text, step.status, relief, step.advice.grade, step.advice.grade_for_movement, step.reason]


def sensitivity_card(answer: Sensitivity) -> Markup:
    """Return the tornado of a posterior, by number and by source."""
    title = f"What P({words(answer.target)} = {words(answer.state)}) = {answer.posterior:.1%} rests on"
    moving = [f for f in answer.functions if not f.swing < 5e-5][:ROWS]
    if not moving:
        return card(title, paragraph("No number of the model moves it within its cited range."))
    ends = [x for f in moving for x in (f.at_low, f.at_high) if not math.isnan(x)] + [answer.posterior]
    bounds = (min(ends), max(ends))
    parts = [
        table(
            f"Each number at the ends of its cited range (bars from {bounds[0]:.1%} to {bounds[1]:.1%})",
            ["Number", "Cited", "Posterior", "From", "To", "Sources"],
            [_tornado_row(f, answer.posterior, bounds) for f in moving],
        )
    ]
    turning = [s for s in answer.by_source if s.changes_leading]
    shown = turning + [s for s in answer.by_source if not s.changes_leading]
    rows = [
        [s.source, str(s.numbers), _percent(s.halved), _percent(s.doubled),
         f"⚠ yes, to {words(s.leading_halved if s.leading_halved != answer.leading else s.leading_doubled)}"
         if s.changes_leading else "no"]
        for s in shown[:ROWS]
    ]  # fmt: skip
    if rows:
        columns = [
            "Source",
            "Numbers",
            "Odds divided",
            "Odds multiplied",
            f"{words(answer.leading)} leads no more",
        ]
        parts.append(table(f"If all numbers of a source are off by a factor of {answer.factor:g}", columns, rows))
    return card(title, *parts)


def _tornado_row(f: SensitivityFunction, posterior: float, bounds: tuple[float, float]) -> list[object]:
    said = f"{_percent(f.at_low)} to {_percent(f.at_high)}"
    return [
        element("code", f.path),
        f"{f.value:.3g} ({f.low:.3g} to {f.high:.3g})",
        range_bar(f.at_low, posterior, f.at_high, said, bounds=bounds),
        _percent(f.at_low),
        _percent(f.at_high),
        ", ".join(f.sources),
    ]


def flip_card(answer: Flip) -> Markup:
    """Return one change of a number or two that changes the answer."""
    rows: list[list[object]] = [
        [
            element("code", number.path),
            f"{number.value:.4g}",
            f"{number.to:.4g}",
            f"{number.log_odds:+.2f}",
            "within" if number.within_range else "outside",
            ", ".join(number.sources) or "none",
        ]
        for number in answer.numbers
    ]
    columns = ["Number", "From", "To", "Change (log-odds)", "Its range", "Sources"]
    title = f"What would make the {answer.changes} {words(answer.becomes)}"
    return card(title, table("The smallest change found in this direction", columns, rows))


def intervals_card(answer: Intervals) -> Markup:
    """Return each posterior with the interval that the cited ranges leave it."""
    order = sorted(answer.targets, key=lambda id: -answer.targets[id].posterior)
    rows: list[list[object]] = []
    for id in order:
        t = answer.targets[id]
        said = f"{t.posterior:.1%}, from {t.low:.1%} to {t.high:.1%}"
        rows.append([words(id), range_bar(t.low, t.posterior, t.high, said), _percent(t.posterior), _percent(t.low),
                     _percent(t.high), f"{t.leads:.0%}"])  # fmt: skip
    columns = ["Target", "Interval", "Posterior", "Low", "High", "Leads in"]
    note = f"{answer.level:.0%} of {answer.draws} models drawn from the cited ranges lie between low and high."
    if answer.rejected:
        note += f" {answer.rejected} draws gave no model and were left out."
    return card("How sure the numbers leave us", paragraph(note), _capped("Intervals", columns, rows))


def enclosure_card(answer: Enclosure) -> Markup:
    """Return how far a posterior can go, proven from outside and attained from inside."""
    spans = [("proven", answer.low, answer.high), ("attained", answer.attained_low, answer.attained_high)]
    rows: list[list[object]] = [
        [name, range_bar(low, answer.posterior, high, f"{low:.2%} to {high:.2%}"), f"{low:.2%}", f"{high:.2%}"]
        for name, low, high in (spans[:1] if answer.exact else spans)
    ]
    title = f"{words(answer.target)} = {words(answer.state)}, numbers anywhere in their ranges"
    note = f"{answer.posterior:.2%} with the estimates; outer bounds by {answer.method}."
    return card(title, paragraph(note), table("Bounds", ["Bounds", "Interval", "Low", "High"], rows))


def conflict_card(answer: Conflict) -> Markup:
    """Return whether the findings fit together, and which fits least."""
    told = {
        "fits": "The findings fit together.",
        "rare case": "The findings fit badly together, and one hypothesis reconciles them: a rare case.",
        "conflict": "The findings conflict: nothing in the model reconciles them.",
    }[answer.verdict]
    said = [paragraph(f"Conflict measure {answer.measure:+.2f} nats; above zero is suspicious.")]
    if answer.reconciled_by is not None:
        id, state = answer.reconciled_by
        said.append(paragraph(f"Reconciled by {words(id)} = {words(state)}."))
    if answer.surprise is not None:
        said.append(paragraph(f"Cases at most this probable: {answer.surprise:.1%} of those drawn from the model."))
    head = alert(f"⚠ {told}", *said) if answer.verdict == "conflict" else paragraph(element("strong", told))
    extent = max((abs(fit.conflict) for fit in answer.fits), default=1.0)
    rows: list[list[object]] = [
        [
            words(fit.id),
            element(
                "span", signed_bar(-fit.conflict, extent, f"{fit.conflict:+.2f}"), f"{fit.conflict:+.2f}",
                class_="tt-number",
            ),
            "fits badly" if fit.conflict > 0 else "fits",
            _percent(fit.alone),
            _percent(fit.given_rest),
        ]
        for fit in answer.fits
    ]  # fmt: skip
    columns = ["Finding", "Conflict (nats)", "With the rest it", "Probability alone", "Given the rest"]
    rest = said if answer.verdict != "conflict" else []
    fits = [_capped("How each finding fits the rest, the least fitting first", columns, rows)] if rows else []
    return card("Do the findings fit together?", head, *rest, *fits)


def comparison_card(answer: Comparison) -> Markup:
    """Return what changed between two cases: rules that fired first, then the answers, then what moved and why."""
    parts: list[object] = []
    if answer.fired:
        title = f"⚑ {len(answer.fired)} red flag{'s' if len(answer.fired) > 1 else ''} fired: "
        parts.append(alert(title + ", ".join(map(words, answer.fired)), _level_change(answer)))
    elif answer.level_after:
        parts.append(_level_change(answer))
    if answer.silent:
        parts.append(paragraph(f"Fire no more: {', '.join(map(words, answer.silent))}."))
    if not answer.changes:
        parts.append(paragraph("The two cases say the same."))
    else:
        rows: list[list[object]] = [[words(c.id), c.kind, _said(c.before), _said(c.after)] for c in answer.changes]
        parts.append(_capped("What is said otherwise", ["Id", "Kind", "Before", "After"], rows))
    order = sorted(answer.targets, key=lambda id: -abs(answer.targets[id].after - answer.targets[id].before))
    moved: list[list[object]] = [
        [words(id), _barred(m.before), _barred(m.after), _reasons(m)] for id in order for m in [answer.targets[id]]
    ]
    if moved:
        columns = ["Target", "Before", "After", "By what, in natural-log odds"]
        parts.append(_capped("What moved, furthest first", columns, moved))
    return card("What changed", *parts)


def _level_change(answer: Comparison) -> Markup:
    if answer.level_before == answer.level_after:
        return paragraph(element("strong", f"The level stays: {words(answer.level_after)}."))
    change = level_rank(answer.level_after) - level_rank(answer.level_before)
    way = "▲ up" if change > 0 else "▼ down"
    said = f"The level goes {way}, from {words(answer.level_before)} to {words(answer.level_after)}."
    return paragraph(element("strong", said))


def _reasons(movement: Movement) -> str:
    parts = sorted(movement.contributions.items(), key=lambda item: -abs(item[1]))
    told = [f"{words(id)} {part:+.2f}" for id, part in parts if abs(part) >= 0.005]
    return ", ".join(told) or "nothing to tell apart"


def _said(value: object) -> str:
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return words(value)
