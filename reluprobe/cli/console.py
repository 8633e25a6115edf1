"""Results go to stdout, progress and errors to stderr."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from rich.progress import Progress

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


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
    with bar(total) as found:
        yield found


def bar(total: int) -> Progress:
    """The same bar, for whoever shows more beside it."""
    # Imported here: --help and report have no bar to wait for.
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    found = Progress(
        *columns, TimeRemainingColumn(), console=err, transient=True, disable=not lively()
    )
    found.add_task("compiling", total=total)
    return found
