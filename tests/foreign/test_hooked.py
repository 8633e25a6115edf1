"""Pre-activations of somebody's own hooks: counted as ``rp.probe`` counts, axes folded as told."""

import numpy as np
import pytest

import reluprobe as rp
from reluprobe.errors import InputError
from reluprobe.foreign import hooked

Z = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)


@pytest.fixture
def z():
    planted = Z.copy()
    planted[:, 1] = -1 - np.abs(planted[:, 1])
    return planted


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "tanh", "leaky_relu(0.2)"])
def test_a_layer_is_counted_as_the_probe_counts_it(z, activation):
    (layer,) = hooked.look({"fc": (z, activation)}).layers
    expected = rp.probe(z, activation)
    for name in (*rp.DEFINITIONS, "firing_rate", "gradient_rate"):
        np.testing.assert_array_equal(getattr(layer, name), getattr(expected, name))
    assert (layer.units, layer.examples, layer.positions) == (4, 6, 1)


def test_positions_of_a_convolution_are_folded(z):
    pictures = np.stack([z, z + 0.5], axis=-1)[:, :, :, None]
    (layer,) = hooked.look({"conv": (pictures, "relu", 1)}).layers
    assert layer.dead.tolist() == [False, (z[:, 1] + 0.5 <= 0).all(), False, False]
    assert (layer.units, layer.examples, layer.positions) == (4, 6, 2)
    (last,) = hooked.look({"conv": (np.moveaxis(pictures, 1, -1), "relu", -1)}).layers
    np.testing.assert_array_equal(last.dead, layer.dead)


def test_a_unit_with_a_nan_is_neither_dead_nor_alive(z):
    z[2, 1] = np.nan
    (layer,) = hooked.look({"fc": (z, "relu")}).layers
    assert layer.not_finite.tolist() == [False, True, False, False]
    assert not layer.dead.any()


@pytest.mark.parametrize(
    "given, words",
    [
        ({}, "no pre-activation"),
        ({"fc": Z}, 'allowed is (z, "relu")'),
        ({"fc": (Z, "rleu")}, "did you mean 'relu'"),
        ({"fc": (Z[None], "relu")}, "which axis is the units'"),
        ({"fc": (Z, "relu", 0)}, "axis 0"),
        ({"fc": (Z, "relu", 5)}, "axis 5"),
        ({"fc": (Z[0], "relu")}, "of shape (4,)"),
        ({"fc": (Z[:0], "relu")}, "of shape (0, 4)"),
        ({"fc": (Z > 0, "relu")}, "z is of bool"),
        ({"a": (Z, "relu"), "b": (Z[:3], "relu")}, "layers of different examples"),
    ],
)
def test_what_is_no_pre_activation_is_said(given, words):
    with pytest.raises(InputError) as refused:
        hooked.look(given)
    assert words in str(refused.value)
