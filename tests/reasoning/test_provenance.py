"""Coverage counts every number once, and puts those that rest on the least first."""

from __future__ import annotations

import toetwitch as tt
from tests.commands.running import SMALL
from toetwitch.knowledge.parameters import parameters
from toetwitch.reasoning.provenance import coverage


def test_every_number_is_counted_once() -> None:
    """Numbers of tables and of settings are counted once each, by grade and by role alike."""
    definition = tt.load_model().definition
    found = coverage(definition)
    settings = sum(len(setting.odds_ratios) for setting in definition.settings.values())
    assert len(found.numbers) == len(parameters(definition.network)) + settings
    assert sum(found.by_grade.values()) == len(found.numbers)
    assert sum(n for counts in found.by_role.values() for n in counts.values()) == len(found.numbers)
    assert "uncited" not in found.by_grade


def test_those_that_rest_on_the_least_come_first() -> None:
    """No number of a better grade, or of a narrower range within its grade, comes before another."""
    numbers = coverage(tt.load_model(SMALL).definition).numbers
    keys = [(number.estimate.grade, number.width) for number in numbers]
    assert keys == sorted(keys, key=lambda key: (-"ABCD".index(key[0]), -key[1]))
    assert keys[0][0] == "D"


def test_every_source_of_the_model_is_listed() -> None:
    """A source that only rules or advice cite is listed with no number."""
    definition = tt.load_model().definition
    found = coverage(definition)
    assert set(found.by_source) == set(definition.sources)
    assert any(not counts for counts in found.by_source.values())
