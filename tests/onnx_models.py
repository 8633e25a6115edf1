"""Small ONNX files, written by hand."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper


def node(operator: str, inputs: str, outputs: str, **attributes: Any) -> onnx.NodeProto:
    """Names parted by spaces; ``name`` and ``domain`` are among the attributes."""
    return helper.make_node(operator, inputs.split(), outputs.split(), **attributes)


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Sequence[int | str]],
    outputs: str = "y",
    arrays: Mapping[str, np.ndarray] | None = None,
    *,
    opset: int = 20,
    dtype: str = "float32",
    **options: Any,
) -> onnx.ModelProto:
    """A model whose inputs and outputs are of one type."""
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    domains = {entry.domain for entry in nodes} - {""}
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info(name, kind, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, kind, None) for name in outputs.split()],
        [numpy_helper.from_array(array, name) for name, array in (arrays or {}).items()],
    )
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in domains)]
    written = helper.make_model(graph, opset_imports=imports, ir_version=9, **options)
    with contextlib.suppress(onnx.shape_inference.InferenceError):
        written = onnx.shape_inference.infer_shapes(written)
    for output in written.graph.output:  # the checker wants a shape, be it right or not
        if not output.type.tensor_type.HasField("shape"):
            output.type.tensor_type.shape.SetInParent()
    return written


def saved(folder: Path, *arguments: Any, **options: Any) -> Path:
    """The path of a file with :func:`model`."""
    path = folder / "net.onnx"
    path.write_bytes(model(*arguments, **options).SerializeToString())
    return path


def mlp(rng: np.random.Generator, names: Sequence[str] = ("fc1", "fc2")) -> dict[str, np.ndarray]:
    """Weights as a PyTorch state_dict has them: 5 inputs, 4 hidden units, 3 outputs."""
    shapes = {"weight": (4, 5), "bias": (4,)}, {"weight": (3, 4), "bias": (3,)}
    return {
        f"{name}.{kind}": rng.normal(size=shape).astype(np.float32)
        for name, layer in zip(names, shapes, strict=True)
        for kind, shape in layer.items()
    }


def mlp_nodes() -> list[onnx.NodeProto]:
    """Dense, ReLU, dense: with names as PyTorch's older exporter gives them."""
    return [
        node("Gemm", "x fc1.weight fc1.bias", "z", transB=1, name="/fc1/Gemm"),
        node("Relu", "z", "a", name="/Relu"),
        node("Gemm", "a fc2.weight fc2.bias", "y", transB=1, name="/fc2/Gemm"),
    ]
