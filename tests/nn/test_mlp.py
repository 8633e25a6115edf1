"""The network against a NumPy forward pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from reluprobe.config import RunConfig, choices, make_run
from reluprobe.nn import activations, mlp
from reluprobe.plan.grouping import OWN_CODE

FEATURES, OUTPUTS, EXAMPLES = 5, 3, 7


def config_of(**settings: Any) -> RunConfig:
    return make_run({"depth": 3, "width": 6, "init": "he_normal", "bias_init": 0.2, **settings})


def network_of(config: RunConfig, seed: int = 0) -> mlp.MLP:
    return mlp.make(config, FEATURES, OUTPUTS, nnx.Rngs(seed))


@pytest.fixture(scope="module")
def network() -> mlp.MLP:
    return network_of(config_of())


@pytest.fixture(scope="module")
def inputs() -> np.ndarray:
    return np.random.default_rng(1).standard_normal((EXAMPLES, FEATURES)).astype(np.float32)


@pytest.fixture(scope="module")
def call(network: mlp.MLP) -> Callable[..., Any]:
    return jax.jit(lambda x, i, p: network(x, i, p))


@pytest.mark.parametrize("name", [n for n in choices.ACTIVATIONS if n not in OWN_CODE])
def test_logits_and_preactivations_are_numpys(
    name: str, network: Any, call: Any, inputs: np.ndarray, layers_of: Any, forward: Any, value: Any
):
    p = activations.activation_parameter(make_run({"activation": name}))
    logits, z = call(inputs, jnp.int32(activations.INDEX[name]), jnp.float32(p))
    expected = forward(layers_of(network), inputs, lambda z: value(name, z, p))
    assert (logits.shape, z.shape) == ((EXAMPLES, OUTPUTS), (3, EXAMPLES, 6))
    np.testing.assert_allclose(logits, expected[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(z, expected[1], rtol=1e-4, atol=1e-5)


def crelu(z: np.ndarray) -> np.ndarray:
    return np.concatenate([np.maximum(z, 0), np.maximum(-z, 0)], axis=1)


def leaky(slope: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda z: np.where(z >= 0, z, slope * z)


OWN: dict[str, Any] = {
    "prelu": [leaky(slope) for slope in (0.5, -0.25, 0.125)],
    "rrelu": leaky((1 / 8 + 1 / 3) / 2),
    "crelu": crelu,
}


@pytest.mark.parametrize("name", OWN_CODE)
def test_activations_with_code_of_their_own_are_numpys(
    name: str, inputs: np.ndarray, layers_of: Any, forward: Any
):
    config = config_of(activation=name)
    network = network_of(config)
    if name == "prelu":
        assert network.slopes[...].tolist() == [0.25] * 3
        network.slopes[...] = jnp.float32([0.5, -0.25, 0.125])
    layers = layers_of(network)
    given = 12 if name == "crelu" else 6
    assert [kernel.shape for kernel, _ in layers] == [(FEATURES, 6), *[(given, 6)] * 2, (given, 3)]
    p = jnp.float32(activations.activation_parameter(config))
    for index in (activations.INDEX[name], jnp.int32(activations.INDEX[name])):
        logits, z = jax.jit(lambda x, p, i=index: network(x, i, p))(inputs, p)
        expected = forward(layers, inputs, OWN[name])
        assert (logits.shape, z.shape) == ((EXAMPLES, OUTPUTS), (3, EXAMPLES, 6))
        np.testing.assert_allclose(logits, expected[0], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(z, expected[1], rtol=1e-4, atol=1e-5)


def test_a_network_of_one_hidden_layer_works(inputs: np.ndarray, layers_of: Any, forward: Any):
    network = network_of(config_of(depth=1))
    logits, z = network(jnp.asarray(inputs), activations.INDEX["relu"], 0.0)
    expected = forward(layers_of(network), inputs, lambda z: np.maximum(z, 0))
    assert z.shape == (1, EXAMPLES, 6)
    np.testing.assert_allclose(logits, expected[0], rtol=1e-4, atol=1e-5)


def test_bias_init_reaches_hidden_biases_only(layers_of: Any):
    *hidden, output = layers_of(network_of(config_of(bias_init=-0.75)))
    assert all((bias == -0.75).all() for _, bias in hidden)
    assert not output[1].any()


def test_kernels_have_the_shapes_of_depth_and_width(layers_of: Any):
    shapes = [kernel.shape for kernel, _ in layers_of(network_of(config_of(depth=2, width=9)))]
    assert shapes == [(FEATURES, 9), (9, 9), (9, OUTPUTS)]


def test_layers_and_seeds_draw_different_weights_and_one_seed_the_same(layers_of: Any):
    first, again, other = (layers_of(network_of(config_of(), seed)) for seed in (0, 0, 1))
    assert not np.array_equal(first[1][0], first[2][0])
    for a, b, c in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(a[0], b[0])
        assert not np.array_equal(a[0], c[0])
