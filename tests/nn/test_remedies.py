"""What defines each remedy that is in the network, by NumPy and by properties."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from reluprobe.config import RunConfig, make_run
from reluprobe.engine import state
from reluprobe.nn import mlp
from reluprobe.plan.grouping import static_settings
from small_networks import (
    EXAMPLES,
    FEATURES,
    KEY,
    OUTPUTS,
    called,
    close,
    network_of,
    relu,
    training_of,
)
from training_segments import start_of

# --- residual connections ----------------------------------------------------------------------


def test_with_weights_of_0_a_residual_network_is_one_of_one_hidden_layer(inputs: Any):
    deep = network_of(residual=True, depth=4)
    flat = network_of(depth=1)
    flat.hidden[0], flat.output = deep.hidden[0], deep.output
    for layer in deep.hidden[1:]:
        layer.kernel[...], layer.bias[...] = 0 * layer.kernel[...], 0 * layer.bias[...]
    logits, z = called(deep, inputs, dict(residual=True, depth=4))
    expected, first = called(flat, inputs, dict(depth=1))
    np.testing.assert_array_equal(logits, expected)
    np.testing.assert_array_equal(z[0], first[0])
    assert not np.any(z[1:])


@pytest.mark.parametrize("f", ["relu", "tanh"])
def test_a_residual_layer_adds_its_input_from_the_second_on(f: str, inputs: Any, layers_of: Any):
    network = network_of(residual=True, activation=f)
    logits, z = called(network, inputs, dict(activation=f))
    act = {"relu": relu, "tanh": np.tanh}[f]
    (w1, b1), (w2, b2), (w3, b3), (w, b) = layers_of(network)
    h1 = act(inputs @ w1 + b1)
    h2 = h1 + act(h1 @ w2 + b2)
    h3 = h2 + act(h2 @ w3 + b3)
    close(z, np.stack([inputs @ w1 + b1, h1 @ w2 + b2, h2 @ w3 + b3]))
    close(logits, h3 @ w + b)


# --- normalization -----------------------------------------------------------------------------


def test_batch_norms_z_have_mean_0_and_variance_1_over_the_real_examples_alone(inputs: Any):
    counts = (np.arange(EXAMPLES) < 7).astype(np.float32)
    filled = np.where(counts[:, None] > 0, inputs, 1e4 + inputs)
    seen = []
    for these in (inputs, filled):
        network = network_of(norm="batch", bias_init=-3.0)
        logits, z = called(network, these, {}, training_of(jnp.asarray(counts)))
        real = np.asarray(z[:, :7], np.float64)
        close(real.mean(axis=1), np.zeros((3, 6)), 1e-5)
        assert (np.abs(real.var(axis=1) - 1) < 2e-3).all()
        averages = [(norm.mean[...], norm.var[...]) for norm in network.norms]
        seen.append((logits[:7], z[:, :7], averages))
    jax.tree.map(np.testing.assert_array_equal, *seen)


def test_batch_norm_is_numpys_while_training_and_a_look_takes_the_last_batchs_averages(
    inputs: Any, layers_of: Any
):
    network = network_of(norm="batch")
    rng = np.random.default_rng(3)
    for norm in network.norms:
        norm.scale[...] = jnp.asarray(rng.uniform(0.5, 2, 6), jnp.float32)
        norm.bias[...] = jnp.asarray(rng.normal(0, 1, 6), jnp.float32)
    *hidden, (w, b) = layers_of(network)
    means, variances = np.zeros((3, 6)), np.ones((3, 6))
    for number in range(3):
        batch = inputs + number
        logits, z = called(network, batch, {}, training_of())
        h = np.float64(batch)
        for i, (kernel, bias) in enumerate(hidden):
            raw = h @ kernel + bias
            mean, variance = raw.mean(axis=0), raw.var(axis=0)
            gamma, beta = (
                np.asarray(x[...]) for x in (network.norms[i].scale, network.norms[i].bias)
            )
            expected = gamma * (raw - mean) / np.sqrt(variance + 1e-5) + beta
            close(z[i], expected, 5e-3)
            h = relu(expected)
            means[i], variances[i] = mean, variance
        close(logits, h @ w + b, 5e-3)
        for i, norm in enumerate(network.norms):
            close(norm.mean[...], means[i])
            close(norm.var[...], variances[i])
    before = jax.tree.map(np.array, nnx.state(network))
    logits, z = called(network, inputs, {})
    jax.tree.map(np.testing.assert_array_equal, before, nnx.state(network))
    h = np.float64(inputs)
    for i, (kernel, bias) in enumerate(hidden):
        gamma, beta = (np.asarray(x[...]) for x in (network.norms[i].scale, network.norms[i].bias))
        raw = gamma * (h @ kernel + bias - means[i]) / np.sqrt(variances[i] + 1e-5) + beta
        close(z[i], raw, 1e-3)
        h = relu(raw)
    close(logits, h @ w + b, 1e-3)


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_a_norm_takes_off_any_constant(norm: str, inputs: Any):
    # A bias common to all units is what kills a ReLU net, and what a norm is there to take off.
    seen = []
    for bias in (0.0, -500.0):
        network = network_of(norm=norm, bias_init=bias, depth=1)
        seen.append(called(network, inputs, {}, training_of())[1])
    close(seen[0], seen[1], 1e-3)


def test_layer_norms_z_have_mean_0_and_variance_1_over_a_layers_units(inputs: Any):
    network = network_of(norm="layer")
    logits, z = called(network, inputs, {})
    z = np.asarray(z, np.float64)
    close(z.mean(axis=2), np.zeros((3, EXAMPLES)), 1e-5)
    close(z.var(axis=2), np.ones((3, EXAMPLES)), 1e-3)
    again = called(network, inputs, {}, training_of())
    np.testing.assert_array_equal(logits, again[0])
    assert not jax.tree.leaves(state.trained(nnx.state(network))[1])
    # Each example's own: the others do not matter.
    close(z[:, :1], called(network, inputs[:1], {})[1], 1e-5)


# --- one seed, one draw ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plain_networks() -> dict[str, mlp.MLP]:
    return {init: network_of(init=init) for init in ("he_normal", "rai")}


@pytest.mark.parametrize("init", ["he_normal", "rai"])
@pytest.mark.parametrize(
    "remedy",
    [
        dict(norm="batch"),
        dict(norm="layer"),
        dict(activation="prelu"),
        dict(residual=True),
        dict(dropout=0.5),
        dict(use_bias=False),
        dict(weight_gain=2.0),
        dict(bias_init=1.0),
        dict(optimizer="adamw"),
        dict(norm="batch", activation="prelu", dropout=0.5, residual=True),
    ],
)
def test_the_same_seed_draws_the_same_kernels_with_and_without(
    init: str, remedy: Any, plain_networks: Any
):
    if init == "rai" and not remedy.get("use_bias", True):
        return  # refused
    with_, without = network_of(init=init, **remedy), plain_networks[init]
    gain = remedy.get("weight_gain", 1)
    for a, b in zip(with_.hidden, without.hidden, strict=True):
        np.testing.assert_array_equal(a.kernel[...], gain * b.kernel[...])
    np.testing.assert_array_equal(with_.output.kernel[...], without.output.kernel[...])
    if init == "rai":
        for a, b in zip(with_.hidden, without.hidden, strict=True):
            np.testing.assert_array_equal(a.bias[...], b.bias[...])


def test_hidden_layers_without_biases_have_none_and_the_output_keeps_its_own(inputs: Any):
    network = network_of(use_bias=False)
    leaves = jax.tree_util.tree_leaves_with_path(nnx.state(network))
    assert [str(path).count("bias") for path, _ in leaves].count(1) == 1
    assert all(layer.bias is None for layer in network.hidden)
    assert not np.any(network.output.bias[...])
    kernels = [np.asarray(layer.kernel[...], np.float64) for layer in network.hidden]
    z = called(network, inputs, {})[1]
    close(z[1], relu(inputs @ kernels[0]) @ kernels[1])


def test_the_gain_is_the_hidden_layers_alone(plain_networks: Any):
    for init, without in plain_networks.items():
        with_ = network_of(init=init, weight_gain=1.7)
        for a, b in zip(with_.hidden, without.hidden, strict=True):
            expected = np.float32(1.7) * np.asarray(b.kernel[...])
            np.testing.assert_array_equal(a.kernel[...], expected)
            np.testing.assert_array_equal(a.bias[...], b.bias[...])
        np.testing.assert_array_equal(with_.output.kernel[...], without.output.kernel[...])


def test_a_run_without_a_remedy_carries_nothing_of_them():
    lane, hyper, spec = start_of(make_run({"width": 4}), FEATURES, OUTPUTS, 52)
    paths = {str(path) for path, _ in jax.tree_util.tree_leaves_with_path(lane.weights)}
    assert len(paths) == 6 * 2 and all("kernel" in p or "bias" in p for p in paths)
    assert not jax.tree.leaves(state.trained(lane.weights)[1])
    assert hyper.dials == {} and lane.dead_mask is None
    assert (hyper.task.pixels, hyper.task.targets) == (None, None)
    # Two moments of every weight, and Adam's count.
    assert len(jax.tree.leaves(lane.optimizer)) == 2 * 12 + 1
    assert spec.plain and spec.config == static_settings(RunConfig(width=4))


# --- dropout -----------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_a_dropped_share_is_0_and_the_rest_is_scaled_up(rate: float):
    ones = jnp.ones((400, 500))
    got = np.asarray(mlp.dropped(KEY, ones, jnp.float32(rate)))
    dropped = (got == 0).mean()
    assert abs(dropped - rate) < 4 * np.sqrt(rate * (1 - rate) / got.size)
    np.testing.assert_allclose(got[got != 0], 1 / (1 - rate), rtol=1e-6)
    assert abs(got.mean() - 1) < 4 * np.sqrt(rate / (1 - rate) / got.size)
    # Neither whole units nor whole examples are chosen.
    assert (got == 0).any(axis=0).all() and (got == 0).any(axis=1).all()


def test_dropout_is_on_what_every_hidden_layer_gives_out(inputs: Any):
    network = network_of(activation="softplus", depth=2)
    kernels = [np.asarray(layer.kernel[...], np.float64) for layer in network.hidden]
    w2, w = kernels[1], np.asarray(network.output.kernel[...], np.float64)
    training = training_of(dropout=jnp.float32(0.5))
    given = dict(activation="softplus")
    logits, z = called(network, inputs, given, training)
    look = called(network, inputs, given)[1]
    np.testing.assert_array_equal(z[0], look[0])  # the inputs lose nothing
    # h1 from z2, h2 from the logits: both systems are solvable, 5 inputs a side being enough.
    bias, output_bias = 0.2, np.asarray(network.output.bias[...])
    h1 = (np.asarray(z[1]) - bias) @ np.linalg.inv(w2)
    whole = np.logaddexp(0, np.asarray(z[0], np.float64))
    ratio = h1 / whole
    assert ((np.abs(ratio) < 1e-3) | (np.abs(ratio - 2) < 1e-3)).all()
    assert 0.25 < (np.abs(ratio) < 1e-3).mean() < 0.75
    whole = np.logaddexp(0, np.asarray(z[1], np.float64))
    errors = [np.abs((mask * 2 * whole) @ w + output_bias - logits) for mask in _masks(6)]
    assert (np.min([e.max(axis=1) for e in errors], axis=0) < 1e-4).all()


def _masks(units: int) -> np.ndarray:
    return (np.arange(2**units)[:, None] >> np.arange(units)) & 1
