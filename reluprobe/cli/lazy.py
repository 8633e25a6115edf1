"""The list of commands: name, module and first line; each is imported only when it is called."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from reluprobe.cli import console
from reluprobe.errors import nearest
from reluprobe.garbage import uncollected

#: Each command's module and the first line of its help, in the order in which they are listed.
COMMANDS = {
    "train": ("train", "Train one network and watch its units die, epoch by epoch."),
    "sweep": ("sweep", "Run every combination in a sweep file and show the outcome."),
    "report": (
        "report",
        "Show the outcome of finished runs: dead units beside accuracy, seeds folded.",
    ),
    "compare": (
        "compare",
        "Hold every change of settings against a baseline, seed by seed: which helps?",
    ),
    "inspect": (
        "inspect",
        "Look into a network of yours: which of its units are dead on your data?",
    ),
    "prune": (
        "prune",
        "Take the dead units out of a trained network, and show that it gives out the same.",
    ),
    "export": (
        "export",
        "Take results elsewhere: tidy tables for pandas, polars or R, or a table for a paper.",
    ),
    "born-dead": (
        "born_dead",
        "Count ReLU networks that are constant from birth, beside what is proved of them.",
    ),
    "new": (
        "new",
        "Write a commented sweep file to start from; as it stands it runs in about a minute.",
    ),
    "schema": ("schema", "Print a JSON Schema (draft 4) of sweep files, for TOML editors."),
}


class LazyGroup(TyperGroup):
    """A group that knows its commands' names and first lines, and imports the one called."""

    listing = False

    def list_commands(self, ctx: Any) -> list[str]:
        """The commands' names, in order."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, or while help is listed its name and first line alone."""
        if cmd_name not in COMMANDS:
            return None
        module, line = COMMANDS[cmd_name]
        if self.listing:
            return TyperCommand(cmd_name, help=line)
        return _load(cmd_name, module)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command called, and what is left of the line."""
        unknown = args[0] not in COMMANDS and not args[0].startswith("-")
        if unknown and not ctx.resilient_parsing:  # a shell that completes is told nothing
            ctx.fail(f"No such command {args[0]!r}{nearest(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; Ctrl-C ends it with a message, where Typer would exit in silence."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            text = "interrupted; runs that had ended are on disk"
            console.err.print(text, style="bold red")
            raise typer.Exit(130) from None

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The list of commands, without importing them."""
        with self._listed(), uncollected():  # of what Typer formats with
            super().format_help(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """The names of commands that start so, without importing them."""
        with self._listed():
            return super().shell_complete(ctx, incomplete)

    @contextmanager
    def _listed(self) -> Iterator[None]:
        self.listing = True
        try:
            yield
        finally:
            self.listing = False


def _load(name: str, module: str) -> Any:
    with uncollected():
        command = importlib.import_module(f"reluprobe.cli.commands.{module}")
    alone = typer.Typer(add_completion=False)
    # Lines are for the terminal to break, paragraphs are ours.
    text = re.sub(r"(?<!\n)\n(?!\n)", " ", command.HELP)
    alone.command(name, help=text)(command.command)
    return typer.main.get_command(alone)
