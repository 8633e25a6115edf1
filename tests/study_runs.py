"""Runs made by hand near what the MNIST study printed, and references that are broken."""

from __future__ import annotations

import io
import json

import numpy as np
from rich.console import Console

from reluprobe.config import load_reference, make_run
from reluprobe.plan.runs import as_run
from reluprobe.records import SCHEMA, EpochRecord, LayerRecord, ProbeRecord, RunRecord

STUDY = load_reference("mnist_study")
#: Near what the study printed after epoch 12, in [0, 1].
RELU = (0.27, 0.12, 0.35, 0.45, 0.70)


def record(dead=RELU, never=None, accuracy=0.975, status="ok", epochs=12, **settings):
    """A run whose layers have these shares from epoch 1 on, and none before."""
    config = make_run({"depth": len(dead), "epochs": epochs, **settings})
    run = as_run(config)

    def layer(epoch, units, d, n):
        d, n = (d, n) if epoch else (0.0, 0.0)
        mask = np.arange(units) < round(d * units)
        return LayerRecord(units, d, d, n, d, d, None, np.packbits(mask).tobytes().hex())

    history = tuple(
        EpochRecord(
            e, None, None, 0.1, accuracy,
            tuple(layer(e, *one) for one in zip(config.sizes, dead, never or dead, strict=True)),
        )
        for e in range(epochs + 1)
    )  # fmt: skip
    return RunRecord(
        SCHEMA,
        run.id, config, status, {"device": "cpu", "devices": 2, "jax": "0"}, 1.0,
        ProbeRecord("train", 1000), history,
    )  # fmt: skip


def seeds(n=5, spread=0.002, **settings):
    """Runs about the same numbers, a little apart."""
    dead = settings.pop("dead", RELU)
    moved = [spread * (s - (n - 1) / 2) for s in range(n)]
    return [
        record(tuple(max(0.0, d + m) for d in dead), seed=s, **settings)
        for s, m in enumerate(moved)
    ]


def text(shown, width=120):
    console = Console(width=width, record=True, file=io.StringIO())
    for part in shown if isinstance(shown, list) else [shown]:
        console.print(part)
    return console.export_text()


def broken(**changes):
    written = {
        "source": "a paper", "criterion": "z <= 0", "protocol": {"epochs": 2},
        "runs": {"relu": [{"epoch": 1, "layers": [10.0]}]},
    }  # fmt: skip
    return json.dumps(written | changes)
