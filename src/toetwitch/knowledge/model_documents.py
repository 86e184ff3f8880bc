"""A model as the documents of its folder: what is believed about one cause stands in one file."""

from __future__ import annotations

__all__ = ["model_documents"]

from collections.abc import Mapping, Sequence
from typing import Any

from toetwitch.knowledge.advice import write_advice
from toetwitch.knowledge.definition import ModelDefinition, Setting
from toetwitch.knowledge.estimate import Estimate
from toetwitch.knowledge.rule_file import write_rules
from toetwitch.knowledge.table import Anchor, Cpt, Effect, Leak, Link, Logistic, NoisyMax, Row, Table
from toetwitch.knowledge.variable import BINARY, Variable

FILE_OF_KIND = {
    "context": "context.toml",
    "latent": "latents.toml",
    "cause": "causes/{id}.toml",
    "finding": "findings/{group}.toml",
    "test": "tests.toml",
    "variable": "variables.toml",
}

Tables = dict[str, Any]


def model_documents(model: ModelDefinition) -> dict[str, Tables]:
    """Return the documents of a model, by file name relative to its folder.

    A link stands in the file of its cause, below the cause's own table; the sensitivity of a test stands with the test.
    """
    documents: dict[str, Tables] = {
        "model.toml": {"model": _about(model)},
        "mechanisms.toml": {"mechanism": {key: {"text": text} for key, text in model.mechanisms.items()}},
        "sources.toml": {
            "source": {
                key: {"title": source.title, "year": source.year, "reference": source.reference}
                for key, source in model.sources.items()
            }
        },
        "settings.toml": {"setting": {name: _setting(setting) for name, setting in model.settings.items()}},
    }
    network = model.network
    for variable in network.variables:
        document = documents.setdefault(_file(variable), {})
        written = {**_variable(variable), "table": _table(network.table_of[variable.id], network.by_id)}
        document.setdefault("variable", []).append(written)
    for table in network.tables:
        for link in table.links if isinstance(table, NoisyMax) else ():
            child, parent = network.by_id[table.child], network.by_id[link.parent]
            document = documents[_file(child if child.kind == "test" else parent)]
            document.setdefault("link", []).append(_link(link, child, parent))
    documents["red_flags.toml"] = write_rules(model.rules)
    documents["advice.toml"] = write_advice(model.advice)
    kept = {file: {name: content for name, content in doc.items() if content} for file, doc in documents.items()}
    return {file: document for file, document in kept.items() if document}


def _about(model: ModelDefinition) -> Tables:
    return {name: getattr(model, name) for name in ("name", "version", "description", "reference", "default_setting")}


def _file(variable: Variable) -> str:
    return FILE_OF_KIND[variable.kind].format(id=variable.id, group=variable.group)


def _setting(setting: Setting) -> Tables:
    ratios = {cause: _estimate(ratio) for cause, ratio in setting.odds_ratios.items()}
    return {"description": setting.description, **({"odds_ratio": ratios} if ratios else {})}


def _variable(variable: Variable) -> Tables:
    written: Tables = {
        name: getattr(variable, name) for name in ("id", "kind", "group", "label", "origin", "definition")
    }
    return written if variable.is_binary else {**written, "states": list(variable.states)}


def _estimate(estimate: Estimate) -> Tables:
    written: Tables = {
        "value": float(estimate.value),
        "low": float(estimate.low),
        "high": float(estimate.high),
        "source": estimate.sources[0] if len(estimate.sources) == 1 else list(estimate.sources),
        "grade": estimate.grade,
    }
    return {**written, "note": estimate.note} if estimate.note else written


def _table(table: Table, by_id: Mapping[str, Variable]) -> Tables:
    child = by_id[table.child]
    if isinstance(table, Cpt):
        parents = {"parents": list(table.parents)} if table.parents else {}
        return {"kind": "table", **parents, "row": [_row(row, child, by_id) for row in table.rows]}
    if isinstance(table, Logistic):
        effects = [_effect(effect, by_id) for effect in table.effects]
        return {"kind": "logistic", **_anchor(table.anchor), **({"effect": effects} if effects else {})}
    return {"kind": "noisy_or" if len(child.states) == 2 else "noisy_max", **_leak(table.leak, child)}


def _row(row: Row, child: Variable, by_id: Mapping[str, Variable]) -> Tables:
    when = {"when": _when(row.when, by_id)} if row.when else {}
    if len(child.states) == 2:
        lower, upper = (row.probabilities[state] for state in child.states)
        if lower == upper.complement():
            return {**when, "probability": _estimate(upper)}
    return {**when, "probabilities": {state: _estimate(row.probabilities[state]) for state in child.states}}


def _when(when: Mapping[str, tuple[str, ...]], by_id: Mapping[str, Variable]) -> Tables:
    return {id: _states(states, by_id[id]) for id, states in when.items()}


def _states(states: Sequence[str], variable: Variable) -> object:
    written = [state == BINARY[1] if variable.is_binary else state for state in states]
    return written[0] if len(written) == 1 else written


def _anchor(anchor: Anchor) -> Tables:
    written = {} if anchor.overall is None else {anchor.kind: _estimate(anchor.overall)}
    if not anchor.by:
        return written
    bands = {state: _estimate(band) for state, band in anchor.bands.items()}
    return {**written, f"{anchor.kind}_by": {"parent": anchor.by, **bands}}


def _effect(effect: Effect, by_id: Mapping[str, Variable]) -> Tables:
    return {
        "when": _when(effect.when, by_id),
        "mechanism": effect.mechanism,
        effect.stated_as: _estimate(effect.size),
    }


def _by_state(estimates: Mapping[str, Estimate], child: Variable) -> Tables:
    """Return one estimate for a variable of two states, else a table of them."""
    upper = [state for state in child.states if state in estimates]
    if len(child.states) == 2:
        return _estimate(estimates[upper[0]])
    return {state: _estimate(estimates[state]) for state in upper}


def _leak(leak: Leak, child: Variable) -> Tables:
    if leak.kind == "specificity":
        return {"specificity": _estimate(leak.overall[child.states[-1]])}
    written = {leak.kind: _by_state(leak.overall, child)}
    if not leak.by:
        return written
    bands = {state: _by_state(band, child) for state, band in leak.bands.items()}
    return {**written, "leak_by": {"parent": leak.by, **bands}}


def _link(link: Link, child: Variable, parent: Variable) -> Tables:
    acting = parent.is_binary and link.parent_state == BINARY[1]
    return {
        "finding": child.id,
        "cause": parent.id,
        **({} if acting else {"parent_state": _states((link.parent_state,), parent)}),
        "mechanism": link.mechanism,
        "probability": _by_state(link.probabilities, child),
        **({"inhibits": True} if link.inhibits else {}),
    }
