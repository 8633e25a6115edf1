"""A progress bar for library calls: epochs trained, on stderr, gone when the call ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from reluprobe.config import phases
from reluprobe.engine.events import EpochDone, Event, Resumed, RunDone
from reluprobe.plan.runs import Run


@contextmanager
def progress_bar(runs: Sequence[Run]) -> Iterator[Callable[[Event], None]]:
    """A bar over the epochs of these runs; give the function that takes events."""
    epochs = {r.id: phases.total_epochs(r.config.phases, r.config.epochs) + 1 for r in runs}
    seen: dict[str, int] = {}
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(
        *columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True
    ) as bar:
        task = bar.add_task("compiling", total=sum(epochs.values()))

        def see(event: Event) -> None:
            if isinstance(event, EpochDone):
                seen[event.run.id] = event.epoch.epoch + 1
            elif isinstance(event, Resumed):
                seen[event.run.id] = len(event.history)
            elif isinstance(event, RunDone):  # a run that failed has no further epochs
                seen[event.run.id] = epochs[event.run.id]
            else:
                return
            bar.update(task, completed=sum(seen.values()), description="epochs")

        yield see
