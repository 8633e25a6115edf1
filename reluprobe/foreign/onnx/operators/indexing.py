"""Picking and placing by index: gather, scatter, one-hot, the largest few."""

from __future__ import annotations

from typing import Any

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

_INT64 = np.dtype("int64")


def int64(x: Tensor) -> Tensor:
    """The standard's type of an index; JAX's widest where 64 bits are off."""
    return x.astype(_INT64 if is_static(x) else jax.dtypes.canonicalize_dtype(_INT64))


def _from_front(indices: Tensor, size: int) -> Tensor:
    """Negative indices count from the end."""
    return numpy_of(indices).where(indices < 0, indices + size, indices)


@operator("Gather", (1, 11, 13), "axis")
def _gather(node: Node, x: Tensor, indices: Tensor) -> Tensor:
    """An index outside of the axis picks NaN, which is seen; NumPy's raises."""
    axis = node["axis"] % x.ndim
    places = _from_front(indices, x.shape[axis])
    if is_static(x, indices):
        return np.take(x, places, axis)
    return jnp.take(jnp.asarray(x), places, axis, mode="fill")


@operator("GatherElements", (11, 13), "axis")
def _gather_elements(node: Node, x: Tensor, indices: Tensor) -> Tensor:
    """Unlike ``take_along_axis``, the other axes may be cut short."""
    axis = node["axis"] % x.ndim
    return jnp.asarray(x).at[_element_places(x, indices, axis)].get(mode="fill")


def _element_places(x: Tensor, indices: Tensor, axis: int) -> tuple[Tensor, ...]:
    places: list[Tensor] = list(np.indices(indices.shape, sparse=True))
    places[axis] = _from_front(indices, x.shape[axis])
    return tuple(places)


def _tuple_places(x: Tensor, indices: Tensor, batch: int) -> tuple[Tensor, ...]:
    """The last axis of ``indices`` as an index tuple, behind ``batch`` axes that go along."""
    shape = indices.shape[:-1]
    along = np.indices(shape[:batch], sparse=True) if batch else ()
    fronts = [axis.reshape(axis.shape + (1,) * (len(shape) - batch)) for axis in along]
    depth = indices.shape[-1]
    return (*fronts, *(_from_front(indices[..., i], x.shape[batch + i]) for i in range(depth)))


@operator("GatherND", (11,))
@operator("GatherND", (12, 13), "batch_dims")
def _gather_nd(node: Node, x: Tensor, indices: Tensor) -> Tensor:
    places = _tuple_places(x, indices, node.get("batch_dims", 0))
    return jnp.asarray(x).at[places].get(mode="fill")


def _reduced(node: Node, target: Any, updates: Tensor) -> Tensor:
    kind = node.get("reduction", "none")
    ways = {"none": "set", "add": "add", "mul": "multiply", "max": "max", "min": "min"}
    if kind not in ways:
        raise node.refusal(f"reduction={kind!r}; known: {', '.join(ways)}")
    return getattr(target, ways[kind])(updates)


@operator("Scatter", (9,), "axis")
@operator("ScatterElements", (11, 13), "axis")
@operator("ScatterElements", (16, 18), "axis reduction")
def _scatter_elements(node: Node, x: Tensor, indices: Tensor, updates: Tensor) -> Tensor:
    places = _element_places(x, indices, node["axis"] % x.ndim)
    return _reduced(node, jnp.asarray(x).at[places], updates)


@operator("ScatterND", (11, 13))
@operator("ScatterND", (16, 18), "reduction")
def _scatter_nd(node: Node, x: Tensor, indices: Tensor, updates: Tensor) -> Tensor:
    return _reduced(node, jnp.asarray(x).at[_tuple_places(x, indices, 0)], updates)


@operator("OneHot", (9, 11, 28), "axis")
def _one_hot(node: Node, indices: Tensor, depth: Tensor, values: Tensor) -> Tensor:
    """``values`` are (off, on); an index outside of the range is off everywhere."""
    size, axis = int(scalar(node, depth, "depth")), node["axis"]
    axis = axis % (indices.ndim + 1)
    allocatable(node, (*indices.shape, size), values.dtype)
    np_or_jnp = numpy_of(indices, values)
    places = np.arange(size).reshape(-1, *[1] * (indices.ndim - axis))
    chosen = np_or_jnp.expand_dims(_from_front(indices, size), axis) == places
    return np_or_jnp.where(chosen, values[1], values[0])


@operator("ArgMax", (1, 11), "axis keepdims")
@operator("ArgMax", (12, 13), "axis keepdims select_last_index")
def _argmax(node: Node, x: Tensor) -> Tensor:
    return _extreme(node, x, "argmax")


@operator("ArgMin", (1, 11), "axis keepdims")
@operator("ArgMin", (12, 13), "axis keepdims select_last_index")
def _argmin(node: Node, x: Tensor) -> Tensor:
    return _extreme(node, x, "argmin")


def _extreme(node: Node, x: Tensor, name: str) -> Tensor:
    np_or_jnp, axis = numpy_of(x), node["axis"]
    pick = getattr(np_or_jnp, name)
    if node.get("select_last_index"):
        place = x.shape[axis] - 1 - pick(np_or_jnp.flip(x, axis), axis, keepdims=True)
    else:
        place = pick(x, axis, keepdims=True)
    return int64(place if node["keepdims"] else np_or_jnp.squeeze(place, axis))


@operator("TopK", (1,), "axis k")
def _top_k_by_attribute(node: Node, x: Tensor) -> tuple[Tensor, Tensor]:
    return _top(x, node["k"], node["axis"] % x.ndim, largest=True)


@operator("TopK", (10,), "axis")
@operator("TopK", (11, 24), "axis largest sorted")
def _top_k(node: Node, x: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
    largest = bool(node.get("largest", 1))
    return _top(x, integers(node, count, "count")[0], node["axis"] % x.ndim, largest=largest)


def _top(x: Tensor, count: int, axis: int, *, largest: bool) -> tuple[Tensor, Tensor]:
    """Of equal values, those with the lower index, as the standard has it."""
    order = jnp.argsort(jnp.asarray(x), axis, stable=True, descending=largest)
    places = jax.lax.slice_in_dim(order, 0, count, axis=axis)
    return jnp.take_along_axis(jnp.asarray(x), places, axis), int64(places)


@operator("Compress", (9, 11, 28), "axis")
def _compress(node: Node, x: Tensor, condition: Tensor) -> Tensor:
    kept = np.flatnonzero(integers(node, condition, "condition"))
    axis = node.get("axis")
    return numpy_of(x).take(x.reshape(-1) if axis is None else x, kept, axis or 0)


@operator("NonZero", (9, 13))
def _non_zero(node: Node, x: Tensor) -> Tensor:
    if not isinstance(x, np.ndarray):
        raise node.refusal("the size of its output depends on values: JAX compiles for fixed sizes")
    return int64(np.stack(np.nonzero(x))) if x.ndim else np.zeros((0, int(x != 0)), np.int64)
