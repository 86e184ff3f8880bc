"""Faults of the model file: slips of the pen that a curator could make."""

# ruff: noqa: D401 (the docstring of a fault is its mistake)
from __future__ import annotations

__all__ = ["FAULTS", "FILE_FAULTS"]

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tests.testing.mutation.fault import Fault
from toetwitch.knowledge.condition import AllOf, Atom
from toetwitch.knowledge.definition import ModelDefinition
from toetwitch.knowledge.estimate import Estimate
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.table import Logistic, NoisyMax, Table

FAULTS: list[Fault] = []
"""Faults that leave a readable model."""

FILE_FAULTS: list[Fault] = []
"""Faults that a reader must refuse."""

Change = Callable[[ModelDefinition], ModelDefinition]


def slip(*suspects: str) -> Callable[[Change], Change]:
    """Enter a change of a model into the catalogue; its docstring says what went wrong."""

    def entered(change: Change) -> Change:
        mistake = (change.__doc__ or "").strip().splitlines()[0]
        FAULTS.append(Fault(change.__name__, "model", mistake, change, suspects))
        return change

    return entered


def with_table(model: ModelDefinition, id: str, change: Callable[[Table], Table]) -> ModelDefinition:
    """Return the model with one table changed."""
    network = model.network
    tables = tuple(change(table) if table.child == id else table for table in network.tables)
    return replace(model, network=NetworkDefinition(network.variables, tables))


def with_link(model: ModelDefinition, finding: str, cause: str, probability: float | None) -> ModelDefinition:
    """Return the model with one link restated, or left out."""

    def change(table: Table) -> Table:
        if not isinstance(table, NoisyMax):
            raise TypeError(f"{finding!r} has no links")
        links = []
        for link in table.links:
            if link.parent == cause and probability is None:
                continue
            if link.parent == cause:
                stated = dict.fromkeys(link.probabilities, Estimate.of(probability or 0.0))
                links.append(replace(link, probabilities=stated))
            else:
                links.append(link)
        return replace(table, links=tuple(links))

    return with_table(model, finding, change)


def with_prevalence(model: ModelDefinition, cause: str, factor: float) -> ModelDefinition:
    """Return the model with a cause that much more common."""

    def scaled(estimate: Estimate) -> Estimate:
        return Estimate.of(min(estimate.value * factor, 0.95))

    def change(table: Table) -> Table:
        if not isinstance(table, Logistic):
            raise TypeError(f"{cause!r} has no anchor")
        anchor = table.anchor
        bands = {state: scaled(band) for state, band in anchor.bands.items()}
        overall = None if anchor.overall is None else scaled(anchor.overall)
        return replace(table, anchor=replace(anchor, overall=overall, bands=bands))

    return with_table(model, cause, change)


def with_odds_ratio_inverted(model: ModelDefinition, cause: str, risk: str) -> ModelDefinition:
    """Return the model in which a risk protects."""

    def change(table: Table) -> Table:
        if not isinstance(table, Logistic):
            raise TypeError(f"{cause!r} has no effects")
        effects = []
        for effect in table.effects:
            if risk in effect.when and effect.stated_as == "odds_ratio":
                effects.append(replace(effect, size=Estimate.of(1 / effect.size.value)))
            elif risk in effect.when:
                base = table.anchor.overall.value if table.anchor.overall else 0.01
                effects.append(replace(effect, size=Estimate.of(base / 2)))
            else:
                effects.append(effect)
        return replace(table, effects=tuple(effects))

    return with_table(model, cause, change)


def with_rule(model: ModelDefinition, id: str, change: Callable[..., object]) -> ModelDefinition:
    """Return the model with one red flag changed."""
    book = model.rules
    rules = tuple(change(rule) if rule.id == id else rule for rule in book.rules)
    return replace(model, rules=replace(book, rules=rules))


@slip("at_least[restless_legs_syndrome-0.4]")
def decimal_point_in_a_link(model: ModelDefinition) -> ModelDefinition:
    """P(urge to move | restless legs) is written with the decimal point one place to the left."""
    table = model.network.table_of["urge_to_move"]
    leak = table.leak.overall["true"].value if isinstance(table, NoisyMax) else 0.05
    return with_link(model, "urge_to_move", "restless_legs_syndrome", max(0.098, leak))


@slip("prevalence_within[restless_legs_syndrome]")
def decimal_point_in_a_prevalence(model: ModelDefinition) -> ModelDefinition:
    """Restless legs are written ten times as common."""
    return with_prevalence(model, "restless_legs_syndrome", 10)


@slip("prevalence_within[motor_neuron_disease]")
def per_thousand_for_per_hundred_thousand(model: ModelDefinition) -> ModelDefinition:
    """The prevalence of motor neuron disease is per thousand instead of per hundred thousand."""
    return with_prevalence(model, "motor_neuron_disease", 100)


@slip("never_lowers[caffeine_intake-caffeine_effect]")
def risk_upside_down(model: ModelDefinition) -> ModelDefinition:
    """The effect of caffeine on its own effect is the inverse of what is cited."""
    return with_odds_ratio_inverted(model, "caffeine_effect", "caffeine_intake")


@slip("never_lowers[diabetes-peripheral_neuropathy]")
def odds_ratio_inverted(model: ModelDefinition) -> ModelDefinition:
    """The odds ratio of diabetes for neuropathy is taken for the comparison the other way round."""
    return with_odds_ratio_inverted(model, "peripheral_neuropathy", "diabetes")


@slip("told_apart[restless_legs_syndrome-peripheral_neuropathy]")
def course_of_the_wrong_cause(model: ModelDefinition) -> ModelDefinition:
    """Relief by moving and worsening in the evening are credited to neuropathy in place of restless legs."""
    for finding in ("worse_evening_or_night", "relieved_by_moving"):
        model = with_link(model, finding, "restless_legs_syndrome", None)
    return model


@slip("never_lowers[muscle_wasting-motor_neuron_disease]")
def sign_argues_against(model: ModelDefinition) -> ModelDefinition:
    """Muscle wasting is written as arguing against motor neuron disease."""

    def change(table: Table) -> Table:
        if not isinstance(table, NoisyMax):
            raise TypeError("muscle_wasting has no links")
        leak = sum(e.value for e in table.leak.overall.values())
        links = tuple(
            replace(k, inhibits=True, probabilities=dict.fromkeys(k.probabilities, Estimate.of(leak / 4)))
            if k.parent == "motor_neuron_disease"
            else k
            for k in table.links
        )
        return replace(table, links=links)

    return with_table(model, "muscle_wasting", change)


@slip("dominates[benign_fasciculation_syndrome-motor_neuron_disease]", "at_most[motor_neuron_disease-0.01]")
def benign_cause_forgotten(model: ModelDefinition) -> ModelDefinition:
    """Benign fasciculation is written a thousand times as rare."""
    return with_prevalence(model, "benign_fasciculation_syndrome", 1e-5)


@slip("level_at_least[immediate_medical_attention-saddle_numbness]")
def flag_too_calm(model: ModelDefinition) -> ModelDefinition:
    """Every rule about saddle numbness asks for an ordinary appointment."""
    book = model.rules
    rules = tuple(
        replace(r, level="routine_appointment", guideline_level="", dissent_when=None)
        if "saddle_numbness" in named
        else r
        for r, named in zip(book.rules, book.named_by, strict=True)
    )
    calm = tuple(r for r in book.posterior_rules if "cauda_equina_syndrome" not in r.causes)
    return replace(model, rules=replace(book, rules=rules, posterior_rules=calm))


@slip("level_at_least[immediate_medical_attention-foot_drop]")
def all_of_for_any_of(model: ModelDefinition) -> ModelDefinition:
    """The rules about foot drop ask for wasting as well."""
    book = model.rules
    more = Atom("muscle_wasting", ("true",))
    rules = tuple(
        replace(r, when=AllOf((r.when, more))) if "foot_drop" in named else r
        for r, named in zip(book.rules, book.named_by, strict=True)
    )
    return replace(model, rules=replace(book, rules=rules))


@slip("level_at_least[immediate_medical_attention-muscle_weakness]")
def flag_deleted(model: ModelDefinition) -> ModelDefinition:
    """The rules about significant weakness are gone."""
    book = model.rules
    rules = tuple(r for r in book.rules if r.id != "significant_weakness")
    return replace(model, rules=replace(book, rules=rules))


@slip("level_at_least[routine_appointment-]")
def gate_emptied(model: ModelDefinition) -> ModelDefinition:
    """Self-care needs no answer at all."""
    book = model.rules
    return replace(model, rules=replace(book, policy=replace(book.policy, gate=())))


@slip("level_at_most[routine_appointment-toe_movement-caffeine_intake]")
def threshold_too_low(model: ModelDefinition) -> ModelDefinition:
    """Posterior rules ask for urgency at one in a million in place of their stated probability."""
    book = model.rules
    low = tuple(replace(r, probability_at_least=1e-6) for r in book.posterior_rules)
    return replace(model, rules=replace(book, posterior_rules=low))


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of text in a copy of a model folder.

    Parameters
    ----------
    file
        Relative to the folder.
    old, new
        The first occurrence of `old` becomes `new`.
    """

    file: str
    old: str
    new: str

    def __call__(self, folder: Path) -> None:
        """Write the change."""
        path = folder / self.file
        text = path.read_text(encoding="utf-8")
        if self.old not in text:
            raise ValueError(f"{self.file} does not hold {self.old!r}; expected text to change")
        path.write_text(text.replace(self.old, self.new, 1), encoding="utf-8")


def misprint(name: str, mistake: str, file: str, old: str, new: str) -> None:
    """Enter an edit into the catalogue."""
    FILE_FAULTS.append(Fault(name, "model file", mistake, Edit(file, old, new), ("readable",)))


misprint(
    "unknown_source",
    "A rule cites a work that no list holds.",
    "red_flags.toml",
    'source = "article"',
    'source = "artcle"',
)
misprint(
    "unknown_state",
    "A rule names a state that the variable does not have.",
    "red_flags.toml",
    '"over_4_weeks"',
    '"over_4_week"',
)
misprint(
    "negated_rule",
    "A rule fires on an absence.",
    "red_flags.toml",
    "{ fasciculation = true }",
    "{ fasciculation = false }",
)
misprint(
    "unknown_level",
    "A rule asks for a level that does not exist.",
    "red_flags.toml",
    'level = "immediate_medical_attention"',
    'level = "immediate"',
)
misprint("not_toml", "A bracket is missing.", "triage.toml", "[policy]", "[policy")
