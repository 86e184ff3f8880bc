"""``toetwitch assess``: one case in, the triage and the likely causes out."""

from __future__ import annotations

__all__ = ["assess"]

from typing import IO

import click

from toetwitch.commands.case_input import read_example, read_words
from toetwitch.commands.model_option import json_option, model_option, policy_option, setting_option
from toetwitch.knowledge.case_file import read_case_file
from toetwitch.knowledge.cases import Case
from toetwitch.model import load_model


@click.command()
@click.argument("words", nargs=-1, metavar="[ID=VALUE]...")
@click.option("--file", "file", type=click.File("rb"), help="A case as TOML or JSON; - for standard input.")
@click.option("--example", metavar="NAME", help="A published case that comes with the library.")
@policy_option
@setting_option
@model_option
@json_option
def assess(
    words: tuple[str, ...],
    file: IO[bytes] | None,
    example: str | None,
    policy: str | None,
    setting: str | None,
    model_path: str | None,
    as_json: bool,
) -> None:
    """Assess one case.

    Answer in words: foot_drop=yes numbness=unknown caffeine_intake=high. Rule a state out with
    movement_duration!=over_4_weeks; say that you are 80 % sure with numbness~0.8. Whatever is left out is unknown.
    Words count over what a file or an example says.
    """
    model = load_model(model_path, setting=setting)
    variables = model.network.variables
    evidence: dict[str, object] = {}
    case = read_example(example, model) if example is not None else None
    if case is not None:
        evidence |= case.evidence
    if file is not None:
        evidence |= read_case_file(getattr(file, "name", "standard input"), file.read(), variables)
    evidence |= read_words(words, variables)
    answer = model.assess(evidence, policy=policy)
    if as_json:
        click.echo(answer.to_json())
        return
    if case is not None:
        click.echo(_introduction(case))
    click.echo(str(answer))
    if case is not None:
        acceptable = f" (also acceptable: {', '.join(case.also_acceptable)})" if case.also_acceptable else ""
        click.echo(f"\nThe source concluded: {', '.join(case.diagnosis)}{acceptable}.")


def _introduction(case: Case) -> str:
    year = f" ({case.year})" if case.year else ""
    return f"{case.note}\n{case.source_title}{year}, {case.source_url}\n"
