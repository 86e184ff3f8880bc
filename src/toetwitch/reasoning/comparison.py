"""What changed between two cases of the same network, and why each posterior moved.

The difference in a target's log-odds is shared out among what changed: each change's part is its Shapley value, the
mean over all orders in which the changes could have come, so the parts add up to the difference. An answer withdrawn
is a change like any other. In a model the rules that fired or fell silent stand beside them.
"""

from __future__ import annotations

__all__ = ["MOST_CHANGES", "Change", "Comparison", "Movement", "compare"]

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from toetwitch.errors import EvidenceError
from toetwitch.evidence import Evidence
from toetwitch.frozen import FrozenMapping
from toetwitch.inference import ExactInference
from toetwitch.reasoning.assessment import described
from toetwitch.reasoning.cards import comparison_card
from toetwitch.reasoning.subsets import item_weights

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

LANES = 128
"""Mixtures a run: all targets are asked for, and their tables are to stay in cache."""

MOST_CHANGES = 14
"""16,384 mixtures of the two cases."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is said of one variable in either case; None where nothing is.

    Parameters
    ----------
    id
        The variable.
    before, after
        A state (a bool for a binary variable), soft evidence as a mapping, or None.
    """

    id: str
    before: object
    after: object

    @property
    def kind(self) -> str:
        """One of "added", "withdrawn" and "changed"."""
        if self.before is None:
            return "added"
        return "withdrawn" if self.after is None else "changed"


@dataclass(frozen=True, slots=True)
class Movement:
    """How one posterior moved.

    Parameters
    ----------
    before, after
        P(target in its last state | either case).
    contributions
        Changed id to its part of the difference in natural log-odds; empty where a posterior is certain, or a mixture
        of the two cases impossible.
    """

    before: float
    after: float
    contributions: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "contributions", FrozenMapping(dict(self.contributions)))

    @property
    def log_odds_difference(self) -> float:
        """After less before, in natural log-odds; infinite or NaN where a posterior is certain."""
        with np.errstate(divide="ignore", invalid="ignore"):
            odds = np.log([self.after, self.before]) - np.log1p([-self.after, -self.before])
            return float(odds[0] - odds[1])


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed between two cases.

    Parameters
    ----------
    changes
        What was added, withdrawn or changed, in the order of the evidence. A Jeffrey statement that both cases make
        is among them when other evidence changes the weights that make it hold.
    targets
        Target to how its posterior moved.
    level_before, level_after
        The levels; "" for a network without rules.
    fired, silent
        Rules that fire only after, and only before.
    """

    changes: tuple[Change, ...]
    targets: Mapping[str, Movement]
    level_before: str = ""
    level_after: str = ""
    fired: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "targets", FrozenMapping(dict(self.targets)))

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON types."""
        return {
            "changes": [{"id": c.id, "kind": c.kind, "before": c.before, "after": c.after} for c in self.changes],
            "targets": {
                id: {"before": m.before, "after": m.after, "contributions": dict(m.contributions)}
                for id, m in self.targets.items()
            },
            "level_before": self.level_before,
            "level_after": self.level_after,
            "fired": list(self.fired),
            "silent": list(self.silent),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame, a row a target, most moved first: before, after, and a column for each change."""
        import pandas as pd

        order = sorted(self.targets, key=lambda id: -abs(self.targets[id].after - self.targets[id].before))
        rows = {
            id: {"before": m.before, "after": m.after, **m.contributions}
            for id, m in ((id, self.targets[id]) for id in order)
        }
        columns = ["before", "after", *(change.id for change in self.changes)]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("target")

    def __str__(self) -> str:
        lines = []
        if self.level_after:
            same = self.level_before == self.level_after
            lines.append(f"Level: {self.level_after}" + ("" if same else f" (was {self.level_before})"))
        lines += [f"  {c.kind}: {c.id} {c.before!r} -> {c.after!r}" for c in self.changes]
        order = sorted(self.targets, key=lambda id: -abs(self.targets[id].after - self.targets[id].before))
        for id in order[:5]:
            m = self.targets[id]
            why = ", ".join(f"{name} {part:+.2f}" for name, part in m.contributions.items() if abs(part) > 0.005)
            lines.append(f"  {id:<36} {m.before:>6.1%} -> {m.after:>6.1%}" + (f"   ({why})" if why else ""))
        return "\n".join(lines) or "Nothing changed."

    def _repr_html_(self) -> str:
        return comparison_card(self)


def compare(inference: ExactInference, before: Evidence, after: Evidence, targets: Sequence[str]) -> Comparison:
    """Return what changed between two cases, and why each target's posterior moved.

    Parameters
    ----------
    inference
        The network.
    before, after
        The cases. Jeffrey statements count as the weights that make them hold in their own case.
    targets
        Ids.

    Raises
    ------
    ImpossibleEvidenceError
        When either case has probability zero.
    EvidenceError
        For more than `MOST_CHANGES` changes.

    Examples
    --------
    >>> from toetwitch.evidence import read_evidence
    >>> from toetwitch.knowledge import Cpt, NetworkDefinition, Variable
    >>> tables = (Cpt("rain", (), [0.8, 0.2]), Cpt("wet", ("rain",), [[0.9, 0.1], [0.2, 0.8]]))
    >>> inference = ExactInference(NetworkDefinition((Variable("rain"), Variable("wet")), tables))
    >>> by_id = inference.network.by_id
    >>> print(compare(inference, read_evidence({"wet": False}, by_id), read_evidence({"wet": True}, by_id), ["rain"]))
      changed: wet False -> True
      rain                                   5.3% ->  66.7%   (wet +3.58)
    """
    first, second = inference.posterior(before, targets).marginals, inference.posterior(after, targets).marginals
    was, now = item_weights(inference, before), item_weights(inference, after)
    said_before, said_after = described(before, inference), described(after, inference)
    ids = [
        id
        for id in dict.fromkeys([*was, *now])
        if said_before.get(id) != said_after.get(id) or not np.allclose(was[id], now[id], rtol=1e-12, atol=0)
    ]
    if len(ids) > MOST_CHANGES:
        raise EvidenceError(f"{len(ids)} changes between the cases; expected at most {MOST_CHANGES}")
    free = [id for id in targets if id not in ids and not _certain(first[id]) and not _certain(second[id])]
    parts = _contributions(inference, was, now, ids, free) if ids and free else {}
    return Comparison(
        tuple(Change(id, said_before.get(id), said_after.get(id)) for id in ids),
        {id: Movement(float(first[id][-1]), float(second[id][-1]), parts.get(id, {})) for id in targets},
    )


def _certain(posterior: Array) -> bool:
    return bool(posterior[-1] in (0.0, 1.0))


def _contributions(
    inference: ExactInference,
    was: Mapping[str, Array],
    now: Mapping[str, Array],
    ids: Sequence[str],
    targets: list[str],
) -> dict[str, dict[str, float]]:
    """Return target to changed id to Shapley value; {} where a mixture of the cases is impossible."""
    n = len(ids)
    masks = np.arange(2**n)
    taken = (masks[:, None] >> np.arange(n)) & 1 == 1
    shared = Evidence({}, {id: weights for id, weights in now.items() if id not in ids}, {})
    worth: dict[str, list[Array]] = {id: [] for id in targets}
    for start in range(0, len(masks), LANES):
        block = taken[start : start + LANES]
        varied = {}
        for k, id in enumerate(ids):
            unknown = np.ones(len(inference.network.by_id[id].states))
            varied[id] = np.where(block[:, k], now.get(id, unknown)[:, None], was.get(id, unknown)[:, None])
        log_evidence, marginals = inference.lanes(shared, varied, targets)
        if np.isinf(log_evidence).any():
            return {}
        for id in targets:
            with np.errstate(divide="ignore"):
                worth[id].append(np.log(marginals[id][-1]) - np.log(marginals[id][:-1].sum(axis=0)))
    share = np.array([math.factorial(s) * math.factorial(n - s - 1) / math.factorial(n) for s in range(n)])
    size = taken.sum(axis=1)
    found = {}
    for target in targets:
        value = np.concatenate(worth[target])
        if not np.isfinite(value).all():
            continue
        found[target] = {
            id: float((share[size[w]] * (value[w | 1 << k] - value[w])).sum())
            for k, id in enumerate(ids)
            for w in [masks[~taken[:, k]]]
        }
    return found
