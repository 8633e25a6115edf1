"""Units drawn anew: outputs, weights and what the optimizer remembers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from reluprobe.config import make_run
from reluprobe.engine import revive, state
from reluprobe.nn import optimizers
from revived_lanes import (
    CLASSES,
    DEPTH,
    FEATURES,
    WIDTH,
    arrays_of,
    moved,
    network_of,
    redraw,
    start,
)
from training_segments import start_of


def touched_by(chosen: np.ndarray, outputs: int = 1) -> dict[str, np.ndarray]:
    """Which weights a re-draw of these units touches; ``outputs`` values a unit."""
    touched = {}
    for i in range(len(chosen) + 1):
        given_ = np.tile(chosen[i - 1], outputs) if i else np.zeros(FEATURES, bool)
        mine = chosen[i] if i < len(chosen) else np.zeros(CLASSES, bool)
        place = f"hidden.{i}" if i < len(chosen) else "output"
        touched[f"{place}.kernel"] = given_[:, None] | mine[None]
        touched[f"{place}.bias"] = mine
    return touched


SOME = np.random.default_rng(4).random((DEPTH, WIDTH)) < 0.4


# --- redo: the network's outputs ---------------------------------------------------------------


@pytest.fixture(scope="module")
def killer() -> Callable[..., tuple[np.ndarray, ...]]:
    """A network whose chosen units are dead, its outputs before and after their re-draw."""
    lane, hyper, spec = start(init="he_normal")
    inputs = jax.random.normal(jax.random.key(1), (30, FEATURES))
    look = jax.jit(lambda weights: spec.run(inputs, weights, hyper))

    def kill(chosen: np.ndarray, seed: int) -> tuple[np.ndarray, ...]:
        network = network_of(spec, lane.weights)
        for layer, unit in zip(network.hidden, chosen, strict=True):
            layer.bias[...] = jnp.where(unit, -1000.0, 0.3)
        killed = lane._replace(weights=nnx.state(network))
        after, drawn = redraw(spec, killed, jnp.asarray(chosen), jax.random.key(seed))
        outputs, z = look(killed.weights)
        again, moved_z = look(after.weights)
        return tuple(map(np.asarray, (outputs, again, z, moved_z, drawn)))

    return kill


@settings(max_examples=25)
@given(pattern=st.integers(0, 2 ** (DEPTH * WIDTH) - 1), seed=st.integers(0, 99))
def test_dead_units_drawn_anew_change_no_bit_of_the_outputs(killer: Any, pattern: int, seed: int):
    bits = [bool(pattern >> i & 1) for i in range(DEPTH * WIDTH)]
    chosen = np.array(bits).reshape(DEPTH, WIDTH)  # in layers side by side too
    before, after, z, moved_z, drawn = killer(chosen, seed)
    assert ((z <= 0).all(axis=1) >= chosen).all()
    assert before.tobytes() == after.tobytes()
    np.testing.assert_array_equal(drawn, chosen)
    alive = ~chosen
    for layer in range(DEPTH):
        np.testing.assert_array_equal(z[layer][:, alive[layer]], moved_z[layer][:, alive[layer]])
    assert (moved_z[0] > 0).any(axis=0)[chosen[0]].all()  # alive again


# --- redo: weights -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        {"activation": "crelu"},
        {"init": "rai", "activation": "prelu"},
        {"use_bias": False},
        {"init": "normal", "init_scale": 2.0, "weight_gain": 3.0, "bias_init": 0.7},
    ],
    ids=str,
)
def test_incoming_weights_are_drawn_outgoing_are_zero_and_all_else_stays(changed: Any):
    lane, hyper, spec = start(**changed)
    lane = moved(lane, hyper, spec)
    after, _ = redraw(spec, lane, jnp.asarray(SOME), jax.random.key(0))
    before, now = (arrays_of(network_of(spec, x.weights)) for x in (lane, after))
    outputs = 2 if changed.get("activation") == "crelu" else 1
    masks = touched_by(SOME, outputs)
    assert before.keys() == now.keys()
    for name, old in before.items():
        mask = masks.get(name, np.zeros(old.shape, bool))
        np.testing.assert_array_equal(now[name][~mask], old[~mask], name)
        if name.endswith("bias"):
            assert not now[name][mask].any()
            continue
        if not mask.any():
            continue
        layer = DEPTH if name.startswith("output") else int(name.split(".")[1])
        zero = np.zeros(old.shape, bool)
        zero[np.tile(SOME[layer - 1], outputs) if layer else slice(0)] = True
        assert not now[name][zero].any()
        fresh = mask & ~zero
        assert (now[name][fresh] != old[fresh]).all() and (now[name][fresh] != 0).all()


KS = {
    "glorot_uniform": lambda i, o: stats.uniform(-np.sqrt(6 / (i + o)), 2 * np.sqrt(6 / (i + o))),
    "he_uniform": lambda i, o: stats.uniform(-np.sqrt(6 / i), 2 * np.sqrt(6 / i)),
    "lecun_normal": lambda i, o: stats.truncnorm(-2, 2, 0, np.sqrt(1 / i) / 0.87962566103423978),
    "normal": lambda i, o: stats.norm(0, 0.3),
    "uniform": lambda i, o: stats.uniform(-0.3, 0.6),
}


@pytest.mark.parametrize("init", KS)
@pytest.mark.parametrize("gain", [1.0, 2.5])
def test_weights_are_drawn_from_the_distribution_of_the_init(init: str, gain: float):
    scale = {"init_scale": 0.3} if init in ("normal", "uniform") else {}
    config = make_run(
        dict(depth=1, width=600, init=init, weight_gain=gain, revive="redo", optimizer="sgd")
        | scale
    )
    lane, _, spec = start_of(config, 7, 2, 10)
    chosen = np.arange(600)[None] % 2 == 0
    after, _ = revive.redraw_units(spec, lane, jnp.asarray(chosen), jax.random.key(5))
    drawn = network_of(spec, after.weights).hidden[0].kernel[...][:, chosen[0]]
    assert stats.kstest(np.asarray(drawn).ravel() / gain, KS[init](7, 600).cdf).pvalue > 1e-4


def test_a_norms_scale_and_shift_start_again():
    lane, hyper, spec = start(norm="batch")
    lane = moved(lane, hyper, spec)
    network = network_of(spec, lane.weights)
    after, _ = redraw(spec, lane, jnp.asarray(SOME), jax.random.key(0))
    again = network_of(spec, after.weights)
    for i, (old, new) in enumerate(zip(network.norms, again.norms, strict=True)):
        for name, first in (("scale", 1), ("bias", 0)):
            was, now = (np.asarray(getattr(norm, name)[...]) for norm in (old, new))
            assert (was != first).any()
            np.testing.assert_array_equal(now, np.where(SOME[i], first, was), name)


# --- redo: the pull to the start ---------------------------------------------------------------


def test_a_unit_drawn_anew_is_pulled_to_its_first_weights_and_not_to_those_drawn():
    fresh, hyper, spec = start(optimizer="sgd", l2_init=0.5, learning_rate=2.0)  # η·λ is 1
    lane = moved(fresh, hyper, spec)
    after, _ = redraw(spec, lane, jnp.asarray(SOME), jax.random.key(0))
    first, drawn = (arrays_of(network_of(spec, x.weights)) for x in (fresh, after))
    touched = touched_by(SOME)
    assert all((first[n] != drawn[n])[touched[n]].any() for n in first if n.endswith("kernel"))
    params, rest = state.trained(after.weights)
    nothing = jax.tree.map(jnp.zeros_like, params)
    moves, _ = spec.optimizer(hyper).update(nothing, after.optimizer, params)
    back = nnx.merge_state(optax.apply_updates(params, moves), rest)
    for name, values in arrays_of(network_of(spec, back)).items():
        np.testing.assert_allclose(values, first[name], rtol=1e-5, atol=1e-6, err_msg=name)


# --- redo: the optimizer -----------------------------------------------------------------------


def parts_like(opt: Any, params: Any) -> list[Any]:
    """Every tree like the weights within an optimizer's state."""
    like = jax.tree.structure(params)
    leaves = jax.tree.leaves(opt, is_leaf=lambda x: jax.tree.structure(x) == like)
    return [x for x in leaves if jax.tree.structure(x) == like]


@pytest.mark.parametrize(("optimizer", "parts"), [("adamw", 4), ("momentum", 1), ("rmsprop", 1)])
def test_what_the_optimizer_remembers_of_touched_weights_is_zero(optimizer: str, parts: int):
    lane, hyper, spec = start(optimizer=optimizer, warmup_steps=2)
    lane = moved(lane, hyper, spec)
    after, _ = redraw(spec, lane, jnp.asarray(SOME), jax.random.key(0))
    params, _ = state.trained(lane.weights)
    before, now = (parts_like(x.optimizer, params) for x in (lane, after))
    assert len(before) == len(now) == parts
    for was, is_now in zip(before, now, strict=True):
        old, new = (arrays_of(network_of(spec, x)) for x in (was, is_now))
        for name, mask in touched_by(SOME).items():
            assert (old[name] != 0).all()
            np.testing.assert_array_equal(new[name], np.where(mask, 0, old[name]), name)

    # The schedule's step is not a weight's, and stays.
    def others(opt: Any) -> list[Any]:
        return [int(x) for x in jax.tree.leaves(opt) if jnp.ndim(x) == 0]

    assert others(after.optimizer) == others(lane.optimizer) and 2 in others(lane.optimizer)


def numpy_adam(gradients: np.ndarray, b1: float, b2: float, eps: float) -> np.ndarray:
    m = v = np.zeros(gradients.shape[1:])
    moves = []
    for t, g in enumerate(np.float64(gradients), start=1):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        moves.append(m / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + eps))
    return np.stack(moves)


@settings(max_examples=10)
@given(seed=st.integers(0, 999), reset=st.integers(1, 9))
def test_an_aged_adam_is_adam_and_starts_again_where_it_is_reset(seed: int, reset: int):
    rng = np.random.default_rng(seed)
    gradients = rng.standard_normal((12, 6)).astype(np.float32)
    mask = rng.random(6) < 0.5
    aged, plain = optimizers.scale_by_aged_adam(0.9, 0.999, 1e-7), optax.scale_by_adam(eps=1e-7)
    params = {"kernel": jnp.zeros(6)}
    own, untouched, theirs = aged.init(params), aged.init(params), plain.init(params)
    reset_moves, untouched_moves, expected = [], [], []
    for t, g in enumerate(gradients):
        if t == reset:
            own = optimizers.reset(own, params, {"kernel": jnp.asarray(mask)})
        for opt, into in ((aged, reset_moves), (plain, expected)):
            move, new = opt.update({"kernel": jnp.asarray(g)}, own if opt is aged else theirs)
            own, theirs = (new, theirs) if opt is aged else (own, new)
            into.append(move["kernel"])
        move, untouched = aged.update({"kernel": jnp.asarray(g)}, untouched)
        untouched_moves.append(move["kernel"])
    np.testing.assert_allclose(np.stack(untouched_moves), np.stack(expected), rtol=1e-4, atol=1e-6)
    whole = numpy_adam(gradients, 0.9, 0.999, 1e-7)
    fresh = numpy_adam(gradients[reset:], 0.9, 0.999, 1e-7)
    right = np.concatenate([whole[:reset], np.where(mask, fresh, whole[reset:])])
    np.testing.assert_allclose(np.stack(reset_moves), right, rtol=2e-3, atol=1e-5)
