"""``toetwitch model``: what the model holds, and the numbers and sources behind one id."""

from __future__ import annotations

__all__ = ["model", "show", "summary"]

import json
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import click

from toetwitch.commands.model_check import check
from toetwitch.commands.model_checks import diff, lint, provenance
from toetwitch.commands.model_option import json_option, model_option, setting_option
from toetwitch.errors import UnknownNameError
from toetwitch.knowledge.condition import ids, render_condition
from toetwitch.knowledge.definition import ModelDefinition
from toetwitch.knowledge.estimate import GRADES, Source
from toetwitch.knowledge.parameters import Parameter, parameters
from toetwitch.knowledge.red_flag import RedFlag
from toetwitch.model import Model, load_model

WIDTH = 110


@click.group()
def model() -> None:
    """Look into the model: its size, its faults, its numbers and their sources."""


for _command in (check, diff, lint, provenance):
    model.add_command(_command)


@model.command()
@model_option
@json_option
def summary(model_path: str | None, as_json: bool) -> None:
    """Say how large the model is and how well its numbers are supported."""
    definition = load_model(model_path).definition
    found = _summary(definition)
    if as_json:
        _print_json(found)
        return
    click.echo(f"{definition.name} {definition.version}: {definition.description}\n{definition.reference}\n")
    for name, value in found.items():
        if isinstance(value, Mapping):
            value = ", ".join(f"{key} {count}" for key, count in value.items())
        if name not in ("name", "version", "description", "reference"):
            click.echo(f"{name.replace('_', ' '):<20}{value}")


def _summary(definition: ModelDefinition) -> dict[str, Any]:
    network, rules = definition.network, definition.rules
    numbers = parameters(network)
    grades = Counter(parameter.estimate.grade for parameter in numbers)
    return {
        "name": definition.name,
        "version": definition.version,
        "description": definition.description,
        "reference": definition.reference,
        "variables": dict(Counter(variable.kind for variable in network.variables)),
        "arcs": sum(len(table.parents) for table in network.tables),
        "numbers": len(numbers),
        "grades": {grade or "uncited": grades[grade] for grade in (*GRADES, "") if grades[grade]},
        "sources": len(definition.sources),
        "rules": dict(Counter(rule.level for rule in rules.rules)),
        "posterior_rules": len(rules.posterior_rules),
        "advice": len(definition.advice),
        "settings": {name: len(setting.odds_ratios) for name, setting in definition.settings.items()},
    }


@model.command()
@click.argument("id")
@setting_option
@model_option
@json_option
def show(id: str, setting: str | None, model_path: str | None, as_json: bool) -> None:
    """Show what is believed about one variable, rule or source, and why."""
    loaded = load_model(model_path, setting=setting)
    definition = loaded.definition
    rules = {rule.id: rule for rule in definition.rules.rules}
    if id in definition.network.by_id:
        page = _variable_page(loaded, id)
        lines = _variable_lines(page)
    elif id in rules:
        page = _rule_page(rules[id])
        lines = _rule_lines(page, definition.sources)
    elif id in definition.sources:
        page = _source_page(definition, definition.sources[id])
        lines = _source_lines(page)
    else:
        choices = (*definition.network.by_id, *rules, *definition.sources)
        raise UnknownNameError("variable, rule or source", id, choices)
    if as_json:
        _print_json(page)
    else:
        click.echo("\n".join(lines))


def _cited(source: Source) -> dict[str, Any]:
    return {"title": source.title, "year": source.year, "reference": source.reference}


def _number(parameter: Parameter, definition: ModelDefinition) -> dict[str, Any]:
    estimate = parameter.estimate
    return {
        "path": parameter.path,
        "scale": parameter.scale,
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "grade": estimate.grade,
        "note": estimate.note,
        "sources": {key: _cited(definition.sources[key]) for key in estimate.sources if key in definition.sources},
        "mechanism": parameter.mechanism,
        "mechanism_text": definition.mechanisms.get(parameter.mechanism, ""),
    }


def _variable_page(loaded: Model, id: str) -> dict[str, Any]:
    definition = loaded.definition
    variable = definition.network.by_id[id]
    numbers = parameters(definition.network)
    return {
        "id": id,
        "label": variable.name,
        "kind": variable.kind,
        "group": variable.group,
        "origin": variable.origin,
        "definition": variable.definition,
        "prior": loaded.network.posterior({}, [id])[id],
        "setting": loaded.setting,
        "parents": list(definition.network.parents(id)),
        "numbers": [_number(p, definition) for p in numbers if p.child == id],
        "numbers_as_parent": [_number(p, definition) for p in numbers if p.child != id and _acts(p, id)],
        "rules": [rule.id for rule in definition.rules.rules if id in (*rule.concern, *ids(rule.when))],
    }


def _acts(parameter: Parameter, id: str) -> bool:
    """Return whether a number says what the variable does to another: its path names it in brackets."""
    condition = parameter.path.partition("[")[2].partition("]")[0]
    return id in (part.partition("=")[0] for part in condition.split(","))


def _variable_lines(page: Mapping[str, Any]) -> list[str]:
    prior = ", ".join(f"{state} {p:.3g}" for state, p in page["prior"].items())
    lines = [
        f"{page['id']}: {page['label']} ({page['kind']}, {page['group']}, {page['origin']})",
        *_wrapped(page["definition"], "  "),
        f"  Prior ({page['setting']}): {prior}",
    ]
    if page["rules"]:
        lines += _wrapped("Red flags: " + ", ".join(page["rules"]), "  ")
    for title, key in (("Its own numbers", "numbers"), ("What it does to others", "numbers_as_parent")):
        if page[key]:
            lines += ["", f"{title} ({len(page[key])})"]
            for number in page[key]:
                lines += _number_lines(number)
    return lines


def _number_lines(number: Mapping[str, Any]) -> list[str]:
    unit = "odds ratio " if number["scale"] == "odds_ratio" else ""
    grade = f"grade {number['grade']}" if number["grade"] else "uncited"
    lines = [f"  {number['path']}", f"    {unit}{number['value']:g} ({number['low']:g} to {number['high']:g}), {grade}"]
    if number["mechanism"]:
        lines += _wrapped(f"how: {number['mechanism_text'] or number['mechanism']}", "    ")
    if number["note"]:
        lines += _wrapped(f"note: {number['note']}", "    ")
    for key, source in number["sources"].items():
        lines += _wrapped(f"[{key}] {_citation(source)}", "    ")
    return lines


def _citation(source: Mapping[str, Any]) -> str:
    year = f" ({source['year']})" if source["year"] else ""
    return f"{source['title']}{year}. {source['reference']}".strip()


def _rule_page(rule: RedFlag) -> dict[str, Any]:
    return {
        "id": rule.id,
        "level": rule.level,
        "guideline_level": rule.guideline_level,
        "origin": rule.origin,
        "emergency": rule.emergency,
        "when": render_condition(rule.when),
        "rationale": rule.rationale,
        "concern": list(rule.concern),
        "dissent": rule.dissent,
        "dissent_when": render_condition(rule.dissent_when) if rule.dissent_when is not None else None,
        "sources": list(dict.fromkeys((*rule.sources, *rule.dissent_sources))),
    }


def _rule_lines(page: Mapping[str, Any], sources: Mapping[str, Source]) -> list[str]:
    lines = [f"{page['id']}: a red flag ({page['origin']})", f"  asks for {page['level']}"]
    lines += _wrapped(f"when {json.dumps(page['when'], ensure_ascii=False)}", "  ")
    lines += _wrapped(page["rationale"], "  ")
    if page["dissent"] or page["guideline_level"]:
        lines += _wrapped(f"guidelines: {page['guideline_level'] or page['level']}. {page['dissent']}", "  ")
    for key in page["sources"]:
        lines += _wrapped(f"[{key}] {_citation(_cited(sources[key]))}", "  ") if key in sources else [f"  [{key}]"]
    return lines


def _source_page(definition: ModelDefinition, source: Source) -> dict[str, Any]:
    return {
        "source": source.key,
        **_cited(source),
        "numbers": [p.path for p in parameters(definition.network) if source.key in p.estimate.sources],
        "rules": [r.id for r in definition.rules.rules if source.key in (*r.sources, *r.dissent_sources)],
    }


def _source_lines(page: Mapping[str, Any]) -> list[str]:
    lines = _wrapped(f"[{page['source']}] {_citation(page)}", "")
    lines += [f"  {path}" for path in page["numbers"]]
    return lines + ([f"  red flags: {', '.join(page['rules'])}"] if page["rules"] else [])


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ")


def _print_json(value: Mapping[str, Any] | Iterable[Any]) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))
