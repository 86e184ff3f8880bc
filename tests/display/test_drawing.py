"""Laws of the drawn network."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest

import toetwitch as tt
from tests.display.pages import read_page
from toetwitch.display.drawing import draw
from toetwitch.display.layers import crossings, layered
from toetwitch.knowledge import Cpt, NetworkDefinition, Variable

HOSTILE = "<script>alert(1)</script>"


def sprinkler(name: str = "rain") -> tt.Network:
    """Return a network of two causes and an effect."""
    variables = (Variable(name), Variable("sprinkler"), Variable("wet"))
    half = [[0.99, 0.01], [0.1, 0.9]], [[0.2, 0.8], [0.05, 0.95]]
    tables = (Cpt(name, (), [0.8, 0.2]), Cpt("sprinkler", (), [0.5, 0.5]), Cpt("wet", (name, "sprinkler"), half))
    return tt.Network(NetworkDefinition(variables, tables))


@pytest.mark.parametrize("seed", range(10))
def test_arcs_point_down(seed: int) -> None:
    """Every node is placed once, in a row below each of its parents, and no row is too wide."""
    rng = random.Random(seed)
    ids = [f"n{n}" for n in range(30)]
    parents = {id: tuple(rng.sample(ids[:n], min(n, rng.randint(0, 3)))) for n, id in enumerate(ids)}
    rows = layered(parents, widest=5)
    assert sorted(itertools.chain(*rows)) == sorted(ids)
    row_of = {id: n for n, row in enumerate(rows) for id in row}
    assert all(row_of[parent] < row_of[id] for id, above in parents.items() for parent in above)
    assert max(map(len, rows)) <= 5


@pytest.mark.parametrize("seed", range(10))
def test_crossings_are_counted_right(seed: int) -> None:
    """The count equals that of looking at every pair of arcs, those that share an end left out."""
    rng = random.Random(seed)
    top, bottom = [f"a{n}" for n in range(6)], [f"b{n}" for n in range(6)]
    arcs = rng.sample([(a, b) for a in top for b in bottom], 14)
    at = {id: n for layer in (top, bottom) for n, id in enumerate(layer)}
    slow = sum((at[a] - at[c]) * (at[b] - at[d]) < 0 for (a, b), (c, d) in itertools.combinations(arcs, 2))
    assert crossings([top, bottom], arcs) == slow


def test_layers_untangle() -> None:
    """An order of children that can be drawn without a crossing is found."""
    rows = layered({"a": (), "b": (), "c": (), "x": ("c",), "y": ("b",), "z": ("a",)})
    assert crossings(rows, [("c", "x"), ("b", "y"), ("a", "z")]) == 0


def test_a_node_shows_its_posterior() -> None:
    """The percentages in the picture are the network's posteriors, and observed nodes are marked in words."""
    net = sprinkler()
    page = read_page(draw(net, {"wet": True}).svg)
    answer = net.posterior({"wet": True}, ["rain", "sprinkler"])
    for id in answer:
        assert f"{answer[id]['true']:.1%}" in page.text
    assert page.text.count("; observed") == 1
    assert "● wet" in page.text


def test_the_neighbourhood_is_parents_and_children() -> None:
    """Around an id, one step away, are its parents and its children and nothing else."""
    model = tt.load_model()
    page = read_page(draw(model, around="foot_drop", bars=False).svg)
    graph = model.network.graph()
    near = {"foot_drop", *graph.predecessors("foot_drop"), *graph.successors("foot_drop")}
    assert page.names.count("g") - page.names.count("path") // 2 == len(near)
    for id in near:
        assert f"{id} (" in page.text


def test_around_nothing_is_refused() -> None:
    """A misspelt id is refused with the nearest right one."""
    with pytest.raises(tt.UnknownNameError, match="did you mean 'rain'"):
        draw(sprinkler(), around="rian")


def test_a_hostile_name_is_only_text() -> None:
    """A name that is markup is shown, in the node and in the description of the arcs, and nothing comes of it."""
    page = read_page(draw(sprinkler(HOSTILE), {"wet": True})._repr_html_())
    assert "script" not in page.names
    assert f"{HOSTILE} to wet" in page.text


def test_the_picture_says_what_it_is(tmp_path: Path) -> None:
    """A reader who cannot see it is told the title and every arc; a saved page is whole."""
    drawing = draw(sprinkler())
    page = read_page(drawing.svg)
    assert "rain to wet" in page.text
    assert page.names[:3] == ["svg", "title", "desc"]
    path = tmp_path / "net.html"
    drawing.save(path)
    assert "main" in read_page(path.read_text(encoding="utf-8").removeprefix("<!DOCTYPE html>")).names
