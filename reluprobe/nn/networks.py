"""Networks by name: the one that a run's settings build."""

from __future__ import annotations

import math

from flax import nnx

from reluprobe.config import RunConfig, conv_shapes
from reluprobe.nn import cnn, mlp

#: Outputs of a network, where it matters little how many they are.
OUTPUTS = 10


def make(config: RunConfig, shape: tuple[int, ...], outputs: int, rngs: nnx.Rngs) -> mlp.MLP:
    """The network of a run: an MLP, or a cnn.

    Args:
        config: the run.
        shape: of one example, which the network is given as a flat vector in C order.
        outputs: of the network.
        rngs: what weights are drawn with.
    """
    if config.network != "cnn":
        return mlp.make(config, math.prod(shape), outputs, rngs)
    return mlp.finished(cnn.CNN(config, shape, outputs, rngs), config, rngs)


def sizes(config: RunConfig, shape: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """How many weights a network has, about, and how many values each hidden layer gives out.

    Args:
        config: the run.
        shape: of one example.
    """
    values = mlp.values_of_a_unit(config)
    side, places = config.kernel**2, math.prod(shape[:2])
    given, weights, outputs = shape[-1], 0, []
    for channels in config.convolutions:
        weights += (side * given + 1) * channels
        given = channels * values
        outputs.append(given * places)
        places //= 4 if config.pooling != "none" else 1
    given = math.prod(shape)
    if config.convolutions:
        given = conv_shapes.flattened(config, shape) * values
    for units in (*config.sizes[len(config.convolutions) :], OUTPUTS):
        weights += (given + 1) * units
        given = units * values
        outputs.append(given)
    return weights, tuple(outputs)
