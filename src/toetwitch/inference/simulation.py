"""Complete cases drawn from a network, parents first."""

from __future__ import annotations

__all__ = ["simulate"]

import numpy as np
from numpy.typing import NDArray

from toetwitch.engine import NoisyMax
from toetwitch.inference.exact import ExactInference

Array = NDArray[np.float64]


def simulate(inference: ExactInference, draws: int, rng: np.random.Generator) -> dict[str, NDArray[np.int64]]:
    """Return id to drawn states, shape (draws,), from the joint distribution with no evidence.

    Examples
    --------
    >>> from toetwitch.knowledge import Cpt, NetworkDefinition, Variable
    >>> tables = (Cpt("rain", (), [0.8, 0.2]), Cpt("wet", ("rain",), [[1.0, 0.0], [0.0, 1.0]]))
    >>> inference = ExactInference(NetworkDefinition((Variable("rain"), Variable("wet")), tables))
    >>> drawn = simulate(inference, 1000, np.random.default_rng(0))
    >>> bool((drawn["rain"] == drawn["wet"]).all()), int(drawn["rain"].sum()) in range(150, 250)
    (True, True)
    """
    resolved = inference.resolved
    drawn: dict[int, NDArray[np.int64]] = {}

    def draw(i: int) -> NDArray[np.int64]:
        if i in drawn:
            return drawn[i]
        potential = resolved.potentials[i]
        if isinstance(potential, NoisyMax):
            parts = [
                _pick(term.values if term.parent is None else term.values[draw(term.parent)], draws, rng)
                for term in potential.terms
            ]
            drawn[i] = np.max(parts, axis=0)
        else:
            axis = potential.scope.index(i)
            rows = np.moveaxis(potential.values, axis, -1)
            drawn[i] = _pick(rows[tuple(draw(j) for j in potential.scope if j != i)], draws, rng)
        return drawn[i]

    # Parents first, so that no call goes deep.
    return {id: draw(resolved.index[id]) for id in inference.network.order}


def _pick(rows: Array, draws: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return a state for each draw, from one distribution or one a draw, shape (..., states)."""
    reached = np.cumsum(rows, axis=-1)
    uniform = rng.random(draws) * reached[..., -1]
    return np.asarray((uniform[:, None] >= reached).sum(axis=-1).clip(0, rows.shape[-1] - 1), dtype=np.int64)
