"""``toetwitch model check``: whether a model still keeps every law, the user's own among them."""

from __future__ import annotations

__all__ = ["check"]

import json
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

import toetwitch.testing as kit
from toetwitch.commands.model_option import json_option
from toetwitch.knowledge.model_folder import default_model_path

if TYPE_CHECKING:
    from toetwitch.testing.checks import Check

PROFILES = ("quick", "thorough")


@click.command()
@click.argument("path", type=click.Path(exists=True), required=False)
@click.option("--profile", type=click.Choice(PROFILES), default="quick", show_default=True, help="How hard to try.")
@click.option(
    "--laws",
    type=click.Path(exists=True, dir_okay=False),
    help="A TOML file of laws of your own; by default NAME.laws.toml beside the model.",
)
@click.option("--verbose", "-v", is_flag=True, help="Name the laws that hold as well.")
@json_option
@click.pass_context
def check(
    context: click.Context, path: str | None, profile: str, laws: str | None, verbose: bool, as_json: bool
) -> None:
    """Check the model in folder PATH, or the network in a BIF file, against every law that applies.

    The shipped model by default. A law that breaks is shown with the smallest case on which it does, ready to paste;
    exit code 1 when there is one.
    """
    if find_spec("hypothesis") is None:
        raise click.UsageError(
            "a check draws its cases with Hypothesis; install it by: pip install 'toetwitch[testing]'"
        )
    report = kit.check(path or default_model_path(), profile, laws=laws, watched=_watched)
    if as_json:
        click.echo(json.dumps(report.to_dict(), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        held = [found for found in report.findings if found.word != "broken"] if verbose else []
        click.echo("\n".join([*map(str, held), str(report)]))
    context.exit(0 if report.ok else 1)


def _watched(checks: Sequence[Check]) -> Iterator[Check]:
    with click.progressbar(
        checks,
        label="checking",
        file=sys.stderr,
        hidden=not sys.stderr.isatty(),
        item_show_func=lambda one: one.name if one is not None else None,
    ) as shown:
        yield from shown
