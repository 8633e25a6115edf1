"""The command line's entry: its commands, and where errors become messages and exit codes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated

import typer
from rich.text import Text

from reluprobe import __version__
from reluprobe.cli import console, encoding, streams
from reluprobe.cli.lazy import LazyGroup
from reluprobe.errors import InputError, ReluprobeError

app = typer.Typer(
    cls=LazyGroup,
    name="reluprobe",
    help="Which of a network's neurons are dead, when did they die, and what would have saved "
    "them? Trains MLPs over activation × learning rate × init × depth and counts.",
    epilog="Start here: reluprobe train --act relu --lr 5e-3",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        console.out.print(f"reluprobe {__version__}", highlight=False)
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Take the options that belong to no command."""


def main() -> None:
    """Run the command line.

    Exits with 0, 1 (failure), 2 (usage), 3 (runs failed), 4 (--max-dead), 130 or 143 (stopped by
    a signal), 141 (nobody reads the output any more).
    """
    streams.guard()
    encoding.write_plainly()
    sys.exit(_code())


def _code() -> int:
    """The exit code of the command that was typed; what it failed of is said."""
    code, last = _checked(app), _checked(streams.settle)
    return code or last


def _checked(step: Callable[[], object]) -> int:
    """Take a step; the exit code where it ends the command, else 0."""
    try:
        step()
    except SystemExit as end:  # as Typer ends: always by a number
        return int(end.code or 0)
    except streams.ReaderGoneError as error:
        return error.exit_code
    except ReluprobeError as error:
        show(error)
        return error.exit_code
    return 0


def show(error: ReluprobeError) -> None:
    """Print the message, its faults one per line, and what to do next."""
    text = Text("error: ", style="bold red").append(error.message, style="not bold default")
    console.err.print(text, soft_wrap=True)
    faults = error.faults if isinstance(error, InputError) else ()
    for fault in faults:
        console.err.print(Text(f"  {fault}"), soft_wrap=True)
    if error.hint:
        console.err.print(Text("try: ", style="bold").append(error.hint), soft_wrap=True)
