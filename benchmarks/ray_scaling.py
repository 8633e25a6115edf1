"""How much more two workers of a Ray cluster do than one, one core each, and what sending costs.

Run: ``pip install ".[ray]" && python benchmarks/ray_scaling.py``. Prints a Markdown table.

Short runs of the study's network, through the same ``dispatch`` and ``RayExecutor`` as
``reluprobe sweep --executor ray``, first on a cluster with one worker, then on one with two. Each
worker is a node of one core whose processes are pinned to it; the driver and Ray's head, whose node
takes no task, are free to go where there is room.

Start-up and compiling are left out: what counts is the time from the moment at which every worker
has ended a run (``all_warm``) to that at which one has nothing more to do (``first_idle``). A run
lasts from the end of the one before it in its chunk, or its chunk's beginning, to the moment at
which its record was written (the file's time); one that lies partly in between counts in part.
The driver's share is the processor time of its process, Ray's threads in it too, over that time.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from goals import Goal, tell

#: Two workers are to do so many times the work of one, and the driver to take less of a core.
TIMES, DRIVER = 1.8, 0.02


@dataclass
class Log:
    """When what happened, on the clock of the files, and the driver's processor time by then."""

    begun: dict[Path, float] = field(default_factory=dict)
    ended: dict[Path, float] = field(default_factory=dict)
    clock: list[float] = field(default_factory=list)
    spent: list[float] = field(default_factory=list)

    def note(self, happening: Any) -> None:
        """Take down one happening; None is the passing of time."""
        self.clock.append(time.time())
        self.spent.append(time.process_time())
        name = type(happening).__name__
        if name in ("Begun", "Ended"):
            moments = self.begun if name == "Begun" else self.ended
            moments.setdefault(happening.file, self.clock[-1])

    def spent_by(self, moment: float) -> float:
        """The driver's processor seconds by the first entry at or after a moment."""
        return self.spent[min(bisect(self.clock, moment), len(self.spent) - 1)]


@dataclass(frozen=True)
class Interval:
    """When a run was trained."""

    start: float
    end: float

    def within(self, start: float, end: float) -> float:
        """Which share of it lies between two moments."""
        return max(0.0, min(self.end, end) - max(self.start, start)) / (self.end - self.start)


def measured(asked: Any, cores: list[int]) -> dict[str, float]:
    """A sweep on a cluster that has a node on each of these cores, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        child = ["--child", folder, "--cores", *map(str, cores), "--runs", str(asked.runs)]
        more = ["--epochs", str(asked.epochs), "--dataset", asked.dataset]
        command = [sys.executable, __file__, *child, *more]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def child(folder: Path, asked: Any) -> None:
    """One such sweep, as the command line does it; prints what was measured."""
    import ray  # type: ignore[reportMissingImports]
    from ray.cluster_utils import Cluster  # type: ignore[reportMissingImports]

    from reluprobe.config import parse_sweep
    from reluprobe.executor import dispatch
    from reluprobe.executor.ray_executor import RayExecutor
    from reluprobe.plan.runs import expand

    base = {"dataset": asked.dataset, "epochs": asked.epochs}
    runs = expand(parse_sweep({"name": "ray", "seeds": asked.runs, "base": base})).runs
    os.environ["JAX_PLATFORMS"] = "cpu"
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "num_gpus": 0})
    try:
        for core in asked.cores:
            add_pinned(cluster, core)
        executor = RayExecutor(cluster.address)
        assert executor.slots == len(asked.cores)
        log = Log()
        executor.as_completed = logged(executor.as_completed, log)
        files: dict[Path, list[Path]] = {}
        submit = executor.submit

        def noted(file: Path) -> None:
            ids = [run["id"] for run in json.loads(file.read_text())["runs"]]
            files[file] = [folder / "runs" / f"{id_}.json" for id_ in ids]
            submit(file)

        executor.submit = noted
        for _ in dispatch.start(executor, dispatch.Job(folder), runs):
            pass
        print(json.dumps(outcome(log, files, len(asked.cores))))
    finally:
        ray.shutdown()
        cluster.shutdown()


def add_pinned(cluster: Any, core: int) -> None:
    """A node of one core: what it starts has its affinity, and XLA as many threads."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        cluster.add_node(num_cpus=1, num_gpus=0)
    finally:
        os.sched_setaffinity(0, before)


def logged(as_completed: Any, log: Log) -> Any:
    """The same stream of happenings, each noted as it passes."""

    def stream() -> Iterator[Any]:
        for happening in as_completed():
            log.note(happening)
            yield happening

    return stream


def outcome(log: Log, files: dict[Path, list[Path]], workers: int) -> dict[str, float]:
    """Runs an hour and the driver's share of a core while every worker was busy and warm."""
    chunks = {chunk: intervals(log.begun[chunk], records) for chunk, records in files.items()}
    by_start = sorted(chunks, key=lambda chunk: log.begun[chunk])
    all_warm = max(chunks[chunk][0].end for chunk in by_start[:workers])
    first_idle = sorted(runs[-1].end for runs in chunks.values())[-workers]
    if all_warm >= first_idle:
        raise SystemExit("too few runs: a worker had nothing to do before all had ended one")
    every = [run for runs in chunks.values() for run in runs]
    done = sum(run.within(all_warm, first_idle) for run in every)
    seconds = first_idle - all_warm
    driver = log.spent_by(first_idle) - log.spent_by(all_warm)
    return {"rate": 3600 * done / seconds, "driver": driver / seconds, "runs": done}


def intervals(begun: float, records: list[Path]) -> list[Interval]:
    """When each run of a chunk was trained, one after the other."""
    ends = sorted(file.stat().st_mtime for file in records)
    return [Interval(*pair) for pair in zip([begun, *ends], ends, strict=False)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--runs", type=int, default=12)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--cores", type=int, nargs="+", default=[0, 1], help="A worker's each.")
    parser.add_argument("--child", type=Path)
    asked: Any = parser.parse_args()
    if asked.child:
        child(asked.child, asked)
        return
    if importlib.util.find_spec("ray") is None or len(os.sched_getaffinity(0)) < len(asked.cores):
        print("Ray is not installed, or here are fewer cores: nothing measured")
        tell(*goals(None, None))
        return
    print("| workers | runs an hour | times one worker's | driver, % of a core |")
    print("|---:|---:|---:|---:|")
    times: list[float] = []
    drivers: list[float] = []
    for _ in range(asked.rounds):
        one = measured(asked, asked.cores[:1])
        both = measured(asked, asked.cores)
        for workers, values in ((1, one), (len(asked.cores), both)):
            ratio = values["rate"] / one["rate"]
            driver = 100 * values["driver"]
            print(f"| {workers} | {values['rate']:,.0f} | {ratio:.2f} | {driver:.1f} |", flush=True)
        times.append(both["rate"] / one["rate"])
        drivers.append(both["driver"])
    tell(*goals(statistics.median(times), statistics.median(drivers)))


def goals(times: float | None, driver: float | None) -> list[Goal]:
    """Of two workers beside one."""
    return [
        Goal("Ray: two workers' runs an hour, times one's", times, "≥", TIMES),
        Goal("Ray: the driver's share of a core", driver, "≤", DRIVER, "{:.1%}"),
    ]


if __name__ == "__main__":
    main()
