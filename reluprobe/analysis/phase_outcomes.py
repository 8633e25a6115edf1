"""What changing data do to the units: a run's phases, read off its records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reluprobe.analysis.aggregate import Estimate, estimate, share
from reluprobe.analysis.unit_lives import bits
from reluprobe.records import EpochRecord, LayerRecord, PhaseRecord, RunRecord


@dataclass(frozen=True)
class Turn:
    """One phase of a configuration's runs; shares of units by the chosen definition.

    Attributes:
        phase: 0 for the first.
        dataset, task: what it trains on.
        first_epoch, last_epoch: its epochs.
        start: on this phase's probe, before its first step.
        wakes: of the units ``dead`` at the end of the phase before, on its probe, the share that
            is alive on this phase's probe before any step: the new data alone woke them.
        end: on this phase's probe, at its end.
        accuracy: on this phase's test set, at its end.
        reference: on the first phase's probe, at this phase's end.
        remembered: accuracy on the first phase's probe, at this phase's end.
    """

    phase: int
    dataset: str
    task: str
    first_epoch: int
    last_epoch: int
    start: Estimate | None
    wakes: Estimate | None
    end: Estimate | None
    accuracy: Estimate | None
    reference: Estimate | None
    remembered: Estimate | None


def turns(runs: Sequence[RunRecord], definition: str) -> list[Turn]:
    """The phases in order; empty where there is but one, or runs differ in their phases."""
    told = [run for run in runs if run.status == "ok" and run.phases]
    if not told or len({run.config.phases for run in told}) != 1:
        return []
    return [_turn(told, n, definition) for n in range(len(told[0].phases))]


def _turn(runs: Sequence[RunRecord], n: int, definition: str) -> Turn:
    phases = [run.phases[n] for run in runs]
    ends = [_at(run, phase.last_epoch) for run, phase in zip(runs, phases, strict=True)]
    one = phases[0]
    return Turn(
        n,
        one.dataset,
        one.task,
        one.first_epoch,
        one.last_epoch,
        estimate(
            share(_start(run, phase), definition) for run, phase in zip(runs, phases, strict=True)
        ),
        estimate(_woken(run, n) for run in runs),
        estimate(share(end.layers, definition) for end in ends),
        estimate(end.test_accuracy for end in ends),
        estimate(share(phase.reference.layers, definition) for phase in phases),
        estimate(phase.reference.accuracy for phase in phases),
    )


def _at(run: RunRecord, epoch: int) -> EpochRecord:
    return next(e for e in run.history if e.epoch == epoch)


def _start(run: RunRecord, phase: PhaseRecord) -> Sequence[LayerRecord]:
    return run.history[0].layers if phase.start is None else phase.start.layers


def _woken(run: RunRecord, n: int) -> float | None:
    """Of the units dead at the end of the phase before, the share alive on the new data."""
    start = run.phases[n].start
    if start is None:
        return None
    before = _dead(_at(run, run.phases[n - 1].last_epoch).layers)
    now = _dead(start.layers)
    return float((before & ~now).sum() / before.sum()) if before.any() else None


def _dead(layers: Sequence[LayerRecord]) -> np.ndarray:
    return np.concatenate([bits(layer) for layer in layers])
