"""Shares of dead units at probes between epochs, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reluprobe.analysis.aggregate import Estimate, estimate, share
from reluprobe.records import LayerRecord, RunRecord


@dataclass(frozen=True)
class StepPoint:
    """One probe of a configuration's runs: after which step, and the shares by hidden layer."""

    step: int
    layers: tuple[Estimate | None, ...]
    mean: Estimate | None


def course(runs: Sequence[RunRecord], definition: str) -> list[StepPoint]:
    """The probes in order, where runs were probed between epochs too; empty elsewhere."""
    told = [_by_step(run) for run in runs if run.status == "ok" and run.steps]
    if not told or any(found.keys() != told[0].keys() for found in told):
        return []
    return [_moment(step, [found[step] for found in told], definition) for step in sorted(told[0])]


def _by_step(run: RunRecord) -> dict[int, tuple[LayerRecord, ...]]:
    epochs = {e.step: e.layers for e in run.history if e.step is not None}
    return epochs | {s.step: s.layers for s in run.steps}


def _moment(step: int, runs: Sequence[Sequence[LayerRecord]], definition: str) -> StepPoint:
    layers = tuple(
        estimate(getattr(layers[i], definition) for layers in runs) for i in range(len(runs[0]))
    )
    return StepPoint(step, layers, estimate(share(layers, definition) for layers in runs))
