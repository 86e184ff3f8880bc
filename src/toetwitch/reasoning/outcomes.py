"""Every target after every answer, from lanes over answers.

Each product of each answer's form (`toetwitch.reasoning.forms`) is one lane of a plan that holds the evidence and the
targets alone, and a pass down that plan gives all targets at once. Where the present findings can be written as signed
sums (`toetwitch.inference.expansion`), the plan is the bare skeleton of context and causes, and all readings of the
evidence come from the same lanes.
"""

from __future__ import annotations

__all__ = ["Outcomes", "outcomes"]

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toetwitch.evidence import Evidence
from toetwitch.inference import ExactInference
from toetwitch.inference.expansion import Expansion
from toetwitch.reasoning.forms import Product

Array = NDArray[np.float64]

MOST_LANES = 2**17
"""Lanes of signed sums a call: about a second on the toe model."""

LANES_A_RUN = 2**13
"""Lanes of signed sums that are held at once."""

PLAIN_LANES = 128
"""Lanes a run of the plan without signs."""

GAIN_AMPLIFICATION = 1e6
"""Rounding of 1e-16 grows to at most about 1e-10."""


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
        Readings of probability zero have zeros. None when signed sums do not fit and there are more lanes of the plan
        without signs than `MOST_LANES`.
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
        if len(lanes) * count > MOST_LANES:
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
        probe = self._expansion(allowance, free, kinds)
        if probe is None or len(probe.choice) * len(kinds) * len(self.lanes) > MOST_LANES:
            return None
        names = [self.inference.network.variables[leaf.index].id for leaf in probe.leaves]
        ids = [id for id in dict.fromkeys([*self.weighted(), *kinds[0]]) if id not in names]
        group = max(1, LANES_A_RUN // (len(probe.choice) * len(kinds)))
        plain = [{id: kind[id] if id in kind else self.known(id) for id in ids} for kind in kinds]
        totals, joints = [], []
        for start in range(0, len(self.lanes), group):
            chosen = self.lanes[start : start + group]
            variants = [
                own | {id: own[id] * w for id, w in lane.items() if id in own} for lane in chosen for own in plain
            ]
            expansion = self._expansion(allowance, free, variants)
            if expansion is None:
                return None
            total, absolute, joint = self._read(expansion, names, chosen, len(kinds), kind_of)
            if start == 0 and not _accurate(total[0], absolute[0], amplification):
                return None
            totals.append(total)
            joints.append(joint)
        joined = {id: np.concatenate([joint[id] for joint in joints], axis=1) for id in self.targets}
        return np.concatenate(totals), joined

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

    def _read(
        self,
        expansion: Expansion,
        names: Sequence[str],
        chosen: Sequence[Mapping[str, Array]],
        kinds: int,
        kind_of: NDArray[np.int64],
    ) -> tuple[Array, Array, dict[str, Array]]:
        """Return sums over the signed lanes: P(lane, e), its sum of absolute values, and P(target, lane, e)."""
        width = expansion.log_lane.shape[1]
        highest = float(expansion.log_lane.max())
        scale = np.exp(expansion.log_lane - highest) if math.isfinite(highest) else np.zeros_like(expansion.log_lane)
        # The scale of the first lane holds for all groups.
        scale = (scale * math.exp(highest)).reshape(len(chosen), kinds, width)
        posterior = {
            id: expansion.posterior[self.inference.index(id)].reshape(-1, len(chosen), kinds, width)
            for id in self.targets
        }
        coefficients = _Coefficients(self, expansion, names)
        total = np.zeros((len(chosen), self.count))
        absolute = np.zeros_like(total)
        joint = {id: np.zeros((len(table), *total.shape)) for id, table in posterior.items()}
        for members, signs in coefficients.groups(chosen):
            for kind in range(kinds):
                of_kind = np.flatnonzero(kind_of == kind)
                own = signs[of_kind].T
                parts = scale[members, kind]
                place = np.ix_(members, of_kind)
                total[place] = parts @ own
                absolute[place] = parts @ np.abs(own)
                for id, table in posterior.items():
                    joint[id][:, members[:, None], of_kind] = (table[:, members, kind] * parts) @ own
        return total, absolute, joint


def _accurate(total: Array, absolute: Array, amplification: float) -> bool:
    return bool((total > 0).all() and (absolute <= amplification * total).all())


class _Coefficients:
    """Signs and weights of the lanes of a signed sum, for each reading and each group of lanes that share them."""

    def __init__(self, case: _Case, expansion: Expansion, names: Sequence[str]) -> None:
        self.case = case
        self.expansion = expansion
        self.names = list(names)
        self.kept: dict[tuple[int, bytes], Array] = {}

    def groups(self, chosen: Sequence[Mapping[str, Array]]) -> list[tuple[NDArray[np.int64], Array]]:
        """Return indices of lanes with their coefficients, shape (readings, lanes of the sum)."""
        members: dict[tuple[bytes, ...], list[int]] = {}
        for n, lane in enumerate(chosen):
            members.setdefault(tuple(lane[id].tobytes() if id in lane else b"" for id in self.names), []).append(n)
        return [(np.array(own), self._of(chosen[own[0]])) for own in members.values()]

    def _of(self, lane: Mapping[str, Array]) -> Array:
        found = np.ones((self.case.count, len(self.expansion.choice)))
        for id, leaf in zip(self.names, self.expansion.leaves, strict=True):
            for r in range(self.case.count):
                own = self.case.readings[id][:, r] if id in self.case.readings else self.case.known(id)
                found[r] *= self._share(leaf.index, own * lane[id] if id in lane else own)
        return found

    def _share(self, index: int, weights: Array) -> Array:
        key = (index, weights.tobytes())
        if key not in self.kept:
            self.kept[key] = self.expansion.share(index, weights)
        return self.kept[key]
