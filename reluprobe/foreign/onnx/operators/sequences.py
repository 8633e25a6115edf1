"""Lists of tensors, as PyTorch's newer exporter writes a split: a Python tuple each."""

from __future__ import annotations

import numpy as np

from reluprobe.foreign.onnx.operators.registry import Node, Tensor, integers, numpy_of, operator

Tensors = tuple[Tensor, ...]


@operator("SplitToSequence", (11, 24), "axis keepdims")
def _split_to_sequence(node: Node, x: Tensor, sizes: Tensor | None = None) -> tuple[Tensors]:
    """Parts of given sizes; of one size, the last smaller; or without one, of size 1."""
    axis = node["axis"]
    whole = x.shape[axis]
    given = [1] if sizes is None else integers(node, sizes, "sizes")
    if sizes is None or not sizes.ndim:
        if given[0] < 1:
            raise node.refusal(f"parts of {given[0]}")
        given = [min(given[0], whole - start) for start in range(0, whole, given[0])]
    if sum(given) != whole or min(given, default=0) < 0:
        raise node.refusal(f"parts of {given} from an axis of {whole}")
    ends = [int(end) for end in np.cumsum(given)[:-1]]
    parts = numpy_of(x).split(x, ends, axis)
    if sizes is None and not node["keepdims"]:
        parts = [part.squeeze(axis) for part in parts]
    return (tuple(parts),)


@operator("SequenceConstruct", (11,))
def _sequence_construct(node: Node, *tensors: Tensor) -> tuple[Tensors]:
    return (tensors,)


@operator("SequenceAt", (11,))
def _sequence_at(node: Node, tensors: Tensors, position: Tensor) -> Tensor:
    return tensors[integers(node, position, "position")[0]]


@operator("SequenceLength", (11,))
def _sequence_length(node: Node, tensors: Tensors) -> Tensor:
    return np.asarray(len(tensors), np.int64)


@operator("ConcatFromSequence", (11,), "axis new_axis")
def _concat_from_sequence(node: Node, tensors: Tensors) -> Tensor:
    np_or_jnp = numpy_of(*tensors)
    return (np_or_jnp.stack if node["new_axis"] else np_or_jnp.concatenate)(tensors, node["axis"])
