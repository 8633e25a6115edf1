"""What defines each remedy that is in the network or in the data, by NumPy and by properties."""

from __future__ import annotations

import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from scipy import special

from reluprobe import blueprint, cli, data, fit, grid, model, state, train, zoo
from reluprobe.config import RunConfig, make_run, parse_sweep
from reluprobe.errors import InputError

FEATURES, OUTPUTS, EXAMPLES = 5, 3, 12
KEY = jax.random.key(0)
EVERYONE = jnp.ones(EXAMPLES)
one_section = jax.jit(train.section, static_argnums=0)


def config_of(**given: Any) -> RunConfig:
    return make_run({"depth": 3, "width": 6, "init": "he_normal", "bias_init": 0.2, **given})


def network_of(seed: int = 0, **given: Any) -> model.MLP:
    return model.make(config_of(**given), FEATURES, OUTPUTS, nnx.Rngs(seed))


def called(network: Any, inputs: Any, given: Any, training: Any = None) -> Any:
    """Logits and z under the activation of these settings."""
    config = config_of(**given)
    index, p = zoo.INDEX[config.activation], zoo.activation_parameter(config)
    return network(jnp.asarray(inputs), index, p, training)


def relu(z: Any) -> Any:
    return np.maximum(z, 0)


def close(got: Any, expected: Any, tol: float = 1e-4) -> None:
    np.testing.assert_allclose(got, expected, rtol=tol, atol=tol / 10)


@pytest.fixture(scope="module")
def inputs() -> np.ndarray:
    return np.random.default_rng(1).standard_normal((EXAMPLES, FEATURES)).astype(np.float32)


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


def training_of(counts: Any = EVERYONE, key: Any = KEY, dropout: Any = None) -> model.Training:
    return model.Training(key, counts, dropout)


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


def test_batch_norm_is_numpys_while_training_and_in_a_look(inputs: Any, layers_of: Any):
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
            means[i] = 0.99 * means[i] + 0.01 * mean
            variances[i] = 0.99 * variances[i] + 0.01 * variance
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
def plain_networks() -> dict[str, model.MLP]:
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
    lane, numbers, plan = blueprint.init_lane(make_run({"width": 4}), FEATURES, OUTPUTS, 52)
    paths = {str(path) for path, _ in jax.tree_util.tree_leaves_with_path(lane.weights)}
    assert len(paths) == 6 * 2 and all("kernel" in p or "bias" in p for p in paths)
    assert not jax.tree.leaves(state.trained(lane.weights)[1])
    assert numbers.dials == {} and lane.marks is None
    assert (numbers.task.pixels, numbers.task.targets) == (None, None)
    # Two moments of every weight, and Adam's count.
    assert len(jax.tree.leaves(lane.optimizer)) == 2 * 12 + 1
    assert plan.plain and plan.config == grid.static(RunConfig(width=4))


# --- dropout -----------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_a_dropped_share_is_0_and_the_rest_is_scaled_up(rate: float):
    ones = jnp.ones((400, 500))
    got = np.asarray(model.dropped(KEY, ones, jnp.float32(rate)))
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


# --- slopes below zero -------------------------------------------------------------------------


def loss_of(network: Any, inputs: Any, labels: Any, given: Any, training: Any = None) -> Any:
    logits, _ = called(network, inputs, given, training)
    return state.losses(logits, labels, False)[0].mean()


@pytest.fixture(scope="module")
def labels() -> Any:
    return jnp.asarray(np.random.default_rng(2).integers(OUTPUTS, size=EXAMPLES), jnp.int32)


def gradient_of(network: Any, *args: Any) -> Any:
    graph, params = nnx.split(network)
    found = jax.grad(lambda p: loss_of(nnx.merge(graph, p), *args))(params)
    return nnx.merge(graph, found)


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


# --- pixels ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pictures() -> tuple[np.ndarray, state.Arrays]:
    """Forty pictures to train on and, much brighter, ten to test on; one pixel never varies."""
    rng = np.random.default_rng(0)
    raw = rng.integers(0, 90, (50, 6)).astype(np.uint8)
    raw[40:] += 150
    raw[:, 2] = 17
    return raw, jax.tree.map(jnp.asarray, state.arrays(raw, np.zeros(50, np.int32), 40))


def seen_as(pixels: str, arrays: Any, count: int = 50) -> np.ndarray:
    _, numbers, plan = blueprint.init_lane(make_run(dict(pixels=pixels, width=4)), 6, 3, 40)
    return np.asarray(plan.inputs(arrays, numbers, jnp.arange(count)), np.float64)


def test_pixels_are_scaled_as_numpy_does_by_the_training_sets_statistics(pictures: Any):
    raw, arrays = pictures
    unit = raw / 255
    train_ = unit[:40]
    close(seen_as("unit", arrays), unit, 1e-6)
    close(seen_as("standardized", arrays), (unit - train_.mean()) / train_.std(), 1e-5)
    close(seen_as("centred", arrays), unit - train_.mean(axis=0), 1e-5)
    standardized, centred = seen_as("standardized", arrays), seen_as("centred", arrays)
    assert abs(standardized[:40].mean()) < 1e-6 and abs(standardized[:40].var() - 1) < 1e-5
    assert np.abs(centred[:40].mean(axis=0)).max() < 1e-6
    assert standardized[40:].mean() > 3 and np.abs(centred[40:, 0].mean()) > 0.3


def test_floats_are_scaled_too_and_a_set_of_one_value_is_0(blobs: data.Dataset):
    both = np.concatenate([blobs.train_inputs, blobs.test_inputs])
    count = len(blobs.train_inputs)
    placed = state.arrays(both, np.zeros(len(both), np.int32), count)
    np.testing.assert_allclose(placed.deviation, blobs.train_inputs.std(), rtol=1e-5)
    close(placed.means, blobs.train_inputs.mean(axis=0, dtype=np.float64), 1e-5)
    blank = state.arrays(np.full((50, 6), 9, np.uint8), np.zeros(50, np.int32), 40)
    arrays = jax.tree.map(jnp.asarray, blank)
    for pixels in ("standardized", "centred"):
        assert np.abs(seen_as(pixels, arrays)).max() < 1e-6


@pytest.mark.parametrize("pixels", ["unit", "standardized", "centred"])
def test_the_certificates_box_is_the_training_sets_as_the_network_sees_it(
    pixels: str, pictures: Any
):
    _, arrays = pictures
    config = make_run(dict(pixels=pixels, width=6, depth=1, init="normal", init_scale=0.0))
    lane, numbers, plan = blueprint.init_lane(config, 6, 3, 40)
    seen = seen_as(pixels, arrays, 40)
    # Unit k sees pixel k alone, upright in the first three and upside down in the others, and its
    # bias lies just below or just above what would keep it silent for the whole box.
    signs = np.array([1, 1, 1, -1, -1, -1])
    most = np.where(signs > 0, seen.max(axis=0), -seen.min(axis=0))
    beside = np.array([-1, 1, -1, -1, 1, 1]) * 1e-3
    weights = jax.tree.map(jnp.array, lane.weights)
    weights["hidden"][0]["kernel"][...] = jnp.asarray(np.diag(signs), jnp.float32)
    weights["hidden"][0]["bias"][...] = jnp.asarray(beside - most, jnp.float32)
    certain = train._certain(plan.fixed(config), arrays, weights, numbers)
    np.testing.assert_array_equal(certain[0], beside < 0)


# --- wrong labels ------------------------------------------------------------------------------


def noisy(share: float, targets: np.ndarray, classes: int = 10, seed: int = 0) -> np.ndarray:
    config = make_run(dict(label_noise=share, width=4, seed=seed))
    _, numbers, plan = blueprint.init_lane(config, FEATURES, classes, len(targets))
    assert ("label_noise" in numbers.dials) == (share > 0)
    chosen = jnp.arange(len(targets))
    return np.asarray(train._noisy(plan, numbers, chosen, jnp.asarray(targets)))


def test_a_share_of_labels_is_another_class_each_as_likely():
    targets = np.tile(np.arange(10, dtype=np.int32), 2000)
    np.testing.assert_array_equal(noisy(0.0, targets), targets)
    for share in (0.2, 1.0):
        got = noisy(share, targets)
        wrong = got != targets
        assert abs(wrong.mean() - share) <= 4 * np.sqrt(share * (1 - share) / len(targets))
        assert got.dtype == targets.dtype and got.min() == 0 and got.max() == 9
        how_far = (got - targets)[wrong] % 10
        counts = np.bincount(how_far, minlength=10)
        assert counts[0] == 0
        expected = wrong.sum() / 9
        assert ((counts[1:] - expected) ** 2 / expected).sum() < 30  # χ² of 8 degrees: p < 2e-4
        np.testing.assert_array_equal(got, noisy(share, targets))
        assert (got != noisy(share, targets, seed=1)).any()
    # Whose label is wrong at a small share is wrong at a larger one: the same dice.
    few, many = noisy(0.1, targets) != targets, noisy(0.3, targets) != targets
    assert (many | ~few).all()


def test_with_two_classes_the_wrong_label_is_the_other_one():
    targets = np.arange(20_000, dtype=np.int32) % 2
    np.testing.assert_array_equal(noisy(1.0, targets, classes=2), 1 - targets)


def test_a_regression_has_no_label_noise():
    with pytest.raises(InputError) as caught:
        fit.check(
            [grid.make(make_run(dict(dataset="abs", label_noise=0.1)))], {"abs": data.load("abs")}
        )
    assert caught.value.faults == ("label_noise needs classes, and abs has none",)


# --- all of it in a training step --------------------------------------------------------------

COUNT, BATCH, CLASSES = 52, 16, 3
STILL = 1e-30  # a learning rate that moves no weight


@pytest.fixture(scope="module")
def arrays() -> state.Arrays:
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((COUNT + 30, FEATURES)).astype(np.float32)
    targets = rng.integers(CLASSES, size=COUNT + 30).astype(np.int32)
    return jax.tree.map(jnp.asarray, state.arrays(inputs, targets, COUNT))


def start(**given: Any) -> Any:
    small = dict(width=6, depth=2, optimizer="sgd", batch_size=BATCH, seed=3)
    config = make_run({**small, "learning_rate": STILL, **given})
    lane, numbers, plan = blueprint.init_lane(config, FEATURES, CLASSES, COUNT)
    return lane, numbers, plan.fixed(config)


def section_of(epoch: int, first: int, last: int, ends: bool = False) -> state.Section:
    place = (jnp.int32(n) for n in (epoch, first, last))
    flags = jnp.bool_(True), jnp.bool_(ends)
    return state.Section(*place, *flags, jnp.int32(20), jnp.int32(0))


def dialled(numbers: state.Numbers, dropout: float, label_noise: float) -> state.Numbers:
    """At 0 the same program drops nothing, or changes no label."""
    dials = {"dropout": jnp.float32(dropout), "label_noise": jnp.float32(label_noise)}
    assert numbers.dials.keys() == dials.keys()
    return numbers._replace(dials=dials)


NORMED = dict(norm="batch", dropout=0.5, label_noise=0.5)


@pytest.fixture(scope="module")
def normed(arrays: Any) -> Any:
    """A network with batch norm and wrong labels, before and after an epoch that moves nothing."""
    lane, numbers, plan = start(**NORMED)
    numbers = dialled(numbers, 0.0, 1.0)
    return lane, numbers, *one_section(plan, arrays, section_of(1, 0, 4, True), lane, numbers)


def test_running_averages_follow_the_real_examples_of_each_batch(
    arrays: Any, normed: Any, layers_of: Any
):
    lane, numbers, after, report = normed
    plan = start(**NORMED)[2]
    network = nnx.merge(plan.graph, after.weights)
    kernel, bias = layers_of(network)[0]
    np.testing.assert_array_equal(kernel, layers_of(nnx.merge(plan.graph, lane.weights))[0][0])
    key = jax.random.fold_in(jax.random.wrap_key_data(numbers.order), 1)
    order = np.asarray(jax.random.permutation(key, COUNT))
    mean, variance = np.zeros(6), np.ones(6)
    for first in range(0, COUNT, BATCH):
        z = np.asarray(arrays.inputs)[order[first : first + BATCH]] @ kernel + bias
        mean = 0.99 * mean + 0.01 * z.mean(axis=0)
        variance = 0.99 * variance + 0.01 * z.var(axis=0)
    close(network.norms[0].mean[...], mean, 1e-5)
    close(network.norms[0].var[...], variance, 1e-5)
    assert report.finite


def test_a_look_uses_the_running_averages_and_the_right_labels(
    arrays: Any, normed: Any, layers_of: Any
):
    _, _, after, report = normed
    network = nnx.merge(start(**NORMED)[2].graph, after.weights)
    *hidden, (w, b) = layers_of(network)
    for sample, where in ((1, slice(COUNT, None)), (2, slice(0, COUNT)), (0, slice(0, 20))):
        h, labels = np.asarray(arrays.inputs[where], np.float64), np.asarray(arrays.targets[where])
        for (kernel, bias), norm in zip(hidden, network.norms, strict=True):
            mean, variance = np.asarray(norm.mean[...]), np.asarray(norm.var[...])
            h = relu((h @ kernel + bias - mean) / np.sqrt(variance + 1e-5))
        logits = h @ w + b
        picked = logits[np.arange(len(labels)), labels]
        close(report.loss[sample], np.mean(special.logsumexp(logits, axis=1) - picked))
        close(report.accuracy[sample], np.mean(logits.argmax(axis=1) == labels), 1e-6)


@pytest.fixture(scope="module")
def steps(arrays: Any) -> Any:
    """Losses of single steps on examples that are all the same, and the last step's report.

    The norm takes off all that they have; its shifts are what the layers above see.
    """
    same = arrays._replace(
        inputs=jnp.tile(arrays.inputs[:1], (COUNT + 30, 1)), targets=jnp.zeros_like(arrays.targets)
    )
    begin, numbers, plan = start(**NORMED)
    network = nnx.merge(plan.graph, begin.weights, copy=True)
    for norm in network.norms:
        norm.bias[...] = jnp.linspace(0.5, 1.5, 6)
    begin = begin._replace(weights=nnx.state(network))

    def losses_of(dropout: float, label_noise: float) -> tuple[list[float], Any]:
        found, lane = [], begin
        for epoch, i in ((1, 0), (1, 1), (1, 2), (2, 0)):
            before = lane.sums[0] if i else 0.0
            own = dialled(numbers, dropout, label_noise)
            lane, report = one_section(plan, same, section_of(epoch, i, i + 1), lane, own)
            found.append(float(lane.sums[0] - before))
        return found, report

    return losses_of


def test_each_step_drops_anew_and_a_run_always_the_same_and_a_look_nothing(steps: Any):
    (first, report), (again, _) = steps(0.5, 0.0), steps(0.5, 0.0)
    assert first == again and len(set(first)) == 4
    none, look = steps(0.0, 0.0)
    np.testing.assert_allclose(none, none[0], rtol=1e-5)
    assert min(abs(a - none[0]) for a in first) > 1e-3
    np.testing.assert_allclose(report.loss[:2], look.loss[:2], rtol=0.1)


def test_only_training_steps_see_wrong_labels(steps: Any):
    (right, look), (wrong, same) = steps(0.0, 0.0), steps(0.0, 1.0)
    assert min(abs(a - b) for a, b in zip(right, wrong, strict=True)) > 1e-3
    np.testing.assert_array_equal(look.loss, same.loss)


# --- what does not mix -------------------------------------------------------------------------

MIXED = [
    (dict(activation="crelu", residual=True), "cannot be added to their input"),
    (dict(norm="batch", batch_size=1), "one example has no variance"),
    (dict(init="rai", use_bias=False), "use_bias = false has none"),
    (dict(freeze_layers=6), "freeze_layers is larger than depth"),
]


@pytest.mark.parametrize(("given", "reason"), MIXED)
def test_what_does_not_mix_is_refused_in_a_sweep(given: dict[str, Any], reason: str):
    with pytest.raises(InputError, match="do not mix") as caught:
        grid.expand(parse_sweep({"base": given}))
    (fault,) = caught.value.faults
    assert reason in fault


def test_all_that_does_not_mix_is_told_at_once_and_each_reason_once():
    base = dict(norm="batch", batch_size=1, init="rai", use_bias=False)
    with pytest.raises(InputError) as caught:
        grid.expand(parse_sweep({"base": base, "grid": {"depth": [2, 3]}}))
    assert len(caught.value.faults) == 2


def test_what_just_mixes_is_let_through():
    for given in (
        dict(activation="crelu"),
        dict(residual=True),
        dict(norm="batch", batch_size=2),
        dict(norm="layer", batch_size=1),
        dict(init="rai"),
        dict(use_bias=False),
        dict(freeze_layers=5),
    ):
        assert len(grid.expand(parse_sweep({"base": given})).runs) == 1


@pytest.mark.parametrize(("given", "reason"), MIXED)
def test_what_does_not_mix_is_refused_by_train(
    given: dict[str, Any], reason: str, monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Any
):
    monkeypatch.chdir(tmp_path)
    args = []
    for name, value in given.items():
        flag = name.replace("_", "-")
        args += (
            [f"--{flag}" if value else f"--no-{flag}"]
            if isinstance(value, bool)
            else [f"--{flag}", str(value)]
        )
    monkeypatch.setattr(sys, "argv", ["reluprobe", "train", "--dataset", "blobs", *args])
    with pytest.raises(SystemExit) as left:
        cli.main()
    err = " ".join(capsys.readouterr().err.split())
    assert left.value.code == 2
    assert "settings that do not mix" in err and reason in err
    assert not list(tmp_path.iterdir())
