"""Run a grid: stack lanes, shard them over the devices, compile a group once, yield as they end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from reluprobe import grid, observe, records, train
from reluprobe.data import Dataset
from reluprobe.errors import InputError
from reluprobe.grid import Run

#: On an accelerator, no more lanes than this side by side on one device.
MOST_LANES = 512


@dataclass(frozen=True)
class Compiled:
    """A group's program is ready. ``seconds``: from its first lane's draw to the program."""

    runs: int
    seconds: float


@dataclass(frozen=True)
class EpochDone:
    """A run has ended an epoch."""

    run: Run
    epoch: records.EpochRecord
    diverged: bool


@dataclass(frozen=True)
class RunDone:
    """A run has ended; its record is whole."""

    run: Run
    record: records.RunRecord


Event = Compiled | EpochDone | RunDone
Program = Callable[..., tuple[train.Lane, train.Report]]
#: What this process has compiled, by everything that is static.
PROGRAMS: dict[Any, Program] = {}


def execute(runs: Sequence[Run], load: Callable[[str], Dataset]) -> Iterator[Event]:
    """Train and probe every run; yield what happens as it happens.

    Args:
        runs: what to run. On a CPU runs of one architecture share a program whatever their
            activation; on an accelerator, where lanes are vmapped, each activation has its own.
        load: name → dataset. Called when a group needs another dataset than the one before.

    Raises:
        InputError: a probe larger than its training set.
    """
    # Data that cannot be had, or is too small, is known before anything is trained.
    for name in dict.fromkeys(run.config.dataset for run in runs):
        _check_probes([run for run in runs if run.config.dataset == name], load(name))
    engine = _Engine()
    dataset: Dataset | None = None
    for group in grid.groups(runs, also=() if engine.one_by_one else ("activation",)):
        name = group[0].config.dataset
        if dataset is None or dataset.name != name:
            dataset = load(name)
            engine.put(dataset)
        yield from engine.group(group, dataset)


def _check_probes(runs: Sequence[Run], dataset: Dataset) -> None:
    wanted = max(run.config.probe_examples for run in runs)
    there = len(dataset.train_targets)
    if wanted > there:
        raise InputError(
            "the probe is larger than the training set",
            [f"probe_examples = {wanted}: allowed with {dataset.name} is an integer <= {there}"],
        )


class _Engine:
    """The devices, and the dataset on them."""

    def __init__(self) -> None:
        use_every_core()
        devices = jax.local_devices()
        self.environment = observe.environment(devices)
        # Lanes one after another on each CPU core; side by side where vmap is the point.
        self.one_by_one = devices[0].platform == "cpu"
        self.mesh = Mesh(np.array(devices), ("lane",), axis_types=(AxisType.Auto,))
        self.by_lane = NamedSharding(self.mesh, P("lane"))
        self.everywhere = NamedSharding(self.mesh, P())

    def put(self, dataset: Dataset) -> None:
        """Place a dataset on every device."""
        d = dataset
        arrays = (d.train_inputs, d.train_targets, d.test_inputs, d.test_targets)
        self.data = train.Arrays(*(jax.device_put(array, self.everywhere) for array in arrays))

    def group(self, runs: Sequence[Run], dataset: Dataset) -> Iterator[Event]:
        """Run one group, chunk by chunk."""
        per_device = 1 if self.one_by_one else self._lanes_that_fit(runs, dataset)
        size = per_device * self.mesh.size
        for first in range(0, len(runs), size):
            yield from self._chunk(runs[first : first + size], size, dataset)

    def _lanes_that_fit(self, runs: Sequence[Run], dataset: Dataset) -> int:
        wanted = -(-len(runs) // self.mesh.size)
        stats = self.mesh.devices.flat[0].memory_stats() or {}
        config, features = runs[0].config, dataset.train_inputs.shape[1]
        weights = config.width * (features + config.depth * (config.width + 1) + 10)
        looked_at = max(train.EVALUATION_BATCH, config.probe_examples, config.batch_size)
        # Weights, two moments, gradient, update, and room for one copy; then activations.
        floats = 6 * weights + 4 * looked_at * config.width * config.depth
        fits = int(0.8 * stats.get("bytes_limit", 8 << 30)) // (4 * floats)
        return max(1, min(wanted, fits, MOST_LANES))

    def _chunk(self, runs: Sequence[Run], size: int, dataset: Dataset) -> Iterator[Event]:
        before = time.perf_counter()
        outputs = dataset.classes or 1
        features = dataset.train_inputs.shape[1]
        starts = [train.init_lane(run.config, features, outputs) for run in runs]
        plan = starts[0][2] if self.one_by_one else starts[0][2].fixed(runs[0].config)
        lanes, numbers = self._stack([s[0] for s in starts], [s[1] for s in starts], size)
        program, compiled = self._program(plan, lanes, numbers)
        if compiled:
            yield Compiled(len(runs), time.perf_counter() - before)

        started = time.perf_counter()
        watch = observe.Watch(runs, classifies=dataset.classes is not None)
        for epoch in range(runs[0].config.epochs + 1):
            lanes, report = program(self.data, np.int32(epoch), lanes, numbers)
            for run, record in watch.see(epoch, jax.device_get(report)):
                yield EpochDone(run, record, watch.diverged(run))
            # A lane that has diverged rests: it would only compute NaN.
            numbers = numbers._replace(live=jax.device_put(watch.live(size), self.by_lane))
        seconds = (time.perf_counter() - started) / len(runs)
        for run in runs:
            yield RunDone(run, watch.record(run, seconds, self.environment))

    def _stack(
        self, lanes: list[train.Lane], numbers: list[train.Numbers], size: int
    ) -> tuple[train.Lane, train.Numbers]:
        """Lanes along a new first axis, padded to the chunk's size with lanes that rest."""
        missing = size - len(lanes)
        resting = numbers[0]._replace(live=np.bool_(False))
        both = [*zip(lanes, numbers, strict=True), *[(lanes[0], resting)] * missing]
        return jax.device_put(jax.tree.map(lambda *x: np.stack(x), *both), self.by_lane)

    def _program(
        self, plan: train.Blueprint, lanes: train.Lane, numbers: train.Numbers
    ) -> tuple[Program, bool]:
        """The compiled epoch of these lanes, and whether it had to be compiled."""
        shapes = tuple((x.shape, x.dtype) for x in jax.tree.leaves((self.data, lanes)))
        key = (plan, self.one_by_one, self.mesh, shapes)
        if new := key not in PROGRAMS:
            mapped = jax.shard_map(
                partial(_map_lanes, plan, self.one_by_one),
                mesh=self.mesh,
                in_specs=(P(), P(), P("lane"), P("lane")),
                out_specs=P("lane"),
                check_vma=False,
            )
            jitted = jax.jit(mapped, donate_argnums=2)
            PROGRAMS[key] = jitted.lower(self.data, np.int32(0), lanes, numbers).compile()
        return PROGRAMS[key], new


def _map_lanes(
    plan: train.Blueprint,
    one_by_one: bool,
    data: train.Arrays,
    epoch: jax.Array,
    lanes: train.Lane,
    numbers: train.Numbers,
) -> tuple[train.Lane, train.Report]:
    """One epoch of all lanes of one device."""
    if not one_by_one:
        return jax.vmap(partial(train.epoch, plan, data, epoch))(lanes, numbers)

    def lane(both: tuple[train.Lane, train.Numbers]) -> tuple[train.Lane, train.Report]:
        return jax.lax.cond(
            both[1].live,
            lambda: train.epoch(plan, data, epoch, *both),
            lambda: train.idle(plan, both[0]),
        )

    return jax.lax.map(lane, (lanes, numbers))


def use_every_core() -> None:
    """One XLA device per core, unless the user chose or JAX's backend is up already."""
    if jax.config.values["jax_num_cpu_devices"] > 0:  # the environment's variable ends up here
        return
    try:
        jax.config.update("jax_num_cpu_devices", len(os.sched_getaffinity(0)))
    except RuntimeError:  # JAX was used before us in this process: take the devices it has
        return
