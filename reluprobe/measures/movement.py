"""Movement: how far each unit's incoming weights and bias went from one probe to the next."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from reluprobe.nn import hidden_layers
from reluprobe.nn.hidden_layers import Layer
from reluprobe.nn.mlp import MLP


def relative(before: MLP, after: MLP) -> Float[Array, "layer unit"]:
    """‖(w, b)′ − (w, b)‖ / ‖(w, b)‖ of each unit, Euclidean; 0 where nothing moved.

    Under plain SGD a unit that is dead on the whole training set has no gradient and stands still:
    it is 0 exactly. Adam moves it on by what its moments remember. Infinite for a unit that starts
    from weights and bias of 0. A norm's scale and shift are no part of it.

    Args:
        before: the network at one probe.
        after: the same at a later one.
    """

    def layer(carry: None, i: Any, old: Layer, new: Layer) -> tuple[None, Array]:
        moved, start = _norm(new.linear, old.linear), _norm(old.linear)
        return carry, jnp.where(moved == 0, 0.0, moved / start)

    return hidden_layers.scan(layer, None, before, after)[1]


def _norm(layer: nnx.Module, origin: nnx.Module | None = None) -> Float[Array, " unit"]:
    """Of each unit's weights and bias, from the origin's or from 0."""
    total = jnp.float32(0)
    for name in ("kernel", "bias"):
        if (own := getattr(layer, name)) is not None:
            away = own[...] - (0.0 if origin is None else getattr(origin, name)[...])
            total = total + jnp.sum(jnp.square(away).reshape(-1, away.shape[-1]), axis=0)
    return jnp.sqrt(total)
