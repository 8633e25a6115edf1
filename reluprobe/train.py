"""Train one lane for a section and look at it. Pure: a lane in, a lane and its report out."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Bool, Float, Int, Shaped, UInt32

from reluprobe import causes, certificate, model, moments, probe, zoo
from reluprobe.config import RunConfig

#: Examples a step when only looking: bounds the memory that the test set's activations take.
EVALUATION_BATCH = 1000


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


#: The samples on which units are looked at; an axis ``sample`` follows this order.
SAMPLES = ("probe", "test", "train")


class Report(NamedTuple):
    """What one section of one lane shows. ``finite`` is false once anything is NaN or infinite.

    What the section did not look at (see :class:`Section`) is meaningless here.
    """

    train_loss: Float[Array, ""]
    train_accuracy: Float[Array, ""]
    loss: Float[Array, " sample"]
    accuracy: Float[Array, " sample"]
    finite: Bool[Array, ""]
    units: probe.UnitStatistics
    certain: Bool[Array, "layer unit"]
    causes: causes.Causes
    moments: moments.Moments


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


def section(
    plan: Blueprint, data: Arrays, now: Section, lane: Lane, numbers: Numbers
) -> tuple[Lane, Report]:
    """Train for some steps, then look: at the probe, and where an epoch or the run ends, beyond."""
    before = lane.weights
    lane = _train(plan, data, now, lane, numbers)
    count, total = plan.train_examples, data.targets.size
    # A sample that is not looked at is empty. One compiled body serves all three.
    starts = jnp.array([0, count, 0])
    tested, trained = jnp.where(now.closes, total, count), jnp.where(now.ends, count, 0)
    stops = jnp.stack([now.probed, tested, trained])
    tallied = jnp.stack([jnp.bool_(True), now.ends, now.ends])
    weights = lane.weights

    # Before training and where the run ends, the probe's first batch shows its moments too.
    drawn = jnp.stack([(now.epoch == 0) | now.ends, jnp.bool_(False), jnp.bool_(False)])

    def sample(span: tuple[Array, Array, Array, Array]) -> Seen:
        return _look(plan, data, weights, numbers, *span)

    seen = jax.lax.map(sample, (starts, stops, tallied, drawn))
    sizes = jnp.maximum(stops - starts, 1).astype(jnp.float32)
    train_loss, train_right = lane.sums / count
    network = nnx.merge(plan.graph, weights)
    report = Report(
        train_loss,
        train_right,
        seen.loss / sizes,
        seen.right / sizes,
        seen.finite.all() & jnp.isfinite(seen.loss).all() & jnp.isfinite(train_loss),
        jax.vmap(probe.answer)(seen.tally),
        certificate.certify(network, data.low, data.high, plan.f(numbers)[0]),
        _explain(plan, data, now, before, weights),
        jax.tree.map(lambda x: x[0], seen.moments),
    )
    return lane, report


def _train(plan: Blueprint, data: Arrays, now: Section, lane: Lane, numbers: Numbers) -> Lane:
    """Some steps of an epoch. Its first section draws a fresh order of the training set."""

    def fresh() -> Array:
        key = jax.random.fold_in(jax.random.wrap_key_data(numbers.order), now.epoch)
        order = jax.random.permutation(key, plan.train_examples)
        return batches(order, plan.batch_size)[0]

    starting = now.first == 0
    order = jax.lax.cond(starting, fresh, lambda: lane.order)
    counts = batches(jnp.arange(plan.train_examples), plan.batch_size)[1]
    lane = lane._replace(order=order, sums=jnp.where(starting, 0.0, lane.sums))

    def step(i: Array, lane: Lane) -> Lane:
        return _step(plan, data, numbers, lane, lane.order[i], counts[i])

    return jax.lax.fori_loop(now.first, now.last, step, lane)


def _step(
    plan: Blueprint, data: Arrays, numbers: Numbers, lane: Lane, chosen: Array, counts: Array
) -> Lane:
    """One update; the batch's losses and right predictions, before it, join the sums."""
    inputs, targets = data.inputs[chosen], data.targets[chosen]

    def mean_loss(state: nnx.State) -> tuple[Array, Array]:
        outputs, _ = plan.run(inputs, state, numbers)
        loss, right = losses(outputs, targets, plan.regression)
        total = jnp.sum(loss * counts)
        return total / jnp.sum(counts), jnp.stack([total, jnp.sum(right * counts)])

    gradient, sums = jax.grad(mean_loss, has_aux=True)(lane.weights)
    optimizer = zoo.optimizer(plan.optimizer, numbers.learning_rate)
    updates, state = optimizer.update(gradient, lane.optimizer, lane.weights)
    weights: Any = optax.apply_updates(lane.weights, updates)
    return Lane(weights, state, lane.order, lane.sums + sums)


def _batch(plan: Blueprint) -> int:
    return min(EVALUATION_BATCH, plan.train_examples)


def _span(
    plan: Blueprint, data: Arrays, i: Array | int, start: Array | int, stop: Array
) -> tuple[Array, Array, Array]:
    """Batch i of the examples from start to stop: inputs, targets, and 1 where one counts."""
    at = start + i * _batch(plan) + jnp.arange(_batch(plan))
    # The last batch is filled up with its last example, which changes no maximum and no "all".
    chosen = jnp.minimum(at, stop - 1)
    return data.inputs[chosen], data.targets[chosen], (at < stop).astype(jnp.float32)


class Seen(NamedTuple):
    """What a pass over a sample gathers: sums of loss and right predictions, and the units."""

    loss: Float[Array, ""]
    right: Float[Array, ""]
    finite: Bool[Array, ""]
    tally: probe.Tally
    moments: moments.Moments


def _look(
    plan: Blueprint,
    data: Arrays,
    weights: nnx.State,
    numbers: Numbers,
    start: Array,
    stop: Array,
    tallied: Array,
    drawn: Array,
) -> Seen:
    """A pass over some examples; units are tallied, and moments drawn, only where wanted."""
    f = plan.f(numbers)

    def batch(i: Array, seen: Seen) -> Seen:
        inputs, targets, counts = _span(plan, data, i, start, stop)
        outputs, z = plan.run(inputs, weights, numbers)
        lost, hit = losses(outputs, targets, plan.regression)
        return Seen(
            seen.loss + jnp.sum(lost * counts),
            seen.right + jnp.sum(hit * counts),
            seen.finite & jnp.isfinite(z).all(),
            jax.lax.cond(tallied, lambda: probe.add(seen.tally, z, counts, *f), lambda: seen.tally),
            jax.lax.cond(
                drawn & (i == 0), lambda: moments.moments(z, counts, *f), lambda: seen.moments
            ),
        )

    hidden = nnx.merge(plan.graph, weights).hidden
    layers, units = len(hidden), hidden[-1].out_features
    zero, yes = jnp.float32(0), jnp.bool_(True)
    nothing = Seen(zero, zero, yes, probe.empty(layers, units), moments.nothing(layers))
    many = -((start - stop) // _batch(plan))
    return jax.lax.fori_loop(0, many, batch, nothing)


def _explain(
    plan: Blueprint,
    data: Arrays,
    now: Section,
    before: nnx.State,
    after: nnx.State,
) -> causes.Causes:
    """What moved each unit's largest pre-activation over the probe in this section."""
    old, new = nnx.merge(plan.graph, before), nnx.merge(plan.graph, after)

    def batch(i: Array, peaks: causes.Peaks) -> causes.Peaks:
        inputs, _, _ = _span(plan, data, i, 0, now.explained)
        return causes.add(peaks, old, new, scaled(inputs))

    start = causes.empty(len(new.hidden), new.hidden[-1].out_features)
    many = -(-now.explained // _batch(plan))
    return causes.shares(jax.lax.fori_loop(0, many, batch, start), old, new)


def idle(
    plan: Blueprint, data: Arrays, now: Section, lane: Lane, numbers: Numbers
) -> tuple[Lane, Report]:
    """What a lane that is padding or has diverged does: nothing. Its report says not finite."""
    shape = jax.eval_shape(lambda: section(plan, data, now, lane, numbers)[1])
    report: Any = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shape)
    return lane, report
