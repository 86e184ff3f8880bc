"""How hard to try: quick enough for every change, or thorough for a night."""

from __future__ import annotations

__all__ = ["PROFILES", "Profile", "profile_named"]

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from toetwitch.errors import UnknownNameError


@dataclass(frozen=True, slots=True)
class Profile:
    """How many questions a law is tried on.

    Parameters
    ----------
    name
        What it is called.
    cases
        Cases of the model under check for each law about cases.
    questions
        Cases of the model for each universal law, which asks several questions a case.
    networks
        Small random networks for each universal law, when an engine is under test.
    rebuilds
        Whether laws that build other networks are tried on the model.
    """

    name: str
    cases: int
    questions: int
    networks: int
    rebuilds: bool


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "quick": Profile("quick", cases=25, questions=5, networks=200, rebuilds=False),
        "thorough": Profile("thorough", cases=400, questions=60, networks=1500, rebuilds=True),
    }
)


def profile_named(name: str) -> Profile:
    """Return a profile.

    Raises
    ------
    UnknownNameError
        For another name; carries the nearest one.

    Examples
    --------
    >>> profile_named("quick").cases
    25
    """
    if name not in PROFILES:
        raise UnknownNameError("profile", name, PROFILES)
    return PROFILES[name]
