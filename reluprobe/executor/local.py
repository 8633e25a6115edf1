"""In this process: files around the engine's stream of events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from reluprobe import data, fit, kept, records, sweep
from reluprobe.events import Event, RunDone
from reluprobe.grid import Run

#: An event, and where its record was written if it had one.
Step = tuple[Event, Path | None]


def start(
    folder: Path,
    runs: Sequence[Run],
    manual_dir: Path | None,
    stop: Callable[[], bool] = lambda: False,
    devices: int | None = None,
) -> Iterator[Step]:
    """Run them, and write every record as its run ends. The folder is the caller's own."""
    for name in fit.wanted(runs):
        data.check_name(name)
    kept.as_asked()
    load = partial(data.load, manual_dir=manual_dir)
    for event in sweep.execute(runs, load, stop, devices):
        done = isinstance(event, RunDone)
        yield event, records.write(event.record, folder) if done else None
