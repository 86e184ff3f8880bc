"""Every claim of the founding article is shown by the default model, or listed with the reason why not."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import toetwitch as tt
from tests.claims import evaluation, introduction, metabolic, nerve, relief
from tests.claims.world import World

DATA = tomllib.loads((Path(__file__).parent.parent / "data" / "article_claims.toml").read_text(encoding="utf-8"))
CLAIMS: list[dict[str, Any]] = DATA["claim"]
NOT_HELD: dict[str, str] = {entry["id"]: entry["reason"] for entry in DATA.get("not_held", [])}
CHECKS: dict[str, Callable[[World], None]] = {
    name: check
    for part in (introduction, metabolic, nerve, evaluation, relief)
    for name, check in vars(part).items()
    if name[0] == "c" and name[1:].isdecimal()
}


@pytest.fixture(scope="module")
def world() -> World:
    """Return the default model, asked in the words of the claims."""
    return World(tt.load_model())


def test_every_claim_is_checked() -> None:
    """There are sixty claims, each with one check, and no check or exception without its claim."""
    ids = [claim["id"] for claim in CLAIMS]
    assert len(ids) == len(set(ids)) == 60
    assert sorted(ids) == sorted(CHECKS)
    assert set(NOT_HELD) <= set(ids)
    assert all(len(reason) > 40 for reason in NOT_HELD.values())


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim["id"])
def test_ids_are_of_the_model(world: World, claim: dict[str, Any]) -> None:
    """A claim speaks of variables that the model has."""
    assert set(claim["ids"]) <= set(world.model.network.variables)


@pytest.mark.parametrize("id", sorted(CHECKS))
def test_claim(world: World, id: str) -> None:
    """A claim is shown by the model exactly when it is not listed as an exception."""
    if id not in NOT_HELD:
        CHECKS[id](world)
        return
    with pytest.raises(AssertionError):
        CHECKS[id](world)
