"""Networks of Flax and Equinox, beside what their own ways of looking inside give."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx

from foreign_networks import DEAD, dead, look, normal
from reluprobe.foreign.probe import Probe

IMAGES = np.asarray(normal(0, 8, 6, 6, 2))


class LinenNet(linen.Module):
    @linen.compact
    def __call__(self, x: Any) -> Any:
        x = linen.Conv(5, (3, 3), name="conv")(x)
        x = linen.BatchNorm(use_running_average=True, name="norm")(x)
        x = self.perturb("first", x)
        x = linen.max_pool(linen.relu(x), (2, 2), (2, 2))
        x = linen.Dense(7, name="dense")(x.reshape(len(x), -1))
        return linen.Dense(3, name="out")(linen.silu(x))


def test_a_linen_network_is_as_its_captured_intermediates_have_it() -> None:
    model = LinenNet()
    variables = jax.tree.map(lambda leaf: leaf, model.init(jax.random.key(0), IMAGES))
    variables = {name: variables[name] for name in ("params", "batch_stats")}
    variables["params"]["norm"]["bias"] = jnp.zeros(5).at[jnp.array([1, 4])].set(-9)
    variables["params"]["dense"]["bias"] = jnp.zeros(7).at[3].set(DEAD)
    layers, coverage = look(model.apply, variables, IMAGES)
    _, captured = model.apply(variables, IMAGES, capture_intermediates=True)
    z = captured["intermediates"]
    assert list(layers) == ["conv", "dense"]
    normed, dense = (np.asarray(z[name]["__call__"][0]) for name in ("norm", "dense"))
    conv = layers["conv"]
    assert (conv.activation, conv.units, conv.positions) == ("relu", 5, 36)
    np.testing.assert_array_equal(conv.dead, (normed <= 0).all((0, 1, 2)))
    slopes = jax.vmap(jax.vmap(jax.grad(linen.silu)))(dense)
    np.testing.assert_array_equal(layers["dense"].dead, (slopes == 0).all(0))
    np.testing.assert_array_equal(layers["dense"].never_positive, (dense <= 0).all(0))
    assert dead(layers)["dense"] == [3]
    assert coverage.notes == ("batch norm used its running averages: conv",)


class Block(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.up = nnx.Linear(4, 6, rngs=rngs)
        self.down = nnx.Linear(6, 4, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        z = self.up(x)
        self.sow(nnx.Intermediate, "z", z)
        return x + self.down(nnx.relu(z))


class NNXNet(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.blocks = nnx.List([Block(rngs) for _ in range(2)])
        self.drop = nnx.Dropout(0.5, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        for block in self.blocks:
            x = self.drop(block(x))
        return x


@pytest.mark.filterwarnings("ignore:.*sow:DeprecationWarning")
def test_an_nnx_network_is_as_what_it_sows_has_it() -> None:
    model = NNXNet(nnx.Rngs(0))
    for number, block in enumerate(model.blocks):
        block.up.bias[...] = jnp.zeros(6).at[number].set(DEAD)
    model.eval()
    x = np.asarray(normal(1, 9, 4))
    definition, state = nnx.split(model)
    layers, _ = look(lambda state, x: nnx.merge(definition, state)(x), state, x)
    _, sown = nnx.capture(model, nnx.Intermediate)(x)
    sown = nnx.to_pure_dict(sown)
    for number in (0, 1):
        z = np.asarray(sown["blocks"][number]["z"][0])
        layer = layers[f"blocks.{number}.up"]
        np.testing.assert_array_equal(layer.dead, (z <= 0).all(0))
        np.testing.assert_array_equal(layer.linear, (z > 0).all(0))
        assert layer.dead[number]
        assert layer.where.startswith("test_frameworks.py:")


def test_weights_closed_over_are_known_by_their_array() -> None:
    first, second = normal(1, 4, 6), normal(2, 6, 4)
    names = {id(first): "first.kernel"}
    probe = Probe(
        lambda _, x: jax.nn.relu(jax.nn.relu(x @ first) @ second) @ second.T,
        (),
        names=lambda array: names.get(id(array)),
    )
    layers, _ = probe.answer(probe.add(None, (), np.asarray(normal(3, 9, 4))), ())
    assert [layer.name for layer in layers] == ["first", "constant[6,4]"]


def test_an_equinox_network_is_as_its_layers_called_by_hand_have_it() -> None:
    eqx = pytest.importorskip("equinox")
    keys = jax.random.split(jax.random.key(0), 3)
    model = eqx.nn.Sequential(
        [
            eqx.nn.Conv2d(2, 5, 3, key=keys[0]),
            eqx.nn.Lambda(jax.nn.relu),
            eqx.nn.Lambda(jnp.ravel),
            eqx.nn.Linear(80, 7, key=keys[1]),
            eqx.nn.Lambda(jax.nn.gelu),
            eqx.nn.Linear(7, 3, key=keys[2]),
        ]
    )
    bias = model.layers[0].bias.at[2].set(DEAD)
    model = eqx.tree_at(lambda m: m.layers[0].bias, model, bias)
    params, static = eqx.partition(model, eqx.is_array)
    images = IMAGES.transpose(0, 3, 1, 2)
    layers, _ = look(lambda p, x: jax.vmap(eqx.combine(p, static))(x), params, images)
    z = np.asarray(jax.vmap(model.layers[0])(images))
    (conv, dense) = layers.values()
    assert (conv.name, conv.units, dense.name) == ("layers.0", 5, "layers.3")
    np.testing.assert_array_equal(conv.dead, (z <= 0).all((0, 2, 3)))
    assert conv.dead[2]
