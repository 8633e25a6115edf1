"""How long until something is to be seen: help, the first row, the share of compiling.

Run: ``python benchmarks/starting.py``. Prints a Markdown table.

Each figure is that of whole processes from the start of the interpreter: the help page; what a
shell completes; the row of epoch 0 and that of epoch 1 of ``reluprobe train``, with ReLU, which is
compiled in, and with ELU, which has a branch: cold, without the compile cache, and for ReLU also
warm, with its program there; and the share of ``sweeps/quickstart.toml`` that waits for a compiler.
The processes take turns, and a bare ``import jax`` and an interpreter that does nothing run beside
them, so that a slow machine shows.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from goals import Goal, tell

CLI = ("-m", "reluprobe")
QUICKSTART = Path(__file__).parent.parent / "sweeps" / "quickstart.toml"


#: Neither our cache, unless a side asks for it, nor JAX's own.
COLD = {n: v for n, v in os.environ.items() if n != "JAX_COMPILATION_CACHE_DIR"}
COLD["RELUPROBE_COMPILE_CACHE"] = "0"
#: What is wanted, by title: so many seconds, or so many times ``import jax``.
SECONDS = {"`reluprobe --help`": 0.2, "completion of a command": 0.15}
SECONDS["completion of `train --act`"] = 0.15
TIMES = {
    "`train --act relu`: row of epoch 0": 6.0,
    "`train --act relu`, warm: row of epoch 0": 3.0,
}


def lines(*arguments: str, **variables: str) -> Iterator[tuple[float, str]]:
    """What a fresh interpreter prints, and when: seconds since its start."""
    start = time.perf_counter()
    command = [sys.executable, "-u", *arguments]
    with subprocess.Popen(
        command,
        env=COLD | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            yield time.perf_counter() - start, line
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    yield time.perf_counter() - start, ""


def whole(*arguments: str, **variables: str) -> list[float]:
    """Seconds from start to end."""
    return [[*lines(*arguments, **variables)][-1][0]]


def completed(typed: str) -> list[float]:
    """Seconds until a shell has what to offer for the last word."""
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
    code = "import sys; sys.argv = ['reluprobe']; from reluprobe.cli import main; main()"
    return whole("-c", code, _RELUPROBE_COMPLETE="complete_bash", **words)


def warm_rows(activation: str) -> list[float]:
    """The same as :func:`rows` of a process whose program is on disk."""
    if not any(Path(WARM.name).rglob("*.program")):
        rows(activation, RELUPROBE_COMPILE_CACHE=WARM.name)
    return rows(activation, RELUPROBE_COMPILE_CACHE=WARM.name)


WARM = tempfile.TemporaryDirectory()


def rows(activation: str, **variables: str) -> list[float]:
    """Seconds to the rows of epochs 0 and 1."""
    with tempfile.TemporaryDirectory() as out:
        # Two epochs, as after the last one the whole training set is probed before its row.
        arguments = ("train", "--act", activation, "--epochs", "2", "--out", out)
        printed = lines(*CLI, *arguments, **variables)
        seconds = {line.split()[0]: when for when, line in printed if line.split()}
        return [seconds["0"], seconds["1"]]


SIDES: dict[str, tuple[tuple[str, ...], Callable[[], list[float]]]] = {
    "python": (("an interpreter that does nothing",), lambda: whole("-c", "")),
    "jax": (("`import jax`",), lambda: whole("-c", "import jax")),
    "help": (("`reluprobe --help`",), lambda: whole(*CLI, "--help")),
    "command": (("completion of a command",), lambda: completed("reluprobe tr")),
    "option": (
        ("completion of `train --act`",),
        lambda: completed("reluprobe train --act el"),
    ),
    "warm": (
        ("`train --act relu`, warm: row of epoch 0", "`train --act relu`, warm: row of epoch 1"),
        lambda: warm_rows("relu"),
    ),
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
    parser.add_argument("--quick", action="store_true", help="without the sweep")
    asked: Any = parser.parse_args()
    rounds: dict[str, list[list[float]]] = {side: [] for side in SIDES}
    for _ in range(asked.rounds):
        for side, (_, run) in SIDES.items():
            rounds[side].append(run())
    goals: list[Goal] = []
    print("| from a cold start | seconds | times `import jax` |")
    print("|---|---:|---:|")
    for side, (titles, _) in SIDES.items():
        for n, title in enumerate(titles):
            seconds = statistics.median(row[n] for row in rounds[side])
            pairs = zip(rounds[side], rounds["jax"], strict=True)
            ratio = statistics.median(row[n] / jax[0] for row, jax in pairs)
            print(f"| {title} | {seconds:.2f} | {ratio:.2f} |")
            if title in SECONDS:
                goals.append(Goal(f"{title}, s", seconds, "≤", SECONDS[title]))
            if title in TIMES:
                goals.append(
                    Goal(f"{title}, times `import jax`", ratio, "≤", TIMES[title], "{:.1f}")
                )
    if not asked.quick:
        total, waited = compiling()
        print(
            f"\n`reluprobe sweep sweeps/quickstart.toml`: {total:.0f} s, "
            f"{waited:.1f} s ({100 * waited / total:.0f}%) of it waiting for a compiler."
        )
    tell(*goals)


if __name__ == "__main__":
    main()
