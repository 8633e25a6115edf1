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


def convolved(images: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Cross-correlation that keeps height and width, pixel by pixel: zeros around the image."""
    side = len(kernel)
    before = (side - 1) // 2
    after = side - 1 - before
    padded = np.pad(images, [(0, 0), (before, after), (before, after), (0, 0)])
    z = np.empty((*images.shape[:3], kernel.shape[-1]))
    for row in range(images.shape[1]):
        for column in range(images.shape[2]):
            patch = padded[:, row : row + side, column : column + side]
            z[:, row, column] = np.tensordot(patch, kernel, 3) + bias
    return z
