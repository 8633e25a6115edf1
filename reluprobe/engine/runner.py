"""Run a grid: stack lanes, shard them over the devices, compile a group once, yield as they end."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from reluprobe.config.sizes import probed
from reluprobe.data import Dataset
from reluprobe.engine import checks, compiler, evaluate, recorder, retry, schedule, state
from reluprobe.engine.devices import local_devices
from reluprobe.engine.events import Compiled, EpochDone, Event, RunDone
from reluprobe.engine.program_spec import Blueprint
from reluprobe.engine.tasks import draw_task
from reluprobe.nn.mlp import given_out
from reluprobe.plan.grouping import dials_of, group_runs, program_settings
from reluprobe.plan.runs import Run
from reluprobe.records.environment import describe_environment
from reluprobe.records.saved_activations import IMAGES

#: On an accelerator, no more lanes than this side by side on one device.
MOST_LANES = 512


def execute(
    runs: Sequence[Run],
    load: Callable[[str], Dataset],
    stop: Callable[[], bool] = lambda: False,
    most: int | None = None,
    keep: bool = False,
) -> Iterator[Event]:
    """Train and probe every run; yield what happens as it happens.

    A run that raises ends as failed, and takes no other with it.

    Args:
        runs: what to run. On a CPU runs of one architecture share a program whatever their
            activation; on an accelerator, where lanes are vmapped, each activation has its own.
        load: name → dataset. Called once a dataset, before anything is trained.
        stop: asked between sections; once it says yes, the runs that have not ended never do.
        most: on how many of this machine's devices; None for all.
        keep: whether runs that end come with their activations.

    Raises:
        InputError: a probe larger than its training set, or more devices than there are.
    """
    chosen = local_devices(most)
    # Data that cannot be had, or do not fit, are known before anything is trained.
    engine = _Engine(checks.gathered(runs, load), stop, chosen, keep)
    engine.gather(runs)
    groups = group_runs(runs, also=() if engine.one_by_one else ("activation",))
    try:
        for group, following in itertools.zip_longest(groups, groups[1:]):
            yield from engine.group(group, following)
    finally:
        engine.compiler.close()


class _Engine:
    """The devices, and the dataset on them."""

    def __init__(
        self,
        datasets: Mapping[str, Dataset],
        stop: Callable[[], bool],
        chosen: Sequence[jax.Device],
        keep: bool = False,
    ) -> None:
        self.datasets = datasets
        self.stop = stop
        self.keep = keep
        self.compiler = compiler.Compiler()
        # Of the chunk in flight, should it raise.
        self.watch: recorder.Watch | None = None
        self.began = 0.0
        self.placed: dict[str, state.Arrays] = {}
        self.used: dict[Hashable, set[str]] = {}
        self.environment = describe_environment(chosen)
        # Lanes one after another on each CPU core; side by side where vmap is the point.
        self.one_by_one = chosen[0].platform == "cpu"
        self.mesh = Mesh(np.array(chosen), ("lane",), axis_types=(AxisType.Auto,))
        self.by_lane = NamedSharding(self.mesh, P("lane"))
        self.everywhere = NamedSharding(self.mesh, P())

    def gather(self, runs: Sequence[Run]) -> None:
        """Know which activations the programs are for: groups of other rhythms share them."""
        for run in runs:
            self.used.setdefault(_program_of(run), set()).add(run.config.activation)

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

    def group(self, runs: Sequence[Run], following: Sequence[Run] | None) -> Iterator[Event]:
        """Run one group, chunk by chunk; the program of the following is compiled meanwhile."""
        dataset = self.datasets[runs[0].config.dataset]
        lanes = self._lanes(runs)
        orders: dict[int, compiler.Order] = {}

        def attempt(chunk: Sequence[Run], size: int) -> Iterator[Event]:
            self.watch, self.began = None, time.perf_counter()
            if size not in orders:
                orders[size] = self.order(chunk[0], size)
            # The data are placed and weights are drawn while the program is compiled.
            self.compiler.begin(orders[size])
            self.put(checks.datasets(chunk[0].config))
            return self._chunk(chunk, size, orders[size], following)

        def failed(run: Run, error: str) -> Event:
            watch = self.watch or recorder.Watch([run], dataset)
            seconds = time.perf_counter() - self.began
            return RunDone(run, watch.record(run, seconds, self.environment, error))

        def ends(event: Event) -> Run | None:
            return event.run if isinstance(event, RunDone) else None

        yield from retry.divided(runs, lanes, self.mesh.size, attempt, ends, failed, self.stop)

    def order(self, run: Run, size: int) -> compiler.Order:
        """The program for chunks of this size of the run's group."""
        used = self.used[_program_of(run)]
        return compiler.order(run.config, used, size, self.datasets, self.one_by_one, self.mesh)

    def _compile_ahead(self, group: Sequence[Run] | None) -> None:
        if group is None:
            return
        try:
            size = self._lanes(group) * self.mesh.size
            self.compiler.begin(self.order(group[0], size))
        except Exception:
            # A run that raises here raises again when its turn comes, and is told of then.
            return

    def _lanes(self, runs: Sequence[Run]) -> int:
        """How many lanes of this group a device has at a time."""
        return 1 if self.one_by_one else self._lanes_that_fit(runs)

    def _lanes_that_fit(self, runs: Sequence[Run]) -> int:
        dataset = self.datasets[runs[0].config.dataset]
        wanted = -(-len(runs) // self.mesh.size)
        stats = self.mesh.devices.flat[0].memory_stats() or {}
        config, features = runs[0].config, dataset.train_inputs.shape[1]
        given = given_out(config)
        weights = config.width * (features + config.depth * (given + 1)) + 10 * given
        looked_at = max(evaluate.BATCH, config.batch_size)
        # Weights, two moments, gradient, update, and room for one copy; then activations.
        floats = 6 * weights + 4 * looked_at * given * config.depth
        fits = int(0.8 * stats.get("bytes_limit", 8 << 30)) // (4 * floats)
        return max(1, min(wanted, fits, MOST_LANES))

    def _chunk(
        self,
        runs: Sequence[Run],
        size: int,
        wanted: compiler.Order,
        following: Sequence[Run] | None,
    ) -> Iterator[Event]:
        before = time.perf_counter()
        starts = [compiler.begin(run.config, self.datasets) for run in runs]
        lanes, numbers = self._stack([s[0] for s in starts], [s[1] for s in starts], size)
        program, compiled = self.compiler.get(wanted)
        if compiled:
            yield Compiled(len(runs), time.perf_counter() - before)
        self._compile_ahead(following)

        self.task: tuple[int, state.Task] = 0, numbers.task
        started = time.perf_counter()
        dataset = self.datasets[runs[0].config.dataset]
        watch = self.watch = recorder.Watch(runs, dataset)
        for stop in schedule.itinerary(runs[0].config, len(dataset.train_targets)):
            if self.stop():
                return
            data, tasked = self._at(stop, runs, numbers, size)
            lanes, report = program(data, stop.section, lanes, tasked)
            report = jax.device_get(report)
            if stop.kind == "run":
                trained = data, tasked
                for run, record in watch.see(stop.section, report):
                    yield EpochDone(run, record, watch.diverged(run))
            else:
                watch.see_phase(stop, report)
            # A lane that has diverged rests: it would only compute NaN.
            numbers = numbers._replace(live=jax.device_put(watch.live(size), self.by_lane))
        seconds = (time.perf_counter() - started) / len(runs)
        for n, run in enumerate(runs):
            record, kept = watch.record(run, seconds, self.environment), None
            if self.keep and record.status == "ok":
                own = jax.tree.map(lambda x, n=n: x[n], (lanes.weights, trained[1]))
                kept = _outputs(run, starts[n][2], trained[0], *own)
            yield RunDone(run, record, kept)

    def _at(
        self, stop: schedule.Stop, runs: Sequence[Run], numbers: state.Numbers, size: int
    ) -> tuple[state.Arrays, state.Numbers]:
        """The data that a stop is about, and the lanes' numbers with its task in them."""
        config, phase = runs[0].config, stop.stretch.phase
        if stop.kind == "reference" or stop.stretch.index == 0:
            return self.placed[config.dataset], numbers
        key = stop.stretch.index
        if self.task[0] != key:
            tasks = [draw_task(run.config, key, phase.task, self.datasets) for run in runs]
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


def _program_of(run: Run) -> Hashable:
    return (program_settings(run.config), *dials_of(run.config))


def _outputs(
    run: Run, plan: Blueprint, data: state.Arrays, weights: Any, numbers: state.Numbers
) -> np.ndarray:
    """What the hidden units of a finished network give out on the first images of its probe."""
    images = min(IMAGES, probed(run.config, plan.train_examples))
    return jax.device_get(evaluate.outputs(plan, data, weights, numbers, images))
