"""Live view of ``train``: rows on stdout; below them on a terminal a bar and a strip of layers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.text import Text

from reluprobe.cli import console
from reluprobe.config import RunConfig, phases
from reluprobe.records import EpochRecord
from reluprobe.report.terminal.live_strip import Strip

if TYPE_CHECKING:
    from rich.live import Live


class Rows:
    """Where rows go."""

    def see(self, epoch: EpochRecord, *rows: Text) -> None:
        """Print the rows of an epoch."""
        for row in rows:
            console.out.print(row, soft_wrap=True)


class Watched(Rows):
    """The same, with a bar and a strip on stderr below the last row."""

    def __init__(self, config: RunConfig, layers: int) -> None:
        self.strip = Strip(layers, console.err.width)
        self.epochs = phases.total_epochs(config.phases, config.epochs)
        self.bar = console.bar(self.epochs)
        self.live: Live | None = None

    def see(self, epoch: EpochRecord, *rows: Text) -> None:
        """Print the rows, and grow by the epoch."""
        # Two streams meet on one terminal: what is drawn over is gone while rows are printed.
        self._clear()
        super().see(epoch, *rows)
        self.strip.see(epoch)
        (task,) = self.bar.task_ids
        self.bar.update(task, completed=epoch.epoch, description="epoch")
        self._draw()

    def _draw(self) -> None:
        # Imported here: off a terminal there is nothing to draw. One that was stopped would start
        # again where it was, over the rows that came since.
        from rich.console import Group
        from rich.live import Live

        both = Group(self.strip, self.bar)
        self.live = Live(both, console=console.err, transient=True, redirect_stdout=False)
        self.live.start(refresh=True)

    def _clear(self) -> None:
        if self.live is not None:
            self.live.stop()

    def close(self) -> None:
        """Take the bar away, and leave the strip where it is."""
        self._clear()
        if self.strip.shares:
            console.err.print(self.strip)


@contextmanager
def watched(config: RunConfig, layers: int) -> Iterator[Rows]:
    """Rows alone where stderr cannot be drawn over."""
    if not console.lively():
        yield Rows()
        return
    view = Watched(config, layers)
    try:
        yield view
    finally:
        view.close()
