"""On which data, for certain, and why: what records say beyond the share of dead units."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from reluprobe.config.names import SAMPLES
from reluprobe.lives import bits
from reluprobe.records import CausesRecord, LayerRecord, RunRecord, SampleRecord
from reluprobe.summary import Estimate, estimate, share

#: Which units of a network are dead.
Dead = Bool[np.ndarray, " unit"]


def firing_bound(examples: int, confidence: float = 0.95) -> float:
    """How often a unit that fired on none of n examples may still fire: 1 − (1 − c)^(1/n).

    The upper end of the one-sided binomial interval at 0 of n; about 3/n at 95%, the rule of
    three (Hanley & Lippman-Hand 1983).
    """
    return float(-np.expm1(np.log1p(-confidence) / examples))


@dataclass(frozen=True)
class Samples:
    """The finished networks of one configuration on three samples.

    Attributes:
        examples: sizes of the samples, by name (the probe's, where runs differ, is the largest).
        shares: share of units by the chosen definition, by name.
        units: number of ``dead`` units of a network, by name.
        awake: how many of those dead on the probe are alive on the training set.
        awakened: of the units dead on the probe, the share that is alive on the training set.
        asleep: of the units dead on the training set, the share that is alive on the test set.
        certified: share of units dead for every input in the box of the training data.
        accuracy: by name.
    """

    examples: dict[str, int]
    shares: dict[str, Estimate | None]
    units: dict[str, Estimate | None]
    awake: Estimate | None
    awakened: Estimate | None
    asleep: Estimate | None
    certified: Estimate | None
    accuracy: dict[str, Estimate | None]


def samples(runs: Sequence[RunRecord], definition: str) -> Samples | None:
    """What the finished runs show on each sample; None where none was looked at so."""
    ended = [run for run in runs if run.status == "ok" and run.samples]
    if not ended:
        return None
    looked = [{s.sample: s for s in run.samples} for run in ended]
    ends = [run.final.layers for run in ended]
    dead = [{n: _dead(run[n]) for n in SAMPLES} for run in looked]
    return Samples(
        {n: max(run[n].examples for run in looked) for n in SAMPLES},
        {n: estimate(share(run[n].layers, definition) for run in looked) for n in SAMPLES},
        {n: estimate(float(units[n].sum()) for units in dead) for n in SAMPLES},
        estimate(float((units["probe"] & ~units["train"]).sum()) for units in dead),
        estimate(_of_the_dead(units["probe"], units["train"]) for units in dead),
        estimate(_of_the_dead(units["train"], units["test"]) for units in dead),
        estimate(share(layers, "certified") for layers in ends),
        {n: estimate(run[n].accuracy for run in looked) for n in SAMPLES},
    )


def _of_the_dead(here: Dead, there: Dead) -> float | None:
    """Of the units dead here, the share that is alive there; None where none is dead here."""
    return float((here & ~there).sum() / here.sum()) if here.any() else None


def _dead(sample: SampleRecord) -> Dead:
    """``(unit,)`` of the whole network, layer after layer: which are dead on this sample."""
    return np.concatenate([bits(layer) for layer in sample.layers])


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
    told = [run for run in runs if run.status == "ok" and _layers_of(run)]
    depths = {run.config.depth for run in told}
    if len(depths) != 1:
        return []
    (depth,) = depths
    places = [[layer] for layer in range(depth)] + [list(range(depth))]
    return [_blame(told, place) for place in places]


def _layers_of(run: RunRecord) -> list[tuple[LayerRecord, ...]]:
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
    found = [c for layers in _layers_of(run) for i in place if (c := layers[i].causes)]
    fall = sum(c.weights + c.bias + c.upstream for c in found)
    return sum(map(part, found)) / fall if fall else None


@dataclass(frozen=True)
class Moment:
    """One probe of a configuration's runs: after which step, and the shares by hidden layer."""

    step: int
    layers: tuple[Estimate | None, ...]
    mean: Estimate | None


def course(runs: Sequence[RunRecord], definition: str) -> list[Moment]:
    """The probes in order, where runs were probed between epochs too; empty elsewhere."""
    told = [_by_step(run) for run in runs if run.status == "ok" and run.steps]
    if not told or any(found.keys() != told[0].keys() for found in told):
        return []
    return [_moment(step, [found[step] for found in told], definition) for step in sorted(told[0])]


def _by_step(run: RunRecord) -> dict[int, tuple[LayerRecord, ...]]:
    epochs = {e.step: e.layers for e in run.history if e.step is not None}
    return epochs | {s.step: s.layers for s in run.steps}


def _moment(step: int, runs: Sequence[Sequence[LayerRecord]], definition: str) -> Moment:
    layers = tuple(
        estimate(getattr(layers[i], definition) for layers in runs) for i in range(len(runs[0]))
    )
    return Moment(step, layers, estimate(share(layers, definition) for layers in runs))


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
    starts = [run.history[0].layers for run in runs if run.history]
    starts = [layers for layers in starts if all(layer.activations for layer in layers)]
    if len({len(layers) for layers in starts}) != 1:
        return []
    return [_signal(starts, i) for i in range(len(starts[0]))]


def _signal(starts: Sequence[Sequence[LayerRecord]], i: int) -> Signal:
    found = [layers[i].activations for layers in starts]
    below = [layers[i - 1].activations if i else None for layers in starts]
    ratios = [
        a.second / b.second if a and b and b.second else None
        for a, b in zip(found, below, strict=True)
    ]
    return Signal(
        estimate(a.zeros for a in found if a),
        estimate(a.mean for a in found if a),
        estimate(a.variance**0.5 for a in found if a),
        estimate(ratios),
        estimate(layers[i].dead for layers in starts),
        next((a.counts for a in found if a), ()),
    )
