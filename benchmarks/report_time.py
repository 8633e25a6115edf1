"""How long ``reluprobe report`` takes: of the quickstart's runs, and of a thousand.

Run: ``python benchmarks/report_time.py``. Prints a Markdown table.

Of the quickstart's 36 runs the figures and the page are held against what they are made with on
the same machine at the same time: they may take six times as long as importing Altair, and the
tables. The many runs are copies of a real record, with other rates, penalties and seeds, so that
each has an id and a configuration of its own. Results and record are given by their paths; without
them the quickstart's runs and the study's network are trained first. Times are medians of three,
with files in the system's cache: written a moment ago, or read by the report before.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from goals import Goal, tell

from reluprobe import records
from reluprobe.config import SweepConfig, sweep_toml
from reluprobe.plan.runs import expand

QUICKSTART = Path(__file__).parents[1] / "sweeps" / "quickstart.toml"
#: Figures and page of the quickstart may take so many times an import of Altair, and the tables.
TIMES = 6
#: How many runs, and how long tables may take and tables with figures, in seconds.
MANY, TABLES, EVERYTHING = 1_000, 1.5, 12.0
SEEDS = 10
ALTAIR = (sys.executable, "-c", "import altair")
REPORT = (sys.executable, "-m", "reluprobe", "report")


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
    runs = expand(sweep).runs
    first = dataclasses.replace(record, id=runs[0].id, config=runs[0].config)
    text, old = records.to_json(first), config_text(first)
    for run in runs:
        copy = dataclasses.replace(record, id=run.id, config=run.config)
        changed = text.replace(first.id, run.id, 1).replace(old, config_text(copy), 1)
        (folder / "runs" / f"{run.id}.json").write_text(changed, "utf-8")
    assert changed == records.to_json(copy)


def config_text(record: records.RunRecord) -> str:
    """The settings of a run as they stand in its record."""
    settings = json.loads(records.to_json(dataclasses.replace(record, history=(), samples=())))
    return json.dumps(settings["config"])


def trained(folder: Path, *command: str) -> Path:
    """A folder of results, trained here."""
    words = [sys.executable, "-m", "reluprobe", *command, "--out", str(folder)]
    subprocess.run(words, check=True, capture_output=True)
    return next(folder.glob("**/runs")).parent


def record_of(path: Path | None) -> records.RunRecord:
    """That record, or one of the study's network trained now: as today's engine writes them.

    An older one is smaller, and would flatter.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = path or next((trained(Path(folder), "train") / "runs").glob("*.json"))
        record = records.read(file)
    last = record.samples[-1].layers if record.samples else ()
    if record.schema != records.SCHEMA or not all(layer.rates and layer.firing for layer in last):
        raise SystemExit(f"{path}: is no whole record of schema {records.SCHEMA}")
    return record


def seconds(command: Sequence[str]) -> float:
    """How long a command takes, from the shell's point of view."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def medians(*commands: Sequence[str], repeats: int = 3) -> list[float]:
    """The median time of each, taken in turns: what else the machine does is shared."""
    rounds = [[seconds(command) for command in commands] for _ in range(repeats)]
    return [statistics.median(times) for times in zip(*rounds, strict=True)]


def reports(folder: Path) -> tuple[Sequence[str], Sequence[str]]:
    """The commands that report a folder: tables alone, and all."""
    return (*REPORT, str(folder), "--no-figures"), (*REPORT, str(folder))


def quickstart(results: Path | None) -> Goal:
    """The quickstart's runs: a row of the table, and its goal."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "quickstart"
        source = results or trained(Path(place) / "trained", "sweep", str(QUICKSTART))
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns("report"))
        runs = len(list((copy / "runs").iterdir()))
        altair, tables, everything = medians(ALTAIR, *reports(copy))
    print(f"| {runs} | {tables:.1f} | {everything:.1f} |", flush=True)
    wanted = TIMES * altair + tables
    title = f"report of {runs} runs with figures, s ({TIMES} × `import altair`, and the tables)"
    return Goal(title, everything, "≤", wanted, "{:.1f}")


def many(record: records.RunRecord) -> tuple[Goal, Goal]:
    """The many runs: a row of the table, and its goals."""
    with tempfile.TemporaryDirectory() as place:
        copies(record, MANY, Path(place))
        tables, everything = reports(Path(place))
        (table_time,) = medians(tables)
        (whole,) = medians(everything, repeats=1)
    print(f"| {MANY:,} | {table_time:.1f} | {whole:.1f} |", flush=True)
    return (
        Goal(f"report of {MANY:,} runs, tables, s", table_time, "≤", TABLES, "{:.1f}"),
        Goal(f"report of {MANY:,} runs with figures, s", whole, "≤", EVERYTHING, "{:.1f}"),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("record", type=Path, nargs="?", help="A record whose run ended.")
    parser.add_argument("--quickstart", type=Path, help="The results of sweeps/quickstart.toml.")
    asked: Any = parser.parse_args()
    print("| runs | tables, s | with figures and page, s |")
    print("|---:|---:|---:|")
    few = quickstart(asked.quickstart)
    tell(few, *many(record_of(asked.record)))


if __name__ == "__main__":
    main()
