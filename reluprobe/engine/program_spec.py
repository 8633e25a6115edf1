"""Program spec: what is compiled into a program, and the start of a lane that it trains."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Int, Shaped

from reluprobe.config import RunConfig
from reluprobe.config.choices import UNIT_REVIVALS
from reluprobe.data import Dataset, DatasetKey, key_of
from reluprobe.engine.state import Arrays, Hyperparameters, Lane, scaled, trained
from reluprobe.engine.tasks import Task
from reluprobe.errors import InputError
from reluprobe.nn import activations, hidden_layers, host_random, mlp, networks, optimizers
from reluprobe.nn.rounded_products import opaque_products
from reluprobe.plan.grouping import dials_of, drawing_settings, program_settings
from reluprobe.plan.runs import Run

if TYPE_CHECKING:  # half as much as JAX to import, and few train a network of their own
    from reluprobe.foreign.trained import OwnNetwork

#: Examples a step of a look: bounds the memory that activations take.
BATCH = 1000


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
        own: somebody's own network; None of one that settings build.
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
    own: OwnNetwork | None = None

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
    ) -> tuple[Array, mlp.Preactivations]:
        """The network's outputs and pre-activations for these inputs, as :meth:`inputs` gives.

        Of somebody's own network there are no pre-activations: ``own.tallied`` has what they show.
        """
        if self.own is not None:
            return self.own.structure.evaluated(weights, inputs), ()
        network = nnx.merge(self.graph, weights)
        return network(inputs, *self.f(hyper), training)

    def train_outputs(
        self,
        params: nnx.State,
        rest: nnx.State,
        inputs: Array,
        hyper: Hyperparameters,
        training: mlp.Training | None,
    ) -> tuple[Array, nnx.State]:
        """A step's outputs, and what the network keeps besides its parameters after them."""
        if self.own is not None:
            outputs, state = self.own.structure.trained(nnx.merge_state(params, rest), inputs)
            return outputs, trained(state)[1]
        # A copy, as batch norm writes the batch's averages into the network it is of.
        network = nnx.merge(self.graph, params, rest, copy=True)
        outputs, _ = network(inputs, *self.f(hyper), training)
        return outputs, rest

    @property
    def batch(self) -> int:
        """Examples that a look takes at once."""
        return min(BATCH, self.train_examples)

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


def spec_of(config: RunConfig, shape: tuple[int, ...], outputs: int, examples: int) -> ProgramSpec:
    """What is static about a run. No array is computed for it.

    Args:
        config: the run.
        shape: of one example.
        outputs: outputs of the network.
        examples: size of the training set.

    Raises:
        InputError: somebody's own network cannot be built, or does not fit the data or settings.
    """
    settings, own = program_settings(config), (activations.INDEX[config.activation],)
    if config.is_own:
        from reluprobe.foreign.trained import own_network

        theirs = own_network(settings, shape, outputs, min(BATCH, examples))
        faults = [_decay_fault(config, theirs), _rounding_fault(config, theirs)]
        if found := [fault for fault in faults if fault]:
            raise InputError("settings and network do not fit", found)
        graph = theirs.structure.training
        return ProgramSpec(graph, settings, shape, examples, outputs, theirs.sizes, own, theirs)
    network = nnx.eval_shape(lambda: networks.make(config, shape, outputs, nnx.Rngs(0)))
    graph, _ = nnx.split(network)
    return ProgramSpec(graph, settings, shape, examples, outputs, config.sizes, own)


def undrawn(config: RunConfig, spec: ProgramSpec) -> nnx.State:
    """The network's state with shapes in the places of its arrays, for a run of this program."""
    if spec.own is not None:
        return spec.own.state
    shape, outputs = spec.shape, spec.outputs
    return nnx.state(nnx.eval_shape(lambda: networks.make(config, shape, outputs, nnx.Rngs(0))))


def spec_on(config: RunConfig, datasets: Mapping[DatasetKey, Dataset]) -> ProgramSpec:
    """What is static about a run on its first phase's data."""
    data = datasets[key_of(config)]
    return spec_of(config, data.shape, data.classes or 1, len(data.train_targets))


def check_own_networks(runs: Sequence[Run], datasets: Mapping[DatasetKey, Dataset]) -> None:
    """Build every own network once, before anything is trained.

    Raises:
        InputError: one cannot be built, or does not fit its data or settings.
    """
    for run in runs:
        if run.config.is_own:
            spec_on(run.config, datasets)


def init_lane(
    config: RunConfig, spec: ProgramSpec, *, compiled: bool = False
) -> tuple[Lane, Hyperparameters]:
    """A run's starting point in a program. Its randomness comes from its own seed only.

    Args:
        config: the run.
        spec: of a program that trains it (:func:`spec_of`).
        compiled: draw the weights by one program, not op by op: the same but for rounding, and
            several times faster once it is compiled. Somebody's own network is built as it is.
    """
    # All of it is NumPy's where that can be: each little program would be compiled apart.
    key = np.array([0, config.seed], np.uint32)
    weights_key, order_key = (host_random.fold_in(key, number) for number in (0, 1))
    typed = host_random.typed(weights_key)
    if spec.own is not None:
        weights = spec.own.start(spec.shape, nnx.Rngs(typed))
    elif compiled:
        weights = _draw_compiled(drawing_settings(config), spec.shape, spec.outputs, typed)
    else:
        stacked = hidden_layers.is_stacked(config)
        rngs: Any = nnx.Rngs(typed) if stacked else host_random.Keys(weights_key)
        weights = _draw(config, spec.shape, spec.outputs, rngs)
    hyper: Any = Hyperparameters(
        np.float32(config.learning_rate),  # type: ignore[arg-type]
        np.int32(activations.INDEX[config.activation]),  # type: ignore[arg-type]
        np.float32(activations.activation_parameter(config)),  # type: ignore[arg-type]
        order_key,  # type: ignore[arg-type]
        np.bool_(True),  # type: ignore[arg-type]
        {name: np.float32(value) for name, value in dials_of(config).items()},  # type: ignore[arg-type]
        Task(None, None),
    )
    optimizer = _init_optimizer(spec, hyper, weights)
    steps = -(-spec.train_examples // config.batch_size)
    order = np.zeros((steps, config.batch_size), np.int32)
    revives = config.revive in UNIT_REVIVALS
    dead_mask = np.zeros((len(spec.sizes), max(spec.sizes)), bool) if revives else None
    return Lane(weights, optimizer, order, np.zeros(2, np.float32), dead_mask), hyper  # type: ignore[arg-type]


def _draw(config: RunConfig, shape: tuple[int, ...], outputs: int, rngs: Any) -> nnx.State:
    """The weights of a run before training."""
    return nnx.split(networks.make(config, shape, outputs, rngs))[1]


@partial(jax.jit, static_argnums=(0, 1, 2))
def _draw_compiled(
    config: RunConfig, shape: tuple[int, ...], outputs: int, key: Array
) -> nnx.State:
    """The same as one program, for all seeds of the settings that draw."""
    return _draw(config, shape, outputs, nnx.Rngs(key))


def _decay_fault(config: RunConfig, network: OwnNetwork) -> str | None:
    """Why weights of this network cannot decay as the settings say."""
    if network.decays or not (config.l2 or config.weight_decay or config.optimizer == "adamw"):
        return None
    return (
        f"l2, weight_decay and adamw shrink weights that are called kernel, and {config.network} "
        "has none"
    )


def _rounding_fault(config: RunConfig, network: OwnNetwork) -> str | None:
    """Why this network's products cannot be rounded as the settings say."""
    if config.precision != "bfloat16":
        return None
    params, rest = trained(network.state)
    inputs = jax.ShapeDtypeStruct((1, *network.structure.shape), jnp.float32)

    def summed(params: Any, rest: Any, inputs: Array) -> Array:
        return network.structure.trained(nnx.merge_state(params, rest), inputs)[0].sum()

    names = opaque_products(jax.grad(summed), params, rest, inputs)
    if not names:
        return None
    return (
        f"precision = bfloat16 rounds what matrix products and convolutions are given, and "
        f"{config.network} computes with {', '.join(names)}, which cannot be looked into; allowed "
        "are float32 and, on GPUs that have it, tf32"
    )


@partial(jax.jit, static_argnums=0)
def _init_optimizer(
    spec: ProgramSpec, hyper: Hyperparameters, weights: nnx.State
) -> optax.OptState:
    # One program for all runs of a spec: op by op each shape of zeros would be compiled apart.
    return spec.optimizer(hyper).init(trained(weights)[0])
