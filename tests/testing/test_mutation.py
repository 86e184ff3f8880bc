"""The kit is tested by mutation: every seeded fault is noticed by a law that ought to."""

from __future__ import annotations

import pytest

from tests.testing.mutation.catalogue import EVERY_FAULT, notice
from tests.testing.mutation.fault import Fault


@pytest.mark.parametrize("seeded", EVERY_FAULT, ids=lambda fault: fault.name)
def test_fault_is_noticed(seeded: Fault) -> None:
    """A seeded fault breaks at least one of the laws that ought to notice it."""
    caught = notice(seeded, all_laws=False)
    assert caught.laws, f"{seeded.mistake} Not noticed by {', '.join(seeded.suspects)}"


def test_there_are_enough_faults() -> None:
    """The catalogue holds at least forty faults, each of another name, in code and in model files."""
    names = [fault.name for fault in EVERY_FAULT]
    assert len(set(names)) == len(names) >= 40
    assert {"engine", "inference", "evidence", "frames", "exchange", "reasoning", "model", "model file"} <= {
        fault.place for fault in EVERY_FAULT
    }
