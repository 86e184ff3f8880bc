"""Paragraphs 2 and 3 of the article: metabolic and lifestyle factors."""

from __future__ import annotations

from tests.claims.world import NEUROLOGICAL, PASSING, World


def c07(world: World) -> None:
    """Show that given toe movement alone, habits and body chemistry are more probable than nerves and brain."""
    seen = {"toe_movement": True}
    assert world.share(PASSING, seen) > world.share((*NEUROLOGICAL, "serious"), seen)


def c08(world: World) -> None:
    """Show that the links of the three minerals say that impulses need a precise balance of electrolytes."""
    for mineral in ("hypomagnesemia", "hypokalemia", "hypocalcemia"):
        for finding in ("fasciculation", "muscle_cramp"):
            text = world.mechanism(mineral, finding)
            assert "precise balance" in text
            assert "impulses" in text


def c09(world: World) -> None:
    """Show that lack of magnesium makes twitches and cramps more likely."""
    assert world.raises("hypomagnesemia", "fasciculation")
    assert world.raises("hypomagnesemia", "muscle_cramp")


def c10(world: World) -> None:
    """Show that lack of potassium brings cramps, twitches and so toe movement, and weakness more than twitches."""
    assert world.raises("hypokalemia", "muscle_cramp")
    assert world.raises("hypokalemia", "fasciculation")
    assert world.lifts("hypokalemia", "toe_movement")
    ratio = {
        id: world.done({"hypokalemia": True}, id) / world.done({"hypokalemia": False}, id)
        for id in ("muscle_weakness", "fasciculation")
    }
    assert ratio["muscle_weakness"] > ratio["fasciculation"]


def c11(world: World) -> None:
    """Show that lack of calcium makes twitches, cramps and tetany more likely."""
    assert world.raises("hypocalcemia", "fasciculation")
    assert world.raises("hypocalcemia", "muscle_cramp")
    assert world.raises("hypocalcemia", "perioral_tingling_or_hand_spasm")


def c12(world: World) -> None:
    """Show that losing fluid dehydrates, and dehydration makes cramps, twitches and so toe movement more likely."""
    assert world.raises("fluid_loss", "dehydration")
    assert world.raises("dehydration", "muscle_cramp")
    assert world.raises("dehydration", "fasciculation")
    assert world.lifts("dehydration", "toe_movement")


def c13(world: World) -> None:
    """Show that dehydration's links speak of concentration and of loss, and losing fluid also lowers the minerals."""
    for text in (world.mechanism("dehydration", "muscle_cramp"), world.mechanism("fluid_loss", "dehydration")):
        assert "concentrated" in text
        assert "lost" in text
    assert world.raises("fluid_loss", "hypokalemia")
    assert world.raises("fluid_loss", "hypomagnesemia")


def c14(world: World) -> None:
    """Show that overexertion tires muscle, a tired muscle twitches, and twitching after exertion speaks for it."""
    assert world.raises("strenuous_exertion", "muscle_fatigue")
    assert world.raises("muscle_fatigue", "fasciculation")
    assert world.p("muscle_fatigue", {"follows_exertion": True}) > 2 * world.p("muscle_fatigue")


def c15(world: World) -> None:
    """Show that the link from exertion to the tired muscle names products of metabolism."""
    assert "products of its metabolism" in world.mechanism("strenuous_exertion", "muscle_fatigue")


def c16(world: World) -> None:
    """Show that more caffeine makes its effect more likely at each step; without caffeine twitches are rarer."""
    doses = [world.done({"caffeine_intake": dose}, "caffeine_effect") for dose in ("none_or_low", "moderate", "high")]
    assert "caffeine_intake" in world.parents("caffeine_effect")
    assert doses[0] < doses[1] < doses[2]
    assert world.done({"caffeine_intake": "none_or_low"}, "fasciculation") < world.p("fasciculation")
    assert "threshold" in world.mechanism("caffeine_intake", "caffeine_effect")


def c17(world: World) -> None:
    """Show that nicotine makes its effect more likely, without it twitches are rarer, and this is told as judgement."""
    assert world.raises("nicotine_use", "nicotine_effect")
    assert world.done({"nicotine_use": False}, "fasciculation") < world.p("fasciculation")
    assert world.grades("nicotine_effect", "fasciculation") == {"D"}
    assert "threshold" in world.mechanism("nicotine_use", "nicotine_effect")


def c18(world: World) -> None:
    """Show that stress brings on its response, the response twitches, and anxiety speaks for it."""
    assert world.raises("high_stress", "stress_response")
    assert world.raises("stress_response", "fasciculation")
    assert world.p("stress_response", {"anxiety_symptoms": True}) > world.p("stress_response")


def c19(world: World) -> None:
    """Show that the link from stress to its response speaks of tension and of hormones that make muscles ready."""
    text = world.mechanism("high_stress", "stress_response")
    assert "tense" in text
    assert "hormones that make muscles ready" in text
