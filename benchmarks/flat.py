"""Does a run cost the same in a long sweep as in a short one, and does memory stay?

Run: ``python benchmarks/flat.py``. Prints a Markdown table.

The same small network, with as many seeds as runs, through ``reluprobe sweep``, each sweep in a
process of its own; short and long take turns. A run's cost is the time between the end of the
first chunk and that of the last record, over the records in between; memory is the process's
peak. The figure that counts is the ratio within a round.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from goals import Goal, tell

SHORT = 16
SWEEP = """
[base]
dataset = "blobs"
depth = 2
width = 64
epochs = 12
[grid]
seed = {{ linear = [1, {runs}], num = {runs} }}
"""


def measured(runs: int) -> tuple[float, int]:
    """Seconds a run, and peak memory in MiB, of one sweep in this process's child."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "flat.toml"
        file.write_text(SWEEP.format(runs=runs), "utf-8")
        command = [sys.executable, __file__, "--child", str(file), "--out", folder]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    seconds, peak = json.loads(done.stdout.splitlines()[-1])
    return seconds, peak


def child(file: str, out: str) -> None:
    """One sweep as the command line runs it: plan, engine, records on disk."""
    from reluprobe import data, records
    from reluprobe.config import read_sweep
    from reluprobe.engine import runner
    from reluprobe.engine.process import set_up_process
    from reluprobe.plan.runs import expand

    set_up_process()
    runs = expand(read_sweep(Path(file))).runs
    first, ended, last = None, 0, 0.0
    for event in runner.execute(runs, data.load):
        if isinstance(event, runner.RunDone):
            records.write(event.record, Path(out))
            last = time.perf_counter()
            if first is None:
                first = last
            else:
                ended += 1
    assert first is not None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps([(last - first) / ended, peak]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child")
    parser.add_argument("--out")
    asked: Any = parser.parse_args()
    if asked.child:
        child(asked.child, asked.out)
        return
    rounds = [(measured(SHORT), measured(asked.long)) for _ in range(asked.rounds)]
    ratio = statistics.median(long[0] / short[0] for short, long in rounds)
    print("| sweep | seconds a run | times the short one's | peak memory, MiB |")
    print("|---|---:|---:|---:|")
    for n, (runs, shown) in enumerate(((SHORT, "1"), (asked.long, f"{ratio:.2f}"))):
        seconds = statistics.median(pair[n][0] for pair in rounds)
        peak = statistics.median(pair[n][1] for pair in rounds)
        print(f"| {runs:,} runs | {seconds:.3f} | {shown} | {peak:.0f} |")
    tell(Goal(f"a run among {asked.long:,} beside one among {SHORT}, in time", ratio, "≤", 1.1))


if __name__ == "__main__":
    main()
