"""Whether a network computes in types of 64 bits, which JAX leaves out unless it is told."""

from __future__ import annotations

from typing import Any

import onnx
from onnx import TensorProto, shape_inference

_WIDE = (TensorProto.DOUBLE, TensorProto.INT64, TensorProto.UINT64)
#: Their outputs depend on shapes alone, which are known before any input is.
_SHAPES = frozenset(("Shape", "Size", "ConstantOfShape", "EyeLike"))


def computes_in_64_bits(model: Any) -> bool:
    """Whether a value that depends on the inputs is, or may be, of 64 bits."""
    try:
        graph = shape_inference.infer_shapes(model).graph
    except (shape_inference.InferenceError, ValueError, RuntimeError):
        return True
    types = _types(graph)
    constant = {tensor.name for tensor in graph.initializer}
    depends = {value.name for value in graph.input} - constant
    for node in graph.node:
        within = any(attribute.HasField("g") for attribute in node.attribute)
        if within or (depends.intersection(node.input) and node.op_type not in _SHAPES):
            depends.update(name for name in node.output if name)
    floats = any(tensor.data_type == TensorProto.DOUBLE for tensor in graph.initializer)
    return floats or any(types.get(name, TensorProto.INT64) in _WIDE for name in depends)


def _types(graph: onnx.GraphProto) -> dict[str, int]:
    values = (*graph.input, *graph.value_info, *graph.output)
    return {value.name: value.type.tensor_type.elem_type for value in values}
