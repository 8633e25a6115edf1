"""Born dead: closed forms, simulation against them, RAI, the command."""

import jax
import numpy as np
import pytest
from flax import nnx

from reluprobe import grid, model, zoo
from reluprobe.config import idle_settings, make_run
from reluprobe.config.names import INITS


def vectors(n_in, n_out, seed=0):
    """RAI's vectors, a row a unit: n_in weights, then the bias."""
    weights, bias = zoo.rai(jax.random.key(seed), n_in, n_out)
    assert weights.shape == (n_in, n_out)
    assert bias.shape == (n_out,)
    return np.vstack([weights, bias]).T


def replaced(n_in, n_out, seed=0):
    """Which component of each unit is the Beta draw: the one that n_out alone does not move."""
    key = jax.random.key(seed)
    normal = jax.random.normal(jax.random.split(key, 3)[0], (n_in + 1, n_out))
    normal = np.asarray(normal) * np.float32(0.6007 / np.sqrt(n_in))
    return ~np.isclose(vectors(n_in, n_out, seed), normal.T, rtol=1e-5)


@pytest.mark.parametrize("n_in", [1, 2, 7])
def test_rai_replaces_one_component_of_every_unit_each_as_often(n_in):
    chosen = replaced(n_in, 20_000)
    assert (chosen.sum(axis=1) == 1).all()
    share, expected = chosen.mean(axis=0), 1 / (n_in + 1)
    assert np.abs(share - expected).max() < 4 * np.sqrt(expected * (1 - expected) / 20_000)


def test_rai_draws_beta_and_normal_components():
    drawn, chosen = vectors(9, 50_000), replaced(9, 50_000)
    beta, normal = drawn[chosen], drawn[~chosen]
    assert beta.min() >= 0
    assert beta.max() <= 1
    assert beta.mean() == pytest.approx(2 / 3, abs=4 * np.sqrt(1 / 18 / beta.size))
    assert beta.var() == pytest.approx(1 / 18, rel=0.03)
    deviation = 0.6007 / 3
    assert normal.mean() == pytest.approx(0, abs=4 * deviation / np.sqrt(normal.size))
    assert normal.std() == pytest.approx(deviation, rel=0.01)


def test_a_network_with_rai_has_drawn_biases_in_every_layer():
    config = make_run({"init": "rai", "depth": 2, "width": 16})
    network = model.make(config, 5, 3, nnx.Rngs(0))
    for layer in (*network.hidden, network.output):
        assert np.all(layer.bias[...] != 0)
    again = model.make(config, 5, 3, nnx.Rngs(0))
    assert np.array_equal(network.hidden[1].kernel[...], again.hidden[1].kernel[...])


def test_bias_init_has_no_effect_with_rai():
    plain, biased = make_run({"init": "rai"}), make_run({"init": "rai", "bias_init": 0.5})
    assert grid.run_id(plain) == grid.run_id(biased)
    (reason,) = idle_settings({"init": "rai", "bias_init": 0.5})
    assert reason == "bias_init has no effect with init = rai"
    assert make_run({"bias_init": 0.5}).bias_init == 0.5


def test_rai_changes_no_other_run():
    """The default run's id, and its weights as the library's initializer alone draws them."""
    config = make_run({})
    assert grid.run_id(config) == "44136fa355b3"
    network = model.make(config, 784, 10, nnx.Rngs(jax.random.key(42)))
    rngs = nnx.Rngs(jax.random.key(42))
    glorot = jax.nn.initializers.glorot_uniform()
    for layer in (*network.hidden, network.output):
        expected = glorot(rngs.params(), layer.kernel.shape, np.float32)
        rngs.params()  # the bias's key
        assert np.array_equal(layer.kernel[...], expected)
        assert not np.any(layer.bias[...])


@pytest.mark.parametrize("init", INITS)
def test_every_init_draws_a_layer(init):
    config = make_run({"init": init, **({} if init == "rai" else {"bias_init": 0.25})})
    weights, bias = zoo.layer_initializer(config)(jax.random.key(1), 6, 4)
    alone = zoo.initializer(config)(jax.random.key(1), (6, 4), np.float32)
    assert np.array_equal(weights, alone)
    assert weights.dtype == bias.dtype == np.float32
    assert init == "rai" or np.all(np.asarray(bias) == 0.25)
