"""Convolutional network: convolutions with their pooling, then an MLP's hidden layers."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array

from reluprobe.config import RunConfig, conv_shapes
from reluprobe.nn import initializers
from reluprobe.nn.mlp import MLP, values_of_a_unit

#: A pooling halves height and width; what is left over at the edges is dropped.
POOLINGS = {"max": nnx.max_pool, "mean": nnx.avg_pool, "none": None}


class CNN(MLP):
    """Convolutions of stride 1 that keep height and width, each with its activation and pooling.

    z = norm(h ∗ W + b), h ← pool(f(z)), a channel being a unit; then the hidden layers of an
    :class:`MLP` over all positions of all channels.
    """

    def __init__(
        self, config: RunConfig, shape: tuple[int, ...], outputs: int, rngs: nnx.Rngs
    ) -> None:
        self.shape = shape
        self.pooling = config.pooling
        features = conv_shapes.flattened(config, shape) * values_of_a_unit(config)
        super().__init__(config, features, outputs, rngs)

    def _hidden(
        self, config: RunConfig, features: int, kernel_init: nnx.Initializer, rngs: nnx.Rngs
    ) -> nnx.List[Any]:
        values = values_of_a_unit(config)
        given = [self.shape[-1], *(values * channels for channels in config.convolutions)]
        conv = partial(
            nnx.Conv,
            kernel_size=(config.kernel, config.kernel),
            kernel_init=kernel_init,
            bias_init=initializers.constant(config.bias_init),
            rngs=rngs,
        )
        layers = [
            conv(n_in, n_out) for n_in, n_out in zip(given, config.convolutions, strict=False)
        ]
        return nnx.List([*layers, *super()._hidden(config, features, kernel_init, rngs)])

    def _as_given(self, inputs: Array) -> Array:
        return inputs.reshape(-1, *self.shape)

    def _product(self, linear: Any, given: Array) -> Array:
        if isinstance(linear, nnx.Linear):
            return linear(given.reshape(len(given), -1))
        return _of_patches(linear, given) if jax.default_backend() == "cpu" else linear(given)

    def _passed_on(self, linear: Any, a: Array) -> Array:
        pool = POOLINGS[self.pooling]
        if pool is None or isinstance(linear, nnx.Linear):
            return a
        return jnp.asarray(pool(a, (2, 2), strides=(2, 2)))


def _of_patches(conv: nnx.Conv, given: Array) -> Array:
    """The same convolution as one product of every pixel's neighbourhood with the weights.

    Within a loop XLA's own is slow on a CPU: a step of channels 8-16 on 128 images of MNIST took
    272 ms on one core, and takes 43 so.
    """
    kernel, side = conv.kernel[...], conv.kernel[...].shape[0]
    before = (side - 1) // 2
    edges = (before, side - 1 - before)
    padded = jnp.pad(given, ((0, 0), edges, edges, (0, 0)))
    height, width = given.shape[1:3]
    shifted = [
        padded[:, row : row + height, column : column + width]
        for row in range(side)
        for column in range(side)
    ]
    z = jnp.concatenate(shifted, axis=-1) @ kernel.reshape(-1, kernel.shape[-1])
    return z if conv.bias is None else z + conv.bias[...].reshape(1, 1, 1, -1)
