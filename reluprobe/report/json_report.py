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
    rates,
    replication,
    side_by_side,
    splits,
    thresholds,
    unit_fates,
    unit_lives,
)
from reluprobe.analysis.effects import Effects, VarianceShare, effects
from reluprobe.analysis.sorting import extremes
from reluprobe.analysis.trained_badly import bad_runs
from reluprobe.config import Reference
from reluprobe.config.claim_form import Claim
from reluprobe.records import RunRecord
from reluprobe.records.folder import Archive
from reluprobe.report.terms import FOREIGN, terms_of

#: Configurations with the fewest dead units that are named, and with the most.
EXTREMES = 5


def report(
    archives: Sequence[Archive],
    definition: str,
    by: Sequence[str] | None,
    sort: str | None,
    also: Collection[str] = (),
) -> dict[str, Any]:
    """Every sweep with its configurations; fractions in [0, 1], null where nothing applies."""
    sweeps = [_sweep(a, definition, by, sort, also) for a in archives]
    every = [record for archive in archives for record in archive.records]
    document = {"definition": definition, "thresholds": thresholds_of(every), "sweeps": sweeps}
    for kind in side_by_side.by_kind(archives):
        if len(kind) > 1:
            of_sweeps = [archive.records for archive in kind]
            beside = _beside(side_by_side.line_up(of_sweeps, definition, by, sort))
            every = (record for records in of_sweeps for record in records)
            name = "side_by_side" if kind[0].records[0].ours else "foreign_side_by_side"
            document[name] = beside | {"environments": environments.differences(every)}
    return document


def thresholds_of(records: Sequence[RunRecord]) -> dict[str, list[float]]:
    """By which thresholds the units of these runs are told: one, or all that there are."""
    counted = [vars(thresholds.counted(record)) for record in records]
    return {
        setting: sorted({of_run[definition] for of_run in counted})
        for definition, setting in thresholds.SETTINGS.items()
    }


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
    measured = {
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
        "trained_badly": [
            {"id": run.id, "reason": how.reason, **dataclasses.asdict(how)}
            for run, how in bad_runs(archive.records)
        ],
        "environments": environments.differences(archive.records),
        "unreadable": list(archive.faults),
        "copies": list(archive.copies),
        **_effects(effects(archive.records, definition)),
        **_extremes(rows),
        "configurations": [_configuration(row) | _more(row, definition, also) for row in rows],
    }
    if archive.reference is not None:
        measured["reference"] = _reference(archive, archive.reference)
    if terms_of(archive.records).foreign:
        measured["networks"] = {run.id: _network(run) for run in archive.records}
    return measured


def _effects(measured: Effects | None) -> dict[str, Any]:
    """What each axis does, and which share of the variance it explains; empty without axes."""
    if measured is None:
        return {"effects": [], "variance": None}
    return {
        "effects": [
            {
                "axis": effect.axis,
                "value": effect.value,
                **_interval("dead", effect.dead),
                **_interval("accuracy", effect.accuracy),
                **_interval("r2", effect.r2),
                "runs": effect.runs,
                "blocks": effect.blocks,
                "over": effect.over,
            }
            for effect in measured.effects
        ],
        "variance": {
            "design": measured.design,
            "axes": list(measured.axes),
            "method": measured.method,
            "dead": _shares(measured.dead),
            "accuracy": _shares(measured.accuracy),
            "r2": _shares(measured.r2),
            "interactions": [dataclasses.asdict(pair) for pair in measured.interactions],
            "untold": measured.untold or None,
        },
    }


def _interval(name: str, estimate: aggregate.Estimate | None) -> dict[str, Any]:
    if estimate is None:
        return {name: None, f"{name}_interval": None}
    ends = None if estimate.low is None else [estimate.low, estimate.high]
    return {name: estimate.mean, f"{name}_interval": ends}


def _shares(shares: Sequence[VarianceShare]) -> list[dict[str, Any]]:
    return [{"axes": list(one.axes), "share": one.share} for one in shares]


def _extremes(rows: Sequence[aggregate.Summary]) -> dict[str, Any]:
    fewest, most = extremes(rows, EXTREMES)
    return {
        "fewest_dead": [dict(row.settings) for row in fewest],
        "most_dead": [dict(row.settings) for row in most],
    }


def _network(run: RunRecord) -> dict[str, Any]:
    """What was counted in a foreign run's network, and what not."""
    return {
        "name": run.settings["name"],
        "seed": run.seed,
        "steps": [look.step for look in run.history],
        "described": [dataclasses.asdict(layer) for layer in run.layers],
        "not_finite": [layer.not_finite for layer in run.final.layers] if run.history else [],
        "coverage": _plain(run.coverage),
    }


def _more(row: aggregate.Summary, definition: str, also: Collection[str]) -> dict[str, Any]:
    """What the finished networks show on each sample, and what else was asked for."""
    runs = row.members
    measures: dict[str, Any] = {"samples": _plain(splits.by_split(runs, definition))}
    if any(run.phases for run in runs):
        measures["phases"] = [_plain(turn) for turn in phase_outcomes.turns(runs, definition)]
    if "lives" in also:
        measures["lives"] = _lives(unit_fates.fates(runs, definition))
        measures["units"] = {run.id: _units(run, definition) for run in runs}
    if "causes" in also:
        measures["causes"] = [_plain(layer) for layer in death_causes.blame(runs)]
    if "rates" in also:
        measures["rates"] = _rates(rates.rates(runs))
    if "signals" in also:
        measures["signals"] = [_plain(layer) for layer in init_signal.signals(runs)]
    return measures


def _rates(found: rates.Rates | None) -> dict[str, Any] | None:
    """Layers as lists: runs that have firing rates are ours, and a place says which layer it is."""
    if found is None:
        return None
    content = dataclasses.asdict(found)
    firing, movement = content["firing"], content["movement"]
    firing["layers"] = [*firing["layers"].values()]
    for split in firing["splits"].values():
        split |= {name: [*split[name].values()] for name in ("rare", "linear", "dead_data")}
    if movement is not None:
        movement["layers"] = [*movement["layers"].values()]
    return content


def _lives(fates: unit_fates.Fates | None) -> dict[str, Any] | None:
    if fates is None:
        return None
    content = dataclasses.asdict(fates)
    foreign = content.pop("clock") == FOREIGN.clock
    # In a network of ours its place says which layer it is.
    named = [{"layer": n, **f} if foreign else f for n, f in content["layers"].items()]
    return content | {"layers": named}


def _units(run: RunRecord, definition: str) -> list[dict[str, Any]]:
    """The life of every unit, by layer; ``first_death`` counts probes, -1 for none."""
    watched = unit_lives.watched(run, definition)
    return [_of_layer(run, name, seen) for name, seen in watched.items()]


def _of_layer(run: RunRecord, name: str, seen: unit_lives.Watched) -> dict[str, Any]:
    units = unit_lives.units(*seen)
    named = {"layer": name} if run.ours is None else {}
    lives = {f.name: getattr(units, f.name).tolist() for f in dataclasses.fields(units)}
    return named | lives


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
        "compared": [_chosen(chosen) for chosen in compared.picked.values()],
        "published": [_published(row) for row in compared.rows],
        "claims": [_claim(judged) for judged in claims.judge_all(compared)],
    }


def _published(row: replication.PublishedValue) -> dict[str, Any]:
    return {"activation": row.settings.get("activation"), **dataclasses.asdict(row)}


def _chosen(chosen: replication.Picked) -> dict[str, Any]:
    beside = isinstance(chosen, replication.Chosen)
    return {
        "activation": chosen.settings.get("activation"),
        "settings": dict(chosen.settings),
        "runs": [run.id for run in chosen.runs],
        "left_out": chosen.left_out,
        "epoch": chosen.epoch,
        "published_epoch": chosen.entry.epoch if beside else None,
        "differences": list(chosen.differences),
    }


def _claim(judged: claims.Judged) -> dict[str, Any]:
    return {
        "claim": judged.claim.text,
        "source": judged.source,
        "activation": judged.activation,
        "counted_by": judged.claim.counted,
        "low": judged.low if math.isfinite(judged.low) else None,
        "high": judged.high if math.isfinite(judged.high) else None,
        "found": _estimate(judged.estimate),
        "verdict": judged.verdict.value,
        "over": judged.over,
        "also": list(judged.also),
        "written": _written(judged.claim),
    }


def _written(claim: Claim) -> dict[str, Any]:
    """The claim's own keys, but for those that are left at nothing."""
    return {key: value for key, value in dataclasses.asdict(claim).items() if value is not None}


def _configuration(row: aggregate.Summary) -> dict[str, Any]:
    named = {"layer_names": [*row.layers]} if terms_of(row.members).foreign else {}
    return named | {
        "settings": dict(row.settings),
        "runs": row.runs,
        "configurations": row.configurations,
        "diverged": row.diverged,
        "failed": row.failed,
        "collapsed": row.collapsed,
        "badly": row.badly,
        "layers": [_estimate(e) for e in row.layers.values()],
        "mean": _estimate(row.mean),
        "test_accuracy": _estimate(row.accuracy),
        "r2": _estimate(row.r2),
        "rmse": _estimate(row.rmse),
        "test_loss": _estimate(row.loss),
        "train_loss": _estimate(row.train_loss),
    }


def _estimate(estimate: aggregate.Estimate | None) -> dict[str, Any] | None:
    return None if estimate is None else dataclasses.asdict(estimate)
