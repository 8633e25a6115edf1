"""Layers have the names of their modules, whatever an exporter made of the weights' names."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import NodeProto

from onnx_models import node
from reluprobe.foreign.onnx import names

SCOPES = "pkg.torch.onnx.name_scopes"
WEIGHT = np.zeros((2, 2), np.float32)


def _scoped(scopes: str, inputs: str = "x val_7") -> NodeProto:
    entry = node("MatMul", inputs, "y", name="node_MatMul_3")
    entry.metadata_props.add(key=SCOPES, value=scopes)
    return entry


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("/l/layers.0/linear1/MatMul", "l.layers.0.linear1"),
        ("/net/net.0/Gemm", "net.0"),
        ("/net/net.0/net.0.1/Gemm_2", "net.0.1"),
        ("/body.10/body.1/Conv", "body.10.body.1"),
        ("functional_1/dense_2/MatMul", "functional_1.dense_2"),
        ("/Relu_1", ""),
        ("MatMul_3", None),
    ],
)
def test_the_module_is_read_from_a_nodes_name(name: str, module: str | None) -> None:
    assert names.module_of(node("MatMul", "x w", "y", name=name)) == module


@pytest.mark.parametrize(
    ("scopes", "module"),
    [
        ("['', 'l', 'l.layers.0', 'l.layers.0.linear1', 'linear_2']", "l.layers.0.linear1"),
        ("['', 'relu']", ""),
        ("['_empty_nn_module_stack_from_metadata_hook', 'sym_size_int']", ""),
        ("['relu']", None),
        ("no list (", None),
        ("{'a': 1}", None),
    ],
)
def test_the_module_is_read_from_a_nodes_scopes(scopes: str, module: str | None) -> None:
    assert names.module_of(_scoped(scopes)) == module


def test_a_renamed_weight_is_called_after_the_node_that_uses_it() -> None:
    nodes = [
        node("Transpose", "onnx::MatMul_8", "t", name="/Transpose"),
        node("MatMul", "x t", "y", name="/up/MatMul"),
        node("Add", "y down.bias", "z", name="/down/Add"),
    ]
    weights = {"onnx::MatMul_8": WEIGHT, "down.bias": WEIGHT[0], "unused.bias": WEIGHT[0]}
    scopes = names.scopes(nodes, weights)
    assert scopes == ["Transpose", "up", "down"]
    assert names.layers(nodes, scopes, weights) == {
        "onnx::MatMul_8": "up",
        "down.bias": "down",
        "unused.bias": "unused",
    }


def test_a_convolution_that_took_in_a_batch_norm_keeps_its_own_name() -> None:
    folded = node("Conv", "x conv.weight", "y", name="node_Conv_1")
    folded.metadata_props.add(key=SCOPES, value="['', 'bn', 'batch_norm']")
    assert names.scopes([folded], {"conv.weight": WEIGHT}) == ["conv"]


def test_layers_that_share_a_weight_have_names_of_their_own() -> None:
    nodes = [
        _scoped("['', 'a', 'linear']", "x a.weight"),
        _scoped("['', 'b', 'linear']", "x a.weight"),
    ]
    assert names.scopes(nodes, {"a.weight": WEIGHT}) == ["a", "b"]


def test_numbers_of_a_formula_are_no_parameters() -> None:
    nodes = [
        node("Mul", "x val_3", "a"),
        node("MatMul", "a val_4", "b"),
        node("Mul", "b act.weight", "c"),
        node("Resize", "c  val_5", "d"),
        node("Add", "d scale", "y"),
    ]
    nodes[3].input[:] = ["c", "", "val_5"]
    one = np.ones(1, np.float32)
    weights = {
        "val_3": one,
        "val_4": one.reshape(1, 1),
        "act.weight": one,
        "val_5": np.ones(4, np.float32),
        "scale": np.float32(1),
    }
    assert names.constants(nodes, weights) == {"val_3", "val_5", "scale"}
