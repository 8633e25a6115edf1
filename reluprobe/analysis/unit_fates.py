"""Unit fates: the lives of a configuration's units, folded over its runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from reluprobe.analysis.dead_masks import Watched, side_by_side, timeline, watched
from reluprobe.analysis.estimates import POSITIVE, SHARE, Estimate, estimate, numbered
from reluprobe.analysis.unit_lives import Lives, episodes, lives, median_length
from reluprobe.records import RunRecord
from reluprobe.records.schema import Clock

#: The measures of :class:`Lives` that are no shares.
COUNTS = ("closed_length", "redrawn")


@dataclass(frozen=True)
class Fate:
    """:class:`Lives` over seeds: each measure's mean and 95% interval; None where nothing died.

    Attributes:
        median: Kaplan–Meier median length over the episodes of all seeds together, in probes.
            Pooled, since a seed whose median is not reached has no number to average.
        closed, open: how many of those episodes ended, and how many ran on at the last probe.
    """

    born: Estimate | None
    ever: Estimate | None
    end: Estimate | None
    revives: Estimate | None
    closed_length: Estimate | None
    permanent: Estimate | None
    redrawn: Estimate | None
    died_again: Estimate | None
    median: int | None
    closed: int
    open: int


@dataclass(frozen=True)
class Fates:
    """The fates of a configuration's units: over the network, and layer by layer.

    Attributes:
        probes: how many probes a run has; the fewest, where they differ.
        layers: by their names.
        first, last: the epochs of the first probe and of the last; of foreign runs the steps.
        left_out: how many runs that ended are not counted, as their records do not say which
            units were dead, or drawn anew (see ``dead_masks.unknown``).
        clock: what ``first`` and ``last`` are counted in.
    """

    network: Fate
    layers: Mapping[str, Fate]
    probes: int
    first: float
    last: float
    left_out: int = 0
    clock: Clock = "epoch"


def fates(records: Sequence[RunRecord], definition: str = "dead") -> Fates | None:
    """Fold the runs of one configuration; None where no run's lives can be told.

    Args:
        records: its runs.
        definition: what is followed: dead units, or those of another definition that has masks.
    """
    known = [(run, layers) for run in records if (layers := watched(run, definition))]
    if not known:
        return None
    groups = numbered([run for run, _ in known])
    times = [[when for when, _ in timeline(run)] for run, _ in known]
    by_run = [layers for _, layers in known]

    def fold_layer(name: str) -> Fate:
        having = [n for n, layers in enumerate(by_run) if name in layers]
        return _fold([by_run[n][name] for n in having], [groups[n] for n in having])

    names = dict.fromkeys(name for layers in by_run for name in layers)
    return Fates(
        _fold([side_by_side(layers.values()) for layers in by_run], groups),
        {name: fold_layer(name) for name in names},
        min(map(len, times)),
        min(when[0] for when in times),
        max(when[-1] for when in times),
        sum(bool(timeline(run)) for run in records) - len(known),
        records[0].clock,
    )


def _fold(by_run: Sequence[Watched], groups: Sequence[int]) -> Fate:
    each, stretches = [lives(*units) for units in by_run], [episodes(*units) for units in by_run]
    length = np.concatenate([s.length for s in stretches])
    closed = np.concatenate([s.closed for s in stretches])
    folded = {
        f.name: estimate(
            (getattr(e, f.name) for e in each), POSITIVE if f.name in COUNTS else SHARE, groups
        )
        for f in dataclasses.fields(Lives)
    }
    ended = int(closed.sum())
    return Fate(
        **folded, median=median_length(length, closed), closed=ended, open=len(closed) - ended
    )
