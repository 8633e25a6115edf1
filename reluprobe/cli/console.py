"""The two consoles: results go to stdout, progress and errors to stderr; what machines read."""

from __future__ import annotations

import io
import logging
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.segment import Segment
from rich.text import Text

from reluprobe.files.printable import printable

if TYPE_CHECKING:
    from rich.progress import Progress

#: Columns and lines of a terminal: with fewer than these no table can be read, and whoever asks for
#: more than these has mistyped.
LEAST, MOST = (40, 10), (10_000, 10_000)


def settle_size() -> None:
    """Have COLUMNS and LINES in the environment as numbers that a table can be fitted to.

    What is no number of columns, 0 among them, stands for the terminal's own, or 80.
    """
    sizes = shutil.get_terminal_size()  # knows what is no size
    for name, size, least, most in zip(("COLUMNS", "LINES"), sizes, LEAST, MOST, strict=True):
        # Where nobody has set it, it follows the terminal as it is pulled wider.
        if name in os.environ or size < least:
            os.environ[name] = str(min(max(size, least), most))
    typers = os.environ.get("TERMINAL_WIDTH", "80")  # of its help; it fails at what is no number
    if not typers.isdecimal() or int(typers) < LEAST[0]:
        del os.environ["TERMINAL_WIDTH"]


class _CleanConsole(Console):
    """A console that prints no control character but its own: names of files may hold some."""

    def render(self, *args: Any, **options: Any) -> Iterable[Segment]:
        """The segments to print, in characters that print."""
        for segment in super().render(*args, **options):
            text, style, control = segment
            if control or text.isprintable() or text == "\n":
                yield segment
            else:
                yield Segment(_printable(text), style)


def _printable(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))


settle_size()  # before consoles are made, which read it
out = _CleanConsole(highlight=False)
err = _CleanConsole(stderr=True, highlight=False)


def write(text: str) -> None:
    """Write to stdout what machines read: UTF-8, whatever the locale, and at once."""
    stream = sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        stream.flush()
        stream.buffer.write(text.encode())
    else:
        stream.write(text)
    stream.flush()


def complain(text: str) -> None:
    """Print one message about what went wrong."""
    err.print(Text(text, style="red"), soft_wrap=True)


def lively() -> bool:
    """Whether stderr can be drawn over: a terminal, and not a dumb one."""
    return err.is_terminal and not err.is_dumb_terminal


def log_to_stderr(facts: bool = False) -> None:
    """Have the package's warnings among the other messages; ``facts``: what was read, too."""
    from rich.logging import RichHandler

    handler = RichHandler(console=err, show_time=False, show_path=False)
    logging.getLogger("reluprobe").handlers[:] = [handler]
    logging.getLogger("reluprobe.data.own").setLevel(logging.INFO if facts else logging.WARNING)


def status(text: str) -> AbstractContextManager[object]:
    """A spinner on stderr; nothing where it cannot be drawn."""
    return err.status(text) if lively() else nullcontext()


@contextmanager
def progress(total: int) -> Iterator[Progress]:
    """A bar of epochs on stderr; nothing where stderr is no terminal."""
    with bar(total) as progress_bar:
        yield progress_bar


def bar(total: int, clock: bool = True) -> Progress:
    """The same bar, not started: for a view that shows more with it, as its own time left."""
    # Imported here: --help and report have no bar to wait for.
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    clocks = [TimeRemainingColumn()] if clock else []
    progress_bar = Progress(*columns, *clocks, console=err, transient=True, disable=not lively())
    progress_bar.add_task("compiling", total=total)
    return progress_bar
