"""Names of activations, by their values on a grid: for display, and to set apart what is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import jax.numpy as jnp
import numpy as np
from scipy import special

from reluprobe.foreign import sampling
from reluprobe.foreign.sampling import Curve

SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def _softplus(z: Curve) -> Curve:
    return np.logaddexp(z, 0)


def _elu(z: Curve, alpha: float = 1.0) -> Curve:
    return np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))


def _gelu_tanh(z: Curve) -> Curve:
    return z / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)))


#: By name, as functions of NumPy arrays.
KNOWN: Mapping[str, Callable[[Curve], Curve]] = {
    "relu": lambda z: np.maximum(z, 0),
    "relu6": lambda z: np.clip(z, 0, 6),
    "elu": _elu,
    "selu": lambda z: SELU_SCALE * _elu(z, SELU_ALPHA),
    "celu(2)": lambda z: np.where(z > 0, z, 2 * np.expm1(np.minimum(z, 0) / 2)),
    "gelu": lambda z: z * special.ndtr(z),
    "gelu_tanh": _gelu_tanh,
    "quick_gelu": lambda z: z * special.expit(1.702 * z),
    "silu": lambda z: z * special.expit(z),
    "softplus": _softplus,
    "mish": lambda z: z * np.tanh(_softplus(z)),
    "tanh": np.tanh,
    "sigmoid": special.expit,
    "log_sigmoid": lambda z: -_softplus(-z),
    "hard_tanh": lambda z: np.clip(z, -1, 1),
    "hard_sigmoid": lambda z: np.clip(z / 6 + 0.5, 0, 1),
    "hard_swish": lambda z: z * np.clip(z / 6 + 0.5, 0, 1),
    "softsign": lambda z: z / (1 + np.abs(z)),
    "squareplus": lambda z: (z + np.sqrt(z * z + 4)) / 2,
    "relu²": lambda z: np.maximum(z, 0) ** 2,
    "abs": np.abs,
    "erf": special.erf,
    "arctan": np.arctan,
    "sin": np.sin,
    "cos": np.cos,
    "sign": np.sign,
    "step": lambda z: (z > 0) * 1.0,
    "gaussian": lambda z: np.exp(-z * z),
    # No activations of a layer: norms, softmax and losses are made of them.
    "exp": np.exp,
    "log": np.log,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "rsqrt": lambda z: 1 / np.sqrt(z),
    "reciprocal": lambda z: 1 / z,
    "square": np.square,
}
#: What a function is that has no bend: a maximum with −∞.
AFFINE = "affine"
NO_ACTIVATION = frozenset(("exp", "log", "log1p", "sqrt", "rsqrt", "reciprocal", "square", AFFINE))
#: What has one slope, not 0, for all z > 0, and what has one between the ends of its range.
STRAIGHT_ABOVE = frozenset(("relu", "leaky_relu", "elu", "selu", "celu", "abs"))
CLIPPED = frozenset(("relu6", "hard_tanh", "hard_sigmoid", "clip"))
#: Ends of the ranges of functions that come close to them too slowly for the grid.
_SLOW = {"softsign": (-1.0, 1.0), "arctan": (-np.pi / 2, np.pi / 2)}
_NEAR = 1e-3


def named(curve: Curve, dtype: Any) -> str:
    """The name of the activation with these values on the grid, ``f(z)`` for none that is known."""
    z, f = sampling.grid(dtype)[:-2], curve[:-2]
    # 16 bits round so coarsely that more roundings would take a GELU for a ReLU.
    coarse, fine = float(jnp.finfo(dtype).eps), float(jnp.finfo(jnp.float32).eps)
    tolerance = max(8 * coarse, 32 * fine)
    if np.isfinite(f).all() and _is_line(z, f, tolerance):
        return AFFINE
    near = {
        name: _distance(values, f)
        for name, values in _known(str(dtype)).items()
        if np.allclose(values, f, rtol=tolerance, atol=tolerance, equal_nan=True)
    }
    if near:
        return min(near, key=near.__getitem__)
    return _with_parameter(z, f, min(10 * tolerance, 0.05)) if np.isfinite(f).all() else "f(z)"


def kind(name: str) -> str:
    """The name without what it is multiplied by and without its parameter."""
    return name.rpartition("·")[2].partition("(")[0]


def is_straight(name: str, ends: tuple[float, float] | None) -> bool:
    """Whether f is known to have a straight stretch, so that a unit can be ``linear``.

    Args:
        name: of the activation, as :func:`named` gives it; of an ``f(z)`` it is not known.
        ends: of its range, as :func:`bounds` gives them.
    """
    return kind(name) in STRAIGHT_ABOVE or (kind(name) in CLIPPED and ends is not None)


def _distance(values: Curve, f: Curve) -> float:
    """How far two curves are apart where both are finite, beside what they come to."""
    both = np.isfinite(values) & np.isfinite(f)
    apart = np.abs(values[both] - f[both]) / (1 + np.abs(f[both]))
    return float(apart.max(initial=0.0))


def _is_line(z: Curve, f: Curve, tolerance: float) -> bool:
    """Whether these are the values of a line, but for rounding: of each value and each term."""
    slope, intercept = np.polyfit(z, f, 1, w=1 / (1 + np.abs(z)))
    terms = np.abs(slope * z) + abs(intercept) + abs(slope) * 0.01
    return bool((np.abs(slope * z + intercept - f) <= tolerance * terms).all())


def bounds(curve: Curve, name: str) -> tuple[float, float] | None:
    """Infimum and supremum of f, None where it is not bounded on both sides."""
    if name in _SLOW:
        return _SLOW[name]
    left, right, far_left, far_right = curve[0], curve[-3], curve[-2], curve[-1]
    if not np.isfinite(curve).all():
        return None
    flat = abs(left - far_left) <= _NEAR and abs(right - far_right) <= _NEAR
    return (float(curve.min()), float(curve.max())) if flat else None


@cache
def _known(dtype: str) -> dict[str, Curve]:
    """Values of the known functions in this type: those too large for it are infinite there."""
    z = sampling.grid(jnp.dtype(dtype))[:-2]
    with np.errstate(all="ignore"):
        values = {name: np.asarray(f(z)) for name, f in KNOWN.items()}
        return {n: v.astype(jnp.dtype(dtype)).astype(np.float64) for n, v in values.items()}


def _with_parameter(z: Curve, f: Curve, tolerance: float) -> str:
    """The name of a function that has a parameter, or is a known one times a constant."""

    def close(values: Curve) -> bool:
        return bool(np.allclose(values, f, rtol=tolerance, atol=tolerance))

    slope = f[z == -1][0] / -1
    if close(np.where(z >= 0, z, slope * z)):
        return f"leaky_relu({slope:.3g})"
    if (alpha := -f[0]) > 0 and close(_elu(z, alpha)):
        return f"elu({alpha:.3g})"
    if close(np.clip(z, f.min(), f.max())):
        return f"clip({f.min():.3g}, {f.max():.3g})"
    for name, values in _known("float64").items():
        if name not in NO_ACTIVATION and np.isfinite(values).all():
            near = np.argmax(np.abs(values) * (np.abs(z) < 3))
            if (factor := f[near] / values[near]) and close(factor * values):
                return f"{factor:.3g}·{name}"
    return "f(z)"
