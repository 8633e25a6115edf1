"""Constants, shapes as tensors, and changes of type."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from reluprobe.foreign.onnx.operators.registry import (
    Node,
    Tensor,
    allocatable,
    integers,
    is_static,
    numpy_of,
    operator,
    scalar,
)

#: The standard's numbers of the types that JAX computes in.
TYPES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
    16: "bfloat16",
}


def dtype_of(node: Node, number: int) -> np.dtype:
    """The type of this number in the standard."""
    if number not in TYPES:
        raise node.refusal(f"tensor type {number}; known: {', '.join(TYPES.values())}")
    return jnp.dtype(TYPES[number])


@operator("Constant", (1, 9, 11), "value")
@operator(
    "Constant", (12, 13, 19, 21, 23, 24, 25), "value value_float value_floats value_int value_ints"
)
def _constant(node: Node) -> Tensor:
    if "value" in node.attributes:
        return node["value"]
    if len(node.attributes) != 1:
        raise node.refusal("it has no value, or several")
    kind, value = next(iter(node.attributes.items()))
    return np.asarray(value, np.float32 if "float" in kind else np.int64)


@operator("ConstantOfShape", (9, 20, 21, 23, 24, 25), "value")
def _constant_of_shape(node: Node, shape: Tensor) -> Tensor:
    value = node.get("value", np.zeros(1, np.float32))
    sizes = allocatable(node, integers(node, shape, "shape"), value.dtype)
    return np.full(sizes, value.reshape(()), value.dtype)


@operator("EyeLike", (9, 22), "dtype k")
def _eye_like(node: Node, x: Tensor) -> Tensor:
    number = node.get("dtype")
    dtype = x.dtype if number is None else dtype_of(node, number)
    return np.eye(*allocatable(node, x.shape, dtype), k=node["k"]).astype(dtype)


@operator("Range", (11,))
def _range(node: Node, start: Tensor, limit: Tensor, delta: Tensor) -> Tensor:
    """start + i · delta for i below ceil((limit − start) / delta)."""
    first, behind, step = (scalar(node, x, "range") for x in (start, limit, delta))
    if not step:
        raise node.refusal("a step of 0")
    count = max(int(np.ceil((behind - first) / step)), 0)
    places = np.arange(allocatable(node, (count,), start.dtype)[0])
    return (first + places * step).astype(start.dtype)


@operator("Shape", (1, 13))
@operator("Shape", (15, 19, 21, 23, 24, 25), "end start")
def _shape(node: Node, x: Tensor) -> Tensor:
    return np.asarray(x.shape[node.get("start", 0) : node.get("end")], np.int64)


@operator("Size", (1, 13, 19, 21, 23, 24, 25))
def _size(node: Node, x: Tensor) -> Tensor:
    return np.asarray(x.size, np.int64)


@operator("Cast", (6, 9, 13), "to")
@operator("Cast", (19, 21, 23), "saturate to")
@operator("Cast", (24, 25, 28), "round_mode saturate to")
def _cast(node: Node, x: Tensor) -> Tensor:
    """``saturate`` and ``round_mode`` are for types of 8 bits, which are not known here."""
    return _as_type(x, dtype_of(node, node["to"]))


@operator("CastLike", (15,))
@operator("CastLike", (19, 21, 23), "saturate")
@operator("CastLike", (24, 25), "round_mode saturate")
def _cast_like(node: Node, x: Tensor, other: Tensor) -> Tensor:
    return _as_type(x, other.dtype)


def _as_type(x: Tensor, dtype: np.dtype) -> Tensor:
    if is_static(x):
        with np.errstate(over="ignore", invalid="ignore"):
            return x.astype(dtype)
    return x.astype(jax.dtypes.canonicalize_dtype(dtype))


@operator("CumSum", (11, 14), "exclusive reverse")
def _cumulative_sum(node: Node, x: Tensor, axis: Tensor) -> Tensor:
    return _cumulative(node, x, axis, "cumsum", 0)


@operator("CumProd", (26,), "exclusive reverse")
def _cumulative_product(node: Node, x: Tensor, axis: Tensor) -> Tensor:
    return _cumulative(node, x, axis, "cumprod", 1)


def _cumulative(node: Node, x: Tensor, axis: Tensor, name: str, neutral: int) -> Tensor:
    """Exclusive ones leave out the element itself: shifted by one, the neutral element first."""
    np_or_jnp, along = numpy_of(x), int(scalar(node, axis, "axis"))
    x = np_or_jnp.flip(x, along) if node["reverse"] else x
    if node["exclusive"]:
        first = np_or_jnp.full_like(np_or_jnp.take(x, np.arange(1), along), neutral)
        rest = np_or_jnp.take(x, np.arange(x.shape[along] - 1), along)
        x = np_or_jnp.concatenate([first, rest], along)
    total = getattr(np_or_jnp, name)(x, along, dtype=x.dtype)
    return np_or_jnp.flip(total, along) if node["reverse"] else total
