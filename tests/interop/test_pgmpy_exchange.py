"""Networks go to pgmpy and come back with every name, state and answer."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pgmpy.factors.discrete import TabularCPD
from pgmpy.inference import VariableElimination
from pgmpy.models import DiscreteBayesianNetwork

from tests.interop.tables import numbers
from toetwitch.errors import InterchangeError
from toetwitch.inference import resolve
from toetwitch.inference.resolution import Resolved
from toetwitch.interop import RESERVED_PREFIX, from_pgmpy, to_pgmpy
from toetwitch.interop.pgmpy_exchange import LARGEST_TABLE
from toetwitch.knowledge.estimate import Estimate
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.table import Cpt, Leak, Link, NoisyMax
from toetwitch.knowledge.variable import Variable
from toetwitch.model import load_model
from toetwitch.network import Network
from toetwitch.testing.oracle import Enumeration
from toetwitch.testing.strategies import Question, networks, questions

SEVERITY = ("none", "mild", "Asy/Patch")


def graded(causes: int, *, inhibits: bool = False, seed: int = 0) -> NetworkDefinition:
    """Return independent causes, a graded finding that is their noisy-MAX, and a binary one that is their noisy-OR."""
    rng = np.random.default_rng(seed)
    variables = [Variable(f"cause_{i}") for i in range(causes)]
    tables: list[Any] = [
        Cpt(v.id, (), np.array([1 - p, p])) for v, p in zip(variables, rng.uniform(0.05, 0.4, causes), strict=True)
    ]
    variables += [Variable("pain", SEVERITY), Variable("twitch")]
    links = [
        Link(
            f"cause_{i}", {"mild": Estimate.of(rng.uniform(0.1, 0.3)), "Asy/Patch": Estimate.of(rng.uniform(0.05, 0.3))}
        )
        for i in range(causes)
    ]
    tables.append(
        NoisyMax("pain", Leak("leak", {"mild": Estimate.of(0.02), "Asy/Patch": Estimate.of(0.01)}), tuple(links))
    )
    simple = [
        Link(f"cause_{i}", {"true": Estimate.of(0.02 if inhibits and i == 0 else 0.5)}, inhibits=inhibits and i == 0)
        for i in range(causes)
    ]
    tables.append(NoisyMax("twitch", Leak("leak", {"true": Estimate.of(0.1)}), tuple(simple)))
    return NetworkDefinition(tuple(variables), tuple(tables))


def exported(network: NetworkDefinition) -> DiscreteBayesianNetwork:
    """Return the network in pgmpy."""
    return to_pgmpy(network, resolve(network))


@pytest.mark.parametrize(("causes", "inhibits"), [(3, False), (3, True), (11, False), (16, True), (30, False)])
def test_round_trip_answers_identically(causes: int, inhibits: bool) -> None:
    """What went to pgmpy and came back gives every posterior and log P(e) of the original, chain or no chain."""
    network = graded(causes, inhibits=inhibits)
    before, after = Network(network), Network(from_pgmpy(exported(network)))
    for evidence in (
        {},
        {"pain": "mild"},
        {"pain": "Asy/Patch", "twitch": "true"},
        {"twitch": "false", "cause_0": "true"},
    ):
        answers = before.posterior(evidence)
        again = after.posterior(evidence, targets=list(answers))
        for id, states in answers.items():
            assert list(again[id]) == list(states)
            np.testing.assert_allclose(list(again[id].values()), list(states.values()), rtol=0, atol=1e-12)
        assert after.log_probability(evidence) == pytest.approx(before.log_probability(evidence), abs=1e-12)


@settings(deadline=None)
@given(questions(networks(nodes=(1, 5)), kinds=["hard"]), st.sampled_from([1, 2**13]))
def test_any_network_survives(question: Question, largest_table: int) -> None:
    """Any network of any tables goes out, as chains or as tables, and comes back with the posteriors of enumeration."""
    model = to_pgmpy(question.network, resolve(question.network), largest_table=largest_table)
    expected = Enumeration(question.network).posterior(question.evidence)
    found = Network(from_pgmpy(model)).posterior(question.evidence, targets=list(expected))
    for id, states in expected.items():
        np.testing.assert_allclose(list(found[id].values()), states, rtol=0, atol=1e-9)


def test_pgmpy_finds_the_same_posteriors() -> None:
    """Variable elimination by pgmpy on the exported chain agrees to 1e-9."""
    network = graded(14, inhibits=True)
    engine = VariableElimination(exported(network))
    ours = Network(network).posterior({"pain": "mild", "twitch": "true"})
    for id in ("cause_0", "cause_5", "cause_13"):
        found = engine.query([id], {"pain": "mild", "twitch": "true"}, show_progress=False)
        for state, p in ours[id].items():
            assert found.get_value(**{id: state}) == pytest.approx(p, abs=1e-9)


def test_the_export_never_explodes() -> None:
    """Thirty binary causes of a graded finding leave as tables whose entries grow with the causes, not with 2^30."""
    model = exported(graded(30))
    model.check_model()
    assert sum(cpd.values.size for cpd in model.get_cpds()) < 30 * 2 * (3 * 3 * 2 + 2 * 2 * 2)


def test_names_and_states_are_kept() -> None:
    """Every variable keeps its name and states; what is added has the reserved prefix and is a latent of pgmpy's."""
    network = graded(16, inhibits=True)
    model = exported(network)
    added = set(model.nodes()) - set(network.by_id)
    assert set(network.by_id) <= set(model.nodes())
    assert added
    assert all(name.startswith(RESERVED_PREFIX) for name in added)
    assert added <= model.latents
    for variable in network.variables:
        assert tuple(model.get_cpds(variable.id).state_names[variable.id]) == variable.states


def test_few_parents_make_no_auxiliary_variable() -> None:
    """A table that fits is written as one table, so that a reader meets only names of the model."""
    assert set(exported(graded(11)).nodes()) == set(graded(11).by_id)


def test_a_second_round_trip_is_the_identity() -> None:
    """A network that came from pgmpy has plain tables, so it goes and comes back equal."""
    once = from_pgmpy(exported(graded(4)))
    assert from_pgmpy(exported(once)) == once


def test_the_reserved_prefix_is_refused() -> None:
    """A chain that would take a name of the network is refused, not merged with it."""
    network = graded(16)
    extra = Variable(f"{RESERVED_PREFIX}max_0_pain")
    taken = NetworkDefinition((*network.variables, extra), (*network.tables, Cpt(extra.id, (), np.array([0.5, 0.5]))))
    with pytest.raises(InterchangeError, match=r"'__toetwitch_max_0_pain' has a name under the reserved prefix"):
        exported(taken)


def test_lanes_are_refused() -> None:
    """A network that stands for many parameter values at once has no single pgmpy network."""
    from toetwitch.inference import Numbers

    network = graded(3)
    lanes: Resolved = resolve(network, numbers=Numbers(lanes=2))
    with pytest.raises(InterchangeError, match="carries parameter lanes"):
        to_pgmpy(network, lanes)


def two_nodes(states: dict[Any, list[Any]] | None = None, child_states: dict[Any, list[Any]] | None = None) -> Any:
    """Return a pgmpy network a -> b."""
    states = states or {"a": ["no", "yes"], "b": ["x", "y"]}
    model = DiscreteBayesianNetwork([("a", "b")])
    model.add_cpds(
        TabularCPD("a", 2, [[0.7], [0.3]], state_names={"a": states["a"]}),
        TabularCPD("b", 2, [[0.9, 0.2], [0.1, 0.8]], ["a"], [2], state_names=child_states or states),
    )
    return model


def test_states_are_matched_by_name() -> None:
    """A child's table that lists its parent's states in another order is put in the parent's order."""
    turned = two_nodes(child_states={"a": ["yes", "no"], "b": ["x", "y"]})
    np.testing.assert_array_equal(numbers(from_pgmpy(turned), "b"), [[0.2, 0.8], [0.9, 0.1]])


def test_states_that_are_not_strings_become_strings() -> None:
    """States of pgmpy may be numbers; here they are named as they print."""
    assert from_pgmpy(two_nodes({"a": [0, 1], "b": ["x", "y"]})).by_id["a"].states == ("0", "1")
    with pytest.raises(InterchangeError, match="print alike"):
        from_pgmpy(two_nodes({"a": [1, "1"], "b": ["x", "y"]}))


def test_states_that_disagree_are_refused() -> None:
    """Two tables that name a variable's states differently are not the tables of one network."""
    with pytest.raises(InterchangeError, match=r"the table of 'b' has states \['no', 'sure'\] for 'a'"):
        from_pgmpy(two_nodes(child_states={"a": ["no", "sure"], "b": ["x", "y"]}))


def test_an_incomplete_network_is_refused() -> None:
    """A node without a table has no distribution."""
    model = two_nodes()
    model.remove_cpds("b")
    with pytest.raises(InterchangeError, match="node 'b' has no table"):
        from_pgmpy(model)


def test_a_column_that_does_not_sum_is_refused() -> None:
    """A column of 1.1, which pgmpy lets pass when it is built, is refused here, naming the table."""
    model = two_nodes()
    model.get_cpds("a").values[0] = 0.8
    with pytest.raises(InterchangeError, match=r"table of 'a' sums to 1\.1; expected 1"):
        from_pgmpy(model)


def test_another_kind_of_model_is_refused() -> None:
    """What is no Bayesian network is named."""
    with pytest.raises(InterchangeError, match="got a dict; expected a discrete Bayesian network of pgmpy"):
        from_pgmpy({})


def test_the_model_given_is_left_untouched() -> None:
    """Reading a pgmpy network changes nothing in it."""
    model = two_nodes()
    copy = model.copy()
    from_pgmpy(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert model == copy


def test_the_toe_model_survives() -> None:
    """The shipped model leaves as small tables under its own names, and comes back with the same answers."""
    network = load_model().network
    model = network.to_pgmpy()
    model.check_model()
    assert max(cpd.values.size for cpd in model.get_cpds()) <= LARGEST_TABLE
    assert {n for n in model.nodes() if not n.startswith(RESERVED_PREFIX)} == set(network.variables)
    back = Network.from_pgmpy(model)
    evidence = {"foot_drop": "true", "sex": "female", "age_group": "40_to_59"}
    targets = ["motor_neuron_disease", "lumbar_radiculopathy"]
    before, after = network.posterior(evidence, targets), back.posterior(evidence, targets)
    for id in targets:
        assert after[id]["true"] == pytest.approx(before[id]["true"], abs=1e-10)
    assert back.log_probability(evidence) == pytest.approx(network.log_probability(evidence), abs=1e-10)
