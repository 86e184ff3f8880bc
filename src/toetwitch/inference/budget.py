"""Refusals by name: the engine says which integers need too much memory, this says which variables."""

from __future__ import annotations

__all__ = ["NamedBudget"]

from collections.abc import Sequence

from toetwitch.errors import BudgetExceededError


class NamedBudget:
    """Puts names on the widest clique of a refused question.

    Parameters
    ----------
    names
        Of the variables, by index; what lies past them is auxiliary.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, BudgetExceededError):
            clique = tuple(
                self.names[i] if isinstance(i, int) and i < len(self.names) else "an auxiliary variable"
                for i in error.clique
            )
            raise BudgetExceededError(
                f"the question needs {error.bytes_needed:,} bytes, past the budget of {error.budget:,}; the widest "
                f"clique holds {', '.join(map(str, dict.fromkeys(clique)))}",
                clique=clique,
                bytes_needed=error.bytes_needed,
                budget=error.budget,
            ) from None
