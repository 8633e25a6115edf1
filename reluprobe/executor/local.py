"""Local executor: trains runs in this process, writes their records and saves those unfinished."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from pathlib import Path

from reluprobe import data, records
from reluprobe.engine import checks, runner
from reluprobe.engine.events import Event, RunDone, Saved
from reluprobe.plan.runs import Run
from reluprobe.records import checkpoints, saved_activations

log = logging.getLogger(__name__)

#: An event, and where its record was written if it had one.
Step = tuple[Event, Path | None]


def start(
    folder: Path,
    runs: Sequence[Run],
    manual_dir: Path | None,
    stop: Callable[[], bool] = lambda: False,
    devices: int | None = None,
    keep: Collection[str] = (),
    own_dir: Path | None = None,
) -> Iterator[Step]:
    """Run them, and write every record as its run ends; go on with those that were begun before.

    Args:
        folder: the sweep's, the caller's own.
        runs: what to run.
        manual_dir: where dataset files lie that are not downloaded.
        stop: asked between segments; once it says yes, the runs at work are saved and left.
        devices: on how many of this machine's; None for all.
        keep: ids of runs whose activations are written beside their records.
        own_dir: where relative paths of the user's own data start; None for where we stand.

    Raises:
        InputError, DatasetError: data that cannot be had, or do not fit, before anything is run.
    """
    for name in checks.all_dataset_names(runs):
        data.check_name(name)
    load = partial(data.load, manual_dir=manual_dir, own_dir=own_dir)
    begun = _read_checkpoints(folder, runs)
    execute = partial(runner.execute, keep=keep, unfinished=begun)
    for event in execute(runs, load, stop, devices):
        if isinstance(event, Saved):
            checkpoints.write(event.checkpoint, folder)
        yield event, _write(event, folder) if isinstance(event, RunDone) else None


def _read_checkpoints(folder: Path, runs: Sequence[Run]) -> dict[str, checkpoints.Checkpoint]:
    """Where these runs go on; one whose file is damaged starts over, and that is said."""
    whole = {}
    for run in checkpoints.begun(folder, runs):
        try:
            whole[run.id] = checkpoints.read(folder, run)
        except checkpoints.CheckpointError as error:
            log.warning("run %s starts over: %s", run.id, error.message)
    return whole


def _write(event: RunDone, folder: Path) -> Path:
    # The record after its activations: where it is, the run is done, and needs no checkpoint.
    if event.activations is not None:
        saved_activations.write(list(event.activations), folder, event.run.id)
    path = records.write(event.record, folder)
    checkpoints.remove(folder, {event.run.id})
    return path
