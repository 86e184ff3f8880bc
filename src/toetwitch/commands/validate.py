"""``toetwitch validate``: rebuild the validation report and the model card from the model and the cases."""

from __future__ import annotations

__all__ = ["validate"]

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import numpy as np

from toetwitch.commands.case_input import example_path
from toetwitch.commands.model_card import card_text
from toetwitch.commands.model_option import model_option
from toetwitch.commands.plots import bars, matrix, reliability_plot
from toetwitch.commands.validate_parts import (
    confusion_part,
    coverage_part,
    robust_cases,
    robustness_part,
    table,
)
from toetwitch.evidence import read_evidence
from toetwitch.knowledge.cases import Case, read_cases, read_figures
from toetwitch.knowledge.red_flag import level_rank
from toetwitch.model import Model, load_model
from toetwitch.reasoning.forecast import Bin, brier, log_score, reliability
from toetwitch.reasoning.ranking import information_gain, ranked
from toetwitch.reasoning.scoring import (
    URGENT,
    NaiveBayes,
    Outcome,
    Proportion,
    RankingScore,
    confusion,
    ranking_scores,
    score_ranking,
    score_triage,
)
from toetwitch.reasoning.simulation import COHORTS, simulate

COMPLAINT, ASIDE = "toe_movement", "persistent_twitching"
Lines = list[str]


@click.command()
@click.option("--out", type=click.Path(file_okay=False), default="docs", show_default=True, help="Where to write.")
@click.option("--people", default=80, show_default=True, help="Simulated people in each cohort.")
@click.option("--draws", default=100, show_default=True, help="Models drawn from the cited ranges.")
@click.option("--seed", default=1, show_default=True, help="Of the simulation.")
@click.option("--also", type=click.Path(dir_okay=False), multiple=True, help="A further file of cases to score beside.")
@model_option
def validate(out: str, people: int, draws: int, seed: int, also: tuple[str, ...], model_path: str | None) -> None:
    """Write validation.md with its drawings, and model_card.md, into a folder; takes a few minutes."""
    model = load_model(model_path)
    folder = Path(out)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    cases = read_cases(example_path(), model.definition.network)
    runs = {}
    for name, setting, told in (
        ("as given", None, {}),
        (f"with {COMPLAINT} set", None, {COMPLAINT: True}),
        ("setting primary_care", "primary_care", {}),
        ("setting neurology_clinic", "neurology_clinic", {}),
    ):
        if setting is None or setting in model.definition.settings:
            click.echo(f"cases, {name}", err=True)
            seen = model if setting is None else load_model(model_path, setting=setting)
            runs[name] = _outcomes(seen, cases, told)
    click.echo("simulated people", err=True)
    cohorts = {name: _cohort(model, name, people, seed) for name in COHORTS}
    click.echo("drawn models", err=True)
    robust = robust_cases(model, cases, draws, seed)
    outcomes = runs["as given"][0]
    _draw(folder / "images", runs["as given"], cohorts, _baselines(model, cases), cases)
    parts = [
        _opening(model, cases),
        _ranking_part(runs, _baselines(model, cases)),
        _group_part(outcomes),
        _triage_part({name: run[0] for name, run in runs.items()}),
        *([_beside_part(model, also)] if also else []),
        confusion_part(outcomes),
        robustness_part(robust, draws),
        _calibration_part(cases, runs["as given"][1], model.causes),
        _cohort_part(cohorts, people, model.causes),
        _cause_part(cohorts[COHORTS[0]], model.causes),
        coverage_part(model, COMPLAINT, max(1, people // 8), max(20, draws // 2), seed),
        _figure_part(),
    ]
    (folder / "validation.md").write_text("\n\n".join("\n".join(part) for part in parts) + "\n", encoding="utf-8")
    (folder / "model_card.md").write_text(card_text(model, outcomes), encoding="utf-8")
    click.echo(f"wrote {folder / 'validation.md'} and {folder / 'model_card.md'}", err=True)


Run = tuple[list[Outcome], dict[str, np.ndarray]]


def _outcomes(model: Model, cases: Sequence[Case], also: Mapping[str, object]) -> Run:
    """Return what was answered to each case, and P(cause) by case."""
    import pandas as pd

    frame = pd.DataFrame([{**also, **case.evidence} for case in cases]).astype(object)
    frame = frame.where(frame.notna(), None)
    answers = {policy: model.assess_many(frame, policy=policy) for policy in ("article", "guideline")}
    prior = model.network.posterior({}, list(model.causes))
    said = {id: answers["article"][id].to_numpy(dtype=float) for id in model.causes}
    rules = {rule.id: rule for rule in model.definition.rules.rules}
    found = []
    for k, case in enumerate(cases):
        causes = {id: float(said[id][k]) for id in model.causes}
        gain = {id: information_gain(causes[id], prior[id]["true"]) for id in model.causes}
        levels = {policy: str(answer["level"].iloc[k]) for policy, answer in answers.items()}
        fired = [id for id in str(answers["article"]["red_flags"].iloc[k]).split() if id != ASIDE]
        floor = answers["article"]["posterior_level"].iloc[k] or "self_care"
        without = max([floor, *(rules[id].level for id in fired)], key=level_rank)
        aside = {
            p: level if level_rank(level) < URGENT else min(level, without, key=level_rank)
            for p, level in levels.items()
        }
        found.append(Outcome(case, ranked(gain, causes), levels, aside, {"posterior": ranked({}, causes)}))
    return found, said


def _cohort(model: Model, name: str, people: int, seed: int) -> dict[str, np.ndarray]:
    """Return cause to what was said and what was so, shape (2, people), of one simulated cohort."""
    import pandas as pd

    click.echo(f"  {name}", err=True)
    drawn = simulate(model.definition.network, name, people, complaint=COMPLAINT, rng=np.random.default_rng(seed))
    frame = pd.DataFrame(drawn.rows(model.definition.network)).astype(object)
    said = model.network.posterior_many(frame.where(frame.notna(), None), list(model.causes))
    return {id: np.stack([said[id][:, 1], drawn.states[id]]) for id in model.causes}


def _baselines(model: Model, cases: Sequence[Case]) -> dict[str, RankingScore]:
    bayes = NaiveBayes.of(model.network.inference, model.causes)
    read = [(case, read_evidence(case.evidence, model.network.variables)) for case in cases]
    return {
        "naive Bayes, same numbers": score_ranking((case, bayes.ranking(evidence)) for case, evidence in read),
        "order of the priors": score_ranking((case, bayes.prior_order) for case in cases),
    }


def _opening(model: Model, cases: Sequence[Case]) -> Lines:
    d = model.definition
    return [
        "# Validation",
        "",
        f"Model {d.name} {d.version}, {len(cases)} published cases, and simulated people. `toetwitch "
        "validate` rebuilds this",
        "page. A ranking is right at k when a published diagnosis is among its first k causes (strict), "
        "or a published or",
        "also acceptable one is (lenient). Brackets hold Wilson 95 % intervals. The cases are encoded "
        "from what each source",
        "states; they are few, chosen by what gets published, and were looked at while the model was "
        "made, so an outside",
        "set would be a fairer judge.",
    ]


RANKING_HEAD = ("", "strict top-1", "strict top-3", "lenient top-1", "lenient top-3")


def _shares(found: RankingScore) -> list[Proportion]:
    return [*found.strict.values(), *found.lenient.values()]


def _ranking_part(runs: Mapping[str, Run], baselines: Mapping[str, RankingScore]) -> Lines:
    rows = [[name, *_shares(score_ranking((o.case, o.ranking) for o in run[0]))] for name, run in runs.items()]
    by_posterior = score_ranking((o.case, o.other_orders["posterior"]) for o in runs["as given"][0])
    rows.append(["as given, by posterior alone", *_shares(by_posterior)])
    rows += [[f"baseline: {name}", *_shares(found)] for name, found in baselines.items()]
    return ["## Which cause leads", "", *table(RANKING_HEAD, rows), "", "![Shares](images/ranking.svg)"]


def _group_part(outcomes: Sequence[Outcome]) -> Lines:
    lines: Lines = ["## By kind of source and by cause, as given"]
    tests = {True: "with tests", False: "without tests"}
    for scores in (
        ranking_scores(outcomes, lambda case: [f"kind {case.kind}"]),
        ranking_scores(outcomes, lambda case: [tests[case.uses_tests]]),
        ranking_scores(outcomes, lambda case: case.diagnosis),
    ):
        lines += ["", *table(RANKING_HEAD, [[name, *_shares(found)] for name, found in scores.items()])]
    return lines


def _triage_part(runs: Mapping[str, Sequence[Outcome]]) -> Lines:
    lines: Lines = [
        "## Urgency",
        "",
        "Under-triage: below the least urgent safe level. Over-triage: a calm case (self-care or "
        "routine) as urgent or more.",
        "",
    ]
    rows, floors = [], []
    for name, outcomes in runs.items():
        for policy in ("article", "guideline"):
            found = score_triage(outcomes, policy)
            rows.append([name, policy, found.under, found.over_calm, found.over_calm_aside])
            if name == "as given":
                floors += [[policy, level, share] for level, share in found.under_by_floor.items()]
    lines += table(("", "policy", "under-triage", "over-triage", f"over-triage without {ASIDE}"), rows)
    lines += ["", *table(("policy", "floor", "under-triage"), floors), ""]
    found = score_triage(runs["as given"], "article")
    lines += [f"Under: {', '.join(found.under_ids) or 'none'}.", f"Over: {', '.join(found.over_ids) or 'none'}."]
    return lines


def _beside_part(model: Model, paths: Sequence[str]) -> Lines:
    rows: list[list[object]] = []
    for path in paths:
        cases = read_cases(path, model.definition.network)
        outcomes = _outcomes(model, cases, {})[0]
        scores = {"all": score_ranking((o.case, o.ranking) for o in outcomes)}
        scores |= ranking_scores(outcomes, lambda case: [f"kind {case.kind}"])
        rows += [[f"{Path(path).stem}, {name}", *_shares(found)] for name, found in scores.items()]
        urgency = score_triage(outcomes, "article")
        rows.append([f"{Path(path).stem}, urgency", "under-triage", urgency.under, "over-triage", urgency.over_calm])
    return [
        "## Pictures that are no published cases",
        "",
        "Written from references before the model was asked. Who writes a picture knows what it shows, so these say",
        "whether a cause is recognised at all, not how often people are.",
        "",
        *table(RANKING_HEAD, rows),
    ]


def _bin_rows(bins: Sequence[Bin]) -> list[list[object]]:
    return [[f"{b.low:g} to {b.high:g}", f"{b.mean:.3f}", b.happened] for b in bins]


def _pairs(cases: Sequence[Case], said: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    values = np.concatenate([said[id] for id in said])
    happened = np.concatenate([[float(id in (*c.diagnosis, *c.also_acceptable)) for c in cases] for id in said])
    return values, happened


def _calibration_part(cases: Sequence[Case], said: Mapping[str, np.ndarray], causes: Sequence[str]) -> Lines:
    values, happened = _pairs(cases, {id: said[id] for id in causes})
    return [
        "## Calibration on the published cases",
        "",
        "P(cause) of every cause in every case, against whether the source named it or it is also "
        "acceptable. A source names",
        "the explanation it settled on and not every cause that is present, so common bystanders "
        "(stress, caffeine) seem",
        "too probable here; and published cases are rarer diseases than the community has.",
        "",
        *table(("probability", "mean", "named"), _bin_rows(reliability(values, happened))),
        "",
        f"Brier score {brier(values, happened):.4f}, log score {log_score(values, happened):.4f} nats.",
        "",
        "![Reliability, published cases](images/reliability_cases.svg)",
    ]


def _flat(cohort: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    whole = np.concatenate(list(cohort.values()), axis=1)
    return whole[0], whole[1]


def _cohort_part(cohorts: Mapping[str, Mapping[str, np.ndarray]], people: int, causes: Sequence[str]) -> Lines:
    rows = []
    for name, cohort in cohorts.items():
        said, was = (np.stack([cohort[id][k] for id in causes]) for k in (0, 1))
        top = said.argmax(axis=0)
        present = was[top, np.arange(people)] > 0
        sure = said.max(axis=0) >= 0.5
        rows.append(
            [
                name,
                Proportion(int(present.sum()), people),
                f"{said.max(axis=0).mean():.2f}",
                Proportion(int((present & sure).sum()), int(sure.sum())),
                f"{brier(*_flat(cohort)):.4f}",
                f"{log_score(*_flat(cohort)):.4f}",
            ]
        )
    head = (
        "cohort",
        "most probable cause is present",
        "mean said of it",
        "present where said >= 0.5",
        "Brier",
        "log score, nats",
    )
    return [
        "## Simulated people",
        "",
        f"{people} people in each cohort, all with {COMPLAINT}; half of the context and a quarter of the "
        "findings are told. The model",
        "is asked; the truth comes from the model itself, from 10 models drawn from the cited ranges, "
        "from one whose links are",
        "weaker (so that ours is over-confident: log-odds over the background times 0.7), from models "
        "with the prior odds of all",
        "causes halved or doubled, and from a disease that the model does not know, which brings about "
        "six findings of its own",
        "while no listed cause is present. Scores are means over every cause and person.",
        "",
        *table(head, rows),
        "",
        "![Reliability, simulated people](images/reliability_simulated.svg)",
    ]


def _cause_part(cohort: Mapping[str, np.ndarray], causes: Sequence[str]) -> Lines:
    rows = [
        [
            id,
            int(cohort[id][1].sum()),
            f"{cohort[id][0].mean():.4f}",
            f"{brier(*cohort[id]):.4f}",
            f"{log_score(*cohort[id]):.4f}",
        ]
        for id in causes
    ]
    head = ("cause", "present in", "mean probability", "Brier", "log score, nats")
    return ["## Scores by cause, people drawn from the model", "", *table(head, rows)]


def _figure_part() -> Lines:
    lines: Lines = ["## What others have published, on vignettes of their own", ""]
    for figure in read_figures(example_path().with_name("published_figures.toml")):
        lines.append(f"- {figure.who} on {figure.material}: {figure.result}. {figure.reference}.")
    return lines


def _draw(
    folder: Path,
    run: Run,
    cohorts: Mapping[str, Mapping[str, np.ndarray]],
    baselines: Mapping[str, RankingScore],
    cases: Sequence[Case],
) -> None:
    ours = score_ranking((o.case, o.ranking) for o in run[0])
    shares = {"toetwitch": ours, **baselines}
    rows = [
        (f"{name}, {kind}", _shares(found)[k])
        for name, found in shares.items()
        for k, kind in enumerate(RANKING_HEAD[1:])
    ]
    names = sorted(said for said in run[1])
    text = matrix("Published cause against the cause that leads", confusion(run[0]), names)
    (folder / "confusion.svg").write_text(text, encoding="utf-8")
    (folder / "ranking.svg").write_text(bars("Share of published cases, with 95 % intervals", rows), encoding="utf-8")
    pairs = {"published cases": reliability(*_pairs(cases, run[1]))}
    text = reliability_plot("Probability said against share named, published cases", pairs)
    (folder / "reliability_cases.svg").write_text(text, encoding="utf-8")
    simulated = {name: reliability(*_flat(cohort)) for name, cohort in cohorts.items()}
    text = reliability_plot("Probability said against share present, simulated people", simulated)
    (folder / "reliability_simulated.svg").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(validate.main(standalone_mode=True))
