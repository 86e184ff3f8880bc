"""The explicit twin network, which answers counterfactuals where the shorter schemes do not apply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from toetwitch.evidence import read_evidence
from toetwitch.inference.twin import TwinInference
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.testing.adapters import OwnAdapter
from toetwitch.testing.laws import LAWS
from toetwitch.testing.laws.trial import try_law
from toetwitch.testing.paste import question_text


class Twin(OwnAdapter):
    """Counterfactuals by the twin network alone."""

    def necessity(
        self, network: NetworkDefinition, causes: Sequence[str], evidence: Mapping[str, object]
    ) -> Mapping[str, Mapping[str, float]]:
        """Return cause to finding to necessity."""
        own = self.network(network)
        return TwinInference(own.inference, causes).necessity(read_evidence(evidence, own.variables))


@pytest.mark.parametrize("name", ["necessity"])
def test_twin(name: str) -> None:
    """The twin network's necessity equals enumeration of both worlds at once."""
    outcome = try_law(LAWS[name], Twin(), examples=60)
    assert outcome.breach is None, f"{outcome.breach.detail}\n\n{question_text(outcome.breach.question)}"
