"""How long ``reluprobe report`` takes on many runs: a Markdown table.

The runs are copies of a real record, given by its path, with other rates, penalties and seeds, so
that each has an id and a configuration of its own::

    python benchmarks/report_time.py results/dying_relu/runs/44136fa355b3.json
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from reluprobe import grid, records
from reluprobe.config import SweepConfig, sweep_toml

#: Runs, and how long tables may take and tables with figures, in seconds; None: no bar.
BARS = ((1_000, 1.5, 20.0), (10_000, 8.0, None))
SEEDS = 10
COMMAND = "from reluprobe.cli import main; main()"


def copies(record: records.RunRecord, count: int, folder: Path) -> None:
    """Write a sweep of so many runs that went like this one: rates × L2 penalties × seeds."""
    rates = tuple(1e-3 * (1 + n) for n in range(10))
    penalties = tuple(1e-6 * n for n in range(count // SEEDS // len(rates)))
    axes = {"learning_rate": rates, "l2": penalties}
    base = {"epochs": record.config.epochs, "depth": record.config.depth}
    base |= {"width": record.config.width, "dataset": record.config.dataset}
    sweep = SweepConfig("many", base=base, grid=axes, seeds=tuple(range(SEEDS)))
    records.write_atomically(folder / "sweep.toml", sweep_toml(sweep))
    (folder / "runs").mkdir()
    for run in grid.expand(sweep).runs:
        copy = dataclasses.replace(record, id=run.id, config=run.config)
        (folder / "runs" / f"{run.id}.json").write_text(records.to_json(copy), "utf-8")


def seconds(folder: Path, *flags: str) -> float:
    """How long a report takes, from the shell's point of view."""
    began = time.perf_counter()
    command = [sys.executable, "-c", COMMAND, "report", str(folder), *flags]
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("record", type=Path, help="A record whose run ended.")
    record = records.read(parser.parse_args().record)
    print("| runs | MB | tables, s | bar | with figures, s | bar |")
    print("|---:|---:|---:|---:|---:|---:|")
    for count, bar, drawn in BARS:
        folder = Path(tempfile.mkdtemp())
        try:
            copies(record, count, folder)
            size = sum(f.stat().st_size for f in (folder / "runs").iterdir()) / 1e6
            tables, figures = seconds(folder, "--no-figures"), seconds(folder)
            allowed = "" if drawn is None else f"≤ {drawn:g}"
            print(
                f"| {count:,} | {size:.0f} | {tables:.1f} | ≤ {bar:g} | {figures:.1f} | {allowed} |"
            )
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
