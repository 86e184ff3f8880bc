"""Paragraph 1 of the article: what the movements are, and how often they mean something."""

from __future__ import annotations

import networkx as nx

from tests.claims.world import NEUROLOGICAL, World

SERIOUS_MOST = 0.05
"""What "most episodes are harmless" leaves for grave causes together."""


def c01(world: World) -> None:
    """Show that toe movement is the complaint, defined by nerve signals without control, and below every cause."""
    graph = world.model.definition.network.graph()
    definition = world.definition("toe_movement").lower()
    assert "presenting complaint" in definition
    assert "nerve signals fire without control" in definition
    assert "muscle fibres contract" in definition
    assert set(world.model.causes) <= nx.ancestors(graph, "toe_movement")


def c02(world: World) -> None:
    """Show that fasciculation and jerk are two findings, and either one all but means toe movement."""
    for id in ("fasciculation", "myoclonic_jerk"):
        assert world.model.network.variables[id].kind == "finding"
        assert world.p("toe_movement", {id: True}) > 0.94


def c03(world: World) -> None:
    """Show that a fasciculation is defined as a small twitch under the skin."""
    definition = world.definition("fasciculation").lower()
    assert "small twitch" in definition
    assert "under the skin" in definition


def c04(world: World) -> None:
    """Show that myoclonus is defined as a sudden short jerk."""
    assert "sudden short jerk" in world.definition("myoclonic_jerk").lower()


def c05(world: World) -> None:
    """Show that grave causes are improbable given toe movement, and a short episode with nothing else is self-care."""
    grave = [id for id in world.model.causes if world.model.network.variables[id].group == "serious"]
    assert {"motor_neuron_disease", "cauda_equina_syndrome"} <= set(grave)
    assert world.share(("serious",), {"toe_movement": True}) < SERIOUS_MOST
    assert world.p("motor_neuron_disease", {"toe_movement": True}) < 1e-3
    assert world.p("cauda_equina_syndrome", {"toe_movement": True}) < 1e-3
    answer = world.model.assess({"toe_movement": True, **world.gate})
    assert answer.triage.level == "self_care"
    assert not answer.red_flags


def c06(world: World) -> None:
    """Show that body chemistry and nerve disease stay possible, and rise with their own findings."""
    told: dict[str, dict[str, object]] = {
        "hypomagnesemia": {"muscle_cramp": True, "perioral_tingling_or_hand_spasm": True},
        "hypokalemia": {"muscle_weakness": "significant", "palpitations": True},
        "hypocalcemia": {"perioral_tingling_or_hand_spasm": True},
        "peripheral_neuropathy": {"numbness": True, "burning_pain": True},
        "motor_neuron_disease": {"muscle_wasting": True, "muscle_weakness": "significant"},
    }
    for cause, findings in told.items():
        alone = world.p(cause, {"toe_movement": True})
        assert alone > 0
        assert world.p(cause, {"toe_movement": True, **findings}) > 2 * alone
    assert world.share(NEUROLOGICAL, {"toe_movement": True}) > 0
