"""A progress bar for library calls: examples looked at, on stderr, gone when the call ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from reluprobe.foreign import pieces

Seen = Callable[[int], object]


@contextmanager
def shown(progress: bool | Seen, source: Any) -> Iterator[Seen | None]:
    """Give the function that takes the number of examples seen; None where nobody asked."""
    if not isinstance(progress, bool) or not progress:
        yield None if isinstance(progress, bool) else progress
        return
    columns = TextColumn("examples"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("examples", total=pieces.count(source))
        yield lambda examples: bar.update(task, completed=examples)
