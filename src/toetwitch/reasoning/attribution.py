"""Which cause produces what is seen: necessity, and expected disablement as a ranking of causes.

P(cause present) alone puts common bystanders first: stress is common, so it is likely in anyone, moving toes or not.
The counterfactual question is what is asked in a clinic: how much of what is seen would vanish if this cause alone were
switched off? The expected number of findings that would is the cause's expected disablement.

References
----------
Richens, Lee & Johri (2020), Improving the accuracy of medical diagnosis with causal machine learning.
Nature Communications 11, 3923. doi:10.1038/s41467-020-17419-7
"""

from __future__ import annotations

__all__ = ["Attribution", "attribution", "ranked"]

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from toetwitch.evidence import Evidence
from toetwitch.inference import Disablement


@dataclass(frozen=True, slots=True)
class Attribution:
    """How much of a picture each cause accounts for.

    Parameters
    ----------
    necessity
        Cause to finding to P(finding present, and absent were this cause switched off | evidence).
    expected_disablement
        Cause to the expected number of present findings that would vanish without it: the sum of its row.
    """

    necessity: Mapping[str, Mapping[str, float]]
    expected_disablement: Mapping[str, float]

    def __post_init__(self) -> None:
        rows = {cause: MappingProxyType(dict(row)) for cause, row in self.necessity.items()}
        object.__setattr__(self, "necessity", MappingProxyType(rows))
        object.__setattr__(self, "expected_disablement", MappingProxyType(dict(self.expected_disablement)))


def attribution(disablement: Disablement, evidence: Evidence) -> Attribution:
    """Return necessity and expected disablement of every cause, exactly (one run of the engine)."""
    necessity = disablement.necessity(evidence)
    return Attribution(necessity, {cause: sum(row.values()) for cause, row in necessity.items()})


def ranked(disablement: Mapping[str, float], posterior: Mapping[str, float]) -> tuple[str, ...]:
    """Return the causes, leading explanation first: by expected disablement, then posterior, then id.

    Disablement is compared to nine digits, so that causes which explain nothing are in posterior order.

    Examples
    --------
    >>> ranked({"stress": 0.1, "radiculopathy": 1.7}, {"stress": 0.4, "radiculopathy": 0.3})
    ('radiculopathy', 'stress')
    """
    return tuple(sorted(posterior, key=lambda id: (-round(disablement.get(id, 0.0), 9), -posterior[id], id)))
