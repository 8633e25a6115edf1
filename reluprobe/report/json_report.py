"""A report for machines: the same summary as the tables, as plain JSON values."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Sequence
from typing import Any

from reluprobe.analysis import (
    aggregate,
    claims,
    death_causes,
    init_signal,
    phase_outcomes,
    replication,
    side_by_side,
    splits,
    unit_lives,
)
from reluprobe.config import Reference
from reluprobe.records.folder import Archive


def report(
    found: Sequence[Archive],
    definition: str,
    by: Sequence[str] | None,
    sort: str | None,
    also: Collection[str] = (),
) -> dict[str, Any]:
    """Every sweep with its configurations; fractions in [0, 1], null where nothing applies."""
    sweeps = [_sweep(a, definition, by, sort, also) for a in found]
    told = {"definition": definition, "sweeps": sweeps}
    there = [a.records for a in found if a.records]
    if len(there) > 1:
        told["side_by_side"] = _beside(side_by_side.line_up(there, definition, by, sort))
    return told


def _beside(found: side_by_side.Beside) -> dict[str, Any]:
    """The sweeps that have runs, in order; null for a configuration that a sweep lacks."""
    return {
        "apart": {name: list(values) for name, values in found.apart.items()},
        "configurations": [_line(line) for line in found.lines],
    }


def _line(line: side_by_side.Line) -> dict[str, Any]:
    told: dict[str, Any] = {
        "settings": dict(line.settings),
        "sweeps": [None if one is None else _configuration(one) for one in line.sweeps],
    }
    if len(line.sweeps) == 2:
        told["difference"] = dataclasses.asdict(side_by_side.difference(line))
    return told


def _sweep(
    found: Archive,
    definition: str,
    by: Sequence[str] | None,
    sort: str | None,
    also: Collection[str],
) -> dict[str, Any]:
    rows = aggregate.sort_summaries(aggregate.summarize(found.records, definition, by), sort)
    return {
        "name": found.name,
        "folder": str(found.folder),
        "runs": len(found.records),
        "seconds": round(sum(r.seconds for r in found.records), 3),
        "lost": [
            {"id": r.id, "status": r.status, "error": r.error}
            for r in found.records
            if r.status != "ok"
        ],
        "collapsed": [
            {"id": r.id, **dataclasses.asdict(collapse)}
            for r in found.records
            if (collapse := aggregate.collapsed(r)) is not None
        ],
        "unreadable": list(found.faults),
        "configurations": [_configuration(row) | _more(row, definition, also) for row in rows],
    } | ({} if found.reference is None else {"reference": _reference(found, found.reference)})


def _more(row: aggregate.Summary, definition: str, also: Collection[str]) -> dict[str, Any]:
    """What the finished networks show on each sample, and what else was asked for."""
    runs = row.members
    found: dict[str, Any] = {"samples": _plain(splits.by_split(runs, definition))}
    if any(run.phases for run in runs):
        found["phases"] = [_plain(turn) for turn in phase_outcomes.turns(runs, definition)]
    if "lives" in also:
        found["lives"] = _plain(unit_lives.fates(runs))
        found["units"] = {run.id: [_units(mask) for mask in unit_lives.masks(run)] for run in runs}
    if "causes" in also:
        found["causes"] = [_plain(layer) for layer in death_causes.blame(runs)]
    if "signals" in also:
        found["signals"] = [_plain(layer) for layer in init_signal.signals(runs)]
    return found


def _units(mask: unit_lives.Mask) -> dict[str, list[Any]]:
    """The life of every unit of a layer; ``first_death`` counts probes, -1 for none."""
    fields = dataclasses.fields(unit_lives.Units)
    return {f.name: getattr(unit_lives.units(mask), f.name).tolist() for f in fields}


def _plain(found: Any) -> dict[str, Any] | None:
    return None if found is None else dataclasses.asdict(found)


def _reference(found: Archive, reference: Reference) -> dict[str, Any]:
    compared = replication.compare(found.records, reference)
    return {
        "name": reference.name,
        "source": reference.source,
        "criterion": reference.criterion,
        "definition": reference.definition,
        "unchecked": reference.unchecked(),
        "skipped": list(compared.skipped),
        "compared": [_chosen(chosen) for chosen in compared.chosen.values()],
        "published": [dataclasses.asdict(row) for row in compared.rows],
        "claims": [_claim(judged) for judged in claims.judge_all(compared)],
    }


def _chosen(found: replication.Chosen) -> dict[str, Any]:
    return {
        "activation": found.activation,
        "runs": [run.id for run in found.runs],
        "left_out": found.left_out,
        "epoch": found.epoch,
        "published_epoch": found.entry.epoch,
        "differences": list(found.differences),
    }


def _claim(judged: claims.Judged) -> dict[str, Any]:
    claim = judged.claim
    return {
        "claim": claim.text,
        "source": claim.source,
        "activation": claim.activation,
        "counted_by": claim.counted,
        "low": claim.low if math.isfinite(claim.low) else None,
        "high": claim.high if math.isfinite(claim.high) else None,
        "found": _estimate(judged.estimate),
        "verdict": judged.verdict.value,
    }


def _configuration(row: aggregate.Summary) -> dict[str, Any]:
    return {
        "settings": dict(row.settings),
        "runs": row.runs,
        "diverged": row.diverged,
        "failed": row.failed,
        "collapsed": row.collapsed,
        "layers": [_estimate(e) for e in row.layers],
        "mean": _estimate(row.mean),
        "test_accuracy": _estimate(row.accuracy),
        "test_loss": _estimate(row.loss),
        "train_loss": _estimate(row.train_loss),
    }


def _estimate(found: aggregate.Estimate | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"mean": found.mean, "half_width": found.half_width, "n": found.n}
