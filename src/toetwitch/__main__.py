"""The command line.

Exit codes: 0 when it answered; 1 when ``model lint`` found a fault or ``model check`` a broken law; 2 when what was
asked cannot be read, with the reason on standard error; 130 when it was interrupted.
"""

from __future__ import annotations

__all__ = ["main"]

import os
import sys
from collections.abc import Sequence

import click

from toetwitch.commands.ask import ask
from toetwitch.commands.assess import assess
from toetwitch.commands.cohort import cohort
from toetwitch.commands.model_pages import model
from toetwitch.commands.score import score
from toetwitch.commands.validate import validate
from toetwitch.errors import ToetwitchError

WRONG_USE = 2
INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="toetwitch", message="%(prog)s %(version)s")
def _commands() -> None:
    """Reason about involuntary toe movements: what may cause them, and how soon to see someone.

    For research and teaching; not a medical device.
    """


for _command in (assess, ask, cohort, model, score, validate):
    _commands.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit.

    Parameters
    ----------
    arguments
        The words after the program's name; those of the process by default.
    """
    try:
        code = _commands.main(None if arguments is None else list(arguments), "toetwitch", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except click.Abort:
        click.echo("Interrupted.", err=True)
        code = INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has stopped; nothing more can be said, not even on closing it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except (ToetwitchError, OSError) as error:
        click.echo(f"Error: {error}", err=True)
        code = WRONG_USE
    sys.exit(code)


if __name__ == "__main__":
    main()
