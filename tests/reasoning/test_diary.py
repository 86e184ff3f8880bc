"""A diary's answer is the sum over every path of the hidden level, and follows what is written."""

from __future__ import annotations

import datetime
import json
import math
from itertools import pairwise, product

import pytest

import toetwitch as tt
from toetwitch.errors import EvidenceError, UnknownNameError
from toetwitch.reasoning.diary import COURSES, Rates, read_diary

LEVELS = ("none", "mild", "severe")


def on(*pairs: tuple[int, str | bool]) -> dict[datetime.date, str | bool]:
    """Return entries by day of a diary that starts on a fixed date."""
    start = datetime.date(2024, 5, 1)
    return {start + datetime.timedelta(days=day): level for day, level in pairs}


def by_paths(seen: dict[int, int], rates: Rates) -> dict[str, float]:
    """Return P(course, entries) by adding up every day-by-day path of the level."""
    step, found = 1 / rates.days_per_step, {}
    for course in COURSES:
        down = {"persistent": step / 2, "resolving": step, "progressing": 0.0}[course]
        up = {"persistent": step / 2, "resolving": 0.0, "progressing": step}[course]
        total = 0.0
        for path in product(range(3), repeat=max(seen) + 1):
            weight = rates.prior[course] / 3
            for today, tomorrow in pairwise(path):
                chance = 0.0
                for move, p in ((-1, down), (1, up), (0, 1 - down - up)):
                    chance += p * (min(max(today + move, 0), 2) == tomorrow)
                weight *= chance
            for day, level in seen.items():
                weight *= 1 - rates.misread if path[day] == level else rates.misread / 2
            total += weight
        found[course] = total
    return found


def test_courses_equal_the_sum_over_all_paths() -> None:
    """P(course | entries) and P(entries) equal enumeration of every path of the level, day by day."""
    rates = Rates(days_per_step=3, misread=0.1, prior={"persistent": 0.5, "resolving": 0.3, "progressing": 0.2})
    truth = by_paths({0: 1, 2: 1, 5: 2, 7: 2}, rates)
    answer = read_diary(on((0, "mild"), (2, "mild"), (5, "severe"), (7, "severe")), LEVELS, rates=rates)
    total = sum(truth.values())
    assert dict(answer.courses) == pytest.approx({course: p / total for course, p in truth.items()}, abs=1e-12)
    assert answer.log_evidence == pytest.approx(math.log(total), abs=1e-12)
    assert all(sum(row) == pytest.approx(1) for row in answer.level_by_day)


def test_the_course_follows_the_entries() -> None:
    """Falling entries resolve, rising ones progress, and wandering ones persist."""
    resolving = read_diary(on((0, "severe"), (10, "mild"), (20, "none"), (40, "none")), LEVELS)
    progressing = read_diary(on((0, "none"), (10, "mild"), (20, "severe"), (40, "severe")), LEVELS)
    persistent = read_diary(on((0, "mild"), (10, "severe"), (20, "mild"), (30, "severe"), (40, "mild")), LEVELS)
    for answer, course in ((resolving, "resolving"), (progressing, "progressing"), (persistent, "persistent")):
        assert max(answer.courses, key=lambda name: answer.courses[name]) == course
    assert resolving.present_after < persistent.present_after < progressing.present_after


def test_days_present_is_the_latest_unbroken_run() -> None:
    """An absent entry ends a run; the order in which entries are given does not matter."""
    entries = on((0, True), (5, False), (9, True), (30, True))
    assert read_diary(entries).days_present == 21
    assert read_diary(dict(reversed(entries.items()))) == read_diary(entries)
    assert read_diary(on((0, True), (9, False))).days_present == 0


def test_one_entry_says_nothing_of_the_course() -> None:
    """After a single entry the courses are as they were before."""
    answer = read_diary(on((0, True)))
    assert dict(answer.courses) == pytest.approx(dict(Rates().prior))


def test_wrong_diaries_are_named() -> None:
    """No entry, an unknown level, rates that cannot be, and entries that these exclude are refused."""
    with pytest.raises(EvidenceError, match="a diary without entries"):
        read_diary({})
    with pytest.raises(UnknownNameError):
        read_diary(on((0, "seveer")), LEVELS)
    with pytest.raises(EvidenceError, match="days_per_step 0"):
        Rates(days_per_step=0)
    with pytest.raises(UnknownNameError):
        Rates(prior={"persistant": 1.0})
    rates = Rates(misread=0.0, prior={"persistent": 0.0, "resolving": 1.0, "progressing": 0.0})
    with pytest.raises(EvidenceError, match="cannot be under the assumed rates"):
        read_diary(on((0, "none"), (5, "severe")), LEVELS, rates=rates)


def test_every_form_says_the_same() -> None:
    """Dict, frame and text agree, by way of the model too; the dict is JSON and shows the assumptions."""
    answer = tt.load_model().diary(on((0, True), (40, True)))
    again = json.loads(json.dumps(answer.to_dict(), allow_nan=False))
    assert again["rates"]["days_per_step"] == answer.rates.days_per_step
    assert list(answer.to_frame().index) == [0, 40]
    assert "Present for 40 days" in str(answer)
