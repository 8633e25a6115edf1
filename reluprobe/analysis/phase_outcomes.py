"""Dead units by phase, for runs whose data change: before, at the end of, and across phases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reluprobe.analysis import dead_masks
from reluprobe.analysis.estimates import Estimate, Fold, share
from reluprobe.analysis.quality import ACCURACY, R2, Quality
from reluprobe.records import LayerRecord, RunRecord


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
        accuracy, r2: on this phase's test set, at its end.
        reference: on the first phase's probe, at this phase's end.
        remembered, remembered_r2: accuracy and R² on the first phase's probe, at this phase's end.
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
    r2: Estimate | None = None
    remembered_r2: Estimate | None = None

    def still(self, quality: Quality) -> Estimate | None:
        """How good the network is on the first phase's probe, at this phase's end."""
        return {ACCURACY: self.remembered, R2: self.remembered_r2}[quality]


def turns(runs: Sequence[RunRecord], definition: str) -> list[Turn]:
    """The phases in order; empty where there is but one, or runs differ in their phases."""
    phased = [run for run in runs if run.ended and run.phases]
    if len({(run.ours and run.ours.phases, len(run.phases)) for run in phased}) != 1:
        return []
    average = Fold(phased)
    return [_turn(average, n, definition) for n in range(len(phased[0].phases))]


def _turn(average: Fold, n: int, definition: str) -> Turn:
    def tested(quality: Quality) -> Estimate | None:
        ends = ((run, run.at_epoch(run.phases[n].last_epoch)) for run in average.runs)
        by_run = {run.id: quality.at(end) if end else None for run, end in ends}
        return average(lambda run: by_run[run.id], quality.limits)

    def remembered(quality: Quality) -> Estimate | None:
        return average(lambda run: quality.on(run.phases[n].reference), quality.limits)

    first = average.runs[0].phases[n]
    return Turn(
        n,
        first.dataset,
        first.task,
        first.first_epoch,
        first.last_epoch,
        average(lambda run: share(_start(run, n), definition)),
        average(lambda run: _woken(run, n)),
        average(lambda run: share(_layers_at(run, run.phases[n].last_epoch), definition)),
        tested(ACCURACY),
        average(lambda run: share(run.phases[n].reference.layers, definition)),
        remembered(ACCURACY),
        tested(R2),
        remembered(R2),
    )


def _start(run: RunRecord, n: int) -> Sequence[LayerRecord]:
    """The layers before a phase's first step, on its probe; of the first phase at epoch 0."""
    start = run.phases[n].start
    if start is not None:
        return start.layers
    return _layers_at(run, 0) if n == 0 else ()


def _layers_at(run: RunRecord, epoch: int) -> Sequence[LayerRecord]:
    entry = run.at_epoch(epoch)
    return () if entry is None else entry.layers


def _woken(run: RunRecord, n: int) -> float | None:
    """Of the units dead at the end of the phase before, the share alive on the new data."""
    if n == 0:
        return None
    before = _layers_at(run, run.phases[n - 1].last_epoch)
    return dead_masks.woken_share(dead_masks.network(before), dead_masks.network(_start(run, n)))
