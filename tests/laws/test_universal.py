"""The universal laws, on random networks with tables of every kind and evidence of every kind."""

from __future__ import annotations

import pytest

from toetwitch.testing.adapters import OwnAdapter
from toetwitch.testing.laws import LAWS
from toetwitch.testing.laws.trial import try_law
from toetwitch.testing.paste import question_text

EXAMPLES = 80
OWN = OwnAdapter()


@pytest.mark.parametrize("name", LAWS)
def test_law_holds(name: str) -> None:
    """The library keeps each law that the kit knows."""
    outcome = try_law(LAWS[name], OWN, examples=EXAMPLES)
    if outcome.not_offered:
        pytest.skip(outcome.not_offered)
    assert outcome.breach is None, (
        f"{outcome.law.statement}\n{outcome.breach.detail}\n\n{question_text(outcome.breach.question)}"
    )
