"""How often units die by chance, and whether they come back: closed forms, and where they end."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from scipy import special

from reluprobe.config import choices, make_run
from reluprobe.engine import evaluate, state, train_step
from reluprobe.measures import tallies
from reluprobe.nn import activations, initializers
from training_segments import start_of

RELU = activations.INDEX["relu"]
silent_of = jax.jit(lambda z: tallies.probe(z, RELU, 0.0).silent)
add = jax.jit(tallies.add)


def close(dead: np.ndarray, expected: float) -> bool:
    """Whether the share of independent yeses is within four standard errors of its chance."""
    error = np.sqrt(expected * (1 - expected) / dead.size)
    return bool(abs(dead.mean() - expected) <= 4 * error)


# --- calibration -------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 4, 30])
def test_a_biased_unit_is_silent_with_the_nth_power_of_phi(n: int):
    # Orthonormal weights make a layer's units independent of each other, and each of 120 layers
    # has inputs of its own: 7,680 independent units.
    rng = np.random.default_rng(n)
    weights = np.linalg.qr(rng.standard_normal((64, 64)))[0]
    z = rng.standard_normal((120, n, 64)) @ weights
    for c in (0.0, 0.5, 1.0, 2.0):
        silent = np.asarray(silent_of(np.float32(z - c)))
        assert silent.size == 7680
        assert close(silent, special.ndtr(c) ** n), (c, n)


@pytest.mark.parametrize("init", choices.INITS)
def test_without_bias_each_orthogonal_input_halves_the_silent(init: str):
    config = make_run({"init": init, "init_scale": 1.0} if init in ("normal", "uniform") else {})
    weights = initializers.initializer(config)(jax.random.key(0), (6, 4000))
    for n in (1, 3, 6):
        z = jnp.eye(6)[:n] @ weights
        assert close(np.asarray(silent_of(z[None])), 2.0**-n), n


# --- a probe in pieces -------------------------------------------------------------------------

LAYERS, EXAMPLES, UNITS, PIECE = 2, 23, 8, 10


def mixed(seed: int) -> np.ndarray:
    """Units that live, rest, hang at an extreme or are all but silent, ``(layer, example, unit)``.

    The last example is the largest, so that counting it twice would show.
    """
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((LAYERS, EXAMPLES, UNITS))
    z[..., 1] -= 9
    z[..., 2] = 200 + z[..., 2]
    z[..., 3] = -200 + z[..., 3]
    z[..., 4] = 0
    z[..., 5] = np.where(np.arange(EXAMPLES) == EXAMPLES - 1, 1.0, -30.0)
    z[..., 6] *= 1e-3
    z[:, -1, 7] = 40
    return z.astype(np.float32)


def streamed(z: np.ndarray, name: str) -> tallies.Tally:
    """The probe in pieces of one shape, the last filled up with its last example."""
    index, p = (
        jnp.int32(activations.INDEX[name]),
        activations.activation_parameter(make_run({"activation": name})),
    )
    tally = tallies.empty([UNITS] * LAYERS)
    for first in range(0, EXAMPLES, PIECE):
        at = first + np.arange(PIECE)
        counts = (at < EXAMPLES).astype(np.float32)
        piece = z[:, np.minimum(at, EXAMPLES - 1)]
        tally = add(tally, piece, counts, index, jnp.float32(p))
    return tally


@pytest.mark.parametrize("name", choices.ACTIVATIONS)
def test_a_probe_in_pieces_is_the_probe_at_once(name: str, value: Any):
    z = mixed(1)
    tally = streamed(z, name)
    p = activations.activation_parameter(make_run({"activation": name}))
    whole = add(
        tallies.empty([UNITS] * LAYERS),
        z,
        np.ones(EXAMPLES, np.float32),
        jnp.int32(activations.INDEX[name]),
        jnp.float32(p),
    )
    assert float(tally.examples) == float(whole.examples) == EXAMPLES
    np.testing.assert_allclose(tally.total, whole.total, rtol=1e-5)
    size = np.abs(value(name, z, p)).mean(axis=1)
    np.testing.assert_allclose(tally.total / EXAMPLES, size, rtol=1e-4, atol=1e-5)
    one, other = tallies.answer(tally), tallies.answer(whole)
    for definition in choices.DEFINITIONS:
        got, expected = getattr(one, definition), getattr(other, definition)
        np.testing.assert_array_equal(got, expected, definition)


@pytest.mark.parametrize("span", [(0, 2500), (0, 1), (0, 1000), (2500, 2900), (0, 0)])
def test_a_sample_of_several_batches_is_numpys(
    span: tuple[int, int], sampled: Any, value: Any, layers_of: Any, forward: Any
):
    look_at, lane, spec, inputs, labels = sampled
    loss, right, finite, tally, _ = look_at(*map(jnp.int32, span), *[jnp.bool_(True)] * 2)
    assert finite and float(tally.examples) == span[1] - span[0]
    layers = layers_of(nnx.merge(spec.graph, lane.weights))
    mine = slice(*span)
    logits, z = forward(layers, inputs[mine], lambda z: np.maximum(z, 0))
    entropy = special.logsumexp(logits, axis=1) - logits[np.arange(len(logits)), labels[mine]]
    np.testing.assert_allclose(loss, entropy.sum(), rtol=1e-4, atol=1e-6)
    assert abs(float(right) - (logits.argmax(axis=1) == labels[mine]).sum()) <= 1
    if span[0] == span[1]:
        return
    sure = np.abs(z.max(axis=1)) > 1e-4
    np.testing.assert_array_equal(np.asarray(tally.dead)[sure], (z <= 0).all(axis=1)[sure])
    total = np.maximum(z, 0).sum(axis=1)
    np.testing.assert_allclose(tally.total, total, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(tally.highest, np.maximum(z, 0).max(axis=1), rtol=1e-4, atol=1e-4)


@pytest.fixture(scope="module")
def sampled() -> Any:
    """One network, 2,500 examples to train on and 400 beyond: three batches and one."""
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((2900, 3), np.float32)
    labels = rng.integers(4, size=2900, dtype=np.int32)
    config = make_run(dict(depth=2, width=16, bias_init=-3.0, init="he_normal"))
    lane, hyper, spec = start_of(config, 3, 4, 2500)
    arrays = jax.tree.map(jnp.asarray, state.arrays(inputs, labels, 2500))
    look_at = jax.jit(
        lambda *span: evaluate.sum_over_split(spec, arrays, lane.weights, hyper, *span)
    )
    return look_at, lane, spec, inputs, labels


# --- dormancy ----------------------------------------------------------------------------------


def test_dormancy_scores_average_one_and_decide():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        z = rng.standard_normal((LAYERS, EXAMPLES, UNITS)) * 10.0 ** rng.uniform(-4, 0, UNITS)
        tally = streamed(z.astype(np.float32), "relu")
        size = np.asarray(tally.total, np.float64) / EXAMPLES
        scores = size / size.mean(axis=1, keepdims=True)
        np.testing.assert_allclose(scores.mean(axis=1), 1)
        dormant = np.asarray(tallies.answer(tally).dormant)
        np.testing.assert_array_equal(dormant, scores <= 0.025)
        assert not dormant.all(axis=1).any()  # somebody is at the mean or above
        scaled = streamed((z * 2.0**-20).astype(np.float32), "relu")
        np.testing.assert_array_equal(tallies.answer(scaled).dormant, dormant)


def test_an_all_dead_layer_is_all_dormant_beside_one_that_lives():
    z = mixed(2)
    z[0], z[1] = -1 - np.abs(z[0]), 1 + np.abs(z[1]) % 1
    tally = streamed(z, "relu")
    answers = tallies.answer(tally)
    assert np.asarray(answers.dormant).tolist() == [[True] * UNITS, [False] * UNITS]
    assert not np.isnan(np.asarray(tally.total)).any()
    assert np.asarray(answers.dead)[0].all() and np.asarray(answers.constant)[0].all()


# --- absorption --------------------------------------------------------------------------------

#: A small set with both signs: everything can be looked at after each single step.
COUNT, FEATURES, CLASSES, WIDTH, STEPS = 52, 4, 3, 8, 4
one_step = jax.jit(train_step._train, static_argnums=0)
look = jax.jit(lambda spec, x, w, n: spec.run(x, w, n)[1], static_argnums=0)


def watched(optimizer: str, rate: float, seed: int, layers_of: Any, with_layers: Any) -> Any:
    """Forty steps: who is dead on the whole training set after each, and the hidden layers.

    Returns ``(step, layer, unit)`` and, for each step, kernels and biases.
    """
    rng = np.random.default_rng(0)
    inputs = np.float32(rng.standard_normal((COUNT, FEATURES)))
    labels = np.int32(rng.integers(CLASSES, size=COUNT))
    arrays = jax.tree.map(jnp.asarray, state.arrays(inputs, labels, COUNT))
    config = make_run(
        dict(depth=2, width=WIDTH, optimizer=optimizer, learning_rate=rate, seed=seed)
        | dict(batch_size=16, init="he_normal")
    )
    lane, hyper, spec = start_of(config, FEATURES, CLASSES, COUNT)
    layers = layers_of(nnx.merge(spec.graph, lane.weights))
    # From alive over endangered to dead for good.
    layers[0] = layers[0][0], np.linspace(0, -4, WIDTH)
    lane = lane._replace(weights=with_layers((spec.graph, lane.weights), layers))
    masks, weights = [], []
    for epoch in range(10):
        for i in range(STEPS):
            flags = jnp.bool_(i == STEPS - 1), jnp.bool_(False)
            place = (jnp.int32(n) for n in (epoch + 1, i, i + 1))
            segment = state.Segment(*place, *flags, jnp.int32(COUNT), jnp.int32(0))
            lane = one_step(spec, arrays, segment, lane, hyper)
            z = look(spec, inputs, lane.weights, hyper)
            masks.append(np.asarray(tallies.probe(z, RELU, 0.0).dead))
            weights.append(layers_of(nnx.merge(spec.graph, lane.weights))[:-1])
    return np.stack(masks), weights


def revivals(masks: np.ndarray) -> np.ndarray:
    """How often a unit dead on all the data came back, ``(layer,)``."""
    return (masks[:-1] & ~masks[1:]).sum(axis=(0, 2))


@pytest.fixture(scope="module")
def plain(layers_of: Any, with_layers: Any) -> list[Any]:
    cases = [(0.2, 2), (1.0, 0), (3.0, 1), (5.0, 2)]
    return [watched("sgd", rate, seed, layers_of, with_layers) for rate, seed in cases]


def test_plain_sgd_never_revives_a_first_layer_unit_that_is_dead_on_all_data(plain: Any):
    for masks, weights in plain:
        assert 0 < masks[0, 0].sum() < WIDTH
        assert revivals(masks)[0] == 0
        for t, dead in enumerate(masks[:-1, 0]):
            for kernel, later in zip(weights[t][0], weights[t + 1][0], strict=True):
                np.testing.assert_array_equal(kernel[..., dead], later[..., dead])
    # Not only the units that were dead from the start.
    assert any((masks[-1, 0] & ~masks[0, 0]).any() for masks, _ in plain)


def test_dead_units_of_plain_sgd_keep_their_weights_in_layer_two_too_but_may_revive(plain: Any):
    for masks, weights in plain:
        for t in range(len(masks) - 1):
            # Dead at every batch's turn: only layer 1 can bring it back, and within one step.
            dead = masks[t, 1]
            for kernel, later in zip(weights[t][1], weights[t + 1][1], strict=True):
                np.testing.assert_array_equal(kernel[..., dead], later[..., dead])
    assert sum(revivals(masks)[1] for masks, _ in plain) > 0


@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_momentum_moves_the_dead_and_can_revive_them(
    optimizer: str, layers_of: Any, with_layers: Any
):
    revived, moved = 0, False
    for seed in range(4):
        rate = {"momentum": 2.0, "adam": 0.3}[optimizer]
        masks, weights = watched(optimizer, rate, seed, layers_of, with_layers)
        revived += revivals(masks)[0]
        for t, dead in enumerate(masks[:-1, 0]):
            moved |= bool((weights[t][0][1][dead] != weights[t + 1][0][1][dead]).any())
    assert revived > 0 and moved
