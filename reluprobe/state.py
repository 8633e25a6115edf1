"""A run's place in a compiled program: its state, its numbers, and what is static about it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Bool, Float, Int, Shaped, UInt32

from reluprobe import model, zoo
from reluprobe.config import RunConfig


class Arrays(NamedTuple):
    """A dataset on the device: uint8 pixels, scaled to [0, 1] inside the step, or floats.

    The training examples come first, then the test set's. ``low`` and ``high`` are each feature's
    smallest and largest training value, as the network sees it.
    """

    inputs: Shaped[Array, "example feature"]
    targets: Shaped[Array, " example"]
    low: Float[Array, " feature"]
    high: Float[Array, " feature"]


class Section(NamedTuple):
    """What one call does: some steps of an epoch, then a probe. Scalars; the same for all lanes.

    Attributes:
        epoch: the epoch these steps belong to; 0 is before the first.
        first, last: steps of that epoch, from and up to.
        closes: whether the epoch ends here: then the test set is run through.
        ends: whether the run ends here: then units are looked at on the test and training sets.
        probed: how many examples the probe has.
        explained: on how many of them causes of death are sought.
    """

    epoch: Int[Array, ""]
    first: Int[Array, ""]
    last: Int[Array, ""]
    closes: Bool[Array, ""]
    ends: Bool[Array, ""]
    probed: Int[Array, ""]
    explained: Int[Array, ""]


class Numbers(NamedTuple):
    """What tells lanes of one program apart. ``order`` is the key of the data's order, raw."""

    learning_rate: Float[Array, ""]
    activation: Int[Array, ""]
    parameter: Float[Array, ""]
    order: UInt32[Array, " word"]
    live: Bool[Array, ""]


class Lane(NamedTuple):
    """What training changes. ``order`` and ``sums`` (loss, right) are those of the epoch."""

    weights: nnx.State
    optimizer: optax.OptState
    order: Int[Array, "step batch"]
    sums: Float[Array, " two"]


@dataclass(frozen=True)
class Blueprint:
    """What is static: everything that changes shapes or code. Hashable.

    ``activation`` is None where it is traced (see ``zoo.activate``).
    """

    graph: nnx.GraphDef
    optimizer: str
    batch_size: int
    train_examples: int
    regression: bool
    activation: int | None = None

    def run(self, inputs: Array, weights: nnx.State, numbers: Numbers) -> tuple[Array, Array]:
        """The network's outputs and pre-activations for these raw inputs."""
        network = nnx.merge(self.graph, weights)
        return network(scaled(inputs), *self.f(numbers))

    def fixed(self, config: RunConfig) -> Blueprint:
        """This plan with the run's activation compiled in."""
        return dataclasses.replace(self, activation=zoo.INDEX[config.activation])

    def f(self, numbers: Numbers) -> tuple[zoo.Index, zoo.Scalar]:
        """The lane's activation: its index and its parameter."""
        index = numbers.activation if self.activation is None else self.activation
        return index, numbers.parameter


def init_lane(
    config: RunConfig, features: int, outputs: int, examples: int
) -> tuple[Lane, Numbers, Blueprint]:
    """A run's starting point. Its randomness comes from its own seed only.

    Args:
        config: the run.
        features: inputs of the network.
        outputs: outputs of the network.
        examples: size of the training set.
    """
    weights_key, order_key = jax.random.split(jax.random.key(config.seed))
    network = model.make(config, features, outputs, nnx.Rngs(weights_key))
    graph, weights = nnx.split(network)
    state = zoo.optimizer(config.optimizer, config.learning_rate).init(weights)
    numbers = Numbers(
        jnp.float32(config.learning_rate),
        jnp.int32(zoo.INDEX[config.activation]),
        jnp.float32(zoo.activation_parameter(config)),
        jax.random.key_data(order_key),
        jnp.bool_(True),
    )
    plan = Blueprint(graph, config.optimizer, config.batch_size, examples, outputs == 1)
    steps = -(-examples // config.batch_size)
    order = jnp.zeros((steps, config.batch_size), jnp.int32)
    return Lane(weights, state, order, jnp.zeros(2)), numbers, plan


def scaled(inputs: Shaped[Array, "example feature"]) -> Float[Array, "example feature"]:
    """Inputs as the network sees them: pixels divided by 255, floats as they are."""
    if inputs.dtype == jnp.uint8:
        return inputs.astype(jnp.float32) / 255
    return inputs


def losses(
    outputs: Float[Array, "example output"], targets: Shaped[Array, " example"], regression: bool
) -> tuple[Float[Array, " example"], Float[Array, " example"]]:
    """Per example: the loss, and 1 where the prediction is right (0 in regression).

    Softmax cross-entropy in nats; (output − target)² in regression.
    """
    if regression:
        errors = optax.squared_error(outputs[:, 0], targets)
        return errors, jnp.zeros_like(errors)
    errors = optax.softmax_cross_entropy_with_integer_labels(outputs, targets)
    return errors, (jnp.argmax(outputs, axis=1) == targets).astype(jnp.float32)


def batches(
    order: Int[Array, " example"], size: int
) -> tuple[Int[Array, "step batch"], Float[Array, "step batch"]]:
    """Cut an order of examples into steps of one shape.

    The last batch is kept, however small (469 steps on MNIST at 128, as the study has it): it is
    filled up with examples of weight 0, so that every step's loss is the mean of its own.
    """
    steps = -(-order.size // size)
    missing = steps * size - order.size
    weights = jnp.pad(jnp.ones(order.size), (0, missing))
    return jnp.pad(order, (0, missing)).reshape(steps, size), weights.reshape(steps, size)
