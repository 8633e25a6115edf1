"""Causes of death in other people's networks: beside our own networks', and by brute force."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import reluprobe as rp
from reluprobe.config import make_run
from reluprobe.foreign.probe import Probe
from reluprobe.measures import attribution
from reluprobe.nn import mlp

RNG = np.random.default_rng(0)
X = RNG.normal(size=(9, 4)).astype(np.float32)


def explained(function: Any, before: Any, after: Any, *batches: Any, weights: Any = None) -> Any:
    probe = Probe(function, before)
    tally = peaks = None
    for batch in batches:
        tally = probe.add(tally, after, batch, weights)
        peaks = probe.explain(peaks, before, after, batch, weights)
    return probe.moved(tally, peaks)


def dense(params: Any, x: Any) -> Any:
    hidden = jax.nn.relu(x @ params["w"] + params["b"][None])
    return jax.nn.relu(hidden @ params["up"] + params["c"][None]) @ params["out"]


def weights(seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    shapes = {"w": (4, 5), "b": (5,), "up": (5, 6), "c": (6,), "out": (6, 2)}
    return {name: rng.normal(size=s).astype(np.float32) for name, s in shapes.items()}


def brute_force(v: Any) -> list[np.ndarray]:
    """Shapley values of three players by all orders in which they may move."""
    shares = [0.0, 0.0, 0.0]
    for order in permutations(range(3)):
        state = [0, 0, 0]
        for player in order:
            old = v(*state)
            state[player] = 1
            shares[player] = shares[player] + (v(*state) - old) / 6
    return shares


def test_every_order_of_the_players_is_counted_alike():
    both = weights(1), weights(2)
    moved = explained(dense, *both, X)
    hidden = [np.maximum(X @ p["w"] + p["b"], 0) for p in both]

    def first(w: int, b: int, x: int) -> np.ndarray:
        return (X @ both[w]["w"] + both[b]["b"]).max(0)

    def second(w: int, b: int, x: int) -> np.ndarray:
        return (hidden[x] @ both[w]["up"] + both[b]["c"]).max(0)

    for name, v in (("w", first), ("up", second)):
        for share, expected in zip(moved[name], brute_force(v), strict=True):
            np.testing.assert_allclose(share, expected, atol=1e-5)
    np.testing.assert_allclose(moved["up"].bias, both[1]["c"] - both[0]["c"], atol=1e-5)
    assert not moved["w"].upstream.any()


def test_batches_add_up():
    both = weights(1), weights(2)
    whole, parts = explained(dense, *both, X), explained(dense, *both, X[:4], X[4:])
    for name in whole:
        for one, other in zip(whole[name], parts[name], strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)


def test_examples_without_weight_move_nothing():
    both = weights(1), weights(2)
    counted = np.array([1.0] * 5 + [0.0] * 4, np.float32)
    some, first = explained(dense, *both, X, weights=counted), explained(dense, *both, X[:5])
    np.testing.assert_allclose(some["up"].weights, first["up"].weights, atol=1e-5)


def test_a_norms_parameters_are_the_bias_player():
    def normed(params: Any, x: Any) -> Any:
        z = (x @ params["w"] - params["mean"][None]) * params["scale"][None] + params["b"][None]
        return jax.nn.relu(z) @ params["out"]

    both = [
        {**{k: weights(s)[k] for k in ("w", "b")}, "mean": weights(s + 5)["b"],
         "scale": weights(s + 9)["b"], "out": np.ones((5, 2), np.float32)}
        for s in (1, 2)
    ]  # fmt: skip

    def v(w: int, b: int, x: int) -> np.ndarray:
        norm = both[b]
        return ((X @ both[w]["w"] - norm["mean"]) * norm["scale"] + norm["b"]).max(0)

    (moved,) = explained(normed, *both, X).values()
    for share, expected in zip(moved, brute_force(v), strict=True):
        np.testing.assert_allclose(share, expected, atol=1e-5)


def test_a_convolutions_batch_norm_is_its_bias():
    """Against NumPy: all positions of a channel are its values, and a scale may be negative."""

    def conv(x: Any, kernel: Any) -> Any:
        return jax.lax.conv_general_dilated(
            x, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )

    def norm(z: Any, p: Any) -> Any:
        mean, variance, scale, bias = (row[None, None, None] for row in p)
        return (z - mean) * jax.lax.rsqrt(variance + 1e-3) * scale + bias

    def net(params: Any, x: Any) -> Any:
        first, second = params["first"], params["second"]
        hidden = jax.nn.relu(norm(conv(x, first["kernel"]), first["norm"]))
        z = norm(conv(hidden, second["kernel"]), second["norm"])
        return jax.nn.relu(z).reshape(len(x), -1) @ params["out"]

    def params_of(seed: int) -> Any:
        rng = np.random.default_rng(seed)

        def layer(inputs: int) -> Any:
            norms = [rng.normal(size=3).astype(np.float32) for _ in range(4)]
            norms[1] = norms[1] ** 2
            kernel = rng.normal(size=(2, 2, inputs, 3)).astype(np.float32)
            return {"kernel": kernel, "norm": norms}

        return {"first": layer(2), "second": layer(3), "out": np.ones((12, 2), np.float32)}

    def by_hand(x: np.ndarray, kernel: np.ndarray, p: Any) -> np.ndarray:
        n = x.shape[1] - 1
        terms = [
            x[:, i : i + n, j : j + n] @ kernel[i, j].astype(np.float64)
            for i in range(2)
            for j in range(2)
        ]
        mean, variance, scale, bias = np.asarray(p, np.float64)
        return (sum(terms) - mean) / np.sqrt(variance + 1e-3) * scale + bias

    images = RNG.normal(size=(6, 4, 4, 2)).astype(np.float32)
    both = params_of(1), params_of(2)
    hidden = [
        np.maximum(by_hand(images, p["first"]["kernel"], p["first"]["norm"]), 0) for p in both
    ]

    def v(w: int, b: int, x: int) -> np.ndarray:
        layer = both[w]["second"]["kernel"], both[b]["second"]["norm"]
        return by_hand(hidden[x], *layer).max((0, 1, 2))

    moved = explained(net, *both, images[:2], images[2:])
    assert list(moved) == ["first", "second"]
    for share, expected in zip(moved["second"], brute_force(v), strict=True):
        np.testing.assert_allclose(share, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(sum(moved["second"]), v(1, 1, 1) - v(0, 0, 0), rtol=1e-4, atol=1e-4)


def test_they_are_those_of_a_network_of_our_own(with_layers: Any):
    config = make_run({"depth": 2, "width": 5})
    graph, start = nnx.split(mlp.make(config, 4, 2, nnx.Rngs(0)))
    names = [("w", "b"), ("up", "c"), ("out", "d")]
    both = [
        {**p, "up": p["up"][:, :5], "c": p["c"][:5], "out": p["out"][:5], "d": np.zeros(2, "f4")}
        for p in (weights(1), weights(2))
    ]
    old, new = (
        nnx.merge(graph, with_layers((graph, start), [(p[w], p[b]) for w, b in names]))
        for p in both
    )
    peaks = attribution.add(attribution.empty([5, 5]), old, new, jnp.asarray(X))
    ours = attribution.shares(peaks, old, new)
    moved = explained(dense, *both, X)
    for number, name in enumerate(["w", "up"]):
        for theirs, player in zip(moved[name], ours, strict=True):
            np.testing.assert_allclose(theirs, player[number], atol=1e-5)


def two_layers(params: Any, x: Any) -> Any:
    return jax.nn.relu(x @ params["w"] + (2 * x) @ params["v"]) @ params["out"]


def batch_statistics(params: Any, x: Any) -> Any:
    z = x @ params["w"]
    z = (z - z.mean(0, keepdims=True)) / jnp.sqrt(z.var(0, keepdims=True) + 1e-5)
    return jax.nn.relu(z * params["scale"][None]) @ params["out"]


def smooth(params: Any, x: Any) -> Any:
    return jax.nn.gelu(x @ params["w"]) @ params["out"]


@pytest.mark.parametrize("function", [two_layers, batch_statistics, smooth])
def test_where_it_cannot_be_told_nothing_is_said(function: Any):
    params = {"w": np.ones((4, 5), np.float32), "v": np.ones((4, 5), np.float32)}
    params |= {"scale": np.ones(5, np.float32), "out": np.ones((5, 2), np.float32)}
    assert explained(function, params, params, X) == {}


def test_a_monitor_says_what_killed_them(tmp_path):
    before = weights(1)
    after = {**before, "b": before["b"] - np.array([100, 0, 0, 0, 0], np.float32)}
    monitor = rp.Monitor(tmp_path, dense, X, params=before)
    owned = {name: array.copy() for name, array in before.items()}
    monitor(0, owned)
    owned["b"] -= np.array([100, 0, 0, 0, 0], np.float32)  # as an optimizer of NumPy's would
    monitor(1, owned)
    monitor.close()
    (record,) = rp.load(tmp_path)
    first = record.final.layers[0]
    assert first.deaths == 1
    assert first.causes is not None
    np.testing.assert_allclose(first.causes.bias, -100, rtol=1e-5)
    np.testing.assert_allclose([first.causes.weights, first.causes.upstream], 0, atol=1e-4)
    np.testing.assert_array_equal(after["b"], owned["b"])
