"""Multilayer perceptron, in Flax NNX. It returns its pre-activations beside its logits."""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from reluprobe.config import RunConfig
from reluprobe.nn import activations, hidden_layers, initializers
from reluprobe.nn.hidden_layers import Layer

#: z of every hidden layer; where layers differ in shape one after the other.
Preactivations = Float[Array, "layer example unit"] | tuple[Float[Array, "example *at unit"], ...]


class Training(NamedTuple):
    """What a pass has while training and an evaluation has not: batch norm takes its own batch.

    Attributes:
        key: of this step's randomness, raw; None where nothing is random.
        counts: 1 for an example, 0 for one that only fills up the batch.
        dropout: share of outputs set to 0; None for none.
    """

    key: Array | None
    counts: Float[Array, " example"]
    dropout: activations.Scalar | None = None


def plain(config: RunConfig) -> bool:
    """Whether z_l = f(z_{l−1}) W_l + b_l and nothing else, as proofs and causes take it."""
    if config.is_own or config.convolutions:
        return False
    return config.norm == "none" and not config.residual and config.activation != "crelu"


def values_of_a_unit(config: RunConfig) -> int:
    """How many values a hidden unit gives out: one of a CReLU two."""
    return 2 if config.activation == "crelu" else 1


class MLP(nnx.Module):
    """Hidden layers, each of a ``width`` of its own or all of one, and a linear output.

    h₀ = x, z_l = norm(h_{l−1} W_l + b_l), h_l = f(z_l), logits = h_depth W + b; with residual
    connections h_l = h_{l−1} + f(z_l) from the second layer on (He et al. 2016). Dropout, while
    training, is on f(z_l) (Srivastava et al. 2014). A CReLU layer gives out twice its width.
    """

    def __init__(self, config: RunConfig, features: int, outputs: int, rngs: nnx.Rngs) -> None:
        # The run's settings but for these do not belong to the network's structure.
        self.activation = config.activation if config.activation in ("rrelu", "crelu") else ""
        self.residual = config.residual
        self.depth, self.stacked = config.depth, hidden_layers.is_stacked(config)
        kernel_init = initializers.drawn(config.init) or initializers.initializer(config)
        self.hidden = self._hidden(config, features, kernel_init, rngs)
        # The bias setting is about hidden units; a constant on all outputs changes no softmax.
        given = config.sizes[-1] * values_of_a_unit(config)
        no_bias = initializers.constant(0.0)
        self.output = nnx.Linear(
            given, outputs, kernel_init=kernel_init, bias_init=no_bias, rngs=rngs
        )
        # What follows takes no key of ``rngs``: the weights of a seed are the same with it, also
        # those that :func:`make` draws later. Scales of 1 and shifts of 0 are not drawn.
        self.norms = nnx.List(
            norm(layer.out_features, rngs=nnx.Rngs(0))
            for layer, norm in zip(self.hidden, itertools.repeat(NORMS[config.norm]), strict=False)
            if norm is not None
        )
        if self.stacked and self.norms:
            self.norms[1] = hidden_layers.stack(self.norms[1], config.depth - 1)
        if config.activation == "prelu":
            self.slopes = nnx.Param(jnp.full(len(config.sizes), config.prelu_slope))

    @property
    def layers(self) -> list[Layer]:
        """The hidden layers; of a stacked network the first, and all others as one."""
        norms = self.norms or itertools.repeat(None)
        return [Layer(linear, norm) for linear, norm in zip(self.hidden, norms, strict=False)]

    def __call__(
        self,
        inputs: Float[Array, "example feature"],
        activation: activations.Index,
        parameter: activations.Scalar,
        training: Training | None = None,
    ) -> tuple[Float[Array, "example output"], Preactivations]:
        """Logits, and the pre-activations z of every hidden layer: the inputs of the activation.

        Args:
            inputs: the examples, scaled as the network sees them.
            activation: index into ``activations.ACTIVATIONS``.
            parameter: the activation's parameter; where it is learned, :attr:`slopes` are.
            training: None for an evaluation.
        """
        inputs = self._as_given(inputs)

        def layer(given: Array, i: Array | int, layer: Layer) -> tuple[Array, Array]:
            z = self._product(layer.linear, given)
            if layer.norm is not None:
                z = _normalized(layer.norm, z, training)
            key = None
            if training is not None and training.key is not None:
                key = jax.random.fold_in(training.key, i)
            a = self._activated(i, z, activation, parameter, key)
            if training is not None and training.dropout is not None:
                a = dropped(key, a, training.dropout)
            a = self._passed_on(layer.linear, a)
            return given + a if self.residual and given is not inputs else a, z

        hidden, preactivations = hidden_layers.scan(layer, inputs, self, join=hidden_layers.apart)
        return self._product(self.output, hidden), preactivations

    def _hidden(
        self, config: RunConfig, features: int, kernel_init: nnx.Initializer, rngs: nnx.Rngs
    ) -> nnx.List[Any]:
        """The hidden layers without their norms, in order."""
        return _dense(config, features, kernel_init, rngs)

    def _as_given(self, inputs: Array) -> Array:
        """Examples as the first layer takes them."""
        return inputs

    def _product(self, linear: Any, given: Array) -> Array:
        """A layer's product and bias."""
        return linear(given)

    def _passed_on(self, linear: Any, a: Array) -> Array:
        """What of a layer's outputs goes on."""
        return a

    def _activated(
        self,
        i: Array | int,
        z: Array,
        activation: activations.Index,
        parameter: activations.Scalar,
        key: Array | None,
    ) -> Array:
        if self.activation == "crelu":
            return jnp.concatenate([jax.nn.relu(z), jax.nn.relu(-z)], axis=-1)
        if self.activation == "rrelu" and key is not None:
            low, high = activations.RANDOM_SLOPES
            drawn = jax.random.uniform(jax.random.fold_in(key, 1), z.shape, z.dtype, low, high)
            return jax.nn.leaky_relu(z, drawn)
        if hasattr(self, "slopes"):
            parameter = self.slopes[...][i]
        return activations.activate(activation, z, parameter)


def dropped(key: Array | None, a: Array, rate: activations.Scalar) -> Array:
    """Each output 0 with probability ``rate``, else over 1 − rate, so that the mean stays."""
    assert key is not None
    mask = jax.random.bernoulli(key, 1 - rate, a.shape)
    return jnp.where(mask, a / (1 - rate), 0.0)


#: Normalizations, by name (Ioffe & Szegedy 2015; Ba et al. 2016): z = γ·(y − μ)/√(σ² + ε) + β.
#: σ² is E[(y − μ)²]: Flax's faster E[y²] − μ² is rounding error where y is far from 0, as it is
#: with the biases that kill a ReLU. Batch norm's averages have no momentum: they are those of the
#: last batch that was normalized by itself (``evaluate.with_statistics``), and no running ones.
NORMS = {
    "none": None,
    "batch": partial(nnx.BatchNorm, use_fast_variance=False, momentum=0.0),
    "layer": partial(nnx.LayerNorm, use_fast_variance=False),
}


def _normalized(norm: nnx.Module, z: Array, training: Training | None) -> Array:
    if not isinstance(norm, nnx.BatchNorm):
        return norm(z)  # type: ignore[operator]
    if training is None:
        return norm(z, use_running_average=True)
    examples = training.counts.reshape(-1, *(1 for _ in z.shape[1:]))
    return norm(z, use_running_average=False, mask=examples > 0)


def parameters(
    layer: nnx.Linear,
) -> tuple[Float[Array, "feature unit"], Float[Array, " unit"]]:
    """A layer's weights and biases, as arrays."""
    kernel, bias = layer.kernel[...], layer.bias
    return kernel, jnp.zeros(kernel.shape[1]) if bias is None else bias[...]


def make(
    config: RunConfig,
    features: int,
    outputs: int,
    rngs: nnx.Rngs,
) -> MLP:
    """An MLP of a run."""
    return finished(MLP(config, features, outputs, rngs), config, rngs)


def finished(network: MLP, config: RunConfig, rngs: nnx.Rngs) -> MLP:
    """A network as drawn with what else the settings say of its weights."""
    if config.init in initializers.JOINT:
        for layer in (*network.hidden, network.output):
            _draw_jointly(layer, initializers.JOINT[config.init], rngs)
    for layer in network.hidden:
        if config.weight_gain != 1:
            layer.kernel[...] *= config.weight_gain
        if not config.use_bias:
            # Taken away, not left undrawn: the weights of a seed are the same without it.
            layer.bias, layer.use_bias = nnx.data(None), False
    return network


def _dense(
    config: RunConfig, features: int, kernel_init: nnx.Initializer, rngs: nnx.Rngs
) -> nnx.List[nnx.Linear]:
    """The dense layers without their norms; where they are stacked, the first and the stack."""
    layer = partial(nnx.Linear, bias_init=initializers.constant(config.bias_init))
    dense = config.sizes[len(config.convolutions) :]
    given = [features, *(units * values_of_a_unit(config) for units in dense[:-1])]
    if not hidden_layers.is_stacked(config):
        sizes = zip(given, dense, strict=True)
        return nnx.List([layer(*size, kernel_init=kernel_init, rngs=rngs) for size in sizes])
    layer, others = partial(layer, out_features=dense[0]), config.depth - 1
    layers = nnx.List([layer(features, kernel_init=kernel_init, rngs=rngs)])
    keys = hidden_layers.next_keys(rngs.params, others, of_each=2)  # its weights' and its biases'
    undrawn = layer(given[1], kernel_init=nnx.initializers.zeros, rngs=nnx.Rngs(0))
    shape = undrawn.kernel.shape
    layers.append(hidden_layers.stack(undrawn, others))
    layers[1].kernel[...] = hidden_layers.draw_each(
        lambda key: jnp.asarray(kernel_init(key, shape, jnp.float32)), keys
    )
    return layers


def _draw_jointly(layer: nnx.Linear, init: initializers.LayerInit, rngs: nnx.Rngs) -> None:
    """Weights and biases of a layer, or of a stack of them."""
    *stack, n_in, n_out = layer.kernel.shape
    if stack:
        keys = hidden_layers.next_keys(rngs.params, stack[0], of_each=1)
        kernel, bias = hidden_layers.draw_each(lambda key: init(key, n_in, n_out), keys)
    else:
        kernel, bias = init(rngs.params(), n_in, n_out)
    layer.kernel, layer.bias = nnx.Param(kernel), nnx.Param(bias)
