"""What ten thousand runs cost beside a thousand: their plan, resuming them, and their report.

Run: ``python benchmarks/scale.py [RECORD]``. Prints a Markdown table, in less than three minutes.

The runs are copies of a record as ``report_time.py`` makes them: of the study's network, as today's
engine writes it, which is trained first where no RECORD is given. Plan: the sweep file read, its
runs made with their ids, and put into the order of training. Resume: which of them have a whole
record, where half have one and where all do. Report: ``reluprobe report --no-figures`` in a process
of its own, its time and its peak memory with files in the system's cache. Linear: a run costs no
more than ``LINEAR`` times as much among the many as among the few; of the report without what it
takes to start (the report of one run).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from goals import Goal, tell
from report_time import REPORT, copies, record_of

from reluprobe import records
from reluprobe.plan.order import arranged
from reluprobe.plan.runs import Run, expand
from reluprobe.records import resume
from reluprobe.records.folder import read_plan

FEW, MANY = 1_000, 10_000
#: Seconds, and MiB, that the report of the many may take.
REPORT_TIME, REPORT_MEMORY = 8.0, 1024
LINEAR = 1.5
#: Runs a command, and says how long it took and its peak memory. In a process between: what Linux
#: says of a child is never less than what its parent had in memory, which here is all the records.
WRAPPER = """
import resource, subprocess, sys, time
began = time.perf_counter()
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def timed(work: Callable[[], Any]) -> float:
    """Seconds that a call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def planned(folder: Path) -> list[Run]:
    """The runs of a folder's sweep in the order of training."""
    return arranged(expand(read_plan(folder)).runs, "seeds")


def half_lacking(folder: Path, runs: Sequence[Run]) -> float:
    """Seconds that resuming takes where every other record is away."""
    away = [folder / "runs" / f"{run.id}.json" for run in runs[::2]]
    for file in away:
        file.rename(file.with_suffix(".away"))
    try:
        return timed(lambda: resume.progress_of(folder, runs))
    finally:
        for file in away:
            file.with_suffix(".away").rename(file)


def report(folder: Path) -> tuple[float, float]:
    """Seconds and peak MiB of the report of a folder."""
    command = [sys.executable, "-c", WRAPPER, *REPORT, str(folder), "--no-figures"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    seconds, peak = map(float, done.stdout.split())
    return seconds, peak * (1 if sys.platform == "darwin" else 1024) / 2**20


def measured(record: records.RunRecord, count: int) -> dict[str, float]:
    """Everything of a sweep of so many runs, in seconds and MiB."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        copies(record, count, folder)
        values = {"plan": timed(lambda: planned(folder))}
        runs = planned(folder)
        values["half"] = half_lacking(folder, runs)
        values["all"] = timed(lambda: resume.progress_of(folder, runs))
        report(folder)  # into the system's cache
        values["report"], values["memory"] = report(folder)
    return values


def row(name: str, few: float, many: float, start: float = 0.0) -> Goal:
    """A row of both values, in seconds, and of what a run takes; whether that is linear."""
    one, other = (1e3 * (value - start) / n for value, n in ((few, FEW), (many, MANY)))
    print(f"| {name}, s | {few:.2f} | {many:.2f} | {one:.3f} | {other:.3f} |")
    title = f"{name}: a run among {MANY:,}, times one among {FEW:,}"
    return Goal(title, other / one, "≤", LINEAR)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("record", type=Path, nargs="?", help="A record whose run ended.")
    asked: Any = parser.parse_args()
    record = record_of(asked.record)
    few, many = (measured(record, count) for count in (FEW, MANY))
    start = started(record)
    title = f"records of {len(records.to_json(record)) / 1e3:.0f} KB"
    print(f"| {title} | {FEW:,} runs | {MANY:,} runs | ms a run | ms a run |")
    print("|---|---:|---:|---:|---:|")
    goals = [
        row("plan", few["plan"], many["plan"]),
        row("resume, half of the records there", few["half"], many["half"]),
        row("resume, all records there", few["all"], many["all"]),
        row("report, tables", few["report"], many["report"], start),
    ]
    print(f"| report, peak MiB | {few['memory']:.0f} | {many['memory']:.0f} | | |")
    tell(
        *goals,
        Goal(f"report of {MANY:,} runs, tables, s", many["report"], "≤", REPORT_TIME, "{:.1f}"),
        Goal("its peak memory, MiB", many["memory"], "≤", REPORT_MEMORY, "{:,.0f}"),
    )


def started(record: records.RunRecord) -> float:
    """Seconds that the report of one run takes: nearly all of it to start."""
    with tempfile.TemporaryDirectory() as place:
        records.write(record, Path(place))
        return min(report(Path(place))[0] for _ in range(3))


if __name__ == "__main__":
    main()
