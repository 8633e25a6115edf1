"""A certificate is a proof: no input of the box may contradict it, and no rounding."""

from __future__ import annotations

from typing import Any

import hypothesis
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from hypothesis import strategies

from foreign_networks import apply, dense, normal
from reluprobe.config import make_run
from reluprobe.foreign.probe import Probe
from reluprobe.foreign.result import Layer
from reluprobe.measures import certify
from reluprobe.nn import activations, mlp

X = np.random.default_rng(0).uniform(0, 1, (16, 4)).astype(np.float32)


def layers_of(probe: Probe, params: Any, batch: Any) -> dict[str, Layer]:
    layers, _ = probe.answer(probe.add(None, params, batch), params)
    return {layer.name: layer for layer in layers}


def certified(
    function: Any, params: Any, batch: Any = X, box: tuple[float, float] = (0.0, 1.0)
) -> dict[str, list[int] | None]:
    """The numbers of the certified units, by layer."""
    layers = layers_of(Probe(function, params, box=box), params, batch)
    return {
        name: None if layer.certified is None else np.flatnonzero(layer.certified).tolist()
        for name, layer in layers.items()
    }


def shrunk(z: Any) -> Any:
    """Flat about 0 alone."""
    return jnp.where(jnp.abs(z) > 0.5, z, 0.0)


#: By name: f, and which of three units is certified, whose z is about −100, 100 and 0.
ACTIVATIONS = {
    "relu": (jax.nn.relu, [0]),
    "relu6": (jax.nn.relu6, [0, 1]),
    "hard_tanh": (jax.nn.hard_tanh, [0, 1]),
    "where": (lambda z: jnp.where(z > 0, z, 0), [0]),
    "shrunk": (shrunk, [2]),
    "leaky": (jax.nn.leaky_relu, None),
    "gelu_tanh": (jax.nn.gelu, None),
    "tanh": (jnp.tanh, None),
}


def test_a_unit_is_certified_where_f_is_flat_and_not_where_only_its_rounding_is():
    layer = {"kernel": normal(0, 4, 3) / 100, "bias": jnp.array([-100.0, 100.0, 0.0])}
    params = {name: {"up": layer, "down": dense(1, 3, 2)} for name in ACTIVATIONS}

    def net(params: Any, x: Any) -> Any:
        return {
            name: apply(params[name]["down"], f(apply(params[name]["up"], x)))
            for name, (f, _) in ACTIVATIONS.items()
        }

    masks = certified(net, params)
    assert masks == {f"{name}.up": units for name, (_, units) in ACTIVATIONS.items()}


def test_the_bound_of_one_layer_is_its_largest_z():
    kernel = np.array([[1, -2, 0.0]] * 4, np.float32).T[[0, 1, 2, 0, 1]].T
    bias = np.array([-8.01, 7.99, 0, -7.99, -8.01], np.float32)  # w·x is at most 8, and −(−2·4)
    params = {"up": {"kernel": jnp.asarray(kernel), "bias": jnp.asarray(bias)}}
    params["down"] = dense(1, 5, 2)
    masks = certified(
        lambda p, x: apply(p["down"], jax.nn.relu(apply(p["up"], x))), params, box=(-1, 2)
    )
    # Of unit 4, w·x is at most 8 too, from the low end: −2·(−1)·4.
    assert masks["up"] == [0, 2, 4]


def test_rounding_is_no_proof():
    # One after the other, 1,000 sums of 0.1 in float32 are off by 0.001: it may be either way.
    biases = jnp.array([-100.0005, -100.1])
    params = {"up": {"kernel": jnp.full((1000, 2), 0.1), "bias": biases}, "down": dense(1, 2, 2)}
    x = np.ones((2, 1000), np.float32)
    assert certified(lambda p, x: apply(p["down"], jax.nn.relu(apply(p["up"], x))), params, x) == {
        "up": [1]
    }


def test_an_mlp_is_certified_as_one_of_our_own(with_layers: Any):
    graph, start = nnx.split(mlp.make(make_run({"depth": 3, "width": 12}), 6, 2, nnx.Rngs(0)))
    rng = np.random.default_rng(1)
    sizes, deadliest = [(6, 12), (12, 12), (12, 12), (12, 2)], (-8, -30, -100, 0)
    layers = [
        (rng.standard_normal(size).astype(np.float32), np.linspace(0.5, b, size[1], dtype="f4"))
        for size, b in zip(sizes, deadliest, strict=True)
    ]
    network = nnx.merge(graph, with_layers((graph, start), layers))
    low, high = (jnp.full(6, end, jnp.float32) for end in (-0.5, 1.0))
    ours = certify.certified(network, low, high, activations.INDEX["relu"])

    def net(params: Any, x: Any) -> Any:
        for kernel, bias in params[:-1]:
            x = jax.nn.relu(x @ kernel + bias[None])
        return x @ params[-1][0]

    x = rng.uniform(-0.5, 1, (5, 6)).astype(np.float32)
    theirs = layers_of(Probe(net, layers, box=(-0.5, 1.0)), layers, x)
    masks = np.stack([np.asarray(layer.certified) for layer in theirs.values()])
    np.testing.assert_array_equal(masks, ours)
    assert masks.any(axis=1).all() and not masks.all(axis=1).any()


LOW, HIGH = -1.0, 2.0


def convolve(x: Any, kernel: Any) -> Any:
    return jax.lax.conv_general_dilated(
        x, kernel.astype(x.dtype), (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def pooled(x: Any, kind: str) -> Any:
    window = ((1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    if kind == "max":
        return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, *window)
    return jax.lax.reduce_window(x, 0.0, jax.lax.add, *window) / 4


def small_cnn(params: Any, x: Any) -> Any:
    """A convolution, batch norm in evaluation mode, pooling, a residual block, and a head."""
    z = convolve(x, params["conv"]["kernel"])
    norm = params["norm"]
    scale = jax.lax.rsqrt(norm["variance"] + 1e-5) * norm["scale"]
    z = (z - norm["mean"][None, None, None]) * scale[None, None, None]
    h = pooled(jax.nn.relu(z + norm["bias"][None, None, None]), "max")
    z = convolve(h, params["inner"]["kernel"]) + params["inner"]["bias"][None, None, None]
    h = pooled(h - jax.nn.relu6(z), "mean").reshape(len(x), -1)
    z = apply(params["head"], h)
    return jnp.where(z > 0, z, 0) @ params["out"]


def cnn_params(seed: int, worst: float) -> Any:
    rng = np.random.default_rng(seed)

    def array(*shape: int) -> Any:
        return rng.standard_normal(shape).astype(np.float32)

    def biases(n: int, scale: float) -> Any:
        return np.linspace(0.5, worst * scale, n, dtype=np.float32)

    norm = {
        "mean": array(4), "variance": array(4) ** 2, "scale": array(4), "bias": biases(4, 4.0)
    }  # fmt: skip
    return {
        "conv": {"kernel": array(3, 3, 2, 4)},
        "norm": norm,
        "inner": {"kernel": array(3, 3, 4, 4), "bias": biases(4, 60.0)},
        "head": {"kernel": array(4, 8), "bias": biases(8, 80.0)},
        "out": array(8, 2),
    }


def extreme_inputs(seed: int, n: int = 32) -> np.ndarray:
    """Images of the box: half of them of its ends alone."""
    rng = np.random.default_rng(seed)
    inside = rng.uniform(LOW, HIGH, (n // 2, 4, 4, 2))
    ends = rng.choice([LOW, HIGH], (n // 2, 4, 4, 2))
    return np.concatenate([inside, ends]).astype(np.float32)


CNN = Probe(small_cnn, cnn_params(0, 1.0), box=(LOW, HIGH))


@hypothesis.given(strategies.integers(0, 2**30), strategies.floats(-8, 0.5))
@hypothesis.settings(max_examples=30)
def test_a_certified_unit_has_no_slope_anywhere_in_the_box(seed: int, worst: float):
    layers = layers_of(CNN, cnn_params(seed, worst), extreme_inputs(seed))
    assert list(layers) == ["conv", "inner", "head"]
    for layer in layers.values():
        assert layer.certified is not None
        assert (layer.dead | ~layer.certified).all()


def test_every_layer_of_a_convolutional_network_can_be_certified():
    layers = layers_of(CNN, cnn_params(1, -8.0), extreme_inputs(1))
    shares = [layer.share("certified") for layer in layers.values()]
    assert all(share is not None and 0 < share < 1 for share in shares), shares


def test_a_unit_that_goes_two_ways_is_certified_where_both_are_flat():
    up = {"kernel": jnp.ones((4, 3)), "bias": jnp.array([-9.0, 9.0, 0.0])}
    params = {"up": up, "down": dense(1, 3, 2), "other": dense(2, 3, 2)}

    def both(f: Any) -> Any:
        def net(p: Any, x: Any) -> Any:
            z = apply(p["up"], x)
            return apply(p["down"], jax.nn.relu(z)) + apply(p["other"], f(z))

        return net

    assert certified(both(jax.nn.relu6), params) == {"up": [0]}
    assert certified(both(jnp.negative), params) == {"up": None}


def test_bounds_end_where_they_cannot_be_followed_and_begin_anew_where_f_is_bounded():
    params = {n: dense(i, 4, 4, 2) for i, n in enumerate(["a", "b", "c", "d"])}

    def net(p: Any, x: Any) -> Any:
        h = jax.nn.relu(apply(p["a"], x))
        mixed = (h @ h.T) @ h
        h = jax.nn.relu6(apply(p["b"], mixed))
        h = jax.nn.relu(apply(p["c"], h))
        return h @ p["d"]["kernel"]

    assert certified(net, params) == {"a": [2], "b": None, "c": [2]}


def test_each_iteration_of_a_loop_has_bounds_of_its_own():
    blocks = [dense(1, 4, 4, 0), dense(2, 4, 4), dense(3, 4, 4, 2, 3)]
    params = {"blocks": jax.tree.map(lambda *leaves: jnp.stack(leaves), *blocks), "w": blocks[0]}

    def net(params: Any, x: Any) -> Any:
        def block(x: Any, layer: Any) -> tuple[Any, Any]:
            return x + jax.nn.relu(apply(layer, x)), None

        def cell(h: Any, x: Any) -> tuple[Any, Any]:
            return jax.nn.relu6(apply(params["w"], h + x[:, None])), None

        x = jax.lax.scan(block, x, params["blocks"])[0]
        return jax.lax.scan(cell, jnp.zeros((len(x), 4)), x.T)[0] @ params["w"]["kernel"]

    masks = certified(net, params)
    assert masks == {"blocks[0]": [0], "blocks[1]": [], "blocks[2]": [0, 2, 3], "w": [0]}


def test_whole_numbers_and_half_precision_have_bounds_too():
    params = jax.tree.map(
        lambda leaf: leaf.astype(jnp.bfloat16), {"a": dense(1, 4, 6, 1, 5), "b": dense(2, 6, 2)}
    )

    def net(params: Any, x: Any) -> Any:
        x = x.astype(jnp.bfloat16) / 255
        return apply(params["b"], jax.nn.relu(apply(params["a"], x)))

    x = np.random.default_rng(0).integers(0, 256, (8, 4), np.uint8)
    assert certified(net, params, x, (0, 255)) == {"a": [1, 5]}


@pytest.mark.parametrize("box", [None, (0.0, 1.0)])
def test_without_a_box_nothing_is_said(box: Any):
    params = {"up": dense(1, 4, 3, 1), "down": dense(2, 3, 2)}
    net = lambda p, x: apply(p["down"], jax.nn.relu(apply(p["up"], x)))  # noqa: E731
    assert certified(net, params, box=box) == {"up": None if box is None else [1]}
