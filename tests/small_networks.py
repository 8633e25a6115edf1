"""A small network with a remedy, and what it gives out: for tests of what defines the remedy."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from reluprobe.config import RunConfig, make_run
from reluprobe.nn import activations, mlp

FEATURES, OUTPUTS, EXAMPLES = 5, 3, 12
KEY = jax.random.key(0)
EVERYONE = jnp.ones(EXAMPLES)


def config_of(**given: Any) -> RunConfig:
    return make_run({"depth": 3, "width": 6, "init": "he_normal", "bias_init": 0.2, **given})


def network_of(seed: int = 0, **given: Any) -> mlp.MLP:
    return mlp.make(config_of(**given), FEATURES, OUTPUTS, nnx.Rngs(seed))


def called(network: Any, inputs: Any, given: Any, training: Any = None) -> Any:
    """Logits and z under the activation of these settings."""
    config = config_of(**given)
    index, p = activations.INDEX[config.activation], activations.activation_parameter(config)
    return network(jnp.asarray(inputs), index, p, training)


def relu(z: Any) -> Any:
    return np.maximum(z, 0)


def close(got: Any, expected: Any, tol: float = 1e-4) -> None:
    np.testing.assert_allclose(got, expected, rtol=tol, atol=tol / 10)


def training_of(counts: Any = EVERYONE, key: Any = KEY, dropout: Any = None) -> mlp.Training:
    return mlp.Training(key, counts, dropout)
