"""A look into somebody's network as JSON: what ``inspect --json`` writes."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

import numpy as np

from reluprobe.config.choices import DEFINITIONS
from reluprobe.foreign.result import Layer, Look
from reluprobe.records.network import LayerInfo

SHARES = (*DEFINITIONS, "certified")


def inspection(look: Look, name: str) -> dict[str, Any]:
    """Shares in [0, 1], null where a measure does not apply; units' numbers from 0."""
    return {
        "name": name,
        "examples": look.examples,
        "units": look.units,
        "dead": look.share(),
        "layers": [_layer(layer) for layer in look.layers],
        "coverage": asdict(look.coverage),
    }


def _layer(layer: Layer) -> dict[str, Any]:
    described = {field.name: getattr(layer, field.name) for field in fields(LayerInfo)}
    shares = {name: layer.share(name) for name in SHARES}
    return {
        **described,
        **shares,
        "not_finite": int(layer.not_finite.sum()),
        "dead_units": np.flatnonzero(layer.dead).tolist() if layer.examples else None,
    }
