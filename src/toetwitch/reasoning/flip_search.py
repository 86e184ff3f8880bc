"""The search for the smallest change of one or two stated numbers that changes the answer: see `reasoning.flips`.

Changes are tried on lanes, the model solved again in each, and what flips is bracketed between a length that does not
and one that does.
"""

from __future__ import annotations

__all__ = ["KINDS", "TOLD", "Bracket", "FlipSearch", "Steps", "Tried"]

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toetwitch.evidence import Evidence
from toetwitch.inference import ExactInference
from toetwitch.knowledge.parameters import Parameter
from toetwitch.knowledge.red_flag import TRIAGE_LEVELS, RuleBook, level_rank
from toetwitch.reasoning.parameter_lanes import numbers_at, run_numbers
from toetwitch.reasoning.ranking import information_gains, leaders
from toetwitch.reasoning.sensitivity import scaled
from toetwitch.reasoning.triage import posterior_level

Array = NDArray[np.float64]

STEPS = (-4.0, -0.5, 0.5, 4.0)
"""Log-odds steps at which every number is tried; the nearest that flips is then refined."""

LOCAL = 0.5
"""The step from which a number's part in a pair is predicted."""

KINDS = ("leading", "level")

STEEPEST = 10
"""For each rival or threshold, pairs of the numbers that bring it nearest are predicted."""

PAIRS = 16
"""How many pairs of each kind are solved, those with the shortest predicted change first."""

FARTHEST = 6.0
"""Pairs that are predicted to need more than this are not tried."""

RADII = (0.5, 0.7, 0.85, 0.95, 1.05, 1.2, 1.5, 2.0, 3.0)
"""Multiples of the predicted length at which a pair is tried."""

FANNED = 4
SPREADS = ((-45, -30, -15, 15, 30, 45), (-8, -4, 4, 8))
"""Fans of directions for the best pairs of each kind, in degrees from the steepest, then from the best of these."""

NEARER = (0.8, 0.9, 0.95, 0.98, 1.0)
"""Multiples of the shortest length yet at which another direction is tried."""

CUTS, ROUNDS, CLOSE = 4, 10, 1e-5
"""Brackets are cut in four, then by secants on the margin until they are this narrow, or for this many rounds."""

TOLD = 4
"""How many changes of each kind are told."""


Steps = tuple[tuple[Parameter, float], ...]
"""Numbers with their changes in log-odds."""


@dataclass(frozen=True, slots=True)
class Bracket:
    """A direction, a length that does not flip, a larger one that does, and the margins at both where known."""

    kind: str
    direction: Steps
    inner: float
    outer: float
    short: float = math.nan
    past: float = math.nan

    @property
    def open(self) -> bool:
        """Whether it is still to be narrowed."""
        return self.outer - self.inner > CLOSE * self.outer

    def cuts(self) -> list[float]:
        """Return lengths between the two: around where the margin would vanish if it were straight, where known."""
        width = self.outer - self.inner
        if not (self.short < 0 <= self.past):
            return [self.inner + width * cut / CUTS for cut in range(1, CUTS)]
        straight = self.short / (self.short - self.past)
        parts = {straight - 0.02, straight - 0.001, straight, straight + 0.001, straight + 0.02, 0.25, 0.5, 0.75}
        return [self.inner + width * part for part in sorted(parts) if 0 < part < 1]

    def at(self, length: float) -> Steps:
        """Return the change of this length."""
        return tuple((p, part * length) for p, part in self.direction)


@dataclass(frozen=True, slots=True, eq=False)
class Tried:
    """What some changes come to.

    `margins` has, by kind, how far each way of flipping is from doing so (above zero: it has), shape (ways, changes).
    """

    leads: NDArray[np.object_]
    levels: NDArray[np.int64]
    margins: Mapping[str, Array]
    now: tuple[str, int]

    def flipped(self, kind: str) -> NDArray[np.bool_]:
        """Return which changes flip the leading rival, or the level."""
        return np.asarray(self.leads != self.now[0] if kind == "leading" else self.levels != self.now[1])

    def becomes(self, kind: str, n: int) -> str:
        """Return which rival leads, or what the level is, after a change."""
        return str(self.leads[n]) if kind == "leading" else TRIAGE_LEVELS[int(self.levels[n])]


class FlipSearch:
    """The search for flips of one case."""

    def __init__(
        self,
        inference: ExactInference,
        evidence: Evidence,
        rivals: list[str],
        book: RuleBook | None,
        mattering: list[Parameter],
    ) -> None:
        self.inference, self.evidence, self.rivals, self.mattering = inference, evidence, rivals, mattering
        rules = () if book is None else book.posterior_rules
        self.thresholds = [
            (id, rule.probability_at_least, level_rank(rule.level))
            for rule in rules
            for id in rule.causes
            if id in rivals
        ]
        self.book = book
        now = inference.posterior(evidence, rivals).marginals
        before = inference.posterior(Evidence({}, {}, {}), rivals).marginals
        posterior, prior = ({id: table[id][-1:] for id in rivals} for table in (now, before))
        self.now = str(leaders(posterior, prior)[0]), int(self._levels(posterior)[0])
        self.margins = self._margins(posterior, prior)

    # -- trying changes -------------------------------------------------------------------------------------------

    def tried(self, changes: Sequence[Steps]) -> Tried:
        """Return what changes come to; one under which no model exists flips nothing."""
        rows = [{p.path: scaled(p, math.exp(step)) for p, step in steps} for steps in changes]
        numbers = numbers_at(rows, self.mattering)
        found = run_numbers(self.inference, self.evidence, numbers, len(rows), self.rivals, priors=True)
        posterior = {id: found.marginals[id][-1] for id in self.rivals}
        leads = leaders(posterior, found.priors)
        levels = self._levels({id: np.nan_to_num(table) for id, table in posterior.items()})
        return Tried(
            np.where(found.valid & (leads != ""), leads, self.now[0]),
            np.where(found.valid, levels, self.now[1]),
            self._margins(posterior, found.priors),
            self.now,
        )

    def _levels(self, posterior: Mapping[str, Array]) -> NDArray[np.int64]:
        shape = next(iter(posterior.values())).shape
        if self.book is None or not self.thresholds:
            return np.zeros(shape, dtype=np.int64)
        return np.broadcast_to(posterior_level(posterior, self.book), shape).astype(np.int64)

    def _margins(self, posterior: Mapping[str, Array], prior: Mapping[str, Array]) -> dict[str, Array]:
        gains = information_gains(posterior, prior)
        ahead = gains[self.now[0]]
        ways = [gain - ahead for id, gain in gains.items() if id != self.now[0]]
        past = [(_log_odds(posterior[id]) - _log_odds(np.array(p)), rank) for id, p, rank in self.thresholds]
        rise = [way for way, rank in past if rank > self.now[1]]
        held = [way for way, rank in past if rank == self.now[1] and self.now[1] > 0]
        # The level falls when the last rule that holds it does.
        fall = [-np.max(held, axis=0)] if held else []
        none = np.zeros((0, len(ahead)))
        return {"leading": np.stack(ways) if ways else none, "level": np.stack(rise + fall) if rise or fall else none}

    # -- one number -----------------------------------------------------------------------------------------------

    def singles(self) -> list[Bracket]:
        """Return a bracket for each number that flips at some step, having noted what each does nearby."""
        changes = [((p, step),) for p in self.mattering for step in STEPS]
        tried = self.tried(changes)
        steps = np.array(STEPS)
        self.slopes = {}
        for kind in KINDS:
            margins = tried.margins[kind].reshape(-1, len(self.mattering), len(STEPS))
            local = margins[..., np.abs(steps) == LOCAL] - self.margins[kind][:, :, None]
            self.slopes[kind] = np.nan_to_num(local, nan=0.0, neginf=0.0) / LOCAL
        found = []
        for kind in KINDS:
            hits = tried.flipped(kind).reshape(len(self.mattering), len(STEPS))
            for p, own in zip(self.mattering, hits, strict=True):
                if own.any():
                    nearest = float(min(steps[own], key=abs))
                    inner = max(
                        (float(abs(s)) for s in steps[~own] if s * nearest > 0 and abs(s) < abs(nearest)), default=0.0
                    )
                    found.append(Bracket(kind, ((p, math.copysign(1.0, nearest)),), inner, abs(nearest)))
        return found

    # -- two numbers ----------------------------------------------------------------------------------------------

    def pairs(self) -> list[Bracket]:
        """Return a bracket for each pair that flips, the shortest predicted ones of each kind tried."""
        tries: list[tuple[str, Steps]] = []
        for kind in KINDS:
            tries += [(kind, steps) for steps in self._predicted(kind)]
        return self._fanned(tries)

    def _predicted(self, kind: str) -> list[Steps]:
        """Return the pairs with the shortest predicted change, each as the steepest change of that length."""
        shortest: dict[tuple[int, int], tuple[float, Steps]] = {}
        for way, slopes in zip(self.margins[kind][:, 0], self.slopes[kind], strict=True):
            if not (math.isfinite(way) and way < 0):
                continue
            best = np.argmax(slopes, axis=1)
            slope = slopes[np.arange(len(slopes)), best]
            top = [int(i) for i in np.argsort(-slope)[:STEEPEST] if slope[i] > 0]
            for i, j in itertools.combinations(top, 2):
                if _same_row(self.mattering[i], self.mattering[j]):
                    continue
                steepness = float(slope[i] ** 2 + slope[j] ** 2)
                length = -float(way) / math.sqrt(steepness)
                signs = [-1.0 if best[k] == 0 else 1.0 for k in (i, j)]
                steps = tuple(
                    (self.mattering[k], sign * float(slope[k]) * -float(way) / steepness)
                    for k, sign in zip((i, j), signs, strict=True)
                )
                key = (min(i, j), max(i, j))
                if length <= FARTHEST and (key not in shortest or length < shortest[key][0]):
                    shortest[key] = (length, steps)
        return [steps for _, steps in sorted(shortest.values(), key=lambda found: found[0])[:PAIRS]]

    def _fanned(self, tries: Sequence[tuple[str, Steps]]) -> list[Bracket]:
        """Return the shortest bracket of each pair over two fans of directions, the second within the first's best."""
        found = self._along([(kind, steps) for kind, steps in tries], RADII)
        for spread in SPREADS:
            found = self._best(found)
            turned = [
                (b.kind, steps)
                for b in found
                for angle in spread
                if (steps := _turned(b.at(b.outer), angle)) is not None
            ]
            found += self._along(turned, NEARER)
        return self._best(found)

    def _along(self, tries: Sequence[tuple[str, Steps]], radii: Sequence[float]) -> list[Bracket]:
        """Return a bracket for each try that flips at some of its multiples."""
        if not tries:
            return []
        changes = [tuple((p, step * radius) for p, step in steps) for _, steps in tries for radius in radii]
        tried = self.tried(changes)
        hits = {kind: tried.flipped(kind).reshape(len(tries), len(radii)) for kind in KINDS}
        found = []
        for n, (kind, steps) in enumerate(tries):
            if hits[kind][n].any():
                first = int(np.argmax(hits[kind][n]))
                length = math.sqrt(sum(step**2 for _, step in steps))
                direction = tuple((p, step / length) for p, step in steps)
                inner = radii[first - 1] * length if first else 0.0
                found.append(Bracket(kind, direction, inner, radii[first] * length))
        return found

    def _best(self, brackets: Sequence[Bracket]) -> list[Bracket]:
        """Return the shortest bracket of each pair, the shortest pairs of each kind."""
        best: dict[tuple[str, ...], Bracket] = {}
        for bracket in sorted(brackets, key=lambda b: b.outer):
            best.setdefault((bracket.kind, *sorted(p.path for p, _ in bracket.direction)), bracket)
        found = []
        for kind in KINDS:
            found += [b for b in best.values() if b.kind == kind][:FANNED]
        return found

    # -- refining -------------------------------------------------------------------------------------------------

    def refined(self, brackets: Sequence[Bracket]) -> list[Bracket]:
        """Return the brackets that may hold one of the smallest changes, cut down."""
        chosen = list(brackets)
        for _ in range(ROUNDS):
            kept = []
            for kind, size in itertools.product(KINDS, (1, 2)):
                own = sorted((b for b in chosen if b.kind == kind and len(b.direction) == size), key=lambda b: b.outer)
                kept += [b for b in own if b.inner <= own[min(TOLD, len(own)) - 1].outer]
            chosen = self._narrowed(kept)
            if not any(b.open for b in chosen):
                break
        return chosen

    def _narrowed(self, brackets: Sequence[Bracket]) -> list[Bracket]:
        """Return the brackets, the open ones narrowed to the first of their cuts that flips."""
        cuts = [b.cuts() if b.open else [] for b in brackets]
        points = [b.at(length) for b, lengths in zip(brackets, cuts, strict=True) for length in lengths]
        if not points:
            return list(brackets)
        tried = self.tried(points)
        margin = {kind: tried.margins[kind].max(axis=0, initial=-math.inf) for kind in KINDS}
        hits = {kind: tried.flipped(kind) for kind in KINDS}
        found, start = [], 0
        for b, lengths in zip(brackets, cuts, strict=True):
            own = slice(start, start + len(lengths))
            start += len(lengths)
            inner, outer, short, past = b.inner, b.outer, b.short, b.past
            for length, hit, value in zip(lengths, hits[b.kind][own], margin[b.kind][own], strict=True):
                if hit:
                    outer, past = length, float(value)
                    break
                inner, short = length, float(value)
            found.append(Bracket(b.kind, b.direction, inner, outer, short, past))
        return found


def _turned(steps: Steps, angle: float) -> Steps | None:
    """Return a change of two numbers turned by an angle, of the same length; None where a number would turn back."""
    (p, x), (q, y) = steps
    now = math.atan2(abs(y), abs(x)) + math.radians(angle)
    if not 0.02 < now < math.pi / 2 - 0.02:
        return None
    length = math.hypot(x, y)
    return (p, math.copysign(length * math.cos(now), x)), (q, math.copysign(length * math.sin(now), y))


def _same_row(p: Parameter, q: Parameter) -> bool:
    """Return whether two numbers are entries of one row, which leave each other their proportions."""
    kinds = ("row", "entry")
    return p.role in kinds and q.role in kinds and p.path.rpartition("].")[0] == q.path.rpartition("].")[0]


def _log_odds(p: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log(p) - np.log1p(-p))
