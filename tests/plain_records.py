"""Records that no training has made: no unit of theirs is ever dead."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reluprobe import records
from reluprobe.config import parse_sweep, sweep_toml
from reluprobe.plan.runs import Run, expand

BASE = {"dataset": "blobs", "width": 4, "depth": 1, "epochs": 1}


def record_of(run: Run, **other: Any) -> records.RunRecord:
    """The whole record of a run, but for what is given."""
    width, depth = run.config.width, run.config.depth
    layers = (records.LayerRecord(width, *[0.0] * 5, None, "00" * -(-width // 8)),) * depth
    epochs = tuple(
        records.EpochRecord(n, None, None, 2.0, 0.5, layers) for n in range(run.config.epochs + 1)
    )
    fields = dict(status="ok", environment={}, seconds=0.1, history=epochs)
    fields |= dict(error="it broke" if other.get("status") == "failed" else None)
    fields |= dict(probe=records.ProbeRecord("train", 9))
    return records.RunRecord(records.SCHEMA, run.id, run.config, **(fields | other))


def write_sweep(folder: Path, seeds: int = 2, **axes: Sequence[Any]) -> list[Run]:
    """A sweep that has been run into this folder, whatever it is called; its runs."""
    sweep = parse_sweep({"name": "s", "seeds": seeds, "base": BASE, "grid": axes})
    runs = list(expand(sweep).runs)
    for run in runs:
        records.write(record_of(run), folder)
    (folder / "sweep.toml").write_text(sweep_toml(sweep))
    return runs
