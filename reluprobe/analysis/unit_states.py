"""Unit states: dead, rare, linear or healthy at each probe, and from which to which units go."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from reluprobe.analysis.dead_masks import redrawn_bits, timeline, unknown
from reluprobe.analysis.estimates import Estimate, Fold
from reluprobe.records import LayerRecord, MovementRecord, RunRecord
from reluprobe.records.masks import unpack

#: What a unit is, the first of these that holds.
STATES = tuple(field.name for field in dataclasses.fields(MovementRecord))
DEAD, RARE, LINEAR, HEALTHY = range(len(STATES))
#: Where an activation has no straight part, no unit of it is linear.
ONLY_STRAIGHT = "linear"

States = Int[np.ndarray, " unit"]
#: How many times a unit was in the one state at a probe, and in the other at the next.
Counts = Int[np.ndarray, "before after"]


def states(layer: LayerRecord) -> States | None:
    """The state of each unit of a layer, a place in ``STATES``; None where it is not known."""
    if layer.dead_units is None or layer.rare_units is None:
        return None
    masks = (layer.dead_units, layer.rare_units, layer.linear_units)
    held = [unpack(mask, layer.units) for mask in masks]
    return np.select(held, range(len(held)), HEALTHY)


def shares(layers: Sequence[LayerRecord]) -> dict[str, float | None] | None:
    """Which share of the units of these layers is in each state; None where none is known.

    ``linear`` is None where it applies to none of them.
    """
    known = [(layer, of) for layer in layers if (of := states(layer)) is not None]
    if not known:
        return None
    counted = np.bincount(np.concatenate([of for _, of in known]), minlength=len(STATES))
    found = dict(zip(STATES, (counted / counted.sum()).tolist(), strict=True))
    straight = any(layer.linear_units is not None for layer, _ in known)
    return found if straight else found | {ONLY_STRAIGHT: None}


@dataclass(frozen=True)
class Transitions:
    """From which state to which the units of a run went, from each probe to the next.

    Attributes:
        counts: units times steps from probe to probe, all layers together.
        redrawn: how many of these are left out, since the unit was drawn anew in between: what
            it was ended there.
        straight: whether a unit can be ``linear``.
    """

    counts: Counts
    redrawn: int
    straight: bool


def transitions(run: RunRecord) -> Transitions | None:
    """Count the transitions of a run; None where its records do not say which units were what.

    Where a run's data change, the state before is that on the new data: what another probe shows
    is no unit's doing.
    """
    if unknown(run) is not None:
        return None
    starts = {float(p.first_epoch - 1): p.start.layers for p in run.phases if p.start is not None}
    total, lost, straight, known = np.zeros((len(STATES),) * 2, np.int64), 0, False, False
    for (when, before), (_, after) in itertools.pairwise(timeline(run)):
        for old, new in zip(starts.get(when, before), after, strict=True):
            was, is_ = states(old), states(new)
            if was is None or is_ is None:
                continue
            known, straight = True, straight or new.linear_units is not None
            anew = redrawn_bits(new)
            stayed = np.ones(len(was), bool) if anew is None else ~anew
            lost += int((~stayed).sum())
            np.add.at(total, (was[stayed], is_[stayed]), 1)
    return Transitions(total, lost, straight) if known else None


@dataclass(frozen=True)
class Flows:
    """:class:`Transitions` over the seeds of a configuration.

    Attributes:
        to: by the state at a probe, and the state at the next: which share of the units that were
            the one are the other then. A row adds up to 1. None where no unit was ever the
            one, and of ``linear`` where an activation has no straight part.
        n: by the state at a probe, how many transitions that is, of all runs together.
        died_from: of the units that died between two probes, the share that was in this state.
        deaths: how many died so, of all runs together.
        redrawn: transitions left out, since the unit was drawn anew in between.
    """

    to: Mapping[str, Mapping[str, Estimate | None]]
    n: Mapping[str, int]
    died_from: Mapping[str, Estimate | None]
    deaths: int
    redrawn: int


def flows(runs: Sequence[RunRecord]) -> Flows | None:
    """Fold the transitions of the runs of one configuration; None where none is known."""
    known = {run.id: of for run in runs if (of := transitions(run)) is not None}
    average = Fold(run for run in runs if run.id in known)
    if not known:
        return None
    straight = any(of.straight for of in known.values())

    def share(counts: Counts, place: int) -> float | None:
        total = int(counts.sum())
        return int(counts[place]) / total if total else None

    def to(before: int, after: int) -> Estimate | None:
        if not straight and LINEAR in (before, after):
            return None
        return average(lambda run: share(known[run.id].counts[before], after))

    def died(before: int) -> Estimate | None:
        if not straight and before == LINEAR:
            return None
        return average(lambda run: share(known[run.id].counts[RARE:, DEAD], before - RARE))

    pooled = np.sum([of.counts for of in known.values()], axis=0)
    return Flows(
        {a: {b: to(i, j) for j, b in enumerate(STATES)} for i, a in enumerate(STATES)},
        dict(zip(STATES, pooled.sum(1).tolist(), strict=True)),
        {name: died(i) for i, name in enumerate(STATES) if i != DEAD},
        int(pooled[RARE:, DEAD].sum()),
        sum(of.redrawn for of in known.values()),
    )
