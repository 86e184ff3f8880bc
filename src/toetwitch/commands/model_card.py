"""The model card, written from the model itself: what it is for, what it rests on, how well it does, where it fails.

The items follow TRIPOD+AI where they apply to a model that was stated by hand and fitted to nothing.

References
----------
Collins et al. (2024), TRIPOD+AI statement. BMJ 385, e078378.
"""

from __future__ import annotations

__all__ = ["card_text"]

from collections import Counter
from collections.abc import Sequence

from toetwitch.model import Model
from toetwitch.reasoning.provenance import coverage
from toetwitch.reasoning.scoring import Outcome, score_ranking, score_triage

SETTINGS = (
    "- A setting moves the probabilities from which the posterior asks for a level along with the priors, so the same\n"
    "  findings ask for the same level everywhere; its shifts are mostly judgement."
)


def card_text(model: Model, outcomes: Sequence[Outcome]) -> str:
    """Return the card as Markdown.

    Parameters
    ----------
    model
        The model.
    outcomes
        What it answers to the published cases.
    """
    d = model.definition
    rests = coverage(d)
    kinds = Counter(v.kind for v in d.network.variables)
    total = len(rests.numbers)
    ranking = score_ranking((o.case, o.ranking) for o in outcomes)
    triage = score_triage(outcomes, "article")
    unlike = [v for v in d.network.variables if v.kind == "cause"]
    missed = [
        f"- `{o.case.id}`: published {', '.join(o.case.diagnosis)}; first three {', '.join(o.ranking[:3])}."
        for o in outcomes
        if not {*o.case.diagnosis, *o.case.also_acceptable} & {*o.ranking[:3]}
    ]
    lines = [
        f"# Model card: {d.name} {d.version}",
        "",
        f"{d.description} Written by `toetwitch validate` from the model; the headings follow the items "
        "of TRIPOD+AI that apply.",
        "",
        "## Intended use",
        "",
        "- For research, teaching and the development of reasoning software about involuntary toe movements in adults.",
        "- Not a medical device and not medical advice. It must not be used to put off care: a fired "
        "red flag stands whatever the",
        "  probabilities say, and no probability lowers a level that a rule asks for.",
        "- Users: people who study probabilistic reasoning or triage; clinicians and curators who "
        "question its numbers.",
        "",
        "## Population and setting",
        "",
        f"- Reference: {d.reference}",
        *(
            f"- Setting `{name}`: {s.description} ({len(s.odds_ratios)} shifted causes)"
            for name, s in d.settings.items()
        ),
        f"- Default setting: `{d.default_setting}`. Children are outside: the age bands begin with adults under 40.",
        "",
        "## Outcome and predictors",
        "",
        f"- Outcome: P(present | evidence) of each of {len(unlike)} causes "
        f"({', '.join(f'`{v.id}`' for v in unlike)}), of none of",
        "  them, and a triage level.",
        f"- Predictors: {kinds['context']} contexts, {kinds['finding']} findings, {kinds['test']} tests; "
        "all optional, and unknown is",
        f"  never read as absent. {kinds['latent']} latent variables are never asked.",
        "",
        "## How it was made",
        "",
        "- Stated, not fitted: every number is a cited estimate with a range and a grade. Risks act by "
        "odds ratios, with the",
        "  intercept solved from a cited prevalence; causes act on findings by noisy-OR and noisy-MAX; "
        "inference is exact.",
        "- No sample size applies; published cases are a measuring stick and no source of numbers.",
        f"- {total} numbers: "
        + ", ".join(f"grade {g} {n} ({100 * n / total:.0f} %)" for g, n in rests.by_grade.items())
        + ".",
        f"- {len(rests.by_source)} sources. `toetwitch model provenance` lists them and the numbers that "
        "rest on the least;",
        "  [unused_evidence.md](unused_evidence.md) lists what was found and not used.",
        f"- {len(d.rules.rules)} red flags and {len(d.rules.posterior_rules)} rules on the posterior, "
        "each with its source; where",
        "  guidelines are calmer than the founding article, both levels are shown.",
        "",
        "## Performance",
        "",
        f"On {len(outcomes)} published cases (details, intervals by group, calibration and simulated "
        "people: [validation.md](validation.md)):",
        "",
        f"- strict: a published diagnosis leads in {ranking.strict[1]}, is among three in {ranking.strict[3]};",
        f"- lenient: {ranking.lenient[1]}, and {ranking.lenient[3]};",
        f"- under-triage {triage.under}; over-triage of calm cases {triage.over_calm}.",
        "",
        "The cases are few, were seen while the model was made, and describe what gets published; "
        "expect less elsewhere.",
        "",
        "## Limits",
        "",
        f"- {rests.by_grade.get('D', 0)} of {total} numbers are judgement (grade D). P(toe movement | "
        "cause) was never measured by anyone.",
        "- Causes are independent given their risks, and findings given causes, but for the latent "
        "variables; what else goes",
        "  together is missed. Time is a finding (duration, pace), not a process.",
        "- A disease outside the list is taken for one of the listed causes, or leaves P(no listed "
        "cause) high; the simulated",
        "  people with an unknown disease show how often a listed cause is then said with confidence.",
        *([SETTINGS] if any(setting.odds_ratios for setting in d.settings.values()) else []),
        "- Differences by ancestry and by access to care are not modelled. Age enters in three bands and sex in two.",
        "- Findings are what a person notices and says; an examiner's signs are less uncertain than that.",
        "",
        "## Known failures",
        "",
        "Published cases in which no published or acceptable cause is among the first three:",
        "",
        *(missed or ["- none"]),
        "",
        f"Under-triaged: {', '.join(f'`{id}`' for id in triage.under_ids) or 'none'}. Over-triaged calm cases:",
        f"{', '.join(f'`{id}`' for id in triage.over_ids) or 'none'}.",
        "",
        "## Harm, fairness, and openness",
        "",
        "- A level too low may delay care, a level too high may frighten and burden; thresholds state "
        "how many false alarms a",
        "  miss is worth, and rules err towards care.",
        "- No personal data were used beyond published accounts, encoded from what they state.",
        "- Model, code, cases and this report are open; every number can be edited and the model loaded "
        "from a folder, and",
        "  `toetwitch model diff` tells what an edit changes. Funding and conflicts of interest: none stated.",
    ]
    return "\n".join(lines) + "\n"
