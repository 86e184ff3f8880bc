"""Paragraphs 7 and 8 of the article: when a movement needs a doctor."""

from __future__ import annotations

from tests.claims.world import NEUROLOGICAL, World

IMMEDIATE = "immediate_medical_attention"
ROUTINE = "routine_appointment"


def c31(world: World) -> None:
    """Show that nerve disease is more probable when a movement lasts, and when numbness, pain or weakness joins."""
    groups = (*NEUROLOGICAL, "serious")

    def nerves(**known: object) -> float:
        return world.share(groups, {"toe_movement": True, **known})

    lasting = nerves(movement_duration="over_4_weeks")
    assert lasting > nerves(movement_duration="under_1_week")
    for joined in ({"numbness": True}, {"chronic_leg_or_foot_pain": True}, {"muscle_weakness": "significant"}):
        assert nerves(movement_duration="over_4_weeks", **joined) > lasting


def c32(world: World) -> None:
    """Show that neuropathy makes twitches and so toe movement more likely."""
    assert world.raises("peripheral_neuropathy", "fasciculation")
    assert world.lifts("peripheral_neuropathy", "toe_movement")


def c33(world: World) -> None:
    """Show that diabetes makes neuropathy more likely, and accounts for more of it than any other risk of the model."""
    assert world.raises("diabetes", "peripheral_neuropathy")
    everybody = world.p("peripheral_neuropathy")
    risks = [id for id in world.parents("peripheral_neuropathy") if world.model.network.variables[id].is_binary]
    spared = {id: everybody - world.done({id: False}, "peripheral_neuropathy") for id in risks}
    assert max(spared, key=lambda id: spared[id]) == "diabetes"


def c34(world: World) -> None:
    """Show that neuropathy numbs."""
    assert world.raises("peripheral_neuropathy", "numbness")


def c35(world: World) -> None:
    """Show that neuropathy tingles."""
    assert world.raises("peripheral_neuropathy", "pins_and_needles")


def c36(world: World) -> None:
    """Show that neuropathy burns."""
    assert world.raises("peripheral_neuropathy", "burning_pain")


def c37(world: World) -> None:
    """Show that trouble that climbs from the toes speaks for neuropathy, and more than for a pinched root."""
    finding = "ascending_sensory_spread"
    assert world.raises("peripheral_neuropathy", finding)

    def factor(cause: str) -> float:
        return world.p(cause, {"numbness": True, finding: True}) / world.p(cause, {"numbness": True})

    assert factor("peripheral_neuropathy") > 2 * factor("lumbar_radiculopathy")
    fast = {finding: True, "rapid_progression": True}
    assert world.fires("rapid_ascending_sensory_loss", fast, IMMEDIATE)


def c38(world: World) -> None:
    """Show that pain with writhing toes ranks their syndrome among the first three; without either it falls far."""
    cause, pain, writhing = "painful_legs_moving_toes_syndrome", "chronic_leg_or_foot_pain", "continuous_toe_writhing"
    assert world.raises(cause, pain)
    assert world.raises(cause, writhing)
    assert min(world.link(cause, pain), world.link(cause, writhing)) > 0.8
    both = world.model.assess({"toe_movement": True, pain: True, writhing: True})
    assert cause in both.ranking[:3]
    for missing in (pain, writhing):
        seen = {"toe_movement": True, pain: True, writhing: True, missing: False}
        assert world.p(cause, seen) < 0.2 * both.causes[cause]


def c39(world: World) -> None:
    """Show that pain with writhing toes asks for an appointment with a specialised neurologist."""
    seen = {"chronic_leg_or_foot_pain": True, "continuous_toe_writhing": True}
    assert world.fires("plmts_pattern", seen, ROUTINE)
    assert "specialised neurological evaluation" in world.rule("plmts_pattern").pathway
    assert any("specialised neurological" in pathway for pathway in world.model.assess(seen).triage.pathways)


def c40(world: World) -> None:
    """Show that three kinds of medicine have their own effects; daily twitching under one asks for an appointment."""
    effects = {
        "stimulant_medication": "stimulant_medication_effect",
        "beta_agonist_medication": "beta_agonist_effect",
        "ssri_medication": "serotonergic_medication_effect",
    }
    for medicine, effect in effects.items():
        assert world.raises(medicine, effect)
        seen = {"fasciculation": True, "movement_frequency": "daily", medicine: True}
        assert world.fires("medicine_suspected", seen, ROUTINE)


def c41(world: World) -> None:
    """Show that stimulants have an effect that twitches."""
    assert world.raises("stimulant_medication", "stimulant_medication_effect")
    assert world.raises("stimulant_medication_effect", "fasciculation")
    assert world.lifts("stimulant_medication", "toe_movement")


def c42(world: World) -> None:
    """Show that asthma sprays have an effect that twitches, and shaking hands speak for it."""
    assert world.raises("beta_agonist_medication", "beta_agonist_effect")
    assert world.raises("beta_agonist_effect", "fasciculation")
    assert world.p("beta_agonist_effect", {"hand_tremor": True}) > world.p("beta_agonist_effect")


def c43(world: World) -> None:
    """Show that serotonergic drugs have an effect that jerks, and can poison."""
    assert world.raises("ssri_medication", "serotonergic_medication_effect")
    assert world.raises("serotonergic_medication_effect", "myoclonic_jerk")
    assert world.raises("ssri_medication", "serotonin_toxicity")


def c44(world: World) -> None:
    """Show that twitching that lasts asks for immediate attention, and the guidelines' dissent is shown beside it."""
    seen = {"fasciculation": True, "movement_duration": "over_4_weeks"}
    assert world.fires("persistent_twitching", seen, IMMEDIATE)
    answer = world.model.assess(seen)
    (dissent,) = (found for found in answer.triage.dissent if found.rule == "persistent_twitching")
    assert dissent.guideline_level == ROUTINE
    assert "persistent_twitching" in str(answer)


def c45(world: World) -> None:
    """Show that significant weakness asks for immediate attention."""
    assert world.fires("significant_weakness", {"muscle_weakness": "significant"}, IMMEDIATE)


def c46(world: World) -> None:
    """Show that wasting asks for immediate attention, and speaks for motor neuron disease and a pinched root."""
    assert world.fires("muscle_wasting", {"muscle_wasting": True}, IMMEDIATE)
    for cause in ("motor_neuron_disease", "lumbar_radiculopathy"):
        assert world.p(cause, {"muscle_wasting": True}) > world.p(cause)


def c47(world: World) -> None:
    """Show that foot drop asks for immediate attention, and speaks for nerve, root and motor neuron disease."""
    assert world.fires("foot_drop", {"foot_drop": True}, IMMEDIATE)
    for cause in ("distal_nerve_compression", "lumbar_radiculopathy", "motor_neuron_disease"):
        assert world.p(cause, {"foot_drop": True}) > world.p(cause)
