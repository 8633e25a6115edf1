"""Runs made by hand in which dead units are drawn anew: what each of a layer's units was, in text.

A letter a probe: ``.`` alive, ``#`` dead; drawn anew since the probe before: ``+`` and alive,
``x`` and dead.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from reluprobe.config import make_run
from reluprobe.plan.runs import as_run
from reluprobe.records import SCHEMA, EpochRecord, LayerRecord, ProbeRecord, RunRecord


def courses(*rows):
    """``(probe, unit)``: which are dead, and which had been drawn anew."""
    letters = np.array([list(row) for row in rows]).T
    return np.isin(letters, ["#", "x"]), np.isin(letters, ["+", "x"])


def packed(mask):
    return np.packbits(mask).tobytes().hex()


def record(*layers, **settings):
    """A run of these layers, each as many rows of text as it has units."""
    watched = [courses(*rows) for rows in layers]
    sizes = {"depth": len(layers), "width": len(layers[0]), "revive": "redo"}
    sizes["epochs"] = len(watched[0][0]) - 1
    run = as_run(make_run(sizes | settings))

    def layer(dead, anew, before):
        share = float(dead.mean())
        died = None if before is None else int((dead & ~before).sum())
        return LayerRecord(
            len(dead), *[share] * 5, saturated=None, dead_units=packed(dead), deaths=died,
            revived=int(anew.sum()), revived_units=packed(anew),
        )  # fmt: skip

    history = tuple(
        EpochRecord(
            t, None if t == 0 else 0.5, None, 0.4, 0.9,
            tuple(layer(d[t], a[t], d[t - 1] if t else None) for d, a in watched), 10 * t,
        )
        for t in range(len(watched[0][0]))
    )  # fmt: skip
    return RunRecord(
        SCHEMA, run.id, run.config, "ok", {"device": "cpu", "devices": 2, "jax": "0"}, 1.0,
        ProbeRecord("train", 1000), history,
    )  # fmt: skip


def unmasked(run, schema="reluprobe/run/3"):
    """The same run as older records have it: how many units were drawn anew, and not which."""
    history = tuple(
        dataclasses.replace(
            epoch,
            layers=tuple(dataclasses.replace(x, revived_units=None) for x in epoch.layers),
        )
        for epoch in run.history
    )
    return dataclasses.replace(run, schema=schema, history=history)
