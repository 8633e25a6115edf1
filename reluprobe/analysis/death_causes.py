"""Causes of death, by hidden layer: shares of the fall of a unit's largest pre-activation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reluprobe.analysis.estimates import ANY, POSITIVE, Estimate, Fold
from reluprobe.records import CausesRecord, LayerRecord, RunRecord


@dataclass(frozen=True)
class Blame:
    """What killed the units of one layer: shares of the fall of their largest pre-activation.

    The shares of a run are of the sum over all its deaths; they add up to 1. One below 0 held
    the units up while the others pushed them down. A run in which none died has no shares, and
    counts among ``deaths`` with 0.
    """

    deaths: Estimate | None
    weights: Estimate | None
    bias: Estimate | None
    upstream: Estimate | None


def blame(runs: Sequence[RunRecord]) -> list[Blame]:
    """By hidden layer, and last for the whole network.

    Empty where causes were not sought, or where networks of other layers are folded.
    """
    average = Fold(run for run in runs if run.ended and (_explained(run) or _spared(run)))
    if len({run.layer_names for run in average.runs}) != 1:
        return []
    depth = len(average.runs[0].layer_names)
    places = [[layer] for layer in range(depth)] + [list(range(depth))]
    return [_blame(average, place) for place in places]


def sought(run: RunRecord) -> bool:
    """Whether a run looks for causes: the largest z tells why a ReLU died.

    A foreign one does so in the layers for whose z it can be told.
    """
    config = run.ours
    if config is None:
        return True
    plain = config.norm == "none" and not config.residual
    return config.activation == "relu" and plain and config.probe_examples != "all"


def _spared(run: RunRecord) -> bool:
    """Whether causes were sought and no unit died."""
    deaths = [layer.deaths for _, layers in run.timeline() for layer in layers]
    return sought(run) and not any(deaths) and any(n is not None for n in deaths)


def _explained(run: RunRecord) -> list[tuple[LayerRecord, ...]]:
    """The layers at every probe at which causes were sought."""
    probes = [layers for _, layers in run.timeline()]
    return [p for p in probes if any(layer.causes for layer in p)]


def _blame(average: Fold, place: Sequence[int]) -> Blame:
    def deaths(run: RunRecord) -> float:
        return float(sum(p[i].deaths or 0 for _, p in run.timeline() for i in place))

    def part_of(part: Callable[[CausesRecord], float]) -> Estimate | None:
        return average(lambda run: _part(run, place, part), ANY)

    return Blame(
        average(deaths, POSITIVE),
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
