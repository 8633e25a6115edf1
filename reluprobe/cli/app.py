"""The command line's entry: its commands, and where errors become messages and exit codes."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.text import Text

from reluprobe import __version__
from reluprobe.cli import console, encoding
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

    Exits with 0, 1 (failure), 2 (usage), 3 (runs failed), 130 or 143 (stopped by a signal).
    """
    encoding.write_plainly()
    try:
        app()
    except ReluprobeError as error:
        show(error)
        sys.exit(error.exit_code)


def show(error: ReluprobeError) -> None:
    """Print the message, its faults one per line, and what to do next."""
    text = Text("error: ", style="bold red").append(error.message, style="not bold default")
    console.err.print(text, soft_wrap=True)
    faults = error.faults if isinstance(error, InputError) else ()
    for fault in faults:
        console.err.print(Text(f"  {fault}"), soft_wrap=True)
    if error.hint:
        console.err.print(Text("try: ", style="bold").append(error.hint), soft_wrap=True)
