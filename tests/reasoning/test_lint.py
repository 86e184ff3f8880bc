"""Each kind of remark is made of a model that has the flaw, and none of one that has not."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import toetwitch as tt
from toetwitch.inference import ExactInference
from toetwitch.knowledge import Estimate, Link, NoisyMax
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.reasoning.lint import KINDS, Remark, lint

SMALL = Path(__file__).resolve().parents[1] / "data" / "small_model"
INJURY, CONTEXT, MOTOR = "causes/nerve_injury.toml", "context.toml", "findings/motor.toml"
RARE_INJURY = [
    (INJURY, f"{band} = {{ value = {value}, low = {low}", f"{band} = {{ value = 0.0008, low = 0.0001")
    for band, value, low in (("young", 0.01, 0.005), ("middle", 0.02, 0.01), ("old", 0.04, 0.02))
]
FLAWS: dict[str, tuple[str, list[tuple[str, str, str]]]] = {
    "sign": (
        "heavy_load -> nerve_injury",
        [
            (INJURY, "young = { value = 0.01, low = 0.005", "young = { value = 0.001, low = 0.0005"),
            (INJURY, "old = { value = 0.04, low = 0.02, high = 0.08", "old = { value = 0.5, low = 0.4, high = 0.6"),
        ],
    ),
    "leak": (
        "numbness.link[arousal=true].true",
        [("latents.toml", "probability = { value = 0.1, low = 0.05", "probability = { value = 0.05, low = 0.05")],
    ),
    "unreachable": (
        "heavy_load",
        [
            (CONTEXT, "probability = { value = 0.2, low = 0.1", "probability = { value = 0.0, low = 0.0"),
            (CONTEXT, "probability = { value = 0.05, low = 0.01", "probability = { value = 0.0, low = 0.0"),
        ],
    ),
    "uncertain": (
        "nerve_injury.effect[heavy_load=true]",
        [(INJURY, "value = 2.0, low = 1.5, high = 3.0", "value = 2.0, low = 0.02, high = 3.0")],
    ),
    "prevalence": (
        "nerve_injury.prevalence",
        [
            (
                INJURY,
                "prevalence = { value = 0.02, low = 0.01, high = 0.04",
                "prevalence = { value = 0.2, low = 0.1, high = 1",
            )
        ],
    ),
    "joint": (
        "weakness",
        [
            *RARE_INJURY,
            (INJURY, "mild = { value = 0.3, low = 0.2, high = 0.4", "mild = { value = 0.6, low = 0.2, high = 0.8"),
            (INJURY, "severe = { value = 0.2, low = 0.1, high = 0.3", "severe = { value = 0.35, low = 0.1, high = 0.4"),
            (MOTOR, "leak.mild = { value = 0.04, low = 0.02", "leak.mild = { value = 0.006, low = 0.002"),
            (MOTOR, "leak.severe = { value = 0.01, low = 0.005", "leak.severe = { value = 0.004, low = 0.002"),
        ],
    ),
    "rule": (
        "injury_likely",
        [("rules.toml", "probability_at_least = 0.5", "probability_at_least = 0.01")],
    ),
}


def flawed(folder: Path, changes: list[tuple[str, str, str]]) -> tt.Model:
    """Return the small model with some texts changed, each of which must be there."""
    shutil.copytree(SMALL, folder)
    for name, old, new in changes:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    return tt.load_model(folder)


def remarks(model: tt.Model) -> tuple[Remark, ...]:
    """Return what lint says of a model."""
    return lint(model.definition, model.network.inference)


def test_a_sound_model_has_no_remark() -> None:
    """Nothing is said of a model in which nothing is wrong."""
    assert remarks(tt.load_model(SMALL)) == ()


def test_the_toe_model_has_no_remark() -> None:
    """Nothing is said of the model that is shipped."""
    assert [str(remark) for remark in remarks(tt.load_model())] == []


@pytest.mark.parametrize("kind", FLAWS)
def test_each_flaw_is_seen(tmp_path: Path, kind: str) -> None:
    """A flaw is reported under its kind and at its place."""
    place, changes = FLAWS[kind]
    found = remarks(flawed(tmp_path / "copy", changes))
    assert (kind, place) in {(remark.kind, remark.place) for remark in found}
    assert [KINDS.index(remark.kind) for remark in found] == sorted(KINDS.index(remark.kind) for remark in found)


def edited(**tables: NoisyMax) -> tuple[Remark, ...]:
    """Return what lint says of the small model with some tables replaced."""
    definition = tt.load_model(SMALL).definition
    network = definition.network
    whole = NetworkDefinition(network.variables, tuple(tables.get(table.child, table) for table in network.tables))
    changed = replace(definition, network=whole)
    return lint(changed, ExactInference(changed.network))


def test_a_number_without_source_is_seen() -> None:
    """A number that cites nothing is reported at its path."""
    table = tt.load_model(SMALL).definition.network.table_of["trips"]
    assert isinstance(table, NoisyMax)
    links = (Link("weakness", {"true": Estimate.of(0.3)}, "mild"), *table.links[1:])
    found = edited(trips=replace(table, links=links))
    assert ("uncited", "trips.link[weakness=mild].true") in {(remark.kind, remark.place) for remark in found}


def test_a_dead_finding_is_seen() -> None:
    """A finding that nothing brings about is reported."""
    table = tt.load_model(SMALL).definition.network.table_of["trips"]
    assert isinstance(table, NoisyMax)
    found = edited(trips=replace(table, links=()))
    assert ("dead", "trips") in {(remark.kind, remark.place) for remark in found}


def test_a_rule_over_an_unreachable_state_is_seen() -> None:
    """A red flag that only a state of probability zero could raise is reported as one that cannot fire."""
    table = tt.load_model(SMALL).definition.network.table_of["weakness"]
    assert isinstance(table, NoisyMax)
    none = Estimate(0.0, 0.0, 0.0, ("survey",), "B")
    silent = replace(table, leak=replace(table.leak, overall={"mild": none, "severe": none}), links=())
    found = edited(weakness=silent)
    assert ("rule", "weak_foot") in {(remark.kind, remark.place) for remark in found}
