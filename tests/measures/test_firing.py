"""Firing rates: counts of z > 0 and of f′ ≠ 0 against NumPy, and what follows from them."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reluprobe.config import choices, make_run
from reluprobe.engine.firing_rates import firing, movement, states
from reluprobe.measures import tallies
from reluprobe.measures.tallies import Tally
from reluprobe.nn import activations
from reluprobe.records.looks import FIRING_BINS
from training_segments import BATCH, CLASSES, COUNT, FEATURES, run_segment, segment_of, start_of

RELU = activations.INDEX["relu"]
LAYERS, EXAMPLES, UNITS = 2, 120, 9
add = jax.jit(tallies.add)


def parameter(name: str) -> float:
    return activations.activation_parameter(make_run({"activation": name}))


def pre_activations(seed: int) -> np.ndarray:
    """From always far below to always far above; in most units with zeros among them."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((LAYERS, EXAMPLES, UNITS)) * 3 + np.linspace(-30, 30, UNITS)
    zero = (rng.random(z.shape) < 0.05) & (np.arange(UNITS) < 7)
    return np.where(zero, 0.0, z).astype(np.float32)


def tallied(name: str, z: np.ndarray, sizes: tuple[int, ...] = (EXAMPLES,)) -> Tally:
    """A tally of pieces of so many examples, each filled up with its last one."""
    tally, start = tallies.empty([z.shape[2]] * len(z)), 0
    for size in sizes:
        chosen = np.minimum(start + np.arange(max(sizes)), start + size - 1)
        counts = jnp.asarray(np.arange(max(sizes)) < size, jnp.float32)
        index, p = jnp.int32(activations.INDEX[name]), jnp.float32(parameter(name))
        tally, start = add(tally, z[:, chosen], counts, index, p), start + size
    assert start == z.shape[1]
    return tally


@pytest.mark.parametrize("name", choices.ACTIVATIONS)
def test_counts_are_numpys_and_those_of_pieces_add_up(name: str):
    z = pre_activations(1)
    slope = np.vectorize(
        jax.grad(lambda z: activations.activate(activations.INDEX[name], z, parameter(name)))
    )
    slopes = slope(z[0, :6])
    whole, pieces = tallied(name, z), tallied(name, z, (50, 50, 20))
    fired = (z > 0).sum(axis=1)
    np.testing.assert_array_equal(whole.fired, fired)
    assert (whole.values == EXAMPLES).all() and whole.fired.dtype == jnp.uint32
    np.testing.assert_array_equal(tallied(name, z[:1, :6], (6,)).sloped[0], (slopes != 0).sum(0))
    for part in ("fired", "sloped", "values", "quiet"):
        np.testing.assert_array_equal(getattr(whole, part), getattr(pieces, part), part)
    answers = tallies.answer(whole)
    np.testing.assert_array_equal(answers.dead, whole.sloped == 0)
    share = np.asarray(tallies.rates(whole).magnitude)
    np.testing.assert_allclose(share, np.asarray(whole.total) / EXAMPLES, rtol=1e-6)


@pytest.mark.parametrize("name", choices.ACTIVATIONS)
def test_linear_is_a_firing_rate_of_one_but_where_f_is_clipped_or_curved(name: str):
    z = pre_activations(2)
    linear = np.asarray(tallies.answer(tallied(name, z)).linear)
    straight = activations.ACTIVATIONS[name].straight
    assert (straight is None) == (name in choices.CURVED)
    low, high = straight or (np.inf, -np.inf)
    np.testing.assert_array_equal(linear, ((low < z) & (z < high)).all(axis=1))
    if straight == (0, np.inf):
        np.testing.assert_array_equal(linear, (z > 0).all(axis=1))
        assert linear.any()


def test_a_unit_of_three_in_sixty_thousand_is_rare_there_and_dead_on_a_probe_without_them():
    z = np.full((1, 60_000, 3), -1.0, np.float32)
    z[0, [5, 30_000, 59_999], 0] = 0.5  # fires on three
    z[0, ::50, 1] = 2.0  # on 2%
    train = tallies.answer(tallied("relu", z, (1000,) * 60))
    assert train.rare.tolist() == [[True, False, False]]
    assert train.dead.tolist() == [[False, False, True]]
    probe = tallies.answer(tallied("relu", z[:, 1000:2000], (1000,)))
    assert probe.dead.tolist() == [[True, False, True]] and not probe.rare.any()


@pytest.mark.parametrize(("fired", "expected"), [(0, False), (1, True), (10, True), (11, False)])
def test_rare_ends_at_exactly_a_hundredth(fired: int, expected: bool):
    z = np.where(np.arange(1000) < fired, 1.0, -1.0).astype(np.float32)[None, :, None]
    assert bool(tallies.answer(tallied("relu", z, (1000,))).rare[0, 0]) == expected
    stricter = tallies.answer(tallied("relu", z, (1000,)), rare_threshold=0.002)
    assert bool(stricter.rare[0, 0]) == (0 < fired <= 2)


def test_dead_data_are_examples_on_which_a_whole_layer_is_silent():
    z = np.ones((2, 10, 4), np.float32)
    z[0, :3] = -1.0  # all of the first layer's units are off on three examples
    z[1, :9, :3] = -1.0  # the second's last unit is never off
    rates = tallies.rates(tallied("relu", z, (10,)))
    np.testing.assert_allclose(rates.dead_data, [0.3, 0.0])
    # Of channels: at all positions.
    maps = (np.where(np.arange(10)[:, None, None] < 4, -1.0, z[0, :, None, :]).repeat(5, axis=1),)
    maps[0][0, 2, 1] = 1.0
    tally = tallies.add(tallies.empty([4]), maps, jnp.ones(10), RELU, 0.0)
    np.testing.assert_allclose(tallies.rates(tally).dead_data, [0.3])
    assert tally.values.tolist() == [50] and tally.fired.tolist() == [[30, 31, 30, 30]]


def test_a_histogram_holds_every_unit_in_the_bin_of_its_rate():
    counts = np.array([0, 1, 2, 10, 11, 100, 101, 500, 501, 900, 901, 990, 991, 999, 1000])
    assert firing(counts, 1000) == (1, 1, 2, 2, 2, 2, 2, 2, 1)
    rng = np.random.default_rng(0)
    for values in (1, 7, 1000, 60_000):
        drawn = rng.integers(0, values + 1, 300)
        bins = firing(drawn, values)
        assert len(bins) == FIRING_BINS and sum(bins) == 300
        assert (bins[0], bins[-1]) == ((drawn == 0).sum(), (drawn == values).sum())
    assert firing(np.array([1, 1]), 1) == (0, 0, 0, 0, 0, 0, 0, 0, 2)


def test_a_state_is_the_first_that_holds_and_paces_are_of_those_that_stayed():
    masks = {n: np.zeros((1, 5), bool) for n in choices.DEFINITIONS}
    masks["dead"][0, :2], masks["rare"][0, 1:3], masks["linear"][0, 3] = True, True, True
    assert states(masks).tolist() == [[0, 0, 1, 2, 3]]
    moved = np.array([0.0, 0.5, 0.25, np.inf, 1.0], np.float32)
    own = movement(moved, np.array([0, 0, 1, 2, -1]))
    assert own.dead is not None and (own.dead.units, own.dead.mean, own.dead.most) == (2, 0.25, 0.5)
    assert own.rare is not None and own.rare.mean == 0.25
    assert own.linear is None and own.healthy is None  # one from nowhere, one that changed


def numpy_paces(before, after) -> np.ndarray:
    """Of every unit, in float64."""
    rows = []
    for (w, b), (v, c) in zip(before, after, strict=True):
        old, new = (np.vstack([x, y[None]]).astype(np.float64) for x, y in ((w, b), (v, c)))
        rows.append(np.linalg.norm(new - old, axis=0) / np.linalg.norm(old, axis=0))
    return np.array(rows)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_movement_is_numpys_and_an_sgd_dead_unit_stands_still(
    optimizer: str, arrays, layers_of, with_layers
):
    from flax import nnx

    config = make_run(
        dict(depth=2, width=8, batch_size=BATCH, learning_rate=0.05, optimizer=optimizer, seed=1)
    )
    lane, hyper, spec = start_of(config, FEATURES, CLASSES, COUNT)
    layers = layers_of(nnx.merge(spec.graph, lane.weights))
    layers[0] = layers[0][0], np.where(np.arange(8) < 2, -50.0, 0.0).astype(np.float32)
    lane = lane._replace(weights=with_layers((spec.graph, lane.weights), layers))
    after, report = run_segment(spec, arrays, segment_of(1), lane, hyper)
    new = layers_of(nnx.merge(spec.graph, after.weights))
    expected = numpy_paces(layers[:2], new[:2])
    np.testing.assert_allclose(report.moved, expected, rtol=1e-4, atol=1e-7)
    assert report.units.dead[0, 0, :2].all()
    if optimizer == "sgd":
        assert (np.asarray(report.moved)[0, :2] == 0).all() and (expected[0, 2:] > 0).all()
    else:  # never had a gradient: Adam's moments are 0, too
        assert (np.asarray(report.moved)[0, :2] == 0).all()
