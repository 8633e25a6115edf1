"""Exactly the units that are called dead get no gradient, by autodiff."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from reluprobe.config import make_run
from reluprobe.engine import state
from reluprobe.measures import tallies
from training_segments import start_of

DEPTH, WIDTH, FEATURES, OUTPUTS = 2, 6, 4, 3


def gradients(
    name: str, shifts: np.ndarray, layers_of: Any, with_layers: Any, still: int | None = None
):
    """A network of random weights whose hidden biases are ``shifts``, ``(layer, unit)``.

    The weights of unit ``still`` of layer 1 are 0.
    Returns the largest absolute gradient of the mean loss over the probe with respect to each
    unit's incoming weights and bias, and what ``probe`` calls dead; both ``(layer, unit)``.
    """
    rng = np.random.default_rng(0)
    config = make_run({"activation": name, "depth": DEPTH, "width": WIDTH, "optimizer": "sgd"})
    lane, hyper, spec = start_of(config, FEATURES, OUTPUTS, 50)
    kernels = [kernel for kernel, _ in layers_of(nnx.merge(spec.graph, lane.weights))]
    biases = [*shifts, np.zeros(OUTPUTS)]
    layers = [
        (0.4 * rng.standard_normal(kernel.shape), bias)
        for kernel, bias in zip(kernels, biases, strict=True)
    ]
    if still is not None:
        layers[0][0][:, still] = 0
    inputs = jnp.asarray(3 * rng.standard_normal((60, FEATURES)), jnp.float32)
    targets = jnp.asarray(rng.integers(OUTPUTS, size=60), jnp.int32)

    @jax.jit
    def both(weights):
        def loss(weights):
            outputs, z = spec.run(inputs, weights, hyper)
            return state.losses(outputs, targets, False)[0].mean(), z

        gradient, z = jax.grad(loss, has_aux=True)(weights)
        return gradient, tallies.probe(z, hyper.activation, hyper.parameter).dead

    gradient, dead = both(with_layers((spec.graph, lane.weights), layers))
    incoming = layers_of(nnx.merge(spec.graph, gradient))[:-1]
    largest = [np.abs(np.vstack([kernel, bias])).max(axis=0) for kernel, bias in incoming]
    return np.stack(largest), np.asarray(dead)


@pytest.mark.parametrize(
    ("name", "below_is_dead", "above_is_dead"),
    [
        ("relu", True, False),
        ("elu", True, False),
        ("sigmoid", True, True),
        ("tanh", True, True),
        ("relu6", True, True),
        ("leaky_relu", False, False),
        ("identity", False, False),
        ("prelu", False, False),
        ("rrelu", False, False),
        ("crelu", False, False),
        ("celu", True, False),
        ("mish", True, False),
        ("hard_tanh", True, True),
    ],
)
def test_exactly_the_dead_units_get_no_gradient(
    name: str, below_is_dead: bool, above_is_dead: bool, layers_of: Any, with_layers: Any
):
    shifts = np.zeros((DEPTH, WIDTH))
    shifts[0, 1], shifts[0, 4], shifts[1, 0], shifts[1, 5] = -1000, 1000, -1000, 1000
    # A unit that is large for good would decide all of layer 2; there only the biases shall.
    shifts[0, 4] = 1000 if name in ("sigmoid", "tanh", "hard_tanh") else 0
    if not below_is_dead:
        shifts[0, 1] = -5
    largest, dead = gradients(name, shifts, layers_of, with_layers)
    expected = (shifts == -1000) & below_is_dead | (shifts == 1000) & above_is_dead
    np.testing.assert_array_equal(dead, expected)
    np.testing.assert_array_equal(largest == 0, expected)


def test_a_crelu_unit_gets_no_gradient_where_it_is_always_zero(layers_of: Any, with_layers: Any):
    largest, dead = gradients("crelu", np.zeros((DEPTH, WIDTH)), layers_of, with_layers, still=3)
    expected = np.zeros((DEPTH, WIDTH), bool)
    expected[0, 3] = True
    np.testing.assert_array_equal(dead, expected)
    np.testing.assert_array_equal(largest == 0, expected)


def test_a_dead_layer_cuts_off_units_before_it_that_are_not_dead_themselves(
    layers_of: Any, with_layers: Any
):
    shifts = np.zeros((DEPTH, WIDTH))
    shifts[1] = -1000
    largest, dead = gradients("relu", shifts, layers_of, with_layers)
    assert dead.tolist() == [[False] * WIDTH, [True] * WIDTH]
    assert not largest.any()
