"""How long ``reluprobe report`` takes on many runs.

Run: ``python benchmarks/report_time.py``. Prints a Markdown table.

The runs are copies of a real record, with other rates, penalties and seeds, so that each has an id
and a configuration of its own. The record is given by its path; without one the study's network is
trained for its 12 epochs first. Tables are the median of three reports, with their files in the
system's cache: written a moment ago, or read by the report before.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from reluprobe import records
from reluprobe.config import SweepConfig, sweep_toml
from reluprobe.plan.runs import expand

#: Runs, and how long tables may take and tables with figures, in seconds; None: no bar.
BARS = ((1_000, 1.5, 20.0), (10_000, 8.0, None))
SEEDS = 10


def copies(record: records.RunRecord, count: int, folder: Path) -> None:
    """Write a sweep of so many runs that went like this one: rates × L2 penalties × seeds."""
    rates = tuple(1e-3 * (1 + n) for n in range(10))
    penalties = tuple(1e-6 * n for n in range(count // SEEDS // len(rates)))
    axes = {"learning_rate": rates, "l2": penalties}
    config = record.ours
    assert config is not None
    base = {"epochs": config.epochs, "depth": config.depth}
    base |= {"width": config.width, "dataset": config.dataset}
    sweep = SweepConfig("many", base=base, grid=axes, seeds=tuple(range(SEEDS)))
    records.write_atomically(folder / "sweep.toml", sweep_toml(sweep))
    (folder / "runs").mkdir()
    for run in expand(sweep).runs:
        copy = dataclasses.replace(record, id=run.id, config=run.config)
        (folder / "runs" / f"{run.id}.json").write_text(records.to_json(copy), "utf-8")


def trained(folder: Path) -> Path:
    """The record of the study's network, trained here."""
    command = [sys.executable, "-m", "reluprobe", "train", "--out", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("**/runs/*.json"))


def seconds(folder: Path, *flags: str) -> float:
    """How long a report takes, from the shell's point of view."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "reluprobe", "report", str(folder), *flags]
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("record", type=Path, nargs="?", help="A record whose run ended.")
    asked: Any = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        record = records.read(asked.record or trained(Path(folder)))
    print("| runs | MB | tables, s | bar | with figures, s | bar |")
    print("|---:|---:|---:|---:|---:|---:|")
    for count, bar, drawn in BARS:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            copies(record, count, folder)
            size = sum(f.stat().st_size for f in (folder / "runs").iterdir()) / 1e6
            tables = statistics.median(seconds(folder, "--no-figures") for _ in range(3))
            figures = seconds(folder)
        allowed = "" if drawn is None else f"≤ {drawn:g}"
        print(f"| {count:,} | {size:.0f} | {tables:.1f} | ≤ {bar:g} | {figures:.1f} | {allowed} |")


if __name__ == "__main__":
    main()
