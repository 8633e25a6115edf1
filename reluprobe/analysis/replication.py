"""Published numbers beside our own runs: would one more seed of ours have given them?"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
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
from reluprobe.config import Reference, labels, published
from reluprobe.config.claim_form import ALL
from reluprobe.config.published import Published, PublishedEpoch
from reluprobe.records import EpochRecord, RunRecord, Setting

#: The keys of every run that fits the protocol.
ALL_KEYS = ("", ALL)


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

    def holds(self, value: Published) -> bool | None:
        """Whether ``value`` lies in the interval; of a range, whether any of it does."""
        if self.low is None or self.high is None:
            return None
        least, greatest = published.ends(value)
        return self.low <= greatest and least <= self.high

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
class Picked:
    """The runs that a key of the reference chooses.

    Attributes:
        settings: those that the key names, by which runs are chosen.
        runs: those that ended and whose settings are nearest to the protocol's.
        differences: what is not as in the protocol, ``epochs 2 instead of 12``.
        left_out: how many runs with these settings are farther from it.
        epoch: the last that all runs reached.
    """

    settings: Mapping[str, Setting]
    runs: tuple[RunRecord, ...]
    differences: tuple[str, ...]
    left_out: int
    epoch: int

    @property
    def name(self) -> str:
        """What tells these runs from the others, for people."""
        return labels.settings(self.settings)

    @property
    def configurations(self) -> int:
        """How many differ in what the protocol leaves open: of several there is no interval."""
        return len(set(numbered(self.runs)))


@dataclass(frozen=True)
class Chosen(Picked):
    """The runs that are held against one entry of the reference's ``runs``.

    Attributes:
        epoch: the last that was published and that all runs reached; else the runs' last.
        entry: what was published of it; else the first that was.
        weights: units of each layer that was published.
    """

    entry: PublishedEpoch
    weights: tuple[int, ...]

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
        settings: by which the runs were chosen.
        layer: of the share, from 1; 0 for the mean of all, None for the test accuracy.
        ours: by the reference's own criterion, clipped to [0, 1].
        inside: whether one new seed may well give the published number, or one of its range; None
            where nobody knows.
        dead: the same share by ``dead``, no gradient: what the criterion is often taken for.
    """

    settings: Mapping[str, Setting]
    layer: int | None
    published: Published | None
    ours: Prediction | None
    inside: bool | None
    dead: Estimate | None

    @property
    def name(self) -> str:
        """What tells its runs from the others, for people."""
        return labels.settings(self.settings)


@dataclass(frozen=True)
class Replication:
    """A whole reference beside a sweep.

    Attributes:
        chosen: by key of the reference's ``runs``.
        claimed: by key of its claims, where it is none of ``runs``.
        skipped: what could not be compared, and why.
        having: by key, every run that ended and has its settings, near the protocol or not.
    """

    reference: Reference
    chosen: dict[str, Chosen]
    claimed: dict[str, Picked]
    rows: tuple[PublishedValue, ...]
    skipped: tuple[str, ...]
    having: Mapping[str, tuple[RunRecord, ...]]

    @property
    def picked(self) -> dict[str, Picked]:
        """The runs of every key that some run has the settings of."""
        return {**self.chosen, **self.claimed}

    @property
    def by_activation(self) -> bool:
        """Whether nothing but their activations tells the compared runs apart."""
        return all([*chosen.settings] == ["activation"] for chosen in self.chosen.values())


def compare(records: Sequence[RunRecord], reference: Reference) -> Replication:
    """Hold runs against a published record, key by key, at the last common epoch."""
    ours = [r for r in records if r.ours]
    choices = {key: reference.choice(key) for key in reference.keys}
    chosen: dict[str, Chosen] = {}
    claimed: dict[str, Picked] = {}
    having: dict[str, tuple[RunRecord, ...]] = {}
    skipped = _unpublished(ours, [*choices.values()])
    closer = _closer(reference, choices)
    for key, choice in choices.items():
        runs = [r for r in ours if has(r, choice) and not any(has(r, o) for o in closer[key])]
        having[key] = ended = tuple(r for r in runs if r.ended)
        name = "all" if key in ALL_KEYS else labels.settings(choice)
        if ended:
            if key in reference.runs:
                chosen[key] = _choose(key, choice, ended, reference)
            else:
                claimed[key] = _pick(key, choice, ended, reference)
            if lost := len(runs) - len(ended):
                skipped.append(f"{name}: {labels.count(lost, 'failed or diverged run')} left out")
        else:
            why = "no run ended with finite numbers" if runs else "no such run in this sweep"
            skipped.append(f"{name}: {why}")
    rows = [row for picked in chosen.values() for row in _rows(picked, reference.definition)]
    return Replication(reference, chosen, claimed, tuple(rows), tuple(skipped), having)


Choices = Mapping[str, Mapping[str, Setting]]


def _closer(reference: Reference, choices: Choices) -> dict[str, list[Mapping[str, Setting]]]:
    """By key the choices of keys that name its settings and more: their runs are not its.

    ``optimizer=momentum`` leaves the runs of ``optimizer=momentum,l2=1e-4`` to that one.
    """
    targets = {key: reference.target(key) for key in choices}
    several = [key for key in choices if key not in ALL_KEYS]
    return {
        key: [
            choices[other]
            for other in several
            if choice.items() < choices[other].items() and targets[other] != targets[key]
        ]
        if key in several
        else []
        for key, choice in choices.items()
    }


def has(run: RunRecord, choice: Mapping[str, Setting]) -> bool:
    """Whether a run has all of these settings."""
    return all(value_of(run, name) == value for name, value in choice.items())


def _unpublished(ours: Sequence[RunRecord], choices: Sequence[Mapping[str, Setting]]) -> list[str]:
    """A line for each value of the settings that tell published runs apart, where none has it."""
    telling = dict.fromkeys(name for choice in choices for name in choice)
    others = (r for r in ours if not any(has(r, choice) for choice in choices))
    names = (labels.settings({name: value_of(r, name) for name in telling}) for r in others)
    return [f"{name}: not in the reference" for name in dict.fromkeys(names)]


def _nearest(
    runs: Sequence[RunRecord], target: Mapping[str, Setting]
) -> tuple[tuple[str, ...], tuple[RunRecord, ...]]:
    """The runs that differ least from the target, all in the same, and in what they do."""
    by_distance: dict[tuple[str, ...], list[RunRecord]] = {}
    for run in runs:
        by_distance.setdefault(differences(run, target), []).append(run)
    # The first of the nearest: runs that differ in another way are another experiment.
    least = min(by_distance, key=len)
    return least, tuple(by_distance[least])


def _choose(
    key: str, choice: Mapping[str, Setting], runs: Sequence[RunRecord], reference: Reference
) -> Chosen:
    apart, near = _nearest(runs, reference.target(key))
    reached = min(r.final.epoch for r in near)
    entries = sorted(reference.runs[key], key=lambda e: e.epoch)
    common = [e for e in entries if all(run.at_epoch(e.epoch) for run in near)]
    entry = common[-1] if common else entries[0]
    epoch = entry.epoch if common else reached
    units = reference.layer_units(key)
    # Of layers that are all alike neither their units matter nor how many layers there are.
    weights = units if len(set(units)) > 1 else (1,) * len(entry.layers)
    return Chosen(choice, near, apart, len(runs) - len(near), epoch, entry, weights)


def _pick(
    key: str, choice: Mapping[str, Setting], runs: Sequence[RunRecord], reference: Reference
) -> Picked:
    """The runs that a claim is of, without a number published of them."""
    protocol = reference.protocol_settings()
    if key in ALL_KEYS:
        choice, near = {}, tuple(runs)
    else:
        _, near = _nearest(runs, reference.target(key))
    # What the protocol leaves open is no difference from it.
    told = {name: value for name, value in reference.target(key).items() if name in protocol}
    apart = differences(near[0], told)
    reached = min(run.final.epoch for run in near)
    return Picked(choice, near, apart, len(runs) - len(near), reached)


def differences(run: RunRecord, target: Mapping[str, Setting]) -> tuple[str, ...]:
    """In what a run is not as these settings, ``epochs 2 instead of 12``."""
    return tuple(
        f"{name.replace('_', ' ')} {value_of(run, name)} instead of {value}"
        for name, value in target.items()
        if value_of(run, name) != value
    )


def _rows(chosen: Chosen, definition: str) -> list[PublishedValue]:
    (ends, groups), entry = chosen.ends(), chosen.entry
    depth = min(len(entry.layers), *(len(e.layers) for e in ends))

    def layer(i: int, which: str) -> list[float | None]:
        return [getattr(e.layers[i], which) for e in ends]

    def row(
        number: int | None,
        value: Published | None,
        values: Sequence[float | None],
        dead: Sequence[float | None],
    ) -> PublishedValue:
        ours = predict(values, groups)
        inside = None if ours is None or value is None else ours.holds(value)
        also = estimate(dead, SHARE, groups) if dead else None
        ours = ours and ours.clipped()
        return PublishedValue(chosen.settings, number, value, ours, inside, also)

    shares = [published.ends(value) for value in entry.layers]
    rows = [
        row(i + 1, published.between(low / 100, high / 100), layer(i, definition), layer(i, "dead"))
        for i, (low, high) in enumerate(shares[:depth])
    ]
    # Of ranges it is from the least that the mean can be to the greatest.
    means = (_mean(side, chosen.weights) / 100 for side in zip(*shares, strict=True))
    mean = published.between(*means)
    both = ([share(e.layers, which) for e in ends] for which in (definition, "dead"))
    rows.append(row(0, mean, *both))
    return [*rows, row(None, entry.test_accuracy, [e.test_accuracy for e in ends], [])]


def _mean(shares: Sequence[float], units: Sequence[int]) -> float:
    """Share of the units of all layers."""
    return math.fsum(map(operator.mul, shares, units)) / sum(units)
