"""Turns the file's nodes into ours, and refuses by name what is not known exactly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
import onnx
from onnx import AttributeProto, defs, helper, numpy_helper

from reluprobe.errors import InputError, nearest, shown
from reluprobe.foreign.onnx import names
from reluprobe.foreign.onnx.graph import Graph
from reluprobe.foreign.onnx.operators.constants import TYPES
from reluprobe.foreign.onnx.operators.registry import OPERATORS, Node, known

#: Names of the standard's own domain.
STANDARD = ("", "ai.onnx")
_VALUES = (
    AttributeProto.FLOAT,
    AttributeProto.INT,
    AttributeProto.STRING,
    AttributeProto.TENSOR,
    AttributeProto.GRAPH,
    AttributeProto.FLOATS,
    AttributeProto.INTS,
    AttributeProto.STRINGS,
)
_SHOWN = 8


def subgraphs(node: Any) -> Iterator[Any]:
    """Graphs among a node's attributes."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def all_nodes(graph: Any) -> Iterator[Any]:
    """Nodes of a graph and of those within."""
    for node in graph.node:
        yield node
        for inner in subgraphs(node):
            yield from all_nodes(inner)


def schema_of(node: Any, opset: int) -> Any | None:
    """The standard's entry for a node, or None."""
    if node.domain not in STANDARD or not defs.has(node.op_type):
        return None
    try:
        return defs.get_schema(node.op_type, max_inclusive_version=opset)
    except defs.SchemaError:
        return None


def unknown(node: Any, opset: int) -> str | None:
    """Why a node is not known exactly, or None where it is."""
    if node.domain not in STANDARD:
        return f"operator {shown(node.op_type)} of domain {shown(node.domain)} is not known"
    if (schema := schema_of(node, opset)) is None or node.op_type not in OPERATORS:
        hint = nearest(node.op_type, OPERATORS) if schema is None else ""
        return f"operator {shown(node.op_type)} is not known{hint}"
    operator = known(node.op_type, schema.since_version)
    if operator is None:
        versions = sorted(set().union(*(one.versions for one in OPERATORS[node.op_type])))
        return (
            f"operator {node.op_type}, version {schema.since_version}, is not known exactly;"
            f" known: {', '.join(map(str, versions))}"
        )
    for attribute in node.attribute:
        if attribute.name not in operator.attributes:
            return (
                f"operator {node.op_type}: attribute {shown(attribute.name)} is not known"
                f"{nearest(attribute.name, operator.attributes)}"
            )
        if attribute.type not in _VALUES or attribute.ref_attr_name:
            return f"operator {node.op_type}: attribute {attribute.name} is of a type not known"
    return None


def refuse_unknown(path: object, nodes: Iterable[Any], opset: int) -> None:
    """Raise if a node is not known exactly.

    Raises:
        InputError: with a line for each kind of operator, and the first node that has it.
    """
    faults: dict[str, str] = {}
    for node in nodes:
        if why := unknown(node, opset):
            faults.setdefault(why, node.name or next(iter(node.output), ""))
    if faults:
        lines = [f"{why} (node {shown(name)})" for why, name in faults.items()]
        more = [f"and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
        raise InputError(f"{path}: cannot be computed exactly", [*lines[:_SHOWN], *more])


def array(tensor: Any) -> np.ndarray:
    """A tensor of the file.

    Raises:
        InputError: it is of a type that is not known, or damaged.
    """
    if tensor.data_type not in TYPES:
        known_types = ", ".join(TYPES.values())
        raise InputError(
            f"tensor {shown(tensor.name)}: type {tensor.data_type} is not known; known: {known_types}"
        )
    try:
        return numpy_helper.to_array(tensor).astype(jnp.dtype(TYPES[tensor.data_type]))
    except (ValueError, TypeError, MemoryError) as error:
        raise InputError(f"tensor {shown(tensor.name)}: its values are damaged: {error}") from None


def graph_of(proto: Any, opset: int, outer: Mapping[str, Any] | None = None) -> Graph:
    """A graph whose nodes are all known; ``outer`` are the arrays of the graph around it."""
    constants = {tensor.name: array(tensor) for tensor in proto.initializer}
    weights = {**(outer or {}), **constants}
    outputs = tuple(output.name for output in proto.output)
    scopes = names.scopes(proto.node, weights)
    nodes = [
        _node(node, scope, opset, weights) for node, scope in zip(proto.node, scopes, strict=True)
    ]
    return Graph(_needed(nodes, outputs), constants, outputs)


def _needed(nodes: Sequence[Node], outputs: Iterable[str]) -> tuple[Node, ...]:
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if wanted.intersection(node.outputs) - {""}:
            kept.append(node)
            wanted.update(node.inputs)
            wanted.update(*(_outside(value) for value in node.attributes.values()))
    return tuple(reversed(kept))


def _outside(value: Any) -> set[str]:
    """What a subgraph may refer to outside of itself."""
    if not isinstance(value, Graph):
        return set()
    names_used = set(value.outputs)
    for node in value.nodes:
        names_used.update(node.inputs, *(_outside(inner) for inner in node.attributes.values()))
    return names_used


def _node(proto: Any, scope: str, opset: int, weights: Mapping[str, Any]) -> Node:
    schema = defs.get_schema(proto.op_type, max_inclusive_version=opset)
    defaults = {
        name: _value(attribute.default_value, opset, weights)
        for name, attribute in schema.attributes.items()
        if attribute.default_value.type != AttributeProto.UNDEFINED
    }
    given = {attribute.name: _value(attribute, opset, weights) for attribute in proto.attribute}
    return Node(
        proto.op_type,
        schema.since_version,
        proto.name or next(iter(proto.output), ""),
        tuple(proto.input),
        tuple(proto.output),
        {**defaults, **given},
        scope,
    )


def _value(attribute: Any, opset: int, weights: Mapping[str, Any]) -> Any:
    value = helper.get_attribute_value(attribute)
    if isinstance(value, onnx.GraphProto):
        return graph_of(value, opset, weights)
    if isinstance(value, onnx.TensorProto):
        return array(value)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if attribute.type == AttributeProto.STRINGS:
        return [text.decode(errors="replace") for text in value]
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
