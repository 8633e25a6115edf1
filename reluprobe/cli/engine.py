"""Between the commands and the engine: files around a stream of events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from reluprobe import activations, data, fit, records, sweep
from reluprobe.grid import Run
from reluprobe.sweep import RunDone

#: An event, and where its record was written if it had one.
Step = tuple[sweep.Event, Path | None]


def start(
    folder: Path,
    runs: Sequence[Run],
    manual_dir: Path | None,
    stop: Callable[[], bool] = lambda: False,
    keep: bool = False,
) -> Iterator[Step]:
    """Run them, and write every record as its run ends. The folder is the caller's own.

    ``keep``: whether activations are written beside the records of runs that end.
    """
    for name in dict.fromkeys(name for run in runs for name in fit.datasets(run.config)):
        data.check_name(name)
    load = partial(data.load, manual_dir=manual_dir)
    for event in sweep.execute(runs, load, stop, keep):
        yield event, _write(event, folder) if isinstance(event, RunDone) else None


def _write(event: RunDone, folder: Path) -> Path:
    # The record last: where it is, the run is done.
    if event.activations is not None:
        activations.write(list(event.activations), folder, event.run.id)
    return records.write(event.record, folder)
