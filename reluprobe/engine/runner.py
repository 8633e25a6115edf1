"""Runner: train and probe runs in their order, chunk by chunk, and yield events as they happen."""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from typing import Any, Literal

import jax
import numpy as np

from reluprobe.config import phases
from reluprobe.config.choices import SaveWeights
from reluprobe.config.sizes import probed
from reluprobe.data import Dataset, DatasetKey, key_of
from reluprobe.engine import (
    checkpoint,
    checks,
    compiler,
    evaluate,
    placement,
    saved_network,
    schedule,
    state,
    turns,
)
from reluprobe.engine.context import Context
from reluprobe.engine.devices import local_devices
from reluprobe.engine.events import (
    Compiled,
    Compiling,
    EpochDone,
    Event,
    Resumed,
    RunDone,
    Saved,
    WeightsTaken,
)
from reluprobe.engine.program_spec import ProgramSpec, check_own_networks
from reluprobe.engine.recorder import Recorder
from reluprobe.engine.tasks import Task, draw_task
from reluprobe.nn import activations, jax_settings
from reluprobe.plan.runs import Run
from reluprobe.records.checkpoints import Checkpoint
from reluprobe.records.saved_activations import IMAGES
from reluprobe.records.saved_weights import SavedWeights


def execute(
    runs: Sequence[Run],
    load: Callable[[DatasetKey], Dataset],
    stop: Callable[[], bool] = lambda: False,
    most: int | None = None,
    keep: Collection[str] = (),
    lanes: Literal["auto", "map", "vmap"] = "auto",
    unfinished: Mapping[str, Checkpoint] | None = None,
    save_weights: SaveWeights | None = None,
    compile_cache: bool = True,
) -> Iterator[Event]:
    """Train and probe every run; yield what happens as it happens.

    A run that raises ends as failed, and takes no other with it.

    Args:
        runs: what to run, the first of them first: with it go in a chunk the next ones that share
            its program. Where lanes run one after another, those are the runs of one architecture
            whatever their activation; side by side, each activation has its own.
        load: name → dataset. Called once a dataset, before anything is trained.
        stop: asked between segments; once it says yes, the runs that have not ended never do: they
            are saved where ``unfinished`` is not None.
        most: on how many of this machine's devices; None for all.
        keep: ids of runs that, once they end, come with their activations.
        lanes: how a device runs its lanes: one after another (``map``) or side by side
            (``vmap``); ``auto`` is ``map`` on a CPU, whose cores it suits, else ``vmap``.
        unfinished: where runs go on that were begun before, by id. With None, which has none of
            them, no run is saved while it trains either.
        save_weights: whether runs come with their weights, once they end or after every epoch too.
        compile_cache: whether programs are read and kept where the environment says.

    Raises:
        InputError: a probe larger than its training set, more devices than there are, or a
            precision that they lack.
        ReluprobeError: JAX cannot compute here as it must, or has no memory left for one run.
    """
    asked = keep, unfinished, save_weights, compile_cache
    events = _events(runs, load, stop, most, lanes, *asked)
    return jax_settings.ours_while_stepping(events)


def _events(
    runs: Sequence[Run],
    load: Callable[[DatasetKey], Dataset],
    stop: Callable[[], bool],
    most: int | None,
    lanes: Literal["auto", "map", "vmap"],
    keep: Collection[str],
    unfinished: Mapping[str, Checkpoint] | None,
    save_weights: SaveWeights | None,
    compile_cache: bool,
) -> Generator[Event]:
    devices = local_devices(most)
    checks.check_precision(runs, devices)
    # Data that cannot be had, or do not fit, are known before anything is trained.
    datasets = checks.load_and_check(runs, load)
    check_own_networks(runs, datasets)
    if lanes == "auto":
        lanes = "map" if devices[0].platform == "cpu" else "vmap"
    asked = stop, keep, unfinished, save_weights, compile_cache
    context = Context.of(runs, datasets, devices, lanes, *asked)
    order = turns.Turns(context, runs, _Chunk)
    try:
        while (group := order.next()) is not None and not stop():
            yield from group.attempt()
    finally:
        context.compiler.close()


class _Chunk:
    """Runs of one group that are trained together, a lane each (:class:`retry.Chunk`).

    Args:
        runs: at most ``size``.
        size: how many lanes the program has; those without a run rest.
        group: whose runs they are.
    """

    def __init__(self, runs: Sequence[Run], size: int, group: turns.Group) -> None:
        context = group.turns.context
        self.context, self.runs, self.size, self.group = context, runs, size, group
        dataset = context.datasets[key_of(runs[0].config)]
        self.recorder = Recorder(runs, dataset, context.datasets, context.own_network(runs[0]))
        self.calls_before = context.calls_made(runs[0])
        self.started = time.perf_counter()

    def failure(self, run: Run, error: str) -> RunDone:
        """The end of a run that raised; its record goes up to there."""
        record = self.recorder.record(run, self._seconds(run), self.context.environment, error)
        return RunDone(run, record)

    def fits_an_idle_device(self) -> bool:
        """Whether one of the runs would fit a device whose memory nobody else holds."""
        config = self.runs[0].config
        dataset = self.context.datasets[key_of(config)]
        return placement.fits_an_idle_device(config, dataset, self.context.mesh)

    def events(self) -> Iterator[Event]:
        """Train the runs."""
        context, runs, config = self.context, self.runs, self.runs[0].config
        request = self.group.request(runs[0], self.size)
        # The data are placed and weights are drawn while the program is compiled.
        context.compiler.begin(request)
        if not context.compiler.is_ready(request):
            yield Compiling(runs[0], len(runs))
        placed = context.placed.place(checks.dataset_names(config))
        before = time.perf_counter()
        spec = request.specs[0]
        starts = [self._start(run, spec) for run in runs]
        lanes, hyper = placement.stack_lanes(starts, self.size, context.mesh)
        program, is_new = context.compiler.get(request)
        if is_new:
            self.group.turns.forget_programs()
            yield Compiled(len(runs), time.perf_counter() - before)
        if self.calls_before:
            yield from (Resumed(run, tuple(self.recorder.history[run.id])) for run in runs)
        self.group.turns.compile_ahead()

        tasks = functools.lru_cache(2)(self._draw_tasks)  # the first phase's and this one's

        def trained_on(stretch: phases.Stretch) -> tuple[state.Arrays, state.Hyperparameters]:
            phase, task = stretch.phase, tasks(stretch.index, stretch.phase.task)
            return placed[key_of(config, phase.dataset)], self._live(hyper._replace(task=task))

        stretches = phases.stretches(config.phases, config.epochs)
        examples = len(context.datasets[key_of(config)].train_targets)
        calls = enumerate(schedule.calls(config, examples))
        self.started, pace = time.perf_counter(), checkpoint.Pace()
        for number, call in itertools.islice(calls, self.calls_before, None):
            stops = context.stop()
            if number > self.calls_before and (stops or pace.due()):
                with pace.saving():
                    yield from self._saves(number, lanes)
            if stops:
                return
            stretch = stretches[0] if call.kind == "reference" else call.stretch
            data, hyper = trained_on(stretch)
            lanes, report = program(data, call.segment, lanes, hyper)
            report = jax.device_get(report)
            if call.kind == "run":
                for run, record in self.recorder.add_segment(call.segment, report):
                    yield EpochDone(run, record, self.recorder.diverged(run))
                if (
                    context.save_weights == "every"
                    and call.segment.closes
                    and not call.segment.ends
                ):
                    yield from self._weights(
                        spec, int(call.segment.epoch), lanes.weights, data, hyper
                    )
            else:
                self.recorder.add_phase_probe(call, report)
        yield from self._ends(spec, lanes.weights, *trained_on(stretches[-1]))

    def _start(self, run: Run, spec: ProgramSpec) -> tuple[state.Lane, state.Hyperparameters]:
        """Where a run starts, or goes on; hyperparameters follow from its settings either way."""
        context = self.context
        lane, hyper = compiler.init_lane(run.config, spec, context.datasets, context.lanes)
        if begun := context.begun(run):
            checkpoint.resume_recorder(self.recorder, run, begun)
            lane = checkpoint.resumed_lane(begun, lane)
        return lane, hyper

    def _live(self, hyper: state.Hyperparameters) -> state.Hyperparameters:
        # A lane that has diverged rests: it would only compute NaN.
        live = self.recorder.live(self.size)
        return hyper._replace(live=jax.device_put(live, placement.by_lane(self.context.mesh)))

    def _seconds(self, run: Run) -> float:
        """A run's share of the time since the first call, and what it took before."""
        begun = self.context.begun(run)
        before = begun.record.seconds if begun else 0.0
        return before + (time.perf_counter() - self.started) / len(self.runs)

    def _saves(self, calls: int, lanes: state.Lane) -> Iterator[Saved]:
        """The runs as they stand after so many calls, where somebody keeps them."""
        context = self.context
        if context.unfinished is None:
            return
        on_host = jax.device_get(lanes)
        for n, run in enumerate(self.runs):
            lane = jax.tree.map(lambda x, n=n: x[n], on_host)
            made_with = context.origin.made_with(run.config)
            record = self.recorder.record(run, self._seconds(run), context.environment)
            yield Saved(run, checkpoint.take(record, lane, self.recorder, calls, made_with))

    def _ends(
        self,
        spec: ProgramSpec,
        weights: Any,
        data: state.Arrays,
        hyper: state.Hyperparameters,
    ) -> Iterator[RunDone]:
        context, seconds = self.context, [self._seconds(run) for run in self.runs]
        for lane, run in enumerate(self.runs):
            record = self.recorder.record(run, seconds[lane], context.environment)
            kept, saved = run.id in context.keep, context.save_weights is not None
            outputs = taken = None
            if record.status == "ok" and (kept or saved):
                own = jax.tree.map(lambda x, lane=lane: x[lane], (weights, hyper))
                outputs = _outputs(run, spec, data, *own) if kept else None
                taken = self._taken(run, spec, record.final.epoch, data, *own) if saved else None
            yield RunDone(run, record, outputs, taken)

    def _weights(
        self,
        spec: ProgramSpec,
        epoch: int,
        weights: Any,
        data: state.Arrays,
        hyper: state.Hyperparameters,
    ) -> Iterator[WeightsTaken]:
        """The runs' networks as they stand; a run that has diverged has none any more."""
        for lane, run in enumerate(self.runs):
            if not self.recorder.diverged(run):
                own = jax.tree.map(lambda x, lane=lane: x[lane], (weights, hyper))
                yield WeightsTaken(run, self._taken(run, spec, epoch, data, *own))

    def _taken(
        self,
        run: Run,
        spec: ProgramSpec,
        epoch: int,
        data: state.Arrays,
        weights: Any,
        hyper: state.Hyperparameters,
    ) -> SavedWeights:
        dataset = self.context.datasets[key_of(run.config)]
        return saved_network.take(run, epoch, spec, dataset, data, weights, hyper)

    def _draw_tasks(self, phase: int, name: str) -> Task:
        """A phase's permutations, of all lanes."""
        datasets = self.context.datasets
        tasks = [draw_task(run.config, phase, name, datasets) for run in self.runs]
        return placement.stack(tasks, self.size, self.context.mesh)


def _outputs(
    run: Run, spec: ProgramSpec, data: state.Arrays, weights: Any, hyper: state.Hyperparameters
) -> np.ndarray:
    """What the hidden units of a finished network give out on the first images of its probe."""
    images = min(IMAGES, probed(run.config, spec.train_examples))
    own = spec.with_activations(activations.INDEX[run.config.activation])
    return jax.device_get(evaluate.outputs(own, data, weights, hyper, images))
