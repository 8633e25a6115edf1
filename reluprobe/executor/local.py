"""In this process: files around the engine's stream of events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from reluprobe import data, records
from reluprobe.engine import checks, compile_cache, runner
from reluprobe.engine.events import Event, RunDone
from reluprobe.plan.runs import Run
from reluprobe.records import saved_activations

#: An event, and where its record was written if it had one.
Step = tuple[Event, Path | None]


def start(
    folder: Path,
    runs: Sequence[Run],
    manual_dir: Path | None,
    stop: Callable[[], bool] = lambda: False,
    devices: int | None = None,
    keep: bool = False,
) -> Iterator[Step]:
    """Run them, and write every record as its run ends. The folder is the caller's own.

    ``keep``: whether activations are written beside the records of runs that end.
    """
    for name in checks.wanted(runs):
        data.check_name(name)
    compile_cache.as_asked()
    load = partial(data.load, manual_dir=manual_dir)
    for event in runner.execute(runs, load, stop, devices, keep):
        yield event, _write(event, folder) if isinstance(event, RunDone) else None


def _write(event: RunDone, folder: Path) -> Path:
    # The record last: where it is, the run is done.
    if event.activations is not None:
        saved_activations.write(list(event.activations), folder, event.run.id)
    return records.write(event.record, folder)
