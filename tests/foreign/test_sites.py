"""What is an activation and what is none, on hand-made networks whose dead units are known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from foreign_networks import DEAD, apply, dead, dense, look, normal

X = np.asarray(normal(0, 24, 4))


def two_layers(*dying: int, width: int = 5) -> dict[str, Any]:
    return {"up": dense(1, 4, width, *dying), "down": dense(2, width, 3)}


def hidden(f: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    """A network with one hidden layer and this activation."""
    return lambda params, x: apply(params["down"], f(apply(params["up"], x)))


@jax.custom_jvp
def with_own_jvp(z: Any) -> Any:
    return jnp.maximum(z, 0)


@with_own_jvp.defjvp
def _(primals: Any, tangents: Any) -> Any:
    (z,), (t,) = primals, tangents
    return with_own_jvp(z), t * (z > -2000)  # it learns where it is flat


@jax.custom_vjp
def with_own_vjp(z: Any) -> Any:
    return jnp.maximum(z, 0)


with_own_vjp.defvjp(lambda z: (with_own_vjp(z), z), lambda z, g: (g * (z > 0),))

#: By name: f, its name for display, whether its slope is 0 at the dying units' z.
ACTIVATIONS = {
    "relu": (jax.nn.relu, "relu", True),
    "relu6": (jax.nn.relu6, "relu6", True),
    "leaky": (jax.nn.leaky_relu, "leaky_relu(0.01)", False),
    "elu": (jax.nn.elu, "elu", True),
    "selu": (jax.nn.selu, "selu", True),
    "celu": (lambda z: jax.nn.celu(z, 2.0), "celu(2)", True),
    "gelu_tanh": (jax.nn.gelu, "gelu_tanh", True),
    "gelu": (lambda z: jax.nn.gelu(z, approximate=False), "gelu", True),
    "silu": (jax.nn.silu, "silu", True),
    "softplus": (jax.nn.softplus, "softplus", True),
    "mish": (jax.nn.mish, "mish", True),
    "tanh": (jnp.tanh, "tanh", True),
    "sigmoid": (jax.nn.sigmoid, "sigmoid", True),
    "hard_tanh": (jax.nn.hard_tanh, "hard_tanh", True),
    "hard_sigmoid": (jax.nn.hard_sigmoid, "hard_sigmoid", True),
    "hard_swish": (jax.nn.hard_swish, "hard_swish", True),
    "softsign": (jax.nn.soft_sign, "softsign", False),
    "maximum": (lambda z: jnp.maximum(z, 0), "relu", True),
    "where": (lambda z: jnp.where(z > 0, z, 0), "relu", True),
    "product": (lambda z: z * (z > 0), "relu", True),
    "own jvp": (with_own_jvp, "relu", False),
    "own vjp": (with_own_vjp, "relu", True),
    "jitted": (jax.jit(jax.nn.relu), "relu", True),
    "checkpointed": (jax.checkpoint(jax.nn.relu), "relu", True),
    # Its slope is NaN where exp overflows, which is what reaches the weights.
    "written out": (lambda z: 1 / (1 + jnp.exp(-z)), "sigmoid", False),
    "scaled": (lambda z: 2 * jax.nn.relu(z) / 3, "relu", True),
    "squared": (lambda z: jax.nn.relu(z) ** 2, "relu²", True),
}


@pytest.fixture(scope="module")
def all_activations() -> tuple[Any, dict[str, Any], Any]:
    """One network with a layer of each activation, side by side."""
    params = {name: two_layers(1, 4) for name in ACTIVATIONS}

    def net(params: Any, x: Any) -> Any:
        return {name: hidden(f)(params[name], x) for name, (f, *_) in ACTIVATIONS.items()}

    return params, *look(net, params, X)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_is_seen_by_what_it_does(name: str, all_activations: Any) -> None:
    f, display, flat = ACTIVATIONS[name]
    params, layers, coverage = all_activations
    layer = layers[f"{name}.up"]
    z = apply(params[name]["up"], X)
    _, pull = jax.vjp(f, z)
    slopes = np.asarray(pull(jnp.ones_like(z))[0])
    assert (layer.activation, layer.units, layer.examples, layer.positions) == (display, 5, 24, 1)
    np.testing.assert_array_equal(layer.dead, (slopes == 0).all(0))
    assert layer.dead[[1, 4]].tolist() == [flat, flat]
    a = np.asarray(f(z))
    np.testing.assert_array_equal(layer.silent, (a == 0).all(0))
    np.testing.assert_array_equal(layer.never_positive, (np.asarray(z) <= 0).all(0))
    np.testing.assert_array_equal(layer.constant, a.max(0) == a.min(0))
    mean = np.abs(a).mean(0)
    np.testing.assert_array_equal(layer.dormant, mean <= 0.025 * mean.mean())
    assert layer.where.startswith(("test_sites.py:", "foreign_networks.py:"))
    assert not layer.bypassed
    assert f"{name}.down" in [place.what for place in coverage.bare]


def test_a_maximum_has_half_a_slope_at_zero() -> None:
    params = two_layers()
    zero = jax.tree.map(lambda leaf: leaf.at[..., 0].set(0), params["up"])
    layers, _ = look(hidden(lambda z: jnp.maximum(z, 0)), {**params, "up": zero}, X)
    assert not layers["up"].dead[0]
    layers, _ = look(hidden(jax.nn.relu), {**params, "up": zero}, X)
    assert layers["up"].dead[0]


def test_batches_add_up_to_all_their_examples() -> None:
    params = two_layers(2)
    whole, _ = look(hidden(jax.nn.tanh), params, X)
    parts, _ = look(hidden(jax.nn.tanh), params, X[:16], X[16:])
    for name in ("dead", "silent", "never_positive", "constant", "dormant", "saturated", "linear"):
        np.testing.assert_array_equal(getattr(whole["up"], name), getattr(parts["up"], name))
    assert parts["up"].examples == 24


def test_a_unit_with_a_nan_is_neither_dead_nor_alive() -> None:
    params = two_layers(1, 2)
    params["up"]["bias"] = params["up"]["bias"].at[1].set(jnp.nan).at[3].set(-jnp.inf)
    layers, _ = look(hidden(jax.nn.relu), params, X)
    layer = layers["up"]
    assert layer.not_finite.tolist() == [False, True, False, True, False]
    for name in ("dead", "silent", "never_positive", "constant", "dormant", "rare", "linear"):
        assert not getattr(layer, name)[[1, 3]].any()
    assert layer.dead.tolist() == [False, False, True, False, False]


def test_z_that_goes_round_the_activation_keeps_its_unit_alive() -> None:
    params = two_layers(1)

    def skip(params: Any, x: Any) -> Any:
        z = apply(params["up"], x)
        return apply(params["down"], z + jax.nn.relu(z))

    layers, _ = look(skip, params, X)
    assert layers["up"].bypassed
    assert dead(layers) == {"up": []}


def test_a_second_consumer_of_z_keeps_its_unit_alive() -> None:
    params = {**two_layers(1), "side": dense(3, 5, 2)}

    def both(params: Any, x: Any) -> Any:
        z = apply(params["up"], x)
        return apply(params["down"], jax.nn.relu(z)), apply(params["side"], z)

    layers, _ = look(both, params, X)
    assert layers["up"].bypassed
    assert (layers["up"].activation, dead(layers)) == ("relu", {"up": []})
    assert layers["up"].silent.tolist() == [False, True, False, False, False]


def test_z_that_is_only_returned_goes_nowhere() -> None:
    params = two_layers(1)

    def kept(params: Any, x: Any) -> Any:
        z = apply(params["up"], x)
        return apply(params["down"], jax.nn.relu(z)), z, jnp.mean(z**2)

    layers, _ = look(kept, params, X)
    assert not layers["up"].bypassed
    assert dead(layers) == {"up": [1]}


@pytest.mark.parametrize("inside", [False, True])
def test_a_crelu_is_dead_only_where_both_ways_are_flat(inside: bool) -> None:
    params = {"up": dense(1, 4, 5, 1), "down": dense(2, 10, 3)}
    params["up"] = jax.tree.map(lambda leaf: leaf.at[..., 2].set(0), params["up"])

    def crelu(params: Any, x: Any) -> Any:
        z = apply(params["up"], x)
        if inside:
            return apply(params["down"], jax.nn.relu(jnp.concatenate([z, -z], -1)))
        return apply(params["down"], jnp.concatenate([jax.nn.relu(z), jax.nn.relu(-z)], -1))

    layers, _ = look(crelu, params, X)
    assert layers["up"].units == 5
    assert dead(layers) == {"up": [2]}
    assert layers["up"].bypassed


def test_attention_softmax_and_masks_are_no_activations() -> None:
    params = {n: dense(i, 4, 4) for i, n in enumerate(("q", "k", "v", "o"))}
    params |= {"up": dense(8, 4, 8, 3), "down": dense(9, 8, 4)}
    tokens = np.asarray(normal(5, 6, 3, 4))

    def block(params: Any, x: Any) -> Any:
        q, k, v = (apply(params[n], x).reshape(6, 3, 2, 2) for n in "qkv")
        scores = jnp.einsum("bqhd,bkhd->bhqk", q, k) / 2
        scores = 30 * jnp.tanh(scores / 30)
        scores = jnp.where(jnp.tril(jnp.ones((1, 1, 3, 3), bool)), scores, -1e9)
        mixed = jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(scores), v).reshape(6, 3, 4)
        x = x + apply(params["o"], mixed)
        x = (x - x.mean(-1, keepdims=True)) * jax.lax.rsqrt(x.var(-1, keepdims=True) + 1e-5)
        return x + apply(params["down"], jax.nn.relu(apply(params["up"], x)))

    layers, coverage = look(block, params, tokens)
    assert dead(layers) == {"up": [3]}
    assert (layers["up"].units, layers["up"].positions) == (8, 3)
    assert [place.what for place in coverage.bare] == ["q", "k", "v", "o", "down"]


def test_an_output_is_not_counted_and_said() -> None:
    params = {"up": dense(1, 4, 5)}
    layers, coverage = look(lambda p, x: jax.nn.sigmoid(apply(p["up"], x)), params, X)
    assert not layers
    assert [place.what for place in coverage.outputs] == ["up: sigmoid"]
    assert coverage.outputs[0].where.startswith("test_sites.py:")


def test_a_loss_is_no_activation() -> None:
    params = two_layers(2)

    def loss(params: Any, batch: Any) -> Any:
        logits = hidden(jax.nn.relu)(params, batch["x"])
        chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), batch["y"][:, None], 1)
        return -jnp.clip(chosen, -10, 10).mean()

    layers, coverage = look(loss, params, {"x": X, "y": np.arange(24) % 3})
    assert dead(layers) == {"up": [2]}
    assert not coverage.opaque


def test_rms_norm_is_no_linear_layer() -> None:
    params = {**two_layers(1), "scale": normal(7, 4)}

    def net(params: Any, x: Any) -> Any:
        x = x * jax.lax.rsqrt(jnp.mean(x**2, -1, keepdims=True) + 1e-6) * params["scale"][None]
        return hidden(jax.nn.relu)(params, x)

    layers, _ = look(net, params, X)
    assert dead(layers) == {"up": [1]}


@pytest.mark.parametrize("training", [False, True])
def test_a_batch_norm_is_folded_in_and_what_it_used_is_said(training: bool) -> None:
    params = two_layers()
    norm = {"mean": normal(3, 5), "var": normal(4, 5) ** 2, "scale": normal(5, 5)}
    norm["bias"] = normal(6, 5).at[2].set(DEAD)

    def net(params: Any, x: Any) -> Any:
        p = {name: leaf[None] for name, leaf in params["norm"].items()}
        u = apply(params["up"], x)
        mean, var = (u.mean(0, keepdims=True), u.var(0, keepdims=True))
        if not training:
            mean, var = p["mean"], p["var"]
        z = (u - mean) * (jax.lax.rsqrt(var + 1e-5) * p["scale"]) + p["bias"]
        return apply(params["down"], jax.nn.relu(z))

    layers, coverage = look(net, {**params, "norm": norm}, X)
    assert 2 in dead(layers)["up"]
    assert not layers["up"].bypassed
    used = "its batch's statistics" if training else "its running averages"
    assert coverage.notes == (f"batch norm used {used}: up",)


def test_a_norm_before_its_first_linear_layer_of_a_block_is_seen() -> None:
    params = {"stem": dense(1, 4, 5), **two_layers(2), "scale": normal(3, 5), "shift": normal(4, 5)}
    params["shift"] = params["shift"].at[1].set(DEAD)
    params["up"]["kernel"] = normal(9, 5, 5)

    def net(params: Any, x: Any) -> Any:
        h = jax.nn.relu(apply(params["stem"], x))
        z = h * params["scale"][None] + params["shift"][None]
        return hidden(jax.nn.relu)(params, jax.nn.relu(z))

    layers, _ = look(net, params, X)
    assert list(layers) == ["stem", "stem#2", "up"]
    assert 1 in dead(layers)["stem#2"]
    assert 2 in dead(layers)["up"]


def test_a_gate_is_one_site_and_its_product_none() -> None:
    params = {"gate": dense(1, 4, 5, 2), "up": dense(2, 4, 5), "down": dense(3, 5, 2)}

    def net(params: Any, x: Any) -> Any:
        gated = jax.nn.silu(apply(params["gate"], x)) * apply(params["up"], x)
        return apply(params["down"], gated)

    layers, coverage = look(net, params, X)
    assert dead(layers) == {"gate": [2]}
    assert [place.what for place in coverage.bare] == ["up", "down"]


def test_a_learned_slope_names_the_activation() -> None:
    params = {**two_layers(), "alpha": jnp.array([0.25])}

    def net(params: Any, x: Any) -> Any:
        z = apply(params["up"], x)
        return apply(params["down"], jnp.where(z >= 0, z, params["alpha"][None] * z))

    layers, _ = look(net, params, X)
    assert layers["up"].activation == "leaky_relu(0.25)"


def test_a_maxout_has_no_activation_and_is_listed() -> None:
    params = {"up": dense(1, 4, 6), "down": dense(2, 3, 2)}

    def net(params: Any, x: Any) -> Any:
        return apply(params["down"], apply(params["up"], x).reshape(-1, 3, 2).max(-1))

    layers, coverage = look(net, params, X)
    assert not layers
    assert [place.what for place in coverage.bare] == ["up", "down"]


def test_slopes_are_taken_in_the_networks_own_type() -> None:
    params = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), two_layers())
    params["up"]["kernel"] = jnp.zeros_like(params["up"]["kernel"])
    params["up"]["bias"] = jnp.array([-2.0, -2.5, -3.25, -4.0, -9.0], jnp.bfloat16)
    layers, _ = look(hidden(jax.nn.gelu), params, X.astype(jnp.bfloat16))
    assert layers["up"].dtype == "bfloat16"
    assert dead(layers) == {"up": [2, 3, 4]}
    wide = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), params)
    assert dead(look(hidden(jax.nn.gelu), wide, X)[0]) == {"up": [4]}


def test_what_cannot_be_looked_into_is_named_with_its_line() -> None:
    params = two_layers(1)

    def net(params: Any, x: Any) -> Any:
        shape = jax.ShapeDtypeStruct(x.shape, x.dtype)
        x = jax.pure_callback(lambda x: np.asarray(x) * 2, shape, x)
        return hidden(jax.nn.relu)(params, x)

    layers, coverage = look(net, params, X)
    assert dead(layers) == {"up": [1]}
    assert [place.what for place in coverage.opaque] == ["pure_callback"]
    assert coverage.opaque[0].where.startswith("test_sites.py:")
