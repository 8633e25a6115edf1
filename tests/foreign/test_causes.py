"""Causes of death in other people's networks: beside our own networks', and by brute force."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import reluprobe as rp
from reluprobe.foreign.probe import Probe

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
