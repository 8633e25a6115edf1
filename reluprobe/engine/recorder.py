"""Device reports → records: nulls where nothing can be said, bit masks, the environment."""

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
from reluprobe.engine.schedule import Stop
from reluprobe.engine.state import Section
from reluprobe.nn import activations
from reluprobe.nn.mlp import plain
from reluprobe.plan.runs import Run

Layers = tuple[records.LayerRecord, ...]
MOMENTS = ("mean", "variance", "zeros", "second", "low", "high")


class Watch:
    """Follows the runs of one chunk through their sections."""

    def __init__(self, runs: Sequence[Run], dataset: Dataset) -> None:
        self.runs = tuple(runs)
        self.dataset = dataset
        self.lost: set[str] = set()
        self.history: dict[str, list[records.EpochRecord]] = {run.id: [] for run in runs}
        self.steps: dict[str, list[records.StepRecord]] = {run.id: [] for run in runs}
        self.samples: dict[str, tuple[records.SampleRecord, ...]] = {run.id: () for run in runs}
        self.phases: dict[str, list[records.PhaseRecord]] = {run.id: [] for run in runs}
        self.starts: dict[str, records.SampleRecord] = {}
        self.dead: dict[str, np.ndarray] = {}

    def see(self, now: Section, report: Any) -> Iterator[tuple[Run, records.EpochRecord]]:
        """Take a report whose arrays lead with the lane axis; give each run's epoch if one ends."""
        for lane, run in enumerate(self.runs):
            mine = jax.tree.map(lambda x, lane=lane: x[lane], report)
            if not mine.finite:
                self.lost.add(run.id)
            layers = self._layers(run, mine, now)
            done = int(now.epoch - 1) * self._steps(run) + int(now.last) if now.epoch else 0
            if not now.closes:
                self.steps[run.id].append(records.StepRecord(done, layers))
                continue
            record = self._epoch(run, now, mine, layers, done)
            self.history[run.id].append(record)
            if now.ends:
                self.samples[run.id] = self._samples(run, mine)
            yield run, record

    def see_phase(self, stop: Stop, report: Any) -> None:
        """Take the report of a look at a new phase's data, or at the first phase's again."""
        for lane, run in enumerate(self.runs):
            mine = jax.tree.map(lambda x, lane=lane: x[lane], report)
            if not mine.finite:
                self.lost.add(run.id)
            if run.id in self.lost:
                continue
            found = self._sample(run, mine, "probe", probed(run.config, self._trained))
            if stop.kind == "switch":
                # Death on the new data is counted from what is dead on them at the start.
                self.dead[run.id] = _of_sample(mine.units, SPLITS.index("probe"))["dead"]
                self.starts[run.id] = found
                continue
            phase, start = stop.stretch.phase, self.starts.get(run.id)
            place = stop.stretch.index, phase.dataset or run.config.dataset, phase.task
            epochs = stop.stretch.first, stop.stretch.last
            self.phases[run.id].append(records.PhaseRecord(*place, *epochs, start, found))

    @property
    def _trained(self) -> int:
        return len(self.dataset.train_targets)

    def _steps(self, run: Run) -> int:
        return steps_per_epoch(run.config, self._trained)

    def _epoch(
        self, run: Run, now: Section, mine: Any, layers: Layers, step: int
    ) -> records.EpochRecord:
        lost, trained = run.id in self.lost, now.epoch > 0
        classifies = self.dataset.classes is not None
        test = SPLITS.index("test")

        def value(number: Any, applies: bool = True) -> float | None:
            return None if lost or not applies else float(number)

        return records.EpochRecord(
            int(now.epoch),
            value(mine.train_loss, bool(trained)),
            value(mine.train_accuracy, bool(trained) and classifies),
            value(mine.loss[test]),
            value(mine.accuracy[test], classifies),
            layers,
            step,
        )

    def _layers(self, run: Run, mine: Any, now: Section) -> Layers:
        """The layers on the probe, with what has died since the last one and of what."""
        if run.id in self.lost:
            return (_nothing(run.config),) * run.config.depth
        units = _of_sample(mine.units, SPLITS.index("probe"))
        before = self.dead.get(run.id)
        died = None if before is None else units["dead"] & ~before
        self.dead[run.id] = units["dead"]
        more = [{} for _ in range(run.config.depth)]
        for layer, extra in enumerate(more):
            if activations.ACTIVATIONS[run.config.activation].dies_for_certain and plain(
                run.config
            ):
                extra["certified"] = float(mine.certain[layer].mean())
            if run.config.revive in UNIT_REVIVALS:
                extra["revived"] = int(mine.revived[layer])
            if died is not None:
                extra["deaths"] = int(died[layer].sum())
                extra["causes"] = _causes(run, now, mine.causes, layer, died[layer])
            if now.epoch == 0 or now.ends:
                extra["activations"] = _activations(mine.moments, layer)
        return tuple(_layer(run.config, units, i, **extra) for i, extra in enumerate(more))

    def _samples(self, run: Run, mine: Any) -> tuple[records.SampleRecord, ...]:
        """The finished network on each sample; none of a run that has diverged."""
        if run.id in self.lost:
            return ()
        trained, tested = self._trained, len(self.dataset.test_targets)
        sizes = (probed(run.config, trained), tested, trained)
        return tuple(self._sample(run, mine, *of) for of in zip(SPLITS, sizes, strict=True))

    def _sample(self, run: Run, mine: Any, name: str, size: int) -> records.SampleRecord:
        i = SPLITS.index(name)
        units = _of_sample(mine.units, i)
        layers = tuple(_layer(run.config, units, n) for n in range(run.config.depth))
        accuracy = None if self.dataset.classes is None else float(mine.accuracy[i])
        return records.SampleRecord(name, size, float(mine.loss[i]), accuracy, layers)

    def diverged(self, run: Run) -> bool:
        """Whether this run has gone non-finite, now or before."""
        return run.id in self.lost

    def live(self, size: int) -> np.ndarray:
        """``(lane,)``: which lanes of a chunk of this size still have something to do."""
        here = [run.id not in self.lost for run in self.runs]
        return np.array(here + [False] * (size - len(here)))

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
            environment=environment,
            seconds=round(seconds, 3),
            probe=records.ProbeRecord("train", examples),
            history=tuple(self.history[run.id]),
            steps=tuple(self.steps[run.id]),
            samples=self.samples[run.id],
            phases=tuple(self.phases[run.id]),
            error=error,
        )


def _of_sample(units: Any, sample: int) -> dict[str, np.ndarray]:
    """Each definition's answers on one sample, ``(layer, unit)``."""
    return {name: getattr(units, name)[sample] for name in DEFINITIONS}


def _nothing(config: RunConfig) -> records.LayerRecord:
    return records.LayerRecord(config.width, **dict.fromkeys(DEFINITIONS), dead_units=None)


def _layer(
    config: RunConfig, units: dict[str, np.ndarray], layer: int, **more: Any
) -> records.LayerRecord:
    shares: dict[str, float | None] = {n: float(u[layer].mean()) for n, u in units.items()}
    if not activations.ACTIVATIONS[config.activation].bounded:
        shares["saturated"] = None
    mask = np.packbits(units["dead"][layer]).tobytes().hex()
    return records.LayerRecord(config.width, **shares, dead_units=mask, **more)


def _causes(
    run: Run, now: Section, found: Any, layer: int, died: np.ndarray
) -> records.CausesRecord | None:
    # The largest pre-activation tells why a ReLU died; elsewhere death is not a matter of it.
    relu = run.config.activation == "relu" and plain(run.config)
    if not relu or not now.explained or not died.any():
        return None
    sums = [float(found_[layer][died].sum(dtype=np.float64)) for found_ in found]
    return records.CausesRecord(*sums)


def _activations(found: Any, layer: int) -> records.ActivationsRecord:
    numbers = {name: float(getattr(found, name)[layer]) for name in MOMENTS}
    return records.ActivationsRecord(**numbers, counts=tuple(map(int, found.counts[layer])))
