"""Measures that decide claims: a run and an epoch to a number."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from reluprobe.analysis import unit_lives
from reluprobe.analysis.estimates import share
from reluprobe.records import LayerRecord, RunRecord

#: A run, and the epoch at which it is looked at, to a number; None where the measure has no case.
Measure = Callable[[RunRecord, int], float | None]


def _layers(record: RunRecord, epoch: int) -> Sequence[LayerRecord]:
    """The hidden layers at this epoch; none where the history lacks it."""
    entry = record.at_epoch(epoch)
    return () if entry is None else entry.layers


def layer_share(layer: int, definition: str) -> Measure:
    """Share of a hidden layer's units, counted from 1; None in a network without such a layer."""

    def measure(record: RunRecord, epoch: int) -> float | None:
        layers = _layers(record, epoch)
        return getattr(layers[layer - 1], definition) if layer <= len(layers) else None

    return measure


def network_share(definition: str, epoch: int | None = None) -> Measure:
    """Share of all hidden units, at this epoch or at the last; None before it."""

    def measure(record: RunRecord, last: int) -> float | None:
        when = last if epoch is None else epoch
        return share(_layers(record, when), definition) if when <= last else None

    return measure


def accuracy(record: RunRecord, epoch: int) -> float | None:
    """On the test set."""
    entry = record.at_epoch(epoch)
    return None if entry is None else entry.test_accuracy


def revives(record: RunRecord, epoch: int) -> float | None:
    """P(alive at the next probe | dead at this one), over the whole run."""
    lives = unit_lives.of_network(record)
    return lives.revives if lives else None


def smallest_step(record: RunRecord, epoch: int) -> float | None:
    """The smallest change of ``dead`` from a layer to the next; above 0 only if all rise."""
    shares = [layer.dead for layer in _layers(record, epoch) if layer.dead is not None]
    return min((b - a for a, b in itertools.pairwise(shares)), default=None)


def on_training_set(record: RunRecord, epoch: int) -> float | None:
    """Share of units dead on the whole training set; None where the run was not looked at so."""
    if record.final.epoch != epoch:
        return None
    layers = next((s.layers for s in record.samples if s.sample == "train"), ())
    return share(layers, "dead")


def gain(deep: int, shallow: int) -> Measure:
    """By how much ``dead`` is more in one layer than in another."""
    above, below = layer_share(deep, "dead"), layer_share(shallow, "dead")

    def measure(record: RunRecord, epoch: int) -> float | None:
        more, less = above(record, epoch), below(record, epoch)
        return None if more is None or less is None else more - less

    return measure
