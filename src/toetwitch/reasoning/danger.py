"""The readings of a case that keep the posterior's level monotone in bad news.

A posterior can fall when more is known: exertion explains a weak leg, and a disease becomes less likely. Whether a
network is monotone is hard to decide in general, so monotonicity is made, not hoped for: the posterior's level is the
highest that any subset of the danger findings present would give, each finding also at each milder state. Adding a
danger finding, or making one worse, only adds readings.

References
----------
van der Gaag, Bodlaender & Feelders (2004), Monotonicity in Bayesian networks. UAI 2004, 569-576. arXiv:1207.4160
"""

from __future__ import annotations

__all__ = ["DANGER_READINGS", "danger_readings", "readings_of_codes"]

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from toetwitch.evidence import Evidence

Array = NDArray[np.float64]
Int = NDArray[np.int64]

DANGER_READINGS = 4096
"""The size limit: twelve binary danger findings at once."""


def danger_readings(evidence: Evidence, danger: Sequence[str], sizes: Mapping[str, int]) -> dict[str, Array] | None:
    """Return every reading of the danger findings present: as observed, at a milder present state, or unknown.

    Parameters
    ----------
    evidence
        The case.
    danger
        Ids of the danger findings; states run from absent to bad.
    sizes
        Id to its number of states.

    Returns
    -------
    dict or None
        Id to weights, shape (states, readings): one-hot where the reading has a state, ones where it leaves the id
        unknown. The first reading is the evidence itself. Soft evidence on a danger finding is either kept or left
        out. None past the size limit `DANGER_READINGS`.

    Examples
    --------
    >>> case = Evidence({"foot_drop": 1, "numbness": 0}, {}, {})
    >>> danger_readings(case, ["foot_drop", "numbness"], {"foot_drop": 2, "numbness": 2})["foot_drop"].tolist()
    [[0.0, 1.0], [1.0, 1.0]]
    """
    options: dict[str, list[Array]] = {}
    for id in danger:
        unknown = np.ones(sizes[id])
        if evidence.hard.get(id, 0) > 0:
            options[id] = [np.eye(sizes[id])[s] for s in range(evidence.hard[id], 0, -1)] + [unknown]
        elif id in evidence.soft:
            options[id] = [evidence.soft[id], unknown]
    if np.prod([len(states) for states in options.values()], dtype=float) > DANGER_READINGS:
        return None
    combinations = list(itertools.product(*options.values()))
    return {id: np.stack([reading[k] for reading in combinations], axis=-1) for k, id in enumerate(options)}


def readings_of_codes(codes: Int, danger: Int) -> Int:
    """Return every reading of a case given as integers, shape (readings, variables), the case itself first.

    Parameters
    ----------
    codes
        Observed states, shape (variables,), -1 where unknown.
    danger
        Places of the danger findings.

    Examples
    --------
    >>> readings_of_codes(np.array([1, 0, 2]), np.array([1, 2])).tolist()
    [[1, 0, 2], [1, 0, 1], [1, 0, -1]]
    """
    places = danger[codes[danger] > 0]
    options = [[*range(int(codes[place]), 0, -1), -1] for place in places]
    states = np.array(list(itertools.product(*options)), dtype=np.int64)
    read = np.repeat(codes[None, :], len(states), axis=0)
    read[:, places] = states
    return read
