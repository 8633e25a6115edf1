"""What ``benchmarks/gpu.py`` measures, a process each: the card, whole runs, parts of an epoch.

Run: ``python benchmarks/gpu_parts.py PART '{"argument": …}'``. The last line printed is JSON.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.profiler import ProfileData

from reluprobe import data
from reluprobe.config import make_run
from reluprobe.engine import compiler, devices, placement, runner, state
from reluprobe.engine.context import Context
from reluprobe.engine.process import set_up_process
from reluprobe.nn import jax_settings, precision
from reluprobe.nn.rounded_products import with_rounded_products
from reluprobe.plan.runs import Run, as_run

TRAIN, PROBE, STEPS, REPEATS = 60_000, 1000, 100, 5
#: First and last step, whether the epoch and the run end, examples probed and explained.
SEGMENTS: dict[str, tuple[int, int, bool, bool, int, int]] = {
    "nothing": (1, 1, False, False, 0, 0),
    "shuffle": (0, 0, False, False, 0, 0),
    "steps": (1, 1 + STEPS, False, False, 0, 0),
    "probe": (1, 1, False, False, PROBE, 0),
    "causes": (1, 1, False, False, PROBE, PROBE),
    "test": (1, 1, True, False, 0, 0),
    "all": (1, 1, True, True, 0, 0),
}


def plan(count: int, epochs: int, settings: dict[str, Any]) -> list[Run]:
    """The study's run, of so many seeds."""
    return [as_run(make_run({"epochs": epochs, "seed": n} | settings)) for n in range(count)]


def seconds_of(call: Callable[[], Any]) -> float:
    """The median of a few calls, after one that is not counted."""
    taken = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        jax.block_until_ready(call())
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[1:])


# --- the card ----------------------------------------------------------------------------------


def card(megabytes: int = 2048) -> dict[str, Any]:
    """Names and versions, the rate of the memory, and how products round."""
    first = jax.devices()[0]
    numbers = jnp.arange(megabytes << 18, dtype=jnp.float32)
    copy = jax.jit(lambda x: x + 1)
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal(shape).astype(np.float32) for shape in ((1000, 784), (784, 256)))
    exact = a.astype(np.float64) @ b
    errors: dict[str, float | None] = {}
    for name in (None, "float32", "tensorfloat32", "bfloat16", "BF16_BF16_F32"):
        try:
            with jax.default_matmul_precision(name):  # type: ignore[arg-type]
                error = np.linalg.norm(np.asarray(jnp.matmul(a, b)) - exact) / np.linalg.norm(exact)
            errors[name or "JAX's default"] = float(error)
        except Exception:  # not every backend has every kind
            errors[str(name)] = None
    return {
        "device": first.device_kind,
        "devices": len(jax.devices()),
        "platform": first.platform,
        "jax": jax.__version__,
        "driver": _driver(),
        "bandwidth": 2 * numbers.nbytes / seconds_of(lambda: copy(numbers)),
        "errors": errors,
        "rounded_error": _rounded_error(a, b),
    }


def _rounded_error(a: np.ndarray, b: np.ndarray) -> float:
    """How far ``precision = bfloat16``'s product is from that of rounded factors, relatively."""
    x, y = (n.astype(jnp.bfloat16).astype(np.float64) for n in (a, b))
    product = jax.jit(with_rounded_products(jnp.matmul))(a, b)
    return float(np.linalg.norm(np.asarray(product) - x @ y) / np.linalg.norm(x @ y))


def _driver() -> str:
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        return subprocess.check_output(command, text=True).splitlines()[0].strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


# --- whole runs --------------------------------------------------------------------------------


def train(
    runs: int,
    epochs: int,
    settings: dict[str, Any] | None = None,
    lanes: Any = "auto",
    products: str | None = None,
) -> dict[str, Any]:
    """Whole runs through the engine of ``reluprobe sweep``; where their time goes.

    The program is compiled by runs of no epoch. What is timed then holds all that a chunk of a
    longer sweep costs: weights are drawn (``start``, up to the untrained look), epochs trained and
    looked at (``device``), records made of them while the device waits (``host``).
    """
    if products:
        precision.PRODUCTS["float32"] = products
    set_up_process()
    begin = time.perf_counter()
    list(runner.execute(plan(runs, 0, settings or {}), data.load, lanes=lanes))
    start = before = time.perf_counter()
    shares = dict.fromkeys(("device", "host"), 0.0)
    epoch, records = 0, []
    for event in runner.execute(plan(runs, epochs, settings or {}), data.load, lanes=lanes):
        now = time.perf_counter()
        if isinstance(event, runner.Compiled):
            raise RuntimeError("compiled while it was timed: what was asked for differs")
        if isinstance(event, runner.RunDone):
            records.append(event.record)
        elif isinstance(event, runner.EpochDone):
            if number := event.epoch.epoch:
                shares["host" if number == epoch else "device"] += now - before
            before, epoch = now, event.epoch.epoch
    whole = time.perf_counter() - start
    ended = [record for record in records if record.status == "ok"]
    memory = jax.devices()[0].memory_stats() or {}
    return shares | {
        "runs": runs,
        "epochs": epochs,
        "first": start - begin,
        "whole": whole,
        "start": whole - sum(shares.values()),
        "memory": memory.get("peak_bytes_in_use"),
        "ok": len(ended),
        "dead": [[layer.dead for layer in record.history[-1].layers] for record in ended],
        "accuracy": [record.history[-1].test_accuracy for record in ended],
    }


# --- parts of an epoch -------------------------------------------------------------------------


class Parts:
    """The compiled program of a sweep, called with segments that do one thing."""

    def __init__(self, runs: int, settings: dict[str, Any], lanes: Any) -> None:
        datasets: dict[data.DatasetKey, data.Dataset] = {"mnist": data.load("mnist")}
        planned = plan(runs, 1, settings)
        context = Context.of(planned, datasets, devices.local_devices(), lanes)
        self.data = context.placed.place(["mnist"])["mnist"]
        request = context.request(planned[0], runs)
        self.spec = request.specs[0]
        starts = [compiler.init_lane(r.config, self.spec, datasets, lanes) for r in planned]
        self.lanes, self.hyper = placement.stack_lanes(starts, runs, context.mesh)
        self.program, _ = context.compiler.get(request)
        self.call("shuffle")  # the lanes hold an epoch's order from here on

    def call(self, name: str) -> Any:
        """The report of a segment."""
        *counts, closes, ends, probed, explained = SEGMENTS[name]
        place = (np.int32(n) for n in (1, *counts))
        flags, sizes = map(np.bool_, (closes, ends)), map(np.int32, (probed, explained))
        segment = state.Segment(*place, *flags, *sizes, np.bool_(False))  # type: ignore[arg-type]
        self.lanes, report = self.program(self.data, segment, self.lanes, self.hyper)
        return report

    def alone(self, body: Callable[[Any, Any, Any], Any]) -> float:
        """Seconds of a part of a step that is looped on its own, all lanes side by side."""

        def lane(lane: state.Lane, hyper: Any) -> Any:
            return jax.lax.fori_loop(0, STEPS, partial(body, hyper), lane)

        program = jax.jit(jax.vmap(lane))
        return seconds_of(lambda: program(self.lanes, self.hyper)) / STEPS

    def gather(self, hyper: Any, i: Any, lane: state.Lane) -> state.Lane:
        """Only a batch's inputs."""
        inputs = self.spec.inputs(self.data, hyper, lane.order[i])
        return lane._replace(sums=lane.sums + jax.lax.optimization_barrier(inputs)[0, 0])

    def adam(self, hyper: Any, i: Any, lane: state.Lane) -> state.Lane:
        """Only the optimizer, given the weights for a gradient."""
        params, rest = state.trained(lane.weights)
        gradient = jax.lax.optimization_barrier(params)
        moves, moments = self.spec.optimizer(hyper).update(gradient, lane.optimizer, params)
        params = jax.tree.map(jnp.add, params, moves)
        weights = nnx.merge_state(params, rest)  # type: ignore[arg-type]
        return lane._replace(weights=weights, optimizer=moments)


def parts(runs: int, settings: dict[str, Any] | None = None, lanes: Any = "vmap") -> dict[str, Any]:
    """Seconds of each part of an epoch, of all lanes; kernels; looks beside float64."""
    set_up_process()
    with jax_settings.ours():
        count = len(devices.local_devices())
        runs = -(-runs // count) * count  # as many on each device
        bench = Parts(runs, settings or {}, lanes)
        taken = {name: seconds_of(partial(bench.call, name)) for name in SEGMENTS}
        rest = taken["nothing"]
        step = (taken["steps"] - rest) / STEPS
        gather, adam = bench.alone(bench.gather), bench.alone(bench.adam)
        seconds = {
            "a step": step,
            "— its batch, alone": gather,
            "— Adam, alone": adam,
            "— the rest, by difference: products, loss": step - gather - adam,
            "shuffle": taken["shuffle"] - rest,
            "probe of 1,000": taken["probe"] - rest,
            "causes": taken["causes"] - taken["probe"],
            "test set": taken["test"] - rest,
            "the last look: training set, all units": taken["all"] - taken["test"],
            "a call that does nothing but prove": rest,
        }
        return {"runs": runs, "seconds": seconds, "kernels": kernels(bench)} | look_errors(bench)


def kernels(bench: Parts, most: int = 12) -> list[tuple[str, int, float]]:
    """The kernels of some steps that take longest: name, how many, share of the time of all."""
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            jax.block_until_ready(bench.call("steps"))
        profile = ProfileData.from_file(str(next(Path(folder).rglob("*.xplane.pb"))))
        taken: Counter[str] = Counter()
        times: Counter[str] = Counter()
        for plane in profile.planes:
            if not plane.name.startswith("/device:GPU"):
                continue
            for line in plane.lines:
                for event in line.events if line.name.startswith("Stream") else ():
                    name = re.sub(r"[._]\d+$", "", event.name)
                    taken[name] += event.duration_ns
                    times[name] += 1
    total = sum(taken.values())
    return [(name, times[name], ns / total) for name, ns in taken.most_common(most)]


def look_errors(bench: Parts, lanes: int = 4) -> dict[str, Any]:
    """What a look says after an epoch, beside NumPy in float64 on the same weights.

    A look in TF32 would be off by some 1e-4 in the loss.
    """
    report = jax.device_get(bench.call("probe"))
    weights = jax.device_get(bench.lanes.weights)
    inputs, targets = (np.asarray(x[:PROBE]) for x in (bench.data.inputs, bench.data.targets))
    worst, differ = 0.0, 0
    for n in range(min(lanes, len(report.finite))):
        own = jax.tree.map(lambda x, n=n: x[n].astype(np.float64), weights)
        a = inputs / 255.0
        for i, layer in own["hidden"].items():
            z = a @ layer["kernel"][...] + layer["bias"][...]
            differ += int((report.units.dead[n, 0, i] != (z <= 0).all(axis=0)).sum())
            a = np.maximum(z, 0)
        logits = a @ own["output"]["kernel"][...] + own["output"]["bias"][...]
        logits -= logits.max(axis=1, keepdims=True)
        true = logits[np.arange(PROBE), targets]
        loss = float((np.log(np.exp(logits).sum(axis=1)) - true).mean())
        worst = max(worst, abs(float(report.loss[n, 0]) - loss) / loss)
    return {"loss_error": worst, "units_differ": differ}


PARTS: dict[str, Callable[..., dict[str, Any]]] = {"card": card, "train": train, "parts": parts}

if __name__ == "__main__":
    print(json.dumps(PARTS[sys.argv[1]](**json.loads(sys.argv[2]))))
