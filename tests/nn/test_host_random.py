"""Keys and draws in NumPy are JAX's own, to the bit."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from reluprobe.engine import state
from reluprobe.nn import host_random, initializers

SEEDS = (0, 42, 2**31 - 1)


def words(key: jax.Array) -> np.ndarray:
    return np.asarray(jax.random.key_data(key))


@pytest.mark.parametrize("seed", SEEDS)
def test_keys_are_those_of_jax(seed: int):
    key, own = jax.random.key(seed), np.array([0, seed], np.uint32)
    np.testing.assert_array_equal(own, words(key))
    pairs = [host_random.fold_in(own, number) for number in (0, 1)]
    np.testing.assert_array_equal(pairs, words(jax.random.split(key)))
    number = 2**32 - 1
    folded = jax.random.fold_in(key, np.uint32(number))
    np.testing.assert_array_equal(host_random.fold_in(own, number), words(folded))
    theirs, ours = nnx.Rngs(key), host_random.Keys(own)
    for _ in range(3):
        np.testing.assert_array_equal(words(ours.params()), words(theirs.params()))


@pytest.mark.parametrize("shape", [(), (1,), (7, 3), (3, 3, 2, 5), (300, 70)])
def test_uniform_draws_are_those_of_jax(shape: tuple[int, ...]):
    for seed in SEEDS:
        theirs = jax.random.uniform(jax.random.key(seed), shape, jnp.float32, -1)
        ours = host_random.uniform(np.array([0, seed], np.uint32), shape)
        np.testing.assert_array_equal(ours, theirs, strict=True)


def test_blocks_join_without_a_seam(monkeypatch: pytest.MonkeyPatch):
    key = np.array([1, 2], np.uint32)
    whole = host_random.uniform(key, (100,))
    monkeypatch.setattr(host_random, "BLOCK", 7)
    np.testing.assert_array_equal(host_random.uniform(key, (100,)), whole)


@pytest.mark.parametrize("init", initializers.UNIFORM)
@pytest.mark.parametrize("shape", [(784, 33), (5, 1), (3, 3, 2, 6)])
def test_uniform_initializers_are_those_of_the_library(init: str, shape: tuple[int, ...]):
    library = getattr(jax.nn.initializers, init)()
    key, draw = jax.random.key(3), initializers.drawn(init)
    assert draw is not None
    np.testing.assert_array_equal(
        draw(key, shape, jnp.float32), library(key, shape, jnp.float32), strict=True
    )
    traced = jax.eval_shape(lambda key: draw(key, shape, jnp.float32), key)
    assert (traced.shape, traced.dtype) == (shape, jnp.float32)


def test_pixels_are_scaled_on_the_host_as_in_a_program():
    pixels = np.arange(256, dtype=np.uint8)
    scaled = jax.jit(state.scaled)(pixels)
    np.testing.assert_array_equal(state._scaled_on_host(pixels), scaled, strict=True)
    floats = np.linspace(-3, 3, 7, dtype=np.float32)
    np.testing.assert_array_equal(state._scaled_on_host(floats), floats, strict=True)
