"""Chains of updates as a lane makes them, and what they do to a small tree of weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from reluprobe.config import RunConfig, make_run
from reluprobe.nn import optimizers
from reluprobe.plan.grouping import dials_of

RATE, STEPS = 0.25, 10  # steps of an epoch
Tree = dict[str, Any]


def config_of(**given: Any) -> RunConfig:
    return make_run({"optimizer": "sgd", "learning_rate": RATE, "depth": 2, "epochs": 3, **given})


def chain_of(**given: Any) -> optax.GradientTransformation:
    """As a lane makes it: the dials are those settings that are not at their defaults."""
    config = config_of(**given)
    dials = {name: jnp.float32(value) for name, value in dials_of(config).items()}
    return optimizers.optimizer(config, config.learning_rate, dials, STEPS)


def tree_of(seed: int, scale: float = 1.0) -> Tree:
    """As small as a tree with all kinds of leaves can be."""
    rng = np.random.default_rng(seed)

    def drawn(*shape: int) -> jax.Array:
        return jnp.asarray(scale * rng.standard_normal(shape), jnp.float32)

    def layer(n: int, m: int) -> Tree:
        return {"kernel": drawn(n, m), "bias": drawn(m)}

    norms = {i: {"scale": drawn(4), "bias": drawn(4)} for i in range(2)}
    hidden = {0: layer(3, 4), 1: layer(4, 4)}
    return {"hidden": hidden, "norms": norms, "output": layer(4, 2), "slopes": drawn(2)}


WEIGHTS = tree_of(0)
GRADIENTS = [tree_of(seed) for seed in range(1, 6)]


def moves(chain: Any, gradients: Sequence[Tree] = GRADIENTS, weights: Tree = WEIGHTS) -> list[Tree]:
    """What each gradient in turn adds to the weights, which follow."""
    state, steps = chain.init(weights), []
    for gradient in gradients:
        move, state = chain.update(gradient, state, weights)
        weights = optax.apply_updates(weights, move)
        steps.append(move)
    return steps


def flat(tree: Any) -> np.ndarray:
    return np.concatenate([np.ravel(np.asarray(x, np.float64)) for x in jax.tree.leaves(tree)])


def assert_close(got: Any, expected: Any, rtol: float = 1e-5, atol: float = 1e-7) -> None:
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=rtol, atol=atol), got, expected)


def assert_same(got: Any, expected: Any) -> None:
    jax.tree.map(np.testing.assert_array_equal, got, expected)


def kernels(tree: Tree) -> list[np.ndarray]:
    layers = [*tree["hidden"].values(), tree["output"]]
    return [np.asarray(layer["kernel"], np.float64) for layer in layers]
