"""Tables and links of a model file: explicit rows, log-odds, and causes that act alone.

Numbers are checked here as they are stated, each at its place: rows that do not sum, combinations that no row covers,
a finding that would be rarer with its cause than without.
"""

from __future__ import annotations

__all__ = ["PlacedLink", "read_link", "read_table"]

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from toetwitch.errors import ModelFileError, TableError
from toetwitch.knowledge.estimate import Estimate
from toetwitch.knowledge.fields import Fields
from toetwitch.knowledge.model_entries import (
    LONGEST,
    RestsOnBroken,
    Scope,
    opened,
    read_estimate,
    read_states_named,
    shown,
    unknown,
)
from toetwitch.knowledge.table import ROW_TOLERANCE, Anchor, Cpt, Effect, Leak, Link, Logistic, NoisyMax, Row, Table
from toetwitch.knowledge.variable import Variable

TABLE_KINDS = ("table", "logistic", "noisy_or", "noisy_max")

MAX_CELLS = 100_000
"""Rows times states of an explicit table; nobody writes more by hand."""

MAX_INHIBITING = 4
"""Each inhibiting link multiplies the work of its finding by its states, so a few at most."""

SLACK = 1e-12
"""Rounding when two stated probabilities are compared."""


@dataclass(frozen=True, slots=True)
class PlacedLink:
    """A link, and where it is written.

    Parameters
    ----------
    child
        The finding.
    link
        The link.
    file, place
        Where it stands.
    """

    child: str
    link: Link
    file: str
    place: str


def read_link(value: object, scope: Scope, *, file: str, place: str) -> PlacedLink:
    """Read [[link]]."""
    required = ("finding", "cause", "probability", "mechanism")
    fields = opened(value, required, ("parent_state", "inhibits"), file=file, place=place)
    child = scope.variable(fields.take("finding"), "finding", fields, "finding")
    parent = scope.variable(fields.take("cause"), "cause", fields, "cause")
    if child.id == parent.id:
        raise fields.error(f"{child.id!r} as its own cause; expected another variable", "cause")
    link = Link(
        parent=parent.id,
        probabilities=_by_state(
            fields.take("probability"), child, scope, file=file, place=fields.within("probability")
        ),
        parent_state=_acting_state(fields, parent),
        mechanism=_mechanism(fields, scope),
        inhibits=fields.flag("inhibits"),
    )
    if link.inhibits and len(child.states) != 2:
        raise fields.error(f"a finding of {len(child.states)} states; expected two, to be inhibited", "inhibits")
    return PlacedLink(child.id, link, file, place)


def _acting_state(fields: Fields, parent: Variable) -> str:
    written = fields.take("parent_state")
    if written is None:
        if parent.is_binary:
            return "true"
        raise fields.error(f"no parent_state; expected one of {', '.join(map(repr, parent.states))} of {parent.id!r}")
    states = read_states_named(written, parent, fields, "parent_state")
    if isinstance(written, list):
        raise fields.error(f"{shown(written)}; expected one state, and one link for each", "parent_state")
    return states[0]


def _mechanism(fields: Fields, scope: Scope) -> str:
    key = fields.text("mechanism")
    if key not in scope.mechanisms:
        raise fields.error(unknown("mechanism", key, scope.mechanisms), "mechanism")
    return key


def _by_state(value: object, child: Variable, scope: Scope, *, file: str, place: str) -> dict[str, Estimate]:
    """Read P(state) for every state but the lowest: one estimate for two states, else a table of estimates."""
    upper = child.states[1:]
    if len(upper) == 1:
        return {upper[0]: read_estimate(value, scope, "probability", file=file, place=place)}
    fields = Fields(value, file=file, place=place)
    if isinstance(value, Mapping) and "value" in value and "value" not in upper:
        raise fields.error(f"one estimate; expected one for each of {', '.join(upper)}")
    stated = _estimates(value, upper, child, scope, file=file, place=place)
    total = sum(estimate.value for estimate in stated.values())
    if total > 1 + ROW_TOLERANCE:
        raise fields.error(f"the states above {child.states[0]!r} sum to {total:.6g}; expected at most 1")
    return stated


def _estimates(
    value: object, states: Sequence[str], child: Variable, scope: Scope, *, file: str, place: str
) -> dict[str, Estimate]:
    """Read a table with one probability for each of some states."""
    fields = Fields(value, file=file, place=place)
    for state in value if isinstance(value, Mapping) else ():
        if state not in states:
            raise fields.error(unknown("state", state, states, where=f"of {child.id!r}"), state[:LONGEST])
    missing = object()
    stated = {}
    for state in states:
        written = fields.take(state, missing)
        if written is missing:
            raise fields.error(f"no probability of state {state!r} of {child.id!r}; expected {', '.join(states)}")
        stated[state] = read_estimate(written, scope, "probability", file=file, place=fields.within(state))
    return stated


def read_table(
    value: object, child: Variable, links: Sequence[PlacedLink], scope: Scope, *, file: str, place: str
) -> Table:
    """Read [variable.table] of a variable.

    Parameters
    ----------
    value
        The parsed table.
    child
        The variable it belongs to.
    links
        What the file says of the causes of this variable.
    scope
        Knows variables, sources and mechanisms.
    file, place
        Where it stands.
    """
    fields = Fields(value, file=file, place=place)
    kind = fields.take("kind")
    if not isinstance(kind, str):
        got = "no kind" if kind is None else shown(kind)
        raise fields.error(f"{got}; expected one of {', '.join(TABLE_KINDS)}", "kind")
    if kind not in TABLE_KINDS:
        raise fields.error(unknown("kind", kind, TABLE_KINDS), "kind")
    noisy = kind in ("noisy_or", "noisy_max")
    if links and not noisy:
        message = f"a link to {child.id!r}, which has a {kind} table; expected a {_noisy_kind(child)} table"
        scope.report(ModelFileError(message, file=links[0].file, place=links[0].place))
    if noisy:
        if kind != _noisy_kind(child):
            message = f"{kind!r} for a variable of {len(child.states)} states; expected {_noisy_kind(child)!r}"
            raise fields.error(message, "kind")
        return _read_noisy_max(value, child, links, scope, file=file, place=place)
    if kind == "logistic":
        return _read_logistic(value, child, scope, file=file, place=place)
    return _read_rows(value, child, scope, file=file, place=place)


def _noisy_kind(child: Variable) -> str:
    return "noisy_or" if len(child.states) == 2 else "noisy_max"


def _entries(fields: Fields, field: str) -> list[object]:
    written = fields.take(field, [])
    if not isinstance(written, list):
        raise fields.error(f"{shown(written)}; expected one or more tables [[variable.table.{field}]]", field)
    return written


def _read_rows(value: object, child: Variable, scope: Scope, *, file: str, place: str) -> Cpt:
    fields = opened(value, ("kind", "row"), ("parents",), file=file, place=place)
    parents = _parents(fields, scope)
    cells = math.prod(len(variable.states) for variable in (*parents, child))
    if cells > MAX_CELLS:
        raise fields.error(f"{cells:,} numbers; expected at most {MAX_CELLS:,}, so fewer parents", "parents")
    rows = []
    written = _entries(fields, "row")
    for number, row in enumerate(written):
        with scope.attempt():
            rows.append(_read_row(row, child, parents, scope, file=file, place=f"{place}.row[{number}]"))
    if len(rows) < len(written):
        raise RestsOnBroken
    try:
        return Cpt.from_rows(child, parents, rows)
    except TableError as error:
        raise fields.error(str(error)) from None


def _parents(fields: Fields, scope: Scope) -> list[Variable]:
    written = fields.take("parents", [])
    if not isinstance(written, list):
        raise fields.error(f"{shown(written)}; expected a list of ids", "parents")
    parents = [scope.variable(id, "parent", fields, f"parents[{number}]") for number, id in enumerate(written)]
    if len({parent.id for parent in parents}) != len(parents):
        raise fields.error(f"{shown(written)}; expected each parent once", "parents")
    return parents


def _read_row(
    value: object, child: Variable, parents: Sequence[Variable], scope: Scope, *, file: str, place: str
) -> Row:
    fields = opened(value, (), ("when", "probability", "probabilities"), file=file, place=place)
    when = _read_when(fields, scope) if isinstance(value, Mapping) and "when" in value else {}
    for id in when:
        if id not in [parent.id for parent in parents]:
            raise fields.error(unknown("parent", id, [parent.id for parent in parents]), f"when.{id}")
    single, full = fields.take("probability"), fields.take("probabilities")
    if (single is None) == (full is None):
        wrong = "neither probability nor probabilities" if single is None else "both probability and probabilities"
        raise fields.error(f"{wrong}; expected probability (two states) or probabilities (one for each state)")
    if single is not None:
        if len(child.states) != 2:
            message = f"one probability for {len(child.states)} states; expected probabilities, one for each state"
            raise fields.error(message, "probability")
        upper = read_estimate(single, scope, "probability", file=file, place=fields.within("probability"))
        return Row(when, {child.states[0]: upper.complement(), child.states[1]: upper})
    inner = fields.within("probabilities")
    stated = _estimates(full, child.states, child, scope, file=file, place=inner)
    total = math.fsum(estimate.value for estimate in stated.values())
    if abs(total - 1) > ROW_TOLERANCE:
        raise ModelFileError(f"the states sum to {total:.6g}; expected 1", file=file, place=inner)
    return Row(when, stated)


def _read_when(fields: Fields, scope: Scope) -> dict[str, tuple[str, ...]]:
    written = fields.take("when")
    if not isinstance(written, Mapping):
        raise fields.error(f"{shown(written)}; expected a table of parents and their states", "when")
    return {
        id: read_states_named(states, scope.variable(id, "parent", fields, "when"), fields, f"when.{id}")
        for id, states in written.items()
    }


def _read_logistic(value: object, child: Variable, scope: Scope, *, file: str, place: str) -> Logistic:
    fields = opened(value, ("kind",), ("prevalence", "baseline", "prevalence_by", "effect"), file=file, place=place)
    if not child.is_binary:
        raise fields.error(
            f"logistic, but {child.id!r} has states {shown(child.states)}; expected false and true", "kind"
        )
    anchor = _read_anchor(fields, scope)
    effects: list[Effect] = []
    seen: set[frozenset[tuple[str, frozenset[str]]]] = set()
    for number, entry in enumerate(_entries(fields, "effect")):
        with scope.attempt():
            effect = _read_effect(entry, anchor, scope, file=file, place=f"{place}.effect[{number}]")
            condition = frozenset((id, frozenset(states)) for id, states in effect.when.items())
            if condition in seen:
                raise fields.error("a second effect of the same condition; expected one", f"effect[{number}].when")
            seen.add(condition)
            effects.append(effect)
    return Logistic(child.id, anchor, tuple(effects))


def _read_anchor(fields: Fields, scope: Scope) -> Anchor:
    prevalence, baseline, by = (fields.take(name) for name in ("prevalence", "baseline", "prevalence_by"))
    if baseline is not None:
        if prevalence is not None or by is not None:
            raise fields.error("baseline beside prevalence; expected one of them")
        return Anchor("baseline", _anchor_number(baseline, fields, "baseline", scope))
    if prevalence is None and by is None:
        raise fields.error("no prevalence; expected prevalence, prevalence_by or baseline")
    overall = None if prevalence is None else _anchor_number(prevalence, fields, "prevalence", scope)
    if by is None:
        return Anchor("prevalence", overall)
    parent, bands = _banded(by, fields, "prevalence_by", scope)
    stated = {state: _anchor_number(band, fields, f"prevalence_by.{state}", scope) for state, band in bands.items()}
    return Anchor("prevalence", overall, parent.id, stated)


def _anchor_number(value: object, fields: Fields, field: str, scope: Scope) -> Estimate:
    estimate = read_estimate(value, scope, "probability", file=fields.file, place=fields.within(field))
    if not 0 < estimate.value < 1:
        wanted = "a probability between 0 and 1, neither included"
        raise fields.error(f"{estimate.value!r}; expected {wanted}", f"{field}.value")
    return estimate


def _banded(value: object, fields: Fields, field: str, scope: Scope) -> tuple[Variable, dict[str, object]]:
    """Read a table that names a parent and holds something for each of its states."""
    inner = Fields(value, file=fields.file, place=fields.within(field))
    written = inner.take("parent")
    if written is None:
        raise inner.error("no parent; expected the id whose states make the bands")
    parent = scope.variable(written, "parent", inner, "parent")
    for state in value if isinstance(value, Mapping) else ():
        if state != "parent" and state not in parent.states:
            raise inner.error(unknown("state", state, parent.states, where=f"of {parent.id!r}"), state[:LONGEST])
    bands = {state: inner.take(state) for state in parent.states}
    for state, band in bands.items():
        if band is None:
            raise inner.error(f"no {state}; expected one for each state of {parent.id!r}: {', '.join(parent.states)}")
    return parent, bands


def _read_effect(value: object, anchor: Anchor, scope: Scope, *, file: str, place: str) -> Effect:
    fields = opened(value, ("when", "mechanism"), ("odds_ratio", "probability"), file=file, place=place)
    when = _read_when(fields, scope)
    if not when:
        raise fields.error("no condition; expected one or more parents and their states", "when")
    for id, states in when.items():
        if len(states) == len(scope.variable(id, "parent", fields).states):
            raise fields.error(f"every state of {id!r}; expected some of them", f"when.{id}")
    ratio, probability = fields.take("odds_ratio"), fields.take("probability")
    if (ratio is None) == (probability is None):
        wrong = "neither odds_ratio nor probability" if ratio is None else "both odds_ratio and probability"
        raise fields.error(f"{wrong}; expected one of them")
    mechanism = _mechanism(fields, scope)
    if probability is None:
        size = read_estimate(ratio, scope, "odds_ratio", file=file, place=fields.within("odds_ratio"))
        return Effect(when, size, "odds_ratio", mechanism)
    if anchor.kind != "baseline":
        raise fields.error("a probability beside a prevalence; expected odds_ratio, or a baseline", "probability")
    size = read_estimate(probability, scope, "open_probability", file=file, place=fields.within("probability"))
    return Effect(when, size, "probability", mechanism)


def _read_noisy_max(
    value: object, child: Variable, links: Sequence[PlacedLink], scope: Scope, *, file: str, place: str
) -> NoisyMax:
    backgrounds = ("leak", "prevalence", "specificity")
    fields = opened(value, ("kind",), (*backgrounds, "leak_by"), file=file, place=place)
    stated = [name for name in backgrounds if isinstance(value, Mapping) and name in value]
    if len(stated) != 1:
        raise fields.error(f"{' and '.join(stated) or 'no leak'}; expected exactly one of {', '.join(backgrounds)}")
    leak = _read_leak(stated[0], fields, child, scope)
    for placed in links:
        with scope.attempt():
            _check_link(placed, child, leak)
    inhibiting = [placed for placed in links if placed.link.inhibits]
    if len(inhibiting) > MAX_INHIBITING:
        last = inhibiting[-1]
        message = f"{len(inhibiting)} inhibiting links to {child.id!r}; expected at most {MAX_INHIBITING}"
        scope.report(ModelFileError(message, file=last.file, place=last.place))
    return NoisyMax(child.id, leak, tuple(placed.link for placed in links))


def _read_leak(kind: str, fields: Fields, child: Variable, scope: Scope) -> Leak:
    place, written, by = fields.within(kind), fields.take(kind), fields.take("leak_by")
    if kind == "specificity":
        if len(child.states) != 2:
            raise fields.error(f"{child.id!r} has {len(child.states)} states; expected two, or a leak", "specificity")
        specificity = read_estimate(written, scope, "probability", file=fields.file, place=place)
        overall = {child.states[-1]: specificity}
    else:
        overall = _by_state(written, child, scope, file=fields.file, place=place)
    if by is None:
        return Leak(kind, overall)
    if kind != "leak":
        raise fields.error(f"leak_by beside {kind}; expected it beside leak", "leak_by")
    parent, bands = _banded(by, fields, "leak_by", scope)
    stated = {
        state: _by_state(band, child, scope, file=fields.file, place=fields.within(f"leak_by.{state}"))
        for state, band in bands.items()
    }
    return Leak(kind, overall, parent.id, stated)


def _check_link(placed: PlacedLink, child: Variable, leak: Leak) -> None:
    """Refuse a cause with which its finding would be rarer, or milder, than without."""
    link = placed.link
    if link.parent == leak.by:
        message = f"{link.parent!r} also sets leak_by of {child.id!r}; expected one or the other"
        raise ModelFileError(message, file=placed.file, place=f"{placed.place}.cause")
    background = _cumulative(leak, child)
    if background is None:
        return
    alone = _cumulative(Leak("leak", link.probabilities), child)
    for state, with_cause, without in zip(child.states, alone or (), background, strict=False):
        above = f"P({child.id} above {state})" if len(child.states) > 2 else f"P({child.id})"
        if link.inhibits:
            if with_cause <= without + SLACK:
                message = (
                    f"{above} is {1 - with_cause:.6g} with the cause alone, not below the leak {1 - without:.6g}; "
                    "expected less, or no inhibits"
                )
                raise ModelFileError(message, file=placed.file, place=f"{placed.place}.probability")
        elif with_cause > without + SLACK:
            message = (
                f"{above} is {1 - with_cause:.6g} with the cause alone, below the leak {1 - without:.6g}; "
                "expected at least the leak" + (", or inhibits = true" if len(child.states) == 2 else "")
            )
            raise ModelFileError(message, file=placed.file, place=f"{placed.place}.probability")


def _cumulative(leak: Leak, child: Variable) -> list[float] | None:
    """Return P(child <= state) for every state but the highest, or None when the leak has yet to be solved."""
    if leak.kind == "prevalence":
        return None
    if leak.kind == "specificity":
        return [leak.overall[child.states[-1]].value]
    upper = [leak.overall[state].value for state in child.states[1:]]
    return [1 - sum(upper[position:]) for position in range(len(upper))]
