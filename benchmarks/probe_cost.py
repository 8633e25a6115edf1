"""What looking costs: the probe's share of an epoch of the study's network.

Run: ``python benchmarks/probe_cost.py``. Prints a Markdown table.

One process and one compiled program, the sweep's own: how much it trains and looks at are traced
numbers, so the sides differ in nothing else and take turns. A segment of no step times the probe
alone; from it goes the time of a segment that probes nothing, and from the share of the causes
that of the same probe without them.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import jax
import numpy as np
from goals import Goal, tell

from reluprobe import data
from reluprobe.config import make_run
from reluprobe.engine import compiler, devices, placement, state
from reluprobe.engine.context import Context
from reluprobe.engine.process import set_up_process
from reluprobe.plan.runs import as_run

ROUNDS, LOOKS = 4, 5
TRAIN, TEST, PROBE = 60_000, 10_000, 1000

#: Steps, whether the test set is run through, examples probed, examples explained.
SIDES: dict[str, tuple[bool, bool, int, int]] = {
    "nothing": (False, False, 0, 0),
    "probe": (False, False, PROBE, PROBE),
    "probe without causes": (False, False, PROBE, 0),
    "test": (False, True, 0, 0),
    "all": (False, False, TRAIN, 0),
    "train": (True, False, 0, 0),
}


class Bench:
    """The study's run, one lane a device, through the engine of ``reluprobe sweep``."""

    def __init__(self) -> None:
        datasets: dict[data.DatasetKey, data.Dataset] = {"mnist": data.load("mnist")}
        self.devices = devices.local_devices()
        count = len(self.devices)
        runs = [as_run(make_run({"seed": seed})) for seed in range(count)]
        context = Context.of(runs, datasets, self.devices, "map")
        self.data = context.placed.place(["mnist"])["mnist"]
        self.steps = -(-TRAIN // runs[0].config.batch_size)
        request = context.request(runs[0], count)
        starts = [compiler.init_lane(r.config, request.specs[0], datasets) for r in runs]
        self.lanes, self.hyper = placement.stack_lanes(starts, count, context.mesh)
        self.program, _ = context.compiler.get(request)
        self.seconds("train")  # the lanes hold an epoch's order from here on

    def seconds(self, side: str) -> float:
        """Seconds of one segment."""
        trains, closes, probed, explained = SIDES[side]
        # From step 1 on where there is nothing to train: step 0 would draw an order.
        first, last = (0, self.steps) if trains else (1, 1)
        place: Any = (np.int32(n) for n in (1, first, last))
        flags: Any = (np.bool_(closes), np.bool_(False))
        sizes: Any = (np.int32(n) for n in (probed, explained))
        segment = state.Segment(*place, *flags, *sizes)
        start = time.perf_counter()
        self.lanes, report = self.program(self.data, segment, self.lanes, self.hyper)
        jax.block_until_ready((self.lanes, report))
        return time.perf_counter() - start


def main() -> None:
    set_up_process()
    bench = Bench()
    rounds: list[dict[str, float]] = []
    for _ in range(ROUNDS):
        seen: dict[str, list[float]] = {side: [] for side in SIDES}
        for _ in range(LOOKS):
            for side in ("nothing", "probe", "probe without causes", "test"):
                seen[side].append(bench.seconds(side))
        for side in ("all", "train"):
            seen[side].append(bench.seconds(side))
        rounds.append({side: statistics.median(times) for side, times in seen.items()})

    def middle(of: Any) -> float:
        return statistics.median(of(r) for r in rounds)

    def row(name: str, of: Any, epoch: Any) -> float:
        share = middle(lambda r: of(r) / epoch(r))
        print(f"| {name} | {1000 * middle(of):.1f} | {share:.1%} |")
        return share

    def usual(r: dict[str, float]) -> float:
        return r["train"] + r["test"] + r["probe"] - 2 * r["nothing"]

    def whole(r: dict[str, float]) -> float:
        return r["train"] + r["test"] + r["all"] - 2 * r["nothing"]

    def forward(r: dict[str, float]) -> float:
        return (r["test"] - r["nothing"]) * TRAIN / TEST

    device = bench.devices[0]
    print(
        f"{len(bench.devices)} × {device.device_kind}, {device.platform}, JAX "
        f"{jax.__version__}; medians of {ROUNDS} rounds of the study's network\n"
    )
    print("| of an epoch | ms | share |")
    print("|---|---:|---:|")
    row("epoch: train, test, probe of 1,000", usual, usual)
    probe = row("probe of 1,000, causes, certificate, the call itself", lambda r: r["probe"], usual)
    row("— its causes", lambda r: r["probe"] - r["probe without causes"], usual)
    row("— the certificate and the call itself", lambda r: r["nothing"], usual)
    row("epoch with a probe of all 60,000", whole, whole)
    everything = row("probe of all 60,000", lambda r: r["all"], whole)
    row("forward pass of 60,000 (six test sets)", forward, whole)
    tell(
        Goal("a probe's share of an epoch", probe, "≤", 0.03, "{:.1%}"),
        Goal("the same of all 60,000 images", everything, "≤", 1 / 3, "{:.1%}"),
    )


if __name__ == "__main__":
    main()
