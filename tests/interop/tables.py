"""Reaching the numbers of tables that are known to be plain."""

from __future__ import annotations

__all__ = ["numbers"]

import numpy as np
from numpy.typing import NDArray

from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.table import Cpt


def numbers(network: NetworkDefinition, id: str) -> NDArray[np.float64]:
    """Return the table of a variable as an array, shape (parent sizes ..., child size)."""
    table = network.table_of[id]
    if not isinstance(table, Cpt):
        raise TypeError(f"the table of {id!r} is a {type(table).__name__}; expected a Cpt")
    return table.values
