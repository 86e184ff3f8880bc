"""A network drawn as SVG, with its prior and posterior bars in the nodes; no program outside Python is needed.

Kinds of variable differ in the shape of their frame as well as in words: contexts are square, causes round, latents
dotted and tests dashed. An observed node has a thick frame and a dot before its name.
"""

from __future__ import annotations

__all__ = ["Drawing", "draw"]

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from toetwitch.display.layers import layered
from toetwitch.errors import BudgetExceededError, UnknownNameError
from toetwitch.knowledge.variable import Variable
from toetwitch.markup import Markup, card, document, element
from toetwitch.model import Model
from toetwitch.network import Network

Distribution = Mapping[str, float]

WIDTH, ACROSS, DOWN = 168, 190, 52
"""Of a node, and of the gaps from node to node and from row to row, in pixels."""

ABREAST = 5
"""Nodes side by side: what a page shows at a size that can be read."""

LINE = 15
STATES = 5
"""Height of one state's bar, and how many states a node shows before the rest is counted."""

CORNERS = {"context": 0, "latent": 14, "cause": 14, "finding": 4, "test": 0, "variable": 4}
DASHES = {"latent": "2 3", "test": "6 3"}
"""Shapes that tell kinds apart: square contexts, round causes, dotted latents, dashed tests."""


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
        return card(self.title, element("div", Markup(self.svg), class_="tt-scroll", tabindex="0", role="region",
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
        Whether to compute and show probabilities; names alone where this is False.

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
    prior = _posteriors(net, {}, shown) if bars else {}
    now = _posteriors(net, evidence, shown) if bars and evidence else prior
    observed = set(net.read(evidence).hard) if evidence else set()
    title = (
        f"{len(shown)} variables"
        if around is None
        else f"{around} and its neighbours" + (f", up to {steps} arcs away" if steps > 1 else "")
    )
    return Drawing(title, _picture(net, parents, prior, now, observed, title, around))


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
    try:
        return dict(net.posterior(evidence, ids))
    except BudgetExceededError:
        # All at once may be wider than the budget; one by one, what does not bear on a variable is left out.
        return {id: net.posterior(evidence, [id])[id] for id in ids}


def _picture(
    net: Network,
    parents: Mapping[str, Sequence[str]],
    prior: Mapping[str, Distribution],
    now: Mapping[str, Distribution],
    observed: set[str],
    title: str,
    around: str | None,
) -> Markup:
    rows = layered(parents, widest=ABREAST)
    widest = max(map(len, rows), default=1)
    corner: dict[str, tuple[float, float]] = {}
    heights = {id: 22 + (LINE * len(_lines(net.variables[id])) if now else 0) for id in parents}
    top = 8.0
    for row in rows:
        indent = (widest - len(row)) * ACROSS / 2
        for n, id in enumerate(row):
            corner[id] = (8 + indent + n * ACROSS, top)
        top += max(heights[id] for id in row) + DOWN
    arcs = [_arc(corner[p], heights[p], corner[id]) for id, above in parents.items() for p in above]
    nodes = [
        _node(net.variables[id], corner[id], heights[id], prior.get(id), now.get(id), id in observed, id == around)
        for id in corner
    ]
    width, height = 16 + widest * ACROSS, max(top - DOWN + 8, 16)
    said = "; ".join(f"{p} to {id}" for id, above in parents.items() for p in above)
    return element(
        "svg", element("title", title), element("desc", f"Arcs: {said}." if said else "No arcs."), *arcs, *nodes,
        xmlns="http://www.w3.org/2000/svg", role="img", aria_label=title, width=f"{width:g}", height=f"{height:g}",
        viewBox=f"0 0 {width:g} {height:g}", style="font:11px system-ui,sans-serif;max-width:100%;height:auto",
    )  # fmt: skip


def _arc(start: tuple[float, float], height: float, end: tuple[float, float]) -> Markup:
    x1, y1 = start[0] + WIDTH / 2, start[1] + height
    x2, y2 = end[0] + WIDTH / 2, end[1]
    bend = max((y2 - y1) / 2, 12)
    line = f"M{x1:g} {y1:g}C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2 - 5:g}"
    tip = f"M{x2:g} {y2:g}l-4 -7h8z"
    paint = "stroke:var(--tt-line,#858585)"
    return element(
        "g",
        element("path", d=line, style=f"fill:none;{paint}"),
        element("path", d=tip, style="fill:var(--tt-line,#858585)"),
    )


def _lines(variable: Variable) -> tuple[str, ...]:
    """Return the states that a node shows: the true one of a binary variable, else the first few."""
    return variable.states[1:] if variable.is_binary else variable.states[:STATES]


def _node(
    variable: Variable,
    at: tuple[float, float],
    height: float,
    prior: Distribution | None,
    now: Distribution | None,
    observed: bool,
    centre: bool,
) -> Markup:
    x, y = at
    ink, paper = "var(--tt-ink,#1b1b1b)", "var(--tt-paper,#ffffff)"
    frame = element(
        "rect", x=f"{x:g}", y=f"{y:g}", width=str(WIDTH), height=f"{height:g}", rx=str(CORNERS[variable.kind]),
        stroke_dasharray=DASHES.get(variable.kind),
        style=f"fill:{paper};stroke:{ink};stroke-width:{3 if centre or observed else 1}",
    )  # fmt: skip
    name = ("● " if observed else "") + variable.name
    label = element("text", _short(name, 22), x=f"{x + 8:g}", y=f"{y + 15:g}", style=f"fill:{ink};font-weight:600")
    hidden = len(variable.states) - len(_lines(variable)) - variable.is_binary
    more = f"; {hidden} states not shown" if hidden else ""
    parts = [element("title", f"{variable.id} ({variable.kind}){more}{'; observed' if observed else ''}"), frame, label]
    for n, state in enumerate(_lines(variable) if now is not None else ()):
        p, before = (now or {})[state], (prior or {}).get(state)
        parts.append(_bar(state, p, before, x + 8, y + 20 + n * LINE))
    return element("g", *parts)


def _bar(state: str, p: float, before: float | None, x: float, y: float) -> Markup:
    ink, room = "var(--tt-ink,#1b1b1b)", 44
    mark = None
    if before is not None:
        at, end = f"{x + 66 + room * before:.4g}", f"{y + 12:g}"
        mark = element("line", x1=at, y1=f"{y:g}", x2=at, y2=end, style=f"stroke:{ink};stroke-width:2")
    return element(
        "g",
        element("text", _short(state, 8), x=f"{x:g}", y=f"{y + 10:g}", style=f"fill:{ink}"),
        element("rect", x=f"{x + 66:g}", y=f"{y + 2:g}", width=f"{room * p:.4g}", height="8",
                style="fill:var(--tt-for,#2f7fc1)"),
        element("rect", x=f"{x + 66:g}", y=f"{y + 2:g}", width=str(room), height="8",
                style="fill:none;stroke:var(--tt-line,#858585)"),
        mark,
        element("text", f"{p:.1%}", x=f"{x + 66 + room + 4:g}", y=f"{y + 10:g}", style=f"fill:{ink}"),
    )  # fmt: skip


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
