"""A result of born-dead on the terminal: headline, table, what was drawn."""

from __future__ import annotations

from reluprobe.born.result import Result
from reluprobe.cli.console import out
from reluprobe.report.terminal import born_dead


def show(result: Result) -> None:
    """Print a result."""
    out.print(born_dead.headline(result))
    out.print(born_dead.legend(result.config))
    out.print()
    out.print(born_dead.table(result))
    out.print()
    out.print(born_dead.drawn(result.config))
