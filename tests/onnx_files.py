"""Small ONNX files with known dead units."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

#: Inputs are in [0, 1): with this bias a unit never fires.
DEAD = -100.0


def weights(dead: int = 2) -> dict[str, np.ndarray]:
    """Of 3 inputs, 8 units of which so many are dead, and 4 outputs: as PyTorch calls them."""
    rng = np.random.default_rng(0)
    bias = np.where(np.arange(8) < dead, DEAD, 0.5)
    arrays = {
        "fc1.weight": np.abs(rng.normal(size=(8, 3))),
        "fc1.bias": bias,
        "fc2.weight": rng.normal(size=(4, 8)),
        "fc2.bias": np.zeros(4),
    }
    return {name: array.astype(np.float32) for name, array in arrays.items()}


def mlp(path: Path, dead: int = 2, batch: int | str = "batch") -> Path:
    """A ReLU network of one hidden layer, in a file."""
    nodes = [
        helper.make_node("Gemm", ["x", "fc1.weight", "fc1.bias"], ["z"], "/fc1/Gemm", transB=1),
        helper.make_node("Relu", ["z"], ["a"], "/act/Relu"),
        helper.make_node("Gemm", ["a", "fc2.weight", "fc2.bias"], ["y"], "/fc2/Gemm", transB=1),
    ]
    tensors = [numpy_helper.from_array(array, name) for name, array in weights(dead).items()]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, size])
        for name, size in (("x", 3), ("y", 4))
    ]
    graph = helper.make_graph(nodes, "mlp", ends[:1], ends[1:], tensors)
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path
