"""A comparison for machines: every number of the tables, unrounded, as plain JSON values."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from reluprobe.analysis import bootstrap, compare, contrast, environments
from reluprobe.analysis.baseline import Configuration
from reluprobe.analysis.blocks import Block, Pair
from reluprobe.analysis.change_alone import ChangeAlone, changes_alone
from reluprobe.analysis.contrast import MEASURES
from reluprobe.analysis.estimates import Fold
from reluprobe.analysis.quality import one_loss
from reluprobe.records import RunRecord, Setting
from reluprobe.records.folder import Archive
from reluprobe.report.json_report import thresholds_of

STATUSES = ("diverged", "failed", "collapsed")


def comparison(
    compared: compare.Comparison, archives: Sequence[Archive], sort: str
) -> dict[str, Any]:
    """Every group with its rows; fractions in [0, 1], null where nothing applies."""
    question = compared.question
    runs, again = compare.pool(archives)
    return {
        "definition": question.definition,
        "thresholds": thresholds_of(runs),
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
        "copies": [copy for a in archives for copy in a.copies],
        "without_baseline": [dict(within) for within in compared.without],
        "changes_alone": [_alone(one, question) for one in changes_alone(compared, sort)],
        "groups": [_group(group, question, sort) for group in compared.groups],
    }


def _alone(one: ChangeAlone, question: contrast.Question) -> dict[str, Any]:
    """What a change does over all blocks, of all groups."""
    return {
        "differs": dict(one.differs),
        "verdict": contrast.verdict(one.pooled, question.definition),
        "untold": None if one.untold is None else dataclasses.asdict(one.untold),
        "same": list(one.same),
        "over": one.pooled.over,
        "agree": one.agree,
        "parts": one.parts,
        "badly": one.pooled.badly,
        "baseline_badly": one.pooled.baseline_badly,
        "changes": _changes(one.pooled),
    }


def _changes(row: contrast.Contrast) -> dict[str, Any]:
    return {n: None if c is None else dataclasses.asdict(c) for n, c in row.changes.items()}


def _group(group: compare.Group, question: contrast.Question, sort: str) -> dict[str, Any]:
    """``same``: the settings in which blocks differ; they are the same on both sides of each."""
    rows = compare.sort_contrasts(group.rows, sort)
    runs = [one.done[seed] for one in group.baselines for seed in sorted(one.done)]
    settings = {k: v for k, v in group.baselines[0].settings.items() if k not in group.same}
    return {
        "within": dict(group.within),
        "same": group.same,
        "baseline": _fates(group.baselines) | _means(runs, question) | {"settings": settings},
        "alone": [dict(one.settings) for one in group.alone],
        "rows": [_row(row, group, question) for row in rows],
    }


def _fates(configurations: Sequence[Configuration]) -> dict[str, list[int]]:
    """The seeds of all runs, and of those that met with something."""
    seeds = sorted(seed for one in configurations for seed in one.runs)
    return {
        "seeds": seeds,
        **{what: sorted(s for c in configurations for s in c.seeds(what)) for what in STATUSES},
    }


def _means(runs: Iterable[RunRecord], question: contrast.Question) -> dict[str, Any]:
    average = Fold(runs)
    estimates = {
        name: average(lambda run, name=name: contrast.measure(run, name, question), limits)
        for name, limits in MEASURES.items()
        if name != "loss" or one_loss(average.runs)
    }
    estimates = {name: estimates.get(name) for name in MEASURES}
    return {name: None if e is None else dataclasses.asdict(e) for name, e in estimates.items()}


def _row(
    row: contrast.Contrast, group: compare.Group, question: contrast.Question
) -> dict[str, Any]:
    return {
        "differs": dict(row.differs),
        "verdict": contrast.verdict(row, question.definition),
        "helps": row.helps,
        "badly": row.badly,
        "baseline_badly": row.baseline_badly,
        **_fates([block.other for block in row.blocks]),
        # Of the runs that have a pair, as in the table.
        **_means([pair.other for pair in row.pairs], question),
        "over": row.over,
        "blocks": [_block(block, group.same) for block in row.blocks],
        "pairs": [_pair(pair, row.blocks[pair.block], group.same, question) for pair in row.pairs],
        "lacking": sorted(seed for block in row.blocks for seed in block.lacking),
        "extra": sorted(seed for block in row.blocks for seed in block.extra),
        "changes": _changes(row),
    }


def _block(block: Block, same: Sequence[str]) -> dict[str, Any]:
    seeds = {"lacking": list(block.lacking), "extra": list(block.extra)}
    return {"settings": _settings(block, same), **_fates([block.other]), **seeds}


def _settings(block: Block, same: Sequence[str]) -> dict[str, Setting]:
    return {name: block.baseline.settings[name] for name in same}


def _pair(
    pair: Pair, block: Block, same: Sequence[str], question: contrast.Question
) -> dict[str, Any]:
    sides = {"baseline": pair.baseline, "other": pair.other}
    measures = {
        name: {side: contrast.measure(run, name, question) for side, run in sides.items()}
        for name in MEASURES
    }
    return {"settings": _settings(block, same), "seed": pair.seed, **measures}
