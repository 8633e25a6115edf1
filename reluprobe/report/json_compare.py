"""A comparison for machines: every number of the tables, unrounded, as plain JSON values."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from reluprobe.analysis import bootstrap, compare, contrast, environments
from reluprobe.analysis.aggregate import estimate
from reluprobe.analysis.baseline import Configuration
from reluprobe.records import RunRecord
from reluprobe.records.folder import Archive

MEASURES = ("dead", "accuracy", "loss")


def comparison(
    compared: compare.Comparison, archives: Sequence[Archive], sort: str
) -> dict[str, Any]:
    """Every group with its rows; fractions in [0, 1], null where nothing applies."""
    question = compared.question
    runs, again = compare.pool(archives)
    return {
        "definition": question.definition,
        "on": question.on,
        "interval": {"confidence": bootstrap.CONFIDENCE, "method": "bootstrap-t"},
        "runs": len(runs),
        "found_again": again,
        "lost": [
            {"id": r.id, "status": r.status, "error": r.error} for r in runs if r.status != "ok"
        ],
        "missing": [{"folder": a.place, "runs": a.missing} for a in archives if a.missing],
        "environments": environments.differences(runs),
        "unreadable": [fault for a in archives for fault in a.faults],
        "without_baseline": [dict(within) for within in compared.without],
        "groups": [_group(group, question, sort) for group in compared.groups],
    }


def _group(group: compare.Group, question: contrast.Question, sort: str) -> dict[str, Any]:
    rows = compare.sort_contrasts(group.rows, sort)
    return {
        "within": dict(group.within),
        "baseline": _configuration(group.baseline, question)
        | {"settings": dict(group.baseline.settings)},
        "rows": [_row(row, group.baseline, question) for row in rows],
    }


def _configuration(configuration: Configuration, question: contrast.Question) -> dict[str, Any]:
    return {
        "seeds": sorted(configuration.runs),
        **{status: configuration.seeds(status) for status in ("diverged", "failed", "collapsed")},
        **_means([configuration.done[seed] for seed in sorted(configuration.done)], question),
    }


def _means(runs: Sequence[RunRecord], question: contrast.Question) -> dict[str, Any]:
    estimates = {n: estimate(contrast.measure(run, n, question) for run in runs) for n in MEASURES}
    return {name: None if e is None else dataclasses.asdict(e) for name, e in estimates.items()}


def _row(
    row: contrast.Contrast, baseline: Configuration, question: contrast.Question
) -> dict[str, Any]:
    ours, theirs = row.configuration.done, baseline.done
    return {
        "differs": dict(row.differs),
        "verdict": contrast.verdict(row, baseline, question.definition),
        "helps": row.helps,
        **_configuration(row.configuration, question),
        # Of the runs that have a pair, as in the table.
        **_means([ours[seed] for seed in row.pairs], question),
        "pairs": [
            {"seed": s, **{n: _sides(ours[s], theirs[s], n, question) for n in MEASURES}}
            for s in row.pairs
        ],
        "lacking": list(row.lacking),
        "extra": list(row.extra),
        "changes": {
            n: None if c is None else dataclasses.asdict(c) for n, c in row.changes.items()
        },
    }


def _sides(
    ours: RunRecord, theirs: RunRecord, name: str, question: contrast.Question
) -> dict[str, float | None]:
    return {
        "baseline": contrast.measure(theirs, name, question),
        "other": contrast.measure(ours, name, question),
    }
