"""Every benchmark, one after the other: ``python benchmarks``. Prints Markdown.

Each is a file beside this one with a command of its own and says what it measures. At the end come
all goals beside what was seen.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import goals

#: In order, each with what keeps all of them within a quarter of an hour on two cores. Alone, and
#: without it, a benchmark takes longer and says more.
FILES = {
    "rivals": ("--rounds", "1", "--epochs", "3"),
    "gemm_bound": (),
    "probe_cost": (),
    "flat": ("--rounds", "1"),
    "starting": ("--rounds", "2", "--quick"),
    "report_time": (),
    "scale": (),
    "ray_scaling": ("--runs", "8", "--epochs", "4"),
    "gpu": (),
}


def processor() -> str:
    """What the machine calls its processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} × {names[0]}" if names else platform.processor()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=FILES, help="repeatable")
    asked: Any = parser.parse_args()
    print(f"{datetime.now(UTC):%Y-%m-%d}, {processor()}, Python {platform.python_version()}")
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        file = Path(place, "goals.jsonl")
        file.touch()
        for name in asked.only or FILES:
            print(f"\n## {name}\n", flush=True)
            began = time.perf_counter()
            command = [sys.executable, Path(__file__).with_name(f"{name}.py"), *FILES[name]]
            subprocess.run(command, check=True, env=os.environ | {goals.VARIABLE: str(file)})
            print(f"\n{(time.perf_counter() - began) / 60:.1f} minutes")
        print(f"\n## goals\n\n{goals.table(goals.gathered(file))}")
    print(f"\n{(time.perf_counter() - start) / 60:.1f} minutes in all")


if __name__ == "__main__":
    main()
