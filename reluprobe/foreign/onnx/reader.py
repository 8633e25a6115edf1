"""Reads an ONNX file: opens it, checks it, and gives it as a function that JAX can trace."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from reluprobe.errors import InputError, shown
from reluprobe.foreign.onnx.network import Input, OnnxNetwork, check_inputs


def read(path: str | Path) -> OnnxNetwork:
    """The network of an ONNX file.

    It is computed exactly or not at all: an operator, version, attribute or domain that is not
    known is refused by its name. Functions that the file defines are put in their callers' place.

    Raises:
        InputError: ``onnx`` is not installed; the file is none, damaged, or not known exactly.
    """
    try:
        import onnx  # noqa: F401  # it takes a second to import, and is an extra
    except ModuleNotFoundError:
        raise InputError(
            f"{path}: reading ONNX files needs the package onnx",
            hint='pip install "reluprobe[onnx]"',
        ) from None
    from reluprobe.foreign.onnx import build, files

    model, opset = files.load(Path(path))
    try:
        graph = build.graph_of(model.graph, opset)
    except InputError as error:
        raise InputError(f"{path}: {error.message}", error.faults) from None
    return _network(model, opset, graph)


def _network(model: Any, opset: int, graph: Any) -> OnnxNetwork:
    from reluprobe.foreign.onnx import names
    from reluprobe.foreign.onnx.types64 import computes_in_64_bits

    arrays = dict(graph.constants)
    floats = {name: a for name, a in arrays.items() if jnp.issubdtype(a.dtype, jnp.floating)}
    constants = names.constants(model.graph.node, floats)
    params = {name: a for name, a in floats.items() if name not in constants}
    inputs = tuple(_input(value) for value in model.graph.input if value.name not in arrays)
    scopes = names.scopes(model.graph.node, params)
    x64 = computes_in_64_bits(model)
    return OnnxNetwork(
        function=functools.partial(_call, graph, inputs, x64),
        params=params,
        inputs=inputs,
        names=names.layers(model.graph.node, scopes, params),
        notes=_notes(model, opset),
        x64=x64,
        constants={name: floats[name] for name in constants},
        origins=names.origins(model.graph.node, floats),
        modules=names.modules(model.graph.node),
    )


def _call(
    graph: Any,
    inputs: tuple[Input, ...],
    x64: bool,
    params: Mapping[str, Any],
    given: Mapping[str, Any],
) -> dict[str, Any]:
    """The outputs by name."""
    from reluprobe.foreign.onnx import graph as graphs

    check_inputs(inputs, given)
    if x64 and not jax.config.read("jax_enable_x64"):
        raise InputError(
            "the network computes in types of 64 bits", hint="with jax.enable_x64(True): ..."
        )
    tensors = {**params, **{name: jnp.asarray(value) for name, value in given.items()}}
    # The standard broadcasts tensors of different ranks, whatever JAX was told to think of it.
    with jax.numpy_rank_promotion("allow"):
        outputs = graphs.run(graph, tensors)
    return dict(zip(graph.outputs, map(jnp.asarray, outputs), strict=True))


def _input(value: Any) -> Input:
    from reluprobe.foreign.onnx.operators.constants import TYPES

    tensor = value.type.tensor_type
    if not value.type.HasField("tensor_type") or tensor.elem_type not in TYPES:
        raise InputError(
            f"input {shown(value.name)} is no tensor of a type known; known: {', '.join(TYPES.values())}"
        )
    dtype = TYPES[tensor.elem_type]
    if not tensor.HasField("shape"):
        return Input(value.name, dtype, None)
    axes = tensor.shape.dim
    shape = tuple(axis.dim_value if axis.HasField("dim_value") else None for axis in axes)
    return Input(value.name, dtype, shape, tuple(axis.dim_param for axis in axes))


def _notes(model: Any, opset: int) -> tuple[str, ...]:
    producer = " ".join(filter(None, (model.producer_name, model.producer_version)))
    notes = [f"ONNX, opset {opset}" + (f", written by {producer}" if producer else "")]
    training = [
        node.name
        for node in model.graph.node
        if node.op_type == "BatchNormalization"
        and any(a.name == "training_mode" and a.i for a in node.attribute)
    ]
    if training:
        notes.append(
            f"batch norm in training mode, seen with each batch's own statistics: {len(training)}"
            f" of them, first {training[0]!r}"
        )
    elif any(node.op_type == "BatchNormalization" for node in model.graph.node):
        notes.append("batch norm in evaluation mode, seen with the averages in the file")
    return tuple(notes)
