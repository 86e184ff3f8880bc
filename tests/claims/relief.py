"""Paragraphs 9 to 11 of the article: prevention, relief, and when to see someone."""

from __future__ import annotations

from tests.claims.world import World

ROUTINE = "routine_appointment"
GOOD: dict[str, str | bool] = {
    "fluid_loss": False,
    "low_mineral_diet": False,
    "caffeine_intake": "none_or_low",
    "nicotine_use": False,
    "high_stress": False,
    "tight_footwear_or_posture": False,
    "strenuous_exertion": False,
}
"""The state of each modifiable root that the article would have it in."""


def c48(world: World) -> None:
    """Show that putting every trigger right makes toe movement rarer, and putting one right never makes it likelier."""
    baseline = world.p("toe_movement")
    assert world.done(GOOD, "toe_movement") < 0.95 * baseline
    for root, state in GOOD.items():
        assert world.done({root: state}, "toe_movement") <= baseline + 1e-9


def _read_as(world: World, id: str, root: str) -> None:
    entry = world.advice(id)
    assert entry.origin == "article"
    assert dict(entry.acts_on) == {root: "false"}


def c49(world: World) -> None:
    """Show that drinking is advice read as no fluid loss, which makes dehydration and cramps rarer."""
    _read_as(world, "hydrate", "fluid_loss")
    for id in ("dehydration", "muscle_cramp"):
        assert world.done({"fluid_loss": False}, id) < world.p(id)


def c50(world: World) -> None:
    """Show that food with magnesium is advice that names spinach and nuts, and makes its lack and twitches rarer."""
    _read_as(world, "eat_magnesium_foods", "low_mineral_diet")
    text = world.advice("eat_magnesium_foods").text.lower()
    assert "spinach" in text
    assert "nuts" in text
    for id in ("hypomagnesemia", "fasciculation"):
        assert world.done({"low_mineral_diet": False}, id) < world.p(id)


def c51(world: World) -> None:
    """Show that food with potassium is advice: bananas, spinach; it makes the lack rarer, and spares sick kidneys."""
    _read_as(world, "eat_potassium_foods", "low_mineral_diet")
    text = world.advice("eat_potassium_foods").text.lower()
    assert "banana" in text
    assert "spinach" in text
    assert world.done({"low_mineral_diet": False}, "hypokalemia") < world.p("hypokalemia")
    advised = world.model.advise({"muscle_cramp": True, "low_mineral_diet": True, "chronic_kidney_disease": True})
    assert "eat_potassium_foods" in {step.advice.id for step in advised.withheld}


def c52(world: World) -> None:
    """Show that stretching and massage relieve a cramp, and act on no root."""
    for id in ("stretch_calf", "massage"):
        entry = world.advice(id)
        assert entry.origin == "article"
        assert "muscle_cramp" in entry.relieves
        assert not entry.acts_on
        assert entry.grade_for_movement == "D"


def c53(world: World) -> None:
    """Show that stretching the calf has trials behind it (B), stretching the sole has opinion (D)."""
    assert world.advice("stretch_calf").grade == "B"
    assert world.advice("stretch_plantar_fascia").grade == "D"
    assert "muscle_fatigue" in world.advice("stretch_plantar_fascia").targets


def c54(world: World) -> None:
    """Show that shoes that fit are advice that makes compression of nerves in the foot rarer."""
    _read_as(world, "fit_footwear", "tight_footwear_or_posture")
    root = {"tight_footwear_or_posture": False}
    assert world.done(root, "distal_nerve_compression") < world.p("distal_nerve_compression")


def c55(world: World) -> None:
    """Show that changing position is advice on the same root as the shoes, so one intervention stands for both."""
    _read_as(world, "change_position", "tight_footwear_or_posture")
    assert dict(world.advice("change_position").acts_on) == dict(world.advice("fit_footwear").acts_on)


def c56(world: World) -> None:
    """Show that breathing and meditation are advice that calms, and is offered earlier the more probable stress is."""
    for id in ("deep_breathing", "meditation"):
        _read_as(world, id, "high_stress")
    for id in ("stress_response", "fasciculation"):
        assert world.done({"high_stress": False}, id) < world.p(id)

    def relief(**known: object) -> float:
        known = {**world.gate, "fasciculation": True, **known}
        steps = {step.advice.id: step for step in world.model.advise(known).steps}
        return steps["meditation"].expected_relief

    assert relief(high_stress=True, anxiety_symptoms=True) > relief(high_stress=False)


def c57(world: World) -> None:
    """Show that severe movements ask for an appointment."""
    assert world.fires("severe_movements", {"severe_movements": True}, ROUTINE)


def c58(world: World) -> None:
    """Show that movements that prevent sleep ask for an appointment."""
    assert world.fires("movements_prevent_sleep", {"toe_movement": True, "sleep_disruption": True}, ROUTINE)


def c59(world: World) -> None:
    """Show that pain or weakness beside the movements asks for an appointment."""
    for pain in ("chronic_leg_or_foot_pain", "burning_pain", "radiating_back_pain"):
        assert world.fires("movements_with_pain", {"toe_movement": True, pain: True}, ROUTINE)
    assert world.fires("movements_with_weakness", {"toe_movement": True, "muscle_weakness": "mild"}, ROUTINE)


def c60(world: World) -> None:
    """Show that movements of several weeks ask for an appointment; where they twitch, the graver rule wins."""
    lasting = {"toe_movement": True, "movement_duration": "over_4_weeks"}
    assert world.fires("not_resolved_after_several_weeks", lasting, ROUTINE)
    answer = world.model.assess({**lasting, "fasciculation": True})
    assert {"not_resolved_after_several_weeks", "persistent_twitching"} <= {found.id for found in answer.red_flags}
    assert answer.triage.level == "immediate_medical_attention"
