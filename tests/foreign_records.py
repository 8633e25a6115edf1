"""Records of somebody else's networks, made of masks: every fraction is known beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from reluprobe.records import (
    SCHEMA,
    Coverage,
    EpochRecord,
    Foreign,
    LayerInfo,
    LayerRecord,
    ProbeRecord,
    RunRecord,
    Setting,
    foreign_id,
)

EXAMPLES = 100


def mask(text: str) -> np.ndarray:
    """``"x.."``: of three units the first is dead."""
    return np.array([letter == "x" for letter in text], bool)


def layer_record(dead: str | np.ndarray, **more: Any) -> LayerRecord:
    """A layer at one look, its dead units as :func:`mask` has them, of a ReLU."""
    units = mask(dead) if isinstance(dead, str) else dead
    share = float(units.mean())
    fields = {
        "dead": share,
        "silent": share,
        "never_positive": share,
        "constant": share,
        "dormant": share,
        "saturated": None,
        "dead_units": np.packbits(units).tobytes().hex(),
    }
    return LayerRecord(len(units), **{**fields, **more})


def layer_info(name: str, units: int, activation: str = "relu", positions: int = 1) -> LayerInfo:
    """What is said of a layer once a run."""
    return LayerInfo(name, activation, units, EXAMPLES, positions, "float32", False, "net.py:1")


def foreign_record(
    looks: Sequence[Sequence[str]],
    names: Sequence[str] = ("conv", "fc"),
    *,
    name: str = "cnn",
    seed: int = 0,
    settings: Mapping[str, Setting] | None = None,
    steps: Sequence[int] | None = None,
    accuracy: Sequence[float | None] = (),
    loss: Sequence[float | None] = (),
    **more: Any,
) -> RunRecord:
    """A run by what each look saw dead in each layer; looks are ten steps apart."""
    foreign = Foreign(name, seed, dict(settings or {}))
    moments = steps or [10 * n for n in range(len(looks))]
    history = tuple(
        EpochRecord(
            n,
            loss[n] if n < len(loss) else None,
            None,
            None,
            accuracy[n] if n < len(accuracy) else None,
            tuple(map(layer_record, look)),
            moments[n],
        )
        for n, look in enumerate(looks)
    )
    layers = tuple(
        layer_info(called, len(units)) for called, units in zip(names, looks[0], strict=True)
    )
    fields: dict[str, Any] = {
        "schema": SCHEMA,
        "id": foreign_id(foreign),
        "config": foreign,
        "status": "ok",
        "environment": {"jax": "0.10.2"},
        "seconds": 1.5,
        "probe": ProbeRecord("probe", EXAMPLES),
        "history": history,
        "layers": layers,
        "clock": "step",
        "coverage": Coverage(notes=("batch norm: its averages",)),
    }
    return RunRecord(**{**fields, **more})
