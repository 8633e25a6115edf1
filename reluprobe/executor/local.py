"""Local executor: trains runs in this process, writes their records and saves those unfinished."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from reluprobe import data, records
from reluprobe.config.choices import SaveWeights
from reluprobe.engine import checks, runner
from reluprobe.engine.events import Event, RunDone, Saved, WeightsTaken
from reluprobe.plan.runs import Run
from reluprobe.records import checkpoints, saved_activations, saved_weights

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
    save_weights: SaveWeights | None = None,
    own_dir: Path | None = None,
    compile_cache: bool = True,
) -> Iterator[Step]:
    """Run them, and write every record as its run ends; go on with those that were begun before.

    Args:
        folder: the sweep's, the caller's own.
        runs: what to run.
        manual_dir: where dataset files lie that are not downloaded.
        stop: asked between segments; once it says yes, the runs at work are saved and left.
        devices: on how many of this machine's; None for all.
        keep: ids of runs whose activations are written beside their records.
        save_weights: whether all runs' weights are, at their ends or after every epoch too.
        own_dir: where relative paths of the user's own data start; None for where we stand.
        compile_cache: whether programs are read and kept where the environment says.

    Raises:
        InputError, DatasetError: data that cannot be had, or do not fit, before anything is run.
    """
    for name in checks.all_dataset_names(runs):
        data.check_name(name)
    load = partial(data.load, manual_dir=manual_dir, own_dir=own_dir)
    begun = _read_checkpoints(folder, runs, save_weights)
    asked: dict[str, Any] = {"keep": keep, "save_weights": save_weights}
    execute = partial(runner.execute, unfinished=begun, compile_cache=compile_cache, **asked)
    for event in execute(runs, load, stop, devices):
        if isinstance(event, Saved):
            checkpoints.write(event.checkpoint, folder)
        if isinstance(event, WeightsTaken):
            place = saved_weights.file_of(folder, event.run.id, event.weights.notes.epoch)
            saved_weights.write(event.weights, place)
        yield event, _write(event, folder) if isinstance(event, RunDone) else None


def _read_checkpoints(
    folder: Path, runs: Sequence[Run], save_weights: SaveWeights | None
) -> dict[str, checkpoints.Checkpoint]:
    """Where these runs go on; one that cannot starts over, and that is said."""
    whole = {}
    for run in checkpoints.begun(folder, runs):
        try:
            begun = checkpoints.read(folder, run)
        except checkpoints.CheckpointError as error:
            log.warning("run %s starts over: %s", run.id, error.message)
            continue
        past = [epoch.epoch for epoch in begun.record.history if epoch.test_loss is not None]
        if save_weights == "every" and saved_weights.lacking(folder, run, past):
            log.warning("run %s starts over: its weights were not saved so far", run.id)
        else:
            whole[run.id] = begun
    return whole


def _write(event: RunDone, folder: Path) -> Path:
    # The record after what lies beside it: where it is, the run is done, and needs no checkpoint.
    if event.activations is not None:
        saved_activations.write(list(event.activations), folder, event.run.id)
    if event.weights is not None:
        saved_weights.write(event.weights, saved_weights.file_of(folder, event.run.id))
    path = records.write(event.record, folder)
    checkpoints.remove(folder, {event.run.id})
    return path
