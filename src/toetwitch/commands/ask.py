"""``toetwitch ask``: an interview in the terminal.

The gravest dangers that a person can answer at home come first, then what the self-care gate and the open rules still
want to know, then the movement itself and what may have brought it on. Anything may stay unknown, and the interview
ends whenever the person says so.
"""

from __future__ import annotations

__all__ = ["ask", "next_question"]

from collections.abc import Mapping
from typing import Any

import click

from toetwitch.commands.model_option import json_option, model_option, policy_option, setting_option
from toetwitch.errors import UnknownNameError
from toetwitch.knowledge.case_file import read_value
from toetwitch.knowledge.red_flag import TRIAGE_LEVELS
from toetwitch.knowledge.variable import Variable
from toetwitch.model import Model, load_model
from toetwitch.reasoning.triage import Triage

STOP = ("stop", "q", "quit")
GROUPS = (
    "movement",
    "course",
    "sensation",
    "motor",
    "impact",
    "systemic",
    "medication",
    "exposure",
    "person",
    "history",
)
"""The order of headings once the dangers are known; test results are entered with `assess`."""


@click.command()
@policy_option
@setting_option
@model_option
@json_option
def ask(policy: str | None, setting: str | None, model_path: str | None, as_json: bool) -> None:
    """Ask about a case, dangers first, and assess it.

    Answer with a state, yes or no; press Enter for "I do not know", ? for what is meant, stop to finish.
    """
    model = load_model(model_path, setting=setting)
    answers = _interview(model, policy)
    assessment = model.assess(answers, policy=policy)
    click.echo(assessment.to_json() if as_json else f"\n{assessment}")


def next_question(model: Model, asked: Mapping[str, object], triage: Triage) -> str | None:
    """Return the id to ask about next, or None when everything was asked.

    Parameters
    ----------
    model
        Whose rules and variables.
    asked
        Ids asked so far, whatever the answer.
    triage
        The triage of the answers so far.
    """
    book = model.definition.rules
    dangers = [question.finding for question in book.ask_first]
    listed = [variable for variable in model.network.variables.values() if variable.group in GROUPS]
    rest = [variable.id for variable in sorted(listed, key=lambda v: GROUPS.index(v.group)) if variable.kind != "cause"]
    classes = set(book.policy.any_of)
    wanted = (*dangers, *triage.unanswered, *triage.ask_next, *rest)
    return next((id for id in wanted if id not in asked and (id not in classes or id in dangers)), None)


def _interview(model: Model, policy: str | None) -> dict[str, object]:
    click.echo("Enter: I do not know.  ?: what is meant.  stop: finish.\n", err=True)
    answers: dict[str, object] = {}
    said_top = False
    while True:
        triage = model.assess(answers, policy=policy).triage
        if triage.level == TRIAGE_LEVELS[-1] and not said_top:
            said_top = True
            click.echo(f"\n{triage.level.replace('_', ' ').upper()}", err=True)
            for found in triage.fired:
                click.echo(f"  {found.rationale}", err=True)
            click.echo("Type stop to finish here, or go on.\n", err=True)
        id = next_question(model, answers, triage)
        if id is None:
            return answers
        answer = _answer(model, id)
        if answer is STOP:
            return answers
        answers[id] = answer


def _answer(model: Model, id: str) -> Any:
    variable = model.network.variables[id]
    while True:
        try:
            said = click.prompt(_question(model, variable), default="", show_default=False, prompt_suffix=" ", err=True)
        except click.Abort:
            click.echo(err=True)
            return STOP
        said = said.strip()
        if said.lower() in STOP:
            return STOP
        if said == "?":
            click.echo(f"  {variable.definition or variable.name}", err=True)
            continue
        try:
            return read_value(variable, _numbered(variable, said)) if said else None
        except UnknownNameError as error:
            click.echo(f"  {error}", err=True)


def _question(model: Model, variable: Variable) -> str:
    text = model.definition.rules.question(variable.id) or f"{variable.name}?"
    if variable.is_binary:
        return f"{text} [yes/no]"
    numbered = ", ".join(f"{n} {state.replace('_', ' ')}" for n, state in enumerate(variable.states, start=1))
    return f"{text} [{numbered}]"


def _numbered(variable: Variable, said: str) -> str:
    if not variable.is_binary and said.isdecimal() and 1 <= int(said) <= len(variable.states):
        return variable.states[int(said) - 1]
    return said if variable.is_binary else said.replace(" ", "_")
