"""Layers of unequal shapes: what is measured of each is what is measured of it alone."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reluprobe.measures import activation_stats, definitions, tallies
from reluprobe.nn import activations

EXAMPLES = 40
#: Dense layers and channels with positions, the widest neither first nor last.
SHAPES = [(3, 2, 4), (9,), (2,), (5, 5, 3)]
SIZES = [4, 9, 2, 3]
NAMES = ["relu", "relu6", "tanh"]


@pytest.fixture(scope="module")
def z() -> tuple[jax.Array, ...]:
    rng = np.random.default_rng(0)
    layers = []
    for shape in SHAPES:
        values = rng.normal(-1.0, 1.5, (EXAMPLES, *shape))
        values[..., 0] = -np.abs(values[..., 0])  # a unit that never fires
        layers.append(jnp.asarray(values, jnp.float32))
    return tuple(layers)


def alone(layer: jax.Array) -> jax.Array:
    """A layer of one, its positions as further examples."""
    return layer.reshape(1, -1, layer.shape[-1])


@pytest.mark.parametrize("name", NAMES)
def test_each_layer_is_answered_as_if_it_were_alone(name: str, z: Any):
    index = activations.INDEX[name]
    tally = tallies.add(tallies.empty(SIZES), z, jnp.ones(EXAMPLES), index, 0.0)
    together = tallies.answer(tally)
    for n, (layer, units) in enumerate(zip(z, SIZES, strict=True)):
        by_itself = tallies.probe(alone(layer), index, 0.0)
        for definition in definitions.UnitStatistics._fields:
            row = np.asarray(getattr(together, definition)[n])
            assert row[:units].tolist() == np.asarray(getattr(by_itself, definition)[0]).tolist()
            assert not row[units:].any(), "a place that is no unit of its layer counts nowhere"
    assert together.dead.sum() >= (len(SIZES) if name == "relu" else 0)


def test_batches_add_up_and_repetitions_count_once(z: Any):
    index = activations.INDEX["relu"]
    whole = tallies.add(tallies.empty(SIZES), z, jnp.ones(EXAMPLES), index, 0.0)
    parts = tallies.empty(SIZES)
    for start, stop in ((0, 25), (25, 40)):
        chosen = np.minimum(np.arange(start, start + 25), stop - 1)
        counts = jnp.asarray(np.arange(start, start + 25) < stop, jnp.float32)
        parts = tallies.add(parts, tuple(layer[chosen] for layer in z), counts, index, 0.0)
    assert float(parts.examples) == EXAMPLES
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_statistics_of_each_layer_are_those_of_numpy(z: Any):
    counts = jnp.asarray(np.arange(EXAMPLES) < 30, jnp.float32)
    filled = tuple(layer.at[30:].set(layer[29]) for layer in z)
    stats = activation_stats.describe(filled, counts, activations.INDEX["relu"], 0.0)
    for n, layer in enumerate(z):
        values = np.asarray(layer[:30], np.float64)
        a = np.maximum(values, 0)
        got = [float(getattr(stats, name)[n]) for name in ("mean", "variance", "zeros", "second")]
        due = [a.mean(), a.var(), (a == 0).mean(), (values**2).mean()]
        np.testing.assert_allclose(got, due, rtol=1e-4)
        assert int(stats.counts[n].sum()) == a.size


def test_a_layers_learned_slope_is_its_own(z: Any):
    slopes = jnp.asarray([0.0, 0.5, 0.0, 0.25]).reshape(4, 1, 1)
    index = activations.INDEX["prelu"]
    tally = tallies.add(tallies.empty(SIZES), z, jnp.ones(EXAMPLES), index, slopes)
    dead = np.asarray(tallies.answer(tally).dead)
    assert dead[[0, 2], 0].all() and not dead[[1, 3]].any()
