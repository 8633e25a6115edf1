"""Causes of death, by hidden layer: shares of the fall of a unit's largest pre-activation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reluprobe.analysis.estimates import Estimate, estimate
from reluprobe.records import CausesRecord, LayerRecord, RunRecord


@dataclass(frozen=True)
class Blame:
    """What killed the units of one layer: shares of the fall of their largest pre-activation.

    The shares of a run are of the sum over all its deaths; they add up to 1. One below 0 held
    the units up while the others pushed them down.
    """

    deaths: Estimate | None
    weights: Estimate | None
    bias: Estimate | None
    upstream: Estimate | None


def blame(runs: Sequence[RunRecord]) -> list[Blame]:
    """By hidden layer, and last for the whole network; empty where causes were not sought."""
    explained = [run for run in runs if run.ended and _explained(run)]
    depths = {len(layers) for run in explained for _, layers in run.timeline()}
    if len(depths) != 1:
        return []
    (depth,) = depths
    places = [[layer] for layer in range(depth)] + [list(range(depth))]
    return [_blame(explained, place) for place in places]


def _explained(run: RunRecord) -> list[tuple[LayerRecord, ...]]:
    """The layers at every probe at which causes were sought."""
    probes = [layers for _, layers in run.timeline()]
    return [p for p in probes if any(layer.causes for layer in p)]


def _blame(runs: Sequence[RunRecord], place: Sequence[int]) -> Blame:
    def deaths(run: RunRecord) -> float:
        return float(sum(p[i].deaths or 0 for _, p in run.timeline() for i in place))

    def part_of(part: Callable[[CausesRecord], float]) -> Estimate | None:
        return estimate(_part(run, place, part) for run in runs)

    return Blame(
        estimate(deaths(run) for run in runs),
        part_of(lambda c: c.weights),
        part_of(lambda c: c.bias),
        part_of(lambda c: c.upstream),
    )


def _part(
    run: RunRecord, place: Sequence[int], part: Callable[[CausesRecord], float]
) -> float | None:
    causes = [c for layers in _explained(run) for i in place if (c := layers[i].causes)]
    fall = sum(c.weights + c.bias + c.upstream for c in causes)
    return sum(map(part, causes)) / fall if fall else None
