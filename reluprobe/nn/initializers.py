"""Initializers by name: what draws the weights and biases of a layer, with its source."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from reluprobe.config import RunConfig
from reluprobe.nn import host_random

#: LLVM's lightest optimization, for programs that draw random bits: they compile 2 to 3 times
#: faster and run as fast.
CPU_OPTIONS = {"xla_backend_optimization_level": 1}


def _uniform(scale: float) -> jax.nn.initializers.Initializer:
    # jax.nn.initializers.uniform draws from [0, scale); the field means [−scale, scale].
    def init(key: Array, shape: Any, dtype: Any = None, out_sharding: Any = None) -> Array:
        return jax.random.uniform(key, shape, dtype or jnp.float32, -scale, scale)

    return init


def initializer(config: RunConfig) -> jax.nn.initializers.Initializer:
    """The weights' initializer. n_in, n_out: the fan of the layer.

    ========== ==================================== ======================
    name       variance                             source
    ========== ==================================== ======================
    glorot_*   2 / (n_in + n_out)                   Glorot & Bengio 2010
    he_*       2 / n_in                             He et al. 2015
    lecun_*    1 / n_in                             LeCun et al. 1998
    orthogonal rows or columns orthonormal          Saxe et al. 2014
    normal     init_scale²                          plain
    uniform    init_scale² / 3, on ±init_scale      plain
    rai        see :func:`rai`; its weights alone   Lu et al. 2019
    ========== ==================================== ======================

    ``*_normal`` are truncated at two standard deviations, as in Keras and JAX.
    """
    inits = jax.nn.initializers
    table: dict[str, Callable[[], jax.nn.initializers.Initializer]] = {
        "glorot_uniform": inits.glorot_uniform,
        "glorot_normal": inits.glorot_normal,
        "he_uniform": inits.he_uniform,
        "he_normal": inits.he_normal,
        "lecun_uniform": inits.lecun_uniform,
        "lecun_normal": inits.lecun_normal,
        "orthogonal": inits.orthogonal,
        "normal": lambda: inits.normal(config.init_scale),
        "uniform": lambda: _uniform(config.init_scale),
        "rai": lambda: lambda key, shape, dtype=None, out_sharding=None: rai(key, *shape)[0],
    }
    return table[config.init]()


@lru_cache
def drawn(init: str) -> Callable[[Array, Any, Any], Array] | None:
    """An initializer of the library's, the same to the bit and sooner there; else None.

    A uniform one is drawn in NumPy; the others are compiled with LLVM's lightest optimization, in
    half the time to the first: a small matrix of random bits takes LLVM a second else. An
    initializer with a scale of its own rounds otherwise inside one program than op by op, and
    stays as it is.
    """
    if not init.startswith(("glorot_", "he_", "lecun_", "orthogonal")):
        return None
    options: Any = CPU_OPTIONS if jax.default_backend() == "cpu" else {}
    library = initializer(RunConfig(init=init))
    compiled = jax.jit(library, static_argnums=(1, 2), compiler_options=options)

    def draw(key: Array, shape: Any, dtype: Any) -> Array:
        if isinstance(key, Tracer):  # within another program, only that has options
            return library(key, shape, dtype)
        if init in UNIFORM:
            return _drawn_on_host(init, key, shape)
        return compiled(key, shape, dtype)

    return draw


#: By name: mean squares of weights, times the fan-in, times the fan-out, or times their mean.
UNIFORM = {"glorot_uniform": (1.0, "mean"), "he_uniform": (2.0, "in"), "lecun_uniform": (1.0, "in")}


def _drawn_on_host(init: str, key: Array, shape: Sequence[int]) -> Float[Array, ...]:
    """``jax.nn.initializers.variance_scaling`` of a uniform distribution."""
    scale, fan = UNIFORM[init]
    *places, n_in, n_out = shape
    fan_in, fan_out = n_in * math.prod(places), n_out * math.prod(places)
    variance = np.float32(scale / ((fan_in + fan_out) / 2 if fan == "mean" else fan_in))
    words = np.asarray(jax.random.key_data(key))
    # JAX's array, as NumPy's own could be written into from where a copy of the network is.
    return jnp.asarray(host_random.uniform(words, shape) * np.sqrt(np.float32(3) * variance))


def constant(value: float) -> Callable[..., Float[Array, ...]]:
    """An initializer that needs no key, and no program of its own for each shape."""

    def init(key: Any, shape: Sequence[int], dtype: Any = None, out_sharding: Any = None) -> Any:
        return jnp.asarray(np.full(shape, value, dtype or np.float32))

    return init


#: (key, n_in, n_out) → the weights (n_in, n_out) and biases (n_out,) of one layer.
LayerInit = Callable[[Array, int, int], tuple[Array, Array]]


#: Initializers that draw a unit's bias together with its weights.
JOINT: dict[str, LayerInit] = {"rai": lambda key, n_in, n_out: rai(key, n_in, n_out)}


def layer_initializer(config: RunConfig) -> LayerInit:
    """Weights and biases of one hidden layer, for whatever init."""
    if config.init in JOINT:
        return JOINT[config.init]

    def draw(key: Array, n_in: int, n_out: int) -> tuple[Array, Array]:
        return weights(config, key, (n_in, n_out)), jnp.full(
            (n_out,), config.bias_init, jnp.float32
        )

    return draw


def weights(config: RunConfig, key: Array, shape: Sequence[int]) -> Array:
    """The weights of a hidden layer alone, ``(…, n_in, n_out)``, without its gain."""
    if config.init in JOINT:
        return JOINT[config.init](key, *shape)[0]
    return jnp.asarray(initializer(config)(key, tuple(shape), jnp.float32))


@partial(jax.jit, static_argnums=(1, 2))
def rai(
    key: Array, n_in: int, n_out: int
) -> tuple[Float[Array, "n_in n_out"], Float[Array, " n_out"]]:
    """Randomized asymmetric initialization: weights and biases of one layer.

    A unit's n_in weights and its bias are one vector of n_in + 1 components, independent
    N(0, 0.6007² / n_in); then one component, each as likely, is replaced by a draw from
    Beta(2, 1). So a unit leans to the positive side, and a layer of them is seldom all silent.

    Every layer is drawn so, the first and the output too.

    References:
        Lu, Shin, Su, Karniadakis (2019), "Dying ReLU and Initialization: Theory and Numerical
        Examples", arXiv:1903.06733, section 4.
    """
    normal_key, which_key, beta_key = jax.random.split(key, 3)
    drawn = jax.random.normal(normal_key, (n_in + 1, n_out)) * (0.6007 / math.sqrt(n_in))
    which = jax.random.randint(which_key, (1, n_out), 0, n_in + 1)
    # Beta(2, 1) has the distribution function x²: the root of a uniform draw, with no rejection
    # loop, which thousands of vmapped networks would all wait for.
    beta = jnp.sqrt(jax.random.uniform(beta_key, (1, n_out)))
    both = jnp.where(jnp.arange(n_in + 1)[:, None] == which, beta, drawn)
    return both[:-1], both[-1]
