"""What is static about a run: its plan; and its starting point."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Int, Shaped

from reluprobe.config import RunConfig
from reluprobe.config.choices import UNIT_REVIVALS
from reluprobe.engine.state import Arrays, Lane, Numbers, scaled, trained
from reluprobe.engine.tasks import Task
from reluprobe.nn import activations, mlp, optimizers
from reluprobe.plan.grouping import dials_of, program_settings


@dataclass(frozen=True)
class Blueprint:
    """What is static: everything that changes shapes or code. Hashable.

    Attributes:
        graph: the network's structure.
        config: the settings that are compiled (``grid.program``); the others are at their
            defaults.
        train_examples: size of the training set.
        outputs: of the network; 1 is a regression.
        activations: indices of those that lanes of this plan may have (see ``zoo.activate``). One
            is compiled in; of several each lane's is traced.
    """

    graph: nnx.GraphDef
    config: RunConfig
    train_examples: int
    outputs: int
    activations: tuple[int, ...]

    @property
    def regression(self) -> bool:
        """Whether targets are numbers."""
        return self.outputs == 1

    @property
    def plain(self) -> bool:
        """As :func:`model.plain` has it."""
        return mlp.plain(self.config)

    def run(
        self,
        inputs: Array,
        weights: nnx.State,
        numbers: Numbers,
        training: mlp.Training | None = None,
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
        return optimizers.optimizer(self.config, numbers.learning_rate, numbers.dials, steps)

    def among(self, *activations: int) -> Blueprint:
        """This plan for lanes with one of these activations."""
        return dataclasses.replace(self, activations=activations)

    def f(self, numbers: Numbers) -> tuple[activations.Index, activations.Scalar]:
        """The lane's activation: its index and its parameter."""
        few = self.activations
        index = few[0] if len(few) == 1 else activations.Among(numbers.activation, few)
        return index, numbers.parameter

    def f_of_layers(self, weights: nnx.State, numbers: Numbers) -> tuple[activations.Index, Any]:
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
    network = mlp.make(config, features, outputs, nnx.Rngs(weights_key))
    graph, weights = nnx.split(network)
    plan = Blueprint(
        graph, program_settings(config), examples, outputs, (activations.INDEX[config.activation],)
    )
    numbers = Numbers(
        jnp.float32(config.learning_rate),
        jnp.int32(activations.INDEX[config.activation]),
        jnp.float32(activations.activation_parameter(config)),
        jax.random.key_data(order_key),
        jnp.bool_(True),
        {name: jnp.float32(value) for name, value in dials_of(config).items()},
        Task(None, None),
    )
    state = _optimizer_start(plan, numbers, weights)
    steps = -(-examples // config.batch_size)
    order = jnp.zeros((steps, config.batch_size), jnp.int32)
    revives = config.revive in UNIT_REVIVALS
    marks = jnp.zeros((config.depth, config.width), bool) if revives else None
    return Lane(weights, state, order, jnp.zeros(2), marks), numbers, plan


@partial(jax.jit, static_argnums=0)
def _optimizer_start(plan: Blueprint, numbers: Numbers, weights: nnx.State) -> optax.OptState:
    # One program for all runs of a plan: op by op each shape of zeros would be compiled apart.
    return plan.optimizer(numbers).init(trained(weights)[0])
