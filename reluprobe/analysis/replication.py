"""Published numbers beside our own runs: would one more seed of ours have given them?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reluprobe.analysis.bootstrap import TIES
from reluprobe.analysis.estimates import (
    SHARE,
    Estimate,
    estimate,
    numbered,
    share,
)
from reluprobe.analysis.settings import value_of
from reluprobe.config import SETTINGS, Reference, labels
from reluprobe.config.reference import PublishedEpoch
from reluprobe.records import EpochRecord, RunRecord


@dataclass(frozen=True)
class Prediction:
    """The mean of ``n`` runs and the 95% interval of one new run.

    There is no interval from one run, nor from runs of several configurations, nor from runs that
    are all alike: how far off the next one may lie, they do not say.
    """

    mean: float
    low: float | None
    high: float | None
    n: int

    def holds(self, value: float) -> bool | None:
        """Whether ``value`` lies in the interval."""
        if self.low is None or self.high is None:
            return None
        return self.low <= value <= self.high

    def clipped(self) -> Prediction:
        """The part of the interval that a share can lie in, [0, 1]: it covers as often."""
        if self.low is None or self.high is None:
            return self
        return Prediction(self.mean, max(self.low, 0.0), min(self.high, 1.0), self.n)


def predict(
    values: Iterable[float | None], groups: Sequence[int] | None = None
) -> Prediction | None:
    """Where one more value of the same normal law would lie: m ± t₀.₉₇₅,ₙ₋₁ · s · √(1 + 1/n).

    Wider than the interval of the mean by √(n + 1): a published single run is one value, not a
    mean, and is to be judged by this one. (Hahn and Meeker, Statistical Intervals, 1991.)
    Values that are None are left out; None without a value.

    Args:
        values: one a run.
        groups: the configuration of each run, as a number; all of one, if None.
    """
    ours = estimate(values, groups=groups)
    if ours is None:
        return None
    if ours.half_width is None or ours.half_width <= TIES * abs(ours.mean):
        return Prediction(ours.mean, None, None, ours.n)
    half = ours.half_width * math.sqrt(ours.n + 1)
    return Prediction(ours.mean, ours.mean - half, ours.mean + half, ours.n)


@dataclass(frozen=True)
class Chosen:
    """The runs of one activation that are held against the reference.

    Attributes:
        runs: those that ended and whose settings are nearest to the protocol's.
        differences: what is not as in the protocol, ``epochs 2 instead of 12``.
        left_out: how many runs of this activation are farther from it.
        epoch: the last that was published and that all runs reached; else the runs' last.
        entry: what was published of it; else the first that was.
    """

    activation: str
    runs: tuple[RunRecord, ...]
    differences: tuple[str, ...]
    left_out: int
    epoch: int
    entry: PublishedEpoch

    @property
    def configurations(self) -> int:
        """How many differ in what the protocol leaves open: of several there is no interval."""
        return len(set(numbered(self.runs)))

    def ends(self) -> tuple[list[EpochRecord], list[int]]:
        """Runs at the epoch, those whose history has it; and the configuration of each."""
        entries = [run.at_epoch(self.epoch) for run in self.runs]
        pairs = zip(entries, numbered(self.runs), strict=True)
        present = [(entry, group) for entry, group in pairs if entry is not None]
        return [entry for entry, _ in present], [group for _, group in present]


@dataclass(frozen=True)
class PublishedValue:
    """One published number beside ours; shares in [0, 1].

    Attributes:
        layer: of the share, from 1; 0 for the mean of all, None for the test accuracy.
        ours: by the reference's own criterion, clipped to [0, 1].
        inside: whether one new seed may well give the published number; None where nobody knows.
        dead: the same share by ``dead``, no gradient: what the criterion is often taken for.
    """

    activation: str
    layer: int | None
    published: float | None
    ours: Prediction | None
    inside: bool | None
    dead: Estimate | None


@dataclass(frozen=True)
class Replication:
    """A whole reference beside a sweep. ``skipped`` says what could not be compared, and why."""

    reference: Reference
    chosen: dict[str, Chosen]
    rows: tuple[PublishedValue, ...]
    skipped: tuple[str, ...]


def compare(records: Sequence[RunRecord], reference: Reference) -> Replication:
    """Hold runs against a published record, activation by activation, at the last common epoch."""
    ours = dict.fromkeys(r.ours.activation for r in records if r.ours)
    chosen: dict[str, Chosen] = {}
    skipped = [f"{name}: not in the reference" for name in ours if name not in reference.runs]
    for name in reference.runs:
        runs = [r for r in records if r.ours and r.ours.activation == name]
        ended = [r for r in runs if r.ended]
        if ended:
            chosen[name] = _choose(name, ended, reference)
            if lost := len(runs) - len(ended):
                skipped.append(f"{name}: {labels.count(lost, 'failed or diverged run')} left out")
        else:
            why = "no run ended with finite numbers" if runs else "no such run in this sweep"
            skipped.append(f"{name}: {why}")
    rows = [row for picked in chosen.values() for row in _rows(picked, reference.definition)]
    return Replication(reference, chosen, tuple(rows), tuple(skipped))


def _choose(name: str, runs: Sequence[RunRecord], reference: Reference) -> Chosen:
    by_distance: dict[tuple[str, ...], list[RunRecord]] = {}
    for run in runs:
        by_distance.setdefault(_differences(run, reference), []).append(run)
    # The first of the nearest: runs that differ in another way are another experiment.
    differences = min(by_distance, key=len)
    near = tuple(by_distance[differences])
    reached = min(r.final.epoch for r in near)
    entries = sorted(reference.runs[name], key=lambda e: e.epoch)
    common = [e for e in entries if all(run.at_epoch(e.epoch) for run in near)]
    entry = common[-1] if common else entries[0]
    epoch = entry.epoch if common else reached
    return Chosen(name, near, differences, len(runs) - len(near), epoch, entry)


def _differences(run: RunRecord, reference: Reference) -> tuple[str, ...]:
    target = reference.settings()
    return tuple(
        f"{name.replace('_', ' ')} {value_of(run, name)} instead of {target[name]}"
        for name in SETTINGS
        if name in target and value_of(run, name) != target[name]
    )


def _rows(chosen: Chosen, definition: str) -> list[PublishedValue]:
    (ends, groups), entry = chosen.ends(), chosen.entry
    depth = min(len(entry.layers), *(len(e.layers) for e in ends))

    def layer(i: int, which: str) -> list[float | None]:
        return [getattr(e.layers[i], which) for e in ends]

    def row(
        number: int | None,
        published: float | None,
        values: Sequence[float | None],
        dead: Sequence[float | None],
    ) -> PublishedValue:
        ours = predict(values, groups)
        inside = None if ours is None or published is None else ours.holds(published)
        also = estimate(dead, SHARE, groups) if dead else None
        return PublishedValue(
            chosen.activation, number, published, ours and ours.clipped(), inside, also
        )

    rows = [
        row(i + 1, entry.layers[i] / 100, layer(i, definition), layer(i, "dead"))
        for i in range(depth)
    ]
    # The mean of the published layers: its protocol knows one width for all.
    mean = math.fsum(entry.layers) / len(entry.layers) / 100
    both = ([share(e.layers, which) for e in ends] for which in (definition, "dead"))
    rows.append(row(0, mean, *both))
    return [*rows, row(None, entry.test_accuracy, [e.test_accuracy for e in ends], [])]
