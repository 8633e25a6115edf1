"""A certificate is a proof: no input of the box may ever contradict it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from reluprobe.config import choices, make_run
from reluprobe.measures import certify
from reluprobe.nn import activations, mlp

FEATURES, WIDTH, DEPTH = 6, 12, 3
GRAPH, START = nnx.split(
    mlp.make(make_run({"depth": DEPTH, "width": WIDTH}), FEATURES, 2, nnx.Rngs(0))
)
EPS = np.finfo(np.float32).eps
Layers = Sequence[Any]


@jax.jit
def prove(state: Any, low: Any, high: Any, index: Any) -> Any:
    return certify.certified(nnx.merge(GRAPH, state), low, high, index)


@jax.jit
def z_of(state: Any, inputs: Any, index: Any) -> Any:
    return nnx.merge(GRAPH, state)(inputs, index, jnp.float32(0.01))[1]


def random_layers(seed: int, scale: float = 1.0) -> Layers:
    """Weights of N(0, 1), biases spread from harmless to deadly for each layer's box."""
    rng = np.random.default_rng(seed)
    sizes, deadliest = [FEATURES, *[WIDTH] * DEPTH, 2], (-8, -30, -100, 0)
    return [
        (
            (scale * rng.standard_normal((a, b))).astype(np.float32),
            (scale * np.linspace(0.5, worst, b)).astype(np.float32),
        )
        for (a, b), worst in zip(itertools.pairwise(sizes), deadliest, strict=True)
    ]


def box(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A box some of whose features are of one sign, and one of which does not vary."""
    rng = np.random.default_rng(100 + seed)
    low = rng.uniform(-1.5, 0.5, FEATURES).astype(np.float32)
    width = rng.uniform(0, 1.5, FEATURES).astype(np.float32)
    width[0] = 0
    return low, low + width


def points(low: np.ndarray, high: np.ndarray, layers: Layers) -> np.ndarray:
    """Every corner of the box (the worst for each unit of layer 1 among them), and its inside."""
    corners = np.array(list(itertools.product(*zip(low, high, strict=True))), np.float32)
    inside = np.random.default_rng(0).uniform(low, high, (4000, FEATURES)).astype(np.float32)
    worst = np.where(layers[0][0].T > 0, high, low)
    return np.concatenate([corners, worst, np.clip(inside, low, high)])


@pytest.mark.parametrize("seed", range(5))
def test_a_certified_relu_is_silent_everywhere_in_the_box(seed: int, with_layers: Any):
    layers, (low, high) = random_layers(seed), box(seed)
    state = with_layers((GRAPH, START), layers)
    index = jnp.int32(activations.INDEX["relu"])
    sure = np.asarray(prove(state, low, high, index))
    z = np.asarray(z_of(state, points(low, high, layers), index))
    assert sure.any(axis=1).all() and not sure.all(axis=1).any()  # in every layer some, not all
    assert (z.max(axis=1)[sure] <= 0).all()


@pytest.mark.parametrize("seed", range(4))
def test_a_certified_relu6_is_flat_everywhere_in_the_box(seed: int, with_layers: Any):
    layers, (low, high) = list(random_layers(seed)), box(seed)
    stuck = np.arange(WIDTH) % 3 == 0
    for i, bias in enumerate((60, 100, 300)):
        layers[i] = layers[i][0], np.where(stuck, bias, layers[i][1]).astype(np.float32)
    state = with_layers((GRAPH, START), layers)
    index = jnp.int32(activations.INDEX["relu6"])
    sure = np.asarray(prove(state, low, high, index))
    z = np.asarray(z_of(state, points(low, high, layers), index))
    flat = (z <= 0).all(axis=1) | (z >= 6).all(axis=1)
    assert sure[:, stuck].all() and sure[0, ~stuck].any() and not sure[0].all()
    assert flat[sure].all()
    # To a ReLU the first layer's stuck units are not dead but always on.
    assert not np.asarray(prove(state, low, high, jnp.int32(activations.INDEX["relu"])))[
        0, stuck
    ].any()


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize("seed", range(4))
def test_layer_one_is_certified_exactly_up_to_rounding(seed: int, scale: float, with_layers: Any):
    low, high = box(seed)
    layers = list(random_layers(seed, scale))
    kernel = np.float64(layers[0][0])
    terms = np.maximum(kernel * np.float64(low)[:, None], kernel * np.float64(high)[:, None])
    largest = terms.sum(axis=0)
    far = np.maximum(np.abs(low), np.abs(high))
    # The exact bound of unit j shall be 0, or a part of its own size away from it.
    apart = np.array([0, 1e-7, -1e-7, 1e-5, -1e-5, 1e-3, -1e-3, 0.1, -0.1, 1, -1, 0.5])
    size = (np.abs(kernel) * np.float64(far)[:, None]).sum(axis=0)
    layers[0] = layers[0][0], np.float32(-largest + apart * size)
    exact = largest + np.float64(layers[0][1])
    slack = 2 * (FEATURES + 2) * EPS * (size + np.abs(np.float64(layers[0][1])))
    state = with_layers((GRAPH, START), layers)
    sure = np.asarray(prove(state, low, high, jnp.int32(activations.INDEX["relu"])))[0]
    below, above = exact < -slack, exact > 0
    assert below.sum() >= 4 and above.sum() >= 5
    assert sure[below].all()
    assert not sure[above].any()


@pytest.mark.parametrize("seed", range(4))
def test_a_certified_hard_tanh_is_flat_everywhere_in_the_box(seed: int, with_layers: Any):
    layers, (low, high) = list(random_layers(seed)), box(seed)
    for _, bias in layers[:-1]:
        bias[0], bias[1] = 100, 0  # the first unit is stuck above, the second alive
    for kernel, _ in layers[1:-1]:
        kernel[:, 1] = np.eye(WIDTH)[1]
    layers[0][1][1] = -layers[0][0][:, 1] @ (low + high) / 2
    state, index = with_layers((GRAPH, START), layers), jnp.int32(activations.INDEX["hard_tanh"])
    sure = np.asarray(prove(state, low, high, index))
    z = z_of(state, points(low, high, layers), index)
    slope = np.asarray(activations.derivative(activations.INDEX["hard_tanh"], z, 0.0))
    assert sure[:, [0, -1]].all() and not sure[:, 1].any()
    assert (slope.transpose(0, 2, 1)[sure] == 0).all()


@pytest.mark.parametrize("name", choices.ACTIVATIONS)
def test_only_what_is_flat_somewhere_is_ever_certified(name: str, with_layers: Any):
    layers, (low, high) = random_layers(0), box(0)
    state = with_layers((GRAPH, START), layers)
    sure = np.asarray(prove(state, low, high, jnp.int32(activations.INDEX[name])))
    assert sure.any() == (name in ("relu", "relu6", "hard_tanh"))
    assert activations.ACTIVATIONS[name].dies_for_certain == (
        name in ("relu", "relu6", "hard_tanh")
    )


@pytest.mark.parametrize("name", choices.ACTIVATIONS)
def test_a_flat_stretch_is_flat_and_ends_where_it_is_said_to(name: str):
    activation = activations.ACTIVATIONS[name]
    z = jnp.linspace(-30, 30, 241)
    p = activations.activation_parameter(make_run({"activation": name}))
    slope = np.asarray(activations.derivative(activations.INDEX[name], z, p))
    outside = (z <= activation.flat_below) | (z >= activation.flat_above)
    assert (slope[outside] == 0).all()
    # CReLU's slope is 0 at 0 alone, which is no stretch.
    near = (np.abs(z) < 6) & ~np.asarray(outside) & ~((z == 0) & (name == "crelu"))
    assert (slope[near] != 0).all()


def test_a_wider_box_certifies_no_more(with_layers: Any):
    layers, (low, high) = random_layers(1), box(1)
    state, index = with_layers((GRAPH, START), layers), jnp.int32(activations.INDEX["relu"])
    before = np.asarray(prove(state, low, high, index))
    for grown in (0.1, 1.0, 10.0):
        after = np.asarray(prove(state, low - np.float32(grown), high, index))
        assert (before | ~after).all()
        before = after
