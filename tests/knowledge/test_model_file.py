"""A model folder reads as a value, and the value writes as a folder that reads the same."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toetwitch.errors import ModelFileError, TableError, UnknownNameError
from toetwitch.knowledge import (
    Cpt,
    Effect,
    Estimate,
    Logistic,
    ModelDefinition,
    NetworkDefinition,
    NoisyMax,
    Row,
    Setting,
    Source,
    Table,
    Variable,
)
from toetwitch.knowledge.model_documents import model_documents
from toetwitch.knowledge.model_file import main, read_model, validate, write_model
from toetwitch.knowledge.model_folder import default_model_path
from toetwitch.knowledge.variable import KINDS
from toetwitch.testing.strategies import networks

SMALL = Path(__file__).parents[1] / "data" / "small_model"

WORDS = st.sampled_from(
    ["plain", 'quo"te', "back\\slash", "tab\there", "line\nbreak", "é 漢 🦶", "# no comment", "'", '"""', "\x7f", "[a]"]
)
SOURCES = ("survey", "clinic-2002", "x_1")
MECHANISMS = ("nerve_damage", "load")


@pytest.fixture(scope="module")
def small() -> ModelDefinition:
    """Return the small model."""
    return read_model(SMALL)


def test_values_stand_where_the_file_says(small: ModelDefinition) -> None:
    """Each form of table, link, setting and text of the file arrives in its field."""
    of = small.network.table_of
    survey = {"sources": ("survey",), "grade": "B"}
    assert (small.name, small.version, small.default_setting) == ("small", "1", "community")
    assert small.mechanisms["load"] == "Load presses on the nerve."
    assert small.sources["survey"] == Source("survey", "A survey", 2001, "Made up.")
    assert small.settings["clinic"].odds_ratios["nerve_injury"] == Estimate(3.0, 1.0, 9.0, ("clinic-2002",), "C")
    assert small.network.by_id["age"] == Variable(
        "age", ("young", "middle", "old"), "context", "person", "Age", "Age in years.", "extension"
    )
    load = of["heavy_load"]
    assert isinstance(load, Cpt)
    assert load.values.tolist() == [[0.8, 0.2], [0.8, 0.2], [0.95, 0.05]]
    assert load.rows[1].probabilities["false"] == Estimate(0.95, 0.9, 0.99, ("judgement",), "D", "The curators.")
    injury = of["nerve_injury"]
    assert isinstance(injury, Logistic)
    assert (injury.anchor.kind, injury.anchor.by, injury.anchor.bands["old"].value) == ("prevalence", "age", 0.04)
    assert injury.effects == (
        Effect({"heavy_load": ("true",)}, Estimate(2.0, 1.5, 3.0, ("clinic-2002",), "B"), "odds_ratio", "load"),
    )
    strain = of["strain"]
    assert isinstance(strain, Logistic)
    assert (strain.anchor.kind, strain.effects[0].stated_as) == ("baseline", "probability")
    assert strain.effects[0].when == {"heavy_load": ("true",), "age": ("middle", "old")}
    numbness = of["numbness"]
    assert isinstance(numbness, NoisyMax)
    assert numbness.leak.overall == {"true": Estimate(0.05, 0.02, 0.1, **survey)}
    assert numbness.leak.bands["young"]["true"].value == 0.03
    assert [(link.parent, link.inhibits) for link in numbness.links] == [
        ("arousal", False),
        ("nerve_injury", False),
        ("strain", True),
    ]
    weakness = of["weakness"]
    assert isinstance(weakness, NoisyMax)
    assert {state: e.value for state, e in weakness.links[0].probabilities.items()} == {"mild": 0.3, "severe": 0.2}
    test = of["slow_conduction"]
    assert isinstance(test, NoisyMax)
    assert (test.leak.kind, test.leak.overall["true"].value) == ("specificity", 0.95)
    assert small.rules.rule("weak_foot").level == "immediate_medical_attention"
    assert [advice.id for advice in small.advice] == ["carry_less"]


def test_variables_stand_by_kind_then_id(small: ModelDefinition) -> None:
    """The order of variables is that of kinds, then of ids, whatever the order of files."""
    keys = [(KINDS.index(variable.kind), variable.id) for variable in small.network.variables]
    assert keys == sorted(keys)
    assert [table.child for table in small.network.tables] == [variable.id for variable in small.network.variables]


def test_files_may_be_divided_in_any_way(small: ModelDefinition, tmp_path: Path) -> None:
    """Where a section stands carries no meaning: one file, or other names, give an equal model."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(SMALL.rglob("*.toml"))]
    for seed in range(3):
        random.Random(seed).shuffle(texts)
        folder = tmp_path / f"one_file_{seed}"
        folder.mkdir()
        (folder / "everything.toml").write_text("\n".join(texts), encoding="utf-8")
        assert read_model(folder) == small
    deep = tmp_path / "other_names" / "z" / "y"
    deep.mkdir(parents=True)
    for number, text in enumerate(texts):
        (deep / f"{number}.toml").write_text(text, encoding="utf-8")
    assert read_model(tmp_path / "other_names") == small


def test_path_may_be_text_or_a_link(small: ModelDefinition, tmp_path: Path) -> None:
    """The folder may be named by a string, and the name may be a link to the folder."""
    os.symlink(SMALL, tmp_path / "link", target_is_directory=True)
    assert read_model(str(SMALL)) == read_model(tmp_path / "link") == small


def test_dump_reads_back_as_an_equal_value(small: ModelDefinition, tmp_path: Path) -> None:
    """Load of dump is the identity, and so is dump of load of dump, byte for byte."""
    write_model(small, tmp_path / "once")
    assert read_model(tmp_path / "once") == small
    write_model(read_model(tmp_path / "once"), tmp_path / "twice")
    assert contents(tmp_path / "once") == contents(tmp_path / "twice")


def test_dump_of_the_toe_model_reads_back_as_an_equal_value(tmp_path: Path) -> None:
    """Load of dump is the identity on the model that ships."""
    model = read_model(default_model_path())
    write_model(model, tmp_path / "copy")
    assert read_model(tmp_path / "copy") == model


def test_dump_puts_a_cause_and_its_links_into_one_file(small: ModelDefinition, tmp_path: Path) -> None:
    """What is believed about one cause stands in one file; a test keeps its sensitivities."""
    write_model(small, tmp_path)
    assert set(contents(tmp_path)) == {
        "advice.toml",
        "causes/nerve_injury.toml",
        "causes/strain.toml",
        "context.toml",
        "findings/motor.toml",
        "findings/sensation.toml",
        "latents.toml",
        "mechanisms.toml",
        "model.toml",
        "red_flags.toml",
        "settings.toml",
        "sources.toml",
        "tests.toml",
    }
    assert contents(tmp_path)["causes/strain.toml"] == (SMALL / "causes/strain.toml").read_text(encoding="utf-8")
    assert contents(tmp_path)["tests.toml"] == (SMALL / "tests.toml").read_text(encoding="utf-8")


def contents(folder: Path) -> dict[str, str]:
    """Return the text of each file of a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@st.composite
def estimates(draw: st.DrawFn, value: float, scale: str) -> Estimate:
    """Draw a citation and a range for a number."""
    low, high = {"odds_ratio": (value / 2, value * 2), "probability": (value / 2, (value + 1) / 2)}[scale]
    if draw(st.booleans()):
        low = high = value
    grade = draw(st.sampled_from("ABCD"))
    note = draw(WORDS) if grade == "D" else draw(st.one_of(st.just(""), WORDS))
    keys = draw(st.lists(st.sampled_from(SOURCES), min_size=1, unique=True))
    return Estimate(value, low, high, tuple(keys), grade, note)


@st.composite
def models(draw: st.DrawFn) -> ModelDefinition:
    """Draw a model in which every number is cited, over a network of every kind of table."""
    network = draw(networks(nodes=(1, 5)))
    variables = tuple(
        replace(
            variable,
            kind=draw(st.sampled_from(KINDS)),
            group=draw(st.sampled_from(["serious", "movement", "2"])),
            label=draw(WORDS),
            definition=draw(WORDS),
            origin=draw(st.sampled_from(["article", "extension"])),
        )
        for variable in network.variables
    )
    tables = tuple(draw(cited(table, network)) for table in network.tables)
    causes = [variable.id for variable in variables if variable.kind == "cause" and variable.is_binary]
    ratios = {id: draw(estimates(draw(st.sampled_from([0.5, 1.0, 3.0])), "odds_ratio")) for id in causes}
    names = draw(st.lists(WORDS, min_size=1, max_size=3, unique=True))
    citing = [e for table in tables for e in estimates_of(table)] + (list(ratios.values()) if len(names) > 1 else [])
    used = {key for estimate in citing for key in estimate.sources}
    return ModelDefinition(
        name=draw(WORDS),
        version=draw(WORDS),
        description=draw(WORDS),
        reference=draw(WORDS),
        default_setting=names[0],
        network=NetworkDefinition(variables, tables),
        mechanisms={key: draw(WORDS) for key in MECHANISMS},
        sources={key: Source(key, draw(WORDS), draw(st.integers(0, 9999)), draw(WORDS)) for key in used},
        settings={name: Setting(name, draw(WORDS), ratios if n else {}) for n, name in enumerate(reversed(names))},
    )


@st.composite
def cited(draw: st.DrawFn, table: Table, network: NetworkDefinition) -> Table:
    """Draw citations for each number of a table."""

    def all_of(mapping: Mapping[str, Estimate]) -> dict[str, Estimate]:
        return {key: draw(estimates(estimate.value, "probability")) for key, estimate in mapping.items()}

    if isinstance(table, Cpt):
        child, parents = network.by_id[table.child], [network.by_id[id] for id in table.parents]
        rows = []
        for cell in np.ndindex(table.values.shape[:-1]):
            when = {parent.id: (parent.states[k],) for parent, k in zip(parents, cell, strict=True)}
            values = dict(zip(child.states, map(Estimate.of, table.values[cell].tolist()), strict=True))
            probabilities = all_of(values)
            if len(child.states) == 2 and draw(st.booleans()):
                probabilities["false"] = probabilities["true"].complement()
            rows.append(Row(when, probabilities))
        return Cpt.from_rows(child, parents, rows)
    if isinstance(table, Logistic):
        effects = []
        for effect in table.effects:
            size = draw(estimates(effect.size.value, effect.stated_as))
            effects.append(replace(effect, size=size, mechanism=draw(st.sampled_from(MECHANISMS))))
        anchor = table.anchor
        overall = None if anchor.overall is None else draw(estimates(anchor.overall.value, "probability"))
        return replace(
            table, anchor=replace(anchor, overall=overall, bands=all_of(anchor.bands)), effects=tuple(effects)
        )
    leak = replace(
        table.leak,
        overall=all_of(table.leak.overall),
        bands={state: all_of(band) for state, band in table.leak.bands.items()},
    )
    links = tuple(
        replace(link, probabilities=all_of(link.probabilities), mechanism=draw(st.sampled_from(MECHANISMS)))
        for link in table.links
    )
    return replace(table, leak=leak, links=links)


def estimates_of(table: Table) -> list[Estimate]:
    """Return every estimate of a table."""
    if isinstance(table, Cpt):
        return [estimate for row in table.rows for estimate in row.probabilities.values()]
    if isinstance(table, Logistic):
        overall = [] if table.anchor.overall is None else [table.anchor.overall]
        return [*overall, *table.anchor.bands.values(), *(effect.size for effect in table.effects)]
    mappings = [table.leak.overall, *table.leak.bands.values(), *(link.probabilities for link in table.links)]
    return [estimate for mapping in mappings for estimate in mapping.values()]


@settings(max_examples=100, deadline=None)
@given(model=models())
def test_any_model_reads_back_as_an_equal_value(
    model: ModelDefinition, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Load of dump is the identity on models of every kind of table, with any text in them."""
    folder = tmp_path_factory.mktemp("model")
    try:
        write_model(model, folder)
        assert read_model(folder) == model
        assert validate(folder) == ()
    finally:
        shutil.rmtree(folder)


def test_dump_into_a_folder_with_a_model_is_refused(small: ModelDefinition, tmp_path: Path) -> None:
    """Files that are there already would be read as part of the model, so nothing is written beside them."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "old.toml").write_text("[model]\n", encoding="utf-8")
    with pytest.raises(ModelFileError, match="has TOML files; expected a new or empty folder"):
        write_model(small, tmp_path)
    assert set(contents(tmp_path)) == {"deep/old.toml"}


def test_dump_below_a_file_is_refused(small: ModelDefinition, tmp_path: Path) -> None:
    """A folder that cannot be made is a typed error."""
    (tmp_path / "file").touch()
    with pytest.raises(ModelFileError, match="expected a folder that can be written"):
        write_model(small, tmp_path / "file" / "model")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": " "}, r"model.toml: model.name: ' '; expected a string"),
        ({"sources": {"survey": Source("survey", "S", 2001, "R")}}, "unknown source 'clinic-2002'"),
        ({"mechanisms": {"load": "L"}}, "unknown mechanism 'nerve_damage'"),
        ({"description": "\ud800"}, "text that is not Unicode"),
        ({"description": "x" * 10_000}, "model.toml: line 4 has 10,016 characters; expected at most 10,000"),
    ],
)
def test_dump_of_what_reading_would_refuse_is_refused(
    change: dict[str, Any], message: str, small: ModelDefinition, tmp_path: Path
) -> None:
    """A model that could not be read back is refused with the sentence of reading, and nothing is written."""
    with pytest.raises(ModelFileError, match=message):
        write_model(replace(small, **change), tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_dump_of_an_uncited_table_is_refused(small: ModelDefinition, tmp_path: Path) -> None:
    """A table of bare numbers has no place in a model file."""
    bare = NetworkDefinition((Variable("a"),), (Cpt("a", (), np.array([0.5, 0.5])),))
    with pytest.raises(ModelFileError, match="expected"):
        write_model(replace(small, network=bare, settings={"community": Setting("community", "C")}), tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_documents_hold_plain_values_only(small: ModelDefinition) -> None:
    """The documents of a model are dicts, lists, strings, numbers and booleans, as parsed TOML is."""

    def plain(value: object) -> bool:
        if isinstance(value, dict):
            return all(isinstance(key, str) and plain(inner) for key, inner in value.items())
        if isinstance(value, list):
            return all(map(plain, value))
        return type(value) in (str, int, float, bool)

    assert plain(model_documents(small))


def test_definition_puts_its_network_in_order(small: ModelDefinition) -> None:
    """A network given in another order makes an equal definition."""
    network = small.network
    shuffled = NetworkDefinition(
        tuple(reversed(network.variables)),
        tuple(
            replace(table, links=tuple(reversed(table.links))) if isinstance(table, NoisyMax) else table
            for table in reversed(network.tables)
        ),
    )
    assert shuffled != network
    assert replace(small, network=shuffled) == small


def test_definition_refuses_a_setting_that_does_not_exist(small: ModelDefinition) -> None:
    """The default setting must be one of the settings, and a setting may shift variables only."""
    with pytest.raises(UnknownNameError, match=r"unknown setting 'clinc' as default_setting; .*'clinic'"):
        replace(small, default_setting="clinc")
    wrong = Setting("community", "C", {"nerve_injry": Estimate.of(2.0)})
    with pytest.raises(UnknownNameError, match=r"unknown cause 'nerve_injry' in setting 'community'; .*'nerve_injury'"):
        replace(small, settings={"community": wrong})
    with pytest.raises(TableError, match=r"odds ratio 0.0 of 'strain' in 'clinic'; expected a number above 0"):
        Setting("clinic", "C", {"strain": Estimate.of(0.0)})


def test_definition_cannot_be_changed(small: ModelDefinition) -> None:
    """Mappings of a definition are read-only, and later changes of what it was made from do not reach it."""
    settings_given = {"community": Setting("community", "C")}
    changed = replace(small, settings=settings_given)
    settings_given["clinic"] = Setting("clinic", "C")
    assert list(changed.settings) == ["community"]
    with pytest.raises(TypeError):
        small.sources["new"] = Source("new", "N")  # type: ignore[index]


def test_problems_are_printed_with_their_number(
    small: ModelDefinition, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command prints each problem on a line and says by its exit code whether there are any."""
    assert main([str(SMALL)]) == 0
    assert capsys.readouterr().out == "0 problems\n"
    copy = shutil.copytree(SMALL, tmp_path / "model")
    (copy / "model.toml").write_text("", encoding="utf-8")
    assert main([str(copy)]) == 1
    assert capsys.readouterr().out == "model.toml: empty; expected at least one section of a model\n1 problem\n"


def test_command_runs_as_a_module() -> None:
    """Python runs the checker by its module name, without a warning."""
    command = [sys.executable, "-W", "error", "-m", "toetwitch.knowledge.model_file", str(SMALL)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "0 problems\n", "")


def test_the_default_model_is_found_and_valid() -> None:
    """The model that ships is beside the package or inside it, and has no problem."""
    assert (default_model_path() / "model.toml").is_file()
    assert validate(default_model_path()) == ()
