"""What defines an update: optimizers, decay, clipping, schedules and freezing, by NumPy."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from hypothesis import given, settings
from hypothesis import strategies as st

from reluprobe import blueprint, grid, model, state, sweep, train, updates
from reluprobe.config import RunConfig, make_run
from reluprobe.errors import InputError

RATE, STEPS = 0.25, 10  # steps of an epoch
Tree = dict[str, Any]
one_section = jax.jit(train.section, static_argnums=0)


def config_of(**given: Any) -> RunConfig:
    return make_run({"optimizer": "sgd", "learning_rate": RATE, "depth": 2, "epochs": 3, **given})


def chain_of(**given: Any) -> optax.GradientTransformation:
    """As a lane makes it: the dials are those settings that are not at their defaults."""
    config = config_of(**given)
    dials = {name: jnp.float32(value) for name, value in grid.dials(config).items()}
    return updates.optimizer(config, config.learning_rate, dials, STEPS)


def tree_of(seed: int, scale: float = 1.0) -> Tree:
    """As small as a tree with all kinds of leaves can be."""
    rng = np.random.default_rng(seed)

    def drawn(*shape: int) -> jax.Array:
        return jnp.asarray(scale * rng.standard_normal(shape), jnp.float32)

    def layer(n: int, m: int) -> Tree:
        return {"kernel": drawn(n, m), "bias": drawn(m)}

    norms = {i: {"scale": drawn(4), "bias": drawn(4)} for i in range(2)}
    hidden = {0: layer(3, 4), 1: layer(4, 4)}
    return {"hidden": hidden, "norms": norms, "output": layer(4, 2), "slopes": drawn(2)}


WEIGHTS = tree_of(0)
GRADIENTS = [tree_of(seed) for seed in range(1, 6)]


def moves(chain: Any, gradients: Sequence[Tree] = GRADIENTS, weights: Tree = WEIGHTS) -> list[Tree]:
    """What each gradient in turn adds to the weights, which follow."""
    kept, found = chain.init(weights), []
    for gradient in gradients:
        move, kept = chain.update(gradient, kept, weights)
        weights = optax.apply_updates(weights, move)
        found.append(move)
    return found


def flat(tree: Any) -> np.ndarray:
    return np.concatenate([np.ravel(np.asarray(x, np.float64)) for x in jax.tree.leaves(tree)])


def assert_close(got: Any, expected: Any, rtol: float = 1e-5, atol: float = 1e-7) -> None:
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=rtol, atol=atol), got, expected)


def assert_same(got: Any, expected: Any) -> None:
    jax.tree.map(np.testing.assert_array_equal, got, expected)


def kernels(tree: Tree) -> list[np.ndarray]:
    layers = [*tree["hidden"].values(), tree["output"]]
    return [np.asarray(layer["kernel"], np.float64) for layer in layers]


# --- optimizers --------------------------------------------------------------------------------


def numpy_moves(rule: Any, weights: Tree = WEIGHTS) -> list[np.ndarray]:
    """Moves of all weights as one vector, by ``rule(t, g, m, v)``, which gives move, m and v."""
    first = second = np.zeros_like(flat(weights))
    found = []
    for t, gradient in enumerate(GRADIENTS, start=1):
        move, first, second = rule(t, flat(gradient), first, second)
        found.append(move)
    return found


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
        dict(weight_decay=0.0, l2=0.0, clip_norm=0.0, clip_value=0.0),
        dict(schedule="constant", warmup_steps=0, step_factor=0.1),
    ],
)
def test_a_setting_given_at_its_default_is_no_dial_and_changes_no_bit(given: dict[str, Any]):
    plain = {"optimizer": given.get("optimizer", "sgd")}
    assert config_of(**given) == config_of(**plain)
    assert grid.dials(config_of(**given)) == {}
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
        assert caught.value.faults == (f"{name} = {value!r}: allowed is a number >= 0 and < 1",)


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
    params, _ = state.trained(nnx.state(model.make(config, 3, 2, nnx.Rngs(0))))
    chain = chain_of(norm="batch", activation="prelu", bias_init=1.0, weight_decay=0.5)
    nothing = jax.tree.map(jnp.zeros_like, params)
    move, _ = chain.update(nothing, chain.init(params), params)
    moved = {}
    for (path, shift), weight in zip(
        jax.tree_util.tree_leaves_with_path(move), jax.tree.leaves(params), strict=True
    ):
        where = tuple(name for name in updates.names_of(path) if name != "value")
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
        lambda path, g, w: g + 2 * w if "kernel" in updates.names_of(path) else g,
        GRADIENTS[0],
        WEIGHTS,
    )
    clipped = np.clip(flat(raw), -0.5, 0.5)
    expected = -RATE * clipped * 0.7 / np.linalg.norm(clipped)
    np.testing.assert_allclose(flat(got), expected, rtol=1e-4)


# --- the learning rate -------------------------------------------------------------------------


def rates(count: int, **given: Any) -> np.ndarray:
    """The rate of each step, as the moves of plain SGD show it."""
    chain = chain_of(**given)
    weights = {"output": {"bias": jnp.zeros(1)}}
    gradient = {"output": {"bias": jnp.ones(1)}}
    step, kept = jax.jit(chain.update), chain.init(weights)
    found = []
    for _ in range(count):
        move, kept = step(gradient, kept, weights)
        found.append(-float(move["output"]["bias"][0]))
    said = updates.rate(config_of(**given), RATE, STEPS)
    told = [float(said(jnp.int32(t))) if callable(said) else float(said) for t in range(count)]
    np.testing.assert_allclose(told, found, rtol=1e-5, atol=1e-8)
    return np.array(found)


def test_a_constant_rate_is_constant():
    assert (rates(12) == RATE).all()


@pytest.mark.parametrize("warmup", [1, 2, 4, 13, 30])
def test_warm_up_rises_from_the_first_step_to_the_whole_rate(warmup: int):
    found = rates(30, warmup_steps=warmup)
    expected = RATE * np.minimum(1, np.arange(1, 31) / warmup)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert found[warmup - 1] == np.float32(RATE) and (found[: warmup - 1] < RATE).all()


@pytest.mark.parametrize("warmup", [0, 6])
def test_a_cosine_falls_from_the_rate_over_half_of_it_to_almost_nothing(warmup: int):
    found = rates(30, schedule="cosine", warmup_steps=warmup)
    after = np.arange(30 - warmup)
    expected = RATE * (1 + np.cos(np.pi * after / (30 - warmup))) / 2
    np.testing.assert_allclose(found[warmup:], expected, rtol=1e-4, atol=1e-7)
    assert found[warmup] == np.float32(RATE)
    assert found[warmup + (30 - warmup) // 2] == pytest.approx(RATE / 2, rel=1e-5)
    assert 0 < found[-1] < 0.01 * RATE
    last = updates.rate(config_of(schedule="cosine", warmup_steps=warmup), RATE, STEPS)
    assert callable(last) and float(last(30)) == pytest.approx(0, abs=1e-7)


def test_phases_lengthen_the_cosine():
    longer = rates(50, schedule="cosine", phases="permuted_pixels@1,permuted_pixels@1")
    np.testing.assert_allclose(
        longer, RATE * (1 + np.cos(np.pi * np.arange(50) / 50)) / 2, rtol=1e-4, atol=1e-7
    )
    assert longer[25] == pytest.approx(RATE / 2, rel=1e-5)


@pytest.mark.parametrize("warmup", [0, 5])
def test_steps_multiply_the_rate_every_so_many_epochs(warmup: int):
    found = rates(45, schedule="step", step_epochs=2, step_factor=0.5, warmup_steps=warmup)
    expected = RATE * 0.5 ** (np.arange(45 - warmup) // (2 * STEPS))
    np.testing.assert_allclose(found[warmup:], expected, rtol=1e-6)
    assert len(set(found[warmup:].tolist())) == (3 if not warmup else 2)


def test_the_defaults_of_step_are_a_tenth_every_four_epochs():
    found = rates(81, schedule="step")
    assert found[39] == np.float32(RATE)
    np.testing.assert_allclose(found[[40, 79, 80]], RATE * np.array([0.1, 0.1, 0.01]), rtol=1e-5)


def test_decay_follows_the_rate_of_the_step():
    chain = chain_of(weight_decay=0.5, warmup_steps=4)
    nothing = jax.tree.map(jnp.zeros_like, WEIGHTS)
    (first,) = moves(chain, [nothing])
    np.testing.assert_allclose(kernels(first)[0], -RATE / 4 * 0.5 * kernels(WEIGHTS)[0], rtol=1e-5)


# --- frozen layers -----------------------------------------------------------------------------


@pytest.mark.parametrize(("epoch", "layers"), [(1, 1), (2, 1), (3, 1), (3, 2), (3, 0)])
def test_updates_of_the_first_layers_are_0_after_their_epoch_and_others_untouched(
    epoch: int, layers: int
):
    config = config_of(freeze_layers=layers, freeze_after=2)
    got = updates.frozen(GRADIENTS[0], config, jnp.int32(epoch))
    held = layers if epoch > 2 else 0
    for i in range(2):
        of = [tree[part][i] for part in ("hidden", "norms", "slopes") for tree in (got,)]
        if i < held:
            assert not any(flat(x).any() for x in of)
        else:
            assert_same(of, [GRADIENTS[0][part][i] for part in ("hidden", "norms", "slopes")])
    assert_same(got["output"], GRADIENTS[0]["output"])


COUNT, FEATURES, CLASSES, BATCH = 52, 4, 3, 16
#: All that could move a layer, at once: decays, Adam's moments of earlier steps, a norm, slopes.
#: And all that could go wrong where lanes are side by side: dice, and a dial of each kind.
FREEZING = make_run(
    dict(depth=2, width=6, norm="batch", activation="prelu", optimizer="adamw", epochs=3)
    | dict(batch_size=BATCH, weight_decay=0.1, l2=0.1, learning_rate=0.01, bias_init=0.1, seed=3)
    | dict(schedule="cosine", warmup_steps=2, probe_examples=20, freeze_layers=1, freeze_after=1)
    | dict(dropout=0.2, label_noise=0.2, clip_norm=1.0, adam_beta1=0.8, pixels="centred")
)


@pytest.fixture(scope="module")
def examples() -> state.Arrays:
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((COUNT + 30, FEATURES)).astype(np.float32)
    labels = rng.integers(CLASSES, size=COUNT + 30).astype(np.int32)
    return jax.tree.map(jnp.asarray, state.arrays(inputs, labels, COUNT))


def epoch_of(number: int) -> state.Section:
    place = jnp.int32(number), jnp.int32(0), jnp.int32(4)
    flags = jnp.bool_(True), jnp.bool_(number == 3)
    return state.Section(*place, *flags, jnp.int32(20), jnp.int32(0))


@pytest.fixture(scope="module")
def frozen_run(examples: Any) -> list[state.Lane]:
    """The lane at the start and after each of three epochs; one layer is frozen after the first."""
    lane, numbers, plan = blueprint.init_lane(FREEZING, FEATURES, CLASSES, COUNT)
    found = [lane]
    for epoch in (1, 2, 3):
        lane, report = one_section(plan, examples, epoch_of(epoch), lane, numbers)
        assert report.finite
        found.append(lane)
    return found


def parts_of(lane: state.Lane) -> dict[tuple[Any, ...], np.ndarray]:
    """What is trained, by place; the slopes layer by layer."""
    leaves = jax.tree_util.tree_leaves_with_path(state.trained(lane.weights)[0])
    named = {
        tuple(n for n in updates.names_of(p) if n != "value"): np.asarray(x) for p, x in leaves
    }
    slopes = named.pop(("slopes",))
    return named | {("slopes", i): slope for i, slope in enumerate(slopes)}


def test_a_frozen_layer_does_not_move_and_did_before_and_later_layers_do(frozen_run: Any):
    start, first, second, third = map(parts_of, frozen_run)
    below = {place for place in start if place[:2] in {(p, 0) for p in ("hidden", "norms")}}
    below |= {("slopes", 0)}
    assert len(below) == 5 and len(start) == 12
    for place in start:
        assert (first[place] != start[place]).any()
        moved = (second[place] != first[place]).any(), (third[place] != second[place]).any()
        assert moved == ((False, False) if place in below else (True, True)), place


def test_the_schedule_counts_every_step_of_the_run(frozen_run: Any):
    counts = {
        int(leaf)
        for path, leaf in jax.tree_util.tree_leaves_with_path(frozen_run[-1].optimizer)
        if updates.names_of(path)[-1] == "count"
    }
    assert counts == {3 * 4}


@pytest.mark.slow
def test_lanes_side_by_side_do_as_they_do_one_by_one(examples: Any, frozen_run: Any):
    # As an accelerator runs them, beside others with other seeds, rates and dials.
    other = {"seed": 4, "learning_rate": 0.02, "dropout": 0.5, "l2": 0.5, "clip_norm": 0.1}
    beside = dataclasses.replace(FREEZING, **other)  # type: ignore[arg-type]
    starts = [
        blueprint.init_lane(config, FEATURES, CLASSES, COUNT) for config in (beside, FREEZING)
    ]
    plans = [start[2] for start in starts]
    assert plans[0] == plans[1]
    lanes, numbers = (
        jax.tree.map(lambda *x: jnp.stack(x), *parts)
        for parts in zip(*[start[:2] for start in starts], strict=True)
    )
    side_by_side = jax.jit(partial(sweep._map_lanes, plans[0], False))
    for epoch in (1, 2, 3):
        lanes, report = side_by_side(examples, epoch_of(epoch), lanes, numbers)
        assert report.finite.all()
        mine = jax.tree.map(lambda x: x[1], lanes)
        got, expected = parts_of(mine), parts_of(frozen_run[epoch])
        for place in expected:
            # A bias under batch norm has a gradient of 0, of which Adam makes rounding's sign.
            if place[0] != "hidden" or place[2] != "bias":
                np.testing.assert_allclose(got[place], expected[place], rtol=1e-3, atol=1e-4)
        np.testing.assert_array_equal(mine.order, frozen_run[epoch].order)
        np.testing.assert_allclose(mine.sums, frozen_run[epoch].sums, rtol=1e-3)
