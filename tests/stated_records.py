"""Runs made by hand of which it is known what each unit was at each probe, in text.

A letter a probe: ``#`` dead, ``r`` rare, ``l`` linear, ``.`` healthy; drawn anew since the probe
before: ``x`` and dead, ``+`` and healthy.
"""

from __future__ import annotations

import numpy as np

from reluprobe.config import make_run
from reluprobe.plan.runs import as_run
from reluprobe.records import (
    SCHEMA,
    EpochRecord,
    LayerRecord,
    MovementRecord,
    PaceRecord,
    ProbeRecord,
    RunRecord,
    SampleRecord,
)
from reluprobe.records.masks import pack, pack_some

#: In which bin of firing rates a unit lies.
BINS = {"#": 0, "x": 0, "r": 2, "l": 8, ".": 5, "+": 5}


def layer(letters, straight=True, **more):
    """A layer whose units are these, a letter each."""
    units = np.array(list(letters))
    dead, rare, linear = np.isin(units, ["#", "x"]), units == "r", units == "l"
    firing = np.bincount([BINS[letter] for letter in letters], minlength=9)
    anew = np.isin(units, ["x", "+"])
    redrawn = {"revived": int(anew.sum()), "revived_units": pack(anew)} if anew.any() else {}
    share = float(dead.mean())
    fields = dict(
        rare=float(rare.mean()), rare_units=pack_some(rare),
        linear=float(linear.mean()) if straight else None,
        linear_units=pack_some(linear) if straight else None,
        firing=tuple(firing.tolist()), dead_data=0.0,
    )  # fmt: skip
    return LayerRecord(len(units), *[share] * 5, None, pack(dead), **{**fields, **redrawn, **more})


def pace(**states):
    """What moved: of each state how many units, how far on the mean, and how far at most."""
    return MovementRecord(**{state: PaceRecord(*numbers) for state, numbers in states.items()})


def record(*layers, moved=None, samples=None, straight=True, phases=(), **settings):
    """A run of these layers, each a row of text a unit.

    Args:
        layers: as many rows as it has units, of as many letters as there are probes.
        moved: ``(layer, probe)`` to what moved since the probe before.
        samples: the finished network elsewhere: by name the letters of each layer.
        straight: whether its activation has a straight part.
        phases: their records.
        settings: of the run.
    """
    probes = len(layers[0][0])
    sizes = {"depth": len(layers), "width": len(layers[0]), "epochs": probes - 1}
    run = as_run(make_run(sizes | settings))
    moved = moved or {}

    def seen(t):
        return tuple(
            layer([row[t] for row in rows], straight, movement=moved.get((n, t)))
            for n, rows in enumerate(layers)
        )

    history = tuple(
        EpochRecord(t, 0.5 if t else None, None, 0.4, 0.9, seen(t), 10 * t) for t in range(probes)
    )
    looked = tuple(
        SampleRecord(name, 1000, 0.4, 0.9, tuple(own)) for name, own in (samples or {}).items()
    )
    return RunRecord(
        SCHEMA, run.id, run.config, "ok", {"device": "cpu", "devices": 2, "jax": "0"}, 1.0,
        ProbeRecord("train", 1000), history, samples=looked, phases=phases,
    )  # fmt: skip
