"""Training and its report against a perceptron written out in NumPy."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from reluprobe.config import RunConfig, choices, make_run
from reluprobe.engine import state, train_step
from reluprobe.engine.program_spec import ProgramSpec
from reluprobe.nn import activations
from training_segments import BATCH, CLASSES, COUNT, FEATURES, run_segment, segment_of, start_of

RATE = 0.2
#: One network for the file.
CONFIG = make_run(
    dict(depth=2, width=8, optimizer="sgd", learning_rate=RATE, batch_size=BATCH)
    | dict(init="he_normal", bias_init=0.1, probe_examples=20, seed=3)
)
TEST = slice(COUNT, None)


def whole_epoch(number: int, steps: int) -> state.Segment:
    """Epoch ``number`` at one go, with causes on the twenty examples of its probe."""
    return segment_of(number, 0, steps if number else 0, explained=20)


def one_epoch(spec: Any, arrays: Any, number: int, lane: Any, hyper: Any) -> Any:
    steps = -(-spec.train_examples // BATCH)
    return run_segment(spec, arrays, whole_epoch(number, steps), lane, hyper)


def relu(z: np.ndarray) -> np.ndarray:
    return np.maximum(z, 0)


def start(config: RunConfig = CONFIG) -> tuple[state.Lane, state.Hyperparameters, ProgramSpec]:
    lane, hyper, spec = start_of(config, FEATURES, CLASSES, COUNT)
    return lane, hyper, spec


def order_of(hyper: state.Hyperparameters, number: int) -> np.ndarray:
    key = jax.random.fold_in(jax.random.wrap_key_data(hyper.order), number)
    return np.asarray(jax.random.permutation(key, COUNT))


def entropies(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Softmax cross-entropy of each example, in nats."""
    return special.logsumexp(logits, axis=1) - logits[np.arange(len(labels)), labels]


def numpy_step(layers: Any, inputs: np.ndarray, labels: np.ndarray, forward: Any) -> Any:
    """One step of SGD down the mean cross-entropy of these examples, by backpropagation."""
    logits, zs = forward(layers, inputs, relu)
    hidden = [np.float64(inputs), *map(relu, zs)]
    delta = (special.softmax(logits, axis=1) - np.eye(CLASSES)[labels]) / len(labels)
    stepped = []
    for i in reversed(range(len(layers))):
        kernel, bias = layers[i]
        gradient = hidden[i].T @ delta, delta.sum(axis=0)
        stepped.insert(0, (kernel - RATE * gradient[0], bias - RATE * gradient[1]))
        if i:
            delta = delta @ kernel.T * (zs[i - 1] > 0)
    return stepped, entropies(logits, labels).sum(), (logits.argmax(axis=1) == labels).sum()


def numpy_epoch(layers: Any, arrays: state.Arrays, order: np.ndarray, forward: Any) -> Any:
    """Layers after an epoch in this order, and the running mean loss and accuracy."""
    inputs, labels = np.asarray(arrays.inputs), np.asarray(arrays.targets)
    sums = np.zeros(2)
    for first in range(0, COUNT, BATCH):
        chosen = order[first : first + BATCH]
        layers, *seen = numpy_step(layers, inputs[chosen], labels[chosen], forward)
        sums += seen
    return layers, *(sums / COUNT)


@pytest.fixture(scope="module")
def untrained(arrays: state.Arrays) -> Any:
    lane, hyper, spec = start()
    return lane, *one_epoch(spec, arrays, 0, lane, hyper)


@pytest.fixture(scope="module")
def trained(arrays: state.Arrays) -> Any:
    """Lane and report after epochs 1 and 2."""
    lane, hyper, spec = start()
    lane, first = one_epoch(spec, arrays, 1, lane, hyper)
    return (lane, first), one_epoch(spec, arrays, 2, lane, hyper)


@pytest.fixture
def layers_in(layers_of: Any) -> Any:
    return lambda lane: layers_of(nnx.merge(start()[2].graph, lane.weights))


def assert_layers_close(got: Any, expected: Any) -> None:
    for (kernel, bias), (kernel2, bias2) in zip(got, expected, strict=True):
        np.testing.assert_allclose(kernel, kernel2, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(bias, bias2, rtol=1e-4, atol=1e-5)


# --- batches -----------------------------------------------------------------------------------


def test_mnist_at_128_is_469_steps_the_last_of_96():
    order = np.random.default_rng(0).permutation(60000).astype(np.int32)
    chosen, weights = map(np.asarray, state.batches(jnp.asarray(order), 128))
    assert chosen.shape == weights.shape == (469, 128)
    assert weights[:-1].all() and weights[-1].sum() == 96 and weights.sum() == 60000
    np.testing.assert_array_equal(chosen[weights == 1], order)


@settings(max_examples=15)
@given(count=st.integers(1, 40), size=st.integers(1, 50))
def test_batches_hold_every_example_once_in_order(count: int, size: int):
    order = np.arange(count)[::-1]
    chosen, weights = map(np.asarray, jax.jit(state.batches, static_argnums=1)(order, size))
    assert chosen.shape == (int(np.ceil(count / size)), size)
    assert set(np.unique(weights)) <= {0, 1}
    np.testing.assert_array_equal(chosen[weights == 1], order)
    assert (np.diff(weights.ravel()) <= 0).all()  # what fills up comes last


# --- losses and inputs -------------------------------------------------------------------------


def test_classification_loss_is_cross_entropy_in_nats():
    logits = np.random.default_rng(0).normal(0, 5, (50, 7)).astype(np.float32)
    labels = np.random.default_rng(1).integers(7, size=50).astype(np.int32)
    loss, right = state.losses(jnp.asarray(logits), jnp.asarray(labels), False)
    np.testing.assert_allclose(
        loss, entropies(logits.astype(np.float64), labels), rtol=1e-5, atol=1e-6
    )
    np.testing.assert_array_equal(right, logits.argmax(axis=1) == labels)


def test_equal_logits_cost_the_log_of_the_class_count():
    loss, _ = state.losses(jnp.zeros((4, 10)), jnp.arange(4), False)
    np.testing.assert_allclose(loss, np.log(10), rtol=1e-6)


def test_regression_loss_is_the_squared_error_and_nothing_is_right():
    loss, right = state.losses(jnp.array([[1.0], [-2.0], [0.5]]), jnp.array([3.0, -2.0, 0.0]), True)
    assert loss.tolist() == [4.0, 0.0, 0.25]
    assert right.tolist() == [0.0, 0.0, 0.0]


def test_pixels_are_divided_by_255_and_floats_left_alone():
    pixels = np.arange(256, dtype=np.uint8)[None]
    got = state.scaled(jnp.asarray(pixels))
    assert got.dtype == jnp.float32
    np.testing.assert_allclose(got, np.arange(256)[None] / 255, rtol=1e-6)
    assert (float(got[0, 0]), float(got[0, 255])) == (0.0, 1.0)
    floats = np.array([[-3.0, 0.0, 254.5]], np.float32)
    np.testing.assert_array_equal(state.scaled(jnp.asarray(floats)), floats)


# --- an epoch ----------------------------------------------------------------------------------


def test_two_epochs_of_sgd_are_numpys(arrays: Any, trained: Any, layers_in: Any, forward: Any):
    lane, hyper, _ = start()
    layers = layers_in(lane)
    for number, (after, report) in enumerate(trained, start=1):
        order = order_of(hyper, number)
        layers, loss, accuracy = numpy_epoch(layers, arrays, order, forward)
        assert_layers_close(layers_in(after), layers)
        np.testing.assert_allclose(report.train_loss, loss, rtol=1e-5)
        np.testing.assert_allclose(report.train_accuracy, accuracy, rtol=1e-6)


def test_tests_and_probes_see_the_network_after_the_epoch(
    arrays: Any, trained: Any, layers_in: Any, forward: Any
):
    for lane, report in trained:
        logits, _ = forward(layers_in(lane), np.asarray(arrays.inputs[TEST]), relu)
        labels = np.asarray(arrays.targets[TEST])
        np.testing.assert_allclose(report.loss[1], entropies(logits, labels).mean(), rtol=1e-5)
        right = (logits.argmax(axis=1) == labels).mean()
        np.testing.assert_allclose(report.accuracy[1], right, rtol=1e-6)
        probed = np.asarray(arrays.inputs[:20])
        _, z = forward(layers_in(lane), probed, relu)
        np.testing.assert_array_equal(report.units.dead[0], (z <= 0).all(axis=1))
        assert report.finite


def test_epoch_zero_changes_no_weights(untrained: Any):
    before, after, report = untrained
    jax.tree.map(np.testing.assert_array_equal, before.weights, after.weights)
    jax.tree.map(np.testing.assert_array_equal, before.optimizer, after.optimizer)
    assert np.isfinite(report.loss[1]) and report.finite
    assert not np.any([np.asarray(c) for c in report.causes])


def test_an_epoch_in_pieces_is_the_epoch_to_the_bit(arrays: Any, trained: Any):
    lane, hyper, spec = start()
    (whole, seen), _ = trained
    for first, last in ((0, 1), (1, 3), (3, 4)):
        segment = whole_epoch(1, 4)._replace(
            first=jnp.int32(first), last=jnp.int32(last), closes=jnp.bool_(last == 4)
        )
        lane, report = run_segment(spec, arrays, segment, lane, hyper)
    jax.tree.map(np.testing.assert_array_equal, lane, whole)
    assert report.train_loss == seen.train_loss


def test_a_partial_batch_is_as_good_as_a_batch_of_its_own_size(
    arrays: Any, layers_in: Any, forward: Any
):
    lane, hyper, spec = start()
    spec = dataclasses.replace(spec, train_examples=5)
    lane = lane._replace(order=lane.order[:1])
    after, report = one_epoch(spec, arrays, 1, lane, hyper)
    few = np.asarray(arrays.inputs[:5]), np.asarray(arrays.targets[:5])
    expected, loss, _ = numpy_step(layers_in(lane), *few, forward)
    assert_layers_close(layers_in(after), expected)
    np.testing.assert_allclose(report.train_loss, loss / 5, rtol=1e-5)


def test_epochs_and_seeds_have_orders_of_their_own():
    other = start(make_run({"seed": 4}))[1]
    hyper = start()[1]
    orders = [order_of(hyper, 1), order_of(hyper, 2), order_of(other, 1)]
    assert len({order.tobytes() for order in orders}) == 3
    assert all(sorted(order) == list(range(COUNT)) for order in orders)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("layer", [0, 1, 2])
def test_one_bad_weight_makes_the_report_not_finite(
    bad: float, layer: int, arrays: Any, layers_in: Any, with_layers: Any
):
    lane, hyper, spec = start()
    layers = layers_in(lane)
    layers[layer][0][1, 2] = bad
    lane = lane._replace(weights=with_layers((spec.graph, lane.weights), layers))
    _, report = one_epoch(spec, arrays, 0, lane, hyper)
    assert not report.finite


@pytest.mark.parametrize("value", [0.0, -3.5, np.inf, -np.inf, np.nan])
def test_a_number_known_after_the_gradient_is_the_number(value: float):
    gradient = {"kernel": jnp.full((2, 3), value), "none": jnp.zeros((0, 3)), "bias": jnp.ones(3)}
    number = jnp.float32(5e-3)
    after = jax.jit(train_step._known_after)(gradient, number)
    assert np.asarray(after).tobytes() == np.asarray(number).tobytes()


def test_a_lane_that_rests_keeps_its_weights_and_says_it_is_not_finite(arrays: Any, untrained: Any):
    lane, _, real = untrained
    _, hyper, spec = start()
    run = partial(train_step.run_segment, spec)
    resting, report = train_step.idle(run, arrays, whole_epoch(1, 4), lane, hyper)
    jax.tree.map(np.testing.assert_array_equal, lane, resting)
    assert not report.finite
    shapes = [jax.tree.map(lambda x: (x.shape, x.dtype), r) for r in (report, real)]
    assert shapes[0] == shapes[1]


# --- a lane's start ----------------------------------------------------------------------------


def test_a_lane_starts_from_its_seed_alone(layers_in: Any):
    def kernels(**settings: Any) -> bytes:
        config = make_run({"depth": 2, "width": 8, "seed": 3, **settings})
        return b"".join(kernel.tobytes() for kernel, _ in layers_in(start(config)[0]))

    same = [{}, {"learning_rate": 0.5}, {"activation": "tanh"}, {"optimizer": "adam"}]
    assert len({kernels(**settings) for settings in same}) == 1
    assert kernels(seed=4) != kernels()


@pytest.mark.parametrize("name", choices.ACTIVATIONS)
def test_hyperparameters_hold_what_tells_lanes_apart(name: str):
    config = make_run({"activation": name, "learning_rate": 0.125})
    _, hyper, spec = start_of(config, FEATURES, CLASSES, COUNT)
    assert float(hyper.learning_rate) == 0.125 and hyper.live
    assert int(hyper.activation) == activations.INDEX[name] == spec.f(hyper)[0]
    several = spec.with_activations(0, activations.INDEX[name], 16)
    traced = activations.Among(hyper.activation, (0, activations.INDEX[name], 16))
    assert several.f(hyper) == (traced, hyper.parameter)


def test_one_output_means_regression():
    assert start_of(CONFIG, 1, 1, COUNT)[2].regression
    assert not start_of(CONFIG, 1, 2, COUNT)[2].regression


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "rmsprop"])
def test_an_epoch_survives_strict_dtype_promotion(optimizer: str, arrays: Any):
    config = make_run({"depth": 2, "width": 8, "optimizer": optimizer})
    with jax.numpy_dtype_promotion("strict"):
        lane, hyper, spec = start_of(config, FEATURES, CLASSES, COUNT)
        segment = whole_epoch(1, 4)
        after, _ = jax.eval_shape(
            partial(train_step.run_segment, spec), arrays, segment, lane, hyper
        )
    assert jax.tree.map(jnp.shape, after) == jax.tree.map(jnp.shape, lane)
