"""How near a sweep's epoch is to the time that its matrix products alone would take.

Run: ``python benchmarks/gemm_bound.py``. Prints a Markdown table.

One process, both sides in turn: an epoch of a chunk of the study's runs (train, test and probe,
through the same engine as ``reluprobe sweep``), then the products of one epoch at the same shapes,
looped in compiled code on the same devices with nothing else in the loop. The bound is also given
at the rate of one large product.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
from goals import Goal, tell
from jax.sharding import AxisType, Mesh
from jax.sharding import PartitionSpec as P

from reluprobe import data
from reluprobe.config import RunConfig, make_run
from reluprobe.config.sizes import probed
from reluprobe.engine import runner
from reluprobe.engine.process import set_up_process
from reluprobe.plan.runs import as_run

EPOCHS = 9
TRAIN, TEST, FEATURES, OUTPUTS = 60_000, 10_000, 784, 10


def products(config: RunConfig) -> dict[tuple[int, int, int], float]:
    """The (m, k, n) products of one epoch of one run and how often each is taken."""
    steps, batch = -(-TRAIN // config.batch_size), config.batch_size
    counts: dict[tuple[int, int, int], float] = {}

    def add(shape: tuple[int, int, int], times: float) -> None:
        counts[shape] = counts.get(shape, 0) + times

    sizes = itertools.pairwise([FEATURES, *config.sizes, OUTPUTS])
    looks = (TEST + probed(config, TRAIN)) / batch
    for layer, (k, n) in enumerate(sizes):
        add((batch, k, n), steps + looks)  # forward
        add((k, batch, n), steps)  # gradient of the weights
        if layer:
            add((batch, n, k), steps)  # gradient of the layer's input
    return counts


class Gemm:
    """One product's time, on all devices at once, looped inside one program."""

    def __init__(self, shape: tuple[int, int, int], repeats: int) -> None:
        m, k, n = shape
        mesh = Mesh(jax.devices(), ("lane",), axis_types=(AxisType.Auto,))
        self.shape, self.repeats = shape, repeats

        def lane(seed: jax.Array) -> jax.Array:
            a, b = jax.random.split(jax.random.key(seed[0]))
            x, w = jax.random.normal(a, (m, k)), jax.random.normal(b, (k, n))

            def body(_: Any, both: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
                # One element of each product enters the next: none can be left out or hoisted.
                x, _ = both
                z = x @ w
                return x.at[0, 0].set(z[-1, -1]), z

            return jax.lax.fori_loop(0, repeats, body, (x, jnp.zeros((m, n))))[1].sum()[None]

        mapped = jax.shard_map(
            lane, mesh=mesh, in_specs=P("lane"), out_specs=P("lane"), check_vma=False
        )
        self.seeds = jnp.arange(len(jax.devices()))
        self.call = jax.jit(mapped)
        self.call(self.seeds).block_until_ready()

    def seconds(self) -> float:
        """Seconds of one product, divided by the number of devices that took one each."""
        start = time.perf_counter()
        self.call(self.seeds).block_until_ready()
        return (time.perf_counter() - start) / self.repeats / len(self.seeds)

    @property
    def operations(self) -> int:
        """Floating-point operations of one product."""
        m, k, n = self.shape
        return 2 * m * k * n


def epochs(events: Iterator[runner.Event], lanes: int) -> Iterator[float]:
    """Seconds per run and epoch, an epoch each time it is asked."""
    while True:
        start = time.perf_counter()
        done = 0
        while done < lanes:
            event = next(events, None)
            if event is None or isinstance(event, runner.RunDone):
                return
            done += isinstance(event, runner.EpochDone)
        yield (time.perf_counter() - start) / lanes


def main() -> None:
    runs = [as_run(make_run({"epochs": EPOCHS, "seed": s})) for s in range(64)]
    set_up_process()
    lanes = len(jax.devices())
    events = runner.execute(runs[:lanes], data.load)
    trained = epochs(events, lanes)
    next(trained)  # compiling, and epoch 0
    counts = products(runs[0].config)
    gemms = [Gemm(shape, 400) for shape in counts]
    large = Gemm((1024, 1024, 1024), 8)
    operations = sum(g.operations * counts[g.shape] for g in gemms)

    rows: list[tuple[float, float, float]] = []
    for epoch in trained:
        own = sum(g.seconds() * counts[g.shape] for g in gemms)
        rows.append((epoch, own, operations * large.seconds() / large.operations))
    epoch, own, peak = (statistics.median(column) for column in zip(*rows, strict=True))
    ratio_own = statistics.median(r[0] / r[1] for r in rows)
    ratio_peak = statistics.median(r[0] / r[2] for r in rows)
    device = jax.devices()[0]
    print(
        f"{lanes} × {device.device_kind}, {device.platform}, JAX {jax.__version__}; medians of "
        f"{len(rows)} epochs of the study's network, {operations / 1e9:.0f} GFLOP each\n"
    )
    print("| a run's epoch | seconds | epoch / bound |")
    print("|---|---:|---:|")
    print(f"| reluprobe: train, test, probe | {epoch:.3f} | |")
    print(f"| its products, at their own shapes | {own:.3f} | {ratio_own:.2f} |")
    print(f"| its products, at the rate of a 1024³ one | {peak:.3f} | {ratio_peak:.2f} |")
    tell(Goal("an epoch's share of the bound of its products", 1 / ratio_peak, "≥", 0.85))


if __name__ == "__main__":
    main()
