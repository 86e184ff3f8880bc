"""Laws of the drawn network."""

from __future__ import annotations

import itertools
import random
import re
from pathlib import Path

import numpy as np
import pytest

import toetwitch as tt
from tests.display.pages import read_page
from toetwitch.display.drawing import draw
from toetwitch.display.layers import crossings, layered, placed
from toetwitch.display.strength import strengths
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
    legend = 1
    assert page.names.count("g") - page.names.count("path") // 2 - legend == len(near)
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


@pytest.mark.parametrize("seed", range(10))
def test_no_lane_runs_behind_a_node(seed: int) -> None:
    """Nodes of a row stand apart, and every lane through it runs between them, a few pixels from the next."""
    rng = random.Random(seed)
    ids = [f"n{n}" for n in range(40)]
    parents = {id: tuple(rng.sample(ids[:n], min(n, rng.randint(0, 4)))) for n, id in enumerate(ids)}
    rows = layered(parents, widest=4)
    found = placed(rows, parents, node=100, gap=20, lane=6)
    row_of = {id: n for n, row in enumerate(rows) for id in row}
    last = {id: max((row_of[c] for c in ids if id in parents[c]), default=row_of[id]) for id in ids}
    for n, row in enumerate(rows):
        edges = [found.left[id] for id in row]
        assert all(b - a >= 120 - 1e-9 for a, b in itertools.pairwise(edges))
        through = sorted(found.lanes[id][n - row_of[id] - 1] for id in ids if row_of[id] < n < last[id])
        assert all(b - a >= 6 - 1e-9 for a, b in itertools.pairwise(through))
        assert not any(left - 1 < x < left + 101 for x in through for left in edges)
        assert all(0 <= x <= found.width for x in through)
        assert all(0 <= left <= found.width - 100 for left in edges)


def slow_strength(net: tt.Network, parent: str, child: str) -> float:
    """Return how far a parent alone moves a child, by writing the table out over every state of its parents."""
    above = net.definition.parents(child)
    prior = {id: np.array(list(net.posterior({}, [id])[id].values())) for id in above}
    states = {id: net.variables[id].states for id in above}
    rows = []
    for state in states[parent]:
        mean = np.zeros(len(net.variables[child].states))
        for others in itertools.product(*(states[id] for id in above if id != parent)):
            case = dict(zip([id for id in above if id != parent], others, strict=True))
            weight = np.prod([prior[id][states[id].index(case[id])] for id in case])
            doing = {**case, parent: state}
            mean += weight * np.array(list(net.what_if({}, doing, [child]).seen[child].values()))
        rows.append(mean)
    return max(float(np.abs(a - b).sum() / 2) for a in rows for b in rows)


def test_the_strength_of_an_arc_is_how_far_it_moves() -> None:
    """By table and by noisy-MAX alike, the strength equals that of writing the table out."""
    model = tt.load_model()
    children = [
        id
        for id in model.network.variables
        if 1 <= len(model.network.definition.parents(id)) <= 5 and id != "toe_movement"
    ][::4]
    kinds = {type(model.network.definition.table_of[id]).__name__ for id in children}
    assert len(kinds) >= 2
    for net, asked in ((sprinkler(), ["wet"]), (model.network, children)):
        needed = {id for child in asked for id in net.definition.parents(child)}
        priors = {id: np.array(list(net.posterior({}, [id])[id].values())) for id in needed}
        found = strengths(net.inference.resolved, priors, asked)
        assert set(found) == {(p, id) for id in asked for p in net.definition.parents(id)}
        for (parent, child), strength in found.items():
            assert strength == pytest.approx(slow_strength(net, parent, child), abs=1e-9)


def test_an_arc_is_as_thick_as_it_is_strong() -> None:
    """The stronger arc is the thicker, its strength stands in words in the description, and a legend explains it."""
    page = read_page(draw(sprinkler()).svg)
    wide = [
        float(re.findall(r"stroke-width:([\d.]+)", a["style"] or "")[0])
        for name, a in page.elements
        if name == "path" and "stroke-width" in (a["style"] or "")
    ]
    assert "rain to wet (0.42); sprinkler to wet (0.74)" in page.text
    assert wide == sorted(wide, reverse=True)
    assert wide[0] > wide[1]
    assert "total variation" in page.text
    assert "prior probability" in page.text
    assert "the mark is the prior" in read_page(draw(sprinkler(), {"wet": True}).svg).text


def test_names_alone_need_no_numbers() -> None:
    """Without bars nothing is computed: no percentage and no strength is shown."""
    page = read_page(draw(sprinkler(), bars=False).svg)
    assert "%" not in page.text
    assert "total variation" not in page.text
