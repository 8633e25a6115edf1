"""Device reports → records: nulls where nothing can be said, bit masks, the environment."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from importlib import metadata
from typing import Any

import numpy as np

from reluprobe import __version__, records, zoo
from reluprobe.config.names import DEFINITIONS
from reluprobe.grid import Run

PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy")


class Watch:
    """Follows the runs of one chunk through their epochs."""

    def __init__(self, runs: Sequence[Run], classifies: bool) -> None:
        self.runs = tuple(runs)
        self.classifies = classifies
        self.history: dict[str, list[records.EpochRecord]] = {run.id: [] for run in runs}
        self.lost: set[str] = set()

    def see(self, epoch: int, report: Any) -> Iterator[tuple[Run, records.EpochRecord]]:
        """Take a report whose arrays lead with the lane axis; give each run's record of it."""
        for lane, run in enumerate(self.runs):
            if not report.finite[lane]:
                self.lost.add(run.id)
            record = self._epoch(run, epoch, report, lane)
            self.history[run.id].append(record)
            yield run, record

    def _epoch(self, run: Run, epoch: int, report: Any, lane: int) -> records.EpochRecord:
        lost, trained = run.id in self.lost, epoch > 0

        def value(array: np.ndarray, applies: bool = True) -> float | None:
            return None if lost or not applies else float(array[lane])

        units = {name: getattr(report.units, name)[lane] for name in DEFINITIONS}
        return records.EpochRecord(
            epoch,
            value(report.train_loss, trained),
            value(report.train_accuracy, trained and self.classifies),
            value(report.test_loss),
            value(report.test_accuracy, self.classifies),
            tuple(_layer(run, units, layer, lost) for layer in range(run.config.depth)),
        )

    def diverged(self, run: Run) -> bool:
        """Whether this run has gone non-finite, now or before."""
        return run.id in self.lost

    def live(self, size: int) -> np.ndarray:
        """``(lane,)``: which lanes of a chunk of this size still have something to do."""
        here = [run.id not in self.lost for run in self.runs]
        return np.array(here + [False] * (size - len(here)))

    def record(
        self, run: Run, seconds: float, environment: dict[str, str | int]
    ) -> records.RunRecord:
        """The whole record of a run that has ended."""
        return records.RunRecord(
            schema=records.SCHEMA,
            id=run.id,
            config=run.config,
            status="diverged" if self.diverged(run) else "ok",
            environment=environment,
            seconds=round(seconds, 3),
            probe=records.ProbeRecord("train", run.config.probe_examples),
            history=tuple(self.history[run.id]),
        )


def _layer(run: Run, units: dict[str, np.ndarray], layer: int, lost: bool) -> records.LayerRecord:
    if lost:
        nothing = dict.fromkeys(DEFINITIONS)
        return records.LayerRecord(run.config.width, **nothing, dead_units=None)
    shares: dict[str, float | None] = {n: float(u[layer].mean()) for n, u in units.items()}
    if not zoo.ACTIVATIONS[run.config.activation].bounded:
        shares["saturated"] = None
    mask = np.packbits(units["dead"][layer]).tobytes().hex()
    return records.LayerRecord(run.config.width, **shares, dead_units=mask)


def environment(devices: Sequence[Any]) -> dict[str, str | int]:
    """What a result was computed with."""
    found: dict[str, str | int] = {"reluprobe": __version__, "python": platform.python_version()}
    found |= {name: metadata.version(name) for name in PACKAGES}
    found |= {"backend": devices[0].platform, "device": devices[0].device_kind}
    return found | {"devices": len(devices), "platform": platform.platform(terse=True)}
