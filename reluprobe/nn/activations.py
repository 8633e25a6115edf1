"""Activations by name: functions, each with its formula and source.

All of them are library functions of JAX; this module only says which and with what constants.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from reluprobe.config import RunConfig

Scalar = Float[Array, ""] | float


@dataclass(frozen=True)
class Among:
    """A traced index into ``ACTIVATIONS`` that is known to be one of a few."""

    index: Int[Array, ""]
    few: tuple[int, ...]


Index = Int[Array, ""] | int | Among


@dataclass(frozen=True)
class Activation:
    """An activation a = f(z), elementwise.

    Attributes:
        function: f(z, parameter).
        formula: f, as text.
        low, high: infimum and supremum of f; infinite where it has none.
        source: where it was proposed.
        setting: the name of the setting that is f's parameter, where it has one.
        flat_below, flat_above: f is constant below the one and above the other; infinite where
            it is not.
        straight: f has one slope, not 0, between these two; None of an f that bends everywhere.
    """

    function: Callable[[Array, Scalar], Array]
    formula: str
    low: float
    high: float
    source: str
    setting: str | None = None
    flat_below: float = -math.inf
    flat_above: float = math.inf
    straight: tuple[float, float] | None = None

    @property
    def bounded(self) -> bool:
        """Whether f is bounded on both sides, so that it can saturate."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    @property
    def dies_for_certain(self) -> bool:
        """Whether f is flat somewhere, so that a unit can be dead for every input of a box."""
        return math.isfinite(self.flat_below) or math.isfinite(self.flat_above)


INF = math.inf

#: The order is the traced index of an activation: append, never reorder.
ACTIVATIONS: dict[str, Activation] = {
    "relu": Activation(
        lambda z, p: jax.nn.relu(z),
        "max(z, 0)",
        0,
        INF,
        "Nair & Hinton 2010",
        flat_below=0,
        straight=(0, INF),
    ),
    "leaky_relu": Activation(
        lambda z, p: jax.nn.leaky_relu(z, p),
        "z if z >= 0 else leaky_slope·z",
        -INF,
        INF,
        "Maas et al. 2013",
        "leaky_slope",
        straight=(0, INF),
    ),
    "elu": Activation(
        lambda z, p: jax.nn.elu(z, p),
        "z if z > 0 else elu_alpha·(exp(z) − 1)",
        -1,
        INF,
        "Clevert et al. 2016",
        "elu_alpha",
        straight=(0, INF),
    ),
    "selu": Activation(
        lambda z, p: jax.nn.selu(z),
        "1.0507·elu(z, 1.6733)",
        -1.7581,
        INF,
        "Klambauer et al. 2017",
        straight=(0, INF),
    ),
    # The exact form: the tanh approximation's derivative is 0 in float32 below about −5 already,
    # which would call units dead that the definition keeps alive.
    "gelu": Activation(
        lambda z, p: jax.nn.gelu(z, approximate=False),
        "z·Φ(z)",
        -0.17,
        INF,
        "Hendrycks & Gimpel 2016",
    ),
    "silu": Activation(lambda z, p: jax.nn.silu(z), "z·σ(z)", -0.2785, INF, "Elfwing et al. 2018"),
    "softplus": Activation(
        lambda z, p: jax.nn.softplus(z), "log(1 + exp(z))", 0, INF, "Dugas et al. 2001"
    ),
    "relu6": Activation(
        lambda z, p: jax.nn.relu6(z),
        "min(max(z, 0), 6)",
        0,
        6,
        "Krizhevsky 2010",
        flat_below=0,
        flat_above=6,
        straight=(0, 6),
    ),
    "tanh": Activation(lambda z, p: jnp.tanh(z), "tanh(z)", -1, 1, "classical"),
    "sigmoid": Activation(lambda z, p: jax.nn.sigmoid(z), "1 / (1 + exp(−z))", 0, 1, "classical"),
    "identity": Activation(
        lambda z, p: jax.nn.identity(z),
        "z",
        -INF,
        INF,
        "a linear network, for comparison",
        straight=(-INF, INF),
    ),
    # Leaky ReLUs whose slopes come from elsewhere: learned, one a layer, or drawn (see ``mlp``).
    "prelu": Activation(
        lambda z, p: jax.nn.leaky_relu(z, p),
        "z if z >= 0 else learned·z",
        -INF,
        INF,
        "He et al. 2015",
        "prelu_slope",
        straight=(0, INF),
    ),
    "rrelu": Activation(
        lambda z, p: jax.nn.leaky_relu(z, p),
        "z if z >= 0 else u·z, u from U(1/8, 1/3) while training, its mean elsewhere",
        -INF,
        INF,
        "Xu et al. 2015",
        straight=(0, INF),
    ),
    # A unit gives out two values, max(z, 0) and max(−z, 0). Elementwise it is their sum: as that
    # sum, so the unit: its slope is 0 at z = 0 alone, its output 0 there alone.
    "crelu": Activation(
        # Not jnp.abs, whose slope at 0 is 1: neither of the two passes anything on there.
        lambda z, p: jax.nn.relu(z) + jax.nn.relu(-z),
        "(max(z, 0), max(−z, 0))",
        0,
        INF,
        "Shang et al. 2016",
        straight=(0, INF),
    ),
    "celu": Activation(
        lambda z, p: jax.nn.celu(z, p),
        "max(z, 0) + min(0, celu_alpha·(exp(z / celu_alpha) − 1))",
        -1,
        INF,
        "Barron 2017",
        "celu_alpha",
        straight=(0, INF),
    ),
    "mish": Activation(
        lambda z, p: jax.nn.mish(z), "z·tanh(softplus(z))", -0.3089, INF, "Misra 2019"
    ),
    "hard_tanh": Activation(
        lambda z, p: jax.nn.hard_tanh(z),
        "min(max(z, −1), 1)",
        -1,
        1,
        "Collobert 2004",
        # JAX's slope at ±1 itself is 1: flat from the next float32 on.
        flat_below=-1 - 2**-23,
        flat_above=1 + 2**-23,
        straight=(-1, 1),
    ),
}
#: Ends of the slopes that rrelu draws (Xu et al. 2015, U(3, 8) for their 1 / slope).
RANDOM_SLOPES = (1 / 8, 1 / 3)
INDEX = {name: i for i, name in enumerate(ACTIVATIONS)}


def activation_parameter(config: RunConfig) -> float:
    """The parameter of the run's activation; 0 where it has none."""
    if config.activation == "rrelu":
        return sum(RANDOM_SLOPES) / 2
    name = ACTIVATIONS[config.activation].setting
    return 0.0 if name is None else float(getattr(config, name))


def activate(index: Index, z: Array, parameter: Scalar) -> Array:
    """f(z) of the activation with this index.

    A Python ``int`` compiles that activation alone. A traced index is a real branch where lanes
    run one by one: one compiled program serves several activations, and as each branch is compiled
    on its own, a run is the same to the bit whatever its sweep holds beside it.
    """
    functions = [activation.function for activation in ACTIVATIONS.values()]
    if isinstance(index, int):
        return functions[index](z, parameter)
    few = index.few if isinstance(index, Among) else tuple(range(len(functions)))
    branches = [functions[i] for i in few]
    branch = pick([few.index(i) if i in few else 0 for i in range(len(functions))], index)
    # Rematerialized: the backward pass keeps z alone, where autodiff of a switch would keep the
    # residuals of all branches.
    switch = jax.checkpoint(lambda i, z, p: jax.lax.switch(i, branches, z, p), prevent_cse=False)
    return switch(branch, z, parameter)


def pick(values: Sequence[float], index: Index) -> Array:
    """Of one value for every activation, that of this one."""
    return jnp.array(values)[index.index if isinstance(index, Among) else index]


def derivative(index: Index, z: Array, parameter: Scalar) -> Array:
    """f′(z), elementwise, as autodiff has it (0 at the kink of ReLU)."""
    _, tangent = jax.jvp(lambda z: activate(index, z, parameter), (z,), (jnp.ones_like(z),))
    return tangent
