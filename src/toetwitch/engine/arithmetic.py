"""Two arithmetics with one interface: plain doubles, and logarithms for numbers that doubles cannot hold.

Plain doubles are fast, and right as long as no product of factors leaves their range. Where that could happen the same
passes run on natural logarithms: slower, and good for probabilities of any size. Zero is exact in both.

All sums run in memory order along a leading axis, so the result does not depend on how many lanes run side by side.
"""

from __future__ import annotations

__all__ = ["LOGARITHMIC", "PLAIN", "Arithmetic", "Logarithmic", "Plain"]

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Exponents = NDArray[np.intc]
LOG_2 = float(np.log(2.0))


class Arithmetic(Protocol):
    """Non-negative numbers in some representation, held in float arrays."""

    one: float

    def lift(self, values: Array) -> Array:
        """Represent plain numbers."""

    def lower(self, values: Array) -> Array:
        """Return plain numbers."""

    def log(self, values: Array) -> Array:
        """Return natural logarithms; -inf for zero."""

    def multiply(self, left: Array, right: Array, out: Array | None = None) -> Array:
        """Multiply, with broadcasting."""

    def divide(self, left: Array, right: Array) -> Array:
        """Divide; 0 / 0 is 0."""

    def add(self, left: Array, right: Array) -> Array:
        """Add, with broadcasting."""

    def sum(self, table: Array) -> Array:
        """Sum over the first axis, in memory order."""

    def scale(self, message: Array) -> tuple[Array, Exponents]:
        """Divide by a power of two so that each lane's largest entry is near one; return it and the exponents."""

    def shift(self, values: Array, exponents: Exponents) -> Array:
        """Multiply by two to the power of each lane's exponent."""


class Plain:
    """Doubles as they are."""

    one = 1.0

    def lift(self, values: Array) -> Array:
        """Represent plain numbers."""
        return values

    def lower(self, values: Array) -> Array:
        """Return plain numbers."""
        return values

    def log(self, values: Array) -> Array:
        """Return natural logarithms; -inf for zero."""
        with np.errstate(divide="ignore"):
            logs: Array = np.log(values)
        return logs

    def multiply(self, left: Array, right: Array, out: Array | None = None) -> Array:
        """Multiply, with broadcasting."""
        return np.multiply(left, right, out=out)

    def divide(self, left: Array, right: Array) -> Array:
        """Divide; 0 / 0 is 0."""
        # A separator that is zero upward is zero downward: its states are impossible, and stay so.
        return np.divide(left, right, out=np.zeros(np.broadcast_shapes(left.shape, right.shape)), where=right > 0)

    def add(self, left: Array, right: Array) -> Array:
        """Add, with broadcasting."""
        return np.add(left, right)

    def sum(self, table: Array) -> Array:
        """Sum over the first axis, in memory order."""
        if table.size == table.shape[0]:
            # One column: numpy would add pairwise, in another order than it does for many lanes.
            running: Array = np.add.accumulate(table, axis=0)
            last: Array = running[-1]
            return last
        # A transposed view of one lane would be added along the other axis, in another order.
        total: Array = np.add.reduce(np.ascontiguousarray(table), axis=0)
        return total

    def scale(self, message: Array) -> tuple[Array, Exponents]:
        """Divide by a power of two so that each lane's largest entry is near one; return it and the exponents."""
        exponents = np.frexp(message.max(axis=0))[1]
        return np.ldexp(message, -exponents), exponents

    def shift(self, values: Array, exponents: Exponents) -> Array:
        """Multiply by two to the power of each lane's exponent."""
        return np.ldexp(values, exponents)


class Logarithmic:
    """Natural logarithms; zero is -inf."""

    one = 0.0

    def lift(self, values: Array) -> Array:
        """Represent plain numbers."""
        return PLAIN.log(values)

    def lower(self, values: Array) -> Array:
        """Return plain numbers."""
        return np.exp(values)

    def log(self, values: Array) -> Array:
        """Return natural logarithms; -inf for zero."""
        return values

    def multiply(self, left: Array, right: Array, out: Array | None = None) -> Array:
        """Multiply, with broadcasting."""
        return np.add(left, right, out=out)

    def divide(self, left: Array, right: Array) -> Array:
        """Divide; 0 / 0 is 0."""
        shape = np.broadcast_shapes(left.shape, right.shape)
        quotient: Array = np.subtract(left, right, out=np.full(shape, -np.inf), where=right > -np.inf)
        return quotient

    def add(self, left: Array, right: Array) -> Array:
        """Add, with broadcasting."""
        return np.logaddexp(left, right)

    def sum(self, table: Array) -> Array:
        """Sum over the first axis, in memory order."""
        top: Array = table.max(axis=0)
        safe: Array = np.where(top > -np.inf, top, 0.0)
        total: Array = PLAIN.log(PLAIN.sum(np.exp(table - safe))) + safe
        return total

    def scale(self, message: Array) -> tuple[Array, Exponents]:
        """Return the message itself: a logarithm needs no scaling."""
        return message, np.zeros(message.shape[1:], dtype=np.intc)

    def shift(self, values: Array, exponents: Exponents) -> Array:
        """Multiply by two to the power of each lane's exponent."""
        moved: Array = values + exponents * LOG_2
        return moved


PLAIN = Plain()
LOGARITHMIC = Logarithmic()
