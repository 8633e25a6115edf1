"""The pull of all parameters to what they were before the first step (L2 Init), by NumPy."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from optimizer_chains import (
    GRADIENTS,
    RATE,
    WEIGHTS,
    assert_close,
    assert_same,
    chain_of,
    flat,
    moves,
    tree_of,
)
from reluprobe.nn import optimizers

PULL = 0.3


def sgd(t: int, g: np.ndarray, m: np.ndarray, v: np.ndarray) -> Any:
    return -RATE * g, m, v


def adam(t: int, g: np.ndarray, m: np.ndarray, v: np.ndarray) -> Any:
    """Kingma & Ba 2015, algorithm 1."""
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    return -RATE * m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-7), m, v


@pytest.mark.parametrize("rule", [sgd, adam])
def test_moves_are_numpys(rule: Any):
    start = now = flat(WEIGHTS)
    m = v = np.zeros_like(start)
    got = moves(chain_of(optimizer=rule.__name__, l2_init=PULL))
    for t, (move, gradient) in enumerate(zip(got, GRADIENTS, strict=True), start=1):
        expected, m, v = rule(t, flat(gradient) + PULL * (now - start), m, v)
        now = now + expected
        np.testing.assert_allclose(flat(move), expected, rtol=3e-4, atol=1e-6)


def test_it_is_the_gradient_of_half_lambda_times_the_squared_distance():
    now = tree_of(7)

    def penalty(tree: Any) -> Any:
        squares = jax.tree.map(lambda a, b: jnp.sum((a - b) ** 2), tree, WEIGHTS)
        return PULL / 2 * sum(jax.tree.leaves(squares))

    chain = chain_of(l2_init=PULL)
    got, _ = chain.update(GRADIENTS[0], chain.init(WEIGHTS), now)
    whole = jax.tree.map(jnp.add, GRADIENTS[0], jax.grad(penalty)(now))
    assert_close(got, jax.tree.map(lambda g: -RATE * g, whole), rtol=1e-4, atol=1e-6)


def test_the_first_step_has_no_pull_and_biases_norms_and_slopes_are_pulled_too():
    with_, without = moves(chain_of(l2_init=PULL)), moves(chain_of())
    assert_same(with_[0], without[0])
    for a, b in zip(jax.tree.leaves(with_[1]), jax.tree.leaves(without[1]), strict=True):
        assert (np.asarray(a) != np.asarray(b)).all()


@pytest.mark.parametrize("pull", [0.1, 1.0, 3.9])
def test_without_a_gradient_the_distance_shrinks_by_one_factor_a_step(pull: float):
    nothing, now = jax.tree.map(jnp.zeros_like, WEIGHTS), tree_of(7)
    chain = chain_of(l2_init=pull)
    state, start = chain.init(WEIGHTS), flat(WEIGHTS)
    before = flat(now) - start
    for step in range(1, 4):
        move, state = chain.update(nothing, state, now)
        now = optax.apply_updates(now, move)
        expected = start + before * (1 - RATE * pull) ** step
        np.testing.assert_allclose(flat(now), expected, rtol=1e-4, atol=1e-5)


def test_a_strong_pull_holds_all_at_the_start_whatever_the_gradients():
    def reached(**given: Any) -> float:
        sums = jax.tree.map(lambda *x: sum(x), *moves(chain_of(**given), GRADIENTS * 20))
        return float(np.abs(flat(sums)).max())

    largest = max(np.abs(flat(g)).max() for g in GRADIENTS)
    # With η·λ = 1 a step ends at θ₀ − η·g.
    assert reached(l2_init=1 / RATE) <= RATE * largest * 1.001 < reached()


def test_the_pull_is_clipped_with_the_gradient():
    chain = chain_of(l2_init=100.0, clip_norm=0.1)
    nothing = jax.tree.map(jnp.zeros_like, WEIGHTS)
    move, _ = chain.update(nothing, chain.init(WEIGHTS), tree_of(7))
    np.testing.assert_allclose(np.linalg.norm(flat(move)), RATE * 0.1, rtol=1e-5)


def test_what_is_kept_are_copies_that_a_reset_of_moments_leaves_alone():
    chain = chain_of(optimizer="adam", l2_init=PULL)
    state = chain.init(WEIGHTS)
    _, state = chain.update(GRADIENTS[0], state, WEIGHTS)
    kept = optimizers.reset(state, WEIGHTS, jax.tree.map(lambda x: x == x, WEIGHTS))
    starts, scaled = kept[0], kept[1]
    assert isinstance(starts, optimizers.Start)
    for array, leaf in zip(starts.arrays, jax.tree.leaves(WEIGHTS), strict=True):
        np.testing.assert_array_equal(array, leaf)
        assert array.unsafe_buffer_pointer() != leaf.unsafe_buffer_pointer()
    assert not flat(scaled.mu).any() and not flat(scaled.nu).any()


def test_parameters_of_half_precision_have_gradients_of_half_precision():
    halves = jax.tree.map(lambda x: x.astype(jnp.bfloat16), WEIGHTS)
    pull = optimizers.add_pull_to_start(jnp.float32(PULL))
    got, _ = pull.update(halves, pull.init(halves), halves)
    assert {leaf.dtype for leaf in jax.tree.leaves(got)} == {jnp.dtype(jnp.bfloat16)}
