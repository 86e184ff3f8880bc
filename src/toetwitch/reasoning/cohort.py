"""Many cases at once: the same answers as one by one, as columns, with a status for each row.

A row that cannot be read or cannot happen never costs the others their answer, and never its own red flags. What is
expensive for one case (the counterfactual ranking) is left to the single case; the columns here are exact.
"""

from __future__ import annotations

__all__ = ["STATUSES", "assess_codes"]

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toetwitch.errors import ImpossibleEvidenceError
from toetwitch.evidence import Evidence
from toetwitch.frames import Codes
from toetwitch.inference.exact import FEW_ROWS
from toetwitch.knowledge.red_flag import TRIAGE_LEVELS
from toetwitch.reasoning.assessment import Assessor
from toetwitch.reasoning.danger import DANGER_READINGS
from toetwitch.reasoning.red_flags import supports_of
from toetwitch.reasoning.triage import NO_POSTERIOR, TriageMany, posterior_level, triage_many

Array = NDArray[np.float64]
Int = NDArray[np.int64]

STATUSES = ("ok", "impossible", "invalid")
"""Answered; probability zero, with the clash as reason; a cell could not be read, with the reason."""


def assess_codes(
    assessor: Assessor, codes: Codes, policy: str | None = None, *, threads: int | None = None
) -> dict[str, Any]:
    """Assess every row.

    Parameters
    ----------
    assessor
        The model.
    codes
        The cases.
    policy
        "article" or "guideline"; the model's default when None.
    threads
        How many cores to use; all by default.

    Returns
    -------
    dict
        Column name to values, one a row: `status`, `reason`, `level`, `rules_level`, `posterior_level` (None without a
        posterior), `red_flags` (ids of the fired rules, joined by spaces), `most_probable_cause`, `no_listed_cause`,
        `log_evidence`, and P(cause present | evidence) under each cause's id; None where there is no posterior.
    """
    return _Cohort(assessor, codes, threads).columns(policy)


class _Cohort:
    def __init__(self, assessor: Assessor, codes: Codes, threads: int | None) -> None:
        self.assessor = assessor
        self.inference = assessor.inference
        self.codes = codes
        self.threads = threads
        self.variables = self.inference.network.variables
        self.place = {variable.id: k for k, variable in enumerate(self.variables)}

    def columns(self, policy: str | None) -> dict[str, Any]:
        rows = len(self.codes.codes)
        causes = self.assessor.causes
        log_evidence, marginals = self._posteriors(causes)
        invalid = np.zeros(rows, dtype=bool)
        invalid[list(self.codes.problems)] = True
        impossible = np.isinf(log_evidence) & ~invalid
        ok = ~invalid & ~impossible
        reasons = [""] * rows
        for row, reason in self.codes.problems.items():
            reasons[row] = reason
        for row in map(int, np.flatnonzero(impossible)):
            reasons[row] = "cannot hold together: " + ", ".join(self.inference.clash(self._evidence(row)))
        ranks = np.where(ok, self._posterior_ranks(ok), NO_POSTERIOR)
        urgency = triage_many(self._supports(), ranks, self.assessor.book, policy)
        present = {id: marginals[id][:, 1] for id in causes}
        best = np.argmax(np.stack([present[id] for id in causes], axis=1), axis=1)
        return {
            "status": [STATUSES[0 if o else 1 if i else 2] for o, i in zip(ok, impossible, strict=True)],
            "reason": reasons,
            **self._levels(urgency, ok),
            "most_probable_cause": [causes[k] if o else None for k, o in zip(best, ok, strict=True)],
            "no_listed_cause": _where(ok, self._no_listed_cause(log_evidence)),
            "log_evidence": _where(ok, log_evidence),
            **{id: _where(ok, values) for id, values in present.items()},
        }

    def _levels(self, urgency: TriageMany, ok: NDArray[np.bool_]) -> dict[str, Any]:
        rules = [rule.id for rule in self.assessor.book.rules]
        fired = urgency.decisions.fired
        return {
            "level": [TRIAGE_LEVELS[rank] for rank in urgency.level],
            "rules_level": [TRIAGE_LEVELS[rank] for rank in urgency.rules_level],
            "posterior_level": [
                TRIAGE_LEVELS[rank] if o else None for rank, o in zip(urgency.posterior_level, ok, strict=True)
            ],
            "red_flags": [" ".join(rules[k] for k in np.flatnonzero(row)) for row in fired],
        }

    # -- evidence ---------------------------------------------------------------------------------------------------

    def _evidence(self, row: int) -> Evidence:
        hard = {v.id: int(code) for v, code in zip(self.variables, self.codes.codes[row], strict=True) if code >= 0}
        more = self.codes.soft.get(row)
        if more is None:
            return Evidence(hard, {}, {})
        return Evidence({**hard, **more.hard}, more.soft, more.jeffrey, more.excluded)

    def _supports(self) -> dict[str, Array]:
        """Return what is known of each id that is known in some row, shape (rows, states)."""
        supports: dict[str, Array] = {}
        for k, variable in enumerate(self.variables):
            column = self.codes.codes[:, k]
            if (column >= 0).any():
                one_hot = np.eye(len(variable.states))[np.maximum(column, 0)]
                supports[variable.id] = np.where((column >= 0)[:, None], one_hot, 1.0)
        by_id = self.inference.network.by_id
        for row, evidence in self.codes.soft.items():
            for id, support in supports_of(evidence, by_id).items():
                unknown = np.ones((len(self.codes.codes), len(support)))
                supports.setdefault(id, unknown)[row] = support
        if not supports:
            # Ones say nothing of a variable; they keep the rows when nothing is known in any of them.
            first = self.variables[0]
            supports[first.id] = np.ones((len(self.codes.codes), len(first.states)))
        return supports

    def _weights(self, rows: Sequence[int] | Int) -> dict[str, Array]:
        """Return soft evidence of some rows, Jeffrey statements fitted, shape (rows, states); ones elsewhere."""
        soft: dict[str, Array] = {}
        for at, row in enumerate(rows):
            if int(row) in self.codes.soft:
                try:
                    weights = self.inference.weights(self._evidence(int(row)))
                except ImpossibleEvidenceError:
                    weights = {id: np.zeros(len(w)) for id, w in self.codes.soft[int(row)].jeffrey.items()}
                for id, vector in weights.items():
                    soft.setdefault(id, np.ones((len(rows), len(vector))))[at] = vector
        return soft

    # -- inference --------------------------------------------------------------------------------------------------

    def _posteriors(self, targets: Sequence[str]) -> tuple[Array, Mapping[str, Array]]:
        rows = np.arange(len(self.codes.codes))
        fitted = self._weights(rows)
        log_evidence, marginals = self.inference.many(self.codes.codes, fitted, targets, threads=self.threads)
        for row, evidence in self.codes.soft.items():
            if evidence.jeffrey and np.isfinite(log_evidence[row]):
                log_evidence[row] = self.inference.log_probability(self._evidence(row))
        return log_evidence, marginals

    def _no_listed_cause(self, log_evidence: Array) -> Array:
        absent = self.codes.codes.copy()
        columns = [self.place[id] for id in self.assessor.causes]
        blocked = (absent[:, columns] == 1).any(axis=1)
        absent[:, columns] = 0
        joint, _ = self.inference.many(absent, {}, [], threads=self.threads)
        with np.errstate(invalid="ignore"):
            share = np.exp(np.minimum(joint - log_evidence, 0.0))
        share = np.where(blocked, 0.0, share)
        for row in self.codes.soft:
            try:
                share[row] = self.assessor.no_listed_cause(self._evidence(row))
            except ImpossibleEvidenceError:
                share[row] = 0.0
        return np.asarray(share)

    def _posterior_ranks(self, ok: NDArray[np.bool_]) -> Int:
        """Return the posterior's rank by row: the highest over every reading of the row's danger findings."""
        ranks = np.full(len(ok), NO_POSTERIOR, dtype=np.int64)
        danger = [self.place[id] for id in self.assessor.book.policy.danger_findings if id in self.place]
        targets = sorted({id for rule in self.assessor.book.posterior_rules for id in rule.causes})
        origins: list[int] = []
        readings: list[Int] = []
        for row in map(int, np.flatnonzero(ok)):
            if row in self.codes.soft or len(ok) < FEW_ROWS:
                ranks[row] = self.assessor.posterior_rank(self._evidence(row))
                continue
            options = [[*range(int(code), 0, -1), -1] for code in self.codes.codes[row, danger] if code > 0]
            places = [k for k in danger if self.codes.codes[row, k] > 0]
            if np.prod([len(o) for o in options], dtype=float) > DANGER_READINGS:
                ranks[row] = len(TRIAGE_LEVELS) - 1
                continue
            for reading in itertools.product(*options):
                codes = self.codes.codes[row].copy()
                codes[places] = reading
                origins.append(row)
                readings.append(codes)
        if not readings:
            return ranks
        distinct, back = np.unique(np.stack(readings), axis=0, return_inverse=True)
        _, marginals = self.inference.many(distinct, {}, targets, threads=self.threads)
        levels = posterior_level({id: marginals[id][:, 1] for id in targets}, self.assessor.book)
        np.maximum.at(ranks, np.array(origins), levels[np.ravel(back)])
        return ranks


def _where(ok: NDArray[np.bool_], values: Array) -> list[float | None]:
    return [float(value) if good else None for value, good in zip(values, ok, strict=True)]
