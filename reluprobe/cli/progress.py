"""Progress of a sweep: a bar on a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import assert_never

from rich.text import Text

from reluprobe.cli import console
from reluprobe.cli.running_dead import RunningDead
from reluprobe.cli.time_left import TimeLeft
from reluprobe.config import SETTINGS, labels, phases
from reluprobe.engine import events
from reluprobe.plan.runs import Run
from reluprobe.report import formatting

#: Seconds between two lines.
EVERY = 5.0


class Progress:
    """Counts runs and epochs, and says where the work is.

    Args:
        todo: the runs.
        done: how many others had ended before.
        dead: counts dead units as they are seen, for who looks on.
    """

    def __init__(self, todo: Sequence[Run], done: int, dead: RunningDead | None = None) -> None:
        self.done, self.total = done, done + len(todo)
        epochs = {run.id: _epochs(run) + 1 for run in todo}
        self.epochs = sum(epochs.values())
        self.time_left, self.dead = TimeLeft(todo, epochs), dead
        self.seen: set[tuple[str, int]] = set()
        self.where = "loading and compiling"
        self.compiling = 0.0
        self.began = time.monotonic()
        self.names = [n for n in SETTINGS if len({getattr(r.config, n) for r in todo}) > 1]

    def see(self, event: events.Event) -> None:
        """Count an event. Epochs that are trained again, after a fault, count once."""
        self.time_left.see(event)
        if self.dead is not None:
            self.dead.see(event)
        match event:
            case events.Compiling(run=run):
                self.where = f"compiling {labels.architecture(run.config)}"
            case events.Compiled(seconds=seconds):
                self.compiling += seconds
            case events.Resumed(run=run, history=history):
                self._see(run, (epoch.epoch for epoch in history), trained=False)
            case events.EpochDone(run=run, epoch=epoch):
                self._see(run, [epoch.epoch], trained=True)
                settings = labels.settings({n: getattr(run.config, n) for n in self.names})
                where = f"epoch {epoch.epoch}/{_epochs(run)}"
                self.where = f"{settings}, {where}" if settings else where
            case events.RunDone(run=run):
                self.done += 1
                # A run that failed has no further epochs to wait for.
                self._see(run, range(_epochs(run) + 1), trained=False)
            case (
                events.Saved() | events.WeightsTaken() | events.BegunAgain() | events.MemoryShort()
            ):
                pass
            case _:
                assert_never(event)

    def _see(self, run: Run, epochs: Iterable[int], trained: bool) -> None:
        new = {(run.id, epoch) for epoch in epochs} - self.seen
        self.seen |= new
        self.time_left.ended(run.id, len(new), trained)

    @property
    def seconds(self) -> float:
        """Since the start, by a clock that nobody sets."""
        return time.monotonic() - self.began

    def left(self) -> str:
        """``about 31 min left``; empty where nobody knows yet."""
        seconds = self.time_left.estimate()
        return "" if seconds is None else f"about {formatting.duration(seconds)} left"

    def line(self) -> str:
        """``12/140 runs · 3 min 05 s · about 31 min left · relu · norm batch, epoch 7/12``."""
        parts = [f"{self.done:,}/{self.total:,} runs", formatting.duration(self.seconds)]
        parts += filter(None, [self.left()])
        return " · ".join([*parts, self.where])


def _epochs(run: Run) -> int:
    return phases.total_epochs(run.config.phases, run.config.epochs)


@contextmanager
def shown(tally: Progress, silent: bool = False, every: float = EVERY) -> Iterator[None]:
    """Show the tally on stderr while the block runs."""
    if silent:
        yield
    elif console.lively():
        with _bar(tally):
            yield
    else:
        with _lines(tally.line, every):
            yield


class Wait:
    """Says on stderr what is waited for: a spinner on a terminal, a plain line elsewhere."""

    def __init__(self, what: str, every: float = EVERY) -> None:
        self.what, self.every = what, every
        self.began = time.monotonic()
        self.shown = ExitStack()

    def line(self) -> str:
        """``compiling 5 × 256 · 10 s``."""
        return f"{self.what} · {formatting.duration(time.monotonic() - self.began)}"

    def begin(self) -> None:
        """Until :meth:`end`."""
        if console.lively():
            status = self.shown.enter_context(console.err.status(self.what))
            self.shown.enter_context(_repeated(lambda: status.update(self.what), 0.2))
        else:
            self.shown.enter_context(_lines(self.line, self.every))

    def end(self) -> None:
        """It is over, if it has begun."""
        self.shown.close()


def _lines(line: Callable[[], str], every: float) -> AbstractContextManager[None]:
    return _repeated(lambda: console.err.print(Text(line()), soft_wrap=True), every)


@contextmanager
def _bar(tally: Progress) -> Iterator[None]:
    """A bar, and below it where the work is and what is dead so far: a line each, at any width."""
    from rich.console import Group
    from rich.live import Live

    bar = console.bar(tally.epochs, clock=False)
    (task,) = bar.task_ids

    def drawn() -> Group:
        runs = f"{tally.done:,}/{tally.total:,} runs"
        bar.update(task, completed=len(tally.seen), description=runs)
        dead = "" if tally.dead is None else tally.dead.line(console.err.width)
        lines = filter(None, [" · ".join(filter(None, [tally.where, tally.left()])), dead])
        rows = (Text(line, "dim", no_wrap=True, overflow="ellipsis") for line in lines)
        return Group(bar, *rows)

    with Live(get_renderable=drawn, console=console.err, transient=True, refresh_per_second=5):
        yield


@contextmanager
def _repeated(action: Callable[[], object], every: float) -> Iterator[None]:
    """Call something every so many seconds, compiling or not, in a thread of its own."""
    over = threading.Event()

    def loop() -> None:
        while not over.wait(every):
            action()

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
