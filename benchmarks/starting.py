"""How long until something is to be seen: help, the first row, the share of compiling.

Run: ``python benchmarks/starting.py``. Prints a Markdown table.

Each figure is that of whole processes, cold, from the start of the interpreter: the help page; the
row of epoch 0 and that of epoch 1 of ``reluprobe train``, with ReLU, which is compiled in, and with
ELU, which has a branch; and the share of ``sweeps/quickstart.toml`` that waits for a compiler. The
processes take turns, and a bare ``import jax`` and an interpreter that does nothing run beside
them, so that a slow machine shows.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

CLI = ("-m", "reluprobe")
QUICKSTART = Path(__file__).parent.parent / "sweeps" / "quickstart.toml"


def lines(*arguments: str) -> Iterator[tuple[float, str]]:
    """What a fresh interpreter prints, and when: seconds since its start."""
    start = time.perf_counter()
    command = [sys.executable, "-u", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            yield time.perf_counter() - start, line
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    yield time.perf_counter() - start, ""


def whole(*arguments: str) -> list[float]:
    """Seconds from start to end."""
    return [[*lines(*arguments)][-1][0]]


def rows(activation: str, *more: str) -> list[float]:
    """Seconds to the rows of epochs 0 and 1."""
    with tempfile.TemporaryDirectory() as out:
        # Two epochs, as after the last one the whole training set is probed before its row.
        arguments = ("train", "--act", activation, "--epochs", "2", "--out", out, *more)
        seconds = {line.split()[0]: when for when, line in lines(*CLI, *arguments) if line.split()}
        return [seconds["0"], seconds["1"]]


SIDES: dict[str, tuple[tuple[str, ...], Callable[[], list[float]]]] = {
    "python": (("an interpreter that does nothing",), lambda: whole("-c", "")),
    "jax": (("`import jax`",), lambda: whole("-c", "import jax")),
    "help": (("`reluprobe --help`",), lambda: whole(*CLI, "--help")),
    "relu": (
        ("`train --act relu`: row of epoch 0", "`train --act relu`: row of epoch 1"),
        lambda: rows("relu"),
    ),
    "elu": (
        ("`train --act elu`: row of epoch 0", "`train --act elu`: row of epoch 1"),
        lambda: rows("elu"),
    ),
}


def compiling() -> tuple[float, float]:
    """Seconds of the quickstart sweep, and of those waiting for a compiler."""
    with tempfile.TemporaryDirectory() as out:
        arguments = ("sweep", str(QUICKSTART), "--json", "--out", out)
        events = [json.loads(line) for _, line in lines(*CLI, *arguments) if line]
    return events[-1]["seconds"], events[-1]["compiling"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    asked: Any = parser.parse_args()
    rounds: dict[str, list[list[float]]] = {side: [] for side in SIDES}
    for _ in range(asked.rounds):
        for side, (_, run) in SIDES.items():
            rounds[side].append(run())
    print("| from a cold start | seconds | times `import jax` |")
    print("|---|---:|---:|")
    for side, (titles, _) in SIDES.items():
        for n, title in enumerate(titles):
            seconds = statistics.median(row[n] for row in rounds[side])
            pairs = zip(rounds[side], rounds["jax"], strict=True)
            ratio = statistics.median(row[n] / jax[0] for row, jax in pairs)
            print(f"| {title} | {seconds:.2f} | {ratio:.2f} |")
    total, waited = compiling()
    print(
        f"\n`reluprobe sweep sweeps/quickstart.toml`: {total:.0f} s, "
        f"{waited:.1f} s ({100 * waited / total:.0f}%) of it waiting for a compiler."
    )


if __name__ == "__main__":
    main()
