"""Train and probe one lane for one epoch. Pure: a lane in, a lane and its report out."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Bool, Float, Int, Shaped, UInt32

from reluprobe import model, probe, zoo
from reluprobe.config import RunConfig

#: Examples a step when only looking: bounds the memory that the test set's activations take.
EVALUATION_BATCH = 1000


class Arrays(NamedTuple):
    """A dataset on the device: uint8 pixels, scaled to [0, 1] inside the step, or floats."""

    train_inputs: Shaped[Array, "example feature"]
    train_targets: Shaped[Array, " example"]
    test_inputs: Shaped[Array, "example feature"]
    test_targets: Shaped[Array, " example"]


class Numbers(NamedTuple):
    """What tells lanes of one program apart. ``order`` is the key of the data's order, raw."""

    learning_rate: Float[Array, ""]
    activation: Int[Array, ""]
    parameter: Float[Array, ""]
    order: UInt32[Array, " word"]
    live: Bool[Array, ""]


class Lane(NamedTuple):
    """What training changes."""

    weights: nnx.State
    optimizer: optax.OptState


class Report(NamedTuple):
    """What one epoch of one lane shows. ``finite`` is false once anything is NaN or infinite."""

    train_loss: Float[Array, ""]
    train_accuracy: Float[Array, ""]
    test_loss: Float[Array, ""]
    test_accuracy: Float[Array, ""]
    finite: Bool[Array, ""]
    units: probe.UnitStatistics


@dataclass(frozen=True)
class Blueprint:
    """What is static: everything that changes shapes or code. Hashable.

    ``activation`` is None where it is traced (see ``zoo.activate``).
    """

    graph: nnx.GraphDef
    optimizer: str
    batch_size: int
    probe_examples: int
    regression: bool
    activation: int | None = None

    def run(self, inputs: Array, weights: nnx.State, numbers: Numbers) -> tuple[Array, Array]:
        """The network's outputs and pre-activations for these raw inputs."""
        network = nnx.merge(self.graph, weights)
        return network(scaled(inputs), self.index(numbers), numbers.parameter)

    def fixed(self, config: RunConfig) -> Blueprint:
        """This plan with the run's activation compiled in."""
        return dataclasses.replace(self, activation=zoo.INDEX[config.activation])

    def index(self, numbers: Numbers) -> zoo.Index:
        """The index of the lane's activation."""
        return numbers.activation if self.activation is None else self.activation


def init_lane(config: RunConfig, features: int, outputs: int) -> tuple[Lane, Numbers, Blueprint]:
    """A run's starting point. Its randomness comes from its own seed only."""
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
    plan = Blueprint(
        graph, config.optimizer, config.batch_size, config.probe_examples, outputs == 1
    )
    return Lane(weights, state), numbers, plan


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


def epoch(
    plan: Blueprint, data: Arrays, number: Int[Array, ""], lane: Lane, numbers: Numbers
) -> tuple[Lane, Report]:
    """Train once over the data, then test and probe. Epoch 0 tests and probes only."""
    lane, (train_loss, train_accuracy) = jax.lax.cond(
        number > 0,
        lambda: _train(plan, data, number, lane, numbers),
        lambda: (lane, (jnp.nan, jnp.nan)),
    )
    test_loss, test_accuracy = _test(plan, data, lane, numbers)
    _, z = plan.run(data.train_inputs[: plan.probe_examples], lane.weights, numbers)
    finite = jnp.isfinite(z).all() & jnp.isfinite(test_loss)
    finite &= jnp.isfinite(train_loss) | (number == 0)
    units = probe.probe(z, plan.index(numbers), numbers.parameter)
    return lane, Report(train_loss, train_accuracy, test_loss, test_accuracy, finite, units)


def _train(
    plan: Blueprint, data: Arrays, number: Int[Array, ""], lane: Lane, numbers: Numbers
) -> tuple[Lane, tuple[Array, Array]]:
    """One pass over the training set in a fresh order; the running mean loss and accuracy."""
    count = data.train_targets.size
    key = jax.random.fold_in(jax.random.wrap_key_data(numbers.order), number)
    order = jax.random.permutation(key, count)

    def step(lane: Lane, batch: tuple[Array, Array]) -> tuple[Lane, tuple[Array, Array]]:
        return _step(plan, data, numbers, lane, *batch)

    lane, (loss, right) = jax.lax.scan(step, lane, batches(order, plan.batch_size))
    return lane, (loss.sum() / count, right.sum() / count)


def _step(
    plan: Blueprint, data: Arrays, numbers: Numbers, lane: Lane, chosen: Array, weights: Array
) -> tuple[Lane, tuple[Array, Array]]:
    """One update; the sum over the batch of losses and of right predictions, before it."""
    inputs, targets = data.train_inputs[chosen], data.train_targets[chosen]

    def mean_loss(state: nnx.State) -> tuple[Array, tuple[Array, Array]]:
        outputs, _ = plan.run(inputs, state, numbers)
        loss, right = losses(outputs, targets, plan.regression)
        total = jnp.sum(loss * weights)
        return total / jnp.sum(weights), (total, jnp.sum(right * weights))

    gradient, sums = jax.grad(mean_loss, has_aux=True)(lane.weights)
    optimizer = zoo.optimizer(plan.optimizer, numbers.learning_rate)
    updates, state = optimizer.update(gradient, lane.optimizer, lane.weights)
    weights_now: Any = optax.apply_updates(lane.weights, updates)
    return Lane(weights_now, state), sums


def _test(plan: Blueprint, data: Arrays, lane: Lane, numbers: Numbers) -> tuple[Array, Array]:
    """Mean loss and accuracy on the test set."""
    count = data.test_targets.size

    def look(sums: tuple[Array, Array], batch: tuple[Array, Array]) -> tuple[tuple, None]:
        chosen, weights = batch
        outputs, _ = plan.run(data.test_inputs[chosen], lane.weights, numbers)
        loss, right = losses(outputs, data.test_targets[chosen], plan.regression)
        return (sums[0] + jnp.sum(loss * weights), sums[1] + jnp.sum(right * weights)), None

    start = (jnp.float32(0), jnp.float32(0))
    steps = batches(jnp.arange(count), min(EVALUATION_BATCH, count))
    (loss, right), _ = jax.lax.scan(look, start, steps)
    return loss / count, right / count


def idle(plan: Blueprint, lane: Lane) -> tuple[Lane, Report]:
    """What a lane that is padding or has diverged does: nothing. Its report says not finite."""
    kernels = [w for w in jax.tree.leaves(lane.weights) if w.ndim == 2]
    units = jnp.zeros((len(kernels) - 1, kernels[-1].shape[0]), bool)
    nan = jnp.float32(jnp.nan)
    nothing = probe.UnitStatistics(*[units] * len(probe.UnitStatistics._fields))
    return lane, Report(nan, nan, nan, nan, jnp.bool_(False), nothing)
