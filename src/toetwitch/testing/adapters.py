"""Adapters: what a law asks of an engine, and the engines that it may ask.

A law is a statement about exact inference, not about this library, so it speaks to an `Adapter`. Only `posterior` is
needed; whatever else an engine does not offer it says so, and the laws about it are skipped, never passed.
"""

from __future__ import annotations

__all__ = ["Adapter", "FunctionAdapter", "NotOfferedError", "OwnAdapter", "Posteriors"]

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toetwitch.errors import ImpossibleEvidenceError, ToetwitchError
from toetwitch.evidence import read_evidence
from toetwitch.inference.disablement import Disablement
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.network import Network

Array = NDArray[np.float64]
Posteriors = Mapping[str, Mapping[str, float]]
"""Id to state to probability."""

KEPT_NETWORKS = 64


class NotOfferedError(ToetwitchError, NotImplementedError):
    """The engine under test has no such question."""


class Adapter:
    """An engine under test. Subclass it, and override what the engine offers.

    Impossible evidence is refused by raising; whether the error can name the clash is `clash`'s business.
    """

    name = "an engine"
    evidence_kinds: tuple[str, ...] = ("hard", "excluded", "likelihood", "jeffrey", "unknown")
    """Kinds of evidence that the engine offers; laws about others are skipped."""
    batch_kinds: tuple[str, ...] = evidence_kinds
    """Kinds of evidence that it offers for many cases at once."""

    def posterior(self, network: NetworkDefinition, evidence: Mapping[str, object]) -> Posteriors:
        """Return P(state | evidence) of each of `ids`, observed ones included."""
        raise NotImplementedError

    def ids(self, network: NetworkDefinition) -> Sequence[str]:
        """Return the variables that `posterior` answers about: all of them."""
        return list(network.by_id)

    def posterior_of(
        self, network: NetworkDefinition, evidence: Mapping[str, object], targets: Sequence[str]
    ) -> Posteriors:
        """Return P(state | evidence) of some variables, asked for alone."""
        answer = self.posterior(network, evidence)
        return {id: answer[id] for id in targets}

    def log_probability(self, network: NetworkDefinition, evidence: Mapping[str, object]) -> float:
        """Return the natural log of P(evidence)."""
        raise NotOfferedError(f"{self.name} offers no log-probability of evidence")

    def mpe(self, network: NetworkDefinition, evidence: Mapping[str, object]) -> Mapping[str, str]:
        """Return the most probable complete assignment."""
        raise NotOfferedError(f"{self.name} offers no most probable explanation")

    def clash(self, network: NetworkDefinition, evidence: Mapping[str, object]) -> tuple[str, ...]:
        """Return the ids that the refusal of impossible evidence names; () when the evidence is possible."""
        raise NotOfferedError(f"{self.name} does not name clashing evidence")

    def posterior_many(
        self, network: NetworkDefinition, cases: Sequence[Mapping[str, object]], *, threads: int | None = None
    ) -> Sequence[Posteriors]:
        """Return the posteriors of many cases asked in one call."""
        raise NotOfferedError(f"{self.name} offers no batch")

    def do(self, network: NetworkDefinition, forced: Mapping[str, str], evidence: Mapping[str, object]) -> Posteriors:
        """Return the posteriors when variables are set from outside."""
        raise NotOfferedError(f"{self.name} offers no interventions")

    def round_trip(self, network: NetworkDefinition) -> NetworkDefinition:
        """Return the network written to the engine's own exchange format and read back."""
        raise NotOfferedError(f"{self.name} offers no exchange format")

    def necessity(
        self, network: NetworkDefinition, causes: Sequence[str], evidence: Mapping[str, object]
    ) -> Mapping[str, Mapping[str, float]]:
        """Return cause to finding to P(finding is present, and absent had the cause been absent | evidence)."""
        raise NotOfferedError(f"{self.name} offers no counterfactuals")


class OwnAdapter(Adapter):
    """The library itself.

    Parameters
    ----------
    known
        Networks that exist already, by the identity of their definition: a model under check brings its own, settings
        and all.
    focus
        What to ask for where a network has it, so that laws about a large model need not ask for everything.

    Examples
    --------
    >>> from toetwitch.knowledge.table import Cpt
    >>> from toetwitch.knowledge.variable import Variable
    >>> network = NetworkDefinition((Variable("a"),), (Cpt("a", (), [0.25, 0.75]),))
    >>> OwnAdapter().posterior(network, {})
    {'a': {'false': 0.25, 'true': 0.75}}
    """

    name = "toetwitch"

    def __init__(self, known: Sequence[Network] = (), *, focus: Sequence[str] = ()) -> None:
        self.focus = frozenset(focus)
        self._known = {id(network.definition): network for network in known}
        self._kept: OrderedDict[int, tuple[NetworkDefinition, Network]] = OrderedDict()

    def network(self, definition: NetworkDefinition) -> Network:
        """Return the network of a definition, built once."""
        if id(definition) in self._known:
            return self._known[id(definition)]
        if id(definition) not in self._kept:
            self._kept[id(definition)] = (definition, Network(definition))
            while len(self._kept) > KEPT_NETWORKS:
                self._kept.popitem(last=False)
        self._kept.move_to_end(id(definition))
        return self._kept[id(definition)][1]

    def posterior(self, network: NetworkDefinition, evidence: Mapping[str, object]) -> Posteriors:
        """Return P(state | evidence) of every variable, observed ones included."""
        return self.network(network).posterior(evidence, self.ids(network))

    def ids(self, network: NetworkDefinition) -> Sequence[str]:
        """Return the variables that `posterior` answers about."""
        return [id for id in network.by_id if id in self.focus] or list(network.by_id)

    def posterior_of(
        self, network: NetworkDefinition, evidence: Mapping[str, object], targets: Sequence[str]
    ) -> Posteriors:
        """Return P(state | evidence) of some variables, asked for alone."""
        return self.network(network).posterior(evidence, targets)

    def log_probability(self, network: NetworkDefinition, evidence: Mapping[str, object]) -> float:
        """Return the natural log of P(evidence)."""
        return self.network(network).log_probability(evidence)

    def mpe(self, network: NetworkDefinition, evidence: Mapping[str, object]) -> Mapping[str, str]:
        """Return the most probable complete assignment."""
        return self.network(network).mpe(evidence)

    def clash(self, network: NetworkDefinition, evidence: Mapping[str, object]) -> tuple[str, ...]:
        """Return the ids that the refusal of impossible evidence names; () when the evidence is possible."""
        try:
            self.network(network).posterior(evidence)
        except ImpossibleEvidenceError as error:
            return error.clash
        return ()

    def posterior_many(
        self, network: NetworkDefinition, cases: Sequence[Mapping[str, object]], *, threads: int | None = None
    ) -> Sequence[Posteriors]:
        """Return the posteriors of many cases asked in one call."""
        import pandas as pd

        columns = {id: [case.get(id) for case in cases] for id in network.by_id}
        frame, ids = pd.DataFrame(columns, dtype=object), self.ids(network)
        found = self.network(network).posterior_many(frame, ids, threads=threads)
        return [
            {id: dict(zip(network.by_id[id].states, map(float, found[id][row]), strict=True)) for id in ids}
            for row in range(len(cases))
        ]

    def do(self, network: NetworkDefinition, forced: Mapping[str, str], evidence: Mapping[str, object]) -> Posteriors:
        """Return the posteriors when variables are set from outside."""
        return {**self.network(network).what_if(evidence, forced).seen, **_certain(network, forced)}

    def round_trip(self, network: NetworkDefinition) -> NetworkDefinition:
        """Return the network written for pgmpy and read back."""
        return Network.from_pgmpy(self.network(network).to_pgmpy()).definition

    def necessity(
        self, network: NetworkDefinition, causes: Sequence[str], evidence: Mapping[str, object]
    ) -> Mapping[str, Mapping[str, float]]:
        """Return cause to finding to P(finding is present, and absent had the cause been absent | evidence)."""
        own = self.network(network)
        return Disablement(own.inference, causes).necessity(read_evidence(evidence, own.variables))


def _certain(network: NetworkDefinition, forced: Mapping[str, str]) -> Posteriors:
    return {id: {s: float(s == state) for s in network.by_id[id].states} for id, state in forced.items()}


class FunctionAdapter(Adapter):
    """A user's function.

    Parameters
    ----------
    posterior
        Takes a `NetworkDefinition` and evidence; returns id to state to probability, and raises when the evidence is
        impossible.
    name
        What reports call it.

    Examples
    --------
    >>> from toetwitch.knowledge.table import Cpt
    >>> from toetwitch.knowledge.variable import Variable
    >>> network = NetworkDefinition((Variable("a"),), (Cpt("a", (), [0.25, 0.75]),))
    >>> FunctionAdapter(lambda network, evidence: {"a": {"false": 0.25, "true": 0.75}}).posterior(network, {})
    {'a': {'false': 0.25, 'true': 0.75}}
    """

    def __init__(
        self,
        posterior: Callable[[NetworkDefinition, Mapping[str, object]], Any],
        *,
        name: str = "the function",
        evidence_kinds: Sequence[str] = Adapter.evidence_kinds,
    ) -> None:
        self._posterior = posterior
        self.name = name
        self.evidence_kinds = tuple(evidence_kinds)

    def posterior(self, network: NetworkDefinition, evidence: Mapping[str, object]) -> Posteriors:
        """Return what the function returns."""
        found: Posteriors = self._posterior(network, evidence)
        return found
