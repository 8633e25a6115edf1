"""Born-dead engine: draws networks by the thousand; at which hidden layer is each silent."""

from __future__ import annotations

import math
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from reluprobe.config import BornDeadConfig, RunConfig
from reluprobe.errors import ReluprobeError
from reluprobe.nn import initializers, precision

#: Floats that the networks side by side may hold at a time, roughly.
FLOATS = 1 << 22
#: A running scale is kept within this and its inverse.
LARGEST = 1e30


def inputs(config: BornDeadConfig) -> Float[np.ndarray, "example feature"]:
    """The probe inputs: uniform on [−√3, √3] per feature (mean square 1), with mirror images.

    x and −x are both among them, so that inputs of both signs are sure to be; of an odd number
    the last stands alone.
    """
    key = jax.random.fold_in(jax.random.key(config.seed), 0)
    half = -(-config.examples // 2)
    end = math.sqrt(3)
    drawn = np.asarray(jax.random.uniform(key, (half, config.inputs), jnp.float32, -end, end))
    both = np.stack([drawn, -drawn], axis=1).reshape(2 * half, config.inputs)
    return both[: config.examples]


def directions(
    examples: Float[np.ndarray, "example feature"], config: BornDeadConfig
) -> Float[np.ndarray, "example feature"]:
    """Examples without those that can say nothing new.

    With zero bias f(c·x) = c·f(x) for c > 0, so on a line two inputs, one on each side of 0, stand
    for all: a thousand examples cost no more than two, and the answer is the same.
    """
    if config.inputs > 1 or config.bias_init != 0 or config.init in initializers.JOINT:
        return examples
    return np.unique(np.sign(examples), axis=0)


def first_silent(
    config: BornDeadConfig, width: int, batch: int | None = None
) -> Int[np.ndarray, " network"]:
    """The hidden layer, from 1, at which each network is silent on every input.

    ``max(config.depth) + 1`` where there is none. A network of fewer layers is the beginning of a
    deeper one, so a network of D hidden layers is born dead where this is ≤ D.

    A silent layer is what makes a network constant. Beyond it every input has the same
    activations; and while every layer has a unit that fires somewhere, the next layer, of generic
    weights, tells inputs apart.

    Args:
        config: what to draw. Network i of a width depends on the seed, the width and i alone.
        width: units in each hidden layer.
        batch: networks side by side; as many as fit where it is None.

    Raises:
        ReluprobeError: weights so large that activations are not finite.
    """
    examples = directions(inputs(config), config)
    size = min(batch or _that_fit(config, width, len(examples)), config.networks)
    key = jax.random.fold_in(jax.random.key(config.seed), width)
    program = _program(config.run, width, max(config.depth))
    batches = []
    for first in range(0, config.networks, size):
        indices = np.arange(first, first + size, dtype=np.uint32)
        batches.append(np.asarray(program(key, examples, indices)))
    silent = np.concatenate(batches)[: config.networks]
    if (silent == 0).any():
        raise ReluprobeError(
            f"{config.init}: activations are not finite; the weights are too large"
        )
    return silent


def _that_fit(config: BornDeadConfig, width: int, examples: int) -> int:
    each = width * (examples + width + config.inputs)
    return max(1, min(FLOATS // each, config.networks))


@lru_cache(maxsize=64)
def _program(config: RunConfig, width: int, depth: int) -> Any:
    """(key, examples, networks) → first_silent of each, to be compiled at its first call.

    One device: sharding over two CPU devices gained nothing measurable here, and the batched QR
    behind init orthogonal (JAX 0.10) hangs when two devices of one process wait for each other.
    """
    one = partial(_network, initializers.layer_initializer(config), width, depth)
    options: Any = initializers.CPU_OPTIONS if jax.default_backend() == "cpu" else {}
    return jax.jit(jax.vmap(one, in_axes=(None, None, 0)), compiler_options=options)


def _network(
    draw: initializers.LayerInit, width: int, depth: int, key: Array, examples: Array, number: Array
) -> Int[Array, ""]:
    """One network's first silent layer; 0 where it has gone non-finite."""
    own = jax.random.fold_in(key, number)

    def step(carry: tuple[Array, Array], layer: Array) -> tuple[tuple[Array, Array], Array]:
        return _layer(draw(jax.random.fold_in(own, layer), width, width), *carry)

    first = draw(jax.random.fold_in(own, 0), examples.shape[1], width)
    carry, top = _layer(first, examples, jnp.ones(examples.shape[0]))
    _, tops = jax.lax.scan(step, carry, jnp.arange(1, depth))
    tops = jnp.append(top, tops)
    fired = jnp.cumprod(tops > 0).sum()
    return jnp.where(jnp.isfinite(tops).all(), fired + 1, 0)


def _layer(
    weights: tuple[Array, Array],
    hidden: Float[Array, "example unit"],
    scale: Float[Array, " example"],
) -> tuple[tuple[Array, Array], Float[Array, ""]]:
    """The next activations, each example's own divided by their maximum; the largest of them.

    The activations are ``hidden`` times ``scale``, a number an example. Dividing changes no sign,
    so none of them matters but for the bias, and without it a deep layer of small weights would
    underflow: 0 in floating point, and still alive.
    """
    kernel, bias = weights
    offset = jnp.clip(bias[None, :] / scale[:, None], -LARGEST, LARGEST)
    with precision.full():
        z = hidden @ kernel + offset
    active = jax.nn.relu(z)
    # Of z = -inf the activation is 0, and the layer would pass for silent.
    top = jnp.where(jnp.isfinite(z).all(axis=1), active.max(axis=1), jnp.nan)
    divisor = jnp.where(top > 0, top, 1)
    scale = jnp.clip(scale * divisor, 1 / LARGEST, LARGEST)
    return (active / divisor[:, None], scale), top.max()
