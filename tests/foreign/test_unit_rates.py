"""How often units of somebody else's network fire, and which never bend: beside NumPy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import reluprobe as rp
from foreign_networks import apply, dense, look, normal
from reluprobe import records
from reluprobe.foreign import activation_names, recorder
from reluprobe.foreign.result import Layer, Look
from reluprobe.records.masks import unpack
from reluprobe.records.unit_numbers import fired, magnitudes, sloped

X = np.asarray(normal(0, 400, 3))
#: Of eight units: never, on one example, rarely, in between, and always; at several scales.
BIAS = np.array([-99, 0, 0, 0, 0, 1, 2, 99], np.float32)
PARAMS = {"up": {"kernel": normal(1, 3, 8), "bias": jnp.asarray(BIAS)}, "down": dense(2, 8, 2)}
# The third fires on two examples of 400.
HIGHEST = np.sort(np.asarray(X @ PARAMS["up"]["kernel"])[:, 2])[::-1]
PARAMS["up"]["bias"] = PARAMS["up"]["bias"].at[2].set(-HIGHEST[1:3].mean())
Z = np.asarray(apply(PARAMS["up"], X))


def layer_of(f: Callable[[Any], Any], *batches: np.ndarray, params: Any = PARAMS) -> Layer:
    """The layer before this activation."""
    layers, _ = look(
        lambda params, x: apply(params["down"], f(apply(params["up"], x))), params, *batches
    )
    return layers["up"]


def test_the_hand_made_units_are_of_every_kind():
    counts = (Z > 0).sum(0)
    assert counts[0] == 0 and counts[-1] == len(X)
    assert counts[2] == 2 and ((counts > 4) & (counts < 396)).sum() >= 3


@pytest.mark.parametrize("cut", [[400], [150, 250], [1, 399]])
def test_a_relus_counts_are_numpys(cut: list[int]):
    layer = layer_of(jax.nn.relu, *np.split(X, np.cumsum(cut)[:-1]))
    np.testing.assert_array_equal(layer.fired, (Z > 0).sum(0))
    np.testing.assert_array_equal(layer.firing_rate, (Z > 0).mean(0))
    np.testing.assert_array_equal(layer.gradient_rate, layer.firing_rate)
    np.testing.assert_allclose(layer.magnitude, np.maximum(Z, 0).mean(0), rtol=1e-5)
    np.testing.assert_array_equal(layer.linear, (Z > 0).all(0))
    assert np.flatnonzero(layer.rare).tolist() == [2]
    assert layer.values == 400


@pytest.mark.parametrize(
    "f, low, high",
    [
        (jax.nn.relu6, 0, 6),
        (jax.nn.hard_tanh, -1, 1),
        (jax.nn.hard_sigmoid, -3, 3),
        (lambda z: jnp.clip(z, -8, 14), -8, 14),
    ],
)
def test_a_clipped_unit_is_linear_strictly_between_the_clips(f: Any, low: float, high: float):
    bias = jnp.array([(low + high) / 2] * 3 + [0, low, high, high + 99, low - 99])
    kernel = np.asarray(PARAMS["up"]["kernel"]) * [[0, 0.01, 0.1, 1, 1, 1, 1, 1]] * (high - low)
    kernel = kernel.astype(np.float32)
    params = {**PARAMS, "up": {"kernel": kernel, "bias": bias}}
    z = np.asarray(apply(params["up"], X))
    layer = layer_of(f, X, params=params)
    expected = np.all((z > low) & (z < high), axis=0)
    assert expected[:2].all() and not expected[-4:].any()
    np.testing.assert_array_equal(layer.linear, expected)
    np.testing.assert_array_equal(layer.fired, (z > 0).sum(0))
    assert layer.gradient_rate is None


def test_at_a_clip_itself_a_unit_is_not_linear():
    params = {"up": {"kernel": jnp.zeros((3, 4)), "bias": jnp.array([0.0, 6.0, 3.0, -1.0])}}
    layer = layer_of(jax.nn.relu6, X, params={**params, "down": dense(2, 4, 2)})
    assert layer.linear is not None
    assert layer.linear.tolist() == [False, False, True, False]


BENT = [jnp.tanh, jax.nn.sigmoid, jax.nn.gelu, jax.nn.silu, jax.nn.softplus, jax.nn.mish]


@pytest.mark.parametrize("f", [*BENT, lambda z: jax.nn.relu(-z)])
def test_what_bends_everywhere_or_is_not_known_has_no_linear_units(f: Any):
    layer = layer_of(f, X)
    assert layer.linear is None and layer.share("linear") is None and layer.gradient_rate is None
    np.testing.assert_array_equal(layer.fired, (Z > 0).sum(0))


@pytest.mark.parametrize("f", [jax.nn.leaky_relu, jax.nn.elu, jax.nn.selu, lambda z: 2 * abs(z)])
def test_what_is_straight_above_0_is_linear_there(f: Any):
    np.testing.assert_array_equal(layer_of(f, X).linear, (Z > 0).all(0))


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
@pytest.mark.parametrize("name", ["relu", "relu6", "tanh", "gelu", "silu", "sigmoid", "hard_tanh"])
def test_in_16_bits_activations_have_their_names(name: str, dtype: Any):
    params = jax.tree.map(lambda leaf: leaf.astype(dtype), PARAMS)
    layer = layer_of(getattr(jax.nn, name), X.astype(dtype), params=params)
    assert layer.activation.removesuffix("_tanh" if name == "gelu" else "") == name
    assert (layer.linear is None) == (name in ("tanh", "gelu", "silu", "sigmoid"))


@pytest.mark.parametrize("f, half", [(jax.nn.relu, 0), (lambda z: jnp.maximum(z, 0), 1)])
def test_where_z_is_0_a_maximum_has_half_a_slope(f: Any, half: int):
    params = {"up": {"kernel": jnp.zeros((3, 2)), "bias": jnp.array([0.0, -1.0])}}
    layer = layer_of(f, X, params={**params, "down": dense(2, 2, 2)})
    assert layer.fired is not None and layer.gradient_rate is not None
    assert (layer.fired.tolist(), layer.gradient_rate.tolist()) == ([0, 0], [half, 0])
    np.testing.assert_array_equal(layer.gradient_rate == 0, layer.dead)


def test_what_goes_round_a_relu_has_slopes_that_were_not_counted():
    layers, _ = look(
        lambda p, x: apply(p["down"], jax.nn.relu(z := apply(p["up"], x))) + apply(p["down"], z),
        PARAMS,
        X,
    )
    assert layers["up"].bypassed and layers["up"].sloped is None


def test_a_channel_fires_at_its_positions():
    params = {"conv": {"kernel": normal(1, 3, 3, 2, 6), "bias": jnp.linspace(-30, 30, 6)}}
    params["out"] = dense(2, 6 * 16, 2)
    images = np.asarray(normal(3, 9, 4, 4, 2))

    def z_of(params: Any, x: Any) -> Any:
        layout = ("NHWC", "HWIO", "NHWC")
        kernel = params["conv"]["kernel"]
        z = jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=layout)
        return z + params["conv"]["bias"].reshape(1, 1, 1, 6)

    layers, _ = look(
        lambda p, x: apply(p["out"], jax.nn.relu(z_of(p, x)).reshape(len(x), -1)), params, images
    )
    z = np.asarray(z_of(params, images))
    conv = layers["conv"]
    assert conv.values == 9 * 16
    np.testing.assert_array_equal(conv.fired, (z > 0).sum((0, 1, 2)))
    np.testing.assert_array_equal(conv.linear, (z > 0).all((0, 1, 2)))
    assert conv.linear is not None and conv.linear.any()
    (layer,) = recorder.layer_records(_look(conv))
    assert layer.firing is not None and sum(layer.firing) == 6
    assert layer.firing[-1] == conv.linear.sum()


def _look(layer: Layer) -> Look:
    return Look((layer,), records.Coverage(), layer.examples)


def test_a_record_says_which_units_and_how_often(tmp_path: Path):
    def net(params: Any, x: Any) -> Any:
        return apply(params["down"], jax.nn.relu(apply(params["up"], x)))

    monitor = rp.Monitor(tmp_path, net, probe=X, params=PARAMS)
    for step in (0, 1):
        monitor(step, PARAMS)
    monitor.split("test", PARAMS, X[:100])
    assert monitor.record is not None
    record = records.read(records.write(monitor.record, tmp_path))
    (first,), (second,) = (look.layers for look in record.history)
    assert first.rates is not None and second.rates is None
    np.testing.assert_array_equal(fired(first.rates), (Z > 0).sum(0))
    np.testing.assert_array_equal(sloped(first.rates), (Z > 0).sum(0))
    np.testing.assert_allclose(magnitudes(first.rates), np.maximum(Z, 0).mean(0), rtol=1e-5)
    assert first.rates.sloped == "fired" and first.rates.values == 400
    for layer in (first, second):
        counts = (Z > 0).sum(0)
        ends = np.array([0, 0.4, 4, 40, 200, 360, 396, 399.5])
        places = np.searchsorted(ends, counts)
        assert layer.firing == tuple(np.bincount(places, minlength=9))
        np.testing.assert_array_equal(unpack(layer.linear_units, 8), counts == 400)
        np.testing.assert_array_equal(unpack(layer.rare_units, 8), (counts > 0) & (counts <= 4))
        assert layer.saturated_units is None and layer.movement is None
    (sample,) = record.samples
    (rates,) = (layer.rates for layer in sample.layers)
    assert rates is not None
    np.testing.assert_array_equal(fired(rates), (Z[:100] > 0).sum(0))


def test_a_unit_that_is_not_finite_is_in_no_bin_and_has_no_rate(tmp_path: Path):
    z = Z.copy()
    z[3, 4] = np.nan
    monitor = rp.Monitor(tmp_path)
    (layer,) = monitor.see(0, {"fc": (z, "relu")}).layers
    assert layer.firing_rate is not None and layer.gradient_rate is not None
    assert np.isnan(layer.firing_rate).tolist() == np.isnan(layer.gradient_rate).tolist()
    assert np.flatnonzero(np.isnan(layer.firing_rate)).tolist() == [4]
    assert monitor.record is not None
    (kept,) = records.read(records.write(monitor.record, tmp_path)).final.layers
    assert kept.firing is not None and kept.rates is not None
    assert (sum(kept.firing), kept.not_finite) == (7, 1)
    assert np.flatnonzero(np.isnan(magnitudes(kept.rates))).tolist() == [4]


def test_a_line_in_16_bits_is_still_no_activation():
    z = activation_names.sampling.grid(jnp.bfloat16)
    line = (z * 0.7 - 0.3).astype(jnp.bfloat16).astype(np.float64)
    assert activation_names.named(line, jnp.dtype(jnp.bfloat16)) == activation_names.AFFINE
