"""Paragraphs 4 to 6 of the article: nerve signals, fatigue, compression and restless legs."""

from __future__ import annotations

from tests.claims.world import World

NEURAL = ("benign_fasciculation_syndrome", "lumbar_radiculopathy", "peripheral_neuropathy", "motor_neuron_disease")
METABOLIC = ("hypomagnesemia", "hypokalemia", "hypocalcemia", "dehydration")


def c20(world: World) -> None:
    """Show that twitches have causes in nerves as well as in salts, and the text places them near the junction."""
    parents = world.parents("fasciculation")
    assert set(NEURAL) <= set(parents)
    assert set(METABOLIC) <= set(parents)
    assert "junction of nerve and muscle" in world.mechanism("benign_fasciculation_syndrome", "fasciculation")


def c21(world: World) -> None:
    """Show that the text on twitches says that a motor neuron with its fibres discharges by itself."""
    text = world.mechanism("benign_fasciculation_syndrome", "fasciculation")
    assert "motor neuron and the muscle fibres" in text
    assert "discharge by themselves" in text


def c22(world: World) -> None:
    """Show that daily twitches speak for the benign syndrome, significant weakness against it."""
    cause = "benign_fasciculation_syndrome"
    daily = {"fasciculation": True, "movement_frequency": "daily"}
    assert world.p(cause, {"fasciculation": True}) > world.p(cause)
    assert world.p(cause, daily) > world.p(cause, {"fasciculation": True})
    strong = world.p(cause, {**daily, "muscle_weakness": "none"})
    assert world.p(cause, {**daily, "muscle_weakness": "significant"}) < strong
    assert "normal strength" in world.definition(cause)


def c23(world: World) -> None:
    """Show that pressure on a nerve, in the back or further down, makes twitches and so toe movement more likely."""
    for cause in ("distal_nerve_compression", "lumbar_radiculopathy"):
        assert world.raises(cause, "fasciculation")
        assert world.lifts(cause, "toe_movement")


def c24(world: World) -> None:
    """Show that a diseased spine pinches roots, and pain that radiates from the back speaks for it."""
    assert world.raises("lumbar_spine_disease", "lumbar_radiculopathy")
    assert world.p("lumbar_radiculopathy", {"radiating_back_pain": True}) > 3 * world.p("lumbar_radiculopathy")


def c25(world: World) -> None:
    """Show that the links of compression say that signals are disrupted and that fibres fire along their length."""
    for cause in ("lumbar_radiculopathy", "distal_nerve_compression"):
        texts = [world.mechanism(cause, id) for id in ("fasciculation", "numbness", "muscle_weakness")]
        assert any("disrupts what it carries" in text for text in texts)
        assert "starts impulses along its length" in world.mechanism(cause, "fasciculation")


def c26(world: World) -> None:
    """Show that restless legs all but bring the urge to move, and without the urge they are all but excluded."""
    cause = "restless_legs_syndrome"
    assert world.raises(cause, "urge_to_move")
    assert world.link(cause, "urge_to_move") > 0.9
    assert world.p(cause, {"urge_to_move": False}) < 0.1 * world.p(cause)


def c27(world: World) -> None:
    """Show that given restless legs, the urge is more probable than toe movement."""
    seen = {"restless_legs_syndrome": True}
    assert world.p("toe_movement", seen) < world.p("urge_to_move", seen)


def c28(world: World) -> None:
    """Show that an urge felt with toe movement leaves restless legs among the leading explanations."""
    answer = world.model.assess({"toe_movement": True, "urge_to_move": True})
    assert "restless_legs_syndrome" in answer.ranking[:3]
    assert answer.causes["restless_legs_syndrome"] > 0.25
    assert "restless_legs_syndrome" in world.parents("toe_movement")
    assert "article" in world.sources("restless_legs_syndrome", "toe_movement")


def c29(world: World) -> None:
    """Show that restless legs show themselves at rest, in the evening and in sleep."""
    for finding in ("worse_at_rest", "worse_evening_or_night", "sleep_disruption"):
        assert world.raises("restless_legs_syndrome", finding)


def c30(world: World) -> None:
    """Show that the urge works by dopamine pathways: its blockers, and lack of iron, make restless legs more likely."""
    assert "dopamine" in world.mechanism("restless_legs_syndrome", "urge_to_move")
    for risk in ("dopamine_blocker_medication", "iron_deficiency"):
        assert world.raises(risk, "restless_legs_syndrome")
        assert "dopamine" in world.mechanism(risk, "restless_legs_syndrome")
