"""Sweeps side by side: which configurations line up, and by how much they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reluprobe.analysis.aggregate import Summary, fold_by, sort_summaries
from reluprobe.analysis.axes import applies_in_any, axes, check_axes
from reluprobe.analysis.estimates import Estimate
from reluprobe.analysis.quality import QUALITIES
from reluprobe.analysis.settings import names_in, value_of
from reluprobe.records import RunRecord, Setting
from reluprobe.records.folder import Archive


@dataclass(frozen=True)
class Line:
    """One configuration in each sweep; None where a sweep has no run of it."""

    settings: Mapping[str, Setting]
    sweeps: tuple[Summary | None, ...]

    @property
    def present(self) -> list[Summary]:
        """In the sweeps that have it."""
        return [one for one in self.sweeps if one is not None]


@dataclass(frozen=True)
class Beside:
    """Sweeps lined up.

    Attributes:
        apart: what sets whole sweeps apart: settings that have one value in each, and not the
            same in all; a value a sweep.
        lines: configurations by the settings that vary within a sweep; those of several sweeps
            first.
    """

    apart: Mapping[str, tuple[Setting, ...]]
    lines: tuple[Line, ...]

    @property
    def shared(self) -> list[Line]:
        """The configurations that more than one sweep has."""
        return [line for line in self.lines if len(line.present) > 1]


@dataclass(frozen=True)
class Difference:
    """Second − first, of means; None where one of them has none."""

    dead: float | None
    accuracy: float | None
    r2: float | None = None


def line_up(
    sweeps: Sequence[Sequence[RunRecord]],
    definition: str = "dead",
    by: Sequence[str] | None = None,
    sort: str | None = None,
) -> Beside:
    """Line the configurations of sweeps up, each with at least one run.

    Args:
        sweeps: the runs of each.
        definition: which definition of death counts.
        by: the settings that tell configurations apart; all that vary within a sweep, if None.
        sort: what to order lines by (see ``aggregate.sort_summaries``), in the first sweep that
            has them.

    Raises:
        InputError: ``by`` or ``sort`` names no such thing.
    """
    within = {name for runs in sweeps for name in axes(runs)}
    every = [run for runs in sweeps for run in runs]
    keys = [n for n in names_in(every) if n in within] if by is None else check_axes(by, every)
    lone = [n for n in axes(every) if n not in {*within, *keys} and applies_in_any(every, n)]
    columns: dict[tuple[Setting, ...], list[Summary | None]] = {}
    for at, runs in enumerate(sweeps):
        for summary in fold_by(keys, runs, definition):
            values = tuple(summary.settings.values())
            columns.setdefault(values, [None] * len(sweeps))[at] = summary
    lines = [Line(dict(zip(keys, values, strict=True)), tuple(c)) for values, c in columns.items()]
    lines = _ordered(lines, sort)
    lines.sort(key=lambda line: len(line.present) == 1)
    apart = {n: tuple(value_of(runs[0], n) for runs in sweeps) for n in lone}
    return Beside(apart, tuple(lines))


def by_kind(sweeps: Sequence[Archive]) -> list[list[Archive]]:
    """Sweeps with a record, those of runs of ours and those of foreign ones: no table has both."""
    present = [sweep for sweep in sweeps if sweep.records]
    ours = [sweep for sweep in present if sweep.records[0].ours is not None]
    foreign = [sweep for sweep in present if sweep.records[0].ours is None]
    return [kind for kind in (ours, foreign) if kind]


def _ordered(lines: Sequence[Line], sort: str | None) -> list[Line]:
    line_of = {id(line.present[0]): line for line in lines}
    return [line_of[id(one)] for one in sort_summaries([line.present[0] for line in lines], sort)]


def difference(line: Line) -> Difference:
    """Of a line of two sweeps."""
    first, second = line.sweeps
    if first is None or second is None:
        return Difference(None, None)
    better = (_less(one.among(second), one.among(first)) for one in QUALITIES)
    return Difference(_less(second.mean, first.mean), *better)


def _less(a: Estimate | None, b: Estimate | None) -> float | None:
    return None if a is None or b is None else a.mean - b.mean


def common(line: Line) -> tuple[int, int]:
    """How many seeds every sweep that has this line has in it, and how many runs."""
    seeds = [{run.seed for run in one.members} for one in line.present]
    ids = [{run.id for run in one.members} for one in line.present]
    return len(set.intersection(*seeds)), len(set.intersection(*ids))
