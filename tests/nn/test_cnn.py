"""The convolutional network against NumPy: its pre-activations, outputs, gradients and shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from reluprobe.config import conv_shapes, make_run
from reluprobe.nn import activations, mlp, networks
from small_networks import convolved

SHAPE, OUTPUTS, EXAMPLES = (9, 7, 2), 3, 5


def network_of(**settings: Any) -> tuple[mlp.MLP, Any]:
    small = {"network": "cnn", "channels": [3, 4], "width": [6, 5], "bias_init": 0.1}
    config = make_run({**small, "init": "he_normal", **settings})
    return networks.make(config, SHAPE, OUTPUTS, nnx.Rngs(0)), config


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((EXAMPLES, *SHAPE)).astype(np.float32)


def pooled(a: np.ndarray, over: Callable[..., np.ndarray] | None) -> np.ndarray:
    if over is None:
        return a
    high, wide = a.shape[1] // 2, a.shape[2] // 2
    blocks = a[:, : 2 * high, : 2 * wide].reshape(len(a), high, 2, wide, 2, -1)
    return over(blocks, axis=(2, 4))


def numpys(network: Any, images: np.ndarray, f: Any, over: Any) -> tuple[np.ndarray, list[Any]]:
    hidden, preactivations = images.astype(np.float64), []
    for layer in network.hidden:
        kernel, bias = (np.asarray(w[...], np.float64) for w in (layer.kernel, layer.bias))
        if kernel.ndim == 4:
            z = convolved(hidden, kernel, bias)
            hidden = pooled(f(z), over)
        else:
            z = hidden.reshape(len(hidden), -1) @ kernel + bias
            hidden = f(z)
        preactivations.append(z)
    flat = hidden.reshape(len(hidden), -1)
    return flat @ np.asarray(network.output.kernel) + np.asarray(
        network.output.bias
    ), preactivations


def called(network: Any, config: Any, images: Any) -> Any:
    index, parameter = activations.INDEX[config.activation], 0.0
    return network(jnp.asarray(images).reshape(len(images), -1), index, parameter)


@pytest.mark.parametrize("side", [1, 2, 3, 4])
@pytest.mark.parametrize(("pooling", "over"), [("max", np.max), ("mean", np.mean), ("none", None)])
def test_outputs_and_preactivations_are_numpys(
    side: int, pooling: str, over: Any, images: np.ndarray
):
    network, config = network_of(kernel=side, pooling=pooling)
    logits, z = called(network, config, images)
    expected, by_layer = numpys(network, images, lambda z: np.maximum(z, 0), over)
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)
    assert [layer.shape[-1] for layer in z] == [3, 4, 6, 5]
    for layer, numbers in zip(z, by_layer, strict=True):
        np.testing.assert_allclose(layer, numbers, rtol=1e-4, atol=1e-5)


def test_a_crelu_channel_gives_out_two(images: np.ndarray):
    network, config = network_of(activation="crelu")
    both = lambda z: np.concatenate([np.maximum(z, 0), np.maximum(-z, 0)], axis=-1)  # noqa: E731
    expected, _ = numpys(network, images, both, np.max)
    np.testing.assert_allclose(called(network, config, images)[0], expected, rtol=1e-4, atol=1e-5)


def test_the_product_of_patches_and_the_librarys_convolution_agree_and_so_do_their_gradients(
    images: np.ndarray,
):
    network, config = network_of(kernel=3)
    graph, state = nnx.split(network)

    def loss(state: Any) -> jax.Array:
        return jnp.square(called(nnx.merge(graph, state), config, images)[0]).sum()

    of_patches = jax.jit(jax.value_and_grad(loss))(state)
    with mock.patch.object(jax, "default_backend", lambda: "gpu"):
        librarys = jax.jit(jax.value_and_grad(lambda state: loss(state) + 0.0))(state)
    for one, other in zip(jax.tree.leaves(of_patches), jax.tree.leaves(librarys), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_a_norm_is_over_a_channels_positions_too_or_over_the_channels(
    norm: str, images: np.ndarray
):
    network, _ = network_of(norm=norm)
    counts = jnp.asarray([1.0, 1.0, 1.0, 1.0, 0.0])
    flat = jnp.asarray(images).reshape(EXAMPLES, -1)
    training = mlp.Training(jax.random.key(0), counts)
    _, (first, *_) = network(flat, activations.INDEX["relu"], 0.0, training)
    linear = network.hidden[0]
    y = convolved(images, np.asarray(linear.kernel[...]), np.asarray(linear.bias[...]))
    axes = (0, 1, 2) if norm == "batch" else (3,)
    counted = y[:4] if norm == "batch" else y
    scale = np.sqrt(counted.var(axis=axes, keepdims=True) + 1e-5)
    due = (y - counted.mean(axis=axes, keepdims=True)) / scale
    np.testing.assert_allclose(first[:4], due[:4], rtol=1e-3, atol=1e-3)


def test_sizes_told_beforehand_are_those_of_the_network():
    for settings in ({}, {"pooling": "none"}, {"activation": "crelu", "kernel": 2}):
        network, config = network_of(**settings)
        weights, outputs = networks.sizes(config, SHAPE)
        state = nnx.state(network, nnx.Param)
        there = sum(leaf.size for leaf in jax.tree.leaves(state))
        more = (networks.OUTPUTS - OUTPUTS) * (network.output.in_features + 1)
        assert weights == there + more
        assert len(outputs) == len(config.sizes) + 1


@pytest.mark.parametrize(
    ("settings", "shape", "said"),
    [
        ({}, (32,), "needs images"),
        ({}, (8, 8), "needs images"),
        ({"channels": [2, 2, 2, 2]}, (9, 8, 1), "at most 3"),
        ({"kernel": 9}, (9, 8, 1), "at most 8"),
    ],
)
def test_what_does_not_go_in_is_told(settings: dict[str, Any], shape: Any, said: str):
    assert said in str(conv_shapes.fault(make_run({"network": "cnn", **settings}), shape))


def test_a_cnn_has_one_dense_layer_unless_it_is_told():
    assert make_run({"network": "cnn"}).sizes == (32, 64, 256)
    assert make_run({"network": "cnn", "depth": 2, "width": 8}).sizes == (32, 64, 8, 8)
    assert make_run({"network": "cnn", "width": [8, 4]}).sizes == (32, 64, 8, 4)
