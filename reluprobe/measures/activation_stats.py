"""Activation statistics of a layer: mean, variance, share of zeros, histogram."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from reluprobe.measures.tallies import by_layers
from reluprobe.nn import activations
from reluprobe.nn.mlp import Preactivations

BINS = 32


class ActivationStats(NamedTuple):
    """Each layer's outputs a = f(z), over units and examples alike.

    ``second`` is the mean of z², whose ratio from layer to layer an init sets: 1 for He with
    ReLU, 1/2 for a variance of 1/n (He et al. 2015, equation 8). ``counts`` are of ``BINS`` equal
    bins between ``low`` and ``high``, the smallest and largest output; an output that is NaN or
    infinite is in none of them.
    """

    mean: Float[Array, " layer"]
    variance: Float[Array, " layer"]
    zeros: Float[Array, " layer"]
    second: Float[Array, " layer"]
    low: Float[Array, " layer"]
    high: Float[Array, " layer"]
    counts: Int[Array, "layer bin"]


def describe(
    z: Preactivations,
    counts: Float[Array, " example"],
    activation: activations.Index,
    parameter: activations.Scalar,
) -> ActivationStats:
    """Every layer's statistics.

    Args:
        z: pre-activations, as of ``tallies.add``.
        counts: 1 for an example, 0 for a repetition that fills up the batch.
        activation: index into ``activations.ACTIVATIONS``.
        parameter: the activation's parameter.
    """
    return by_layers(partial(_described, activation), z, counts, parameter)


def _described(
    activation: activations.Index, z: Array, counts: Array, parameter: activations.Scalar
) -> ActivationStats:
    def layer(z: Array, a: Array) -> ActivationStats:
        weights = jnp.broadcast_to(counts[:, None], a.shape) / (counts.sum() * a.shape[1])
        mean = jnp.sum(a * weights)
        variance = jnp.sum((a - mean[None, None]) ** 2 * weights)
        zeros = jnp.sum(jnp.where(a == 0, weights, 0.0))
        return ActivationStats(
            mean, variance, zeros, jnp.sum(z**2 * weights), a.min(), a.max(), _histogram(a, counts)
        )

    return jax.vmap(layer)(z, activations.activate(activation, z, parameter))


def _histogram(
    a: Float[Array, "example unit"], counts: Float[Array, " example"]
) -> Int[Array, " bin"]:
    low, high = a.min(), a.max()
    step = jnp.where(high > low, high - low, 1.0)
    bins = jnp.clip(((a - low) / step * BINS).astype(jnp.int32), 0, BINS - 1)
    weights = jnp.where(jnp.isfinite(a), counts[:, None], 0.0).astype(jnp.int32)
    return jnp.zeros(BINS, jnp.int32).at[bins.ravel()].add(weights.ravel())


def empty(layers: int) -> ActivationStats:
    """Zeros, where no statistics are taken."""
    zero = jnp.zeros(layers)
    counts = jnp.zeros((layers, BINS), jnp.int32)
    return ActivationStats(zero, zero, zero, zero, zero, zero, counts)
