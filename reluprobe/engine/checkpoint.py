"""Checkpoints in the engine: take an unfinished run down between two calls, and take it up again.

There a run is its lane, what its recorder has gathered, and the number of calls that were made.
All else follows from its settings and its seed.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import jax
import numpy as np

from reluprobe.config import RunConfig
from reluprobe.data import Dataset, DatasetKey
from reluprobe.data.dataset import ARRAYS
from reluprobe.engine import checks, code_identity, compile_cache, state
from reluprobe.engine.recorder import Recorder
from reluprobe.plan.runs import Run
from reluprobe.records import RunRecord, environment
from reluprobe.records.checkpoints import Checkpoint

log = logging.getLogger(__name__)
#: Seconds between two saves, and the most of all time that saving may take.
EVERY, SHARE = 30.0, 0.01
#: The recorder's arrays: which units were dead at the last probe, and what state each was in.
DEAD, STATES = "recorder.dead", "recorder.states"


class Pace:
    """When runs are saved: so often that little is lost, so rarely that it takes little time.

    A long history takes a while to write, so that what saving costs grows with the run.
    """

    def __init__(self) -> None:
        self.ended, self.cost = time.perf_counter(), 0.0

    def due(self) -> bool:
        """Whether it is time to save."""
        return time.perf_counter() - self.ended >= max(EVERY, self.cost / SHARE)

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Within, runs are saved."""
        began = time.perf_counter()
        yield
        self.ended = time.perf_counter()
        self.cost = self.ended - began


class Origin:
    """What a run's bits hang on besides its settings.

    Args:
        datasets: by name.
        described: the environment, as records have it.
        lanes: how a device runs its lanes.
    """

    def __init__(
        self, datasets: Mapping[DatasetKey, Dataset], described: Mapping[str, str | int], lanes: str
    ) -> None:
        self.datasets = datasets
        names = ("reluprobe", *environment.PACKAGES, "backend", "device")
        self.versions = {name: str(described[name]) for name in names} | {"lanes": lanes}
        self.digests: dict[DatasetKey, str] = {}

    def made_with(self, config: RunConfig) -> dict[str, str]:
        """Of a run; it goes on only where all of it is the same."""
        data = " ".join(map(self._digest, checks.dataset_names(config)))
        processor, code = compile_cache.processor(), code_identity.of_package()
        return self.versions | {"processor": processor, "code": code, "data": data}

    def _digest(self, name: DatasetKey) -> str:
        if name not in self.digests:
            digest = hashlib.sha256()
            for array in (getattr(self.datasets[name], part) for part in ARRAYS):
                digest.update(f"{array.dtype.str} {array.shape}".encode())
                digest.update(np.ascontiguousarray(array).data)
            self.digests[name] = digest.hexdigest()[:16]
        return self.digests[name]


def usable(
    runs: Sequence[Run], unfinished: Mapping[str, Checkpoint], origin: Origin
) -> dict[str, Checkpoint]:
    """The checkpoints that a run would go on from as if it had not been stopped.

    Args:
        runs: those at hand.
        unfinished: checkpoints by id.
        origin: what is trained with here and now.
    """
    fitting = {}
    for run in runs:
        if (checkpoint := unfinished.get(run.id)) is None:
            continue
        here = origin.made_with(run.config)
        if other := [n for n, v in here.items() if checkpoint.made_with.get(n) != v]:
            log.warning("run %s starts over: it was begun with other %s", run.id, ", ".join(other))
        else:
            fitting[run.id] = checkpoint
    return fitting


def take(
    record: RunRecord,
    lane: state.Lane,
    recorder: Recorder,
    calls: int,
    made_with: Mapping[str, str],
) -> Checkpoint:
    """A run as it stands. Its arrays are copies: the devices use theirs again.

    Args:
        record: how far it has come.
        lane: its own, on the host.
        recorder: its chunk's.
        calls: how many have been made.
        made_with: see :class:`Origin`.
    """
    leaves = jax.tree_util.tree_leaves_with_path(lane)
    arrays = {_name(path): np.array(leaf) for path, leaf in leaves}
    if record.id in recorder.dead:
        arrays[DEAD] = np.array(recorder.dead[record.id])
        arrays[STATES] = np.array(recorder.states[record.id])
    return Checkpoint(record, calls, made_with, recorder.starts.get(record.id), arrays)


def resumed_lane(checkpoint: Checkpoint, start: state.Lane) -> state.Lane:
    """The lane that was taken down; ``start`` is the run's first one."""
    leaves, structure = jax.tree_util.tree_flatten_with_path(start)
    return structure.unflatten([checkpoint.arrays[_name(path)] for path, _ in leaves])


def resume_recorder(recorder: Recorder, run: Run, checkpoint: Checkpoint) -> None:
    """Have a recorder know of a run what it knew when that was taken down."""
    record, place = checkpoint.record, run.id
    recorder.history[place], recorder.steps[place] = list(record.history), list(record.steps)
    recorder.samples[place], recorder.phases[place] = record.samples, list(record.phases)
    if record.status == "diverged":
        recorder.nonfinite.add(place)
    if checkpoint.phase_start is not None:
        recorder.starts[place] = checkpoint.phase_start
    if DEAD in checkpoint.arrays:
        recorder.dead[place] = checkpoint.arrays[DEAD]
        recorder.states[place] = checkpoint.arrays[STATES]


def _name(path: tuple[object, ...]) -> str:
    return "lane" + jax.tree_util.keystr(path)
