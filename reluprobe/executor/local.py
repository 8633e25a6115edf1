"""Local executor: trains runs in this process and writes their records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from reluprobe import data, records
from reluprobe.engine import checks, runner
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
    save_activations: bool = False,
) -> Iterator[Step]:
    """Run them, and write every record as its run ends.

    Args:
        folder: the sweep's, the caller's own.
        runs: what to run.
        manual_dir: where dataset files lie that are not downloaded.
        stop: asked between segments; once it says yes, the runs that have not ended never do.
        devices: on how many of this machine's; None for all.
        save_activations: whether activations are written beside the records of runs that end.

    Raises:
        InputError, DatasetError: data that cannot be had, or do not fit, before anything is run.
    """
    for name in checks.all_dataset_names(runs):
        data.check_name(name)
    load = partial(data.load, manual_dir=manual_dir)
    for event in runner.execute(runs, load, stop, devices, save_activations):
        yield event, _write(event, folder) if isinstance(event, RunDone) else None


def _write(event: RunDone, folder: Path) -> Path:
    # The record last: where it is, the run is done.
    if event.activations is not None:
        saved_activations.write(list(event.activations), folder, event.run.id)
    return records.write(event.record, folder)
