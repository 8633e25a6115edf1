"""What defines an update: optimizers, decay and clipping, by NumPy."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer_chains import (
    GRADIENTS,
    RATE,
    WEIGHTS,
    Tree,
    assert_close,
    assert_same,
    chain_of,
    config_of,
    flat,
    kernels,
    moves,
    tree_of,
)
from reluprobe.engine import state
from reluprobe.errors import InputError
from reluprobe.nn import mlp, optimizers
from reluprobe.plan.grouping import dials_of

# --- optimizers --------------------------------------------------------------------------------


def numpy_moves(rule: Any, weights: Tree = WEIGHTS) -> list[np.ndarray]:
    """Moves of all weights as one vector, by ``rule(t, g, m, v)``, which gives move, m and v."""
    first = second = np.zeros_like(flat(weights))
    moves = []
    for t, gradient in enumerate(GRADIENTS, start=1):
        move, first, second = rule(t, flat(gradient), first, second)
        moves.append(move)
    return moves


def adam_rule(b1: float, b2: float, eps: float) -> Any:
    """Kingma & Ba 2015, algorithm 1."""

    def rule(t: int, g: np.ndarray, m: np.ndarray, v: np.ndarray) -> Any:
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        return -RATE * m / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + eps), m, v

    return rule


def momentum_rule(mu: float, nesterov: bool) -> Any:
    """v ← μ·v − η·g; θ ← θ + v, or θ + μ·v − η·g (Sutskever et al. 2013, as Keras has it)."""

    def rule(t: int, g: np.ndarray, v: np.ndarray, _: np.ndarray) -> Any:
        v = mu * v - RATE * g
        return (mu * v - RATE * g if nesterov else v), v, _

    return rule


def rmsprop_rule(t: int, g: np.ndarray, _: np.ndarray, v: np.ndarray) -> Any:
    """As Keras has it, with ε under the root."""
    v = 0.9 * v + 0.1 * g**2
    return -RATE * g / np.sqrt(v + 1e-7), _, v


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        (dict(optimizer="sgd"), lambda t, g, m, v: (-RATE * g, m, v)),
        (dict(optimizer="momentum"), momentum_rule(0.9, False)),
        (dict(optimizer="momentum", momentum=0.5), momentum_rule(0.5, False)),
        (dict(optimizer="momentum", momentum=0.0), momentum_rule(0.0, False)),
        (dict(optimizer="momentum", nesterov=True), momentum_rule(0.9, True)),
        (dict(optimizer="momentum", momentum=0.7, nesterov=True), momentum_rule(0.7, True)),
        (dict(optimizer="adam"), adam_rule(0.9, 0.999, 1e-7)),
        (dict(optimizer="adam", adam_beta1=0.0), adam_rule(0.0, 0.999, 1e-7)),
        (dict(optimizer="adam", adam_beta1=0.5, adam_beta2=0.9), adam_rule(0.5, 0.9, 1e-7)),
        (dict(optimizer="adam", adam_epsilon=0.1), adam_rule(0.9, 0.999, 0.1)),
        (dict(optimizer="rmsprop"), rmsprop_rule),
    ],
)
def test_moves_are_numpys(given: dict[str, Any], rule: Any):
    for move, expected in zip(moves(chain_of(**given)), numpy_moves(rule), strict=True):
        np.testing.assert_allclose(flat(move), expected, rtol=3e-4, atol=1e-6)


@pytest.mark.parametrize(
    "given",
    [
        dict(optimizer="momentum", momentum=0.9, nesterov=False),
        dict(optimizer="adam", adam_beta1=0.9, adam_beta2=0.999, adam_epsilon=1e-7),
        dict(weight_decay=0.0, l2=0.0, l2_init=0.0, clip_norm=0.0, clip_value=0.0),
        dict(schedule="constant", warmup_steps=0, step_factor=0.1),
    ],
)
def test_a_setting_given_at_its_default_is_no_dial_and_changes_no_bit(given: dict[str, Any]):
    plain = {"optimizer": given.get("optimizer", "sgd")}
    assert config_of(**given) == config_of(**plain)
    assert dials_of(config_of(**given)) == {}
    chains = chain_of(**given), chain_of(**plain)
    states = [jax.tree.structure(chain.init(WEIGHTS)) for chain in chains]
    assert states[0] == states[1]
    for got, expected in zip(*map(moves, chains), strict=True):
        assert_same(got, expected)


@pytest.mark.parametrize("name", ["adam_beta1", "adam_beta2", "dropout"])
def test_what_float32_rounds_to_1_is_refused_as_1_is(name: str):
    assert getattr(config_of(optimizer="adam", **{name: 0.9999999}), name) == 0.9999999
    for value in (1 - 1e-9, 1.0):
        with pytest.raises(InputError) as caught:
            config_of(optimizer="adam", **{name: value})
        (fault,) = caught.value.faults
        said = f"{name} = {value!r}: allowed is a number >= 0 and < 1"
        assert fault.startswith(said) and ("rounded to float32" in fault) == (value < 1)


def test_an_epsilon_that_float32_rounds_to_0_is_refused_as_0_is():
    # A dead unit's gradient is 0, and 0 / (0 + 0) is NaN.
    assert config_of(optimizer="adam", adam_epsilon=1e-30).adam_epsilon == 1e-30
    for value in (1e-50, 0.0):
        with pytest.raises(InputError, match="bad settings"):
            config_of(optimizer="adam", adam_epsilon=value)


def test_adam_that_counts_every_weights_steps_is_optaxs_where_none_is_reset():
    aged = chain_of(optimizer="adam", revive="redo", adam_beta1=0.8)
    plain = chain_of(optimizer="adam", adam_beta1=0.8)
    for got, expected in zip(moves(aged), moves(plain), strict=True):
        assert_close(got, expected, rtol=1e-4)


# --- decay -------------------------------------------------------------------------------------


def test_l2_is_the_gradient_of_half_lambda_times_the_squares_of_kernels():
    def penalty(tree: Tree) -> Any:
        layers = [*tree["hidden"].values(), tree["output"]]
        return 0.3 / 2 * sum(jnp.sum(layer["kernel"] ** 2) for layer in layers)

    whole = jax.tree.map(jnp.add, GRADIENTS[0], jax.grad(penalty)(WEIGHTS))
    (got,) = moves(chain_of(l2=0.3), GRADIENTS[:1])
    assert_close(got, jax.tree.map(lambda g: -RATE * g, whole))


@pytest.mark.parametrize("given", [dict(l2=0.3), dict(weight_decay=0.3)])
def test_only_kernels_decay(given: dict[str, Any]):
    (with_,), (without,) = (moves(chain_of(**g), GRADIENTS[:1]) for g in (given, {}))
    for a, b, w in zip(kernels(with_), kernels(without), kernels(WEIGHTS), strict=True):
        np.testing.assert_allclose(a, b - RATE * 0.3 * w, rtol=1e-5, atol=1e-6)
    for name in ("norms", "slopes"):
        assert_same(with_[name], without[name])
    assert_same(with_["output"]["bias"], without["output"]["bias"])
    assert_same(with_["hidden"][1]["bias"], without["hidden"][1]["bias"])


def test_a_real_networks_decay_spares_biases_norms_and_slopes_too():
    config = config_of(width=4, norm="batch", activation="prelu", bias_init=1.0, weight_decay=0.5)
    params, _ = state.trained(nnx.state(mlp.make(config, 3, 2, nnx.Rngs(0))))
    chain = chain_of(norm="batch", activation="prelu", bias_init=1.0, weight_decay=0.5)
    nothing = jax.tree.map(jnp.zeros_like, params)
    move, _ = chain.update(nothing, chain.init(params), params)
    moved = {}
    for (path, shift), weight in zip(
        jax.tree_util.tree_leaves_with_path(move), jax.tree.leaves(params), strict=True
    ):
        where = tuple(name for name in optimizers.names_of(path) if name != "value")
        moved[where] = bool(jnp.any(shift != 0))
        if "kernel" in where:
            np.testing.assert_allclose(shift, -RATE * 0.5 * weight, rtol=1e-6)
    layers = [("hidden", 0), ("hidden", 1), ("output",)]
    expected = {(*layer, part): part == "kernel" for layer in layers for part in ("kernel", "bias")}
    norms = {("norms", i, part): False for i in (0, 1) for part in ("scale", "bias")}
    assert moved == expected | norms | {("slopes",): False}


def test_under_plain_sgd_decoupled_decay_is_l2_to_the_bit():
    for a, b in zip(moves(chain_of(l2=0.3)), moves(chain_of(weight_decay=0.3)), strict=True):
        assert_same(a, b)


def test_under_adam_decoupled_decay_is_a_pull_of_its_own_and_l2_is_not():
    (plain,), (decayed,), (penalized,) = (
        moves(chain_of(optimizer="adam", **given), GRADIENTS[:1])
        for given in ({}, dict(weight_decay=0.3), dict(l2=0.3))
    )
    for a, b, c, w in zip(*map(kernels, (plain, decayed, penalized, WEIGHTS)), strict=True):
        np.testing.assert_allclose(b, a - RATE * 0.3 * w, rtol=1e-4, atol=1e-6)
        # Adam's first step is η·sign(gradient), however large the penalty has made it.
        np.testing.assert_allclose(np.abs(c), RATE, rtol=1e-4)
        assert not np.allclose(b, c, atol=1e-3)


def test_adamw_is_adam_with_kerass_decay_or_the_one_that_is_given():
    for own, decay in (({}, 4e-3), (dict(weight_decay=0.1), 0.1)):
        adamw = moves(chain_of(optimizer="adamw", **own))
        adam = moves(chain_of(optimizer="adam", weight_decay=decay))
        for a, b in zip(adamw, adam, strict=True):
            assert_close(a, b, rtol=1e-6)


def test_decay_is_not_clipped_and_the_penaltys_gradient_is():
    nothing = [jax.tree.map(jnp.zeros_like, WEIGHTS)]
    (decayed,) = moves(chain_of(weight_decay=10.0, clip_norm=0.1), nothing)
    (penalized,) = moves(chain_of(l2=10.0, clip_norm=0.1), nothing)
    np.testing.assert_allclose(kernels(decayed)[0], -RATE * 10 * kernels(WEIGHTS)[0], rtol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(flat(penalized)), RATE * 0.1, rtol=1e-5)


# --- clipping ----------------------------------------------------------------------------------


@settings(max_examples=15)
@given(limit=st.floats(1e-3, 1e3), scale=st.floats(1e-3, 1e3), seed=st.integers(0, 100))
def test_a_clipped_gradients_norm_is_at_most_the_limit(limit: float, scale: float, seed: int):
    gradient = tree_of(seed, scale)
    (got,) = moves(chain_of(clip_norm=limit, learning_rate=1.0), [gradient])
    norm = np.linalg.norm(flat(gradient))
    if norm < 0.999 * np.float32(limit):
        assert_same(got, jax.tree.map(lambda g: -g, gradient))
    else:
        np.testing.assert_allclose(flat(got), -flat(gradient) * min(1, limit / norm), rtol=1e-4)
    assert np.linalg.norm(flat(got)) <= limit * (1 + 1e-5)


@settings(max_examples=10)
@given(limit=st.floats(1e-3, 10), seed=st.integers(0, 100))
def test_clip_value_clips_each_component_and_spares_the_smaller_ones(limit: float, seed: int):
    gradient = tree_of(seed)
    (got,) = moves(chain_of(clip_value=limit, learning_rate=1.0), [gradient])
    edge = np.float32(limit)
    np.testing.assert_array_equal(flat(got), -np.clip(flat(gradient), -edge, edge))


def test_both_clips_and_the_penalty_come_in_the_documented_order():
    (got,) = moves(chain_of(clip_value=0.5, clip_norm=0.7, l2=2.0), GRADIENTS[:1])
    raw = jax.tree_util.tree_map_with_path(
        lambda path, g, w: g + 2 * w if "kernel" in optimizers.names_of(path) else g,
        GRADIENTS[0],
        WEIGHTS,
    )
    clipped = np.clip(flat(raw), -0.5, 0.5)
    expected = -RATE * clipped * 0.7 / np.linalg.norm(clipped)
    np.testing.assert_allclose(flat(got), expected, rtol=1e-4)
