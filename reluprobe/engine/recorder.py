"""Recorder: reports from the devices → records, null where a number does not apply."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np

from reluprobe import records
from reluprobe.config import RunConfig
from reluprobe.config.choices import DEFINITIONS, SPLITS, UNIT_REVIVALS
from reluprobe.config.sizes import probed, steps_per_epoch
from reluprobe.data import Dataset
from reluprobe.engine.schedule import Call
from reluprobe.engine.state import Segment
from reluprobe.nn import activations
from reluprobe.nn.mlp import plain
from reluprobe.plan.runs import Run
from reluprobe.records.masks import pack

Layers = tuple[records.LayerRecord, ...]
STATISTICS = ("mean", "variance", "zeros", "second", "low", "high")


class Recorder:
    """Gathers the records of one chunk's runs, report by report."""

    def __init__(self, runs: Sequence[Run], dataset: Dataset) -> None:
        self.runs = tuple(runs)
        self.dataset = dataset
        self.nonfinite: set[str] = set()
        self.history: dict[str, list[records.EpochRecord]] = {run.id: [] for run in runs}
        self.steps: dict[str, list[records.StepRecord]] = {run.id: [] for run in runs}
        self.samples: dict[str, tuple[records.SampleRecord, ...]] = {run.id: () for run in runs}
        self.phases: dict[str, list[records.PhaseRecord]] = {run.id: [] for run in runs}
        self.starts: dict[str, records.SampleRecord] = {}
        self.dead: dict[str, np.ndarray] = {}

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
                self.samples[run.id] = self._samples(run, own)
            yield run, record

    def add_phase_probe(self, call: Call, report: Any) -> None:
        """Take the report of a probe on a new phase's data, or on the first phase's again."""
        for run, own in self._by_run(report):
            if run.id in self.nonfinite:
                continue
            probe = self._sample(run, own, "probe", probed(run.config, self._trained))
            if call.kind == "switch":
                # Death on the new data is counted from what is dead on them at the start.
                self.dead[run.id] = _of_split(own.units, SPLITS.index("probe"))["dead"]
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

        return records.EpochRecord(
            int(segment.epoch),
            value(own.train_loss, bool(trained)),
            value(own.train_accuracy, bool(trained) and classifies),
            value(own.loss[test]),
            value(own.accuracy[test], classifies),
            layers,
            step,
        )

    def _layers(self, run: Run, own: Any, segment: Segment) -> Layers:
        """The layers on the probe, with what has died since the last one and of what."""
        if run.id in self.nonfinite:
            return tuple(map(_null_layer, run.config.sizes))
        units = _of_split(own.units, SPLITS.index("probe"))
        before = self.dead.get(run.id)
        # A unit that was drawn anew after the last probe has lived since.
        died = None if before is None else units["dead"] & ~(before & ~own.revived)
        sizes = run.config.sizes
        self.dead[run.id] = units["dead"]
        provable = activations.ACTIVATIONS[run.config.activation].dies_for_certain
        fields = [{} for _ in sizes]
        for (layer, size), extra in zip(enumerate(sizes), fields, strict=True):
            if provable and plain(run.config):
                extra["certified"] = float(own.certified[layer, :size].mean())
            if run.config.revive in UNIT_REVIVALS:
                extra["revived"] = int(own.revived[layer].sum())
                extra["revived_units"] = pack(own.revived[layer, :size])
            if died is not None:
                extra["deaths"] = int(died[layer].sum())
                extra["causes"] = _causes(run, segment, own.causes, layer, died[layer])
            if segment.epoch == 0 or segment.ends:
                extra["activations"] = _activations(own.stats, layer)
        return tuple(_layer(run.config, units, i, **extra) for i, extra in enumerate(fields))

    def _samples(self, run: Run, own: Any) -> tuple[records.SampleRecord, ...]:
        """The finished network on each split; none of a run that has diverged."""
        if run.id in self.nonfinite:
            return ()
        trained, tested = self._trained, len(self.dataset.test_targets)
        sizes = (probed(run.config, trained), tested, trained)
        return tuple(self._sample(run, own, *split) for split in zip(SPLITS, sizes, strict=True))

    def _sample(self, run: Run, own: Any, name: str, size: int) -> records.SampleRecord:
        i = SPLITS.index(name)
        units = _of_split(own.units, i)
        layers = tuple(_layer(run.config, units, n) for n in range(len(run.config.sizes)))
        accuracy = None if self.dataset.classes is None else float(own.accuracy[i])
        return records.SampleRecord(name, size, float(own.loss[i]), accuracy, layers)

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
            error=error,
        )


def _of_split(units: Any, split: int) -> dict[str, np.ndarray]:
    """Each definition's answers on one split, ``(layer, unit)``."""
    return {name: getattr(units, name)[split] for name in DEFINITIONS}


def _null_layer(size: int) -> records.LayerRecord:
    return records.LayerRecord(size, **dict.fromkeys(DEFINITIONS), dead_units=None)


def _layer(
    config: RunConfig, units: dict[str, np.ndarray], layer: int, **more: Any
) -> records.LayerRecord:
    # Rows are as long as the widest layer's.
    size = config.sizes[layer]
    own = {name: answers[layer, :size] for name, answers in units.items()}
    shares: dict[str, float | None] = {name: float(mask.mean()) for name, mask in own.items()}
    if not activations.ACTIVATIONS[config.activation].bounded:
        shares["saturated"] = None
    return records.LayerRecord(size, **shares, dead_units=pack(own["dead"]), **more)


def _causes(
    run: Run, segment: Segment, causes: Any, layer: int, died: np.ndarray
) -> records.CausesRecord | None:
    # The largest pre-activation tells why a ReLU died; elsewhere death is not a matter of it.
    relu = run.config.activation == "relu" and plain(run.config)
    if not relu or not segment.explained or not died.any():
        return None
    sums = [float(moves[layer][died].sum(dtype=np.float64)) for moves in causes]
    return records.CausesRecord(*sums)


def _activations(stats: Any, layer: int) -> records.ActivationsRecord:
    values = {name: float(getattr(stats, name)[layer]) for name in STATISTICS}
    return records.ActivationsRecord(**values, counts=tuple(map(int, stats.counts[layer])))
