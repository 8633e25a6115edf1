"""Pivot and aggregate records: numbers only, no formatting."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reluprobe.analysis.collapse import Collapse, collapsed
from reluprobe.config import SETTINGS, Value, rank, settings_of
from reluprobe.errors import InputError, nearest
from reluprobe.records import LayerRecord, RunRecord

__all__ = ["Collapse", "Estimate", "Pivot", "Summary", "axes", "check_axes", "collapsed"]
__all__ += ["estimate", "pivot", "quantile", "share", "sort_summaries", "summarize"]

#: Of the intervals.
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean over runs and half the width of its 95% interval (None for a single run)."""

    mean: float
    half_width: float | None
    n: int


@dataclass(frozen=True)
class Summary:
    """Runs that share the settings that tell configurations apart, folded together.

    Attributes:
        settings: those settings and their values; None for one without an effect here.
        runs: how many runs there are; ``diverged`` and ``failed`` of them have no final numbers,
            ``collapsed`` ones have and are averaged.
        layers: share of units per hidden layer, first to last, by the chosen definition.
        mean: the same over the whole network.
        accuracy, loss: on the test set.
        train_loss: mean over the last epoch.
        members: the runs themselves.
    """

    settings: Mapping[str, Value | None]
    runs: int
    diverged: int
    failed: int
    layers: tuple[Estimate | None, ...]
    mean: Estimate | None
    accuracy: Estimate | None
    loss: Estimate | None
    train_loss: Estimate | None
    collapsed: int = 0
    members: tuple[RunRecord, ...] = field(default=(), repr=False)


def estimate(values: Iterable[float | None]) -> Estimate | None:
    """Mean and 95% interval, m ± t₀.₉₇₅,ₙ₋₁ · s / √n (Student 1908); None without a value.

    Values that are None are measures that do not apply, and are left out.
    """
    there = [v for v in values if v is not None]
    n = len(there)
    if n == 0:
        return None
    mean = math.fsum(there) / n
    if n == 1:
        return Estimate(mean, None, 1)
    variance = math.fsum((v - mean) ** 2 for v in there) / (n - 1)
    return Estimate(mean, quantile(n - 1) * math.sqrt(variance / n), n)


@functools.cache
def quantile(freedom: int) -> float:
    """t₀.₉₇₅ of this many degrees of freedom."""
    # Imported here: SciPy takes 0.4 s to import, which --help should not wait for.
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + CONFIDENCE) / 2))


def share(layers: Sequence[LayerRecord], measure: str) -> float | None:
    """Share of all hidden units for which ``measure`` holds; None where it does not apply."""
    found = [(getattr(layer, measure), layer.units) for layer in layers]
    if not found or any(value is None for value, _ in found):
        return None
    return sum(value * units for value, units in found) / sum(units for _, units in found)


def axes(records: Sequence[RunRecord]) -> list[str]:
    """The settings, other than the seed, in which these runs differ."""
    columns = zip(*(vars(r.config).values() for r in records), strict=True)
    values = dict(zip(SETTINGS, map(set, columns), strict=False))
    return [name for name, there in values.items() if name != "seed" and len(there) > 1]


def check_axes(names: Sequence[str]) -> list[str]:
    """These names, each checked to be a setting.

    Raises:
        InputError: one is not.
    """
    wrong = [f"{n!r} is no setting{nearest(n, SETTINGS)}" for n in names if n not in SETTINGS]
    if wrong:
        raise InputError("cannot group by that", wrong)
    return list(names)


def summarize(
    records: Sequence[RunRecord], definition: str = "dead", by: Sequence[str] | None = None
) -> list[Summary]:
    """Fold runs into configurations, in order of appearance.

    Args:
        records: the runs.
        definition: which definition of death the shares count.
        by: the settings that tell configurations apart; all that vary but the seed, if None.
    """
    keys = axes(records) if by is None else check_axes(by)
    found: dict[tuple[Value, ...], list[RunRecord]] = {}
    for record in records:
        found.setdefault(tuple(getattr(record.config, k) for k in keys), []).append(record)
    return [_fold(_named(keys, runs[0]), runs, definition) for runs in found.values()]


def _named(keys: Sequence[str], run: RunRecord) -> dict[str, Value | None]:
    """The settings by which runs are told apart; None for one without an effect in these."""
    every = settings_of(run.config)
    return {k: every[k] if SETTINGS[k].applies(every) else None for k in keys}


def _fold(settings: dict[str, Value | None], runs: Sequence[RunRecord], definition: str) -> Summary:
    ends = [r.final for r in runs if r.status == "ok" and r.history]
    depth = max((len(e.layers) for e in ends), default=0)

    def at(layer: int) -> Estimate | None:
        there = [e.layers[layer] for e in ends if layer < len(e.layers)]
        return estimate(getattr(found, definition) for found in there)

    return Summary(
        settings,
        len(runs),
        sum(r.status == "diverged" for r in runs),
        sum(r.status == "failed" for r in runs),
        tuple(at(layer) for layer in range(depth)),
        estimate(share(e.layers, definition) for e in ends),
        estimate(e.test_accuracy for e in ends),
        estimate(e.test_loss for e in ends),
        estimate(e.train_loss for e in ends),
        sum(collapsed(r) is not None for r in runs),
        tuple(runs),
    )


#: What a table of configurations can be sorted by, besides its settings.
SORT_KEYS: dict[str, Callable[[Summary], Estimate | None]] = {
    "dead": lambda c: c.mean,
    "accuracy": lambda c: c.accuracy,
    "loss": lambda c: c.loss,
}


def sort_summaries(configurations: Sequence[Summary], key: str | None) -> list[Summary]:
    """Configurations sorted by ``key``, a measure or a setting; what has no value comes last.

    Dead shares and losses rise, accuracies fall: the best comes first.
    """
    if key is None:
        return list(configurations)
    measure = SORT_KEYS.get(key)
    if measure is not None:
        sign = -1 if key == "accuracy" else 1

        def by_measure(c: Summary) -> tuple[bool, float]:
            found = measure(c)
            return (found is None, 0.0 if found is None else sign * found.mean)

        return sorted(configurations, key=by_measure)
    if any(key not in c.settings for c in configurations):
        allowed = [*SORT_KEYS, *(configurations[0].settings if configurations else ())]
        raise InputError(
            "cannot sort by that",
            [f"--sort {key}: allowed is one of {', '.join(allowed)}{nearest(key, allowed)}"],
        )

    return sorted(configurations, key=lambda c: by_value(c.settings[key]))


def by_value(value: Value | None) -> tuple[bool, tuple[bool, Value]]:
    """A key to sort a setting's values by: numbers, words, and what has no effect."""
    return value is None, rank(0 if value is None else value)


@dataclass(frozen=True)
class Pivot:
    """The mean share over a table of two settings; ``cells`` by (row, column)."""

    rows: tuple[Value | None, ...]
    columns: tuple[Value | None, ...]
    cells: Mapping[tuple[Value | None, Value | None], Summary]


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
    columns = tuple(sorted({c for _, c in cells}, key=by_value))
    return Pivot(rows, columns, cells)
