"""Operators that move values about and change none: reshape, transpose, split, pad and the like."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from reluprobe.foreign.onnx.operators.registry import (
    Node,
    Tensor,
    allocatable,
    integers,
    numpy_of,
    operator,
    scalar,
)


@operator("Reshape", (5, 13))
@operator("Reshape", (14, 19, 21, 23, 24, 25), "allowzero")
def _reshape(node: Node, x: Tensor, shape: Tensor) -> Tensor:
    sizes = integers(node, shape, "shape")
    if not node.get("allowzero"):
        sizes = [x.shape[i] if size == 0 else size for i, size in enumerate(sizes)]
    return x.reshape(sizes)


@operator("Flatten", (1, 9, 11, 13, 21, 23, 24, 25), "axis")
def _flatten(node: Node, x: Tensor) -> Tensor:
    axis = node["axis"] + (x.ndim if node["axis"] < 0 else 0)
    return x.reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))


@operator("Transpose", (1, 13, 21, 23, 24, 25), "perm")
def _transpose(node: Node, x: Tensor) -> Tensor:
    return numpy_of(x).transpose(x, node.get("perm"))


def _axes(node: Node, axes: Tensor | None) -> list[int] | None:
    """From the input that newer versions have, or else the attribute of older ones."""
    return node.get("axes") if axes is None else integers(node, axes, "axes")


@operator("Squeeze", (1, 11), "axes")
@operator("Squeeze", (13, 21, 23, 24, 25))
def _squeeze(node: Node, x: Tensor, axes: Tensor | None = None) -> Tensor:
    chosen = _axes(node, axes)
    return numpy_of(x).squeeze(x, None if chosen is None else tuple(chosen))


@operator("Unsqueeze", (1, 11), "axes")
@operator("Unsqueeze", (13, 21, 23, 24, 25))
def _unsqueeze(node: Node, x: Tensor, axes: Tensor | None = None) -> Tensor:
    return numpy_of(x).expand_dims(x, tuple(_axes(node, axes) or ()))


@operator("Concat", (4, 11, 13), "axis")
def _concat(node: Node, *tensors: Tensor) -> Tensor:
    return numpy_of(*tensors).concatenate(tensors, node["axis"])


@operator("Split", (2, 11), "axis split")
@operator("Split", (13,), "axis")
@operator("Split", (18,), "axis num_outputs")
def _split(node: Node, x: Tensor, sizes: Tensor | None = None) -> tuple[Tensor, ...]:
    """Without sizes, into parts of one size, of which the last may be smaller since version 18."""
    axis, parts = node["axis"], node.get("num_outputs") or len(node.outputs)
    given = node.get("split") if sizes is None else integers(node, sizes, "sizes")
    if given is None:
        size = -(-x.shape[axis] // parts)
        given = [min(size, x.shape[axis] - size * part) for part in range(parts)]
        if min(given) < 0 or (node.version < 18 and len(set(given)) > 1):
            raise node.refusal(f"{x.shape[axis]} do not go into {parts} equal parts")
    if sum(given) != x.shape[axis] or len(given) != len(node.outputs):
        raise node.refusal(f"parts of {given} from an axis of {x.shape[axis]}")
    return tuple(numpy_of(x).split(x, [int(end) for end in np.cumsum(given)[:-1]], axis))


def _slice(start: int, end: int, step: int, size: int) -> slice:
    """The standard's clamped start and end as Python's slice."""
    start, end = (value + size if value < 0 else value for value in (start, end))
    if step > 0:
        return slice(min(max(start, 0), size), min(max(end, 0), size), step)
    first, behind = min(max(start, 0), size - 1), min(max(end, -1), size - 1)
    return slice(first, None if behind < 0 else behind, step)


@operator("Slice", (1,), "axes ends starts")
def _slice_by_attributes(node: Node, x: Tensor) -> Tensor:
    axes = node.get("axes") or range(len(node["starts"]))
    return _sliced(node, x, node["starts"], node["ends"], list(axes), [1] * len(node["starts"]))


@operator("Slice", (10, 11, 13))
def _slice_by_inputs(
    node: Node,
    x: Tensor,
    starts: Tensor,
    ends: Tensor,
    axes: Tensor | None = None,
    steps: Tensor | None = None,
) -> Tensor:
    first, behind = integers(node, starts, "starts"), integers(node, ends, "ends")
    along = list(range(len(first))) if axes is None else integers(node, axes, "axes")
    by = [1] * len(first) if steps is None else integers(node, steps, "steps")
    return _sliced(node, x, first, behind, along, by)


def _sliced(
    node: Node, x: Tensor, starts: list[int], ends: list[int], axes: list[int], steps: list[int]
) -> Tensor:
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise node.refusal(f"starts {starts}, ends {ends}, axes {axes}, steps {steps}")
    slices = [slice(None)] * x.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        slices[axis] = _slice(start, end, step, x.shape[axis])
    return x[tuple(slices)]


@operator("Expand", (8, 13))
def _expand(node: Node, x: Tensor, shape: Tensor) -> Tensor:
    sizes = np.broadcast_shapes(x.shape, tuple(integers(node, shape, "shape")))
    return numpy_of(x).broadcast_to(x, allocatable(node, sizes, x.dtype))


@operator("Tile", (6, 13))
def _tile(node: Node, x: Tensor, repeats: Tensor) -> Tensor:
    times = integers(node, repeats, "repeats")
    allocatable(node, [a * b for a, b in zip(x.shape, times, strict=True)], x.dtype)
    return numpy_of(x).tile(x, times)


@operator("Pad", (2,), "mode pads value")
def _pad_by_attributes(node: Node, x: Tensor) -> Tensor:
    return _padded(node, x, node["pads"], list(range(x.ndim)), np.asarray(node["value"], x.dtype))


@operator("Pad", (11, 13, 18, 19, 21, 23, 24, 25), "mode")
def _pad_by_inputs(
    node: Node,
    x: Tensor,
    pads: Tensor,
    value: Tensor | None = None,
    axes: Tensor | None = None,
) -> Tensor:
    along = list(range(x.ndim)) if axes is None else integers(node, axes, "axes")
    fill = np.zeros((), x.dtype) if value is None else value.reshape(())
    return _padded(node, x, integers(node, pads, "pads"), along, fill)


def _padded(node: Node, x: Tensor, pads: Sequence[int], axes: list[int], fill: Tensor) -> Tensor:
    """Negative padding cuts off; NumPy has none, so it is done by a slice."""
    if len(pads) != 2 * len(axes):
        raise node.refusal(f"pads {list(pads)} for {len(axes)} axes")
    mode = node["mode"]
    if mode not in ("constant", "reflect", "edge", "wrap"):
        raise node.refusal(f"mode={mode!r}; known: constant, edge, reflect, wrap")
    if mode != "constant" and min(pads) < 0:
        raise node.refusal(f"negative pads {list(pads)} with mode={mode!r}")
    widths, kept = [(0, 0)] * x.ndim, [slice(None)] * x.ndim
    for before, after, axis in zip(pads[: len(axes)], pads[len(axes) :], axes, strict=True):
        widths[axis] = (max(before, 0), max(after, 0))
        kept[axis] = slice(max(-before, 0), x.shape[axis] - max(-after, 0))
    sizes = (size + sum(width) for size, width in zip(x.shape, widths, strict=True))
    allocatable(node, sizes, x.dtype)
    extra = {"constant_values": fill} if mode == "constant" else {}
    return numpy_of(x, fill).pad(x[tuple(kept)], widths, mode, **extra)


@operator("Trilu", (14,), "upper")
def _trilu(node: Node, x: Tensor, diagonal: Tensor | None = None) -> Tensor:
    offset = 0 if diagonal is None else scalar(node, diagonal, "diagonal")
    np_or_jnp = numpy_of(x)
    return (np_or_jnp.triu if node["upper"] else np_or_jnp.tril)(x, offset)


@operator("DepthToSpace", (1,), "blocksize")
@operator("DepthToSpace", (11, 13, 28), "blocksize mode")
def _depth_to_space(node: Node, x: Tensor) -> Tensor:
    size, (examples, depth, height, width) = node["blocksize"], x.shape
    if node.get("mode", "DCR") == "DCR":
        blocks = x.reshape(examples, size, size, depth // size**2, height, width)
        moved = blocks.transpose(0, 3, 4, 1, 5, 2)
    else:
        blocks = x.reshape(examples, depth // size**2, size, size, height, width)
        moved = blocks.transpose(0, 1, 4, 2, 5, 3)
    return moved.reshape(examples, depth // size**2, height * size, width * size)


@operator("SpaceToDepth", (1, 13), "blocksize")
@operator("SpaceToDepth", (28,), "blocksize mode")
def _space_to_depth(node: Node, x: Tensor) -> Tensor:
    size, (examples, depth, height, width) = node["blocksize"], x.shape
    blocks = x.reshape(examples, depth, height // size, size, width // size, size)
    by_block = node.get("mode", "DCR") == "DCR"
    moved = blocks.transpose((0, 3, 5, 1, 2, 4) if by_block else (0, 1, 3, 5, 2, 4))
    return moved.reshape(examples, depth * size**2, height // size, width // size)


@operator("ReverseSequence", (10, 28), "batch_axis time_axis")
def _reverse_sequence(node: Node, x: Tensor, lengths: Tensor) -> Tensor:
    """Each example's first ``length`` steps backwards, the others as they are."""
    batch, time = node["batch_axis"] % x.ndim, node["time_axis"] % x.ndim
    steps = jnp.arange(x.shape[time], dtype=lengths.dtype)
    places = jnp.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)
    if batch > time:
        places = places.T
    shape = [x.shape[axis] if axis in (batch, time) else 1 for axis in range(x.ndim)]
    return jnp.take_along_axis(jnp.asarray(x), places.reshape(shape), time)
