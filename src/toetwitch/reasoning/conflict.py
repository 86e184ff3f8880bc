"""Whether the findings fit together, whether each fits the rest, and how surprising the whole picture is.

Findings that belong together are more probable jointly than apart. Hugin's measure, ln(prod P(finding) / P(all)), is
positive when they are less so. That may be conflict (a slip, a wrong answer, a case from outside the model) or a rare
case: if some hypothesis, added to the findings, takes the measure to zero or below, it reconciles them. The measure is
localised by leaving each finding out, and by pairs. How surprising the picture as a whole is under the model, whichever
way its findings pull, is the probability that a case drawn from the model, asked the same questions, is at most as
probable: by simulation where a source of chance is given, and always by a bound that needs none.

References
----------
Jensen, Chamberlain, Nordahl & Jensen (1990), Analysis in HUGIN of data conflict. UAI 1990, 519-528. arXiv:1304.1146
"""

from __future__ import annotations

__all__ = ["Conflict", "Fit", "conflict"]

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from toetwitch.errors import EvidenceError
from toetwitch.evidence import Evidence
from toetwitch.frozen import FrozenMapping
from toetwitch.inference import ExactInference
from toetwitch.inference.simulation import simulate
from toetwitch.reasoning.cards import conflict_card
from toetwitch.reasoning.subsets import LANES_AT_ONCE, item_weights

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fit:
    """How one finding fits the rest.

    Parameters
    ----------
    id
        The finding.
    conflict
        ln(P(finding) P(rest) / P(all)): positive when it fits the rest badly.
    alone, given_rest
        P(finding) with nothing else known, and given all the other findings; for soft evidence, of its weights scaled
        to a largest of one.
    expected
        State to P(state | all the other findings).
    """

    id: str
    conflict: float
    alone: float
    given_rest: float
    expected: Mapping[str, float]

    def __post_init__(self) -> None:
        object.__setattr__(self, "expected", FrozenMapping(dict(self.expected)))


@dataclass(frozen=True, slots=True)
class Conflict:
    """Whether the findings fit together.

    Parameters
    ----------
    measure
        ln(prod P(finding) / P(all findings)), natural log; above zero is suspicious.
    fits
        One for each finding, the least fitting first.
    pairs
        Pairs of findings to ln(P(a) P(b) / P(a, b)).
    reconciled_by
        When the measure is positive: the most probable hypothesis (id, state) that takes it to zero or below, and
        makes this a rare case; else None.
    log_evidence
        Natural log of P(all findings), soft weights scaled to a largest of one.
    surprise
        P(a case drawn from the model and asked the same is at most as probable), by simulation; None without it.
    surprise_bound
        A bound on the same: P(all findings) times the number of possible answers.
    """

    measure: float
    fits: tuple[Fit, ...]
    pairs: Mapping[tuple[str, str], float]
    reconciled_by: tuple[str, str] | None
    log_evidence: float
    surprise: float | None
    surprise_bound: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "pairs", FrozenMapping(dict(self.pairs)))

    @property
    def verdict(self) -> str:
        """One of "fits", "rare case" and "conflict"."""
        if self.measure <= 0:
            return "fits"
        return "conflict" if self.reconciled_by is None else "rare case"

    @property
    def least_fitting(self) -> str:
        """The finding that fits the rest least, or "" without findings."""
        return self.fits[0].id if self.fits else ""

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as JSON types."""
        return {
            "measure": self.measure,
            "verdict": self.verdict,
            "reconciled_by": list(self.reconciled_by) if self.reconciled_by else None,
            "fits": [
                {
                    "id": f.id,
                    "conflict": f.conflict,
                    "alone": f.alone,
                    "given_rest": f.given_rest,
                    "expected": dict(f.expected),
                }
                for f in self.fits
            ],
            "pairs": [{"ids": list(pair), "conflict": value} for pair, value in self.pairs.items()],
            "log_evidence": self.log_evidence,
            "surprise": self.surprise,
            "surprise_bound": self.surprise_bound,
        }

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame, a row a finding, the least fitting first."""
        import pandas as pd

        columns = ["conflict", "alone", "given_rest"]
        rows = [[getattr(f, name) for name in columns] for f in self.fits]
        return pd.DataFrame(rows, index=pd.Index([f.id for f in self.fits], name="finding"), columns=columns)

    def __str__(self) -> str:
        said = {
            "fits": "the findings fit together",
            "conflict": "the findings conflict, and no single hypothesis reconciles them",
            "rare case": f"a rare case, reconciled by {' = '.join(self.reconciled_by or ())}",
        }[self.verdict]
        lines = [f"Conflict {self.measure:+.2f} (natural log): {said}."]
        lines += [
            f"  {f.id:<36} {f.conflict:+6.2f}   {f.alone:.1%} alone, {f.given_rest:.1%} given the rest"
            for f in self.fits[:6]
        ]
        if self.surprise is not None:
            lines.append(f"  {self.surprise:.1%} of cases from the model, asked the same, are no more probable.")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return conflict_card(self)


def conflict(
    inference: ExactInference,
    evidence: Evidence,
    hypotheses: Sequence[str],
    *,
    rng: np.random.Generator | None = None,
    draws: int = 2000,
) -> Conflict:
    """Return whether the findings fit together, and which fits least.

    Parameters
    ----------
    inference
        The network.
    evidence
        The case. Jeffrey statements count as the weights that make them hold.
    hypotheses
        Ids whose states may reconcile the findings, for example the causes.
    rng
        The source of chance for the surprise of the whole picture, which needs all evidence to be hard; None for none.
    draws
        How many cases to draw for it.

    Raises
    ------
    EvidenceError
        When a surprise is asked for with soft evidence.
    ImpossibleEvidenceError
        When the evidence has probability zero.

    Examples
    --------
    >>> from toetwitch.evidence import read_evidence
    >>> from toetwitch.knowledge import Cpt, NetworkDefinition, Variable
    >>> tables = (
    ...     Cpt("rain", (), [0.8, 0.2]),
    ...     Cpt("wet", ("rain",), [[0.9, 0.1], [0.2, 0.8]]),
    ...     Cpt("umbrella", ("rain",), [[0.9, 0.1], [0.2, 0.8]]),
    ... )
    >>> inference = ExactInference(NetworkDefinition(tuple(map(Variable, ("rain", "wet", "umbrella"))), tables))
    >>> case = read_evidence({"wet": True, "umbrella": False}, inference.network.by_id)
    >>> answer = conflict(inference, case, ["rain"])
    >>> round(answer.measure, 3), answer.verdict
    (0.562, 'conflict')
    """
    posterior = inference.posterior(evidence, hypotheses).marginals
    prior = inference.posterior(Evidence({}, {}, {}), hypotheses).marginals
    items = {id: weights / weights.max() for id, weights in item_weights(inference, evidence).items()}
    ids = list(items)
    n = len(ids)
    pairs = list(itertools.combinations(range(n), 2))
    known = np.zeros((1 + 2 * n + len(pairs), n), dtype=bool)
    known[0] = True
    known[1 : 1 + n] = np.eye(n, dtype=bool)
    known[1 + n : 1 + 2 * n] = ~np.eye(n, dtype=bool)
    for row, pair in enumerate(pairs, start=1 + 2 * n):
        known[row, list(pair)] = True
    logs, given = _evaluate(inference, items, known)
    whole, alone, rest = float(logs[0]), logs[1 : 1 + n], logs[1 + n : 1 + 2 * n]
    fits = [
        Fit(
            id,
            float(alone[k] + rest[k] - whole),
            math.exp(alone[k]),
            math.exp(whole - rest[k]),
            dict(zip(inference.network.by_id[id].states, map(float, given[id][:, 1 + n + k]), strict=True)),
        )
        for k, id in enumerate(ids)
    ]
    fits.sort(key=lambda f: (-f.conflict, f.id))
    measure = float(alone.sum() - whole) if n else 0.0
    answers = math.log(math.prod(len(weights) for weights in items.values()))
    return Conflict(
        measure,
        tuple(fits),
        {(ids[a], ids[b]): float(alone[a] + alone[b] - logs[1 + 2 * n + m]) for m, (a, b) in enumerate(pairs)},
        _reconciler(inference, measure, evidence, prior, posterior),
        whole,
        None if rng is None else _surprise(inference, evidence, whole, draws, rng),
        math.exp(min(0.0, whole + answers)),
    )


def _evaluate(
    inference: ExactInference, items: Mapping[str, Array], known: NDArray[np.bool_]
) -> tuple[Array, dict[str, Array]]:
    """Return log P of each subset of the items, and each item's posterior under it, shape (states, subsets)."""
    if not items:
        return np.zeros(len(known)), {}
    logs: list[Array] = []
    given: dict[str, list[Array]] = {id: [] for id in items}
    for start in range(0, len(known), LANES_AT_ONCE):
        block = known[start : start + LANES_AT_ONCE]
        varied = {id: np.where(block[:, k], weights[:, None], 1.0) for k, (id, weights) in enumerate(items.items())}
        log_evidence, marginals = inference.lanes(Evidence({}, {}, {}), varied, list(items))
        logs.append(log_evidence)
        for id in items:
            given[id].append(marginals[id])
    return np.concatenate(logs), {id: np.concatenate(parts, axis=1) for id, parts in given.items()}


def _reconciler(
    inference: ExactInference,
    measure: float,
    evidence: Evidence,
    prior: Mapping[str, Array],
    posterior: Mapping[str, Array],
) -> tuple[str, str] | None:
    """Return the most probable hypothesis with which the findings are no longer in conflict."""
    best: tuple[float, str, str] | None = None
    if measure <= 0:
        return None
    for id, after in posterior.items():
        if id in evidence.ids:
            continue
        for s, state in enumerate(inference.network.by_id[id].states):
            if after[s] > 0 and prior[id][s] > 0:
                left = measure + math.log(prior[id][s]) - math.log(after[s])
                if left <= 0 and (best is None or after[s] > best[0]):
                    best = (float(after[s]), id, state)
    return None if best is None else best[1:]


def _surprise(
    inference: ExactInference, evidence: Evidence, whole: float, draws: int, rng: np.random.Generator
) -> float:
    if evidence.soft or evidence.jeffrey:
        soft = next(iter((*evidence.soft, *evidence.jeffrey)))
        raise EvidenceError(f"soft evidence on {soft!r}; expected hard evidence alone for the surprise of a picture")
    drawn = simulate(inference, draws, rng)
    sizes = {id: len(inference.network.by_id[id].states) for id in evidence.hard}
    at_most = 0
    for start in range(0, draws, LANES_AT_ONCE):
        block = slice(start, min(start + LANES_AT_ONCE, draws))
        varied = {id: np.eye(size)[:, drawn[id][block]] for id, size in sizes.items()}
        logs = inference.lanes(Evidence({}, {}, {}), varied, [])[0] if varied else np.zeros(block.stop - block.start)
        at_most += int((logs <= whole + 1e-9).sum())
    # The case itself counts as one draw, so that no picture is said to be impossible by simulation.
    return (at_most + 1) / (draws + 1)
