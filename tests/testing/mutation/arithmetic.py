"""Faults of the engine and of what stands on it: axes, leaks, caches, scales, signs."""

# ruff: noqa: D401 (the docstring of a fault is its mistake)
from __future__ import annotations

__all__ = ["FAULTS"]

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import numpy as np

from tests.testing.mutation.fault import Fault, around, fault
from toetwitch.engine import Dense, NoisyMax, Term
from toetwitch.evidence import Evidence
from toetwitch.inference import exact, resolution
from toetwitch.inference.disablement import Disablement
from toetwitch.inference.exact import ExactInference

FAULTS: list[Fault] = []
Context = AbstractContextManager[Any]
Potentials = list[Any]


def answers(
    change: Callable[[ExactInference, Evidence, float, dict[str, Any]], tuple[float, dict[str, Any]]],
) -> Context:
    """Return a context in which single answers are changed on their way up."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def changed(self: ExactInference, evidence: Evidence, soft: Any, targets: Any) -> Any:
            log_evidence, marginals = original(self, evidence, soft, targets)
            return change(self, evidence, log_evidence, marginals)

        return changed

    return around(ExactInference, "answer", make)


def asked(change: Callable[[ExactInference, Evidence, dict[str, Any]], tuple[Evidence, dict[str, Any]]]) -> Context:
    """Return a context in which single questions are changed on their way down."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def changed(self: ExactInference, evidence: Evidence, soft: Any, targets: Any) -> Any:
            evidence, soft = change(self, evidence, dict(soft))
            return original(self, evidence, soft, targets)

        return changed

    return around(ExactInference, "answer", make)


# -- tables ------------------------------------------------------------------------------------------------------------


def resolved(change: Callable[[list[int], Potentials], Potentials]) -> Context:
    """Change what both engines see: the resolved network itself."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def changed(self: Any, shifts: Any) -> Any:
            found = original(self, shifts)
            return replace(found, potentials=tuple(change(list(found.sizes), list(found.potentials))))

        return changed

    return around(resolution._Resolution, "finish", make)


@fault(FAULTS, "inference", "enumeration")
def swapped_axes() -> Context:
    """A table of two parents of one size is read with the parents swapped."""

    def change(sizes: list[int], given: Potentials) -> Potentials:
        return [
            Dense((p.scope[1], p.scope[0], *p.scope[2:]), p.values)
            if isinstance(p, Dense) and len(p.scope) > 2 and sizes[p.scope[0]] == sizes[p.scope[1]]
            else p
            for p in given
        ]

    return resolved(change)


@fault(FAULTS, "inference", "stated_alone", "expanded")
def leak_used_twice() -> Context:
    """The background counts once as the leak and once more inside every link."""
    return around(
        resolution._Resolution, "_net", lambda original: lambda self, table, link, leak: self._stated(table, link)
    )


@fault(FAULTS, "inference", "stated_alone", "enumeration")
def leak_forgotten() -> Context:
    """A finding without its causes never appears."""

    def change(sizes: list[int], given: Potentials) -> Potentials:
        def silent(values: Any) -> Any:
            out = np.zeros_like(values)
            out[0] = 1.0
            return out

        return [
            NoisyMax(p.child, tuple(Term(None, silent(t.values)) if t.parent is None else t for t in p.terms))
            if isinstance(p, NoisyMax)
            else p
            for p in given
        ]

    return resolved(change)


@fault(FAULTS, "inference", "enumeration")
def row_off_by_a_hundredth() -> Context:
    """One row of every root table is off by 0.01, and still sums to one."""

    def change(sizes: list[int], given: Potentials) -> Potentials:
        return [
            Dense(
                p.scope, np.abs(p.values + np.array([0.01, -0.01])) / np.abs(p.values + np.array([0.01, -0.01])).sum()
            )
            if isinstance(p, Dense) and p.values.shape == (2,)
            else p
            for p in given
        ]

    return resolved(change)


@fault(FAULTS, "inference", "impossible_is_refused", "enumeration")
def zeros_smoothed() -> Context:
    """Zeros of tables are raised to 1e-6, as if nothing were impossible."""

    def change(sizes: list[int], given: Potentials) -> Potentials:
        def smoothed(p: Dense) -> Dense:
            values = np.maximum(p.values, 1e-6)
            axis = p.scope.index(max(p.scope))
            return Dense(p.scope, values / values.sum(axis=axis, keepdims=True))

        return [smoothed(p) if isinstance(p, Dense) else p for p in given]

    return resolved(change)


@fault(FAULTS, "inference", "enumeration", "log_evidence")
def single_precision() -> Context:
    """Tables are kept in single precision."""

    def change(sizes: list[int], given: Potentials) -> Potentials:
        return [Dense(p.scope, p.values.astype(np.float32).astype(float)) if isinstance(p, Dense) else p for p in given]

    return resolved(change)


@fault(FAULTS, "inference", "stated_alone", "enumeration", "expanded")
def third_cause_dropped() -> Context:
    """A noisy-MAX takes note of its first two causes only."""

    def change(sizes: list[int], given: Potentials) -> Potentials:
        return [NoisyMax(p.child, p.terms[:3]) if isinstance(p, NoisyMax) else p for p in given]

    return resolved(change)


@fault(FAULTS, "inference", "enumeration", "expanded")
def graded_contributions_reversed() -> Context:
    """The grades of a cause's contribution are taken from bad to mild."""

    def change(sizes: list[int], given: Potentials) -> Potentials:
        def turned(t: Term) -> Term:
            if t.parent is None or t.values.shape[-1] < 3:
                return t
            return Term(t.parent, np.concatenate([t.values[:, :1], t.values[:, :0:-1]], axis=1))

        return [NoisyMax(p.child, tuple(map(turned, p.terms))) if isinstance(p, NoisyMax) else p for p in given]

    return resolved(change)


# -- solved numbers ----------------------------------------------------------------------------------------------------


@fault(FAULTS, "inference", "odds_ratios_hold", "expanded")
def odds_ratio_upside_down() -> Context:
    """Log odds ratios are subtracted."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def changed(self: Any, table: Any) -> Any:
            effects = tuple(
                replace(e, size=type(e.size).of(1 / e.size.value)) if e.stated_as == "odds_ratio" else e
                for e in table.effects
            )
            return original(self, replace(table, effects=effects))

        return changed

    return around(resolution._Resolution, "_logistic", make)


@fault(FAULTS, "inference", "prevalence_holds", "expanded")
def prevalence_taken_for_baseline() -> Context:
    """The cited prevalence becomes the intercept, as if nobody had a risk."""
    return around(
        resolution,
        "solve_intercept",
        lambda original: lambda weights, log_odds, target: np.log(target) - np.log1p(-target),
    )


@fault(FAULTS, "inference", "prevalence_holds", "expanded")
def intercept_solved_over_even_risks() -> Context:
    """The intercept is solved as if every combination of risks were as common as any other."""
    return around(
        resolution,
        "solve_intercept",
        lambda original: (
            lambda weights, log_odds, target: original(np.full_like(weights, 1 / len(weights)), log_odds, target)
        ),
    )


@fault(FAULTS, "inference", "prevalence_holds", "expanded")
def prevalence_taken_for_leak() -> Context:
    """A cited prevalence of a finding becomes its leak."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def changed(self: Any, table: Any) -> Any:
            states = self.network.by_id[table.child].states
            return self._upper(table.leak.overall, states, f"{table.child}.prevalence.")

        return changed

    return around(resolution._Resolution, "_solved_leak", make)


@fault(FAULTS, "inference", "stated_alone", "expanded")
def specificity_taken_for_its_complement() -> Context:
    """A specificity is read as the rate of false alarms."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        return lambda self, table: (
            original(self, table)[::-1] if table.leak.kind == "specificity" else original(self, table)
        )

    return around(resolution._Resolution, "_leak", make)


@fault(FAULTS, "inference", "enumeration", "expanded")
def leak_bands_ignored() -> Context:
    """The overall leak stands in for the leak of each band."""
    return around(resolution._Resolution, "_background", lambda original: lambda self, table, leak: Term(None, leak))


@fault(FAULTS, "inference", "stated_alone", "expanded")
def inhibitors_ignored() -> Context:
    """A cause that argues against a finding does nothing."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def changed(self: Any, shares: Any, drive: int, place: Any, child: int) -> Any:
            return original(self, [(link, np.ones_like(share)) for link, share in shares], drive, place, child)

        return changed

    return around(resolution._Resolution, "_passing", make)


@fault(FAULTS, "inference", "odds_ratios_hold", "expanded")
def interaction_replaces_main_effects() -> Context:
    """Where an interaction holds, only the last effect counts."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def changed(self: Any, table: Any) -> Any:
            wide = [e for e in table.effects if len(e.when) > 1]
            return original(self, replace(table, effects=tuple(wide)) if wide else table)

        return changed

    return around(resolution._Resolution, "_logistic", make)


# -- questions and answers ---------------------------------------------------------------------------------------------


@fault(FAULTS, "engine", "enumeration", "certain")
def last_finding_dropped() -> Context:
    """Of several findings the last is not passed on."""

    def change(self: ExactInference, evidence: Evidence, soft: dict[str, Any]) -> Any:
        return (evidence.without(list(evidence.hard)[-1]) if len(evidence.hard) > 1 else evidence), soft

    return asked(change)


@fault(FAULTS, "engine", "enumeration")
def absent_findings_dropped() -> Context:
    """Findings in their lowest state are taken for unknown."""

    def change(self: ExactInference, evidence: Evidence, soft: dict[str, Any]) -> Any:
        return evidence.without(*(id for id, s in evidence.hard.items() if s == 0)), soft

    return asked(change)


@fault(FAULTS, "engine", "enumeration", "certain")
def state_off_by_one() -> Context:
    """The state of a graded finding is taken one too high."""

    def change(self: ExactInference, evidence: Evidence, soft: dict[str, Any]) -> Any:
        by_id = self.network.by_id
        higher = {id: (s + 1) % len(by_id[id].states) for id, s in evidence.hard.items() if len(by_id[id].states) > 2}
        return evidence.with_hard(higher), soft

    return asked(change)


@fault(FAULTS, "engine", "likelihood_is_an_observed_child", "enumeration")
def likelihoods_multiplied_twice() -> Context:
    """Likelihood weights are multiplied in once going up and once more coming down."""
    return asked(lambda self, evidence, soft: (evidence, {id: w * w for id, w in soft.items()}))


@fault(FAULTS, "engine", "enumeration")
def soft_evidence_on_leaves_pruned() -> Context:
    """A leaf with soft evidence is pruned as if nothing were known of it."""

    def change(self: ExactInference, evidence: Evidence, soft: dict[str, Any]) -> Any:
        parents = {p for table in self.network.tables for p in table.parents}
        return evidence, {id: w for id, w in soft.items() if id in parents}

    return asked(change)


@fault(FAULTS, "engine", "tiny_evidence")
def underflow_unscaled() -> Context:
    """P(evidence) is multiplied up without scaling, so that below 1e-308 it is zero."""

    def change(self: ExactInference, evidence: Evidence, log_evidence: float, marginals: dict[str, Any]) -> Any:
        if log_evidence < -700:
            return -math.inf, {id: np.zeros_like(p) for id, p in marginals.items()}
        return log_evidence, marginals

    return answers(change)


@fault(FAULTS, "engine", "normalised")
def not_normalised() -> Context:
    """Posteriors sum to P(evidence) and not to one."""
    return answers(
        lambda self, evidence, log_evidence, marginals: (
            log_evidence,
            {id: p * math.exp(max(log_evidence, -700)) for id, p in marginals.items()},
        )
    )


@fault(FAULTS, "engine", "impossible_is_refused")
def nan_for_the_impossible() -> Context:
    """Impossible evidence gives NaN, and a finite logarithm."""

    def change(self: ExactInference, evidence: Evidence, log_evidence: float, marginals: dict[str, Any]) -> Any:
        if math.isinf(log_evidence):
            return -745.0, {id: np.full_like(p, np.nan) for id, p in marginals.items()}
        return log_evidence, marginals

    return answers(change)


@fault(FAULTS, "engine", "no_memory", "enumeration")
def stale_cache() -> Context:
    """Answers are kept by which findings are observed, not by what they show."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def changed(self: ExactInference, evidence: Evidence, soft: Any, targets: Any) -> Any:
            kept = self.__dict__.setdefault("_stale", {})
            key = (tuple(sorted(evidence.hard)), tuple(sorted(soft)), tuple(targets))
            if key not in kept:
                kept[key] = original(self, evidence, soft, targets)
            return kept[key]

        return changed

    return around(ExactInference, "answer", make)


@fault(FAULTS, "engine", "repeatable", "threads")
def rounding_by_turns() -> Context:
    """Every other answer is summed in another order, and differs in the last digit."""
    turn = [0]

    def change(self: ExactInference, evidence: Evidence, log_evidence: float, marginals: dict[str, Any]) -> Any:
        turn[0] += 1
        return log_evidence, {id: p * (1 + 2.3e-16 * (turn[0] % 2)) for id, p in marginals.items()}

    return answers(change)


@fault(FAULTS, "engine", "asked_alone", "enumeration")
def single_targets_from_the_prior() -> Context:
    """A variable asked for alone is answered without the evidence below it."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def changed(self: ExactInference, evidence: Evidence, soft: Any, targets: Any) -> Any:
            log_evidence, marginals = original(self, evidence, soft, targets)
            if len(targets) == 1 and targets[0] not in evidence.hard and not math.isinf(log_evidence):
                marginals = original(self, Evidence({}, {}, {}), {}, targets)[1]
            return log_evidence, marginals

        return changed

    return around(ExactInference, "answer", make)


@fault(FAULTS, "engine", "d_separation", "enumeration")
def every_finding_moves_everything() -> Context:
    """Posteriors are pulled towards even by each finding, related or not."""
    return answers(
        lambda self, evidence, log_evidence, marginals: (
            log_evidence,
            {
                id: p
                if id in evidence.hard or not p.any()
                else (p + 1e-6 * len(evidence.hard)) / (p + 1e-6 * len(evidence.hard)).sum()
                for id, p in marginals.items()
            },
        )
    )


@fault(FAULTS, "engine", "chain_rule", "log_evidence")
def logarithm_to_base_two() -> Context:
    """The logarithm of P(evidence) is to base two."""
    return answers(lambda self, evidence, log_evidence, marginals: (log_evidence / math.log(2), marginals))


@fault(FAULTS, "engine", "batch")
def rows_shifted() -> Context:
    """Answers of a batch are one row late."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def changed(self: Any, *given: Any, **more: Any) -> Any:
            log_evidence, marginals = original(self, *given, **more)
            return np.roll(log_evidence, 1), {id: np.roll(p, 1, axis=0) for id, p in marginals.items()}

        return changed

    return around(ExactInference, "many", make)


@fault(FAULTS, "engine", "batch")
def batch_shares_the_first_pattern() -> Context:
    """Every row of a batch is answered as if it observed what the first row does."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def changed(self: Any, codes: Any, *given: Any, **more: Any) -> Any:
            return original(self, np.where(codes[:1] < 0, -1, codes), *given, **more)

        return changed

    return around(ExactInference, "many", make)


@fault(FAULTS, "engine", "most_probable")
def mpe_from_marginals() -> Context:
    """The most probable explanation takes each variable's own most probable state."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def changed(self: ExactInference, evidence: Evidence) -> Any:
            best, _ = original(self, evidence)
            answer = self.posterior(evidence, list(self.network.by_id))
            return best, {id: int(np.argmax(p)) for id, p in answer.marginals.items()}

        return changed

    return around(ExactInference, "mpe", make)


@fault(FAULTS, "inference", "clash_is_minimal")
def clash_is_everything() -> Context:
    """The clash names all evidence."""
    return around(
        ExactInference,
        "clash",
        lambda original: lambda self, evidence: evidence.ids if original(self, evidence) else (),
    )


@fault(FAULTS, "inference", "jeffrey_holds")
def jeffrey_as_likelihood() -> Context:
    """Jeffrey's stated probabilities are multiplied in as likelihoods."""
    return around(
        ExactInference,
        "weights",
        lambda original: lambda self, evidence: {**dict(evidence.soft), **dict(evidence.jeffrey)},
    )


@fault(FAULTS, "inference", "statements_hold")
def one_sweep_for_several_statements() -> Context:
    """Several Jeffrey statements are fitted in one sweep, so that only the last holds."""
    return around(exact, "FITTING_TOLERANCE", lambda original: 1e9)  # type: ignore[arg-type, return-value]


@fault(FAULTS, "inference", "necessity")
def necessity_ignores_the_background() -> Context:
    """A finding counts as due to a present cause even where the background would have brought it."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def changed(self: Disablement, evidence: Evidence) -> Any:
            found = original(self, evidence)
            present = self.exact.posterior(evidence, self.causes).marginals
            return {c: {f: float(present[c][1]) if p > 0 else p for f, p in row.items()} for c, row in found.items()}

        return changed

    return around(Disablement, "necessity", make)
