"""Diff of two plans: which settings and runs differ, in at most a screen of lines."""

from __future__ import annotations

from collections.abc import Sequence

from reluprobe.config import SETTINGS, Value, labels, rank
from reluprobe.plan.runs import Run

MOST_SETTINGS, MOST_VALUES, MOST_RUNS = 10, 5, 3


def lines(existing: Sequence[Run], asked: Sequence[Run]) -> list[str]:
    """What is in a folder beside what was asked for: how many runs, which settings' values."""
    old, new = ({run.id: run for run in runs} for runs in (existing, asked))
    gone, more = ([a[i] for i in a if i not in b] for a, b in ((old, new), (new, old)))
    both = len(old) - len(gone)
    counts = f"{labels.count(len(old), 'run')} there, {len(new):,} asked for, {both:,} in both"
    settings = [text for name in SETTINGS if (text := _setting(name, existing, asked))]
    if not gone and not more:
        return [counts, "in another order, so that slices of the two do not fit together"]
    if not settings:  # the same values, otherwise combined
        settings = [*_runs("only there", gone), *_runs("only asked for", more)]
    hidden = len(settings) - MOST_SETTINGS
    rest = [f"and {hidden} more settings"] if hidden > 0 else []
    return [counts, *settings[:MOST_SETTINGS], *rest]


def _setting(name: str, existing: Sequence[Run], asked: Sequence[Run]) -> str | None:
    old, new = (dict.fromkeys(getattr(r.config, name) for r in runs) for runs in (existing, asked))
    if old.keys() == new.keys():
        return None
    if name == "data_sha256" and old.keys().isdisjoint(new):
        there, here = _values(list(old)), _values(list(new))
        return f"the data have changed: SHA-256 {there} there, {here} asked for"
    if not old.keys() & new.keys():
        return f"{name}: {_values(list(old))} there, {_values(list(new))} asked for"
    only = (("only there", old.keys() - new.keys()), ("only asked for", new.keys() - old.keys()))
    return f"{name}: " + "; ".join(f"{where} {_values(list(v))}" for where, v in only if v)


def _values(values: Sequence[Value]) -> str:
    listed = sorted(values, key=rank)
    shown = ", ".join(labels.setting(value) for value in listed[:MOST_VALUES])
    return f"{shown} … ({len(listed)})" if len(listed) > MOST_VALUES else shown


def _runs(where: str, runs: Sequence[Run]) -> list[str]:
    shown = [f"{where}: {labels.network(run.config)}" for run in runs[:MOST_RUNS]]
    more = len(runs) - len(shown)
    return [*shown, f"{where}: {more:,} more"] if more > 0 else shown
