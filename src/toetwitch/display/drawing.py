"""A network drawn as SVG, with its prior and posterior bars in the nodes; no program outside Python is needed.

Kinds of variable differ in the shape of their frame as well as in words: contexts are square, causes round, latents
dotted and tests dashed. An observed node has a thick frame and a dot before its name. An arc is as thick as it is
strong (`toetwitch.display.strength`), and its strength is told in words too; a legend explains all of it.
"""

from __future__ import annotations

__all__ = ["Drawing", "draw"]

import os
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from toetwitch.display.layers import layered, placed
from toetwitch.display.strength import strengths
from toetwitch.errors import BudgetExceededError, UnknownNameError
from toetwitch.knowledge.variable import Variable
from toetwitch.markup import Markup, card, document, element, words
from toetwitch.model import Model
from toetwitch.network import Network

Distribution = Mapping[str, float]

WIDTH, GAP, DOWN = 180, 20, 44
"""Of a node, and of the gaps from node to node and from row to row, in pixels."""

ABREAST = 4
MANY, ABREAST_OF_MANY = 80, 7
"""Nodes side by side: what a page shows at a size that can be read; a larger network is broader, and is scrolled."""

LINE = 15
STATES = 5
"""Height of one line, and how many states a node shows before the rest is counted."""

NAME, STATE = 24, 13
"""Letters in a line of a name, of which there are two at most, and of a state."""

CORNERS = {"context": 0, "latent": 14, "cause": 14, "finding": 4, "test": 0, "variable": 4}
DASHES = {"latent": "2 3", "test": "6 3"}
"""Shapes that tell kinds apart: square contexts, round causes, dotted latents, dashed tests."""

THIN, THICK = 0.8, 5.0
"""Width of an arc that moves nothing, and of one that decides everything."""

LEGEND = (0.05, 0.25, 0.75)
"""Strengths that the legend shows."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture; a notebook shows it, and `save` writes it.

    Parameters
    ----------
    title
        What is drawn.
    svg
        The picture alone.
    """

    title: str
    svg: str

    def _repr_html_(self) -> str:
        return card(self.title, element("div", Markup(self.svg), class_="tt-scroll", tabindex="0", role="group",
                                        aria_label=self.title))  # fmt: skip

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture as a page of its own.

        Raises
        ------
        OSError
            When the file cannot be written.
        """
        Path(path).write_text(document(self.title, Markup(self._repr_html_())), encoding="utf-8")


def draw(
    network: Network | Model,
    evidence: Mapping[str, object] | None = None,
    *,
    around: str | None = None,
    steps: int = 1,
    bars: bool = True,
) -> Drawing:
    """Draw a network, or the neighbourhood of one variable.

    Parameters
    ----------
    network
        A network or a model.
    evidence
        A case: each node then shows its posterior, with a mark at the prior. Observed nodes are marked.
    around
        An id: only what is at most `steps` arcs away is drawn.
    steps
        How far.
    bars
        Whether to compute and show probabilities and strengths; names alone where this is False.

    Raises
    ------
    UnknownNameError
        For an id that does not exist; carries the nearest one.
    ImpossibleEvidenceError
        When the evidence has probability zero.

    Examples
    --------
    >>> from toetwitch.knowledge import Cpt, NetworkDefinition
    >>> tables = (Cpt("rain", (), [0.8, 0.2]), Cpt("wet", ("rain",), [[0.9, 0.1], [0.2, 0.8]]))
    >>> net = Network(NetworkDefinition((Variable("rain"), Variable("wet")), tables))
    >>> "66.7%" in draw(net, {"wet": True}).svg
    True
    """
    net = network.network if isinstance(network, Model) else network
    shown = list(net.definition.order) if around is None else _neighbourhood(net, around, steps)
    kept = set(shown)
    parents = {id: tuple(p for p in net.definition.parents(id) if p in kept) for id in shown}
    needed = dict.fromkeys([*shown, *(p for id in shown for p in net.definition.parents(id))])
    prior = _posteriors(net, {}, list(needed)) if bars else {}
    now = _posteriors(net, evidence, shown) if bars and evidence else prior
    title = (
        f"{len(shown)} variables"
        if around is None
        else f"{net.variables[around].name} and its neighbours" + (f", up to {steps} arcs away" if steps > 1 else "")
    )
    picture = _Picture(
        net, parents, prior, now, set(net.read(evidence).hard) if evidence else set(), title, around,
        _strengths(net, prior, parents) if bars else {},
    )  # fmt: skip
    return Drawing(title, picture.svg())


def _strengths(
    net: Network, prior: Mapping[str, Distribution], parents: Mapping[str, Sequence[str]]
) -> dict[tuple[str, str], float]:
    arrays = {id: np.array(list(row.values())) for id, row in prior.items()}
    found = strengths(net.inference.resolved, arrays, [id for id, above in parents.items() if above])
    return {(parent, id): strength for (parent, id), strength in found.items() if parent in parents[id]}


def _neighbourhood(net: Network, around: str, steps: int) -> list[str]:
    if around not in net.variables:
        raise UnknownNameError("variable", around, net.variables, where="to draw around")
    found = {around}
    for _ in range(steps):
        found |= {p for id in found for p in net.definition.parents(id)} | {
            table.child for table in net.definition.tables if found.intersection(table.parents)
        }
    return [id for id in net.definition.order if id in found]


def _posteriors(net: Network, evidence: Mapping[str, object] | None, ids: Sequence[str]) -> dict[str, Distribution]:
    if evidence:
        try:
            return dict(net.posterior(evidence, ids))
        except BudgetExceededError:
            pass
    # Without evidence only what lies above a variable bears on it; and all at once may be wider than the budget.
    return {id: net.posterior(evidence, [id])[id] for id in ids}


@dataclass(frozen=True, slots=True)
class _Picture:
    net: Network
    parents: Mapping[str, Sequence[str]]
    prior: Mapping[str, Distribution]
    now: Mapping[str, Distribution]
    observed: set[str]
    title: str
    around: str | None
    strengths: Mapping[tuple[str, str], float]

    def svg(self) -> Markup:
        rows = layered(self.parents, widest=ABREAST if len(self.parents) <= MANY else ABREAST_OF_MANY)
        places = placed(rows, self.parents, node=WIDTH, gap=GAP)
        height = {id: self.height(id) for id in self.parents}
        tops, top = [], 8.0
        for row in rows:
            tops.append(top)
            top += max(height[id] for id in row) + DOWN
        row_of = {id: n for n, row in enumerate(rows) for id in row}
        bottoms = [tops[n] + max(height[id] for id in row) for n, row in enumerate(rows)]
        corner = {id: (8 + places.left[id], tops[row_of[id]]) for id in self.parents}
        arcs = []
        for parent, id in sorted(self.arcs(), key=lambda arc: -self.strengths.get(arc, 0.0)):
            way = [(corner[parent][0] + WIDTH / 2, tops[row_of[parent]] + height[parent])]
            for k, n in enumerate(range(row_of[parent] + 1, row_of[id])):
                way += [(8 + places.lanes[parent][k], tops[n]), (8 + places.lanes[parent][k], bottoms[n])]
            way.append((corner[id][0] + WIDTH / 2, tops[row_of[id]]))
            arcs.append(_arc(parent, id, way, self.strengths.get((parent, id))))
        nodes = [self.node(id, corner[id], height[id]) for id in corner]
        legend, deep = _legend(
            max(top - DOWN + 14, 24), {self.net.variables[id].kind for id in self.parents}, bool(self.observed),
            bars=bool(self.now), moved=self.now is not self.prior, weighed=bool(self.strengths),
        )  # fmt: skip
        width, deep = 16 + max(places.width, LEGEND_WIDTH), deep + 8
        return element(
            "svg", element("title", self.title), element("desc", self.said()), *arcs, *nodes, legend,
            xmlns="http://www.w3.org/2000/svg", role="img", aria_label=self.title, width=f"{width:g}",
            height=f"{deep:g}", viewBox=f"0 0 {width:g} {deep:g}", style="font:11px system-ui,sans-serif",
        )  # fmt: skip

    def arcs(self) -> list[tuple[str, str]]:
        return [(parent, id) for id, above in self.parents.items() for parent in above]

    def said(self) -> str:
        told = [
            f"{parent} to {id}" + (f" ({self.strengths[parent, id]:.2f})" if (parent, id) in self.strengths else "")
            for parent, id in self.arcs()
        ]
        return f"Arcs: {'; '.join(told)}." if told else "No arcs."

    def height(self, id: str) -> float:
        variable = self.net.variables[id]
        names = len(_wrapped(self.label(id)))
        return 8 + LINE * (names + (len(_lines(variable)) if self.now else 0))

    def label(self, id: str) -> str:
        return ("● " if id in self.observed else "") + self.net.variables[id].name

    def node(self, id: str, at: tuple[float, float], height: float) -> Markup:
        variable, observed = self.net.variables[id], id in self.observed
        x, y = at
        ink, paper = "var(--tt-ink,#1b1b1b)", "var(--tt-paper,#ffffff)"
        hidden = len(variable.states) - len(_lines(variable)) - variable.is_binary
        more = f"; {hidden} states not shown" if hidden else ""
        title = f"{variable.name}: {variable.id} ({variable.kind}){more}{'; observed' if observed else ''}"
        parts = [
            element("title", title),
            element(
                "rect", x=f"{x:g}", y=f"{y:g}", width=str(WIDTH), height=f"{height:g}", rx=str(CORNERS[variable.kind]),
                stroke_dasharray=DASHES.get(variable.kind),
                style=f"fill:{paper};stroke:{ink};stroke-width:{3 if observed or id == self.around else 1}",
            ),
        ]  # fmt: skip
        for line in _wrapped(self.label(id)):
            y += LINE
            parts.append(element("text", line, x=f"{x + 8:g}", y=f"{y:g}", style=f"fill:{ink};font-weight:600"))
        for n, state in enumerate(_lines(variable) if self.now else ()):
            before = None if self.now is self.prior else self.prior[id][state]
            parts.append(_bar(state, self.now[id][state], before, x + 8, y + 5 + n * LINE))
        return element("g", *parts)


def _arc(parent: str, child: str, way: Sequence[tuple[float, float]], strength: float | None) -> Markup:
    """Return an arc that leaves and enters every row straight down."""
    width = THIN if strength is None else THIN + (THICK - THIN) * strength
    (x, y), *rest = way
    line = f"M{x:.5g} {y:.5g}"
    for n, (to_x, to_y) in enumerate(rest):
        # The arrow's tip takes the last few pixels.
        end = to_y - 6 if n == len(rest) - 1 else to_y
        bend = (to_y - y) / 2
        line += (
            f"V{end:.5g}" if to_x == x else f"C{x:.5g} {y + bend:.5g} {to_x:.5g} {to_y - bend:.5g} {to_x:.5g} {end:.5g}"
        )
        x, y = to_x, to_y
    half = 3 + width / 2
    said = f"{parent} to {child}" + ("" if strength is None else f": moves it by {strength:.2f} of 1")
    paint = "var(--tt-line,#858585)"
    return element(
        "g",
        element("title", said),
        element("path", d=line, style=f"fill:none;stroke:{paint};stroke-width:{width:.3g}"),
        element("path", d=f"M{x:.5g} {y:.5g}l{-half:.3g} -7h{2 * half:.3g}z", style=f"fill:{paint}"),
    )


LEGEND_WIDTH = 640
"""Pixels that the legend needs."""


def _legend(
    y: float, kinds: set[str], observed: bool, *, bars: bool, moved: bool, weighed: bool
) -> tuple[Markup, float]:
    """Return what the signs mean, and where it ends."""
    ink, line = "fill:var(--tt-ink,#1b1b1b)", "stroke:var(--tt-line,#858585)"
    parts: list[Markup] = []

    def said(text: str, x: float) -> None:
        parts.append(element("text", text, x=f"{x:g}", y=f"{y + 10:g}", style=ink))

    x = 8.0
    for kind in (kind for kind in CORNERS if kind in kinds and kind != "variable"):
        parts.append(element(
            "rect", x=f"{x:g}", y=f"{y:g}", width="30", height="13", rx=str(min(CORNERS[kind], 6)),
            stroke_dasharray=DASHES.get(kind), style="fill:none;stroke:var(--tt-ink,#1b1b1b)"))  # fmt: skip
        said(kind, x + 36)
        x += 96
    if observed:
        said("● observed", x)
    if parts:
        y += 22
    if bars:
        parts.append(element("rect", x="8", y=f"{y + 3:g}", width="20", height="8", style="fill:var(--tt-for,#2f7fc1)"))
        parts.append(element("rect", x="8", y=f"{y + 3:g}", width="44", height="8", style=f"fill:none;{line}"))
        mark = "stroke:var(--tt-ink,#1b1b1b);stroke-width:2"
        if moved:
            parts.append(element("line", x1="18", y1=f"{y + 1:g}", x2="18", y2=f"{y + 13:g}", style=mark))
        said("probability given the evidence; the mark is the prior" if moved else "prior probability", 58)
        y += 22
    if weighed:
        x = 8.0
        for strength in LEGEND:
            thick = f"{line};stroke-width:{THIN + (THICK - THIN) * strength:.3g}"
            parts.append(element("line", x1=f"{x:g}", y1=f"{y + 7:g}", x2=f"{x + 30:g}", y2=f"{y + 7:g}", style=thick))
            said(f"{strength:g}", x + 36)
            x += 72
        said("how far the parent alone can move the child (total variation, of 1)", x + 4)
        y += 20
    return element("g", *parts), y


def _lines(variable: Variable) -> tuple[str, ...]:
    """Return the states that a node shows: the true one of a binary variable, else the first few."""
    return variable.states[1:] if variable.is_binary else variable.states[:STATES]


def _bar(state: str, p: float, before: float | None, x: float, y: float) -> Markup:
    ink, room = "var(--tt-ink,#1b1b1b)", 38
    said = "100%" if p == 1 else f"{p:.1%}"
    mark = None
    if before is not None:
        at, end = f"{x + 92 + room * before:.4g}", f"{y + 12:g}"
        mark = element("line", x1=at, y1=f"{y:g}", x2=at, y2=end, style=f"stroke:{ink};stroke-width:2")
    return element(
        "g",
        element("text", _short(words(state), STATE), x=f"{x:g}", y=f"{y + 10:g}", style=f"fill:{ink}"),
        element("rect", x=f"{x + 92:g}", y=f"{y + 2:g}", width=f"{room * p:.4g}", height="8",
                style="fill:var(--tt-for,#2f7fc1)"),
        element("rect", x=f"{x + 92:g}", y=f"{y + 2:g}", width=str(room), height="8",
                style="fill:none;stroke:var(--tt-line,#858585)"),
        mark,
        element("text", said, x=f"{x + 92 + room + 4:g}", y=f"{y + 10:g}", style=f"fill:{ink}"),
    )  # fmt: skip


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _wrapped(name: str) -> tuple[str, ...]:
    """Return a name in at most two lines; what is cut off stands in the title of the node."""
    lines = textwrap.wrap(name, NAME) or [""]
    return (lines[0], _short(" ".join(lines[1:]), NAME)) if len(lines) > 1 else (lines[0],)
