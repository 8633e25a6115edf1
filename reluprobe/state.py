"""A run's place in a compiled program: its state, its numbers, and what is static about it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Bool, Float, Int, Shaped, UInt32

from reluprobe import grid, model, updates, zoo
from reluprobe.config import RunConfig


class Arrays(NamedTuple):
    """A dataset on the device: uint8 pixels, scaled to [0, 1] inside the step, or floats.

    The training examples come first, then the test set's. Of the training inputs, in [0, 1] if
    they are pixels: ``low`` and ``high`` are each feature's smallest and largest, ``means`` its
    mean, ``deviation`` the standard deviation of all features together.
    """

    inputs: Shaped[Array, "example feature"]
    targets: Shaped[Array, " example"]
    low: Float[Array, " feature"]
    high: Float[Array, " feature"]
    means: Float[Array, " feature"]
    deviation: Float[Array, ""]


def arrays(
    inputs: Shaped[np.ndarray, "example feature"], targets: np.ndarray, train: int
) -> Arrays:
    """A dataset, the first ``train`` examples being the training set's, with its statistics."""
    trained = inputs[:train]
    low, high = (np.asarray(scaled(jnp.asarray(end))) for end in (trained.min(0), trained.max(0)))
    unit = 255 if inputs.dtype == np.uint8 else 1
    means = trained.mean(axis=0, dtype=np.float64) / unit
    # Of a dataset of one value the deviation is 0, and standardized inputs are to be 0, not NaN.
    deviation = trained.std(dtype=np.float64) / unit or 1.0
    return Arrays(inputs, targets, low, high, np.float32(means), np.float32(deviation))  # type: ignore[arg-type]


class Task(NamedTuple):
    """What a phase does to the data, as permutations; None for nothing.

    ``pixels[i]``: which feature is the network's i-th input. ``targets[k]``: whose target example
    k has.
    """

    pixels: Int[Array, " feature"] | None
    targets: Int[Array, " example"] | None


class Section(NamedTuple):
    """What one call does: some steps of an epoch, then a probe. Scalars; the same for all lanes.

    Attributes:
        epoch: the epoch these steps belong to; 0 is before the first.
        first, last: steps of that epoch, from and up to.
        closes: whether the epoch ends here: then the test set is run through.
        ends: whether the run ends here: then units are looked at on the test and training sets.
        probed: how many examples the probe has.
        explained: on how many of them causes of death are sought.
        revives: whether units are revived before the first step.
    """

    epoch: Int[Array, ""]
    first: Int[Array, ""]
    last: Int[Array, ""]
    closes: Bool[Array, ""]
    ends: Bool[Array, ""]
    probed: Int[Array, ""]
    explained: Int[Array, ""]
    revives: Bool[Array, ""] | bool = False


class Numbers(NamedTuple):
    """What tells lanes of one program apart. ``order`` is the key of the data's order, raw.

    ``dials``: the numbers that are a part of the program only where they are not at their
    defaults (``grid.dials``).
    """

    learning_rate: Float[Array, ""]
    activation: Int[Array, ""]
    parameter: Float[Array, ""]
    order: UInt32[Array, " word"]
    live: Bool[Array, ""]
    dials: dict[str, Float[Array, ""]]
    task: Task


class Lane(NamedTuple):
    """What training changes. ``order`` and ``sums`` (loss, right) are those of the epoch.

    ``weights`` are all of the network's state, running averages too. ``marks``: the units that
    the last probe found dead, as the run counts death for reviving; None where none is revived.
    """

    weights: nnx.State
    optimizer: optax.OptState
    order: Int[Array, "step batch"]
    sums: Float[Array, " two"]
    marks: Bool[Array, "layer unit"] | None = None


#: Folded into the key of the data's order, for what else is random while training: above every
#: epoch's number.
STEP_DICE, LABEL_DICE, REVIVE_DICE = 2**32 - 1, 2**32 - 2, 2**32 - 3


@dataclass(frozen=True)
class Blueprint:
    """What is static: everything that changes shapes or code. Hashable.

    Attributes:
        graph: the network's structure.
        config: the settings that are compiled (``grid.program``); the others are at their
            defaults.
        train_examples: size of the training set.
        outputs: of the network; 1 is a regression.
        activation: its index where it is compiled in, None where it is traced (see
            ``zoo.activate``).
    """

    graph: nnx.GraphDef
    config: RunConfig
    train_examples: int
    outputs: int
    activation: int | None = None

    @property
    def regression(self) -> bool:
        """Whether targets are numbers."""
        return self.outputs == 1

    @property
    def plain(self) -> bool:
        """Whether z_l = f(z_{l−1}) W_l + b_l and nothing else, as proofs and causes take it."""
        c = self.config
        return c.norm == "none" and not c.residual and c.activation != "crelu"

    def run(
        self,
        inputs: Array,
        weights: nnx.State,
        numbers: Numbers,
        training: model.Training | None = None,
    ) -> tuple[Array, Array]:
        """The network's outputs and pre-activations for these inputs, as :meth:`inputs` gives."""
        network = nnx.merge(self.graph, weights)
        return network(inputs, *self.f(numbers), training)

    def inputs(self, data: Arrays, numbers: Numbers, chosen: Int[Array, " example"]) -> Array:
        """These examples as the network sees them: scaled, and permuted where the task says so."""
        return self.seen(data, numbers, data.inputs[chosen])

    def seen(self, data: Arrays, numbers: Numbers, raw: Shaped[Array, "example feature"]) -> Array:
        """Raw inputs as the network sees them."""
        found = scaled(raw)
        if self.config.pixels == "centred":
            found = found - data.means[None]
        elif self.config.pixels == "standardized":
            found = (found - jnp.mean(data.means)) / data.deviation
        pixels = numbers.task.pixels
        return found if pixels is None else found[:, pixels]

    def targets(self, data: Arrays, numbers: Numbers, chosen: Int[Array, " example"]) -> Array:
        """The targets of these examples, as the task has them."""
        permuted = numbers.task.targets
        return data.targets[chosen if permuted is None else permuted[chosen]]

    def optimizer(self, numbers: Numbers) -> optax.GradientTransformation:
        """The lane's optimizer."""
        steps = -(-self.train_examples // self.config.batch_size)
        return updates.optimizer(self.config, numbers.learning_rate, numbers.dials, steps)

    def fixed(self, config: RunConfig) -> Blueprint:
        """This plan with the run's activation compiled in."""
        return dataclasses.replace(self, activation=zoo.INDEX[config.activation])

    def f(self, numbers: Numbers) -> tuple[zoo.Index, zoo.Scalar]:
        """The lane's activation: its index and its parameter."""
        index = numbers.activation if self.activation is None else self.activation
        return index, numbers.parameter

    def f_of_layers(self, weights: nnx.State, numbers: Numbers) -> tuple[zoo.Index, Any]:
        """The same for z of all layers at once, ``(layer, example, unit)``.

        Learned slopes are the parameter, ``(layer, 1, 1)``.
        """
        index, parameter = self.f(numbers)
        if self.config.activation != "prelu":
            return index, parameter
        return index, nnx.merge(self.graph, weights).slopes[...][:, None, None]


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
    own = zoo.INDEX[config.activation] if config.activation in grid.OWN_CODE else None
    plan = Blueprint(graph, grid.program(config), examples, outputs, own)
    numbers = Numbers(
        jnp.float32(config.learning_rate),
        jnp.int32(zoo.INDEX[config.activation]),
        jnp.float32(zoo.activation_parameter(config)),
        jax.random.key_data(order_key),
        jnp.bool_(True),
        {name: jnp.float32(value) for name, value in grid.dials(config).items()},
        Task(None, None),
    )
    state = plan.optimizer(numbers).init(trained(weights)[0])
    steps = -(-examples // config.batch_size)
    order = jnp.zeros((steps, config.batch_size), jnp.int32)
    revives = config.revive in ("redo", "random")
    marks = jnp.zeros((config.depth, config.width), bool) if revives else None
    return Lane(weights, state, order, jnp.zeros(2), marks), numbers, plan


def trained(weights: nnx.State) -> tuple[nnx.State, nnx.State]:
    """A network's state as what the optimizer moves, and the rest: running averages."""
    params, rest = nnx.split_state(weights, nnx.Param, ...)
    return params, rest


def scaled(inputs: Shaped[Array, "example feature"]) -> Float[Array, "example feature"]:
    """Pixels divided by 255, floats as they are."""
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
