"""Program spec: what is compiled into a program, and the start of a lane that it trains."""

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
from reluprobe.engine.state import Arrays, Hyperparameters, Lane, scaled, trained
from reluprobe.engine.tasks import Task
from reluprobe.nn import activations, mlp, networks, optimizers
from reluprobe.plan.grouping import dials_of, program_settings


@dataclass(frozen=True)
class ProgramSpec:
    """What is static: everything that changes shapes or code. Hashable.

    Attributes:
        graph: the network's structure.
        config: the settings that are compiled (``grouping.program_settings``); the others are at
            their defaults.
        shape: of one example.
        train_examples: size of the training set.
        outputs: of the network; 1 is a regression.
        sizes: units of each hidden layer.
        activations: indices of those that lanes of this program may have (see
            ``nn.activations.activate``). One is compiled in; of several each lane's is traced.
    """

    graph: nnx.GraphDef
    config: RunConfig
    shape: tuple[int, ...]
    train_examples: int
    outputs: int
    sizes: tuple[int, ...]
    activations: tuple[int, ...]

    @property
    def regression(self) -> bool:
        """Whether targets are numbers."""
        return self.outputs == 1

    @property
    def plain(self) -> bool:
        """As :func:`mlp.plain` has it."""
        return mlp.plain(self.config)

    def run(
        self,
        inputs: Array,
        weights: nnx.State,
        hyper: Hyperparameters,
        training: mlp.Training | None = None,
    ) -> tuple[Array, Array]:
        """The network's outputs and pre-activations for these inputs, as :meth:`inputs` gives."""
        network = nnx.merge(self.graph, weights)
        return network(inputs, *self.f(hyper), training)

    def inputs(self, data: Arrays, hyper: Hyperparameters, chosen: Int[Array, " example"]) -> Array:
        """These examples as the network sees them: scaled, and permuted where the task says so."""
        return self.network_inputs(data, hyper, data.inputs[chosen])

    def network_inputs(
        self, data: Arrays, hyper: Hyperparameters, raw: Shaped[Array, "example feature"]
    ) -> Array:
        """Raw inputs as the network sees them."""
        inputs = scaled(raw)
        if self.config.pixels == "centred":
            inputs = inputs - data.means[None]
        elif self.config.pixels == "standardized":
            inputs = (inputs - jnp.mean(data.means)) / data.deviation
        pixels = hyper.task.pixels
        return inputs if pixels is None else inputs[:, pixels]

    def targets(
        self, data: Arrays, hyper: Hyperparameters, chosen: Int[Array, " example"]
    ) -> Array:
        """The targets of these examples, as the task has them."""
        permuted = hyper.task.targets
        return data.targets[chosen if permuted is None else permuted[chosen]]

    def optimizer(self, hyper: Hyperparameters) -> optax.GradientTransformation:
        """The lane's optimizer."""
        steps = -(-self.train_examples // self.config.batch_size)
        return optimizers.optimizer(self.config, hyper.learning_rate, hyper.dials, steps)

    def with_activations(self, *activations: int) -> ProgramSpec:
        """The same for lanes that have one of these activations."""
        return dataclasses.replace(self, activations=activations)

    def f(self, hyper: Hyperparameters) -> tuple[activations.Index, activations.Scalar]:
        """The lane's activation: its index and its parameter."""
        few = self.activations
        index = few[0] if len(few) == 1 else activations.Among(hyper.activation, few)
        return index, hyper.parameter

    def f_of_layers(
        self, weights: nnx.State, hyper: Hyperparameters
    ) -> tuple[activations.Index, Any]:
        """The same for z of all layers at once, ``(layer, example, unit)``.

        Learned slopes are the parameter, ``(layer, 1, 1)``; of layers of unequal shapes too.
        """
        index, parameter = self.f(hyper)
        if self.config.activation != "prelu":
            return index, parameter
        return index, nnx.merge(self.graph, weights).slopes[...][:, None, None]


def undrawn(config: RunConfig, shape: tuple[int, ...], outputs: int) -> mlp.MLP:
    """The network of a run with shapes in the places of its arrays; arguments as of ``spec_of``."""
    return nnx.eval_shape(lambda: networks.make(config, shape, outputs, nnx.Rngs(0)))


def spec_of(config: RunConfig, shape: tuple[int, ...], outputs: int, examples: int) -> ProgramSpec:
    """What is static about a run. No array is computed for it.

    Args:
        config: the run.
        shape: of one example.
        outputs: outputs of the network.
        examples: size of the training set.
    """
    graph, _ = nnx.split(undrawn(config, shape, outputs))
    own = (activations.INDEX[config.activation],)
    settings = program_settings(config)
    return ProgramSpec(graph, settings, shape, examples, outputs, config.sizes, own)


def init_lane(config: RunConfig, spec: ProgramSpec) -> tuple[Lane, Hyperparameters]:
    """A run's starting point in a program. Its randomness comes from its own seed only.

    Args:
        config: the run.
        spec: of a program that trains it (:func:`spec_of`).
    """
    weights_key, order_key = jax.random.split(jax.random.key(config.seed))
    network = networks.make(config, spec.shape, spec.outputs, nnx.Rngs(weights_key))
    _, weights = nnx.split(network)
    hyper = Hyperparameters(
        jnp.float32(config.learning_rate),
        jnp.int32(activations.INDEX[config.activation]),
        jnp.float32(activations.activation_parameter(config)),
        jax.random.key_data(order_key),
        jnp.bool_(True),
        {name: jnp.float32(value) for name, value in dials_of(config).items()},
        Task(None, None),
    )
    optimizer = _init_optimizer(spec, hyper, weights)
    steps = -(-spec.train_examples // config.batch_size)
    order = jnp.zeros((steps, config.batch_size), jnp.int32)
    revives = config.revive in UNIT_REVIVALS
    dead_mask = jnp.zeros((len(spec.sizes), max(spec.sizes)), bool) if revives else None
    return Lane(weights, optimizer, order, jnp.zeros(2), dead_mask), hyper


@partial(jax.jit, static_argnums=0)
def _init_optimizer(
    spec: ProgramSpec, hyper: Hyperparameters, weights: nnx.State
) -> optax.OptState:
    # One program for all runs of a spec: op by op each shape of zeros would be compiled apart.
    return spec.optimizer(hyper).init(trained(weights)[0])
