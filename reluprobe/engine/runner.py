"""Runner: train and probe runs group by group, chunk by chunk, and yield events as they happen."""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, Literal

import jax
import numpy as np

from reluprobe.config.sizes import probed
from reluprobe.data import Dataset
from reluprobe.engine import checks, compiler, evaluate, placement, retry, schedule, state
from reluprobe.engine.context import Context
from reluprobe.engine.devices import local_devices
from reluprobe.engine.events import Compiled, EpochDone, Event, RunDone
from reluprobe.engine.program_spec import ProgramSpec
from reluprobe.engine.recorder import Recorder
from reluprobe.engine.tasks import Task, draw_task
from reluprobe.nn import activations, jax_settings
from reluprobe.plan.grouping import group_runs
from reluprobe.plan.runs import Run
from reluprobe.records.saved_activations import IMAGES


def execute(
    runs: Sequence[Run],
    load: Callable[[str], Dataset],
    stop: Callable[[], bool] = lambda: False,
    most: int | None = None,
    save_activations: bool = False,
    lanes: Literal["auto", "map", "vmap"] = "auto",
) -> Iterator[Event]:
    """Train and probe every run; yield what happens as it happens.

    A run that raises ends as failed, and takes no other with it.

    Args:
        runs: what to run. Where lanes run one after another, runs of one architecture share a
            program whatever their activation; side by side, each activation has its own.
        load: name → dataset. Called once a dataset, before anything is trained.
        stop: asked between segments; once it says yes, the runs that have not ended never do.
        most: on how many of this machine's devices; None for all.
        save_activations: whether runs that end come with their activations.
        lanes: how a device runs its lanes: one after another (``map``) or side by side
            (``vmap``); ``auto`` is ``map`` on a CPU, whose cores it suits, else ``vmap``.

    Raises:
        InputError: a probe larger than its training set, more devices than there are, or a
            precision that they lack.
        ReluprobeError: JAX cannot compute here as it must, or has no memory left for one run.
    """
    events = _events(runs, load, stop, most, save_activations, lanes)
    return jax_settings.ours_while_stepping(events)


def _events(
    runs: Sequence[Run],
    load: Callable[[str], Dataset],
    stop: Callable[[], bool],
    most: int | None,
    save_activations: bool,
    lanes: Literal["auto", "map", "vmap"],
) -> Generator[Event]:
    devices = local_devices(most)
    checks.check_precision(runs, devices)
    # Data that cannot be had, or do not fit, are known before anything is trained.
    datasets = checks.load_and_check(runs, load)
    if lanes == "auto":
        lanes = "map" if devices[0].platform == "cpu" else "vmap"
    context = Context.of(runs, datasets, devices, lanes, stop, save_activations)
    groups = group_runs(runs, also=("activation",) if lanes == "vmap" else ())
    try:
        for group, following in itertools.zip_longest(groups, groups[1:]):
            yield from _run_group(context, group, following)
    finally:
        context.compiler.close()


def _run_group(
    context: Context, runs: Sequence[Run], following: Sequence[Run] | None
) -> Iterator[Event]:
    """Run one group, chunk by chunk; the program of the following is compiled meanwhile."""
    requests: dict[int, compiler.ProgramRequest] = {}

    def chunk_of(chosen: Sequence[Run], size: int) -> retry.Chunk:
        return _Chunk(context, chosen, size, requests, following)

    lanes = context.lanes_per_device(runs)
    yield from retry.divided(runs, lanes, context.mesh.size, chunk_of, context.stop)


class _Chunk:
    """Runs of one group that are trained together, a lane each (:class:`retry.Chunk`).

    Args:
        context: of all chunks.
        runs: at most ``size``.
        size: how many lanes the program has; those without a run rest.
        requests: the programs that the group has asked for, by size.
        following: the next group, whose program is compiled while this chunk trains.
    """

    def __init__(
        self,
        context: Context,
        runs: Sequence[Run],
        size: int,
        requests: dict[int, compiler.ProgramRequest],
        following: Sequence[Run] | None,
    ) -> None:
        self.context, self.runs, self.size = context, runs, size
        self.requests, self.following = requests, following
        self.recorder = Recorder(runs, context.datasets[runs[0].config.dataset])
        self.began = time.perf_counter()

    def failure(self, run: Run, error: str) -> RunDone:
        """The end of a run that raised; its record goes up to there."""
        seconds = time.perf_counter() - self.began
        record = self.recorder.record(run, seconds, self.context.environment, error)
        return RunDone(run, record)

    def fits_an_idle_device(self) -> bool:
        """Whether one of the runs would fit a device whose memory nobody else holds."""
        config = self.runs[0].config
        dataset = self.context.datasets[config.dataset]
        return placement.fits_an_idle_device(config, dataset, self.context.mesh)

    def events(self) -> Iterator[Event]:
        """Train the runs."""
        context, runs, config = self.context, self.runs, self.runs[0].config
        request = self._request()
        # The data are placed and weights are drawn while the program is compiled.
        context.compiler.begin(request)
        placed = context.placed.place(checks.dataset_names(config))
        before = time.perf_counter()
        spec = request.specs[0]
        starts = [compiler.init_lane(run.config, spec, context.datasets) for run in runs]
        lanes, hyper = placement.stack_lanes(starts, self.size, context.mesh)
        program, is_new = context.compiler.get(request)
        if is_new:
            yield Compiled(len(runs), time.perf_counter() - before)
        if self.following is not None:
            context.compile_ahead(self.following)

        started = time.perf_counter()
        first_task, later_task = hyper.task, functools.lru_cache(1)(self._draw_tasks)
        examples = len(context.datasets[config.dataset].train_targets)
        for call in schedule.calls(config, examples):
            if context.stop():
                return
            name, task, phase = config.dataset, first_task, call.stretch.phase
            if call.kind != "reference" and call.stretch.index > 0:
                name = phase.dataset or config.dataset
                task = later_task(call.stretch.index, phase.task)
            data, hyper = placed[name], hyper._replace(task=task)
            lanes, report = program(data, call.segment, lanes, hyper)
            report = jax.device_get(report)
            if call.kind == "run":
                last_data, last_hyper = data, hyper
                for run, record in self.recorder.add_segment(call.segment, report):
                    yield EpochDone(run, record, self.recorder.diverged(run))
            else:
                self.recorder.add_phase_probe(call, report)
            # A lane that has diverged rests: it would only compute NaN.
            live = jax.device_put(self.recorder.live(self.size), placement.by_lane(context.mesh))
            hyper = hyper._replace(live=live)
        seconds = (time.perf_counter() - started) / len(runs)
        yield from self._ends(seconds, spec, lanes.weights, last_data, last_hyper)

    def _ends(
        self,
        seconds: float,
        spec: ProgramSpec,
        weights: Any,
        data: state.Arrays,
        hyper: state.Hyperparameters,
    ) -> Iterator[RunDone]:
        context = self.context
        for lane, run in enumerate(self.runs):
            record, outputs = self.recorder.record(run, seconds, context.environment), None
            if context.save_activations and record.status == "ok":
                own = jax.tree.map(lambda x, lane=lane: x[lane], (weights, hyper))
                outputs = _outputs(run, spec, data, *own)
            yield RunDone(run, record, outputs)

    def _request(self) -> compiler.ProgramRequest:
        if self.size not in self.requests:
            self.requests[self.size] = self.context.request(self.runs[0], self.size)
        return self.requests[self.size]

    def _draw_tasks(self, phase: int, name: str) -> Task:
        """The permutations of a phase after the first, of all lanes."""
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
