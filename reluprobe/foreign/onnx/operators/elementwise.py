"""Arithmetic, comparisons and logic, element by element."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from reluprobe.foreign.onnx.operators.registry import (
    Node,
    Tensor,
    floats_only,
    is_float,
    is_static,
    numpy_of,
    operator,
)


def _numpy_unary(name: str, numpy_name: str, versions: Sequence[int]) -> None:
    @operator(name, versions)
    def compute(node: Node, x: Tensor) -> Tensor:
        return getattr(numpy_of(x), numpy_name)(x)


for _name, _numpy_name, *_versions in (
    ("Abs", "abs", 6, 13),
    ("Acos", "arccos", 7, 22),
    ("Acosh", "arccosh", 9, 22),
    ("Asin", "arcsin", 7, 22),
    ("Asinh", "arcsinh", 9, 22),
    ("Atan", "arctan", 7, 22),
    ("Atanh", "arctanh", 9, 22),
    ("BitwiseNot", "bitwise_not", 18),
    ("Ceil", "ceil", 6, 13),
    ("Cos", "cos", 7, 22),
    ("Cosh", "cosh", 9, 22),
    ("Exp", "exp", 6, 13),
    ("Floor", "floor", 6, 13),
    ("IsNaN", "isnan", 9, 13, 20),
    ("Log", "log", 6, 13),
    ("Neg", "negative", 6, 13),
    ("Not", "logical_not", 1),
    ("Reciprocal", "reciprocal", 6, 13),
    ("Round", "rint", 11, 22),
    ("Sign", "sign", 9, 13),
    ("Sin", "sin", 7, 22),
    ("Sinh", "sinh", 9, 22),
    ("Sqrt", "sqrt", 6, 13),
    ("Tan", "tan", 7, 22),
    ("Tanh", "tanh", 6, 13),
):
    _numpy_unary(_name, _numpy_name, _versions)


@operator("Identity", (1, 13, 14, 16, 19, 21, 23, 24, 25))
def _identity(node: Node, x: Tensor) -> Tensor:
    return x


@operator("Erf", (9, 13))
def _erf(node: Node, x: Tensor) -> Tensor:
    floats_only(node, x)
    return lax.erf(jnp.asarray(x))


@operator("IsInf", (10, 20), "detect_negative detect_positive")
def _is_inf(node: Node, x: Tensor) -> Tensor:
    np_or_jnp = numpy_of(x)
    positive = np_or_jnp.isposinf(x) if node["detect_positive"] else False
    negative = np_or_jnp.isneginf(x) if node["detect_negative"] else False
    return np_or_jnp.logical_or(np_or_jnp.zeros_like(x, bool), positive | negative)


def aligned(node: Node, x: Tensor, y: Tensor) -> Tensor:
    """``y`` as the standard before version 7 of it broadcasts it to ``x``.

    Raises:
        InputError: the file does not ask for it, and the shapes differ.
    """
    if not node.get("broadcast"):
        if x.shape != y.shape:
            raise node.refusal(f"shapes {x.shape} and {y.shape} differ and broadcast is 0")
        return y
    axis = node.get("axis", x.ndim - y.ndim)
    behind = x.ndim - axis % max(x.ndim, 1) - y.ndim if x.ndim else 0
    return y.reshape(y.shape + (1,) * max(behind, 0))


Binary = Callable[[Node, Any, Any], Any]


def _binary(name: str, compute: Binary, old: Sequence[int], new: Sequence[int]) -> None:
    operator(name, new)(compute)

    @operator(name, old, "axis broadcast")
    def compute_old(node: Node, x: Tensor, y: Tensor) -> Tensor:
        return compute(node, x, aligned(node, x, y))


def _numpy_binary(numpy_name: str) -> Binary:
    def compute(node: Node, x: Tensor, y: Tensor) -> Tensor:
        return getattr(numpy_of(x, y), numpy_name)(x, y)

    return compute


for _name, _numpy_name, _old, _new in (
    ("Add", "add", (6,), (7, 13, 14)),
    ("Sub", "subtract", (6,), (7, 13, 14)),
    ("Mul", "multiply", (6,), (7, 13, 14)),
    ("Equal", "equal", (1,), (7, 11, 13, 19)),
    ("Greater", "greater", (1,), (7, 9, 13)),
    ("Less", "less", (1,), (7, 9, 13)),
    ("GreaterOrEqual", "greater_equal", (), (12, 16)),
    ("LessOrEqual", "less_equal", (), (12, 16)),
    ("And", "logical_and", (1,), (7,)),
    ("Or", "logical_or", (1,), (7,)),
    ("Xor", "logical_xor", (1,), (7,)),
    ("BitwiseAnd", "bitwise_and", (), (18,)),
    ("BitwiseOr", "bitwise_or", (), (18,)),
    ("BitwiseXor", "bitwise_xor", (), (18,)),
):
    _binary(_name, _numpy_binary(_numpy_name), _old, _new)


def _divide(node: Node, x: Tensor, y: Tensor) -> Tensor:
    """Whole numbers are cut off towards zero, unlike in Python."""
    np_or_jnp = numpy_of(x, y)
    if is_float(x):
        return np_or_jnp.true_divide(x, y)
    quotient = np_or_jnp.floor_divide(x, y)
    inexact = quotient * y != x
    return (quotient + (inexact & ((x < 0) != (y < 0)))).astype(x.dtype)


_binary("Div", _divide, (6,), (7, 13, 14))


def _power(node: Node, x: Tensor, exponent: Tensor) -> Tensor:
    """In the base's type; a whole exponent that is fixed is a product, which 0 has a slope of."""
    if is_static(exponent) and exponent.size == 1 and exponent.ndim <= x.ndim and is_float(x):
        whole = float(exponent.reshape(()))
        if whole.is_integer() and abs(whole) < 2**31:
            return lax.integer_pow(jnp.asarray(x), int(whole))
    if is_float(x):
        return numpy_of(x, exponent).power(x, exponent.astype(x.dtype))
    if is_float(exponent):
        return numpy_of(x, exponent).power(x.astype(exponent.dtype), exponent).astype(x.dtype)
    return numpy_of(x, exponent).power(x, exponent).astype(x.dtype)


_binary("Pow", _power, (1,), (7, 12, 13, 15))


@operator("Mod", (10, 13, 28), "fmod")
def _modulo(node: Node, x: Tensor, y: Tensor) -> Tensor:
    if not node["fmod"] and is_float(x) and node.version < 28:
        raise node.refusal("floating-point numbers need fmod=1")
    np_or_jnp = numpy_of(x, y)
    return (np_or_jnp.fmod if node["fmod"] else np_or_jnp.mod)(x, y)


@operator("BitShift", (11, 28), "direction")
def _bit_shift(node: Node, x: Tensor, y: Tensor) -> Tensor:
    if not jnp.issubdtype(x.dtype, jnp.unsignedinteger):
        raise node.refusal(f"known exactly for unsigned integers alone, got {x.dtype}")
    np_or_jnp = numpy_of(x, y)
    return (np_or_jnp.left_shift if node["direction"] == "LEFT" else np_or_jnp.right_shift)(x, y)


def _many(name: str, numpy_name: str, versions: Sequence[int]) -> None:
    @operator(name, versions)
    def compute(node: Node, *tensors: Tensor) -> Tensor:
        if node.version < 8 and len({tensor.shape for tensor in tensors}) > 1:
            raise node.refusal("shapes differ, and this version does not broadcast")
        return functools.reduce(getattr(numpy_of(*tensors), numpy_name), tensors)


_many("Max", "maximum", (6, 8, 12, 13))
_many("Min", "minimum", (6, 8, 12, 13))
_many("Sum", "add", (6, 8, 13))


@operator("Mean", (6, 8, 13))
def _mean(node: Node, *tensors: Tensor) -> Tensor:
    floats_only(node, *tensors)
    if node.version < 8 and len({tensor.shape for tensor in tensors}) > 1:
        raise node.refusal("shapes differ, and this version does not broadcast")
    return functools.reduce(numpy_of(*tensors).add, tensors) / len(tensors)


@operator("Where", (9, 16))
def _where(node: Node, condition: Tensor, x: Tensor, y: Tensor) -> Tensor:
    return numpy_of(condition, x, y).where(condition, x, y)


@operator("Clip", (6,), "min max")
def _clip_by_attributes(node: Node, x: Tensor) -> Tensor:
    dtype = x.dtype
    low, high = (np.asarray(node[limit], dtype) for limit in ("min", "max"))
    everything = np.finfo(np.float32)
    return clipped(
        x, low if low > everything.min else None, high if high < everything.max else None
    )


@operator("Clip", (11, 12, 13))
def _clip(node: Node, x: Tensor, low: Tensor | None = None, high: Tensor | None = None) -> Tensor:
    return clipped(x, low, high)


def clipped(x: Tensor, low: Tensor | None, high: Tensor | None) -> Tensor:
    """min(max(x, low), high), with a slope of 0 at both ends.

    So PyTorch and TensorFlow have it for their ReLUs and hard tanh, which exporters write like
    this; ``jnp.clip`` has a half there. NaN stays NaN.
    """
    np_or_jnp = numpy_of(x, low, high)
    if low is not None and high is not None:
        low = np_or_jnp.minimum(low, high)
    if low is not None:
        x = np_or_jnp.where(x <= low, low, x)
    if high is not None:
        x = np_or_jnp.where(x >= high, high, x)
    return x
