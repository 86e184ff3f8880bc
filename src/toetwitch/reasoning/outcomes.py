"""Every target after every answer, from lanes over answers.

Each product of each answer's form (`toetwitch.reasoning.forms`) is one lane of a plan that holds the evidence and the
targets alone, and a pass down that plan gives all targets at once. Where the present findings can be written as signed
sums (`toetwitch.inference.expansion`), the plan is the bare skeleton of context and causes, and all readings of the
evidence come from the same lanes.
"""

from __future__ import annotations

__all__ = ["Outcomes", "outcomes"]

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toetwitch.evidence import Evidence
from toetwitch.inference import ExactInference
from toetwitch.inference.expansion import Expansion
from toetwitch.reasoning.forms import Product

Array = NDArray[np.float64]

MOST_LANES = 2**17
"""Lanes of signed sums a call: about a second on the toe model."""

LANES_A_RUN = 2**14
"""Lanes of signed sums that are held at once."""

MOST_OPERATIONS = 4e9
"""Operations of the plan without signs over all lanes: some seconds."""

SIGNED_LANES = 96
"""Lanes of signed sums a run of the engine, which keeps their tables in cache."""

PLAIN_LANES = 128
"""Lanes a run of the plan without signs."""

GAIN_AMPLIFICATION = 1e8
"""Rounding of 1e-16 grows to at most about 1e-8."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """What each event would do.

    Parameters
    ----------
    probability
        P(event | evidence), shape (events, readings).
    joint
        Target to P(target, event | evidence), shape (states, events, readings).
    """

    probability: Array
    joint: Mapping[str, Array]


def outcomes(
    inference: ExactInference,
    evidence: Evidence,
    targets: Sequence[str],
    events: Sequence[Sequence[Product]],
    readings: Mapping[str, Array] | None = None,
    *,
    amplification: float = GAIN_AMPLIFICATION,
) -> Outcomes | None:
    """Return the probability of each event, and of each event and target together, given the evidence.

    Parameters
    ----------
    inference
        The network.
    evidence
        The case.
    targets
        Ids without hard evidence.
    events
        Each a signed sum of products.
    readings
        Id to weights, shape (states, readings), that replace what the case says of it, side by side.
    amplification
        How far rounding may grow where signed sums are used.

    Returns
    -------
    Outcomes or None
        Readings of probability zero have zeros. None for several readings where signed sums do not fit and the plan
        without signs would need more than `MOST_OPERATIONS`.
    """
    readings = {} if readings is None else dict(readings)
    count = 1 if not readings else next(iter(readings.values())).shape[1]
    distinct: dict[tuple[tuple[str, bytes], ...], int] = {(): 0}
    lanes: list[Mapping[str, Array]] = [{}]
    rows: list[dict[int, float]] = []
    for event in events:
        row: dict[int, float] = {}
        for product in event:
            key = tuple(sorted((id, w.tobytes()) for id, w in product.weights.items()))
            if key not in distinct:
                distinct[key] = len(lanes)
                lanes.append(product.weights)
            row[distinct[key]] = row.get(distinct[key], 0.0) + product.sign
        rows.append(row)
    case = _Case(inference, evidence, inference.weights(evidence), list(targets), lanes, readings, count)
    found = case.by_sums(amplification)
    if found is None:
        if count > 1 and case.plain_operations() > MOST_OPERATIONS:
            return None
        found = case.plain()
    probability, joint = found
    possible = probability[0] > 0
    scale = np.where(possible, 1 / np.where(possible, probability[0], 1.0), 0.0)
    signs = np.zeros((len(events), len(lanes)))
    for n, row in enumerate(rows):
        signs[n, list(row)] = list(row.values())
    total = np.clip(signs @ probability * scale, 0.0, 1.0)
    parts = {id: np.clip(signs @ table * scale, 0.0, 1.0) for id, table in joint.items()}
    return Outcomes(total, parts)


@dataclass(frozen=True, slots=True, eq=False)
class _Case:
    """Lanes of one case: weights on variables, for each reading of the evidence."""

    inference: ExactInference
    evidence: Evidence
    weights: Mapping[str, Array]
    targets: list[str]
    lanes: Sequence[Mapping[str, Array]]
    readings: Mapping[str, Array]
    count: int

    def known(self, id: str) -> Array:
        """Return what the case says of a variable, shape (states,)."""
        size = len(self.inference.network.by_id[id].states)
        if id in self.evidence.hard:
            return np.asarray(np.eye(size)[self.evidence.hard[id]])
        return np.asarray(self.weights.get(id, np.ones(size)))

    def weighted(self) -> list[str]:
        """Return the ids on which some lane has weights."""
        return list(dict.fromkeys(id for lane in self.lanes for id in lane))

    # -- the plan without signs -----------------------------------------------------------------------------------

    def plain(self) -> tuple[Array, dict[str, Array]]:
        """Return P(lane, e), shape (lanes, readings), and P(target, lane, e), shape (states, lanes, readings)."""
        ids = list(dict.fromkeys([*self.weighted(), *self.readings, *self.targets]))
        rest = Evidence({id: s for id, s in self.evidence.hard.items() if id not in ids}, dict(self.weights), {})
        shape = (len(self.lanes), self.count)
        logs, blocks = [], []
        for start in range(0, shape[0] * shape[1], PLAIN_LANES):
            lane, reading = np.divmod(np.arange(start, min(start + PLAIN_LANES, shape[0] * shape[1])), shape[1])
            log_evidence, marginals = self.inference.lanes(
                rest, {id: self._columns(id, lane, reading) for id in ids}, self.targets
            )
            logs.append(log_evidence)
            blocks.append(marginals)
        log_evidence = np.concatenate(logs).reshape(shape)
        highest = log_evidence[0].max()
        probability = np.exp(log_evidence - (highest if math.isfinite(highest) else 0.0))
        return probability, {
            id: np.concatenate([block[id] for block in blocks], axis=1).reshape(-1, *shape) * probability
            for id in self.targets
        }

    def plain_operations(self) -> float:
        """Return the multiplications and additions that `plain` would take."""
        ids = list(dict.fromkeys([*self.weighted(), *self.readings, *self.targets]))
        rest = Evidence({id: s for id, s in self.evidence.hard.items() if id not in ids}, {}, {})
        index = self.inference.index
        hard = {index(id): s for id, s in rest.hard.items()}
        soft = [index(id) for id in {**self.weights, **dict.fromkeys(ids)}]
        plan = self.inference.compiled.plan(hard, soft, [index(id) for id in self.targets])
        return float(plan.operations) * len(self.lanes) * self.count

    def _columns(self, id: str, lane: NDArray[np.int64], reading: NDArray[np.int64]) -> Array:
        """Return the weights on a variable, shape (states, lanes of a run)."""
        own = self.readings[id][:, reading] if id in self.readings else self.known(id)[:, None]
        table = np.stack([self.lanes[n].get(id, np.ones(len(own))) for n in range(lane[0], lane[-1] + 1)], axis=-1)
        return np.asarray(table[:, lane - lane[0]] * own)

    # -- signed sums ----------------------------------------------------------------------------------------------

    def by_sums(self, amplification: float) -> tuple[Array, dict[str, Array]] | None:
        """Return the same as `plain`, or None where signed sums do not fit or lose too many digits."""
        for allowance in self.inference.allowances(self.evidence, self.weights):
            found = self._by_sums(allowance, amplification)
            if found is not None:
                return found
        return None

    def _by_sums(self, allowance: float, amplification: float) -> tuple[Array, dict[str, Array]] | None:
        free = [id for id in self.readings if id in self.inference.takes(self.evidence, self.weights, allowance)]
        kinds, kind_of = self._kinds([id for id in self.readings if id not in free])
        probe = self._expansion(allowance, free, [{}])
        if probe is None or not set(kinds[0]).isdisjoint(self._names(probe)):
            return None
        signs = _Signs(self, probe, self._names(probe))
        if signs.cost * len(kinds) > MOST_LANES:
            return None
        run = _Run(self, probe, signs, kinds)
        shape = (len(self.lanes), self.count)
        total, absolute = np.zeros(shape), np.zeros(shape)
        joint = {id: np.zeros((len(self.inference.network.by_id[id].states), *shape)) for id in self.targets}
        for bodies, kept, sums in signs.batches(LANES_A_RUN // len(kinds)):
            scale, posterior = run.answer(bodies, kept)
            for members, places, coefficients in sums:
                for kind in range(len(kinds)):
                    of_kind = np.flatnonzero(kind_of == kind)
                    own = coefficients[of_kind].T
                    parts = scale[places, kind]
                    total[np.ix_(members, of_kind)] = parts @ own
                    absolute[np.ix_(members, of_kind)] = parts @ np.abs(own)
                    for id, table in posterior.items():
                        joint[id][:, members[:, None], of_kind] = (table[:, places, kind] * parts) @ own
            # The case itself comes first; the others share its sums.
            if not ((total[0] > 0).all() and (absolute[0] <= amplification * total[0]).all()):
                return None
        return total, joint

    def _names(self, expansion: Expansion) -> list[str]:
        return [self.inference.network.variables[leaf.index].id for leaf in expansion.leaves]

    def _expansion(
        self, allowance: float, free: Sequence[str], variants: Sequence[Mapping[str, Array]]
    ) -> Expansion | None:
        return self.inference.expansion(
            self.evidence, self.weights, self.targets, free=free, variants=variants, allowance=allowance
        )

    def _kinds(self, ids: Sequence[str]) -> tuple[list[dict[str, Array]], NDArray[np.int64]]:
        """Return the distinct readings of some ids, and which of them each reading is."""
        found: dict[tuple[bytes, ...], int] = {}
        kinds: list[dict[str, Array]] = []
        kind_of = np.zeros(self.count, dtype=np.int64)
        for r in range(self.count):
            columns = {id: self.readings[id][:, r] for id in ids}
            key = tuple(column.tobytes() for column in columns.values())
            if key not in found:
                found[key] = len(kinds)
                kinds.append(columns)
            kind_of[r] = found[key]
        return kinds, kind_of


Places = NDArray[np.int64]


class _Signs:
    """Signs and weights of the lanes of a signed sum: which lanes count at all, and how much in which reading.

    Weights on a finding that takes part are no lane of their own: they change the coefficients alone. Lanes that agree
    in all else share a body.
    """

    def __init__(self, case: _Case, expansion: Expansion, names: Sequence[str]) -> None:
        self.case = case
        self.expansion = expansion
        self.names = list(names)
        self.bodies: list[dict[str, Array]] = []
        self._shares: dict[tuple[int, bytes], Array] = {}
        place: dict[tuple[tuple[str, bytes], ...], int] = {}
        members: dict[tuple[bytes, ...], list[tuple[int, int]]] = {}
        for n, lane in enumerate(case.lanes):
            body = {id: w for id, w in lane.items() if id not in names}
            key = tuple((id, w.tobytes()) for id, w in sorted(body.items()))
            if key not in place:
                place[key] = len(self.bodies)
                self.bodies.append(body)
            signs = tuple(lane[id].tobytes() if id in lane else b"" for id in names)
            members.setdefault(signs, []).append((n, place[key]))
        self._sums = [(np.array(own), self._of(case.lanes[own[0][0]])) for own in members.values()]
        first = {int(b) for own, _ in self._sums[1:] for _, b in own}
        self._several = np.array(sorted({0, *first}))
        self._rest = np.array([b for b in range(len(self.bodies)) if b not in {0, *first}], dtype=np.int64)
        counts = [np.flatnonzero((table != 0).any(axis=0)) for _, table in self._sums]
        # A finding above one that need not be absent may be anything: most such lanes count in no reading.
        self._kept = np.unique(np.concatenate(counts)), counts[0]
        self.cost = len(self._kept[0]) * len(self._several) + len(self._kept[1]) * len(self._rest)

    def batches(self, lanes: int) -> Iterator[tuple[Places, Places, list[tuple[Places, Places, Array]]]]:
        """Yield bodies, the lanes of the sum that count for them, and the sums to take.

        A sum is some lanes of the case, their places among the bodies, and coefficients, shape (readings, lanes kept).
        """
        for bodies, kept in zip((self._several, self._rest), self._kept, strict=True):
            step = max(1, lanes // len(kept))
            for start in range(0, len(bodies), step):
                chosen = bodies[start : start + step]
                sums = []
                for own, table in self._sums:
                    inside = np.isin(own[:, 1], chosen)
                    if inside.any():
                        places = np.searchsorted(chosen, own[inside, 1])
                        sums.append((own[inside, 0], places, table[:, kept]))
                yield chosen, kept, sums

    def _of(self, lane: Mapping[str, Array]) -> Array:
        found = np.ones((self.case.count, len(self.expansion.choice)))
        for id, leaf in zip(self.names, self.expansion.leaves, strict=True):
            for r in range(self.case.count):
                own = self.case.readings[id][:, r] if id in self.case.readings else self.case.known(id)
                found[r] *= self._share(leaf.index, own * lane[id] if id in lane else own)
        return found

    def _share(self, index: int, weights: Array) -> Array:
        key = (index, weights.tobytes())
        if key not in self._shares:
            self._shares[key] = self.expansion.share(index, weights)
        return self._shares[key]


class _Run:
    """The skeleton's plan, with a lane for each lane of the case, kind of reading and lane of the signed sum."""

    def __init__(self, case: _Case, expansion: Expansion, signs: _Signs, kinds: Sequence[Mapping[str, Array]]) -> None:
        self.case = case
        self.kinds = len(kinds)
        names, variables = signs.names, case.inference.network.variables
        varied = [id for id in dict.fromkeys([*case.weighted(), *kinds[0], *case.weights]) if id not in names]
        hard = {id: s for id, s in case.evidence.hard.items() if id not in names and id not in varied}
        self.rest = Evidence(hard, {}, {})
        self.scale = np.ones(len(expansion.choice))
        self.by_sign: dict[str, Array] = {}
        for k, leaf in enumerate(expansion.leaves):
            for i, factor in _factors(leaf, expansion.choice[:, k]):
                id = "" if i is None else variables[i].id
                if i is None:
                    self.scale = self.scale * factor
                elif id in hard:
                    self.scale = self.scale * factor[hard[id]]
                elif id not in names:
                    self.by_sign[id] = self.by_sign[id] * factor if id in self.by_sign else factor
        plain = {id: np.stack([kind.get(id, case.known(id)) for kind in kinds], axis=-1) for id in varied}
        self.by_body = {
            id: np.stack([body[id][:, None] * own if id in body else own for body in signs.bodies], axis=1)
            for id, own in plain.items()
        }

    def answer(self, bodies: Places, kept: Places) -> tuple[Array, dict[str, Array]]:
        """Return P(lane) scaled alike, shape (bodies, kinds, kept), and posteriors, shape (states, the same)."""
        shape = (len(bodies), self.kinds, len(kept))
        count = math.prod(shape)
        ids = list(dict.fromkeys([*self.by_body, *self.by_sign]))

        def run(start: int) -> tuple[Array, dict[str, Array]]:
            body, kind, sign = np.unravel_index(np.arange(start, min(start + SIGNED_LANES, count)), shape)
            weights = {}
            for id in ids:
                own = self.by_body[id][:, bodies[body], kind] if id in self.by_body else 1.0
                weights[id] = np.asarray(own * self.by_sign[id][:, kept[sign]] if id in self.by_sign else own)
            return self.case.inference.lanes(self.rest, weights, self.case.targets)

        starts = range(0, count, SIGNED_LANES)
        # The first run makes the plan that the others share.
        blocks = [run(0)]
        if len(starts) > 1:
            with ThreadPoolExecutor(min(len(starts), os.cpu_count() or 1)) as pool:
                blocks += pool.map(run, starts[1:])
        log_evidence = np.concatenate([log for log, _ in blocks])
        return np.exp(log_evidence).reshape(shape) * self.scale[kept], {
            id: np.concatenate([m[id] for _, m in blocks], axis=1).reshape(-1, *shape) for id in self.case.targets
        }


def _factors(leaf: Any, choice: NDArray[np.int64]) -> list[tuple[int | None, Array]]:
    """Return what a finding's choices multiply in: variable (None for all) to shape ([states], lanes of the sum).

    Choice t < size - 1 reads "at most t", size - 1 "anything"; for a finding that can be held back, size reads "not
    held back".
    """
    top = leaf.size - 1
    threshold = np.minimum(choice, top)
    found: list[tuple[int | None, Array]] = []
    for term in leaf.noisy.terms:
        upto = np.cumsum(term.values, axis=-1)
        upto[..., -1] = 1.0
        found.append((term.parent, upto[..., threshold]))
    for i, passing in leaf.passes.items():
        found.append((i, np.where(choice == top, 1.0, passing[:, None])))
    return found
