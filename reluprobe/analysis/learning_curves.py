"""Learning curves: a measure over the course of training, averaged over seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reluprobe.analysis.estimates import SHARE, Estimate, Limits, estimate, numbered, share
from reluprobe.analysis.layers import Layers, names_of, places_of
from reluprobe.records import EpochRecord, RunRecord


@dataclass(frozen=True)
class Curve:
    """A measure at some moments; only those at which it applies.

    Attributes:
        when: epochs passed, ascending; of foreign runs, steps.
        values: the mean over runs at each of them, with its 95% interval.
    """

    when: tuple[float, ...]
    values: tuple[Estimate, ...]

    def __bool__(self) -> bool:
        """Whether there is a course to speak of: two moments at least."""
        return len(self.when) > 1

    @property
    def last(self) -> Estimate:
        """Where it ends."""
        return self.values[-1]


def folded(
    runs: Sequence[Mapping[float, float | None]],
    groups: Sequence[int] | None = None,
    limits: Limits = SHARE,
) -> Curve:
    """Fold runs, each a measure by moment, at the moments that all of them have.

    At one that only some have the mean would jump with whoever is missing.

    Args:
        runs: the measure of each by moment.
        groups: the configuration of each, as a number; all of one, if None.
        limits: between what the measure can lie at all.
    """
    common = sorted(set.intersection(*map(set, runs))) if runs else []
    means = ((when, estimate((run[when] for run in runs), limits, groups)) for when in common)
    points = [(when, mean) for when, mean in means if mean is not None]
    return Curve(tuple(when for when, _ in points), tuple(mean for _, mean in points))


def by_epoch(
    runs: Sequence[RunRecord],
    measure: Callable[[EpochRecord], float | None],
    limits: Limits = SHARE,
) -> Curve:
    """A measure of each epoch of the runs that ended with finite numbers."""
    watched = ended(runs)
    measured = [{float(run.when(e)): measure(e) for e in run.history} for run in watched]
    return folded(measured, numbered(watched), limits)


def by_probe(runs: Sequence[RunRecord], measure: Callable[[Layers], float | None]) -> Curve:
    """A share at each probe, those between epochs too, of the runs that ended."""
    watched = ended(runs)
    measured = [{when: measure(seen) for when, seen in run.timeline()} for run in watched]
    return folded(measured, numbered(watched))


def network(runs: Sequence[RunRecord], definition: str) -> Curve:
    """Share of all hidden units."""
    return by_probe(runs, lambda layers: share(layers, definition))


def layer(runs: Sequence[RunRecord], name: str, definition: str) -> Curve:
    """Share of the units of the layer of this name; empty where no run has it."""
    watched = ended(runs)
    places = [places_of(run).get(name) for run in watched]
    measured = [
        {when: None if i is None else getattr(seen[i], definition) for when, seen in run.timeline()}
        for run, i in zip(watched, places, strict=True)
    ]
    return folded(measured, numbered(watched))


def by_layer(runs: Sequence[RunRecord], definition: str) -> dict[str, Curve]:
    """Share of the units of each layer, first to last, by name; empty where no run ended."""
    return {name: layer(runs, name, definition) for name in names_of(ended(runs))}


def ended(runs: Sequence[RunRecord]) -> list[RunRecord]:
    """The runs with final numbers, which alone every table counts."""
    return [run for run in runs if run.ended]
