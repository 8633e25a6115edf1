"""Firing rates of finished networks: how many units fire how often, and which data are dead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from reluprobe.analysis.estimates import Estimate, Fold, by_layer, numbered, share
from reluprobe.analysis.layers import Layers, by_name, names_of
from reluprobe.analysis.learning_curves import Curve, folded
from reluprobe.config.choices import SPLITS
from reluprobe.records import RunRecord
from reluprobe.records.looks import FIRING_BINS, FIRING_ENDS

#: A share of units for each bin of firing rates, from "never" to "always".
Histogram = tuple[Estimate | None, ...]


def bin_names() -> tuple[str, ...]:
    """What the bins are called, in percent: ``0``, ``≤0.1``, ``≤1``, … ``<100``, ``100``."""
    return ("0", *(f"≤{100 * end:g}" for end in FIRING_ENDS), "<100", "100")


def histogram(layers: Layers) -> tuple[float, ...] | None:
    """Which share of the units of these layers lies in each bin; None where none is known."""
    counted = [layer.firing for layer in layers if layer.firing is not None]
    if not counted:
        return None
    total = np.sum(counted, axis=0)
    return tuple((total / total.sum()).tolist())


@dataclass(frozen=True)
class Split:
    """A finished network on one split.

    Attributes:
        examples: how many; the most, where runs differ.
        rare, linear: shares of the units of each layer, by its name.
        network: shares of all hidden units, by these two names.
        dead_data: by layer, the share of examples on which not one of its units is active.
    """

    examples: int
    rare: Mapping[str, Estimate | None]
    linear: Mapping[str, Estimate | None]
    network: Mapping[str, Estimate | None]
    dead_data: Mapping[str, Estimate | None]


@dataclass(frozen=True)
class Firing:
    """The finished networks of one configuration, over seeds.

    Attributes:
        network, layers: shares of units by firing rate on the probe.
        splits: by name; empty where the networks were not looked at on all three.
    """

    network: Histogram
    layers: Mapping[str, Histogram]
    splits: Mapping[str, Split]


def firing(runs: Sequence[RunRecord]) -> Firing | None:
    """Fold the runs that ended; None where no record has firing rates."""
    average = Fold(run for run in runs if run.ended and histogram(run.final.layers) is not None)
    if not average.runs:
        return None
    looked = Fold(r for r in average.runs if {s.sample for s in r.samples} >= {*SPLITS})
    return Firing(
        _folded(average),
        {name: _folded(average, name) for name in names_of(average.runs)},
        {name: _split(looked, name) for name in SPLITS} if looked.runs else {},
    )


def _folded(average: Fold, name: str | None = None) -> Histogram:
    def own(run: RunRecord) -> tuple[float, ...] | None:
        layers = by_name(run, run.final.layers)
        return histogram([layer for n, layer in layers.items() if name in (None, n)])

    shares = {run.id: own(run) for run in average.runs}

    def one(place: int) -> Estimate | None:
        return average(lambda run: None if (s := shares[run.id]) is None else s[place])

    return tuple(one(place) for place in range(FIRING_BINS))


def course(runs: Sequence[RunRecord], name: str) -> tuple[Curve, ...]:
    """The share of a layer's units in each bin at each probe, of those runs that ended."""
    having = [run for run in runs if run.ended and name in run.layer_names]
    courses = [{t: histogram([by_name(r, x)[name]]) for t, x in r.timeline()} for r in having]

    def of(place: int) -> Curve:
        shares = [{t: None if h is None else h[place] for t, h in c.items()} for c in courses]
        return folded(shares, numbered(having))

    return tuple(of(place) for place in range(FIRING_BINS))


def _split(looked: Fold, name: str) -> Split:
    samples = {run.id: next(s for s in run.samples if s.sample == name) for run in looked.runs}
    networks = [by_name(run, samples[run.id].layers) for run in looked.runs]

    def layers(measure: str) -> Mapping[str, Estimate | None]:
        return by_layer(networks, measure, looked.groups)

    def whole(measure: str) -> Estimate | None:
        return looked(lambda run: share(samples[run.id].layers, measure))

    return Split(
        max(sample.examples for sample in samples.values()),
        layers("rare"),
        layers("linear"),
        {measure: whole(measure) for measure in ("rare", "linear")},
        layers("dead_data"),
    )
