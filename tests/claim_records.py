"""Runs and references made by hand, for claims: which units are dead when is written out."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from reluprobe.analysis import claims, replication
from reluprobe.config import make_run
from reluprobe.config.reference import load
from reluprobe.plan.runs import as_run
from reluprobe.records import (
    SCHEMA,
    EpochRecord,
    LayerRecord,
    PhaseRecord,
    ProbeRecord,
    RunRecord,
    SampleRecord,
)

WIDTH = 10


def layer(dead: set[int] | float, constant: float | None = 0.0) -> LayerRecord:
    """A layer of ten whose dead units are these; of a share alone nobody says which."""
    if isinstance(dead, float):
        return LayerRecord(WIDTH, dead, dead, dead, constant, dead / 2, None, None)
    mask = np.packbits([unit in dead for unit in range(WIDTH)]).tobytes().hex()
    share = len(dead) / WIDTH
    return LayerRecord(WIDTH, share, share, share, constant, share / 2, None, mask)


def run(
    *epochs: Sequence[set[int] | float],
    seed: int = 0,
    accuracy: Sequence[float] = (),
    constant: float | None = 0.0,
    phased: bool = False,
    train: Sequence[set[int] | float] = (),
    **settings: object,
) -> RunRecord:
    """A run of as many epochs, after one before training at which none is dead.

    Args:
        epochs: the dead of each layer.
        seed: of the run.
        accuracy: on the test set after each epoch; 0.9, if left out.
        constant: share of the units of every layer at every epoch.
        phased: whether each epoch is a phase of its own.
        train: the dead of each layer of the finished network on the training set.
        settings: others.
    """
    depth, last = len(epochs[0]), len(epochs)
    phases = f"permuted_pixels*{last - 1}" if phased else "none"
    given = {"depth": depth, "width": WIDTH, "epochs": 1 if phased else last, "phases": phases}
    config = make_run({**given, "seed": seed, **settings})  # type: ignore[arg-type]
    every = [(set(),) * depth, *epochs]
    history = tuple(
        EpochRecord(
            n, None, None, 0.1, [0.1, *accuracy][n] if accuracy else 0.9,
            tuple(layer(dead, constant) for dead in seen), n,
        )
        for n, seen in enumerate(every)
    )  # fmt: skip
    seen = SampleRecord("probe", 100, 0.5, 0.5, history[-1].layers)
    entries = tuple(
        PhaseRecord(
            n, "mnist", "permuted_pixels" if n else "same", n + 1, n + 1, seen if n else None, seen
        )
        for n in range(last if phased else 0)
    )
    whole = SampleRecord("train", 1000, 0.5, 0.5, tuple(layer(dead) for dead in train))
    return RunRecord(
        SCHEMA, as_run(config).id, config, "ok", {"device": "cpu", "devices": 1, "jax": "0"}, 1.0,
        ProbeRecord("train", 100), history, samples=(whole,) if train else (), phases=entries,
    )  # fmt: skip


def reference(folder, *written: dict, protocol: dict | None = None, **changes: object):
    """A file of these claims, read."""
    file = folder / "said.json"
    file.write_text(text(*written, protocol=protocol, **changes))
    return load(str(file))


def text(*written: dict, protocol: dict | None = None, **changes: object) -> str:
    """The file of these claims."""
    base = {"source": "a paper", "criterion": "no gradient", "definition": "dead"}
    every = [{"text": "so it is", "measure": "dead", **claim} for claim in written]
    claimed = {"protocol": protocol or {}, "claims": every}
    return json.dumps(base | claimed | changes)


def judged(folder, runs: Sequence[RunRecord], *written: dict, protocol: dict | None = None):
    """These claims, decided by these runs."""
    read = reference(folder, *written, protocol=protocol)
    return claims.judge_all(replication.compare(runs, read))
