"""The study's network, trained by reluprobe and by what people would script instead.

Run: ``pip install -e ".[bench]" && python benchmarks/rivals.py``. Prints a Markdown table.

Every side is a process of its own, started fresh; the sides take turns, round after round, so
that a machine that drifts drifts for all of them. Each trains the study's network (5 × 256 ReLU,
Adam at 5e-3, batch 128, MNIST), runs through the test set after every epoch, and counts units
that are dead on 1,000 training images; the first epoch, with whatever is compiled in it, is not
timed. A side that is not installed is left out and named. On a machine with a GPU every side uses
it; ``--runs`` is how many runs reluprobe trains side by side.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

PROBE, BATCH, WIDTH, DEPTH, RATE = 1000, 128, 256, 5, 5e-3


def mnist() -> tuple[np.ndarray, ...]:
    from reluprobe import data

    dataset = data.load("mnist")
    train, test = (x.astype(np.float32) / 255 for x in (dataset.train_inputs, dataset.test_inputs))
    return train, dataset.train_targets, test, dataset.test_targets


def reluprobe_(epochs: int, runs: int) -> Iterator[float]:
    """Seconds a run and epoch, of a sweep of seeds through the engine of ``reluprobe sweep``."""
    from reluprobe import data
    from reluprobe.config import make_run
    from reluprobe.engine import runner
    from reluprobe.engine.process import set_up_process
    from reluprobe.plan.runs import as_run

    set_up_process()
    plan = [as_run(make_run({"epochs": epochs, "seed": seed})) for seed in range(runs)]
    done, start = 0, time.perf_counter()
    for event in runner.execute(plan, data.load):
        if isinstance(event, runner.EpochDone) and (done := done + 1) % runs == 0:
            now = time.perf_counter()
            if event.epoch.epoch > 1:
                yield (now - start) / runs
            start = now


def torch_(epochs: int, fused: bool, compiled: bool = False) -> Iterator[float]:
    """A plain loop over shuffled batches on tensors in memory.

    ``compiled``: the network and its loss by ``torch.compile``, which on a GPU replays CUDA graphs.
    """
    import torch  # type: ignore[reportMissingImports]
    from torch import nn  # type: ignore[reportMissingImports]

    device = "cuda" if torch.cuda.is_available() else "cpu"
    sizes = [784] + [WIDTH] * DEPTH
    layers: list[nn.Module] = []
    for a, b in itertools.pairwise(sizes):
        layers += [nn.Linear(a, b), nn.ReLU()]
    net = nn.Sequential(*layers, nn.Linear(WIDTH, 10)).to(device)
    optimizer = torch.optim.Adam(net.parameters(), RATE, eps=1e-7, fused=fused)
    x, y, test_x, test_y = (torch.as_tensor(a, device=device) for a in mnist())
    y, test_y = y.long(), test_y.long()
    loss_of = nn.CrossEntropyLoss()

    def loss_on(inputs: Any, targets: Any) -> Any:
        return loss_of(net(inputs), targets)

    if compiled:
        loss_on = torch.compile(loss_on, mode="reduce-overhead")
    for epoch in range(1, epochs + 1):
        start = time.perf_counter()
        for chosen in torch.randperm(len(x), device=device).split(BATCH):
            optimizer.zero_grad(set_to_none=True)
            loss_on(x[chosen], y[chosen]).backward()
            optimizer.step()
        with torch.no_grad():
            right = (net(test_x).argmax(1) == test_y).float().mean().item()
            hidden, dead = x[:PROBE], []
            for layer in layers:
                hidden = layer(hidden)
                if isinstance(layer, nn.ReLU):
                    dead.append((hidden <= 0).all(0).float().mean().item())
        assert right > 0.5 and len(dead) == DEPTH
        if epoch > 1:
            yield time.perf_counter() - start


def keras_(epochs: int) -> Iterator[float]:
    """``model.fit`` with a callback, as the study does it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras  # type: ignore[reportMissingImports]

    x, y, test_x, test_y = mnist()
    inputs = hidden = keras.Input((784,))
    outputs = []
    for _ in range(DEPTH):
        hidden = keras.layers.Dense(WIDTH, "relu")(hidden)
        outputs.append(hidden)
    model = keras.Model(inputs, keras.layers.Dense(10)(hidden))
    looks = keras.Model(inputs, outputs)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(RATE), loss, metrics=["accuracy"])
    for epoch in range(1, epochs + 1):
        start = time.perf_counter()
        model.fit(x, y, batch_size=BATCH, verbose=0)
        model.evaluate(test_x, test_y, batch_size=1000, verbose=0)
        dead = [(np.asarray(a) <= 0).all(0).mean() for a in looks(x[:PROBE])]
        assert len(dead) == DEPTH
        if epoch > 1:
            yield time.perf_counter() - start


#: Name in the table, the module that it needs, how it is run.
SIDES: dict[str, tuple[str, str, Callable[[int, int], Iterator[float]]]] = {
    "reluprobe": ("reluprobe, {runs} runs at a time", "jax", reluprobe_),
    "torch-fused": ("PyTorch, fused Adam", "torch", lambda epochs, runs: torch_(epochs, True)),
    "torch-compile": (
        "PyTorch, torch.compile, fused Adam",
        "torch",
        lambda epochs, runs: torch_(epochs, True, compiled=True),
    ),
    "torch": ("PyTorch, Adam", "torch", lambda epochs, runs: torch_(epochs, False)),
    "keras": ("Keras fit", "keras", lambda epochs, runs: keras_(epochs)),
}


def measured(side: str, epochs: int, runs: int) -> float:
    """Median seconds a run and epoch, in a process of its own."""
    command = [sys.executable, __file__, "--side", side, "--epochs", str(epochs)]
    done = subprocess.run(
        [*command, "--runs", str(runs)], stdout=subprocess.PIPE, text=True, check=True
    )
    return statistics.median(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    from reluprobe.engine.cores import usable_cores

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", choices=SIDES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--runs", type=int, default=usable_cores())
    asked: Any = parser.parse_args()
    if asked.side:
        print(json.dumps([*SIDES[asked.side][2](asked.epochs, asked.runs)]))
        return
    installed = {n: s for n, s in SIDES.items() if importlib.util.find_spec(s[1])}
    seconds: dict[str, list[float]] = {name: [] for name in installed}
    for _ in range(asked.rounds):
        for name in installed:
            seconds[name].append(measured(name, asked.epochs, asked.runs))
    print("| the study's network | seconds a run and epoch | times reluprobe |")
    print("|---|---:|---:|")
    for name, (title, _, _) in installed.items():
        pairs = zip(seconds[name], seconds["reluprobe"], strict=True)
        ratio = statistics.median(a / b for a, b in pairs)
        middle = statistics.median(seconds[name])
        print(f"| {title.format(runs=asked.runs)} | {middle:.4f} | {ratio:.2f} |")
    for name in SIDES.keys() - installed.keys():
        print(f"\n{SIDES[name][0]}: left out, {SIDES[name][1]} is not installed")


if __name__ == "__main__":
    main()
