"""Recorder: reports from the devices → records, null where a number does not apply."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from reluprobe import records
from reluprobe.config import phases
from reluprobe.config.choices import SPLITS, UNIT_REVIVALS
from reluprobe.config.sizes import probed, steps_per_epoch
from reluprobe.data import Dataset, DatasetKey, key_of
from reluprobe.engine.firing_rates import movement, states
from reluprobe.engine.layer_records import Look, null_layer, sizes_of
from reluprobe.engine.schedule import Call
from reluprobe.engine.squared_error import Targets
from reluprobe.engine.state import Segment
from reluprobe.nn import activations
from reluprobe.nn.mlp import plain
from reluprobe.plan.runs import Run
from reluprobe.records.looks import Fit
from reluprobe.records.masks import pack

if TYPE_CHECKING:  # brings SciPy, for networks that few train
    from reluprobe.foreign.trained import OwnNetwork

Layers = tuple[records.LayerRecord, ...]
STATISTICS = ("mean", "variance", "zeros", "second", "low", "high")


class Recorder:
    """Gathers the records of one chunk's runs, report by report.

    Args:
        runs: of the chunk.
        dataset: that they begin with.
        datasets: by name, those of all phases; that one alone, if None.
        own: somebody's own network that the runs train; None where settings build one.
    """

    def __init__(
        self,
        runs: Sequence[Run],
        dataset: Dataset,
        datasets: Mapping[DatasetKey, Dataset] | None = None,
        own: OwnNetwork | None = None,
    ) -> None:
        self.runs = tuple(runs)
        self.dataset = dataset
        self.own = own
        first = {key_of(run.config): dataset for run in runs}
        self.targets = Targets({**(datasets or {}), **first})
        self.nonfinite: set[str] = set()
        self.history: dict[str, list[records.EpochRecord]] = {run.id: [] for run in runs}
        self.steps: dict[str, list[records.StepRecord]] = {run.id: [] for run in runs}
        self.samples: dict[str, tuple[records.SampleRecord, ...]] = {run.id: () for run in runs}
        self.phases: dict[str, list[records.PhaseRecord]] = {run.id: [] for run in runs}
        self.starts: dict[str, records.SampleRecord] = {}
        self.dead: dict[str, np.ndarray] = {}
        self.states: dict[str, np.ndarray] = {}

    def add_segment(
        self, segment: Segment, report: Any
    ) -> Iterator[tuple[Run, records.EpochRecord]]:
        """Take a segment's report, lanes first; yield each run with its epoch, where one ends."""
        for run, own in self._by_run(report):
            layers = self._layers(run, own, segment)
            step = self._step(run, segment)
            if not segment.closes:
                self.steps[run.id].append(records.StepRecord(step, layers))
                continue
            record = self._epoch(run, segment, own, layers, step)
            self.history[run.id].append(record)
            if segment.ends:
                self.samples[run.id] = self._samples(run, own, _phase(run, segment))
            yield run, record

    def add_phase_probe(self, call: Call, report: Any) -> None:
        """Take the report of a probe on a new phase's data, or on the first phase's again."""
        for run, own in self._by_run(report):
            if run.id in self.nonfinite:
                continue
            # The reference is of the first phase's data again.
            seen = call.stretch.index if call.kind == "switch" else 0
            probe = self._sample(run, own, "probe", probed(run.config, self._trained), seen)
            if call.kind == "switch":
                # Death on the new data is counted from what is dead on them at the start.
                units = Look.of(run, self.own, own, "probe").units
                self.dead[run.id], self.states[run.id] = units["dead"], states(units)
                self.starts[run.id] = probe
                continue
            phase, start = call.stretch.phase, self.starts.get(run.id)
            place = call.stretch.index, phase.dataset or run.config.dataset, phase.task
            epochs = call.stretch.first, call.stretch.last
            self.phases[run.id].append(records.PhaseRecord(*place, *epochs, start, probe))

    @property
    def _trained(self) -> int:
        return len(self.dataset.train_targets)

    def _by_run(self, report: Any) -> Iterator[tuple[Run, Any]]:
        """Each run with its own lane of a report; from now on those count as diverged that have."""
        for lane, run in enumerate(self.runs):
            own = jax.tree.map(lambda x, lane=lane: x[lane], report)
            if not own.finite:
                self.nonfinite.add(run.id)
            yield run, own

    def _step(self, run: Run, segment: Segment) -> int:
        """The run's steps up to the end of a segment."""
        before = int(segment.epoch - 1) * steps_per_epoch(run.config, self._trained)
        return before + int(segment.last) if segment.epoch else 0

    def _epoch(
        self, run: Run, segment: Segment, own: Any, layers: Layers, step: int
    ) -> records.EpochRecord:
        diverged, trained = run.id in self.nonfinite, segment.epoch > 0
        classifies = self.dataset.classes is not None
        test = SPLITS.index("test")

        def value(number: Any, applies: bool = True) -> float | None:
            return None if diverged or not applies else float(number)

        fit = Fit(None, None) if diverged else self._fit(run, own, "test", _phase(run, segment))
        return records.EpochRecord(
            int(segment.epoch),
            value(own.train_loss, bool(trained)),
            value(own.train_accuracy, bool(trained) and classifies),
            value(own.loss[test]),
            value(own.accuracy[test], classifies),
            layers,
            step,
            *fit,
        )

    def _fit(self, run: Run, own: Any, split: str, phase: int) -> Fit:
        return self.targets.fit(float(own.loss[SPLITS.index(split)]), run.config, split, phase)

    def _layers(self, run: Run, own: Any, segment: Segment) -> Layers:
        """The layers on the probe, with what has died since the last one and of what."""
        if run.id in self.nonfinite:
            return tuple(map(null_layer, sizes_of(run, self.own)))
        look = Look.of(run, self.own, own, "probe")
        units, sizes = look.units, look.sizes
        before, former, now = self.dead.get(run.id), self.states.get(run.id), states(units)
        # A unit that was drawn anew after the last probe has lived since.
        died = None if before is None else units["dead"] & ~(before & ~own.revived)
        self.dead[run.id], self.states[run.id] = units["dead"], now
        provable = activations.ACTIVATIONS[run.config.activation].dies_for_certain
        fields: list[dict[str, Any]] = [{} for _ in sizes]
        for (layer, size), extra in zip(enumerate(sizes), fields, strict=True):
            if provable and plain(run.config):
                extra["certified"] = float(own.certified[layer, :size].mean())
            if run.config.revive in UNIT_REVIVALS:
                extra["revived"] = int(own.revived[layer].sum())
                extra["revived_units"] = pack(own.revived[layer, :size])
            if former is not None and self.own is None:
                # One that was drawn anew is another unit, and moved by no gradient.
                same = (now == former) & ~own.revived
                stayed = np.where(same, now, -1)[layer, :size]
                extra["movement"] = movement(own.moved[layer, :size], stayed)
            if died is not None:
                extra["deaths"] = int(died[layer].sum())
                extra["causes"] = _causes(run, segment, own.causes, layer, died[layer])
            if (segment.epoch == 0 or segment.ends) and self.own is None:
                extra["activations"] = _activations(own.stats, layer)
        return look.layers(whole=bool(segment.epoch == 0), more=fields)

    def _samples(self, run: Run, own: Any, phase: int) -> tuple[records.SampleRecord, ...]:
        """The finished network on each split; none of a run that has diverged."""
        if run.id in self.nonfinite:
            return ()
        trained, tested = self._trained, len(self.dataset.test_targets)
        sizes = (probed(run.config, trained), tested, trained)
        splits = zip(SPLITS, sizes, strict=True)
        return tuple(self._sample(run, own, *split, phase) for split in splits)

    def _sample(self, run: Run, own: Any, name: str, size: int, phase: int) -> records.SampleRecord:
        i = SPLITS.index(name)
        layers = Look.of(run, self.own, own, name).layers(whole=True)
        accuracy = None if self.dataset.classes is None else float(own.accuracy[i])
        fit = self._fit(run, own, name, phase)
        return records.SampleRecord(name, size, float(own.loss[i]), accuracy, layers, *fit)

    def diverged(self, run: Run) -> bool:
        """Whether this run has gone non-finite, now or before."""
        return run.id in self.nonfinite

    def live(self, size: int) -> np.ndarray:
        """``(lane,)``: which lanes of a chunk of this size still have something to do."""
        live = [run.id not in self.nonfinite for run in self.runs]
        return np.array(live + [False] * (size - len(live)))

    def record(
        self,
        run: Run,
        seconds: float,
        environment: dict[str, str | int],
        error: str | None = None,
    ) -> records.RunRecord:
        """The whole record of a run that has ended; up to where it raised, if it did."""
        examples = probed(run.config, self._trained)
        return records.RunRecord(
            schema=records.SCHEMA,
            id=run.id,
            config=run.config,
            status="failed" if error else "diverged" if self.diverged(run) else "ok",
            environment=environment | {"precision": run.config.precision},
            seconds=round(seconds, 3),
            probe=records.ProbeRecord("train", examples),
            history=tuple(self.history[run.id]),
            steps=tuple(self.steps[run.id]),
            samples=self.samples[run.id],
            phases=tuple(self.phases[run.id]),
            layers=self._described(examples),
            coverage=self.own.coverage if self.own else None,
            error=error,
        )

    def _described(self, examples: int) -> tuple[records.LayerInfo, ...]:
        """What was counted, where the settings do not say it."""
        if self.own is None:
            return ()
        return tuple(dataclasses.replace(layer, examples=examples) for layer in self.own.layers)


def _phase(run: Run, segment: Segment) -> int:
    """The phase that a segment belongs to: before the first epoch it is the first."""
    stretches = phases.stretches(run.config.phases, run.config.epochs)
    return next((s.index for s in stretches if int(segment.epoch) <= s.last), 0)


def _causes(
    run: Run, segment: Segment, causes: Any, layer: int, died: np.ndarray
) -> records.CausesRecord | None:
    # The largest pre-activation tells why a ReLU died; elsewhere death is not a matter of it.
    relu = run.config.activation == "relu" and plain(run.config)
    if not relu or not segment.explained or not died.any():
        return None
    sums = [float(moves[layer][died].sum(dtype=np.float64)) for moves in causes]
    return records.CausesRecord(*sums)


def _activations(stats: Any, layer: int) -> records.ActivationsRecord | None:
    values = {name: float(getattr(stats, name)[layer]) for name in STATISTICS}
    # Pre-activations from about 1e19 on are finite, and their squares are not.
    if not all(map(math.isfinite, values.values())):
        return None
    return records.ActivationsRecord(**values, counts=tuple(map(int, stats.counts[layer])))
