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
    environments,
    init_signal,
    phase_outcomes,
    replication,
    side_by_side,
    splits,
    unit_fates,
    unit_lives,
)
from reluprobe.config import Reference
from reluprobe.records.folder import Archive


def report(
    archives: Sequence[Archive],
    definition: str,
    by: Sequence[str] | None,
    sort: str | None,
    also: Collection[str] = (),
) -> dict[str, Any]:
    """Every sweep with its configurations; fractions in [0, 1], null where nothing applies."""
    sweeps = [_sweep(a, definition, by, sort, also) for a in archives]
    document = {"definition": definition, "sweeps": sweeps}
    with_records = [a.records for a in archives if a.records]
    if len(with_records) > 1:
        beside = _beside(side_by_side.line_up(with_records, definition, by, sort))
        every = (record for records in with_records for record in records)
        document["side_by_side"] = beside | {"environments": environments.differences(every)}
    return document


def _beside(beside: side_by_side.Beside) -> dict[str, Any]:
    """The sweeps that have runs, in order; null for a configuration that a sweep lacks."""
    return {
        "apart": {name: list(values) for name, values in beside.apart.items()},
        "configurations": [_line(line) for line in beside.lines],
    }


def _line(line: side_by_side.Line) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "settings": dict(line.settings),
        "sweeps": [None if one is None else _configuration(one) for one in line.sweeps],
    }
    if len(line.sweeps) == 2:
        fields["difference"] = dataclasses.asdict(side_by_side.difference(line))
    return fields


def _sweep(
    archive: Archive,
    definition: str,
    by: Sequence[str] | None,
    sort: str | None,
    also: Collection[str],
) -> dict[str, Any]:
    rows = aggregate.sort_summaries(aggregate.summarize(archive.records, definition, by), sort)
    return {
        "name": archive.name,
        "folder": archive.place,
        "runs": len(archive.records),
        "seconds": round(sum(r.seconds for r in archive.records), 3),
        "lost": [
            {"id": r.id, "status": r.status, "error": r.error}
            for r in archive.records
            if r.status != "ok"
        ],
        "collapsed": [
            {"id": r.id, **dataclasses.asdict(collapse)}
            for r in archive.records
            if (collapse := aggregate.collapsed(r)) is not None
        ],
        "environments": environments.differences(archive.records),
        "unreadable": list(archive.faults),
        "copies": list(archive.copies),
        "configurations": [_configuration(row) | _more(row, definition, also) for row in rows],
    } | ({} if archive.reference is None else {"reference": _reference(archive, archive.reference)})


def _more(row: aggregate.Summary, definition: str, also: Collection[str]) -> dict[str, Any]:
    """What the finished networks show on each sample, and what else was asked for."""
    runs = row.members
    measures: dict[str, Any] = {"samples": _plain(splits.by_split(runs, definition))}
    if any(run.phases for run in runs):
        measures["phases"] = [_plain(turn) for turn in phase_outcomes.turns(runs, definition)]
    if "lives" in also:
        measures["lives"] = _plain(unit_fates.fates(runs))
        measures["units"] = {
            run.id: [_units(seen) for seen in unit_lives.watched(run)] for run in runs
        }
    if "causes" in also:
        measures["causes"] = [_plain(layer) for layer in death_causes.blame(runs)]
    if "signals" in also:
        measures["signals"] = [_plain(layer) for layer in init_signal.signals(runs)]
    return measures


def _units(seen: unit_lives.Watched) -> dict[str, list[Any]]:
    """The life of every unit of a layer; ``first_death`` counts probes, -1 for none."""
    units = unit_lives.units(*seen)
    return {f.name: getattr(units, f.name).tolist() for f in dataclasses.fields(units)}


def _plain(measure: Any) -> dict[str, Any] | None:
    return None if measure is None else dataclasses.asdict(measure)


def _reference(archive: Archive, reference: Reference) -> dict[str, Any]:
    compared = replication.compare(archive.records, reference)
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


def _chosen(chosen: replication.Chosen) -> dict[str, Any]:
    return {
        "activation": chosen.activation,
        "runs": [run.id for run in chosen.runs],
        "left_out": chosen.left_out,
        "epoch": chosen.epoch,
        "published_epoch": chosen.entry.epoch,
        "differences": list(chosen.differences),
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
        "configurations": row.configurations,
        "diverged": row.diverged,
        "failed": row.failed,
        "collapsed": row.collapsed,
        "layers": [_estimate(e) for e in row.layers],
        "mean": _estimate(row.mean),
        "test_accuracy": _estimate(row.accuracy),
        "test_loss": _estimate(row.loss),
        "train_loss": _estimate(row.train_loss),
    }


def _estimate(estimate: aggregate.Estimate | None) -> dict[str, Any] | None:
    return None if estimate is None else dataclasses.asdict(estimate)
