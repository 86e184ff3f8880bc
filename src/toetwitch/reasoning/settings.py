"""What a setting changes: the priors, and with them the thresholds of the levels, so that findings mean the same.

A setting says how much commoner a cause is where someone is seen. That is what the referral told, and it has been acted
on: the person is being seen there. The thresholds of the posterior rules are stated for the reference population, where
nothing but the findings speaks. They move with the priors: a rule that asks for a level at probability p of a cause
whose prior odds a setting multiplies by r asks at odds r p / (1 - p). What the findings add is then weighed alike
everywhere, and the level keeps its meaning: how soon someone with these findings should be seen. Without this, a clinic
in which one new patient in ten has a lesion of brain or cord would call everybody urgent before a word is said.

References
----------
Pauker & Kassirer (1980), The threshold approach to clinical decision making. N Engl J Med 302, 1109-1117.
"""

from __future__ import annotations

__all__ = ["at_setting"]

from collections.abc import Iterator, Mapping
from dataclasses import replace

from toetwitch.knowledge.red_flag import PosteriorRule, RuleBook


def at_setting(book: RuleBook, odds_ratios: Mapping[str, float]) -> RuleBook:
    """Return the rules with the thresholds that hold where prior odds are multiplied.

    Parameters
    ----------
    book
        The rules, thresholds stated for the reference population.
    odds_ratios
        Cause to the ratio by which a setting multiplies its prior odds; above 0.

    Returns
    -------
    RuleBook
        With the same red flags. A posterior rule over causes of different ratios becomes one rule for each ratio; the
        first keeps its id, the others add the cause's.

    Examples
    --------
    >>> rule = PosteriorRule("mnd", ("motor_neuron_disease",), 0.03, "urgent_appointment", "...", ("someone",))
    >>> found = at_setting(RuleBook(posterior_rules=(rule,)), {"motor_neuron_disease": 30.0})
    >>> round(found.posterior_rules[0].probability_at_least, 3)
    0.481
    """
    shifted = (part for rule in book.posterior_rules for part in _shifted(rule, odds_ratios))
    return replace(book, posterior_rules=tuple(shifted)) if odds_ratios else book


def _shifted(rule: PosteriorRule, odds_ratios: Mapping[str, float]) -> Iterator[PosteriorRule]:
    by_ratio: dict[float, list[str]] = {}
    for cause in rule.causes:
        by_ratio.setdefault(odds_ratios.get(cause, 1.0), []).append(cause)
    for number, (ratio, causes) in enumerate(by_ratio.items()):
        yield replace(
            rule,
            id=rule.id if number == 0 else f"{rule.id}:{causes[0]}",
            causes=tuple(causes),
            probability_at_least=_shifted_probability(rule.probability_at_least, ratio),
        )


def _shifted_probability(probability: float, ratio: float) -> float:
    # Odds of a certain cause are infinite, and stay so.
    return ratio * probability / (1 - probability + ratio * probability)
