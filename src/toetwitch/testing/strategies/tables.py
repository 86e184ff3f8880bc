"""Tables of every kind, valid by construction.

A link is drawn as its net contribution and stated with the background put back, so that no draw is below its leak. A
stated prevalence is the marginal under a drawn leak, so that a leak exists which gives it.
"""

from __future__ import annotations

__all__ = ["TABLE_KINDS", "cpts", "logistics", "noisy_maxes"]

import functools
import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from hypothesis import strategies as st

from toetwitch.knowledge.estimate import Estimate
from toetwitch.knowledge.table import Anchor, Cpt, Effect, Leak, Link, Logistic, NoisyMax, Row
from toetwitch.knowledge.variable import BINARY, Variable
from toetwitch.testing.strategies.numbers import distributions, odds_ratios, probabilities

TABLE_KINDS = ("cpt", "logistic", "noisy_max")
"""Names of the kinds of table that `networks` draws from."""


@st.composite
def cpts(
    draw: st.DrawFn,
    child: Variable,
    parents: Sequence[Variable] = (),
    *,
    determinism: bool = True,
    extreme: bool = False,
) -> Cpt:
    """Return a strategy for explicit tables, some with cited rows and some without.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(cpts(Variable("a")), lambda table: True).values.tolist()
    [0.5, 0.5]
    """
    rows = distributions(len(child.states), determinism=determinism, extreme=extreme)
    cells = list(itertools.product(*(p.states for p in parents)))
    drawn = [draw(rows) for _ in cells]
    if draw(st.booleans()):
        cited = [
            Row(
                {p.id: (state,) for p, state in zip(parents, cell, strict=True)},
                dict(zip(child.states, map(Estimate.of, row), strict=True)),
            )
            for cell, row in zip(cells, drawn, strict=True)
        ]
        return Cpt.from_rows(child, parents, cited)
    shape = [*(len(p.states) for p in parents), len(child.states)]
    return Cpt(child.id, tuple(p.id for p in parents), np.array(drawn).reshape(shape))


@st.composite
def logistics(draw: st.DrawFn, child: Variable, parents: Sequence[Variable] = (), *, extreme: bool = False) -> Logistic:
    """Return a strategy for log-odds that add, with a prevalence, banded prevalences or a baseline as the anchor.

    Parameters
    ----------
    child
        A binary variable.
    parents
        Each gets an effect, or the bands; two of them may share an interaction.
    extreme
        Whether prevalences down to 1e-300 may be drawn.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(logistics(Variable("b"), [Variable("a")]), lambda table: True).anchor.kind
    'prevalence'
    """
    anchor = draw(_anchors(parents, extreme=extreme))
    effects = []
    for parent in parents:
        if parent.id == anchor.by:
            continue
        states = draw(st.lists(st.sampled_from(parent.states[1:] or parent.states), min_size=1, unique=True))
        effects.append(draw(_effects({parent.id: tuple(states)}, anchor)))
    if len(effects) >= 2 and draw(st.booleans()):
        both = {**effects[0].when, **effects[1].when}
        effects.append(Effect(both, Estimate.of(draw(odds_ratios()))))
    return Logistic(child.id, anchor, tuple(effects))


@st.composite
def _anchors(draw: st.DrawFn, parents: Sequence[Variable], *, extreme: bool) -> Anchor:
    numbers = probabilities(sure=False, extreme=extreme)
    kind = draw(st.sampled_from(("prevalence", "baseline", "banded") if parents else ("prevalence", "baseline")))
    if kind == "banded":
        bands = {state: Estimate.of(draw(numbers)) for state in parents[0].states}
        return Anchor("prevalence", None, parents[0].id, bands)
    return Anchor(kind, Estimate.of(draw(numbers)))


@st.composite
def _effects(draw: st.DrawFn, when: Mapping[str, tuple[str, ...]], anchor: Anchor) -> Effect:
    if anchor.kind == "baseline" and draw(st.booleans()):
        return Effect(when, Estimate.of(draw(probabilities(sure=False))), "probability")
    return Effect(when, Estimate.of(draw(odds_ratios())))


@st.composite
def noisy_maxes(
    draw: st.DrawFn,
    child: Variable,
    parents: Sequence[Variable] = (),
    *,
    determinism: bool = True,
    extreme: bool = False,
    inhibits: bool = True,
    banded: bool = True,
    specificity: bool = True,
) -> NoisyMax:
    """Return a strategy for noisy-OR and noisy-MAX tables with a stated leak or a specificity.

    A prevalence in place of the leak needs the parents' own distribution: `networks` draws that.

    Parameters
    ----------
    child
        The finding, states from absent to bad.
    parents
        Each gets a link for one or more of its states; one of them may set the bands of the leak instead.
    determinism, extreme
        As for `probabilities`.
    inhibits
        Whether binary findings may have causes that argue against them.
    banded, specificity
        Whether the leak may depend on a parent, or be stated as a specificity.

    Examples
    --------
    >>> from hypothesis import find
    >>> table = find(noisy_maxes(Variable("b"), [Variable("a")]), lambda table: len(table.links) == 1)
    >>> table.leak.kind, table.links[0].parent_state
    ('leak', 'true')
    """
    size = len(child.states)
    numbers = distributions(size, determinism=determinism, extreme=extreme).filter(lambda row: row[0] > 1e-9)
    leak = draw(numbers)
    by = parents[-1] if banded and len(parents) > 1 and draw(st.booleans()) else None
    links: list[Link] = []
    for parent in parents:
        if parent is by:
            continue
        last = parent.states[-1]
        more = draw(st.lists(st.sampled_from(parent.states[1:-1]), unique=True)) if len(parent.states) > 2 else []
        may_inhibit = inhibits and size == 2 and leak[1] > 1e-9
        held_back = may_inhibit and draw(st.sampled_from((False, False, True)))
        one = functools.partial(
            _links, child, parent, leak=leak, held_back=held_back, determinism=determinism, extreme=extreme
        )
        links.extend(draw(one(state)) for state in (*more, last))
    return NoisyMax(child.id, draw(_leaks(child, leak, by, numbers, specificity)), tuple(links))


@st.composite
def _links(
    draw: st.DrawFn,
    child: Variable,
    parent: Variable,
    state: str,
    *,
    leak: Sequence[float],
    held_back: bool,
    determinism: bool,
    extreme: bool,
) -> Link:
    if held_back:
        share = draw(probabilities(sure=determinism, extreme=extreme))
        return Link(parent.id, {child.states[1]: Estimate.of(leak[1] * share)}, state, inhibits=True)
    net = np.cumsum(draw(distributions(len(child.states), determinism=determinism, extreme=extreme)))
    below = np.minimum(np.cumsum(leak) * net, 1.0)
    # The highest state is what is left, so that rounding cannot put the sum above one.
    upper = [*np.diff(below[:-1]), 1.0 - below[-2]]
    stated = {s: Estimate.of(float(max(p, 0.0))) for s, p in zip(child.states[1:], upper, strict=True)}
    return Link(parent.id, stated, state)


@st.composite
def _leaks(
    draw: st.DrawFn,
    child: Variable,
    leak: Sequence[float],
    by: Variable | None,
    numbers: st.SearchStrategy[list[float]],
    specificity: bool,
) -> Leak:
    overall = _above_lowest(child, leak)
    if by is not None:
        return Leak("leak", overall, by.id, {state: _above_lowest(child, draw(numbers)) for state in by.states})
    if specificity and child.states == BINARY and draw(st.booleans()):
        return Leak("specificity", {child.states[1]: Estimate.of(leak[0])})
    return Leak("leak", overall)


def _above_lowest(child: Variable, row: Sequence[float]) -> dict[str, Estimate]:
    return {state: Estimate.of(p) for state, p in zip(child.states[1:], row[1:], strict=True)}
