"""Kill a real sweep again and again: is every record that was finished whole, and none lost?

Run: ``python benchmarks/kill_harness.py``, and with ``--long`` for few long runs instead of many
short ones. Prints a Markdown table; leaves with 1 at the first record that is not as an undisturbed
sweep has it.

A child process runs ``reluprobe sweep`` on small networks and is ended by SIGKILL: every other
time at a random moment of its life, else as soon as a temporary file shows that it is writing a
record. The same command is then typed again, until so many were killed; the last is left to end.
After each kill every record must be that of the undisturbed sweep, bit for bit but for ``seconds``,
and those that were there before must be the very same files.

Long runs are killed before they end, and are saved after every epoch here. Every file that one is
saved in must be whole after each kill, and none may be of an earlier epoch than it was before.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from reluprobe.config import RunConfig
from reluprobe.plan.runs import as_run
from reluprobe.records import checkpoints

SWEEP = """
seeds = 8
[base]
dataset = "blobs"
width = 16
epochs = 3
probe_examples = 200
[grid]
depth = [1, 2]
activation = ["relu", "tanh"]
learning_rate = [1e-2, 1e-1]
"""
#: Runs that take most of a child's life, with all that training can carry from step to step.
LONG = """
seeds = 4
[base]
dataset = "blobs"
width = 16
depth = 2
epochs = 120
probe_examples = 200
batch_size = 1024
norm = "batch"
revive = "redo"
learning_rate = 1e-1
"""
#: What has a child save after every epoch: in earnest half a minute and more goes by.
SAVING = "import math, reluprobe.engine.checkpoint as c; c.EVERY, c.SHARE = 0, math.inf; "


def command(place: Path, *more: str, saving: bool = False) -> list[str]:
    """The sweep as a person types it."""
    given = ["sweep", str(place / "kill.toml"), "--out", str(place / "results"), "--quiet"]
    main = "from reluprobe.cli import main; main()"
    return [sys.executable, "-c", (SAVING if saving else "") + main, *given, *more]


def records_in(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (folder / "runs").glob("[!.]*.json")}


def content(record: bytes) -> dict[str, Any]:
    """A record without what no two sweeps share; raises where it is not whole."""
    fields = json.loads(record)
    del fields["seconds"]
    return fields


def calls_in(folder: Path, expected: dict[str, dict[str, Any]]) -> dict[str, int]:
    """How far each saved run has come, in calls of its program; raises where one is not whole."""
    calls = {}
    for file in (folder / "runs").glob(f"[!.]*{checkpoints.SUFFIX}"):
        record = f"{file.name.removesuffix(checkpoints.SUFFIX)}.json"
        config = RunConfig(**expected[record]["config"])
        calls[record] = checkpoints.read(folder, as_run(config)).calls
    return calls


class Harness:
    """A place with a sweep file, an undisturbed sweep's records, and what was seen.

    Args:
        place: an empty folder.
        seed: of the moments at which it kills.
        sweep: what it runs.
        span: within how many seconds it kills; None for as long as a sweep takes.
        saving: whether children save unfinished runs after every epoch.
    """

    def __init__(
        self,
        place: Path,
        seed: int,
        sweep: str = SWEEP,
        span: float | None = None,
        saving: bool = False,
    ) -> None:
        self.saving = saving
        self.place, self.folder = place, place / "results" / "kill"
        self.random = random.Random(seed)
        self.seen: Counter[str] = Counter()
        # Two devices wherever this runs, and programs that are compiled once: quicker to kill.
        cache = {"JAX_COMPILATION_CACHE_DIR": str(place / "programs")}
        cache["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        self.environment = os.environ | {"JAX_NUM_CPU_DEVICES": "2"} | cache
        (place / "kill.toml").write_text(sweep)
        self.whole()
        if span is None:  # it has its programs now, as those that are killed will have
            shutil.rmtree(self.folder)
            before = time.perf_counter()
            self.whole()
            span = time.perf_counter() - before
        self.span = span
        self.expected = {name: content(r) for name, r in records_in(self.folder).items()}
        shutil.rmtree(self.folder)

    def start(self) -> subprocess.Popen[bytes]:
        """A sweep in a process of its own."""
        return subprocess.Popen(
            command(self.place, saving=self.saving),
            env=self.environment,
            stdout=subprocess.DEVNULL,
        )

    def whole(self) -> None:
        """Let a sweep run to its end."""
        with self.start() as child:
            assert child.wait() == 0, "a sweep that nobody kills fails"

    def temporaries(self) -> list[Path]:
        """Files that are being written, or were when their writer was killed."""
        return list((self.folder / "runs").glob(".*"))

    def kill(self, aimed: bool) -> None:
        """Start a sweep and kill it; if it ends first, begin anew."""
        before, calls_before = records_in(self.folder), self.calls()
        after = self.random.uniform(0, self.span)
        aim = len(before) + self.random.randrange(1, 1 + max(1, len(self.expected) - len(before)))
        child, began = self.start(), time.perf_counter()
        while child.poll() is None:
            late = time.perf_counter() - began > after
            # Where runs are saved there is something to be written all the time.
            enough = late if self.saving else len(records_in(self.folder)) >= aim - 1
            if aimed and enough and self.temporaries():
                break
            if not aimed and late:
                break
            time.sleep(0 if aimed else 0.001)
        child.kill()
        if child.wait() == 0:
            self.check(before)
            assert records_in(self.folder).keys() == self.expected.keys()
            self.seen["sweeps that ended before their kill, all records there"] += 1
            shutil.rmtree(self.folder)
            return
        self.seen["kills"] += 1
        self.check(before)
        self.check_saved(calls_before)
        new = len(records_in(self.folder)) - len(before)
        left = bool(self.temporaries())
        if left:
            self.seen["— while a file was being written"] += 1
        elif not (self.folder / "sweep.toml").exists():
            self.seen["— before the plan was written"] += 1
        else:
            self.seen["— between two records" if new else "— before its first record"] += 1

    def calls(self) -> dict[str, int]:
        """How far the runs have come that are saved; none while the folder is not there."""
        return calls_in(self.folder, self.expected)

    def check_saved(self, before: dict[str, int]) -> None:
        """Every saved run is whole, and none has gone back to an earlier epoch."""
        now, ended = self.calls(), records_in(self.folder)
        for name, calls in before.items():
            assert name in ended or now.get(name, 0) >= calls, f"{name} was set back"
        self.seen["saved runs read"] += len(now)
        self.seen["— further than at the kill before"] += sum(
            calls > before.get(name, 0) for name, calls in now.items()
        )

    def check(self, before: dict[str, bytes]) -> None:
        """Every record is as in the undisturbed sweep, and none has changed since it was there."""
        now = records_in(self.folder)
        for name, record in before.items():
            assert now.get(name) == record, f"{name} was lost or written again"
        for name, record in now.items():
            assert content(record) == self.expected[name], f"{name} is not as undisturbed"
        self.seen["records compared"] += len(now)

    def finish(self) -> None:
        """The last sweep ends; nothing but its records is left."""
        before = records_in(self.folder)
        self.whole()
        self.check(before)
        assert records_in(self.folder).keys() == self.expected.keys()
        assert not self.temporaries() and not list(self.folder.glob(".lock-*"))
        assert not self.calls()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--long", action="store_true", help="few long runs, saved on their way")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        sweep = LONG if given.long else SWEEP
        harness = Harness(Path(place), given.seed, sweep, saving=given.long)
        turn = 0
        while harness.seen["kills"] < given.kills:
            harness.kill(aimed=turn % 2 == 1)
            turn += 1
        harness.finish()
    print(f"| {len(harness.expected)} runs, one sweep takes {harness.span:.1f} s | |\n|---|---:|")
    for what, times in harness.seen.items():
        print(f"| {what} | {times:,} |")
    print("| records lost, changed or not whole | 0 |")


if __name__ == "__main__":
    main()
