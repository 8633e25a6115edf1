"""Somebody else's networks, looked at: what the tests of ``foreign`` share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from reluprobe.foreign.probe import Probe
from reluprobe.foreign.result import Layer
from reluprobe.records.network import Coverage

#: A bias so low that no example fires the unit, whatever its weights.
DEAD = -1000.0


def look(
    function: Callable[[Any, Any], Any], params: Any, *batches: Any, weights: Sequence[Any] = ()
) -> tuple[dict[str, Layer], Coverage]:
    """The layers by name, over these batches."""
    probe, tally = Probe(function, params), None
    for number, batch in enumerate(batches):
        given = weights[number] if weights else None
        tally = probe.add(tally, params, batch, given)
    layers, coverage = probe.answer(tally, params)
    assert len({layer.name for layer in layers}) == len(layers)
    return {layer.name: layer for layer in layers}, coverage


def dead(layers: dict[str, Layer]) -> dict[str, list[int]]:
    """The numbers of the dead units, by layer."""
    return {name: np.flatnonzero(layer.dead).tolist() for name, layer in layers.items()}


def normal(seed: int, *shape: int) -> Any:
    """Standard normal numbers."""
    return jax.random.normal(jax.random.key(seed), shape)


def dense(seed: int, inputs: int, outputs: int, *dying: int) -> dict[str, Any]:
    """A dense layer of which these units are dead."""
    bias = normal(seed + 100, outputs) / 10
    return {
        "kernel": normal(seed, inputs, outputs),
        "bias": bias.at[np.array(dying, int)].set(DEAD),
    }


def apply(layer: dict[str, Any], x: Any) -> Any:
    """A dense layer's pre-activations."""
    return x @ layer["kernel"] + layer["bias"].reshape((1,) * (x.ndim - 1) + (-1,))
