"""Moments of activations: what an init promises, and NumPy's histogram."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from reluprobe.config import make_run
from reluprobe.measures import activation_stats
from reluprobe.nn import activations, mlp

RELU = activations.INDEX["relu"]
moments_of = jax.jit(lambda z, counts: activation_stats.describe(z, counts, RELU, 0.0))
any_moments = jax.jit(activation_stats.describe)


def everyone(examples: int) -> jax.Array:
    return jnp.ones(examples)


# --- what an init promises ---------------------------------------------------------------------

FEATURES, WIDTH, DEPTH, EXAMPLES, SEEDS = 512, 512, 3, 100, 10


@pytest.fixture(scope="module")
def fresh() -> Any:
    """Pre-activations of fresh wide networks on Gaussian inputs, ``(seed, layer, example, unit)``.

    Every seed has weights and inputs of its own.
    """

    def draw(init: str) -> np.ndarray:
        config = make_run({"init": init, "depth": DEPTH, "width": WIDTH})

        @jax.jit
        def one(key: jax.Array) -> jax.Array:
            weights, data = jax.random.split(key)
            network = mlp.make(config, FEATURES, 10, nnx.Rngs(weights))
            return network(jax.random.normal(data, (EXAMPLES, FEATURES)), RELU, 0.0)[1]

        return np.stack([np.asarray(one(jax.random.key(seed))) for seed in range(SEEDS)])

    return draw


@pytest.mark.parametrize(
    ("init", "ratio"),
    [("he_normal", 1.0), ("he_uniform", 1.0), ("lecun_normal", 0.5), ("lecun_uniform", 0.5)],
)
def test_second_moments_and_zeros_are_what_the_init_promises(init: str, ratio: float, fresh: Any):
    z = fresh(init)
    stats = [moments_of(one, everyone(EXAMPLES)) for one in z]
    second = np.stack([np.asarray(m.second) for m in stats])
    np.testing.assert_allclose(second, (np.float64(z) ** 2).mean(axis=(2, 3)), rtol=1e-4)
    # Inputs of N(0, 1): the first layer has n · var(w), which is twice the ratio.
    within(second[:, 0], 2 * ratio)
    for layer in range(1, DEPTH):
        within(second[:, layer] / second[:, layer - 1], ratio)
    # A unit's sign is a fair coin whatever it is given: its weights are as likely the other way.
    zeros = np.stack([np.asarray(m.zeros) for m in stats])
    np.testing.assert_allclose(zeros, (z <= 0).mean(axis=(2, 3)), rtol=1e-4)
    of_units = (z <= 0).mean(axis=2).swapaxes(0, 1).reshape(DEPTH, -1)
    errors = of_units.std(axis=1) / np.sqrt(of_units.shape[1])
    assert (np.abs(zeros.mean(axis=0) - 0.5) <= 4 * errors).all()


def within(draws: np.ndarray, expected: float) -> None:
    """The mean of a few draws is the expected one within five of their standard errors."""
    error = draws.std(ddof=1) / np.sqrt(len(draws))
    assert error < 0.03 * expected
    assert abs(draws.mean() - expected) <= 5 * error


# --- against NumPy -----------------------------------------------------------------------------


def layers_of_units(seed: int, examples: int = 50, units: int = 16) -> np.ndarray:
    rng = np.random.default_rng(seed)
    scales = np.array([1.0, 1e-3, 30.0])[:, None, None]
    return (scales * rng.standard_normal((3, examples, units)) + 0.2).astype(np.float32)


@pytest.mark.parametrize("name", ["relu", "tanh", "leaky_relu", "softplus", "relu6"])
def test_moments_are_numpys(name: str, value: Any):
    z = layers_of_units(0)
    stats = any_moments(z, everyone(50), jnp.int32(activations.INDEX[name]), jnp.float32(0.01))
    a = value(name, z, 0.01)
    np.testing.assert_allclose(stats.mean, a.mean(axis=(1, 2)), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(stats.variance, a.var(axis=(1, 2)), rtol=1e-3, atol=1e-9)
    np.testing.assert_allclose(stats.second, (np.float64(z) ** 2).mean(axis=(1, 2)), rtol=1e-4)
    np.testing.assert_allclose(stats.low, a.min(axis=(1, 2)), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(stats.high, a.max(axis=(1, 2)), rtol=1e-5)
    zero = np.abs(a) < np.finfo(np.float32).tiny  # XLA takes subnormals for 0
    np.testing.assert_allclose(stats.zeros, zero.mean(axis=(1, 2)), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("seed", range(4))
def test_the_histogram_is_numpys(seed: int):
    z = layers_of_units(seed)
    stats = moments_of(z, everyone(50))
    counts = np.asarray(stats.counts)
    assert counts.shape == (3, activation_stats.BINS)
    assert (counts.sum(axis=1) == 50 * 16).all()
    for layer, a in enumerate(np.maximum(z, 0)):
        assert (stats.low[layer], stats.high[layer]) == (a.min(), a.max())
        edges = np.linspace(np.float64(a.min()), np.float64(a.max()), activation_stats.BINS + 1)
        expected = np.histogram(a, edges)[0]
        # A value may lie on an edge, and fall to either side of it.
        assert np.abs(counts[layer] - expected).sum() <= 4


def test_what_fills_up_a_batch_counts_for_nothing():
    z = layers_of_units(5)
    real = 37
    filled = np.where(np.arange(50)[:, None] < real, z, z[:, real - 1 : real])
    counts = (np.arange(50) < real).astype(np.float32)
    padded, alone = moments_of(filled, counts), moments_of(z[:, :real], everyone(real))
    for name in ("low", "high", "counts"):
        np.testing.assert_array_equal(getattr(padded, name), getattr(alone, name), name)
    for name in ("mean", "variance", "zeros", "second"):
        one, other = getattr(padded, name), getattr(alone, name)
        np.testing.assert_allclose(one, other, rtol=1e-5, err_msg=name)


@pytest.mark.parametrize(("z", "a"), [(-1.0, 0.0), (0.0, 0.0), (2.5, 2.5)])
def test_a_constant_layer_has_moments_like_any_other(z: float, a: float):
    stats = moments_of(np.full((2, 30, 4), z, np.float32), everyone(30))
    for number in stats:
        assert np.isfinite(number).all()
    np.testing.assert_allclose(stats.mean, a, rtol=1e-6)
    np.testing.assert_allclose(stats.variance, 0, atol=1e-10)
    np.testing.assert_allclose(stats.zeros, float(a == 0), rtol=1e-5)
    np.testing.assert_allclose(stats.second, z**2, rtol=1e-5)
    assert (stats.low == a).all() and (stats.high == a).all()
    assert np.asarray(stats.counts).sum(axis=1).tolist() == [120, 120]
    assert (np.asarray(stats.counts).max(axis=1) == 120).all()


def test_where_none_are_taken_nothing_is_counted():
    nothing, some = activation_stats.empty(3), moments_of(layers_of_units(0), everyone(50))
    assert [x.shape for x in nothing] == [x.shape for x in some]
    assert not any(np.any(x) for x in nothing)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_an_output_that_is_not_finite_is_in_no_bin(bad: float):
    z = np.full((1, 4, 3), 1.0, np.float32)
    z[0, 1, 1] = bad
    stats = activation_stats.describe(z, everyone(4), activations.INDEX["identity"], 0.0)
    assert int(np.asarray(stats.counts).sum()) == 11
