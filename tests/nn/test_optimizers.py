"""Optimizers by name: the first steps of their formulas, and Optax's to the bit."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from reluprobe.config import choices, make_run
from reluprobe.nn import activations, optimizers

every_optimizer = pytest.mark.parametrize("name", choices.OPTIMIZERS)
PARAMS = np.array([1.5, -2.0, 0.25, 0.0])
GRADIENTS = np.array([[0.5, -3.0, 1e-3, 20.0], [-0.25, -1.0, 2e-3, 0.5]])
RATE = 0.01


def numpy_steps(name: str, rate: float) -> list[np.ndarray]:
    """The parameters after each of two steps, from the published formulas."""
    w, m, v = PARAMS.copy(), np.zeros(4), np.zeros(4)
    weights = []
    for t, g in enumerate(GRADIENTS, start=1):
        if name == "sgd":
            w = w - rate * g
        elif name == "momentum":
            m = 0.9 * m + g
            w = w - rate * m
        elif name == "rmsprop":
            v = 0.9 * v + 0.1 * g**2
            w = w - rate * g / np.sqrt(v + 1e-7)
        else:
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
            step = m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-7)
            w = w - rate * (step + (4e-3 * w if name == "adamw" else 0))
        weights.append(w)
    return weights


def optimizer(name: str, rate: activations.Scalar = RATE) -> optax.GradientTransformation:
    """The chain of a run that has this optimizer and nothing else that is not at its default."""
    return optimizers.optimizer(make_run({"optimizer": name}), rate, {}, 8)


def steps_of(moved: optax.GradientTransformation, leaf: str = "kernel") -> jax.Array:
    params = {leaf: jnp.float32(PARAMS)}
    state, weights = moved.init(params), []
    for g in jnp.float32(GRADIENTS):
        moves, state = moved.update({leaf: g}, state, params)
        params = optax.apply_updates(params, moves)
        weights.append(params[leaf])  # type: ignore[index]
    return jnp.stack(weights)


def steps(name: str, rate: activations.Scalar) -> jax.Array:
    return steps_of(optimizer(name, rate))


@every_optimizer
def test_the_first_two_steps_are_the_formulas(name: str):
    got = jax.jit(lambda: steps(name, RATE))()
    moved = np.asarray(got) - PARAMS
    np.testing.assert_allclose(moved, numpy_steps(name, RATE) - PARAMS, rtol=2e-4, atol=1e-6)


@every_optimizer
def test_a_traced_learning_rate_is_as_good_as_a_constant(name: str):
    constant = jax.jit(lambda: steps(name, RATE))()
    traced = jax.jit(lambda rate: steps(name, rate))(jnp.float32(RATE))
    np.testing.assert_allclose(traced, constant, rtol=1e-6)


@pytest.mark.parametrize("gradient", [1e-3, -0.7, 1e3])
def test_adams_first_step_is_as_long_as_the_learning_rate(gradient: float):
    adam = optimizer("adam", 5e-3)
    w = jnp.zeros(1)
    update, _ = adam.update(jnp.full(1, gradient), adam.init(w), w)
    np.testing.assert_allclose(np.asarray(update), -5e-3 * np.sign(gradient), rtol=2e-4)


#: Optax's own, with the constants that the settings' defaults are.
OPTAX = {
    "sgd": optax.sgd(RATE),
    "momentum": optax.sgd(RATE, momentum=0.9),
    "adam": optax.adam(RATE, b1=0.9, b2=0.999, eps=1e-7),
    "adamw": optax.adamw(RATE, b1=0.9, b2=0.999, eps=1e-7, weight_decay=4e-3),
    "rmsprop": optax.rmsprop(RATE, decay=0.9, eps=1e-7),
}


@every_optimizer
def test_an_optimizer_is_optaxs_to_the_bit(name: str):
    got, expected = (jax.jit(lambda o=o: steps_of(o))() for o in (optimizer(name), OPTAX[name]))
    np.testing.assert_array_equal(got, expected)


def test_adamw_decays_weights_even_without_a_gradient_and_adam_does_not():
    for name, expected in (("adam", 0.0), ("adamw", -RATE * 4e-3 * 2.0)):
        params = {"kernel": jnp.full(1, 2.0)}
        chain = optimizer(name)
        moves, _ = chain.update({"kernel": jnp.zeros(1)}, chain.init(params), params)
        np.testing.assert_allclose(np.asarray(moves["kernel"]), expected, rtol=1e-5)


@pytest.mark.parametrize("leaf", ["bias", "scale", "slopes"])
def test_adamw_decays_weights_alone(leaf: str):
    plain, decayed = (steps_of(optimizer(name), leaf) for name in ("adam", "adamw"))
    np.testing.assert_array_equal(plain, decayed)
    plain, decayed = (steps_of(optimizer(name), "kernel") for name in ("adam", "adamw"))
    assert (np.asarray(plain) != np.asarray(decayed))[:, PARAMS != 0].all()
