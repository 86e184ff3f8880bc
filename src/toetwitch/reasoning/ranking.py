"""Which explanation leads: how much the case has taught us about each cause.

P(cause present) alone puts common bystanders first: stress is likely in anybody, moving toes or not. Expected
disablement counts findings, so a cramp weighs as much as a wasted calf. What sets a leading explanation apart is that
the case speaks for it: the information gained about the cause, which is the relative entropy of its posterior from its
prior, with a minus sign where the case speaks against it. A common cause needs more than its commonness to lead, and a
rare one more than a coincidence.

References
----------
Itti & Baldi (2009), Bayesian surprise attracts human attention. Vision Research 49, 1295-1306.
doi:10.1016/j.visres.2008.09.007
Good (1950), Probability and the Weighing of Evidence.
"""

from __future__ import annotations

__all__ = ["information_gain", "information_gains", "leaders", "ranked"]

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def information_gain(posterior: float, prior: float) -> float:
    """Return the relative entropy of a posterior from a prior in nats, negative where the probability fell.

    Infinite where the prior was 0 and the posterior is not, or was 1 and the posterior is not.

    Examples
    --------
    >>> round(information_gain(0.5, 0.1), 4), round(information_gain(0.0, 0.1), 4), information_gain(0.3, 0.3)
    (0.5108, -0.1054, 0.0)
    """
    gain = _part(posterior, prior) + _part(1 - posterior, 1 - prior)
    return math.copysign(max(gain, 0.0), posterior - prior) if posterior != prior else 0.0


def _part(p: float, q: float) -> float:
    if p == 0:
        return 0.0
    return math.inf if q == 0 else p * math.log(p / q)


def ranked(gain: Mapping[str, float], posterior: Mapping[str, float]) -> tuple[str, ...]:
    """Return the causes, leading explanation first: by information gain, then posterior, then id.

    Gains are compared to twelve digits, so that a case which teaches nothing leaves the causes in posterior order.

    Examples
    --------
    >>> ranked({"stress": 0.1, "radiculopathy": 1.7}, {"stress": 0.4, "radiculopathy": 0.3})
    ('radiculopathy', 'stress')
    """
    return tuple(sorted(posterior, key=lambda id: (-round(gain.get(id, 0.0), 12), -posterior[id], id)))


def leaders(posterior: Mapping[str, Array], prior: Mapping[str, Array]) -> NDArray[np.object_]:
    """Return which id leads, as `ranked` has it, in each of many cases at once.

    Parameters
    ----------
    posterior, prior
        Id to P(present | case) and to P(present), of one shape or broadcastable to one.

    Returns
    -------
    numpy.ndarray
        Ids, of that shape; "" where a probability is missing, and throughout when there is no id.

    Examples
    --------
    >>> print(leaders({"a": np.array([0.3, 0.9]), "b": np.array([0.4, 0.4])}, {"a": np.array(0.3), "b": np.array(0.3)}))
    ['b' 'a']
    """
    ids = sorted(posterior)
    if not ids:
        return np.array("", dtype=object)
    after = np.stack(np.broadcast_arrays(*(np.asarray(posterior[id], dtype=float) for id in ids)))
    gains = information_gains({id: after[n] for n, id in enumerate(ids)}, prior)
    gain = np.stack(np.broadcast_arrays(*(gains[id] for id in ids)))
    # The last key counts first; ids are in order, so the first of equals is the one that `ranked` has first.
    order = np.lexsort((-after, -np.round(gain, 12)), axis=0)
    return np.where(np.isnan(gain).any(axis=0), "", np.array(ids, dtype=object)[order[0]])


def information_gains(posterior: Mapping[str, Array], prior: Mapping[str, Array]) -> dict[str, Array]:
    """Return id to `information_gain` of arrays of probabilities; NaN where one is missing."""
    return {id: _signed_parts(np.asarray(after), np.asarray(prior[id])) for id, after in posterior.items()}


def _signed_parts(after: Array, before: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [np.where(p == 0, 0.0, p * np.log(p / q)) for p, q in ((after, before), (1 - after, 1 - before))]
        gain = np.maximum(parts[0] + parts[1], 0.0)
    return np.asarray(np.where(after == before, 0.0, np.copysign(gain, after - before)))
