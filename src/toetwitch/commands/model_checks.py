"""``toetwitch model lint``, ``diff`` and ``provenance``: what is wrong, what changed, and what the numbers rest on."""

from __future__ import annotations

__all__ = ["diff", "lint", "provenance"]

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from toetwitch.commands.case_input import example_path
from toetwitch.commands.model_option import json_option, model_option, setting_option
from toetwitch.errors import TableError
from toetwitch.knowledge.cases import Case, read_cases
from toetwitch.knowledge.estimate import Source
from toetwitch.knowledge.model_file import validate
from toetwitch.knowledge.model_folder import default_model_path
from toetwitch.model import Model, load_model
from toetwitch.reasoning.assessment import Assessment
from toetwitch.reasoning.lint import lint as look
from toetwitch.reasoning.model_diff import CaseChange, ModelDiff, case_change, compare
from toetwitch.reasoning.provenance import Coverage, Resting, coverage
from toetwitch.reasoning.scoring import Outcome, outcome_of, score_ranking, score_triage

LEAST = 20
"""How many of the numbers that rest on the least are shown."""


@click.command()
@model_option
@json_option
@click.pass_context
def lint(context: click.Context, model_path: str | None, as_json: bool) -> None:
    """List every fault of a model, and what looks wrong in one without fault; exit code 1 when there is a fault.

    A fault keeps the model from being read. A remark is about what can be read and can hardly be meant: a finding that
    lowers its own cause, a link at the background, a dead finding, a state that cannot be reached, a number without
    source or of a useless range, a marginal outside its cited check, a common finding that makes a rare disease
    likely, a rule that never or always fires.
    """
    folder = model_path or default_model_path()
    problems, remarks = list(validate(folder)), []
    if not problems:
        try:
            loaded = load_model(model_path)
            remarks = [str(remark) for remark in look(loaded.definition, loaded.network.inference)]
        except TableError as error:
            problems.append(str(error))
    if as_json:
        _print_json({"model": str(folder), "problems": problems, "remarks": remarks})
    else:
        click.echo("\n".join([*(problems or ["No fault found."]), *remarks]))
    context.exit(1 if problems else 0)


@click.command()
@click.argument("before", type=click.Path())
@click.argument("after", type=click.Path())
@click.option("--cases", type=click.Path(), help="A file of cases; by default the published ones.")
@click.option("--numbers-only", is_flag=True, help="Do not assess the cases.")
@setting_option
@json_option
def diff(before: str, after: str, cases: str | None, numbers_only: bool, setting: str | None, as_json: bool) -> None:
    """Tell the models in folders BEFORE and AFTER apart: in numbers and rules, and in the answers to cases.

    The word "default" stands for the model that is shipped.
    """
    models = [load_model(None if path == "default" else path, setting=setting) for path in (before, after)]
    found = compare(models[0].definition, models[1].definition)
    answers = None if numbers_only else _answers(models, cases)
    if as_json:
        document: dict[str, Any] = {"changes": found.to_dict()}
        if answers is not None:
            document["cases"] = [change.to_dict() for change in _changes(answers)]
            document["scores"] = [_scores(answers, k) for k in (0, 1)]
        _print_json(document)
        return
    click.echo("\n".join(_diff_lines(found)))
    if answers is not None:
        click.echo("\n".join(["", *_case_lines(_changes(answers), len(answers)), "", *_score_lines(answers)]))


Pair = tuple[Case, Assessment, Assessment]


def _answers(models: Sequence[Model], cases: str | None) -> list[Pair]:
    found = read_cases(cases or example_path(), models[0].definition.network)
    with click.progressbar(found, label="assessing", file=sys.stderr, hidden=not sys.stderr.isatty()) as shown:
        return [(case, models[0].assess(case.evidence), models[1].assess(case.evidence)) for case in shown]


def _changes(answers: Sequence[Pair]) -> list[CaseChange]:
    changes = (case_change(case, old, new) for case, old, new in answers)
    return [change for change in changes if change is not None]


def _outcomes(answers: Sequence[Pair], k: int) -> list[Outcome]:
    return [outcome_of(case, pair[k]) for case, *pair in answers]


def _scores(answers: Sequence[Pair], k: int) -> dict[str, Any]:
    outcomes = _outcomes(answers, k)
    triage = score_triage(outcomes, "article").to_dict()
    return {"ranking": score_ranking((o.case, o.ranking) for o in outcomes).to_dict(), "triage": triage}


def _diff_lines(found: ModelDiff) -> list[str]:
    if not found.changes:
        return ["The two models say the same."]
    lines = [f"{len(found.changes)} differences"]
    for kind in dict.fromkeys(change.kind for change in found.changes):
        of_kind = found.of_kind(kind)
        lines += ["", f"{kind} ({len(of_kind)})", *(f"  {change}" for change in of_kind)]
    return lines


def _case_lines(changes: Sequence[CaseChange], total: int) -> list[str]:
    levels = [change for change in changes if change.level_changed]
    leaders = [change for change in changes if change.leader_changed]
    lines = [f"{total} cases: another level in {len(levels)}, another leading cause in {len(leaders)}"]
    for change in changes:
        parts = []
        if change.level_changed:
            parts.append(f"{change.level[0]} -> {change.level[1]}")
        if change.first[0] != change.first[1]:
            parts.append(f"{', '.join(change.first[0])} -> {', '.join(change.first[1])}")
        if change.moved:
            parts.append(f"P({change.moved}) {change.probability[0]:.3g} -> {change.probability[1]:.3g}")
        lines.append(f"  {change.case}: " + "; ".join(parts))
    return lines


def _score_lines(answers: Sequence[Pair]) -> list[str]:
    lines = []
    for name, k in (("before", 0), ("after", 1)):
        outcomes = _outcomes(answers, k)
        ranking, triage = score_ranking((o.case, o.ranking) for o in outcomes), score_triage(outcomes, "article")
        lines.append(
            f"{name:<8}strict {ranking.strict[1]}, top-3 {ranking.strict[3]}; "
            f"lenient {ranking.lenient[1]}, top-3 {ranking.lenient[3]}"
        )
        lines.append(f"{'':<8}under-triage {triage.under}; over-triage of calm cases {triage.over_calm}")
    return lines


@click.command()
@model_option
@json_option
def provenance(model_path: str | None, as_json: bool) -> None:
    """Say what the numbers rest on: by grade, by source, and which rest on the least."""
    definition = load_model(model_path).definition
    found = coverage(definition)
    if as_json:
        _print_json(_coverage_dict(found, definition.sources))
        return
    click.echo("\n".join(_coverage_lines(found, definition.sources)))


def _coverage_dict(found: Coverage, sources: Mapping[str, Source]) -> dict[str, Any]:
    return {
        "numbers": len(found.numbers),
        "by_grade": dict(found.by_grade),
        "by_role": {role: dict(counts) for role, counts in found.by_role.items()},
        "sources": [
            {"source": key, "numbers": sum(counts.values()), "grades": dict(counts), **_cited(sources[key])}
            for key, counts in found.by_source.items()
        ],
        "least": [_resting_dict(number) for number in found.numbers[:LEAST]],
    }


def _cited(source: Source) -> dict[str, Any]:
    return {"title": source.title, "year": source.year, "reference": source.reference}


def _resting_dict(number: Resting) -> dict[str, Any]:
    e = number.estimate
    return {
        "path": number.path,
        "value": e.value,
        "low": e.low,
        "high": e.high,
        "grade": e.grade,
        "width": number.width,
        "sources": list(e.sources),
        "note": e.note,
    }


def _coverage_lines(found: Coverage, sources: Mapping[str, Source]) -> list[str]:
    total = len(found.numbers)
    said = ", ".join(f"{grade} {n} ({100 * n / total:.0f} %)" for grade, n in found.by_grade.items())
    lines = [f"{total} numbers by grade: {said}", ""]
    for role, counts in found.by_role.items():
        lines.append(f"  {role:<12}" + "  ".join(f"{grade} {n}" for grade, n in counts.items()))
    lines += ["", f"{len(found.by_source)} sources, most used first"]
    for key, counts in found.by_source.items():
        grades = " ".join(f"{grade}:{n}" for grade, n in counts.items()) or "rules only"
        lines.append(f"{sum(counts.values()):>4}  {key:<34} {grades:<24} {sources[key].title}")
    lines += [
        "",
        f"The {min(LEAST, total)} numbers that rest on the least (grade, then width of the range in log-odds)",
    ]
    for number in found.numbers[:LEAST]:
        e = number.estimate
        lines.append(
            f"  {number.width:>5.1f}  {e.grade or '-'}  {number.path}: {e.value:g} ({e.low:g} to {e.high:g}) "
            f"[{', '.join(e.sources) or 'uncited'}]"
        )
    return lines


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))
