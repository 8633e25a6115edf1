"""Certify dead units: a proof for every input of a box, not only for the examples probed.

The box holds each feature between its smallest and largest value in the training set. Layer 1,
exactly: z ≤ b + Σ_i max(w_i·lo_i, w_i·hi_i). Deeper, by interval propagation: the bounds of z
give bounds of a = f(z) for a monotone f, which are the next layer's box (sound, not tight).
Source: Gowal et al. 2018 (interval bound propagation).
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from reluprobe.nn import activations, hidden_layers
from reluprobe.nn.hidden_layers import Layer
from reluprobe.nn.mlp import MLP, parameters


def certified(
    network: MLP,
    low: Float[Array, " feature"],
    high: Float[Array, " feature"],
    activation: activations.Index,
) -> Bool[Array, "layer unit"]:
    """Which units have f′ = 0 for every input between ``low`` and ``high``.

    For an f without a flat stretch (``activations.Activation.dies_for_certain``) the answer is no
    throughout and means nothing: records hold null there.
    """
    acts = activations.ACTIVATIONS.values()
    below = activations.pick([a.flat_below for a in acts], activation)
    above = activations.pick([a.flat_above for a in acts], activation)
    floor = activations.pick([a.low for a in acts], activation)
    ceiling = activations.pick([a.high for a in acts], activation)

    def layer(box: tuple[Array, Array], i: Any, layer: Layer) -> tuple[Any, Array]:
        least, most = bounds(*parameters(layer.linear), *box)
        certain = (most <= below) | (least >= above)
        # What is flat outside a stretch and the identity within is a clip to its own range.
        return (jnp.clip(least, floor, ceiling), jnp.clip(most, floor, ceiling)), certain

    return hidden_layers.scan(layer, (low, high), network)[1]


def bounds(
    kernel: Float[Array, "feature unit"],
    bias: Float[Array, " unit"],
    low: Float[Array, " feature"],
    high: Float[Array, " feature"],
) -> tuple[Float[Array, " unit"], Float[Array, " unit"]]:
    """Smallest and largest z = w·x + b over the box, widened by what rounding can add.

    The sum of n products in float32 is off by at most about n·ε·(|b| + Σ|w_i||x_i|)
    (Higham 2002, §3.1), so the proof holds for the numbers that the network computes.
    """
    up, down = jnp.maximum(kernel, 0), jnp.minimum(kernel, 0)
    most = _dot(high, up) + _dot(low, down) + bias
    least = _dot(low, up) + _dot(high, down) + bias
    size = _dot(jnp.maximum(jnp.abs(low), jnp.abs(high)), up - down) + jnp.abs(bias)
    slack = (low.size + 2) * jnp.finfo(jnp.float32).eps * size
    return least - slack, most + slack


def _dot(row: Float[Array, " feature"], kernel: Float[Array, "feature unit"]) -> Array:
    # A GPU's default product rounds its factors to ten bits: no ground for a proof.
    return jnp.matmul(row, kernel, precision="highest")
