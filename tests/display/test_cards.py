"""Laws of the cards with which results render themselves, on the toe model and on a network of hostile names."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest

import toetwitch as tt
from tests.display.pages import Page, read_page
from toetwitch.knowledge import Cpt, NetworkDefinition, Variable
from toetwitch.knowledge.estimate import Estimate, Source
from toetwitch.reasoning.assessment import Assessment

HOSTILE = "<script>alert(1)</script>"
ALARMING = {"toe_movement": True, "foot_drop": True, "caffeine_intake": "high"}
CALM = {"toe_movement": True, "fasciculation": True, "caffeine_intake": "high"}


def without_posterior(answer: Assessment) -> Assessment:
    """Return an answer as it would be if two of its findings could not hold together."""
    return replace(
        answer,
        ranking=(),
        causes={},
        no_listed_cause=None,
        triage=replace(answer.triage, posterior_level=None),
        clash=("toe_movement", "foot_drop"),
        problem="the evidence has probability zero",
    )


@functools.cache
def pages() -> dict[str, Page]:
    """Return one page of each kind."""
    model = tt.load_model()
    shown = {
        "alarming": model.assess(ALARMING),
        "calm": model.assess(CALM),
        "prior": model.assess({}),
        "clash": without_posterior(model.assess(ALARMING)),
        "explanation": model.explain(ALARMING, "lumbar_radiculopathy"),
        "production": model.attribute(ALARMING),
        "what if": model.what_if(CALM, {"caffeine_intake": "none_or_low"}, ["fasciculation", "caffeine_effect"]),
        "silent": model.advise(ALARMING),
        "advice": model.advise(CALM),
        "conflict": model.conflict(CALM),
        "intervals": model.intervals(CALM, draws=20, rng=np.random.default_rng(1)),
        "comparison": model.compare(CALM, ALARMING),
        "calmed": model.compare(ALARMING, CALM),
        "same": model.compare(CALM, CALM),
        "estimate": next(iter(model.definition.network.table_of["caffeine_effect"].effects)).size,
        "source": next(iter(model.definition.sources.values())),
    }
    return {name: read_page(answer._repr_html_()) for name, answer in shown.items()}


@pytest.mark.parametrize(
    "name",
    [
        "alarming",
        "calm",
        "prior",
        "explanation",
        "production",
        "what if",
        "silent",
        "advice",
        "conflict",
        "intervals",
        "comparison",
        "calmed",
        "same",
        "estimate",
        "source",
    ],
)
def test_a_card_is_whole_and_stands_alone(name: str) -> None:
    """A card closes what it opens, has no script, address or id, and captions every table."""
    page = pages()[name]
    assert not {"script", "link", "img", "iframe", "object"} & set(page.names)
    for _, attributes in page.elements:
        assert not {"id", "src", "href"} & set(attributes)
    assert page.names.count("caption") == page.names.count("table")
    assert all(a.get("scope") in ("row", "col") for element, a in page.elements if element == "th")
    assert all(a.get("role") == "img" and a.get("aria-label") for element, a in page.elements if element == "svg")


def test_cards_share_a_page() -> None:
    """No part of a card is a landmark, so two cards with tables of one caption leave a page's landmarks unique."""
    for page in pages().values():
        roles = {attributes.get("role") for _, attributes in page.elements}
        assert roles <= {None, "img", "group"}
        scrolled = [a for _, a in page.elements if a.get("tabindex") == "0"]
        assert all(a.get("aria-label") for a in scrolled)


def test_a_red_flag_comes_before_everything() -> None:
    """A fired rule, with its level and what fired it, is read before any cause, in words."""
    text = pages()["alarming"].text
    flag = text.index("RED FLAG")
    assert flag < text.index("Immediate medical attention (level 4 of 4)") < text.index("Leading explanations")
    assert "Because Foot drop: yes" in text


def test_no_alarm_without_a_flag() -> None:
    """A case in which no rule fired says so, and shows no box of alarm."""
    page = pages()["calm"]
    assert "RED FLAG" not in page.text
    assert "No red flag fired." in page.text
    assert "tt-alert" not in [attributes.get("class") for _, attributes in page.elements]


def test_advice_gives_way_to_the_level() -> None:
    """Where the level asks for help, the card of advice says that first and nothing else."""
    assert "Immediate medical attention comes first" in pages()["silent"].text
    assert "table" not in pages()["silent"].names


def test_the_card_gives_the_numbers_of_the_answer() -> None:
    """Every cause stands on the card with its probability, and the ranking is in order."""
    answer = tt.load_model().assess(ALARMING)
    text = pages()["alarming"].text
    places = [text.index(f"{n}. {answer.names[id]}") for n, id in enumerate(answer.ranking, start=1)]
    assert places == sorted(places)
    for id in answer.ranking:
        assert f"{answer.causes[id]:.1%}" in text


def hostile_network() -> tt.Network:
    """Return a network of two variables whose names and states are markup."""
    a, b = Variable(HOSTILE, ("<b>no", "yes&")), Variable("b<i>", ("0", "1"))
    tables = (Cpt(a.id, (), [0.8, 0.2]), Cpt(b.id, (a.id,), [[0.9, 0.1], [0.2, 0.8]]))
    return tt.Network(NetworkDefinition((a, b), tables))


def test_hostile_names_are_only_text() -> None:
    """Names and states that are markup are shown as they are, by every card that can name them."""
    net = hostile_network()
    cards = [
        net._repr_html_(),
        net.explain({"b<i>": "1"}, HOSTILE)._repr_html_(),
        net.what_if({"b<i>": "1"}, {HOSTILE: "<b>no"})._repr_html_(),
        net.next_questions({}, [HOSTILE])._repr_html_(),
        net.sensitivity({"b<i>": "1"}, HOSTILE)._repr_html_(),
    ]
    for card in cards:
        page = read_page(card)
        assert not {"script", "i", "b"} & set(page.names)
    assert all(HOSTILE in read_page(card).text for card in cards[:3])


def test_impossible_evidence_keeps_its_flags() -> None:
    """A case without a posterior still opens with its flags, and says what clashes."""
    text = pages()["clash"].text
    assert text.index("RED FLAG") < text.index("No posterior.") < text.index("They clash:")


def test_a_comparison_says_what_fired_before_what_moved() -> None:
    """New red flags and the level come first, in words and with a sign; then each change and the targets it moved."""
    answer = tt.load_model().compare(CALM, ALARMING)
    text = pages()["comparison"].text
    assert answer.fired
    assert text.index("red flag") < text.index("The level goes ▲ up") < text.index("What is said otherwise")
    furthest = max(answer.targets, key=lambda id: abs(answer.targets[id].after - answer.targets[id].before))
    moved = answer.targets[furthest]
    assert f"{furthest.replace('_', ' ')}{moved.before:.1%}{moved.before:.1%}{moved.after:.1%}{moved.after:.1%}" in text
    assert "foot dropaddednot knownyes" in text
    assert "▼ down" in pages()["calmed"].text
    assert "Fire no more: foot drop" in pages()["calmed"].text
    assert "tt-alert" not in [a.get("class") for _, a in pages()["calmed"].elements]
    assert "The two cases say the same." in pages()["same"].text


def test_an_estimate_says_how_far_to_trust_it() -> None:
    """The number, its range, its grade in words, its sources and its note all stand on the card, escaped."""
    card = read_page(Estimate(0.25, 0.1, 0.45, ("paper", HOSTILE), "D", f"guessed {HOSTILE}")._repr_html_())
    for said in ("0.25", "from 0.1 to 0.45", "Grade D: judgement", "paper", f"guessed {HOSTILE}"):
        assert said in card.text
    assert "script" not in card.names
    assert "Uncited" in read_page(Estimate.of(3.0)._repr_html_()).text


def test_an_odds_ratio_has_room_above_one() -> None:
    """The bar of a number past one ends past its range, so that the mark lies within it."""
    card = read_page(Estimate(2.0, 1.2, 4.0)._repr_html_())
    assert "the bar goes from 0 to 4.4" in card.text


def test_a_source_is_text_and_no_link() -> None:
    """Title, year and reference are shown; nothing is a link, so that a saved page has no outside address."""
    card = read_page(Source("key", f"About {HOSTILE}", 1999, "https://example.org/x")._repr_html_())
    for said in (f"About {HOSTILE}", "1999", "https://example.org/x", "key"):
        assert said in card.text
    assert not {"a", "script"} & set(card.names)
