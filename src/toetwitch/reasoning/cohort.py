"""Many cases at once: the same answers as one by one, as columns, with a status for each row.

A row that cannot be read or cannot happen never costs the others their answer, and never its own red flags. What is
expensive for one case (the counterfactual ranking) is left to the single case; the columns here are exact.
"""

from __future__ import annotations

__all__ = ["STATUSES", "assess_codes"]

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toetwitch.errors import ImpossibleEvidenceError
from toetwitch.evidence import Evidence
from toetwitch.frames import Codes
from toetwitch.inference.ragged import answer_readings, log_probability_without
from toetwitch.knowledge.red_flag import TRIAGE_LEVELS, level_rank
from toetwitch.reasoning.assessment import Assessor
from toetwitch.reasoning.danger import DANGER_READINGS, readings_of_codes
from toetwitch.reasoning.red_flags import supports_of
from toetwitch.reasoning.triage import NO_POSTERIOR, TriageMany, posterior_level, triage_many

Array = NDArray[np.float64]
Int = NDArray[np.int64]

READINGS_AT_ONCE = 2**15
"""Readings of danger findings in memory at a time, so that memory does not grow with the cohort."""

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
        rows_of = np.arange(rows)
        fitted = self._weights(rows_of)
        likelihood, marginals = self.inference.many(self.codes.codes, fitted, causes, threads=self.threads)
        log_evidence = self._log_evidence(likelihood)
        invalid = np.zeros(rows, dtype=bool)
        invalid[list(self.codes.problems)] = True
        impossible = np.isinf(log_evidence) & ~invalid
        ok = ~invalid & ~impossible
        reasons = [""] * rows
        for row, reason in self.codes.problems.items():
            reasons[row] = reason
        for row in map(int, np.flatnonzero(impossible)):
            reasons[row] = "cannot hold together: " + ", ".join(self.inference.clash(self._evidence(row)))
        ranks = np.where(ok, self._posterior_ranks(ok, marginals), NO_POSTERIOR)
        urgency = triage_many(self._supports(), ranks, self.assessor.book, policy)
        present = {id: marginals[id][:, 1] for id in causes}
        best = np.argmax(np.stack([present[id] for id in causes], axis=1), axis=1)
        return {
            "status": [STATUSES[0 if o else 1 if i else 2] for o, i in zip(ok, impossible, strict=True)],
            "reason": reasons,
            **self._levels(urgency, ok),
            "most_probable_cause": [causes[k] if o else None for k, o in zip(best, ok, strict=True)],
            "no_listed_cause": _where(ok, self._no_listed_cause(fitted, likelihood)),
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

    def _log_evidence(self, likelihood: Array) -> Array:
        """Return the log-evidence of each row: weights that make a Jeffrey statement hold are no evidence."""
        log_evidence = likelihood.copy()
        for row, evidence in self.codes.soft.items():
            if evidence.jeffrey and np.isfinite(log_evidence[row]):
                log_evidence[row] = self.inference.log_probability(self._evidence(row))
        return log_evidence

    def _no_listed_cause(self, fitted: Mapping[str, Array], likelihood: Array) -> Array:
        causes = self.assessor.causes
        absent = log_probability_without(self.inference, self.codes.codes, fitted, causes, threads=self.threads)
        with np.errstate(invalid="ignore"):
            return np.asarray(np.exp(np.minimum(absent - likelihood, 0.0)))

    def _posterior_ranks(self, ok: NDArray[np.bool_], marginals: Mapping[str, Array]) -> Int:
        """Return the posterior's rank by row: the highest over every reading of the row's danger findings.

        A row whose own posterior asks for as much as any rule could has no need of readings.
        """
        book = self.assessor.book
        targets = sorted({id for rule in book.posterior_rules for id in rule.causes if id in marginals})
        if not targets:
            return np.zeros(len(ok), dtype=np.int64)
        ranks = posterior_level({id: marginals[id][:, 1] for id in targets}, book).astype(np.int64)
        highest = max(level_rank(rule.level) for rule in book.posterior_rules)
        for row in self.codes.soft:
            if ok[row]:
                ranks[row] = self.assessor.posterior_rank(self._evidence(row))
        danger = np.array([self.place[id] for id in book.policy.danger_findings if id in self.place], dtype=np.int64)
        states = np.maximum(self.codes.codes[:, danger], 0)
        readings = np.prod(states + 1.0, axis=1)
        ranks[readings > DANGER_READINGS] = len(TRIAGE_LEVELS) - 1
        asking = np.flatnonzero(ok & (readings > 1) & (readings <= DANGER_READINGS) & (ranks < highest))
        asking = asking[~np.isin(asking, list(self.codes.soft))]
        chunk = np.cumsum(readings[asking]) // READINGS_AT_ONCE
        for rows in np.split(asking, np.flatnonzero(np.diff(chunk)) + 1) if len(asking) else ():
            # Each row as it is has been answered already.
            found = [readings_of_codes(self.codes.codes[row], danger)[1:] for row in rows.tolist()]
            origins = np.repeat(np.arange(len(rows)), [len(codes) for codes in found])
            _, values = answer_readings(
                self.inference,
                self.codes.codes[rows],
                {},
                origins,
                np.concatenate(found),
                targets,
                threads=self.threads,
            )
            levels = posterior_level({id: values[id][:, 1] for id in targets}, book)
            np.maximum.at(ranks, rows[origins], levels)
        return ranks


def _where(ok: NDArray[np.bool_], values: Array) -> list[float | None]:
    return [float(value) if good else None for value, good in zip(values, ok, strict=True)]
