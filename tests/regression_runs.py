"""Runs of regressions made by hand, and sweeps of both kinds."""

from __future__ import annotations

import dataclasses
from typing import Any

import paired_runs
from reluprobe.records import RunRecord


def fitted(activation: str, seed: int, dead: float, r2: float, **settings: Any) -> RunRecord:
    """A run on targets whose variance is 4: its RMSE is 2 √(1 − R²)."""
    loss = 4 * (1 - r2)
    settings = {"dataset": "abs"} | settings
    run = paired_runs.record(activation, seed, dead, None, loss, **settings)
    last = dataclasses.replace(run.final, r2=r2, rmse=loss**0.5)
    return dataclasses.replace(run, history=(*run.history[:-1], last))


def runs_of(activation: str, deads: list[float], fits: list[float], **settings: Any):
    """A run a seed."""
    both = zip(deads, fits, strict=True)
    return [fitted(activation, s, dead, r2, **settings) for s, (dead, r2) in enumerate(both)]


#: Five seeds; fewer dead and a better fit; fewer dead and a worse one.
BASE = runs_of("relu", [0.40, 0.45, 0.35, 0.50, 0.42], [0.80, 0.81, 0.79, 0.80, 0.82])
ELU = runs_of("elu", [0.10, 0.12, 0.02, 0.20, 0.15], [0.90, 0.92, 0.93, 0.89, 0.95])
SELU = runs_of("selu", [0.10, 0.12, 0.02, 0.20, 0.15], [0.50, 0.54, 0.47, 0.53, 0.56])


def of_both_kinds() -> list[RunRecord]:
    """Two activations on a classification, accuracy 0.9 or so, and on a regression."""
    classes = [
        paired_runs.record(f, s, dead + s / 100, accuracy, 0.3, dataset="blobs")
        for f, dead, accuracy in (("relu", 0.4, 0.9), ("elu", 0.1, 0.8))
        for s in range(4)
    ]
    numbers = [
        fitted(f, s, dead + s / 100, r2)
        for f, dead, r2 in (("relu", 0.5, 0.6), ("elu", 0.2, -0.2))
        for s in range(4)
    ]
    return [*classes, *numbers]
