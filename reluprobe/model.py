"""The multilayer perceptron, in Flax NNX. It returns its pre-activations beside its logits."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from reluprobe import zoo
from reluprobe.config import RunConfig


class MLP(nnx.Module):
    """``depth`` hidden layers of ``width`` units and a linear output.

    h₀ = x, z_l = h_{l−1} W_l + b_l, h_l = f(z_l), logits = h_depth W + b.
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        depth: int,
        width: int,
        *,
        kernel_init: jax.nn.initializers.Initializer,
        bias_init: float,
        rngs: nnx.Rngs,
    ) -> None:
        constant = nnx.initializers.constant(bias_init)
        sizes = [features] + [width] * depth
        self.hidden = nnx.List(
            nnx.Linear(a, b, kernel_init=kernel_init, bias_init=constant, rngs=rngs)
            for a, b in itertools.pairwise(sizes)
        )
        # The bias setting is about hidden units; a constant on all outputs changes no softmax.
        self.output = nnx.Linear(width, outputs, kernel_init=kernel_init, rngs=rngs)

    def __call__(
        self,
        inputs: Float[Array, "example feature"],
        activation: zoo.Index,
        parameter: zoo.Scalar,
    ) -> tuple[Float[Array, "example output"], Float[Array, "layer example unit"]]:
        """Logits, and the pre-activations z of every hidden layer.

        Args:
            inputs: the examples, scaled as the network sees them.
            activation: index into ``zoo.ACTIVATIONS``.
            parameter: the activation's parameter.
        """
        hidden, preactivations = inputs, []
        for layer in self.hidden:
            z = layer(hidden)
            preactivations.append(z)
            hidden = zoo.activate(activation, z, parameter)
        return self.output(hidden), jnp.stack(preactivations)


def parameters(
    layer: nnx.Linear,
) -> tuple[Float[Array, "feature unit"], Float[Array, " unit"]]:
    """A layer's weights and biases, as arrays."""
    kernel, bias = layer.kernel[...], layer.bias
    return kernel, jnp.zeros(kernel.shape[1]) if bias is None else bias[...]


def make(config: RunConfig, features: int, outputs: int, rngs: nnx.Rngs) -> MLP:
    """The network of a run."""
    network = MLP(
        features,
        outputs,
        config.depth,
        config.width,
        kernel_init=zoo.initializer(config),
        bias_init=config.bias_init,
        rngs=rngs,
    )
    if config.init in zoo.JOINT:
        for layer in (*network.hidden, network.output):
            kernel, bias = zoo.JOINT[config.init](rngs.params(), *layer.kernel.shape)
            layer.kernel, layer.bias = nnx.Param(kernel), nnx.Param(bias)
    return network
