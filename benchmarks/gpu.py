"""Whole runs of the study per minute on one GPU, beside the floor and a PyTorch loop.

Run: ``python benchmarks/gpu.py`` on a machine with a GPU (extras ``cuda`` and ``bench``). Prints a
Markdown table. Without a GPU it says so and leaves with 1; ``--anyway`` measures what there is.

The floor is memory traffic: each step of Adam reads and writes the weights and both moments, and
writes and reads the gradient, 32 bytes a weight. With 0.46 million weights that is 15 MB a step
and, over 469 steps and 12 epochs, 83 GB a run: 28 ms at 3 TB/s. The matrix products, 1.85 TFLOP a
run, take less at TF32 rates. Runs side by side share only the dataset: the floor is per run.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

EPOCHS, STEPS, BYTES = 12, 469, 32


def weights() -> int:
    """How many weights and biases the study's network has."""
    return 784 * 256 + 4 * 256 * 256 + 256 * 10 + 5 * 256 + 10


def reluprobe(runs: int) -> tuple[float, float, str]:
    """Seconds of training a run, seconds to the program, and the device."""
    import jax

    from reluprobe import data
    from reluprobe.config import make_run
    from reluprobe.engine import runner
    from reluprobe.engine.process import set_up_process
    from reluprobe.plan.runs import as_run

    set_up_process()
    plan = [as_run(make_run({"epochs": EPOCHS, "seed": seed})) for seed in range(runs)]
    compiling, start = 0.0, time.perf_counter()
    for event in runner.execute(plan, data.load):
        if isinstance(event, runner.Compiled):
            compiling += event.seconds
    seconds = time.perf_counter() - start - compiling
    return seconds / runs, compiling, jax.devices()[0].device_kind


def pytorch() -> float | None:
    """Seconds a run of the plain loop in ``rivals.py``; None where PyTorch is not installed."""
    rivals = Path(__file__).with_name("rivals.py")
    command = [sys.executable, str(rivals), "--side", "torch-fused", "--epochs", "4"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        return None
    return EPOCHS * statistics.median(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=512, help="side by side, as far as they fit")
    parser.add_argument("--bandwidth", type=float, default=3.35, help="of the memory, in TB/s")
    parser.add_argument("--anyway", action="store_true", help="without a GPU, too")
    asked: Any = parser.parse_args()

    import jax

    if jax.default_backend() == "cpu" and not asked.anyway:
        sys.exit("no GPU here: nothing measured")
    run, compiling, device = reluprobe(asked.runs)
    torch = pytorch()
    floor = BYTES * weights() * STEPS * EPOCHS / (asked.bandwidth * 1e12)
    print(f"{device}, JAX {jax.__version__}; {asked.runs} runs, compiled in {compiling:.0f} s\n")
    print("| a whole run of 12 epochs | milliseconds | runs a minute | times reluprobe |")
    print("|---|---:|---:|---:|")
    rows = [("memory floor", floor), ("reluprobe", run)]
    rows += [("PyTorch loop, fused Adam", torch)] if torch else []
    for title, seconds in rows:
        print(f"| {title} | {1e3 * seconds:.0f} | {60 / seconds:,.0f} | {seconds / run:.2f} |")
    if torch is None:
        print("\nPyTorch: left out, it is not installed")


if __name__ == "__main__":
    main()
