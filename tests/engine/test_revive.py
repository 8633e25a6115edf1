"""Which units are revived, and what re-drawing and shrinking does to all weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from reluprobe.config import choices
from reluprobe.config.choices import REVIVALS, UNIT_REVIVALS
from reluprobe.engine import revive, state
from reluprobe.measures import tallies
from revived_lanes import (
    DEPTH,
    WIDTH,
    arrays_of,
    moved,
    network_of,
    start,
)

# --- which units -------------------------------------------------------------------------------


def tally_of(mean: np.ndarray) -> tallies.Tally:
    examples = 50
    whole = tallies.empty([mean.shape[1]] * len(mean))
    return whole._replace(total=jnp.asarray(mean * examples), examples=jnp.float32(examples))


@settings(max_examples=20)
@given(seed=st.integers(0, 999), threshold=st.sampled_from([None, 0.0, 0.1, 0.5, 1.0]))
def test_dormant_is_a_score_over_the_layers_mean_at_or_below_tau(seed: int, threshold: Any):
    rng = np.random.default_rng(seed)
    mean = np.float32(rng.exponential(size=(2, WIDTH)) ** 3)  # its median is far below its mean
    mean[:, 0] = 0
    dial = {} if threshold is None else {"revive_threshold": threshold}
    _, hyper, spec = start(depth=2, revive_definition="dormant", **dial)
    scores = mean / mean.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(scores.mean(axis=1), 1, rtol=1e-6)
    tau = 0.025 if threshold is None else threshold
    clear = np.abs(scores - tau) > 1e-5  # neither side of a rounding error
    got = np.asarray(revive.dead_mask(spec, hyper, tally_of(mean)))
    np.testing.assert_array_equal(got[clear], (scores <= tau)[clear])
    assert got[:, 0].all()


@pytest.mark.parametrize("definition", choices.DEFINITIONS)
def test_the_units_marked_are_those_of_the_chosen_definition(definition: str):
    _, hyper, spec = start(revive_definition=definition, depth=1, activation="relu6")
    kinds = len(choices.DEFINITIONS)
    own = np.zeros(kinds, bool)
    own[choices.DEFINITIONS.index(definition)] = True
    flat = tallies.empty([kinds])
    flags = ("dead", "silent", "never_positive", "saturated", "linear")
    named = {n: own[None] & (n == definition) for n in flags}
    fired = np.where(own & (definition == "rare"), 1, 500)[None]
    same = own[None] & (definition == "constant")
    mean = np.where(own & (definition == "dormant"), 0.0, 1.0)[None]
    tally = flat._replace(
        **{n: jnp.asarray(x) for n, x in named.items()},
        highest=jnp.where(jnp.asarray(same), 2.0, 3.0),
        lowest=jnp.full((1, kinds), 2.0),
        total=jnp.asarray(mean, jnp.float32),
        examples=jnp.float32(1),
        fired=jnp.asarray(fired, jnp.uint32),
        values=jnp.full(1, 1000, jnp.uint32),
    )
    np.testing.assert_array_equal(revive.dead_mask(spec, hyper, tally), own[None])


def test_where_no_unit_is_picked_out_none_is_marked():
    for how in ("none", "redraw", "shrink_perturb"):
        lane, hyper, spec = start(revive=how)
        assert lane.dead_mask is None
        assert revive.dead_mask(spec, hyper, tally_of(np.ones((DEPTH, WIDTH)))) is None


def test_random_takes_as_many_of_each_layer_and_any_of_them():
    dead_mask = jnp.arange(WIDTH)[None] < jnp.array([0, 1, 3, WIDTH])[:, None]
    keys = jax.random.split(jax.random.key(0), 4000)
    drawn = np.asarray(
        jax.jit(jax.vmap(lambda key: revive.as_many(dead_mask, key, [WIDTH] * 4)))(keys)
    )
    np.testing.assert_array_equal(drawn.sum(axis=2), np.tile([0, 1, 3, WIDTH], (4000, 1)))
    shares = drawn.mean(axis=0)
    for layer, count in ((1, 1), (2, 3)):
        chance = count / WIDTH
        assert np.abs(shares[layer] - chance).max() < 5 * np.sqrt(chance * (1 - chance) / 4000)
    # Two places of one layer are drawn without replacement: both with chance 3/8 · 2/7.
    assert abs(drawn[:, 2, :2].all(axis=1).mean() - 6 / 56) < 0.025


# --- redraw, shrink_perturb --------------------------------------------------------------------


def section_at(epoch: int, revives: bool = True) -> state.Segment:
    place = jnp.int32(epoch), jnp.int32(0), jnp.int32(3)
    flags, sizes = (jnp.bool_(True), jnp.bool_(False)), (jnp.int32(20), jnp.int32(0))
    return state.Segment(*place, *flags, *sizes, jnp.bool_(revives))


at_start = jax.jit(revive.at_start, static_argnums=0)


@pytest.fixture(scope="module")
def redrawn() -> Callable[..., Any]:
    lane, hyper, spec = start(
        revive="redraw", redraw_scale=0.4, width=80, freeze_layers=1, freeze_after=2, init="normal"
    )
    lane = moved(lane, hyper, spec)
    network = network_of(spec, lane.weights)
    network.hidden[1].kernel[...] = network.hidden[1].kernel[...].at[:5].set(0.0)
    lane = lane._replace(weights=nnx.state(network))

    def go(epoch: int, revives: bool = True) -> Any:
        after, count = at_start(spec, section_at(epoch, revives), lane, hyper)
        return lane, after, arrays_of(network), arrays_of(network_of(spec, after.weights)), count

    return go


@pytest.mark.parametrize("epoch", [2, 3])
def test_redraw_changes_the_weights_not_above_zero_of_layers_that_train(redrawn: Any, epoch: int):
    lane, after, before, now, count = redrawn(epoch)
    assert not np.asarray(count).any()
    jax.tree.map(np.testing.assert_array_equal, lane.optimizer, after.optimizer)
    drawn = []
    for name, old in before.items():
        redrawn_here = name.startswith("hidden") and name.endswith("kernel")
        still = epoch > 2 and name.startswith("hidden.0")
        mask = old <= 0 if redrawn_here and not still else np.zeros(old.shape, bool)
        np.testing.assert_array_equal(now[name] != old, mask, name)
        drawn.append(now[name][mask])
    whole = np.concatenate(drawn)
    assert len(whole) > 2000
    assert stats.kstest(whole, stats.norm(0, 0.4).cdf).pvalue > 1e-4


def test_nothing_is_done_where_the_section_does_not_say_so(redrawn: Any):
    lane, after, *_ = redrawn(2, revives=False)
    jax.tree.map(np.testing.assert_array_equal, lane, after)


@pytest.mark.parametrize("dials", [{}, {"shrink": 0.8, "perturb": 0.0}, {"perturb": 0.3}], ids=str)
def test_shrink_perturb_is_a_factor_and_noise_on_every_weight_and_bias(dials: Any):
    lane, hyper, spec = start(revive="shrink_perturb", width=40, bias_init=0.2, **dials)
    after, count = at_start(spec, section_at(2), lane, hyper)
    before, now = (arrays_of(network_of(spec, x.weights)) for x in (lane, after))
    shrink, perturb = dials.get("shrink", 0.5), dials.get("perturb", 0.01)
    noise = {n: now[n] - np.float32(shrink) * old for n, old in before.items()}
    assert len(noise) == 2 * (DEPTH + 1) and not np.asarray(count).any()
    if perturb == 0:
        assert not any(x.any() for x in noise.values())
        return
    assert all((x != 0).all() for x in noise.values())
    whole = np.concatenate([x.ravel() for x in noise.values()])
    assert stats.kstest(whole, stats.norm(0, perturb).cdf).pvalue > 1e-4
    jax.tree.map(np.testing.assert_array_equal, lane.optimizer, after.optimizer)


@pytest.mark.parametrize("epoch", [1, 2])
@pytest.mark.parametrize("how", [how for how in REVIVALS if how != "none"])
def test_reviving_changes_no_bit_of_a_layer_that_stands_still_and_draws_none_of_its_units(
    how: str, epoch: int
):
    held = 2 if epoch > 1 else 0
    more = dict(norm="batch") if how in UNIT_REVIVALS else {}
    lane, hyper, spec = start(revive=how, depth=3, freeze_layers=2, freeze_after=1, **more)
    lane = moved(lane, hyper, spec)
    if lane.dead_mask is not None:
        lane = lane._replace(dead_mask=jnp.ones_like(lane.dead_mask))
    after, drawn = at_start(spec, section_at(epoch), lane, hyper)
    before, now = (arrays_of(network_of(spec, x.weights)) for x in (lane, after))
    for name, old in before.items():
        place = name.split(".")
        if place[0] == "output" or int(place[1]) >= held:
            changes = name.startswith("hidden") and name.endswith("kernel")
            assert not changes or (now[name] != old).any(), name
        else:
            assert now[name].tobytes() == old.tobytes(), name
    expected = held if how in UNIT_REVIVALS else 3
    assert np.asarray(drawn).any(axis=1).tolist() == [n >= expected for n in range(3)]


def test_epochs_and_seeds_draw_anew():
    kernels = []
    for seed, epoch in ((3, 2), (3, 3), (4, 2)):
        lane, hyper, spec = start(revive="shrink_perturb", seed=seed, shrink=0.0)
        after, _ = at_start(spec, section_at(epoch), lane, hyper)
        kernels.append(arrays_of(network_of(spec, after.weights))["hidden.1.kernel"])
    pairs = ((0, 1), (0, 2), (1, 2))
    assert all(
        abs(np.corrcoef(kernels[i].ravel(), kernels[j].ravel())[0, 1]) < 0.5 for i, j in pairs
    )
