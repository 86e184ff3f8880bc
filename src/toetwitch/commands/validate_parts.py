"""Parts of the validation report about how far its answers can be relied on: confusion, robustness, coverage."""

from __future__ import annotations

__all__ = ["Robust", "confusion_part", "coverage_part", "robust_cases", "robustness_part", "table"]

from collections.abc import Sequence
from dataclasses import dataclass

import click
import numpy as np

from toetwitch.knowledge.cases import Case
from toetwitch.model import Model
from toetwitch.reasoning.interval_coverage import IntervalCoverage, interval_coverage
from toetwitch.reasoning.scoring import Outcome, Proportion, confusion
from toetwitch.reasoning.simulation import simulate

Lines = list[str]

FIRM, SHAKY = 0.9, 0.6
"""A leading cause is firm when it leads in this share of the drawn models, and shaky below the other."""

KNOWN_WORLDS = ("numbers drawn", "links weaker", "rarer", "commoner")
"""Cohorts whose people have a true probability of each cause; a disease outside the model has none."""


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> Lines:
    """Return a Markdown table.

    Examples
    --------
    >>> table(["a", "b"], [[1, 2]])
    ['| a | b |', '| --- | --- |', '| 1 | 2 |']
    """
    return [
        "| " + " | ".join(head) + " |",
        "|" + " --- |" * len(head),
        *("| " + " | ".join(map(str, row)) + " |" for row in rows),
    ]


def confusion_part(outcomes: Sequence[Outcome]) -> Lines:
    """Return which cause led where another was published, cause by cause and case by case."""
    rows = []
    for cause, led in sorted(confusion(outcomes).items()):
        others = sorted(((n, id) for id, n in led.items() if id != cause), key=lambda pair: (-pair[0], pair[1]))
        instead = ", ".join(f"{id} {n}" for n, id in others)
        rows.append([cause, sum(led.values()), led.get(cause, 0), instead or "-"])
    missed = [
        [o.case.id, ", ".join(o.case.diagnosis), ", ".join(o.ranking[:3])]
        for o in outcomes
        if o.ranking[0] not in o.case.diagnosis
    ]
    return [
        "## Confusion: what led instead",
        "",
        "A case of several diagnoses counts under the one that leads if it is one of them, else under the first.",
        "",
        *table(("published", "cases", "it led", "led instead"), rows),
        "",
        "![Published against leading cause](images/confusion.svg)",
        "",
        *table(("case", "published", "first three"), sorted(missed, key=lambda row: str(row[1]))),
    ]


@dataclass(frozen=True, slots=True)
class Robust:
    """How firmly a cause leads when every number is drawn from its range.

    Parameters
    ----------
    case
        The case.
    leading
        The cause that leads with all numbers at their estimates.
    leads
        The share of drawn models in which it leads.
    posterior, low, high
        Its probability and the interval of the drawn models.
    runner_up
        The cause that leads most often otherwise; "" when none ever does.
    runner_up_leads
        In which share.
    """

    case: Case
    leading: str
    leads: float
    posterior: float
    low: float
    high: float
    runner_up: str
    runner_up_leads: float

    @property
    def right(self) -> bool:
        """Whether a published diagnosis leads."""
        return self.leading in self.case.diagnosis

    @property
    def acceptable(self) -> bool:
        """Whether a published or also acceptable cause leads."""
        return self.leading in (*self.case.diagnosis, *self.case.also_acceptable)


def robust_cases(model: Model, cases: Sequence[Case], draws: int, seed: int) -> list[Robust]:
    """Return how firmly the leading cause of each case leads, the same drawn models for each."""
    found = []
    for case in cases:
        said = model.intervals(case.evidence, draws=draws, rng=np.random.default_rng(seed))
        top = said.targets[said.leading]
        second = max((id for id in said.targets if id != said.leading), key=lambda id: said.targets[id].leads)
        share = said.targets[second].leads
        found.append(
            Robust(case, said.leading, top.leads, top.posterior, top.low, top.high, second if share > 0 else "", share)
        )
    return found


def robustness_part(found: Sequence[Robust], draws: int) -> Lines:
    """Return how firmly the leading causes lead, and whether the firm ones are right more often."""
    groups = {
        f"firm: leads in {FIRM:.0%} or more": [r for r in found if r.leads >= FIRM],
        f"between {SHAKY:.0%} and {FIRM:.0%}": [r for r in found if SHAKY <= r.leads < FIRM],
        f"shaky: leads in less than {SHAKY:.0%}": [r for r in found if r.leads < SHAKY],
    }
    summary = [
        [
            name,
            Proportion(len(group), len(found)),
            Proportion(sum(r.right for r in group), len(group)),
            Proportion(sum(r.acceptable for r in group), len(group)),
        ]
        for name, group in groups.items()
    ]
    rows = [
        [
            r.case.id,
            r.leading + ("" if r.right else " (acceptable)" if r.acceptable else " (not published)"),
            f"{r.leads:.0%}",
            f"{r.posterior:.2f} ({r.low:.2f} to {r.high:.2f})",
            f"{r.runner_up} {r.runner_up_leads:.0%}" if r.runner_up else "-",
        ]
        for r in sorted(found, key=lambda r: (r.leads, r.case.id))
    ]
    return [
        "## How firmly the leading cause leads",
        "",
        f"Each of {draws} models draws every number from its cited range; each case is answered by all of them. The "
        "share in",
        "which the leading cause still leads says whether the answer rests on the evidence or on one reading of it.",
        "",
        *table(("", "cases", "a published diagnosis leads", "a published or acceptable one leads"), summary),
        "",
        "The least firm first, with the 90 % interval of the leading cause's probability and who else leads:",
        "",
        *table(("case", "leading", "leads in", "probability", "otherwise"), rows),
    ]


def coverage_part(model: Model, complaint: str, people: int, draws: int, seed: int) -> Lines:
    """Return how often the intervals hold the truth of simulated worlds."""
    rows = []
    for name in KNOWN_WORLDS:
        click.echo(f"  coverage, {name}", err=True)
        drawn = simulate(model.definition.network, name, people, complaint=complaint, rng=np.random.default_rng(seed))
        found = interval_coverage(
            model.network.inference, drawn, list(model.causes), draws=draws, rng=np.random.default_rng(seed)
        )
        rows.append(_coverage_row(name, found))
    return [
        "## Do the intervals hold the truth",
        "",
        f"{people} simulated people of each world, whose true probability of each cause is computed from the world "
        "that they",
        f"come from; 90 % intervals from {draws} drawn models. Where the worlds are drawn from the cited ranges the "
        "intervals",
        "should hold nine in ten; where every prior is off in one direction, or every link is weaker, they need not.",
        "",
        *table(("world", "held, all causes", "held, leading cause", "mean width, leading cause"), rows),
    ]


def _coverage_row(name: str, found: IntervalCoverage) -> list[object]:
    return [name, found.held, found.held_of_leading, f"{found.width:.2f}"]
