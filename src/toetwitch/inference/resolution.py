"""Resolution: stated numbers become arrays; intercepts and leaks are solved.

Variables are resolved in topological order, so that whatever a solve needs of a variable's ancestors is there. Every
number carries a lane axis (length 1 for the model itself), so that a thousand draws of the parameters, or a curve of
one parameter, are solved together.

A logistic intercept is solved so that the marginal equals the cited prevalence, by Newton's method kept inside a
bracket. A noisy-MAX link is stated with the background included; its net distribution divides that background out:
P(child <= s | this cause alone) = P(child <= s | no cause) * P(contribution <= s). An inhibiting cause holds back a
finding that would otherwise be seen: the finding is present when its drive (a hidden variable, the noisy-OR of the
rest) is on and no inhibitor holds.
"""

from __future__ import annotations

__all__ = ["Numbers", "Resolved", "resolve"]

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine import CompiledNetwork, Dense, NoisyMax, Term
from toetwitch.errors import TableError
from toetwitch.inference.solving import logit, sigmoid, solve_intercept
from toetwitch.knowledge import table as stated
from toetwitch.knowledge.estimate import Estimate
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.parameters import when_text

Array = NDArray[np.float64]

ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Numbers:
    """Values for the parameters: the estimates' own, but for the paths in `replaced`.

    Parameters
    ----------
    lanes
        How many values each parameter has.
    replaced
        Parameter path to values, shape (lanes,).
    """

    lanes: int = 1
    replaced: Mapping[str, Array] = field(default_factory=dict)

    def get(self, path: str, estimate: Estimate) -> Array:
        """Return the values of a parameter, shape (lanes,)."""
        found = self.replaced.get(path)
        return np.full(self.lanes, float(estimate.value)) if found is None else np.asarray(found, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Resolved:
    """A network as the engine takes it.

    Parameters
    ----------
    sizes
        Number of states of each variable; hidden variables come after the network's own.
    potentials
        One for each variable, in order (hidden ones after); with a trailing lane axis when there are lanes.
    index
        Id to the position in `sizes`.
    hidden
        Ids of the hidden variables.
    """

    sizes: tuple[int, ...]
    potentials: tuple[Dense | NoisyMax, ...]
    index: Mapping[str, int]
    hidden: tuple[str, ...]

    def without_hidden(self) -> tuple[Dense | NoisyMax, ...]:
        """Return the potentials with each hidden variable summed out into its child's table.

        A question that maximises needs them so: a hidden variable is summed, never maximised.
        """
        count = len(self.sizes) - len(self.hidden)
        shown = list(self.potentials[:count])
        for drive in range(count, len(self.sizes)):
            i = next(k for k, p in enumerate(shown) if isinstance(p, Dense) and drive in p.scope)
            above, below = _with_lane(self.potentials[drive]), _with_lane(shown[i])
            tables = [_dense(above, self.sizes), _dense(below, self.sizes)]
            keep = (*dict.fromkeys(j for scope, _ in tables for j in scope if j not in (drive, i)), i)
            shown[i] = Dense(keep, _product(tables, keep)[..., 0])
        return tuple(shown)


def resolve(
    network: NetworkDefinition,
    *,
    shifts: Mapping[str, Array | float] | None = None,
    numbers: Numbers | None = None,
) -> Resolved:
    """Turn stated tables into arrays.

    Parameters
    ----------
    network
        The stated network.
    shifts
        Id of a logistic variable to an odds ratio, shape () or (lanes,), applied to its prior odds after everything
        has been solved at the reference (a named setting).
    numbers
        Values for the parameters; the estimates' own by default.

    Raises
    ------
    TableError
        When a link is below its leak, or no intercept or leak gives the cited prevalence.
    """
    work = _Resolution(network, numbers or Numbers())
    for id in network.order:
        work.add(id)
    return work.finish(shifts or {})


class _Resolution:
    """The work in progress: arrays of the variables resolved so far, by id, with a lane axis."""

    def __init__(self, network: NetworkDefinition, numbers: Numbers) -> None:
        self.network = network
        self.numbers = numbers
        self.index = {variable.id: i for i, variable in enumerate(network.variables)}
        self.sizes = [len(variable.states) for variable in network.variables]
        self.found: dict[int, Dense | NoisyMax] = {}
        self.logits: dict[str, Array] = {}
        self.hidden: list[str] = []

    def add(self, id: str) -> None:
        table = self.network.table_of[id]
        i = self.index[id]
        if isinstance(table, stated.Cpt):
            self.found[i] = Dense((*(self.index[p] for p in table.parents), i), self._cpt(table))
        elif isinstance(table, stated.Logistic):
            self.logits[id] = self._logistic(table)
            self.found[i] = self._logistic_table(table, self.logits[id])
        else:
            self._noisy_max(table)

    def finish(self, shifts: Mapping[str, Array | float]) -> Resolved:
        for id, ratio in shifts.items():
            table = self.network.table_of[id]
            if not isinstance(table, stated.Logistic):
                raise TableError(f"a shift of the odds of {id!r}; expected a variable with a logistic table")
            self.found[self.index[id]] = self._logistic_table(table, self.logits[id] + np.log(ratio))
        potentials = [self.found[i] for i in range(len(self.sizes))]
        if self.numbers.lanes == 1:
            potentials = [_without_lanes(potential) for potential in potentials]
        return Resolved(tuple(self.sizes), tuple(potentials), self.index, tuple(self.hidden))

    # -- tables by row --------------------------------------------------------------------------------------------

    def _cpt(self, table: stated.Cpt) -> Array:
        values = np.repeat(table.values[..., None], self.numbers.lanes, axis=-1)
        if not self.numbers.replaced:
            return values
        child = self.network.by_id[table.child]
        for row in table.rows:
            prefix = f"{table.child}.row[{when_text(row.when)}]."
            replaced = {
                s: self.numbers.replaced[prefix + s] for s in child.states if prefix + s in self.numbers.replaced
            }
            if replaced:
                values[self._mask(table.parents, row.when)] = self._row(row, child.states, replaced)
        return values

    def _row(self, row: stated.Row, states: Sequence[str], replaced: Mapping[str, Array]) -> Array:
        """Return shape (states, lanes): replaced entries hold, the others share what is left in proportion."""
        fixed = np.array([[0.0] * self.numbers.lanes if s not in replaced else replaced[s] for s in states])
        rest = np.array([0.0 if s in replaced else row.probabilities[s].value for s in states])
        total = fixed.sum(axis=0)
        if rest.sum() == 0:
            return np.asarray(fixed / total)
        fixed = fixed / np.maximum(total, 1.0)
        return np.asarray(fixed + rest[:, None] / rest.sum() * (1 - fixed.sum(axis=0)))

    def _mask(self, parents: Sequence[str], when: Mapping[str, tuple[str, ...]]) -> NDArray[np.bool_]:
        """Return where a condition holds, shape (parent sizes ...)."""
        mask = np.ones([len(self.network.by_id[p].states) for p in parents], dtype=bool)
        for axis, p in enumerate(parents):
            if p in when:
                variable = self.network.by_id[p]
                holds = np.isin(np.arange(len(variable.states)), [variable.index(s) for s in when[p]])
                mask &= holds.reshape([-1 if a == axis else 1 for a in range(len(parents))])
        return mask

    # -- logistic -------------------------------------------------------------------------------------------------

    def _logistic(self, table: stated.Logistic) -> Array:
        """Return the log-odds, shape (parent sizes ..., lanes)."""
        parents, anchor = table.parents, table.anchor
        shape = [len(self.network.by_id[p].states) for p in parents]
        baseline = None
        if anchor.kind == "baseline" and anchor.overall is not None:
            baseline = logit(self.numbers.get(f"{table.child}.baseline", anchor.overall))
        log_odds = np.zeros([*shape, self.numbers.lanes])
        for effect in table.effects:
            size = self.numbers.get(f"{table.child}.effect[{when_text(effect.when)}]", effect.size)
            if effect.stated_as == "odds_ratio":
                step = np.log(size)
            elif baseline is not None:
                step = logit(size) - baseline
            else:
                raise TableError(f"{table.child!r} states P(effect) for {when_text(effect.when)} but has no baseline")
            log_odds[self._mask(parents, effect.when)] += step
        if baseline is not None:
            return log_odds + baseline
        return log_odds + self._intercept(table, log_odds)

    def _intercept(self, table: stated.Logistic, log_odds: Array) -> Array:
        """Return what to add so that the marginal is the cited one, broadcastable to the log-odds."""
        parents, anchor = table.parents, table.anchor
        joint = self._joint([self.index[p] for p in parents])
        lanes = self.numbers.lanes
        if not anchor.bands:
            if anchor.overall is None:
                raise TableError(f"{table.child!r} has no prevalence")
            target = self.numbers.get(f"{table.child}.prevalence", anchor.overall)
            solved = solve_intercept(joint.reshape(-1, lanes), log_odds.reshape(-1, lanes), target)
            return solved
        axis = parents.index(anchor.by)
        states = self.network.by_id[anchor.by].states
        by_band = []
        for k, state in enumerate(states):
            weights = np.take(joint, k, axis=axis).reshape(-1, lanes)
            target = self.numbers.get(f"{table.child}.prevalence[{state}]", anchor.bands[state])
            band = np.take(log_odds, k, axis=axis).reshape(-1, lanes)
            total = weights.sum(axis=0)
            even = np.full_like(weights, 1 / len(weights))
            weights = np.where(total > 0, weights / np.where(total > 0, total, 1), even)
            by_band.append(solve_intercept(weights, band, target))
        shape = [len(states) if a == axis else 1 for a in range(len(parents))]
        return np.stack(by_band).reshape([*shape, lanes])

    def _logistic_table(self, table: stated.Logistic, log_odds: Array) -> Dense:
        present = sigmoid(log_odds)
        values = np.stack([sigmoid(-log_odds), present], axis=-2)
        return Dense((*(self.index[p] for p in table.parents), self.index[table.child]), values)

    def _joint(self, keep: Sequence[int]) -> Array:
        """Return P(keep), shape (sizes of keep ..., lanes), by summing out the other ancestors one at a time."""
        needed = self._ancestors(keep)
        tables = [_dense(self.found[i], self.sizes) for i in needed]
        for out in [i for i in needed if i not in keep]:
            bucket = [t for t in tables if out in t[0]]
            tables = [t for t in tables if out not in t[0]]
            scope = tuple(sorted({i for s, _ in bucket for i in s} - {out}))
            tables.append((scope, _product(bucket, scope)))
        return _product(tables, tuple(keep)) if tables else np.ones((self.numbers.lanes,))

    def _ancestors(self, of: Sequence[int]) -> list[int]:
        """Return the variables and their ancestors, latest first (a good order to sum out: children are gone)."""
        needed: set[int] = set()
        stack = list(of)
        while stack:
            i = stack.pop()
            if i not in needed:
                needed.add(i)
                stack.extend(self._parents(i))
        place = {self.index[id]: k for k, id in enumerate(self.network.order)}
        return sorted(needed, key=lambda i: -place.get(i, -1))

    def _parents(self, i: int) -> list[int]:
        potential = self.found[i]
        if isinstance(potential, Dense):
            return [j for j in potential.scope if j != i]
        return [term.parent for term in potential.terms if term.parent is not None]

    # -- noisy-MAX ------------------------------------------------------------------------------------------------

    def _noisy_max(self, table: stated.NoisyMax) -> None:
        i = self.index[table.child]
        leak = self._solved_leak(table) if table.leak.kind == "prevalence" else self._leak(table)
        inhibitors = [link for link in table.links if link.inhibits]
        if not inhibitors:
            self.found[i] = NoisyMax(i, self._terms(table, leak))
            return
        drive = len(self.sizes)
        self.sizes.append(2)
        self.hidden.append(f"{table.child}:drive")
        self.found[drive] = NoisyMax(drive, self._terms(table, leak))
        self.found[i] = self._held_back(table, drive, leak, inhibitors)

    def _held_back(self, table: stated.NoisyMax, drive: int, leak: Array, inhibitors: Sequence[stated.Link]) -> Dense:
        shares = []
        for link in inhibitors:
            share = self._stated(table, link)[1] / leak[1]
            if self.numbers.lanes == 1 and share[0] > 1 + ROUNDING:
                raise TableError(
                    f"link {link.parent!r} -> {table.child!r} inhibits, but {self._stated(table, link)[1][0]:.6g} is "
                    f"above the leak {leak[1][0]:.6g}"
                )
            shares.append((link, share))
        place = {link.parent: self.index[link.parent] for link in inhibitors}
        return self._passing(shares, drive, place, self.index[table.child])

    def _passing(
        self, shares: Sequence[tuple[stated.Link, Array]], drive: int, place: Mapping[str, int], child: int
    ) -> Dense:
        """Return the table of a finding that its drive brings about unless an inhibitor holds it back."""
        names = tuple(dict.fromkeys(link.parent for link, _ in shares))
        passes = np.ones([*(len(self.network.by_id[p].states) for p in names), self.numbers.lanes])
        for link, share in shares:
            passes[self._mask(names, {link.parent: (link.parent_state,)})] *= np.minimum(share, 1.0)
        present = np.stack([np.zeros_like(passes), passes])
        values = np.stack([1 - present, present], axis=-2)
        return Dense((drive, *(place[p] for p in names), child), values)

    def _leak(self, table: stated.NoisyMax) -> Array:
        """Return the overall leak, shape (states, lanes)."""
        states = self.network.by_id[table.child].states
        if table.leak.kind == "specificity":
            absent = self.numbers.get(f"{table.child}.specificity.{states[-1]}", table.leak.overall[states[-1]])
            return np.stack([absent, 1 - absent])
        return self._upper(table.leak.overall, states, f"{table.child}.{table.leak.kind}.")

    def _upper(self, estimates: Mapping[str, Estimate], states: Sequence[str], prefix: str) -> Array:
        """Return a distribution, shape (states, lanes), from the estimates of all states but the lowest."""
        upper = np.stack([self.numbers.get(prefix + s, estimates[s]) for s in states[1:]])
        upper = upper / np.maximum(upper.sum(axis=0), 1.0)
        return np.concatenate([1 - upper.sum(axis=0, keepdims=True), upper])

    def _stated(self, table: stated.NoisyMax, link: stated.Link) -> Array:
        states = self.network.by_id[table.child].states
        return self._upper(link.probabilities, states, f"{table.child}.link[{link.parent}={link.parent_state}].")

    def _terms(self, table: stated.NoisyMax, leak: Array) -> tuple[Term, ...]:
        states = self.network.by_id[table.child].states
        background = self._background(table, leak)
        by_parent: dict[str, Array] = {}
        for link in table.links:
            if link.inhibits:
                continue
            parent = self.network.by_id[link.parent]
            if link.parent not in by_parent:
                nothing = np.zeros([len(parent.states), len(states), self.numbers.lanes])
                nothing[:, 0] = 1.0
                by_parent[link.parent] = nothing
            by_parent[link.parent][parent.index(link.parent_state)] = self._net(table, link, leak)
        return (background, *(Term(self.index[p], values) for p, values in by_parent.items()))

    def _background(self, table: stated.NoisyMax, leak: Array) -> Term:
        if not table.leak.bands:
            return Term(None, leak)
        parent = self.network.by_id[table.leak.by]
        states = self.network.by_id[table.child].states
        bands = [self._upper(table.leak.bands[b], states, f"{table.child}.leak[{b}].") for b in parent.states]
        return Term(self.index[table.leak.by], np.stack(bands))

    def _net(self, table: stated.NoisyMax, link: stated.Link, leak: Array) -> Array:
        """Return the contribution's distribution, shape (states, lanes), with the background divided out."""
        with_background = np.cumsum(self._stated(table, link), axis=0)
        background = np.cumsum(leak, axis=0)
        net = with_background / np.where(background > 0, background, 1.0)
        net[-1] = 1.0
        if self.numbers.lanes == 1 and (np.diff(net[:, 0], prepend=0.0) < -1e-12).any():
            raise TableError(
                f"link {link.parent!r} -> {table.child!r}: P(finding | this cause alone) is below the leak; "
                "expected at least the leak, or inhibits = true"
            )
        # A draw of the parameters may put a link below its leak: it then adds nothing.
        net = np.minimum.accumulate(net[::-1], axis=0)[::-1]
        return np.maximum(np.diff(net, axis=0, prepend=0.0), 0.0)

    def _solved_leak(self, table: stated.NoisyMax) -> Array:
        """Return the leak with which every state's marginal is the cited one; one threshold at a time."""
        states = self.network.by_id[table.child].states
        cited = self._upper(table.leak.overall, states, f"{table.child}.prevalence.")
        at_least = np.cumsum(cited[::-1], axis=0)[::-1]
        leak_at_least = [np.ones(self.numbers.lanes)]
        for s in range(1, len(states)):
            links = [(link, self._stated(table, link)[s:].sum(axis=0)) for link in table.links]
            leak_at_least.append(self._threshold_leak(table, states[s], links, at_least[s]))
        cumulative = np.minimum.accumulate(np.stack([*leak_at_least, np.zeros(self.numbers.lanes)]), axis=0)
        return -np.diff(cumulative, axis=0)

    def _threshold_leak(
        self, table: stated.NoisyMax, state: str, links: Sequence[tuple[stated.Link, Array]], target: Array
    ) -> Array:
        needed = self._ancestors([self.index[link.parent] for link, _ in links])
        place = {i: k for k, i in enumerate(needed)}
        drive = len(needed)
        base: list[Dense | NoisyMax] = [_renumbered(self.found[i], place) for i in needed]

        adding = [(link, p) for link, p in links if not link.inhibits]
        holding = [(link, p) for link, p in links if link.inhibits]
        parents = {link.parent: place[self.index[link.parent]] for link, _ in links}

        def potentials(leak: Array) -> list[Dense | NoisyMax]:
            by_parent: dict[str, Array] = {}
            for link, p in adding:
                parent = self.network.by_id[link.parent]
                nothing = np.zeros([len(parent.states), 2, self.numbers.lanes])
                nothing[:, 0] = 1.0
                net = np.clip((p - leak) / (1 - leak), 0.0, 1.0)
                by_parent.setdefault(link.parent, nothing)[parent.index(link.parent_state)] = np.stack([1 - net, net])
            terms = [Term(None, np.stack([1 - leak, leak]))]
            terms += [Term(parents[parent], values) for parent, values in by_parent.items()]
            found: list[Dense | NoisyMax] = [*base, NoisyMax(drive, tuple(terms))]
            if holding:
                shares = [(link, p / np.maximum(leak, 1e-300)) for link, p in holding]
                found.append(self._passing(shares, drive, parents, drive + 1))
            return found

        last = drive + bool(holding)
        sizes = [*(self.sizes[i] for i in needed), *(2 for _ in range(drive, last + 1))]
        compiled = CompiledNetwork(sizes, [_without_lanes(found) for found in potentials(target / 2)])

        def marginal(leak: Array) -> Array:
            return np.asarray(compiled.lanes({}, {}, dict(enumerate(potentials(leak))), [last])[1][last][1])

        # Without inhibitors the finding is at least as common as its background, so the leak is at most the target.
        low = np.zeros(self.numbers.lanes)
        high = np.full(self.numbers.lanes, 1 - 1e-12) if holding else target.copy()
        if (marginal(low) > target + 1e-12).any():
            raise TableError(
                f"{table.child!r} = {state!r}: the links alone give {marginal(low).max():.6g}, above the cited "
                f"prevalence {target.max():.6g}"
            )
        for _ in range(60):
            middle = (low + high) / 2
            above = marginal(middle) > target
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        return np.asarray((low + high) / 2)


def _without_lanes(potential: Dense | NoisyMax) -> Dense | NoisyMax:
    return _mapped(potential, lambda values: np.ascontiguousarray(values[..., 0]))


def _with_lane(potential: Dense | NoisyMax) -> Dense | NoisyMax:
    return _mapped(potential, lambda values: values[..., None])


def _mapped(potential: Dense | NoisyMax, change: Callable[[Array], Array]) -> Dense | NoisyMax:
    if isinstance(potential, Dense):
        return Dense(potential.scope, change(potential.values))
    return NoisyMax(potential.child, tuple(Term(term.parent, change(term.values)) for term in potential.terms))


def _renumbered(potential: Dense | NoisyMax, place: Mapping[int, int]) -> Dense | NoisyMax:
    if isinstance(potential, Dense):
        return Dense(tuple(place[i] for i in potential.scope), potential.values)
    terms = tuple(Term(None if t.parent is None else place[t.parent], t.values) for t in potential.terms)
    return NoisyMax(place[potential.child], terms)


Scoped = tuple[tuple[int, ...], Array]


def _dense(potential: Dense | NoisyMax, sizes: Sequence[int]) -> Scoped:
    """Return a potential as scope and array, shape (sizes of the scope ..., lanes)."""
    if isinstance(potential, Dense):
        return potential.scope, potential.values
    parents = [term.parent for term in potential.terms if term.parent is not None]
    scope = (*parents, potential.child)
    cumulative: Array = np.ones([*(1 for _ in parents), sizes[potential.child], potential.terms[0].values.shape[-1]])
    for term in potential.terms:
        shape = [sizes[p] if p == term.parent else 1 for p in parents]
        cumulative = cumulative * np.cumsum(term.values, axis=-2).reshape([*shape, *term.values.shape[-2:]])
    return scope, np.diff(cumulative, axis=-2, prepend=0.0)


def _product(tables: Sequence[Scoped], keep: tuple[int, ...]) -> Array:
    """Multiply tables and sum out what is not kept, lanes last."""
    labels = {i: k for k, i in enumerate(sorted({i for scope, _ in tables for i in scope}))}
    lane = len(labels)
    operands: list[object] = []
    for scope, values in tables:
        operands += [values, [*(labels[i] for i in scope), lane]]
    return np.asarray(np.einsum(*operands, [*(labels[i] for i in keep), lane], optimize="greedy"))  # type: ignore[call-overload]
