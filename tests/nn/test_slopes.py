"""Activations that learn, draw or mirror what is below zero, by NumPy and finite differences."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from scipy import special

from reluprobe.engine import state
from small_networks import (
    EXAMPLES,
    FEATURES,
    OUTPUTS,
    called,
    close,
    network_of,
    relu,
    training_of,
)


def loss_of(network: Any, inputs: Any, labels: Any, given: Any, training: Any = None) -> Any:
    logits, _ = called(network, inputs, given, training)
    return state.losses(logits, labels, False)[0].mean()


@pytest.fixture(scope="module")
def labels() -> Any:
    return jnp.asarray(np.random.default_rng(2).integers(OUTPUTS, size=EXAMPLES), jnp.int32)


def gradient_of(network: Any, *args: Any) -> Any:
    graph, params = nnx.split(network)
    gradient = jax.jit(jax.grad(lambda p: loss_of(nnx.merge(graph, p), *args)))(params)
    return nnx.merge(graph, gradient)


def test_prelu_of_slope_0_is_relu_in_value_and_in_every_weights_gradient(
    inputs: Any, labels: Any, layers_of: Any
):
    learned, plain = network_of(activation="prelu", prelu_slope=0.0), network_of()
    kinds = dict(activation="prelu", prelu_slope=0.0), {}
    seen = [called(n, inputs, k) for n, k in zip((learned, plain), kinds, strict=True)]
    jax.tree.map(np.testing.assert_array_equal, *seen)
    gradients = [
        layers_of(gradient_of(n, inputs, labels, k))
        for n, k in zip((learned, plain), kinds, strict=True)
    ]
    jax.tree.map(np.testing.assert_array_equal, *gradients)
    assert any(kernel.any() for kernel, _ in gradients[0])


def test_a_slopes_gradient_is_the_finite_difference(inputs: Any, labels: Any, layers_of: Any):
    given = dict(activation="prelu", prelu_slope=0.4)
    network = network_of(**given)
    layers, right = layers_of(network), np.asarray(labels)

    def numpy_loss(slopes: np.ndarray) -> float:
        h = np.float64(inputs)
        for (kernel, bias), slope in zip(layers, slopes, strict=False):
            z = h @ kernel + bias
            h = np.where(z >= 0, z, slope * z)
        logits = h @ layers[-1][0] + layers[-1][1]
        return float(
            np.mean(special.logsumexp(logits, axis=1) - logits[np.arange(EXAMPLES), right])
        )

    start = np.full(3, 0.4)
    np.testing.assert_allclose(loss_of(network, inputs, labels, given), numpy_loss(start), 1e-5)
    steps = 1e-5 * np.eye(3)
    expected = [(numpy_loss(start + s) - numpy_loss(start - s)) / 2e-5 for s in steps]
    got = np.asarray(gradient_of(network, inputs, labels, given).slopes[...])
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-6)
    assert (got != 0).all()


def test_prelu_starts_as_the_leaky_relu_of_its_slope(inputs: Any):
    np.testing.assert_array_equal(network_of(activation="prelu").slopes[...], np.full(3, 0.25))
    np.testing.assert_array_equal(
        network_of(activation="prelu", prelu_slope=-0.5).slopes[...], np.full(3, -0.5)
    )
    given = dict(activation="prelu"), dict(activation="leaky_relu", leaky_slope=0.25)
    seen = [called(network_of(**g), inputs, g) for g in given]
    jax.tree.map(np.testing.assert_array_equal, *seen)


def test_crelu_gives_out_both_halves_and_the_next_layer_takes_both(inputs: Any, layers_of: Any):
    given = dict(activation="crelu", depth=2)
    network = network_of(**given)
    (w1, b1), (w2, b2), (w, b) = layers_of(network)
    assert (w1.shape, w2.shape, w.shape) == ((FEATURES, 6), (12, 6), (12, OUTPUTS))
    z1 = inputs @ w1 + b1
    h1 = np.concatenate([relu(z1), relu(-z1)], axis=1)
    z2 = h1 @ w2 + b2
    logits, z = called(network, inputs, given)
    close(z, np.stack([z1, z2]))
    close(logits, np.concatenate([relu(z2), relu(-z2)], axis=1) @ w + b)


def test_rrelus_slopes_vary_while_training_and_are_their_mean_in_a_look(
    inputs: Any, layers_of: Any
):
    given = dict(activation="rrelu", depth=1, width=OUTPUTS)
    network = network_of(**given)
    network.output.kernel[...] = jnp.eye(OUTPUTS)  # logits are what the layer gives out
    _, z = called(network, inputs, given)
    z = np.asarray(z[0])
    below = z < 0

    def slopes(training: Any) -> np.ndarray:
        return np.asarray(called(network, inputs, given, training)[0])[below] / z[below]

    np.testing.assert_allclose(slopes(None), (1 / 8 + 1 / 3) / 2, rtol=1e-5)
    first, again = slopes(training_of()), slopes(training_of())
    other = slopes(training_of(key=jax.random.key(1)))
    np.testing.assert_array_equal(first, again)
    assert (first != other).all() and len(set(first.tolist())) == below.sum()
    many = np.concatenate([slopes(training_of(key=jax.random.key(n))) for n in range(20)])
    assert (many > 1 / 8 - 1e-6).all() and (many < 1 / 3 + 1e-6).all()
    sigma = (1 / 3 - 1 / 8) / np.sqrt(12)
    assert abs(many.mean() - 11 / 48) < 4 * sigma / np.sqrt(many.size)
    assert abs(many.std() - sigma) < 0.1 * sigma
    np.testing.assert_array_equal(
        np.asarray(called(network, inputs, given, training_of())[0])[~below], z[~below]
    )
