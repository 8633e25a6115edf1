"""The two consoles: results go to stdout, progress and errors to stderr."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from rich.progress import Progress

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def complain(text: str) -> None:
    """Print one message about what went wrong."""
    err.print(Text(text, style="red"), soft_wrap=True)


def lively() -> bool:
    """Whether stderr can be drawn over: a terminal, and not a dumb one."""
    return err.is_terminal and not err.is_dumb_terminal


def log_to_stderr() -> None:
    """Have the package's warnings among the other messages."""
    from rich.logging import RichHandler

    handler = RichHandler(console=err, show_time=False, show_path=False)
    logging.getLogger("reluprobe").handlers[:] = [handler]


def status(text: str) -> AbstractContextManager[object]:
    """A spinner on stderr; nothing where it cannot be drawn."""
    return err.status(text) if lively() else nullcontext()


@contextmanager
def progress(total: int) -> Iterator[Progress]:
    """A bar of epochs on stderr; nothing where stderr is no terminal."""
    with bar(total) as progress_bar:
        yield progress_bar


def bar(total: int) -> Progress:
    """The same bar, not started: for a view that shows more with it."""
    # Imported here: --help and report have no bar to wait for.
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    progress_bar = Progress(
        *columns, TimeRemainingColumn(), console=err, transient=True, disable=not lively()
    )
    progress_bar.add_task("compiling", total=total)
    return progress_bar
