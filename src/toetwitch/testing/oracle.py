"""The obvious slow answer: every combination of states, weighed by the tables as they are *stated*.

An oracle is worth what it does not share. This one reads the stated tables itself, solves intercepts and leaks by its
own bisection, reads the evidence itself, and adds up the joint distribution in logarithms, so that a zero is a zero and
1e-300 is no trouble. It has no use for elimination orders, caches or lanes, and imports neither the engine nor
`toetwitch.inference`. Only ancestors of what is asked are enumerated; the joint of a dozen variables is its limit.

References
----------
Jeffrey (1965), The Logic of Decision, chapter 11.
Diez & Druzdzel (2006), Canonical probabilistic models for knowledge engineering. CISIAD-06-01.
"""

from __future__ import annotations

__all__ = ["CELL_LIMIT", "Enumeration", "TooManyCellsError", "ancestors", "expand"]

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from toetwitch.errors import ToetwitchError
from toetwitch.evidence import UNKNOWN, Excluded, Jeffrey, Likelihood
from toetwitch.knowledge.estimate import Estimate
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.table import Cpt, Logistic, NoisyMax

Array = NDArray[np.float64]

CELL_LIMIT = 2**22
"""Most cells that a joint may have: past it enumeration is no longer instant."""

BISECTIONS = 200
"""Halvings after which an interval of doubles cannot shrink further."""

FITTING_SWEEPS = 20_000


class TooManyCellsError(ToetwitchError, ValueError):
    """A joint that is too large to enumerate."""


def ancestors(definition: NetworkDefinition, ids: Iterable[str]) -> tuple[str, ...]:
    """Return ids and all that they descend from, parents before children.

    Examples
    --------
    >>> from toetwitch.knowledge.variable import Variable
    >>> tables = (Cpt("rain", (), [0.8, 0.2]), Cpt("wet", ("rain",), [[0.9, 0.1], [0.2, 0.8]]))
    >>> ancestors(NetworkDefinition((Variable("wet"), Variable("rain")), tables), ["wet"])
    ('rain', 'wet')
    """
    found: dict[str, None] = {}

    def visit(id: str) -> None:
        if id not in found:
            for parent in definition.table_of[id].parents:
                visit(parent)
            found[id] = None

    for id in ids:
        visit(id)
    return tuple(found)


def expand(definition: NetworkDefinition, ids: Iterable[str] | None = None) -> dict[str, Array]:
    """Return the full conditional table of each variable, shape (parent sizes in table order ..., child size).

    Parameters
    ----------
    definition
        The stated network.
    ids
        Variables to expand, with their ancestors; all by default.

    Raises
    ------
    TooManyCellsError
        When a table, or a joint needed to solve one, is too large.
    ValueError
        When no intercept or leak gives the stated prevalence.

    Examples
    --------
    >>> from toetwitch.knowledge.table import Leak, Link
    >>> from toetwitch.knowledge.variable import Variable
    >>> p = Estimate.of
    >>> finding = NoisyMax("b", Leak("leak", {"true": p(0.1)}), (Link("a", {"true": p(0.55)}),))
    >>> network = NetworkDefinition((Variable("a"), Variable("b")), (Cpt("a", (), [0.8, 0.2]), finding))
    >>> expand(network)["b"].round(3).tolist()
    [[0.9, 0.1], [0.45, 0.55]]
    """
    tables: dict[str, Array] = {}
    for id in ancestors(definition, definition.by_id if ids is None else ids):
        table = definition.table_of[id]
        _check_size(definition, (*table.parents, id), f"the table of {id!r}")
        if isinstance(table, Cpt):
            tables[id] = np.array(table.values)
        elif isinstance(table, Logistic):
            tables[id] = _logistic(definition, table, tables)
        else:
            tables[id] = _noisy_max(definition, table, tables)
    return tables


class Enumeration:
    """The joint distribution of a network, one number for every combination of states.

    Parameters
    ----------
    definition
        The stated network.
    ids
        What will be asked or observed; only these and their ancestors are enumerated. All variables by default.

    Raises
    ------
    TooManyCellsError
        When there are more than `CELL_LIMIT` combinations.

    Examples
    --------
    >>> from toetwitch.knowledge.variable import Variable
    >>> tables = (Cpt("rain", (), [0.8, 0.2]), Cpt("wet", ("rain",), [[0.9, 0.1], [0.2, 0.8]]))
    >>> truth = Enumeration(NetworkDefinition((Variable("rain"), Variable("wet")), tables))
    >>> round(float(truth.posterior({"wet": True})["rain"][1]), 4)
    0.6667
    """

    def __init__(self, definition: NetworkDefinition, ids: Iterable[str] | None = None) -> None:
        self.definition = definition
        self.ids = ancestors(definition, definition.by_id if ids is None else ids)
        _check_size(definition, self.ids, "the joint")
        self.tables = expand(definition, self.ids)
        self.log_joint = _log_joint(definition, self.ids, self.tables)

    def log_probability(self, evidence: Mapping[str, object]) -> float:
        """Return the natural log of P(hard, excluded and likelihood evidence); minus infinity when impossible."""
        return _log_sum(self._weighed(evidence))

    def posterior(self, evidence: Mapping[str, object]) -> dict[str, Array]:
        """Return P(state | evidence) of every variable, shape (states,); empty when the evidence is impossible."""
        joint = self.given(evidence)
        if joint is None:
            return {}
        return {id: self._marginal(joint, axis) for axis, id in enumerate(self.ids)}

    def joint(self, evidence: Mapping[str, object], ids: Sequence[str]) -> Array:
        """Return P(ids | evidence), one axis per id; all zeros when the evidence is impossible."""
        joint = self.given(evidence)
        if joint is None:
            return np.zeros([len(self.definition.by_id[id].states) for id in ids])
        axes = [self.ids.index(id) for id in ids]
        summed = joint.sum(axis=tuple(a for a in range(joint.ndim) if a not in axes))
        return np.asarray(np.transpose(summed, [sorted(axes).index(a) for a in axes]))

    def mpe(self, evidence: Mapping[str, object]) -> tuple[float, dict[str, str]]:
        """Return the largest log-probability of a complete assignment with the evidence, and that assignment."""
        weighed = self._weighed(evidence)
        cell = np.unravel_index(int(np.argmax(weighed)), weighed.shape)
        states = {id: self.definition.by_id[id].states[int(k)] for id, k in zip(self.ids, cell, strict=True)}
        return float(weighed[cell]), states

    def log_weight(self, assignment: Mapping[str, str], evidence: Mapping[str, object]) -> float:
        """Return the natural log of the joint probability of a complete assignment and the evidence."""
        cell = tuple(self.definition.by_id[id].states.index(assignment[id]) for id in self.ids)
        return float(self._weighed(evidence)[cell])

    def possible(self, evidence: Mapping[str, object]) -> bool:
        """Return whether the evidence has positive probability, Jeffrey's statements included."""
        return self.given(evidence) is not None

    def given(self, evidence: Mapping[str, object]) -> Array | None:
        """Return the joint posterior, one axis per id in `ids`, or None when the evidence is impossible."""
        weighed = self._weighed(evidence)
        top = float(weighed.max())
        if math.isinf(top):
            return None
        joint = np.exp(weighed - top)
        joint /= joint.sum()
        stated = {
            self.ids.index(id): self._vector(id, value.probabilities)
            for id, value in evidence.items()
            if isinstance(value, Jeffrey)
        }
        return self._fitted(joint, stated)

    def _fitted(self, joint: Array, stated: Mapping[int, Array]) -> Array | None:
        """Return the joint with stated marginals: Jeffrey's rule, in turn until all hold."""
        for _ in range(FITTING_SWEEPS):
            off = 0.0
            for axis, wanted in stated.items():
                now = self._marginal(joint, axis)
                if (wanted[now == 0] > 0).any():
                    return None
                off = max(off, float(np.abs(now - wanted).max()))
                ratio = np.divide(wanted, now, out=np.zeros_like(now), where=now > 0)
                joint = joint * ratio.reshape([-1 if a == axis else 1 for a in range(joint.ndim)])
            if off < 1e-15 or len(stated) == 1:
                break
        return joint

    def _marginal(self, joint: Array, axis: int) -> Array:
        return np.asarray(joint.sum(axis=tuple(a for a in range(joint.ndim) if a != axis)))

    def _weighed(self, evidence: Mapping[str, object]) -> Array:
        weighed = self.log_joint
        for id, value in evidence.items():
            if value is None or value is UNKNOWN or isinstance(value, Jeffrey) or value != value:
                continue
            axis = self.ids.index(id)
            weights = self._weights(id, value)
            with np.errstate(divide="ignore"):
                weighed = weighed + np.log(weights).reshape([-1 if a == axis else 1 for a in range(weighed.ndim)])
        return weighed

    def _weights(self, id: str, value: object) -> Array:
        states = self.definition.by_id[id].states
        if isinstance(value, Excluded):
            gone = {_state(state) for state in value.states}
            return np.array([0.0 if state in gone else 1.0 for state in states])
        if isinstance(value, Likelihood):
            return self._vector(id, value.weights)
        if _state(value) not in states:
            raise ValueError(f"{id!r} has no state {value!r}; expected one of {states}")
        return np.array([1.0 if state == _state(value) else 0.0 for state in states])

    def _vector(self, id: str, numbers: Mapping[str, float]) -> Array:
        return np.array([float(numbers.get(state, 0.0)) for state in self.definition.by_id[id].states])


def _state(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _check_size(definition: NetworkDefinition, ids: Iterable[str], what: str) -> None:
    cells = math.prod(len(definition.by_id[id].states) for id in ids)
    if cells > CELL_LIMIT:
        raise TooManyCellsError(f"{what} has {cells:,} cells; expected at most {CELL_LIMIT:,} to enumerate")


def _log_joint(definition: NetworkDefinition, ids: Sequence[str], tables: Mapping[str, Array]) -> Array:
    total = np.zeros([len(definition.by_id[id].states) for id in ids])
    for id in ids:
        scope = (*definition.table_of[id].parents, id)
        axes = [ids.index(name) for name in scope]
        with np.errstate(divide="ignore"):
            log_table = np.log(np.transpose(tables[id], np.argsort(axes)))
        total += log_table.reshape([len(definition.by_id[x].states) if x in scope else 1 for x in ids])
    return total


def _log_sum(values: Array) -> float:
    top = float(values.max())
    return top if math.isinf(top) else top + math.log(float(np.exp(values - top).sum()))


def _joint_of(definition: NetworkDefinition, ids: Sequence[str], tables: Mapping[str, Array]) -> Array:
    """Return P(ids), one axis per id, by enumerating their ancestors."""
    above = ancestors(definition, ids)
    _check_size(definition, above, f"the joint of the ancestors of {', '.join(ids)}")
    joint = np.exp(_log_joint(definition, above, tables))
    summed = joint.sum(axis=tuple(axis for axis, id in enumerate(above) if id not in ids))
    kept = [id for id in above if id in ids]
    return np.asarray(np.transpose(summed, [kept.index(id) for id in ids]))


def _where(definition: NetworkDefinition, parents: Sequence[str], when: Mapping[str, Sequence[str]]) -> Array:
    """Return 1.0 where a condition on the parents holds and 0.0 elsewhere, one axis per parent."""
    holds = np.ones([len(definition.by_id[p].states) for p in parents])
    for axis, parent in enumerate(parents):
        for k, state in enumerate(definition.by_id[parent].states):
            if parent in when and state not in when[parent]:
                holds[(slice(None),) * axis + (k,)] = 0.0
    return holds


def _logistic(definition: NetworkDefinition, table: Logistic, tables: Mapping[str, Array]) -> Array:
    parents, anchor = table.parents, table.anchor
    log_odds = np.zeros([len(definition.by_id[p].states) for p in parents])
    start = 0.0
    if anchor.kind == "baseline":
        start = _log_odds(_value(anchor.overall))
    for effect in table.effects:
        size = effect.size.value
        step = math.log(size) if effect.stated_as == "odds_ratio" else _log_odds(size) - start
        log_odds = log_odds + step * _where(definition, parents, effect.when)
    if anchor.kind == "baseline":
        present = _from_log_odds(start + log_odds)
    else:
        weights = _joint_of(definition, parents, tables) if parents else np.ones(())
        present = np.zeros(log_odds.shape)
        bands = anchor.bands or {"": _stated(anchor.overall)}
        for state, cited in bands.items():
            inside = _where(definition, parents, {anchor.by: (state,)} if anchor.by else {}) > 0
            mass = weights[inside] if weights[inside].sum() > 0 else np.ones(int(inside.sum()))
            present[inside] = _solved(mass / mass.sum(), log_odds[inside], cited.value)
    return np.stack([1 - present, present], axis=-1)


def _solved(weights: Array, log_odds: Array, wanted: float) -> Array:
    """Return probabilities whose weighted mean is the wanted one, the differences in log-odds kept."""
    low, high = -800.0 - float(log_odds.max()), 800.0 - float(log_odds.min())
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if float((weights * _from_log_odds(middle + log_odds)).sum()) < wanted:
            low = middle
        else:
            high = middle
    return _from_log_odds((low + high) / 2 + log_odds)


def _from_log_odds(x: Array) -> Array:
    return np.asarray(
        np.where(x < 0, np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x))), 1 / (1 + np.exp(-np.abs(x))))
    )


def _log_odds(p: float) -> float:
    return math.log(p) - math.log1p(-p)


def _noisy_max(definition: NetworkDefinition, table: NoisyMax, tables: Mapping[str, Array]) -> Array:
    """Fill the table from its tail probabilities, P(child >= s | parents), one threshold at a time."""
    states = definition.by_id[table.child].states
    shape = [len(definition.by_id[p].states) for p in table.parents]
    tails = [np.ones(shape)]
    for s in range(1, len(states)):
        upper = states[s:]
        stated = {(k.parent, k.parent_state, k.inhibits): _tail(k.probabilities, upper) for k in table.links}
        if table.leak.kind == "prevalence":
            weights = _joint_of(definition, table.parents, tables) if table.parents else np.ones(())
            leak = _solved_leak(definition, table, stated, weights, _tail(table.leak.overall, upper))
        elif table.leak.kind == "specificity":
            leak = 1 - table.leak.overall[states[-1]].value
        else:
            leak = _tail(table.leak.overall, upper)
        bands = {band: _tail(numbers, upper) for band, numbers in table.leak.bands.items()}
        tails.append(_present(definition, table, stated, leak, bands))
    tails.append(np.zeros(shape))
    values = np.stack([tails[s] - tails[s + 1] for s in range(len(states))], axis=-1)
    if (values < -1e-9).any():
        raise ValueError(f"a state of {table.child!r} has probability {values.min():.3g}; expected thresholds in order")
    return np.maximum(values, 0.0)


def _tail(numbers: Mapping[str, Estimate], upper: Sequence[str]) -> float:
    return sum(numbers[state].value for state in upper)


def _present(
    definition: NetworkDefinition,
    table: NoisyMax,
    stated: Mapping[tuple[str, str, bool], float],
    leak: float,
    bands: Mapping[str, float],
) -> Array:
    """Return P(child >= threshold | parents): not every contribution stayed below, and nothing held it back."""
    parents = table.parents
    background = np.zeros([len(definition.by_id[p].states) for p in parents]) + leak
    for band, p in bands.items():
        background = np.where(_where(definition, parents, {table.leak.by: (band,)}) > 0, p, background)
    below = 1 - background
    passes = np.ones(below.shape)
    for (parent, state, inhibits), p in stated.items():
        acts = _where(definition, parents, {parent: (state,)})
        if inhibits:
            passes = passes * (1 - acts + acts * min(p / leak if leak > 0 else 1.0, 1.0))
        elif leak < 1:
            below = below * (1 - acts + acts * (1 - p) / (1 - leak))
    return (1 - below) * passes


def _solved_leak(
    definition: NetworkDefinition,
    table: NoisyMax,
    stated: Mapping[tuple[str, str, bool], float],
    weights: Array,
    wanted: float,
) -> float:
    """Return the leak with which the marginal is the wanted one; it lies below every link that adds."""
    low, high = 0.0, min([p for (_, _, inhibits), p in stated.items() if not inhibits], default=1.0)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if float((weights * _present(definition, table, stated, middle, {})).sum()) < wanted:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _value(estimate: Estimate | None) -> float:
    return _stated(estimate).value


def _stated(estimate: Estimate | None) -> Estimate:
    if estimate is None:
        raise ValueError("an anchor without a number; expected a prevalence or a baseline")
    return estimate
