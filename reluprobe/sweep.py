"""Run a grid: stack lanes, shard them over the devices, compile a group once, yield as they end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from reluprobe import grid, observe, records, rhythm, state, survey, train
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
Program = Callable[..., tuple[state.Lane, train.Report]]
#: What this process has compiled, by everything that is static.
PROGRAMS: dict[Any, Program] = {}


def execute(runs: Sequence[Run], load: Callable[[str], Dataset]) -> Iterator[Event]:
    """Train and probe every run; yield what happens as it happens.

    Args:
        runs: what to run. On a CPU runs of one architecture share a program whatever their
            activation; on an accelerator, where lanes are vmapped, each activation has its own.
        load: name → dataset. Called once a dataset, before anything is trained.

    Raises:
        InputError: a probe larger than its training set.
    """
    # Data that cannot be had, or is too small, is known before anything is trained.
    datasets = {name: load(name) for name in dict.fromkeys(r.config.dataset for r in runs)}
    for name, dataset in datasets.items():
        _check_probes([run for run in runs if run.config.dataset == name], dataset)
    engine = _Engine()
    placed = ""
    for group in grid.groups(runs, also=() if engine.one_by_one else ("activation",)):
        name = group[0].config.dataset
        dataset = datasets[name]
        if placed != name:
            placed = name
            engine.put(dataset)
        yield from engine.group(group, dataset)


def _check_probes(runs: Sequence[Run], dataset: Dataset) -> None:
    there = len(dataset.train_targets)
    wanted = max(rhythm.probed(run.config, there) for run in runs)
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
        inputs = np.concatenate([dataset.train_inputs, dataset.test_inputs])
        targets = np.concatenate([dataset.train_targets, dataset.test_targets])
        ends = (dataset.train_inputs.min(axis=0), dataset.train_inputs.max(axis=0))
        low, high = (np.asarray(state.scaled(jnp.asarray(end))) for end in ends)
        arrays = (inputs, targets, low, high)
        self.data = state.Arrays(*(jax.device_put(array, self.everywhere) for array in arrays))

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
        looked_at = max(survey.BATCH, config.batch_size)
        # Weights, two moments, gradient, update, and room for one copy; then activations.
        floats = 6 * weights + 4 * looked_at * config.width * config.depth
        fits = int(0.8 * stats.get("bytes_limit", 8 << 30)) // (4 * floats)
        return max(1, min(wanted, fits, MOST_LANES))

    def _chunk(self, runs: Sequence[Run], size: int, dataset: Dataset) -> Iterator[Event]:
        before = time.perf_counter()
        outputs = dataset.classes or 1
        features = dataset.train_inputs.shape[1]
        examples = len(dataset.train_targets)
        starts = [state.init_lane(run.config, features, outputs, examples) for run in runs]
        plan = starts[0][2] if self.one_by_one else starts[0][2].fixed(runs[0].config)
        lanes, numbers = self._stack([s[0] for s in starts], [s[1] for s in starts], size)
        program, compiled = self._program(plan, lanes, numbers)
        if compiled:
            yield Compiled(len(runs), time.perf_counter() - before)

        started = time.perf_counter()
        watch = observe.Watch(runs, dataset)
        for now in rhythm.sections(runs[0].config, examples):
            lanes, report = program(self.data, now, lanes, numbers)
            for run, record in watch.see(now, jax.device_get(report)):
                yield EpochDone(run, record, watch.diverged(run))
            # A lane that has diverged rests: it would only compute NaN.
            numbers = numbers._replace(live=jax.device_put(watch.live(size), self.by_lane))
        seconds = (time.perf_counter() - started) / len(runs)
        for run in runs:
            yield RunDone(run, watch.record(run, seconds, self.environment))

    def _stack(
        self, lanes: list[state.Lane], numbers: list[state.Numbers], size: int
    ) -> tuple[state.Lane, state.Numbers]:
        """Lanes along a new first axis, padded to the chunk's size with lanes that rest."""
        missing = size - len(lanes)
        resting = numbers[0]._replace(live=np.bool_(False))
        both = [*zip(lanes, numbers, strict=True), *[(lanes[0], resting)] * missing]
        return jax.device_put(jax.tree.map(lambda *x: np.stack(x), *both), self.by_lane)

    def _program(
        self, plan: state.Blueprint, lanes: state.Lane, numbers: state.Numbers
    ) -> tuple[Program, bool]:
        """The compiled section of these lanes, and whether it had to be compiled."""
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
            rest = (rhythm.example(), lanes, numbers)
            PROGRAMS[key] = jitted.lower(self.data, *rest).compile()
        return PROGRAMS[key], new


def _map_lanes(
    plan: state.Blueprint,
    one_by_one: bool,
    data: state.Arrays,
    now: state.Section,
    lanes: state.Lane,
    numbers: state.Numbers,
) -> tuple[state.Lane, train.Report]:
    """One section of all lanes of one device."""
    if not one_by_one:
        return jax.vmap(partial(train.section, plan, data, now))(lanes, numbers)

    def lane(both: tuple[state.Lane, state.Numbers]) -> tuple[state.Lane, train.Report]:
        return jax.lax.cond(
            both[1].live,
            lambda: train.section(plan, data, now, *both),
            lambda: train.idle(plan, data, now, *both),
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
