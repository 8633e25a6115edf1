"""Run a grid: stack lanes, shard them over the devices, compile a group once, yield as they end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from reluprobe import blueprint, faults, fit, grid, observe, rhythm, state, survey, train
from reluprobe.data import Dataset
from reluprobe.devices import local_devices
from reluprobe.events import Compiled, EpochDone, Event, RunDone
from reluprobe.grid import Run

#: On an accelerator, no more lanes than this side by side on one device.
MOST_LANES = 512

Program = Callable[..., tuple[state.Lane, train.Report]]
#: What this process has compiled, by everything that is static.
PROGRAMS: dict[Any, Program] = {}


def execute(
    runs: Sequence[Run],
    load: Callable[[str], Dataset],
    stop: Callable[[], bool] = lambda: False,
    most: int | None = None,
) -> Iterator[Event]:
    """Train and probe every run; yield what happens as it happens.

    A run that raises ends as failed, and takes no other with it.

    Args:
        runs: what to run. On a CPU runs of one architecture share a program whatever their
            activation; on an accelerator, where lanes are vmapped, each activation has its own.
        load: name → dataset. Called once a dataset, before anything is trained.
        stop: asked between sections; once it says yes, the runs that have not ended never do.
        most: on how many of this machine's devices; None for all.

    Raises:
        InputError: a probe larger than its training set, or more devices than there are.
    """
    chosen = local_devices(most)
    # Data that cannot be had, or do not fit, are known before anything is trained.
    engine = _Engine(fit.gathered(runs, load), stop, chosen)
    for group in grid.groups(runs, also=() if engine.one_by_one else ("activation",)):
        yield from engine.group(group)


class _Engine:
    """The devices, and the dataset on them."""

    def __init__(
        self,
        datasets: Mapping[str, Dataset],
        stop: Callable[[], bool],
        chosen: Sequence[jax.Device],
    ) -> None:
        self.datasets = datasets
        self.stop = stop
        self.broken = faults.Broken()
        # Of the chunk in flight, should it raise.
        self.watch: observe.Watch | None = None
        self.began = 0.0
        self.placed: dict[str, state.Arrays] = {}
        self.environment = observe.environment(chosen)
        # Lanes one after another on each CPU core; side by side where vmap is the point.
        self.one_by_one = chosen[0].platform == "cpu"
        self.mesh = Mesh(np.array(chosen), ("lane",), axis_types=(AxisType.Auto,))
        self.by_lane = NamedSharding(self.mesh, P("lane"))
        self.everywhere = NamedSharding(self.mesh, P())

    def put(self, names: Sequence[str]) -> None:
        """Have these datasets on every device, and no others."""
        self.placed = {name: found for name, found in self.placed.items() if name in names}
        for name in names:
            if name not in self.placed:
                dataset = self.datasets[name]
                inputs = np.concatenate([dataset.train_inputs, dataset.test_inputs])
                targets = np.concatenate([dataset.train_targets, dataset.test_targets])
                arrays = state.arrays(inputs, targets, len(dataset.train_targets))
                self.placed[name] = jax.device_put(arrays, self.everywhere)

    def group(self, runs: Sequence[Run]) -> Iterator[Event]:
        """Run one group, chunk by chunk."""
        dataset = self.datasets[runs[0].config.dataset]
        lanes = 1 if self.one_by_one else self._lanes_that_fit(runs, dataset)

        def attempt(chunk: Sequence[Run], size: int) -> Iterator[Event]:
            self.watch, self.began = None, time.perf_counter()
            self.put(fit.datasets(chunk[0].config))
            return self._chunk(chunk, size, dataset)

        def failed(run: Run, error: str) -> Event:
            watch = self.watch or observe.Watch([run], dataset)
            seconds = time.perf_counter() - self.began
            return RunDone(run, watch.record(run, seconds, self.environment, error))

        def ends(event: Event) -> Run | None:
            return event.run if isinstance(event, RunDone) else None

        yield from faults.divided(runs, lanes, self.mesh.size, attempt, ends, failed, self.stop)

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
        starts = [blueprint.init_lane(run.config, features, outputs, examples) for run in runs]
        # In the first phase nothing is permuted: the permutations are there, and the identity.
        starts = [
            (lane, numbers._replace(task=fit.task(run.config, 0, "same", self.datasets)), plan)
            for run, (lane, numbers, plan) in zip(runs, starts, strict=True)
        ]
        plan = starts[0][2] if self.one_by_one else starts[0][2].fixed(runs[0].config)
        lanes, numbers = self._stack([s[0] for s in starts], [s[1] for s in starts], size)
        program, compiled = self._program(plan, dataset.name, lanes, numbers)
        if compiled:
            yield Compiled(len(runs), time.perf_counter() - before)

        self.task: tuple[int, state.Task] = 0, numbers.task
        started = time.perf_counter()
        watch = self.watch = observe.Watch(runs, dataset)
        for stop in rhythm.itinerary(runs[0].config, examples):
            if self.stop():
                return
            data, tasked = self._at(stop, runs, numbers, size)
            lanes, report = program(data, stop.section, lanes, tasked)
            report = jax.device_get(report)
            if stop.kind == "run":
                for run, record in watch.see(stop.section, report):
                    yield EpochDone(run, record, watch.diverged(run))
            else:
                watch.see_phase(stop, report)
            # A lane that has diverged rests: it would only compute NaN.
            numbers = numbers._replace(live=jax.device_put(watch.live(size), self.by_lane))
        seconds = (time.perf_counter() - started) / len(runs)
        for run in runs:
            yield RunDone(run, watch.record(run, seconds, self.environment))

    def _at(
        self, stop: rhythm.Stop, runs: Sequence[Run], numbers: state.Numbers, size: int
    ) -> tuple[state.Arrays, state.Numbers]:
        """The data that a stop is about, and the lanes' numbers with its task in them."""
        config, phase = runs[0].config, stop.stretch.phase
        if stop.kind == "reference" or stop.stretch.index == 0:
            return self.placed[config.dataset], numbers
        key = stop.stretch.index
        if self.task[0] != key:
            tasks = [fit.task(run.config, key, phase.task, self.datasets) for run in runs]
            stacked = jax.tree.map(lambda *x: np.stack(x), *tasks, *[tasks[0]] * (size - len(runs)))
            self.task = key, jax.device_put(stacked, self.by_lane)
        return self.placed[phase.dataset or config.dataset], numbers._replace(task=self.task[1])

    def _stack(
        self, lanes: list[state.Lane], numbers: list[state.Numbers], size: int
    ) -> tuple[state.Lane, state.Numbers]:
        """Lanes along a new first axis, padded to the chunk's size with lanes that rest."""
        missing = size - len(lanes)
        resting = numbers[0]._replace(live=np.bool_(False))
        both = [*zip(lanes, numbers, strict=True), *[(lanes[0], resting)] * missing]
        return jax.device_put(jax.tree.map(lambda *x: np.stack(x), *both), self.by_lane)

    def _program(
        self, plan: blueprint.Blueprint, name: str, lanes: state.Lane, numbers: state.Numbers
    ) -> tuple[Program, bool]:
        """The compiled section of these lanes, and whether it had to be compiled."""
        data = self.placed[name]
        leaves, structure = jax.tree.flatten((data, lanes, numbers))
        shapes = tuple((x.shape, x.dtype) for x in leaves)
        key = (plan, self.one_by_one, self.mesh, structure, shapes)
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
            with self.broken.watching(key):
                PROGRAMS[key] = jitted.lower(data, *rest).compile()
        return PROGRAMS[key], new


def _map_lanes(
    plan: blueprint.Blueprint,
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
