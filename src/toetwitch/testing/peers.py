"""Adapters for pgmpy and pyAgrum: each law is put to them through their own documented calls.

A network reaches them with every table written out (`toetwitch.testing.oracle.expand`), so that a law they break is
about their inference and not about tables they do not have. What they do not document is "not offered", never broken.
"""

from __future__ import annotations

__all__ = ["PgmpyAdapter", "PyAgrumAdapter"]

import importlib
import logging
import math
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toetwitch.evidence import Excluded, Jeffrey, Likelihood, is_unknown
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.table import Cpt
from toetwitch.testing.adapters import Adapter, NotOfferedError, Posteriors
from toetwitch.testing.oracle import expand

Array = NDArray[np.float64]


def _split(network: NetworkDefinition, evidence: Mapping[str, object]) -> tuple[dict[str, str], dict[str, Array]]:
    """Return hard evidence as state names, and likelihood weights by id."""
    hard: dict[str, str] = {}
    soft: dict[str, Array] = {}
    for id, value in evidence.items():
        states = network.by_id[id].states
        if is_unknown(value):
            continue
        if isinstance(value, Excluded):
            soft[id] = np.array([float(s not in {str(x).lower() for x in value.states}) for s in states])
        elif isinstance(value, Likelihood):
            soft[id] = np.array([float(value.weights.get(s, 0.0)) for s in states])
        elif isinstance(value, Jeffrey):
            raise NotOfferedError("Jeffrey evidence is not offered")
        else:
            hard[id] = str(value).lower() if isinstance(value, bool) else str(value)
    return hard, soft


def _point(states: Sequence[str], state: str) -> dict[str, float]:
    return {s: float(s == state) for s in states}


@contextmanager
def _quiet() -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


class PgmpyAdapter(Adapter):
    """pgmpy: variable elimination, virtual evidence, `predict_probability`, `CausalInference`, and its BIF files."""

    name = "pgmpy"
    evidence_kinds = ("hard", "excluded", "likelihood", "unknown")
    batch_kinds = ("hard", "unknown")

    def _model(self, network: NetworkDefinition) -> Any:
        from pgmpy.factors.discrete import TabularCPD
        from pgmpy.models import DiscreteBayesianNetwork

        with _quiet():
            model = DiscreteBayesianNetwork()
            model.add_nodes_from(network.by_id)
            for id, values in expand(network).items():
                parents = network.parents(id)
                model.add_edges_from((p, id) for p in parents)
                size = len(network.by_id[id].states)
                names = {x: list(network.by_id[x].states) for x in (id, *parents)}
                flat = np.moveaxis(values, -1, 0).reshape(size, -1)
                sizes = [len(network.by_id[p].states) for p in parents]
                model.add_cpds(TabularCPD(id, size, flat, list(parents) or None, sizes or None, names))
        return model

    def _virtual(self, network: NetworkDefinition, soft: Mapping[str, Array]) -> list[Any]:
        from pgmpy.factors.discrete import TabularCPD

        return [
            TabularCPD(id, len(w), (w / w.sum()).reshape(-1, 1), state_names={id: list(network.by_id[id].states)})
            for id, w in soft.items()
        ]

    def posterior(self, network: NetworkDefinition, evidence: Mapping[str, object]) -> Posteriors:
        """Return `VariableElimination.query` for each variable that is not observed."""
        from pgmpy.inference import VariableElimination

        hard, soft = _split(network, evidence)
        answer = {id: _point(network.by_id[id].states, state) for id, state in hard.items()}
        asked = [id for id in network.by_id if id not in hard]
        if asked:
            with _quiet():
                found = VariableElimination(self._model(network)).query(
                    asked,
                    evidence=hard or None,
                    virtual_evidence=self._virtual(network, soft) or None,
                    joint=False,
                    show_progress=False,
                )
            answer.update({id: self._by_state(found[id], id) for id in asked})
        return {id: answer[id] for id in network.by_id}

    def mpe(self, network: NetworkDefinition, evidence: Mapping[str, object]) -> Mapping[str, str]:
        """Return `VariableElimination.map_query` over everything unobserved."""
        from pgmpy.inference import VariableElimination

        hard, soft = _split(network, evidence)
        asked = [id for id in network.by_id if id not in hard]
        if not asked:
            return hard
        with _quiet():
            found = VariableElimination(self._model(network)).map_query(
                asked,
                evidence=hard or None,
                virtual_evidence=self._virtual(network, soft) or None,
                show_progress=False,
            )
        return {**{id: str(found[id]) for id in asked}, **hard}

    def posterior_many(
        self, network: NetworkDefinition, cases: Sequence[Mapping[str, object]], *, threads: int | None = None
    ) -> Sequence[Posteriors]:
        """Return `predict_probability` of a frame with a missing cell wherever a case says nothing."""
        import pandas as pd

        split = [_split(network, case) for case in cases]
        told = [id for id in network.by_id if any(id in hard for hard, _ in split)]
        if not told or len(told) == len(network.by_id):
            return [self.posterior(network, case) for case in cases]
        frame = pd.DataFrame({id: [hard.get(id, math.nan) for hard, _ in split] for id in told}, dtype=object)
        with _quiet():
            found = self._model(network).predict_probability(frame)
        rows = []
        for row, (hard, _) in enumerate(split):
            answer: dict[str, Mapping[str, float]] = {
                id: _point(network.by_id[id].states, state) for id, state in hard.items()
            }
            for id in network.by_id:
                if id not in answer:
                    answer[id] = {s: float(found[f"{id}_{s}"].iloc[row]) for s in network.by_id[id].states}
            rows.append(answer)
        return rows

    def do(self, network: NetworkDefinition, forced: Mapping[str, str], evidence: Mapping[str, object]) -> Posteriors:
        """Return `CausalInference.query` for each variable that is not set."""
        from pgmpy.inference import CausalInference

        hard, _ = _split(network, evidence)
        answer: dict[str, Mapping[str, float]] = {
            id: _point(network.by_id[id].states, state) for id, state in forced.items()
        }
        model = self._model(network)
        with _quiet():
            for id in network.by_id:
                if id not in answer:
                    found = CausalInference(model).query(
                        [id], do=dict(forced), evidence=hard or None, show_progress=False
                    )
                    answer[id] = self._by_state(found, id)
        return answer

    def round_trip(self, network: NetworkDefinition) -> NetworkDefinition:
        """Return the network written by `BIFWriter` and read back by `BIFReader`."""
        from pgmpy.readwrite import BIFReader, BIFWriter

        with _quiet(), tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "network.bif")
            BIFWriter(self._model(network)).write(path)
            model = BIFReader(path).get_model()
        tables = []
        for variable in network.variables:
            cpd = model.get_cpds(variable.id)
            parents = tuple(network.parents(variable.id))
            factor = cpd.to_factor()
            values = np.moveaxis(
                factor.values, [factor.variables.index(x) for x in (*parents, variable.id)], range(len(parents) + 1)
            )
            for axis, x in enumerate((*parents, variable.id)):
                values = np.take(values, [cpd.state_names[x].index(s) for s in network.by_id[x].states], axis=axis)
            tables.append(Cpt(variable.id, parents, values))
        return NetworkDefinition(network.variables, tuple(tables))

    def _by_state(self, factor: Any, id: str) -> dict[str, float]:
        return {str(s): float(p) for s, p in zip(factor.state_names[id], factor.values, strict=True)}


class PyAgrumAdapter(Adapter):
    """pyAgrum: lazy propagation, which takes likelihoods as evidence, causal models, and its BIF files."""

    name = "pyAgrum"
    evidence_kinds = ("hard", "excluded", "likelihood", "unknown")

    def _network(self, network: NetworkDefinition) -> Any:
        gum: Any = importlib.import_module("pyagrum")

        made = gum.BayesNet()
        for variable in network.variables:
            made.add(gum.LabelizedVariable(variable.id, "", list(variable.states)))
        for id, values in expand(network).items():
            for parent in network.parents(id):
                made.addArc(parent, id)
            parents = network.parents(id)
            cpt = made.cpt(id)
            for cell in np.ndindex(*values.shape[:-1]):
                where = {p: int(k) for p, k in zip(parents, cell, strict=True)}
                if where:
                    cpt[where] = values[cell].tolist()
                else:
                    cpt.fillWith(values[cell].tolist())
        return made

    def _evidence(self, network: NetworkDefinition, evidence: Mapping[str, object]) -> dict[str, Any]:
        hard, soft = _split(network, evidence)
        return {
            **{id: network.by_id[id].states.index(state) for id, state in hard.items()},
            **{id: weights.tolist() for id, weights in soft.items()},
        }

    def _read(self, network: NetworkDefinition, tensor: Any, id: str) -> dict[str, float]:
        return {s: float(p) for s, p in zip(network.by_id[id].states, tensor.toarray(), strict=True)}

    def posterior(self, network: NetworkDefinition, evidence: Mapping[str, object]) -> Posteriors:
        """Return the posteriors of `LazyPropagation`."""
        gum: Any = importlib.import_module("pyagrum")

        made = self._network(network)
        engine = gum.LazyPropagation(made)
        engine.setEvidence(self._evidence(network, evidence))
        engine.makeInference()
        return {id: self._read(network, engine.posterior(id), id) for id in network.by_id}

    def log_probability(self, network: NetworkDefinition, evidence: Mapping[str, object]) -> float:
        """Return the natural log of `LazyPropagation.evidenceProbability`."""
        gum: Any = importlib.import_module("pyagrum")

        made = self._network(network)
        engine = gum.LazyPropagation(made)
        engine.setEvidence(self._evidence(network, evidence))
        engine.makeInference()
        p = float(engine.evidenceProbability())
        return math.log(p) if p > 0 else -math.inf

    def do(self, network: NetworkDefinition, forced: Mapping[str, str], evidence: Mapping[str, object]) -> Posteriors:
        """Return `causal.causalImpact` for each variable that is not set."""
        csl: Any = importlib.import_module("pyagrum.causal")

        hard, _ = _split(network, evidence)
        model = csl.CausalModel(self._network(network))
        answer: dict[str, Mapping[str, float]] = {
            id: _point(network.by_id[id].states, state) for id, state in forced.items()
        }
        for id in network.by_id:
            if id not in answer:
                values = {x: network.by_id[x].states.index(s) for x, s in {**forced, **hard}.items()}
                _, tensor, _ = csl.causalImpact(model, on=id, doing=set(forced), knowing=set(hard), values=values)
                rest = {x: values[x] for x in tensor.names if x != id}
                answer[id] = self._read(network, tensor.extract(rest) if rest else tensor, id)
        return answer

    def round_trip(self, network: NetworkDefinition) -> NetworkDefinition:
        """Return the network saved as BIF and loaded again."""
        gum: Any = importlib.import_module("pyagrum")

        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "network.bif")
            gum.saveBN(self._network(network), path)
            back = gum.loadBN(path)
        tables = []
        for variable in network.variables:
            parents = network.parents(variable.id)
            scope = (*parents, variable.id)
            values = np.empty([len(network.by_id[x].states) for x in scope])
            for cell in np.ndindex(*values.shape):
                labels = {x: network.by_id[x].states[k] for x, k in zip(scope, cell, strict=True)}
                values[cell] = back.cpt(variable.id)[labels]
            tables.append(Cpt(variable.id, parents, values))
        return NetworkDefinition(network.variables, tuple(tables))
