"""Causes of death between two probes: its weights, its bias, or its inputs.

A unit's largest pre-activation over the probe, v = max_k (w·x_k + b), falls to 0 or below when a
ReLU dies. Three players moved it: the weights w, the bias b, and the inputs x (upstream: what the
layers before it have become). v(S) is v with the players in S at their new state and the others
at their old; the Shapley value shares the drop v(all) − v(none) among them, whatever the order.

Since b is added after the maximum, v(S) = M(w, x) + b, where M takes w and x at either state. All
eight combinations follow from the four values of M; the bias's Shapley value is b′ − b exactly,
and w and x share the rest as two players. Source: Shapley 1953.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from reluprobe.nn import hidden_layers
from reluprobe.nn.hidden_layers import Layer
from reluprobe.nn.mlp import MLP, parameters


class Causes(NamedTuple):
    """How far each player moved a unit's largest pre-activation, ``(layer, unit)``.

    Negative where it pushed the unit down; their sum is the whole move.
    """

    weights: Float[Array, "layer unit"]
    bias: Float[Array, "layer unit"]
    upstream: Float[Array, "layer unit"]


class Peaks(NamedTuple):
    """M, the largest w·x_k over the examples seen, ``(layer, unit)``, by state of w and of x."""

    old_old: Float[Array, "layer unit"]
    new_old: Float[Array, "layer unit"]
    old_new: Float[Array, "layer unit"]
    new_new: Float[Array, "layer unit"]


def empty(sizes: Sequence[int]) -> Peaks:
    """Peaks over no example, of layers of so many units, in rows as long as the widest layer."""
    lowest = jnp.full((len(sizes), max(sizes)), -jnp.inf)
    return Peaks(lowest, lowest, lowest, lowest)


def add(
    peaks: Peaks,
    before: MLP,
    after: MLP,
    inputs: Float[Array, "example feature"],
) -> Peaks:
    """The peaks with these examples seen by the network before and after, if it is of ReLUs.

    Of other activations the peaks mean nothing: their death is not a matter of the largest z.

    Args:
        peaks: of the examples so far.
        before: the network at the last probe.
        after: the network now.
        inputs: examples as the network sees them.
    """

    def layer(seen: tuple[Array, Array], i: Any, *layers: Layer) -> tuple[Any, Peaks]:
        old, new = seen
        (w_old, b_old), (w_new, b_new) = (parameters(layer.linear) for layer in layers)
        # The first layer's inputs do not move: its four products are two.
        oo, nn = old @ w_old, new @ w_new
        no, on = (nn, oo) if old is new else (old @ w_new, new @ w_old)
        row = Peaks(*(jnp.max(m, axis=0) for m in (oo, no, on, nn)))
        return (jax.nn.relu(oo + b_old[None]), jax.nn.relu(nn + b_new[None])), row

    _, batch = hidden_layers.scan(layer, (inputs, inputs), before, after)
    return jax.tree.map(jnp.maximum, peaks, batch)


def shares(peaks: Peaks, before: MLP, after: MLP) -> Causes:
    """Each player's Shapley value."""
    oo, no, on, nn = peaks

    def layer(carry: None, i: Any, before: Layer, after: Layer) -> tuple[None, Array]:
        return carry, parameters(after.linear)[1] - parameters(before.linear)[1]

    _, bias = hidden_layers.scan(layer, None, before, after)
    return Causes(((no - oo) + (nn - on)) / 2, bias, ((on - oo) + (nn - no)) / 2)
