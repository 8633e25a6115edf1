"""Activations before training, by hidden layer: what an initializer makes of the signal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reluprobe.analysis.estimates import ANY, POSITIVE, SHARE, Estimate, Limits, estimate, numbered
from reluprobe.records import LayerRecord, RunRecord


@dataclass(frozen=True)
class Signal:
    """A layer's outputs before training.

    Attributes:
        zeros: share of outputs that are 0.
        mean, deviation: of its outputs.
        ratio: mean square of its pre-activations over that of the layer before; None for layer 1.
        dead: share of dead units on the probe.
        counts: histogram of the first run's outputs, from the smallest to the largest.
    """

    zeros: Estimate | None
    mean: Estimate | None
    deviation: Estimate | None
    ratio: Estimate | None
    dead: Estimate | None
    counts: tuple[int, ...]


def signals(runs: Sequence[RunRecord]) -> list[Signal]:
    """By hidden layer; empty where runs differ in depth or have no such measure."""
    entries = [(run, run.at_epoch(0)) for run in runs]
    begun = [
        (run, e.layers) for run, e in entries if e and all(layer.activations for layer in e.layers)
    ]
    starts = [layers for _, layers in begun]
    if len({run.layer_names for run, _ in begun}) != 1:
        return []
    groups = numbered([run for run, _ in begun])
    return [_signal(starts, groups, i) for i in range(len(starts[0]))]


def _signal(starts: Sequence[Sequence[LayerRecord]], groups: Sequence[int], i: int) -> Signal:
    def mean(values: Iterable[float | None], limits: Limits) -> Estimate | None:
        return estimate(values, limits, groups)

    outputs = [layers[i].activations for layers in starts]
    below = [layers[i - 1].activations if i else None for layers in starts]
    ratios = [
        a.second / b.second if a and b and b.second else None
        for a, b in zip(outputs, below, strict=True)
    ]
    return Signal(
        mean((a and a.zeros for a in outputs), SHARE),
        mean((a and a.mean for a in outputs), ANY),
        mean((a and max(a.variance, 0.0) ** 0.5 for a in outputs), POSITIVE),
        mean(ratios, POSITIVE),
        mean((layers[i].dead for layers in starts), SHARE),
        next((a.counts for a in outputs if a), ()),
    )
