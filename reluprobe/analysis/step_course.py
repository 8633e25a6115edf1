"""Shares of dead units at probes between epochs, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reluprobe.analysis.estimates import SHARE, Estimate, by_layer, estimate, numbered, share
from reluprobe.analysis.layers import by_name
from reluprobe.records import LayerRecord, RunRecord


@dataclass(frozen=True)
class StepPoint:
    """One probe of a configuration's runs: after which step, and the shares by hidden layer."""

    step: int
    layers: Mapping[str, Estimate | None]
    mean: Estimate | None


def course(runs: Sequence[RunRecord], definition: str) -> list[StepPoint]:
    """The probes in order, where runs were probed between epochs too; empty elsewhere."""
    probed = [run for run in runs if run.ended and run.steps]
    probes, groups = [_by_step(run) for run in probed], numbered(probed)
    if len({tuple(sorted(by_step)) for by_step in probes}) != 1:
        return []
    return [
        _point(step, [by_step[step] for by_step in probes], groups, definition)
        for step in sorted(probes[0])
    ]


def _by_step(run: RunRecord) -> dict[int, dict[str, LayerRecord]]:
    epochs = {e.step: by_name(run, e.layers) for e in run.history if e.step is not None}
    return epochs | {s.step: by_name(run, s.layers) for s in run.steps}


def _point(
    step: int,
    networks: Sequence[Mapping[str, LayerRecord]],
    groups: Sequence[int],
    definition: str,
) -> StepPoint:
    shares = (share([*layers.values()], definition) for layers in networks)
    mean = estimate(shares, SHARE, groups)
    return StepPoint(step, by_layer(networks, definition, groups), mean)
