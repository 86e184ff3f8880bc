"""How far an answer rests on one number, and on one source.

Where a number enters its table linearly (`toetwitch.reasoning.linear_parameters`), the posterior is exactly
(a x + b) / (c x + d), and two backward passes give all these functions at once. Where it enters by way of a solved
intercept or leak, or as an odds ratio, the curve is had by solving the model again on lanes, which is as exact and
costs a lane a point. A tornado sets each number to the ends of its cited range; grouped by source, all numbers that
one work carries are doubled or halved in odds together. The Chan-Darwiche distance bounds how far any log-odds of any
question could have moved.

References
----------
Kjaerulff & van der Gaag (2000), Making sensitivity analysis computationally efficient. UAI 2000, 317-325.
Chan & Darwiche (2005), A distance measure for bounding probabilistic belief change. International Journal of
Approximate Reasoning 38, 149-174. doi:10.1016/j.ijar.2004.07.001
"""

from __future__ import annotations

__all__ = ["Sensitivity", "SensitivityFunction", "SourceEffect", "curve", "scaled", "sensitivity"]

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine.gradient import Gradient
from toetwitch.errors import EvidenceError, UnknownNameError
from toetwitch.evidence import Evidence
from toetwitch.inference import ExactInference
from toetwitch.knowledge.parameters import Parameter, parameters
from toetwitch.reasoning.cards import sensitivity_card
from toetwitch.reasoning.linear_parameters import Line, entry_lines, solved_upstream, table_line
from toetwitch.reasoning.parameter_lanes import numbers_at, relevant, run_numbers, spread_of_logs
from toetwitch.reasoning.ranking import leaders

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SensitivityFunction:
    """How the posterior depends on one number.

    Parameters
    ----------
    path, role
        The number's address and what it is.
    value, low, high
        Its estimate and cited range.
    at_low, at_high
        The posterior with the number at either end; NaN where no model exists there.
    coefficients
        a, b, c, d of (a x + b) / (c x + d), or () where the number enters by a solution: ask `curve` for points.
    domain
        Between which numbers the function holds; the cited range where it is a curve.
    distance
        The Chan-Darwiche distance of the farther end, or a bound on it.
    sources
        The works that carry the number.
    """

    path: str
    role: str
    value: float
    low: float
    high: float
    at_low: float
    at_high: float
    coefficients: tuple[float, ...]
    domain: tuple[float, float]
    distance: float
    sources: tuple[str, ...]

    @property
    def swing(self) -> float:
        """How far the posterior moves over the cited range."""
        return abs(self.at_high - self.at_low)

    @property
    def slope(self) -> float:
        """The derivative of the posterior by the number at its estimate; 0 where the function is a curve."""
        if not self.coefficients:
            return 0.0
        a, b, c, d = self.coefficients
        return (a * d - b * c) / (c * self.value + d) ** 2

    def at(self, x: float) -> float:
        """Return the posterior with the number at x.

        Raises
        ------
        EvidenceError
            Outside the domain, or where the function is a curve.
        """
        if not self.coefficients:
            raise EvidenceError(f"{self.path} enters by a solution; ask the curve for its points")
        low, high = self.domain
        if not low - 1e-12 <= x <= high + 1e-12:
            raise EvidenceError(f"{self.path} at {x!r}; expected a number from {low:.6g} to {high:.6g}")
        a, b, c, d = self.coefficients
        return (a * x + b) / (c * x + d)


@dataclass(frozen=True, slots=True)
class SourceEffect:
    """What happens when all numbers of one source are off together.

    Parameters
    ----------
    source
        The work.
    numbers
        How many numbers of it matter here.
    halved, doubled
        The posterior with the odds of all of them divided or multiplied by the factor; NaN where no model exists.
    leading_halved, leading_doubled
        The leading rival then.
    changes_leading
        Whether either differs from the leading rival now.
    """

    source: str
    numbers: int
    halved: float
    doubled: float
    leading_halved: str
    leading_doubled: str
    changes_leading: bool


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """How one posterior rests on the numbers.

    Parameters
    ----------
    target, state
        P(target = state | evidence) is what is looked at.
    posterior
        It, with all numbers at their estimates.
    leading
        The leading rival.
    functions
        One for each number that can matter, widest swing first.
    by_source
        One for each source that carries such a number, widest first.
    factor
        By how much the odds of a source's numbers were multiplied.
    """

    target: str
    state: str
    posterior: float
    leading: str
    functions: tuple[SensitivityFunction, ...]
    by_source: tuple[SourceEffect, ...]
    factor: float

    def function(self, path: str) -> SensitivityFunction:
        """Return the function of one number.

        Raises
        ------
        UnknownNameError
            For a path of no number that matters; carries the nearest one.
        """
        for found in self.functions:
            if found.path == path:
                return found
        raise UnknownNameError("parameter", path, [found.path for found in self.functions])

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as JSON types; missing numbers as None."""
        return {
            "target": self.target,
            "state": self.state,
            "posterior": self.posterior,
            "leading": self.leading,
            "factor": self.factor,
            "functions": [
                {
                    "path": f.path,
                    "role": f.role,
                    "value": f.value,
                    "low": f.low,
                    "high": f.high,
                    "at_low": _finite(f.at_low),
                    "at_high": _finite(f.at_high),
                    "coefficients": list(f.coefficients),
                    "domain": list(f.domain),
                    "distance": _finite(f.distance),
                    "sources": list(f.sources),
                }
                for f in self.functions
            ],
            "by_source": [
                {
                    "source": s.source,
                    "numbers": s.numbers,
                    "halved": _finite(s.halved),
                    "doubled": _finite(s.doubled),
                    "leading_halved": s.leading_halved,
                    "leading_doubled": s.leading_doubled,
                    "changes_leading": s.changes_leading,
                }
                for s in self.by_source
            ],
        }

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame, a row a number, widest swing first: the tornado."""
        import pandas as pd

        columns = ["role", "value", "low", "high", "at_low", "at_high", "swing", "distance"]
        rows = [[getattr(f, name) for name in columns] + [" ".join(f.sources)] for f in self.functions]
        index = pd.Index([f.path for f in self.functions], name="parameter")
        return pd.DataFrame(rows, index=index, columns=[*columns, "sources"])

    def __str__(self) -> str:
        lines = [f"P({self.target} = {self.state}) = {self.posterior:.4f}; over the cited ranges"]
        lines += [f"  {f.at_low:.4f} .. {f.at_high:.4f}  {f.path}" for f in self.functions[:8]]
        for s in self.by_source:
            if s.changes_leading:
                to = s.leading_halved if s.leading_halved != self.leading else s.leading_doubled
                lines.append(f"  If {s.source} is off by a factor of {self.factor:g} in odds, {to} leads.")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return sensitivity_card(self)


def _finite(x: float) -> float | None:
    return x if math.isfinite(x) else None


def sensitivity(
    inference: ExactInference,
    evidence: Evidence,
    target: str,
    state: int,
    *,
    rivals: Sequence[str] = (),
    factor: float = 2.0,
) -> Sensitivity:
    """Return how P(target = state | evidence) depends on each number and each source.

    Parameters
    ----------
    inference
        The network.
    evidence
        The case. Jeffrey statements count as the weights that make them hold in the model as it stands.
    target, state
        What is looked at.
    rivals
        Ids of which one leads, as `assess` ranks causes: by what the case teaches about their last state; the target
        alone by default.
    factor
        By how much the odds of a source's numbers are multiplied and divided.

    Raises
    ------
    EvidenceError
        For a factor that is not finite and above 1.
    ImpossibleEvidenceError
        When the evidence has probability zero.
    """
    if not (math.isfinite(factor) and factor > 1):
        raise EvidenceError(f"factor {factor!r}; expected a finite number above 1")
    rivals = list(rivals) or [target]
    answer = inference.posterior(evidence, [target, *rivals])
    posterior = float(answer.marginals[target][state])
    before = inference.posterior(Evidence({}, {}, {}), rivals).marginals
    leading = str(leaders({id: answer.marginals[id][-1] for id in rivals}, {id: before[id][-1] for id in rivals}))
    mattering = relevant(inference.network, parameters(inference.network), [target, *evidence.ids])
    lines = _lines(inference, mattering)
    entries = dict(_entries(inference, [target, *evidence.ids]))
    lines.update({p.path: line for p, line in entries.items()})
    mattering += list(entries)
    slopes = _slopes(inference, evidence, lines, target, state, posterior)
    functions = [_line_function(p, lines[p.path], *slopes[p.path], posterior) for p in mattering if p.path in lines]
    # The rest is solved again on lanes: both ends of each range, then each source halved and doubled.
    curved = [p for p in mattering if p.path not in lines]
    sources = _by_source(mattering)
    rows: list[Mapping[str, float]] = [{p.path: end} for p in curved for end in (p.estimate.low, p.estimate.high)]
    for numbers in sources.values():
        rows += [{p.path: scaled(p, ratio) for p in numbers} for ratio in (1 / factor, factor)]
    asked = list(dict.fromkeys([target, *rivals]))
    found = run_numbers(inference, evidence, numbers_at(rows, mattering), len(rows), asked, priors=True, distances=True)
    led = leaders({id: found.marginals[id][-1] for id in rivals}, {id: found.priors[id] for id in rivals})
    at = found.marginals[target][state]
    for n, p in enumerate(curved):
        distance = float(np.nan_to_num(found.distance[2 * n : 2 * n + 2], nan=0.0).max())
        functions.append(
            _function(p, float(at[2 * n]), float(at[2 * n + 1]), (), (p.estimate.low, p.estimate.high), distance)
        )
    functions.sort(key=lambda f: (-np.nan_to_num(f.swing, nan=math.inf), -abs(f.slope), f.path))
    effects = []
    for n, (source, numbers) in enumerate(sources.items()):
        lanes = [2 * len(curved) + 2 * n, 2 * len(curved) + 2 * n + 1]
        leads = [str(led[lane]) or leading for lane in lanes]
        changes = any(name != leading for name in leads)
        halved, doubled = (float(at[lane]) for lane in lanes)
        effects.append(SourceEffect(source, len(numbers), halved, doubled, leads[0], leads[1], changes))
    effects.sort(key=lambda s: (-np.nan_to_num(abs(s.doubled - s.halved), nan=math.inf), s.source))
    name = inference.network.by_id[target].states[state]
    return Sensitivity(target, name, posterior, leading, tuple(functions), tuple(effects), factor)


def curve(
    inference: ExactInference, evidence: Evidence, target: str, state: int, path: str, values: Sequence[float]
) -> Array:
    """Return P(target = state | evidence) with one number at each of some values, shape (values,), solved exactly.

    NaN where no model exists. Works for every number, and is what the functions are tested against.

    Raises
    ------
    UnknownNameError
        For a path of no number; carries the nearest one.
    """
    known = [parameter.path for parameter in parameters(inference.network)]
    if path not in known:
        raise UnknownNameError("parameter", path, known)
    points = np.asarray(values, dtype=np.float64)
    return np.asarray(run_numbers(inference, evidence, {path: points}, len(points), [target]).marginals[target][state])


def _lines(inference: ExactInference, chosen: Sequence[Parameter]) -> dict[str, Line]:
    above = solved_upstream(inference.network)
    found = {p.path: table_line(inference, p) for p in chosen if p.child not in above}
    return {path: line for path, line in found.items() if line is not None}


def _entries(inference: ExactInference, ids: Sequence[str]) -> dict[Parameter, Line]:
    above = solved_upstream(inference.network)
    found: set[str] = set()
    stack = list(ids)
    while stack:
        id = stack.pop()
        if id not in found:
            found.add(id)
            stack.extend(inference.network.parents(id))
    return dict(entry_lines(inference, frozenset(found - above)))


def _gradient(inference: ExactInference, evidence: Evidence, more: Mapping[str, int]) -> Gradient:
    hard = {inference.index(id): s for id, s in {**evidence.hard, **more}.items()}
    soft = {inference.index(id): w for id, w in inference.weights(evidence).items() if id not in more}
    with inference.named_budget():
        return inference.compiled.gradient(hard, soft)[1]


def _along(gradient: Gradient, line: Line) -> float:
    table = gradient[line.index]
    if line.term is not None:
        return float((table[line.term] * line.slope).sum())
    return float((np.asarray(table) * line.slope).sum())


def _slopes(
    inference: ExactInference, evidence: Evidence, lines: Mapping[str, Line], target: str, state: int, posterior: float
) -> dict[str, tuple[float, float]]:
    """Return path to d P(target, e) / dx and d P(e) / dx, both divided by P(e)."""
    if not lines:
        return {}
    overall = _gradient(inference, evidence, {})
    if target in evidence.hard or posterior <= 0:
        return {path: (posterior * _along(overall, line), _along(overall, line)) for path, line in lines.items()}
    # P(e, target) is its own question; weights on the target cancel in the ratio but not in the derivative's scale.
    joint = _gradient(inference, evidence, {target: state})
    return {path: (posterior * _along(joint, line), _along(overall, line)) for path, line in lines.items()}


def _function(
    p: Parameter,
    at_low: float,
    at_high: float,
    coefficients: tuple[float, ...],
    domain: tuple[float, float],
    distance: float,
) -> SensitivityFunction:
    e = p.estimate
    return SensitivityFunction(
        p.path, p.role, e.value, e.low, e.high, at_low, at_high, coefficients, domain, distance, e.sources
    )


def _line_function(p: Parameter, line: Line, top: float, bottom: float, posterior: float) -> SensitivityFunction:
    x = p.estimate.value
    a, b, c, d = top, posterior - top * x, bottom, 1 - bottom * x
    ends = [min(max(end, line.low), line.high) for end in (p.estimate.low, p.estimate.high)]
    tables = [np.clip(line.values + (end - x) * line.slope, 0.0, None)[..., None] for end in ends]
    distance = max(float(spread_of_logs(line.values[..., None], table)[0]) for table in tables)
    at_low, at_high = ((a * end + b) / (c * end + d) if c * end + d > 0 else math.nan for end in ends)
    return _function(p, at_low, at_high, (a, b, c, d), (line.low, line.high), distance)


def _by_source(chosen: Sequence[Parameter]) -> dict[str, list[Parameter]]:
    found: dict[str, list[Parameter]] = {}
    for p in chosen:
        for source in p.estimate.sources:
            found.setdefault(source, []).append(p)
    return found


def scaled(p: Parameter, ratio: float) -> float:
    """Return the number with its odds, or the odds ratio itself, multiplied."""
    x = p.estimate.value
    if p.scale == "odds_ratio":
        return x * ratio
    return ratio * x / (1 - x + ratio * x)
