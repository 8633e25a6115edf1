"""A report for machines: the same summary as the tables, as plain JSON values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reluprobe import summary
from reluprobe.archive import Archive


def report(
    found: Sequence[Archive], definition: str, by: Sequence[str] | None, sort: str | None
) -> dict[str, Any]:
    """Every sweep with its configurations; fractions in [0, 1], null where nothing applies."""
    return {"definition": definition, "sweeps": [_sweep(a, definition, by, sort) for a in found]}


def _sweep(
    found: Archive, definition: str, by: Sequence[str] | None, sort: str | None
) -> dict[str, Any]:
    rows = summary.ordered(summary.summarize(found.records, definition, by), sort)
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
        "unreadable": list(found.faults),
        "configurations": [_configuration(row) for row in rows],
    }


def _configuration(row: summary.Configuration) -> dict[str, Any]:
    return {
        "settings": dict(row.settings),
        "runs": row.runs,
        "diverged": row.diverged,
        "failed": row.failed,
        "layers": [_estimate(e) for e in row.layers],
        "mean": _estimate(row.mean),
        "test_accuracy": _estimate(row.accuracy),
        "test_loss": _estimate(row.loss),
        "train_loss": _estimate(row.train_loss),
    }


def _estimate(found: summary.Estimate | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"mean": found.mean, "half_width": found.half_width, "n": found.n}
