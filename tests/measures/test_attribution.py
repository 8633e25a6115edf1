"""Shapley values of deaths against all orders and all eight combinations, in NumPy."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from reluprobe.config import make_run
from reluprobe.measures import attribution
from reluprobe.nn import mlp

FEATURES, WIDTH, DEPTH, EXAMPLES = 4, 5, 3, 40
PLAYERS = ("weights", "bias", "upstream")
CONFIG = make_run({"depth": DEPTH, "width": WIDTH})
GRAPH, START = nnx.split(mlp.make(CONFIG, FEATURES, 2, nnx.Rngs(0)))
Layers = Sequence[Any]


@jax.jit
def peaks_of(peaks: attribution.Peaks, before: Any, after: Any, inputs: Any) -> Any:
    old, new = nnx.merge(GRAPH, before), nnx.merge(GRAPH, after)
    return attribution.add(peaks, old, new, inputs)


@jax.jit
def shares_of(peaks: attribution.Peaks, before: Any, after: Any) -> attribution.Causes:
    return attribution.shares(peaks, nnx.merge(GRAPH, before), nnx.merge(GRAPH, after))


def random_layers(seed: int) -> Layers:
    rng = np.random.default_rng(seed)
    sizes = [FEATURES, *[WIDTH] * DEPTH, 2]
    return [
        (rng.standard_normal((a, b)).astype(np.float32), rng.normal(0, 0.5, b).astype(np.float32))
        for a, b in itertools.pairwise(sizes)
    ]


def inputs_of(seed: int) -> np.ndarray:
    return np.random.default_rng(1000 + seed).standard_normal((EXAMPLES, FEATURES), np.float32)


@pytest.fixture(scope="module")
def explained(with_layers: Any) -> Any:
    """Causes between two networks given by their layers, as NumPy arrays by player."""

    def run(before: Layers, after: Layers, inputs: np.ndarray) -> Any:
        old, new = (with_layers((GRAPH, START), layers) for layers in (before, after))
        peaks = peaks_of(attribution.empty([WIDTH] * DEPTH), old, new, jnp.asarray(inputs))
        return {n: np.asarray(s) for n, s in shares_of(peaks, old, new)._asdict().items()}

    return run


def worth(before: Layers, after: Layers, inputs: np.ndarray, f: Any) -> dict[Any, np.ndarray]:
    """v(S) of every coalition of players at their new state, ``(layer, unit)``, in float64."""
    coalitions = [frozenset(s) for k in range(4) for s in itertools.combinations(PLAYERS, k)]
    causes: dict[Any, list[np.ndarray]] = {s: [] for s in coalitions}
    old = new = np.float64(inputs)
    for (w_old, b_old), (w_new, b_new) in zip(before[:-1], after[:-1], strict=True):
        w_old, b_old, w_new, b_new = map(np.float64, (w_old, b_old, w_new, b_new))
        for s, rows in causes.items():
            x = new if "upstream" in s else old
            w = w_new if "weights" in s else w_old
            rows.append((x @ w + (b_new if "bias" in s else b_old)).max(axis=0))
        old, new = f(old @ w_old + b_old), f(new @ w_new + b_new)
    return {s: np.stack(rows) for s, rows in causes.items()}


def shapley(v: dict[Any, np.ndarray]) -> dict[str, np.ndarray]:
    """Each player's marginal contribution, averaged over all 3! orders of arrival."""
    total: dict[str, Any] = dict.fromkeys(PLAYERS, 0.0)
    orders = list(itertools.permutations(PLAYERS))
    for order in orders:
        for i, player in enumerate(order):
            total[player] = total[player] + v[frozenset(order[: i + 1])] - v[frozenset(order[:i])]
    return {player: s / len(orders) for player, s in total.items()}


@pytest.mark.parametrize("seed", range(5))
def test_shares_are_shapleys_by_brute_force(seed: int, explained: Any):
    before, after, inputs = random_layers(seed), random_layers(seed + 100), inputs_of(seed)
    causes = explained(before, after, inputs)
    v = worth(before, after, inputs, lambda z: np.maximum(z, 0))
    for player, expected in shapley(v).items():
        np.testing.assert_allclose(causes[player], expected, rtol=1e-4, atol=1e-4, err_msg=player)
    whole = v[frozenset(PLAYERS)] - v[frozenset()]
    np.testing.assert_allclose(sum(causes.values()), whole, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_the_first_layer_has_no_upstream(seed: int, explained: Any):
    causes = explained(random_layers(seed), random_layers(seed + 50), inputs_of(seed))
    assert (causes["upstream"][0] == 0).all()
    assert (causes["upstream"][1:] != 0).any()


def test_nothing_moved_is_nobodys_doing(explained: Any):
    causes = explained(random_layers(3), random_layers(3), inputs_of(3))
    assert all((share == 0).all() for share in causes.values())


@pytest.mark.parametrize("layer", range(DEPTH))
def test_a_bias_that_falls_is_blamed_alone(layer: int, explained: Any):
    before = random_layers(4)
    after = list(before)
    after[layer] = before[layer][0], before[layer][1] - np.float32(64)
    causes = explained(before, after, inputs_of(4))
    assert (causes["weights"][: layer + 1] == 0).all()
    assert (causes["upstream"][: layer + 1] == 0).all()
    np.testing.assert_allclose(causes["bias"][layer], -64, rtol=1e-5)
    assert all((share[:layer] == 0).all() for share in causes.values())
    # Behind it, nobody's own weights and biases moved.
    assert (causes["weights"][layer + 1 :] == 0).all() and (causes["bias"][layer + 1 :] == 0).all()


@pytest.mark.parametrize("layer", range(DEPTH))
def test_weights_that_turn_are_blamed_alone(layer: int, explained: Any):
    before = random_layers(5)
    after = list(before)
    after[layer] = -np.abs(before[layer][0]) - 1, before[layer][1]
    causes = explained(before, after, np.abs(inputs_of(5)))
    assert (causes["bias"] == 0).all()
    assert (causes["upstream"][: layer + 1] == 0).all()
    assert (causes["weights"][layer + 1 :] == 0).all()
    assert (causes["weights"][layer] < 0).all()


def test_only_what_came_before_is_blamed_where_layer_one_alone_moved(explained: Any):
    before, inputs = random_layers(6), np.abs(inputs_of(6))
    # Layer 2 likes what layer 1 gives it; then layer 1 goes out.
    before[1] = np.abs(before[1][0]), np.full(WIDTH, -0.5, np.float32)
    after = list(before)
    after[0] = before[0][0], before[0][1] - np.float32(64)
    causes = explained(before, after, inputs)
    assert (causes["weights"] == 0).all()
    assert (causes["bias"][1:] == 0).all()
    assert (causes["upstream"][1] < 0).all()
    hidden = np.maximum(inputs @ before[0][0] + before[0][1], 0)
    expected = -(hidden @ before[1][0]).max(axis=0)  # all of it is gone
    np.testing.assert_allclose(causes["upstream"][1], expected, rtol=1e-5)


@pytest.mark.parametrize("cut", [1, 20, 33])
def test_a_probe_in_two_parts_has_the_peaks_of_the_whole(cut: int, with_layers: Any):
    old, new = (with_layers((GRAPH, START), random_layers(s)) for s in (7, 8))
    inputs = inputs_of(7)
    # Filled up with a repeated example, so that every part has one shape.
    parts = [inputs[np.minimum(np.arange(EXAMPLES), cut - 1)]]
    parts += [inputs[np.minimum(cut + np.arange(EXAMPLES), EXAMPLES - 1)]]
    halves = attribution.empty([WIDTH] * DEPTH)
    for part in parts:
        halves = peaks_of(halves, old, new, jnp.asarray(part))
    whole = peaks_of(attribution.empty([WIDTH] * DEPTH), old, new, jnp.asarray(inputs))
    for one, other in zip(halves, whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)
