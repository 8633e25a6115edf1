"""The learning rate of each step: warm-up, cosine, steps, phases."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optimizer_chains import (
    RATE,
    STEPS,
    WEIGHTS,
    chain_of,
    config_of,
    kernels,
    moves,
)
from reluprobe.nn import optimizers


def rates(count: int, **given: Any) -> np.ndarray:
    """The rate of each step, as the moves of plain SGD show it."""
    chain = chain_of(**given)
    weights = {"output": {"bias": jnp.zeros(1)}}
    gradient = {"output": {"bias": jnp.ones(1)}}
    step, state = jax.jit(chain.update), chain.init(weights)
    moved_by = []
    for _ in range(count):
        move, state = step(gradient, state, weights)
        moved_by.append(-float(move["output"]["bias"][0]))
    said = optimizers.rate(config_of(**given), RATE, STEPS)
    scheduled = [float(said(jnp.int32(t))) if callable(said) else float(said) for t in range(count)]
    np.testing.assert_allclose(scheduled, moved_by, rtol=1e-5, atol=1e-8)
    return np.array(moved_by)


def test_a_constant_rate_is_constant():
    assert (rates(12) == RATE).all()


@pytest.mark.parametrize("warmup", [1, 2, 4, 13, 30])
def test_warm_up_rises_from_the_first_step_to_the_whole_rate(warmup: int):
    by_step = rates(30, warmup_steps=warmup)
    expected = RATE * np.minimum(1, np.arange(1, 31) / warmup)
    np.testing.assert_allclose(by_step, expected, rtol=1e-5)
    assert by_step[warmup - 1] == np.float32(RATE) and (by_step[: warmup - 1] < RATE).all()


@pytest.mark.parametrize("warmup", [0, 6])
def test_a_cosine_falls_from_the_rate_over_half_of_it_to_almost_nothing(warmup: int):
    by_step = rates(30, schedule="cosine", warmup_steps=warmup)
    after = np.arange(30 - warmup)
    expected = RATE * (1 + np.cos(np.pi * after / (30 - warmup))) / 2
    np.testing.assert_allclose(by_step[warmup:], expected, rtol=1e-4, atol=1e-7)
    assert by_step[warmup] == np.float32(RATE)
    assert by_step[warmup + (30 - warmup) // 2] == pytest.approx(RATE / 2, rel=1e-5)
    assert 0 < by_step[-1] < 0.01 * RATE
    last = optimizers.rate(config_of(schedule="cosine", warmup_steps=warmup), RATE, STEPS)
    assert callable(last) and float(last(30)) == pytest.approx(0, abs=1e-7)


def test_phases_lengthen_the_cosine():
    longer = rates(50, schedule="cosine", phases="permuted_pixels@1,permuted_pixels@1")
    np.testing.assert_allclose(
        longer, RATE * (1 + np.cos(np.pi * np.arange(50) / 50)) / 2, rtol=1e-4, atol=1e-7
    )
    assert longer[25] == pytest.approx(RATE / 2, rel=1e-5)


@pytest.mark.parametrize("warmup", [0, 5])
def test_steps_multiply_the_rate_every_so_many_epochs(warmup: int):
    by_step = rates(45, schedule="step", step_epochs=2, step_factor=0.5, warmup_steps=warmup)
    expected = RATE * 0.5 ** (np.arange(45 - warmup) // (2 * STEPS))
    np.testing.assert_allclose(by_step[warmup:], expected, rtol=1e-6)
    assert len(set(by_step[warmup:].tolist())) == (3 if not warmup else 2)


def test_the_defaults_of_step_are_a_tenth_every_four_epochs():
    by_step = rates(81, schedule="step")
    assert by_step[39] == np.float32(RATE)
    np.testing.assert_allclose(by_step[[40, 79, 80]], RATE * np.array([0.1, 0.1, 0.01]), rtol=1e-5)


def test_decay_follows_the_rate_of_the_step():
    chain = chain_of(weight_decay=0.5, warmup_steps=4)
    nothing = jax.tree.map(jnp.zeros_like, WEIGHTS)
    (first,) = moves(chain, [nothing])
    np.testing.assert_allclose(kernels(first)[0], -RATE / 4 * 0.5 * kernels(WEIGHTS)[0], rtol=1e-5)
