"""Fold runs into configurations: means and intervals of each; tables of two settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reluprobe.analysis.axes import applies_in_all, applies_in_any, axes, check_axes
from reluprobe.analysis.collapse import Collapse, collapsed
from reluprobe.analysis.estimates import (
    POSITIVE,
    Estimate,
    Fold,
    by_layer,
    estimate,
    numbered,
    quantile,
    share,
)
from reluprobe.analysis.layers import by_name
from reluprobe.analysis.quality import ACCURACY, R2, one_loss
from reluprobe.analysis.settings import check_kind, value_of
from reluprobe.analysis.sorting import SORT_KEYS, place, unknown_key
from reluprobe.analysis.trained_badly import bad_runs
from reluprobe.config import full_name, rank
from reluprobe.records import RunRecord, Setting

__all__ = ["SORT_KEYS", "Collapse", "Estimate", "Pivot", "Summary", "applies_in_all"]
__all__ += ["applies_in_any", "axes", "check_axes", "collapsed", "estimate", "pivot"]
__all__ += ["quantile", "share", "sort_summaries", "summarize"]


@dataclass(frozen=True)
class Summary:
    """Runs that share the settings that tell configurations apart, folded together.

    Attributes:
        settings: those settings and their values; None for one without an effect here.
        runs: how many runs there are; ``diverged`` and ``failed`` of them have no final numbers,
            ``collapsed`` ones, and those that trained ``badly``, have and are averaged.
        configurations: how many differ in more than the seed; of more than one there is no
            interval, only what their means lie between.
        layers: share of units per hidden layer, first to last, by the chosen definition; by the
            layers' names.
        mean: the same over the whole network.
        accuracy, loss: on the test set. No loss is a mean of cross-entropies and squared errors.
        train_loss: mean over the last epoch.
        members: the runs themselves.
        r2, rmse: of the regressions among them, on the test set.
    """

    settings: Mapping[str, Setting]
    runs: int
    diverged: int
    failed: int
    layers: Mapping[str, Estimate | None]
    mean: Estimate | None
    accuracy: Estimate | None
    loss: Estimate | None
    train_loss: Estimate | None
    collapsed: int = 0
    badly: int = 0
    configurations: int = 1
    members: tuple[RunRecord, ...] = field(default=(), repr=False)
    r2: Estimate | None = None
    rmse: Estimate | None = None

    @property
    def mixes(self) -> list[str]:
        """The settings that are folded together in it: none where its runs are seeds alone."""
        return axes(self.members) if self.configurations > 1 else []

    def value(self, key: str) -> float | None:
        """The mean of one of ``SORT_KEYS``, by which tables are sorted."""
        chosen: Estimate | None = self.mean if key == "dead" else getattr(self, key)
        return None if chosen is None else chosen.mean


def summarize(
    records: Sequence[RunRecord], definition: str = "dead", by: Sequence[str] | None = None
) -> list[Summary]:
    """Fold runs into configurations, in order of appearance.

    Args:
        records: the runs.
        definition: which definition of death the shares count.
        by: the settings that tell configurations apart; all that vary but the seed, if None.
    """
    keys = axes(records) if by is None else check_axes(by, records)
    check_kind(records)
    return fold_by(keys, records, definition)


def fold_by(keys: Sequence[str], records: Sequence[RunRecord], definition: str) -> list[Summary]:
    """Fold runs that have the same values of these settings; a foreign run may lack some."""
    groups: dict[tuple[Setting, ...], list[RunRecord]] = {}
    for record in records:
        groups.setdefault(tuple(value_of(record, k) for k in keys), []).append(record)
    return [_fold(_named(keys, values, runs), runs, definition) for values, runs in groups.items()]


def _named(
    keys: Sequence[str], values: Sequence[Setting], runs: Sequence[RunRecord]
) -> dict[str, Setting]:
    """The settings that these runs share; None for one without an effect in any of them."""
    return {
        key: value if applies_in_any(runs, key) else None
        for key, value in zip(keys, values, strict=True)
    }


def _fold(settings: dict[str, Setting], runs: Sequence[RunRecord], definition: str) -> Summary:
    average = Fold(run for run in runs if run.ended)
    layers = [by_name(run, run.final.layers) for run in average.runs]
    alike = one_loss(average.runs)
    return Summary(
        settings,
        len(runs),
        sum(r.status == "diverged" for r in runs),
        sum(r.status == "failed" for r in runs),
        by_layer(layers, definition, average.groups),
        average(lambda run: share(run.final.layers, definition)),
        average(ACCURACY.of, ACCURACY.limits),
        average(lambda run: run.final.test_loss, POSITIVE) if alike else None,
        average(lambda run: run.final.train_loss, POSITIVE) if alike else None,
        sum(collapsed(r) is not None for r in runs),
        len(bad_runs(runs)),
        len(set(numbered(runs))),
        tuple(runs),
        average(R2.of, R2.limits),
        average(lambda run: run.final.rmse, POSITIVE),
    )


def sort_summaries(configurations: Sequence[Summary], key: str | None) -> list[Summary]:
    """Configurations sorted by ``key``, a measure or a setting; what has no value comes last.

    Dead shares, losses and RMSE rise, accuracies and R² fall: the best comes first. Ties go by
    accuracy or R².

    Raises:
        InputError: there is no such measure, and no such setting in every configuration.
    """
    if key is None:
        return list(configurations)
    known = [*SORT_KEYS, *(configurations[0].settings if configurations else ())]
    key = full_name(key, known)
    if key in SORT_KEYS:
        return sorted(configurations, key=lambda c: place(key, c))
    if any(key not in c.settings for c in configurations):
        raise unknown_key(key, known)
    return sorted(configurations, key=lambda c: rank(c.settings[key]))


@dataclass(frozen=True)
class Pivot:
    """The mean share over a table of two settings; ``cells`` by (row, column)."""

    rows: tuple[Setting, ...]
    columns: tuple[Setting, ...]
    cells: Mapping[tuple[Setting, Setting], Summary]


def pivot(
    records: Sequence[RunRecord], row: str, column: str, definition: str = "dead"
) -> Pivot | None:
    """A table of two settings, all others folded; None unless the runs vary in both."""
    if not {row, column} <= set(axes(records)):
        return None
    cells = {
        (c.settings[row], c.settings[column]): c
        for c in summarize(records, definition, by=[row, column])
    }
    rows = tuple(dict.fromkeys(r for r, _ in cells))
    columns = tuple(sorted({c for _, c in cells}, key=rank))
    return Pivot(rows, columns, cells)
