"""Runs made by hand to compare, and the paired interval draw by draw."""

from __future__ import annotations

import itertools
import math

import numpy as np

from reluprobe.analysis.contrast import Question
from reluprobe.config import make_run
from reluprobe.plan.runs import as_run
from reluprobe.records import SCHEMA, EpochRecord, LayerRecord, ProbeRecord, RunRecord, SampleRecord

RELU = Question(baseline={"activation": "relu"})


def layers(dead):
    """Two layers of ten units, ``dead`` of all of them; never positive: all."""
    if dead is None:
        return (LayerRecord(10, *[None] * 6, dead_units=None),) * 2
    return (LayerRecord(10, dead, dead, 1.0, dead, dead, None, "0000"),) * 2


def record(activation="relu", seed=0, dead=0.4, accuracy=0.9, loss=0.5, status="ok", **settings):
    run = as_run(make_run({"activation": activation, "depth": 2, "width": 10, "seed": seed}
                        | settings))  # fmt: skip
    nothing = status != "ok"
    ends = (None, None) if nothing else (loss, accuracy)
    last = EpochRecord(run.config.epochs, None, None, *ends, layers(None if nothing else dead))
    train = SampleRecord("train", 60_000, 0.1, 0.9, layers(None if nothing else dead / 2))
    return RunRecord(
        SCHEMA, run.id, run.config, status, {"device": "cpu", "devices": 2, "jax": "0"}, 1.0,
        ProbeRecord("train", 1000), () if status == "failed" else (last,), samples=(train,),
        error="boom" if status == "failed" else None,
    )  # fmt: skip


def runs_of(activation, deads, accuracies=None, **settings):
    accuracies = accuracies or [0.9 + 0.001 * (s % 3) for s in range(len(deads))]
    both = zip(deads, accuracies, strict=True)
    return [record(activation, s, d, a, **settings) for s, (d, a) in enumerate(both)]


#: Five seeds of relu, and of three others: fewer dead and no worse; and worse; and more dead.
BASE = runs_of("relu", [0.40, 0.45, 0.35, 0.50, 0.42])
ELU = runs_of("elu", [0.10, 0.12, 0.02, 0.20, 0.15])
SELU = runs_of("selu", [0.10, 0.12, 0.02, 0.20, 0.15], [0.80, 0.81, 0.79, 0.80, 0.82])
TANH = runs_of("tanh", [0.70, 0.78, 0.66, 0.79, 0.73])


def only(comparison):
    (group,) = comparison.groups
    return group


def baseline_of(comparison):
    (baseline,) = only(comparison).baselines
    return baseline


def seeds_of(row):
    """The seeds that a row pairs."""
    return tuple(pair.seed for pair in row.pairs)


def rows_of(comparison):
    return {row.differs["activation"]: row for row in only(comparison).rows}


def brute_force(x):
    """Bootstrap-t over all nⁿ draws, one by one."""
    n, m, s = len(x), np.mean(x), np.std(x)
    t = []
    for draw in itertools.product(x, repeat=n):
        if len(set(draw)) == 1:
            t.append(math.copysign(math.inf, draw[0] - m))
        else:
            t.append((np.mean(draw) - m) / np.std(draw))
    t.sort()
    k = math.ceil(0.025 * n**n) - 1
    return m - t[-1 - k] * s, m - t[k] * s
