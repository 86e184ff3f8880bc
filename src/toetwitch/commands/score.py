"""``toetwitch score``: how the model does on a file of cases, beside two baselines and what others have published."""

from __future__ import annotations

__all__ = ["score"]

import json
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import click

from toetwitch.commands.case_input import example_path
from toetwitch.commands.model_option import json_option, model_option, setting_option
from toetwitch.evidence import read_evidence
from toetwitch.knowledge.cases import Case, PublishedFigure, read_cases, read_figures
from toetwitch.knowledge.red_flag import POLICIES
from toetwitch.model import Model, load_model
from toetwitch.reasoning.scoring import (
    NaiveBayes,
    Outcome,
    RankingScore,
    TriageScore,
    outcome_of,
    ranking_scores,
    score_ranking,
    score_triage,
)

COMPLAINT = "toe_movement"
"""The presenting complaint, which few published cases state in so many words."""

ASIDE = "persistent_twitching"
"""The article's rule that sends long-lasting twitching to the top level; over-triage is told with and without it."""


@click.command()
@click.argument("cases", required=False, type=click.Path())
@setting_option
@model_option
@json_option
def score(cases: str | None, setting: str | None, model_path: str | None, as_json: bool) -> None:
    """Score a file of CASES; by default the published ones that come with the library."""
    model = load_model(model_path, setting=setting)
    found = read_cases(cases or example_path(), model.definition.network)
    figures = read_figures(example_path().with_name("published_figures.toml"))
    as_given = _outcomes(model, found, {})
    complaint = {COMPLAINT: True} if COMPLAINT in model.network.variables else {}
    runs = {"as given": as_given, f"with {COMPLAINT} set": _outcomes(model, found, complaint)}
    baselines = _baselines(model, found)
    if as_json:
        document = {
            "model": {"name": model.definition.name, "version": model.definition.version, "setting": model.setting},
            "cases": len(found),
            "runs": {name: _run_dict(outcomes) for name, outcomes in runs.items()},
            "baselines": {name: ranking.to_dict() for name, ranking in baselines.items()},
            "published": [asdict(figure) for figure in figures],
        }
        click.echo(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))
        return
    click.echo(f"{len(found)} cases, {model!r}\n")
    for name, outcomes in runs.items():
        click.echo("\n".join([*_run_lines(name, outcomes), ""]))
    click.echo("\n".join([*_baseline_lines(baselines), "", *_missed_lines(as_given), "", *_figure_lines(figures)]))


def _outcomes(model: Model, cases: Sequence[Case], also: Mapping[str, object]) -> list[Outcome]:
    with click.progressbar(cases, label="assessing", file=sys.stderr, hidden=not sys.stderr.isatty()) as shown:
        return [outcome_of(case, model.assess({**also, **case.evidence}), ASIDE) for case in shown]


def _baselines(model: Model, cases: Sequence[Case]) -> dict[str, RankingScore]:
    bayes = NaiveBayes.of(model.network.inference, model.causes)
    read = [(case, read_evidence(case.evidence, model.network.variables)) for case in cases]
    return {
        "prior order": score_ranking((case, bayes.prior_order) for case in cases),
        "naive Bayes, same numbers": score_ranking((case, bayes.ranking(evidence)) for case, evidence in read),
    }


def _groups(outcomes: Sequence[Outcome]) -> dict[str, dict[str, RankingScore]]:
    def tests(case: Case) -> Iterable[str]:
        return ["with tests" if case.uses_tests else "without tests"]

    return {
        "kind": ranking_scores(outcomes, lambda case: [case.kind]),
        "tests": ranking_scores(outcomes, tests),
        "cause": ranking_scores(outcomes, lambda case: case.diagnosis),
    }


def _other_orders(outcomes: Sequence[Outcome]) -> dict[str, RankingScore]:
    names = dict.fromkeys(name for outcome in outcomes for name in outcome.other_orders)
    return {name: score_ranking((o.case, o.other_orders[name]) for o in outcomes) for name in names}


def _run_dict(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    return {
        "ranking": score_ranking((o.case, o.ranking) for o in outcomes).to_dict(),
        "other_orders": {name: found.to_dict() for name, found in _other_orders(outcomes).items()},
        "by": {
            group: {name: found.to_dict() for name, found in scores.items()}
            for group, scores in _groups(outcomes).items()
        },
        "triage": {policy: score_triage(outcomes, policy).to_dict() for policy in POLICIES},
        "answers": [
            {
                "id": o.case.id,
                "diagnosis": list(o.case.diagnosis),
                "first": list(o.ranking[:3]),
                "levels": dict(o.levels),
            }
            for o in outcomes
        ],
    }


def _run_lines(name: str, outcomes: Sequence[Outcome]) -> list[str]:
    lines = [f"== {name}", f"{'':<36}{'strict top-1':<24}{'strict top-3':<24}{'lenient top-1':<24}lenient top-3"]
    lines.append(_ranking_line("all, by information gain", score_ranking((o.case, o.ranking) for o in outcomes)))
    lines += [_ranking_line(f"  if by {name}", found) for name, found in _other_orders(outcomes).items()]
    for group, scores in _groups(outcomes).items():
        lines += [
            _ranking_line(f"  {name if group != 'kind' else 'kind ' + name}", found) for name, found in scores.items()
        ]
    for policy in POLICIES:
        lines += ["", *_triage_lines(score_triage(outcomes, policy))]
    return lines


def _ranking_line(name: str, found: RankingScore) -> str:
    shares = [*found.strict.values(), *found.lenient.values()]
    return f"{name:<36}" + "".join(f"{share!s:<24}" for share in shares).rstrip()


def _triage_lines(found: TriageScore) -> list[str]:
    lines = [f"triage, {found.policy} policy: under-triage {found.under}"]
    lines += [f"  floor {level:<30}{share}" for level, share in found.under_by_floor.items()]
    lines.append(f"  over-triage of calm cases: {found.over_calm}; without {ASIDE}: {found.over_calm_aside}")
    for label, ids in (("under", found.under_ids), ("over", found.over_ids)):
        if ids:
            lines += textwrap.wrap(
                f"{label}: {', '.join(ids)}", 116, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False
            )
    return lines


def _baseline_lines(baselines: Mapping[str, RankingScore]) -> list[str]:
    return ["== baselines, as given", *(_ranking_line(name, found) for name, found in baselines.items())]


def _missed_lines(outcomes: Sequence[Outcome]) -> list[str]:
    lines = ["== no published or acceptable cause among the first three, as given"]
    for outcome in outcomes:
        right = {*outcome.case.diagnosis, *outcome.case.also_acceptable}
        if not right & set(outcome.ranking[:3]):
            lines.append(
                f"  {outcome.case.id:<32} {', '.join(outcome.case.diagnosis)}; ranked {', '.join(outcome.ranking[:3])}"
            )
    return lines


def _figure_lines(figures: Sequence[PublishedFigure]) -> list[str]:
    lines = ["== published figures of others, on vignettes of their own"]
    for figure in figures:
        text = f"{figure.who} on {figure.material}: {figure.result}. {figure.reference}."
        lines += textwrap.wrap(text, 116, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
    return lines
