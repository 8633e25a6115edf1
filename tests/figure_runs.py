"""Runs made by hand that have all that figures show."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from reluprobe.config import load_reference, make_run
from reluprobe.plan.runs import as_run
from reluprobe.records import (
    SCHEMA,
    ActivationsRecord,
    CausesRecord,
    EpochRecord,
    LayerRecord,
    MovementRecord,
    PaceRecord,
    ProbeRecord,
    RunRecord,
    SampleRecord,
)
from reluprobe.records.folder import Archive

EPOCHS, DEPTH, WIDTH = 4, 2, 16
HISTOGRAM = ActivationsRecord(0.5, 0.25, 0.5, 1.0, 0.0, 2.0, (4, 2, 1, 1))

PACE = PaceRecord(2, 0.25, 0.5)


def masks(dead, seed=0):
    """``(probe, layer, unit)``: a share of the units dead at the end, later seeds some more.

    Unit 0 of layer 1 is dead at the second probe alone: it comes back.
    """
    dead_units = np.zeros((EPOCHS + 1, DEPTH, WIDTH), bool)
    for epoch in range(1, EPOCHS + 1):
        many = min(WIDTH - 1, round(dead * WIDTH * epoch / EPOCHS) + seed) if dead else 0
        dead_units[epoch, :, 1 : 1 + many] = True
    dead_units[1, 0, 0] = bool(dead)
    return dead_units


def rates(mask):
    """Of a layer with these dead units: the last of the others is rare."""
    rare = np.zeros(WIDTH, bool)
    rare[np.flatnonzero(~mask)[-1:]] = True
    counts = (int(mask.sum()), 0, int(rare.sum()), 0, int((~mask & ~rare).sum()), 0, 0, 0, 0)
    return {
        "rare": float(rare.mean()), "linear": 0.0, "rare_units": np.packbits(rare).tobytes().hex(),
        "linear_units": "", "firing": counts, "dead_data": float(mask.all()),
    }  # fmt: skip


def without_rates(layer):
    """The layer as records before run/7 have it."""
    names = ("firing", "rare", "linear", "rare_units", "linear_units", "dead_data", "movement")
    return replace(layer, **dict.fromkeys(names))


def layer(mask, before=None, **more):
    """A layer of which these units are dead; never positive are three quarters of the rest too."""
    share = float(mask.mean())
    never = share + 0.75 * (1 - share)
    died = None if before is None else int((mask & ~before).sum())
    causes = CausesRecord(-1.0, -0.25, -0.75) if died else None
    moved = (
        None if before is None else MovementRecord(PACE if mask.any() else None, None, None, PACE)
    )
    bits = np.packbits(mask).tobytes().hex()
    fields = {"deaths": died, "causes": causes, "certified": 0.0, "movement": moved}
    fields |= rates(mask) | more
    return LayerRecord(WIDTH, share, share, never, share, share, None, bits, **fields)


def record(dead=0.5, status="ok", accuracy=0.9, bare=False, **settings):
    """A run; ``bare`` has neither causes, nor histograms, nor samples."""
    sizes = {"depth": DEPTH, "width": WIDTH, "epochs": EPOCHS, "seed": 0}
    run = as_run(make_run({**sizes, **settings}))
    dead_units = masks(dead, run.config.seed)

    def epoch(t):
        before = dead_units[t - 1] if t and not bare else [None] * DEPTH
        drawn = {} if bare or t else {"activations": HISTOGRAM}
        layers = tuple(
            layer(mask, old, **drawn) for mask, old in zip(dead_units[t], before, strict=True)
        )
        loss = None if t == 0 else 1.0 / t + 0.01 * run.config.seed
        known = None if accuracy is None else accuracy * min(1.0, 0.1 + t) - 0.001 * run.config.seed
        return EpochRecord(t, loss, known, 0.5, known, layers, t * 10)

    history = tuple(map(epoch, range(EPOCHS + 1)))
    looked = [("probe", 1000, 1.0), ("test", 200, 0.75), ("train", 5000, 0.5)]
    samples = tuple(
        SampleRecord(name, size, 0.5, 0.9, tuple(map(layer, of_less(dead_units[-1], part))))
        for name, size, part in looked
    )
    return RunRecord(
        SCHEMA, run.id, run.config, status, {"device": "cpu", "devices": 2, "jax": "0"}, 1.0,
        ProbeRecord("train", 1000), history, samples=() if bare else samples,
        error="boom" if status == "failed" else None,
    )  # fmt: skip


def of_less(layers, part):
    """The first so many of the dead units of each layer."""
    return [mask & (np.cumsum(mask) <= round(part * mask.sum())) for mask in layers]


def archive(records, folder=".", reference=None):
    """A sweep of these."""
    named = None if reference is None else load_reference(reference)
    return Archive("made", Path(folder), tuple(records), reference=named)


def made(*settings, seeds=1, dead=0.5):
    """A record of each of these settings and each seed."""
    return [record(dead, seed=s, **one) for one in settings for s in range(seeds)]


def with_layers(run, change):
    """The run with each layer of its history changed."""
    history = [replace(epoch, layers=tuple(map(change, epoch.layers))) for epoch in run.history]
    return replace(run, history=tuple(history))


def sweep(seeds=3, **settings):
    """Two activations at two rates: everything but published values and activations is there."""
    return [
        record(d * (2 if rate > 0.01 else 1), activation=a, learning_rate=rate, seed=s, **settings)
        for a, d in (("relu", 0.4), ("elu", 0.0))
        for rate in (1e-3, 1e-1)
        for s in range(seeds)
    ]
