"""The options that several commands share: which model, for whom, and by whose levels."""

from __future__ import annotations

__all__ = ["json_option", "model_option", "policy_option", "setting_option"]

from collections.abc import Callable
from typing import Any, TypeVar

import click

from toetwitch.knowledge.red_flag import POLICIES

Command = TypeVar("Command", bound=Callable[..., Any])


def model_option(command: Command) -> Command:
    """Add ``--model``, the folder of an edited model."""
    return click.option(
        "--model",
        "model_path",
        metavar="FOLDER",
        help="An edited copy of the model; by default the one that is shipped.",
    )(command)


def setting_option(command: Command) -> Command:
    """Add ``--setting``, which shifts the priors."""
    return click.option(
        "--setting", metavar="NAME", help="Where the person is seen: community, primary_care, neurology_clinic."
    )(command)


def policy_option(command: Command) -> Command:
    """Add ``--policy``, whose levels count where article and guidelines disagree."""
    return click.option("--policy", type=click.Choice(POLICIES), help="Whose levels count where they disagree.")(
        command
    )


def json_option(command: Command) -> Command:
    """Add ``--json``, for programs that read the answer."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)
