"""Rules and their policy as a model file writes them; reading refuses each mistake at its place."""

from __future__ import annotations

__all__ = ["RULE_SECTIONS", "read_rules", "write_rules"]

from collections.abc import Mapping, Sequence
from typing import Any

from toetwitch.errors import ModelFileError, UnknownNameError
from toetwitch.knowledge.condition import Atom, parse_condition, render_condition
from toetwitch.knowledge.fields import Fields, entries
from toetwitch.knowledge.network import NetworkDefinition
from toetwitch.knowledge.red_flag import (
    ORIGINS,
    POLICIES,
    TRIAGE_LEVELS,
    AskFirst,
    Policy,
    PosteriorRule,
    RedFlag,
    RuleBook,
)

RULE_SECTIONS = ("red_flag", "policy", "posterior_rule", "ask_first")
"""The sections of a model file that `read_rules` reads."""

States = Mapping[str, tuple[str, ...]]


def read_rules(documents: Sequence[tuple[str, Mapping[str, Any]]], network: NetworkDefinition) -> RuleBook:
    """Read the rules of a model.

    Parameters
    ----------
    documents
        File name and parsed document; sections other than `RULE_SECTIONS` are left to others.
    network
        The variables on which rules may depend.

    Raises
    ------
    ModelFileError
        For anything that is not a rule book over this network, with the file and the place.
    """
    states = {id: variable.states for id, variable in network.by_id.items()}
    policy = _read_policy(documents, states)
    ungoverned = RuleBook(policy=policy)
    rules: dict[str, RedFlag] = {}
    for file, place, entry in entries(documents, "red_flag"):
        rule = _read_rule(Fields(entry, file=file, place=place), states)
        if rule.id in rules:
            raise ModelFileError(f"a second rule {rule.id!r}; expected each id once", file=file, place=place)
        for check, field in ((ungoverned.check_dissent, "dissent_when"), (ungoverned.check_gate, "when")):
            try:
                check(rule)
            except ValueError as error:
                raise ModelFileError(str(error), file=file, place=f"{place}.{field}") from None
        rules[rule.id] = rule
    posterior_rules: dict[str, PosteriorRule] = {}
    for file, place, entry in entries(documents, "posterior_rule"):
        posterior = _read_posterior_rule(Fields(entry, file=file, place=place), states)
        if posterior.id in posterior_rules:
            raise ModelFileError(f"a second rule {posterior.id!r}; expected each id once", file=file, place=place)
        posterior_rules[posterior.id] = posterior
    asked: dict[str, AskFirst] = {}
    for file, place, entry in entries(documents, "ask_first"):
        fields = Fields(entry, file=file, place=place)
        ask = AskFirst(_known(fields, "finding", fields.text("finding"), states), fields.text("question"))
        fields.done()
        if ask.finding in asked:
            raise ModelFileError(f"a second question for {ask.finding!r}; expected one", file=file, place=place)
        asked[ask.finding] = ask
    return RuleBook(tuple(rules.values()), policy, tuple(posterior_rules.values()), tuple(asked.values()))


def _known(fields: Fields, field: str, id: str, states: States) -> str:
    if id not in states:
        raise fields.error(str(UnknownNameError("variable", id, states)), field)
    return id


def _read_rule(fields: Fields, states: States) -> RedFlag:
    try:
        id = fields.text("id")
        when = parse_condition(fields.take("when"), states, file=fields.file, place=fields.within("when"))
        written = fields.take("dissent_when")
        dissent_when = (
            None
            if written is None
            else parse_condition(written, states, file=fields.file, place=fields.within("dissent_when"))
        )
        rule = RedFlag(
            id=id,
            when=when,
            level=fields.choice("level", TRIAGE_LEVELS),
            origin=fields.choice("origin", ORIGINS),
            rationale=fields.text("rationale"),
            sources=(fields.text("source"), *fields.texts("also")),
            concern=tuple(_known(fields, "concern", cause, states) for cause in fields.texts("concern")),
            concern_external=fields.texts("concern_external"),
            emergency=fields.flag("emergency"),
            pathway=fields.text("pathway", ""),
            guideline_level=fields.choice("guideline_level", TRIAGE_LEVELS, ""),
            dissent_when=dissent_when,
            dissent=fields.text("dissent", ""),
            dissent_limit=fields.text("dissent_limit", ""),
            dissent_sources=fields.texts("dissent_source"),
            note=fields.text("note", ""),
        )
    except ModelFileError:
        raise
    except ValueError as error:
        raise fields.error(str(error)) from None
    fields.done()
    return rule


def _read_posterior_rule(fields: Fields, states: States) -> PosteriorRule:
    try:
        rule = PosteriorRule(
            id=fields.text("id"),
            causes=tuple(_known(fields, "causes", cause, states) for cause in fields.texts("causes")),
            probability_at_least=fields.number("probability_at_least", 0, 1),
            level=fields.choice("level", TRIAGE_LEVELS),
            rationale=fields.text("rationale"),
            sources=(fields.text("source"), *fields.texts("also")),
        )
    except ModelFileError:
        raise
    except ValueError as error:
        raise fields.error(str(error)) from None
    fields.done()
    return rule


def _read_policy(documents: Sequence[tuple[str, Mapping[str, Any]]], states: States) -> Policy:
    found = [(file, document["policy"]) for file, document in documents if "policy" in document]
    if not found:
        return Policy()
    if len(found) > 1:
        raise ModelFileError(f"a second policy; {found[0][0]} has one", file=found[1][0], place="policy")
    fields = Fields(found[0][1], file=found[0][0], place="policy")
    try:
        policy = Policy(
            default=fields.choice("default", POLICIES),
            gate=_read_gate(fields, states),
            gate_rationale=fields.text("gate_rationale", ""),
            danger_findings=tuple(
                _known(fields, "danger_findings", id, states) for id in fields.texts("danger_findings")
            ),
            any_of=_read_any_of(fields, states),
            level_meaning=_read_texts(fields, "level_meaning"),
            no_main_advice_from=fields.choice("no_main_advice_from", TRIAGE_LEVELS, "urgent_appointment"),
            sources=fields.texts("source"),
        )
    except ModelFileError:
        raise
    except (ValueError, UnknownNameError) as error:
        raise fields.error(str(error)) from None
    fields.done()
    return policy


def _read_gate(fields: Fields, states: States) -> tuple[Atom, ...]:
    written = fields.take("gate", {})
    if not isinstance(written, Mapping):
        raise fields.error(f"{written!r}; expected a table of ids and the answer that counts as no", "gate")
    place = fields.within("gate")
    parsed = [parse_condition({id: answer}, states, file=fields.file, place=place) for id, answer in written.items()]
    for condition in parsed:
        if not isinstance(condition, Atom):
            raise fields.error(f"{condition}; expected an id and one answer", "gate")
    return tuple(condition for condition in parsed if isinstance(condition, Atom))


def _read_any_of(fields: Fields, states: States) -> dict[str, tuple[str, ...]]:
    written = fields.take("any_of", {})
    if not isinstance(written, Mapping):
        raise fields.error(f"{written!r}; expected a table of ids and lists of their parts", "any_of")
    inner = Fields(written, file=fields.file, place=fields.within("any_of"))
    classes = {}
    for id in written:
        parts = inner.texts(id)
        for name in (id, *parts):
            if states[_known(inner, id, name, states)] != ("false", "true"):
                raise inner.error(f"{name!r} has states {states[name]}; expected a true or false variable", id)
        classes[id] = parts
    return classes


def _read_texts(fields: Fields, field: str) -> dict[str, str]:
    written = fields.take(field, {})
    if not isinstance(written, Mapping) or not all(isinstance(text, str) for text in written.values()):
        raise fields.error(f"{written!r}; expected a table of strings", field)
    return dict(written)


def write_rules(book: RuleBook) -> dict[str, Any]:
    """Return the document that `read_rules` reads back as an equal rule book.

    Empty fields are left out.
    """
    policy = book.policy
    return {
        "policy": _filled(
            default=policy.default,
            danger_findings=list(policy.danger_findings),
            no_main_advice_from=policy.no_main_advice_from,
            source=list(policy.sources),
            gate_rationale=policy.gate_rationale,
            gate={id: answer for atom in policy.gate for id, answer in render_condition(atom).items()},
            any_of={id: list(parts) for id, parts in policy.any_of.items()},
            level_meaning=dict(policy.level_meaning),
        ),
        "ask_first": [{"finding": ask.finding, "question": ask.question} for ask in book.ask_first],
        "posterior_rule": [_write_posterior_rule(rule) for rule in book.posterior_rules],
        "red_flag": [_write_rule(rule) for rule in book.rules],
    }


def _write_posterior_rule(rule: PosteriorRule) -> dict[str, Any]:
    return _filled(
        id=rule.id,
        causes=list(rule.causes),
        probability_at_least=rule.probability_at_least,
        level=rule.level,
        rationale=rule.rationale,
        source=rule.sources[0],
        also=list(rule.sources[1:]),
    )


def _write_rule(rule: RedFlag) -> dict[str, Any]:
    return _filled(
        id=rule.id,
        when=render_condition(rule.when),
        level=rule.level,
        origin=rule.origin,
        emergency=rule.emergency,
        pathway=rule.pathway,
        concern=list(rule.concern),
        concern_external=list(rule.concern_external),
        rationale=rule.rationale,
        source=rule.sources[0],
        also=list(rule.sources[1:]),
        note=rule.note,
        guideline_level=rule.guideline_level,
        dissent_when=None if rule.dissent_when is None else render_condition(rule.dissent_when),
        dissent=rule.dissent,
        dissent_limit=rule.dissent_limit,
        dissent_source=list(rule.dissent_sources),
    )


def _filled(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, "", [], {}, False)}
