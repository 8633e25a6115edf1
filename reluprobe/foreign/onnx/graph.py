"""Runs a graph: node after node, what does not depend on inputs in NumPy beforehand."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from reluprobe.errors import InputError
from reluprobe.foreign.onnx.operators.registry import Node, is_static, known

#: What NumPy and JAX raise where shapes or types do not fit, or memory does not suffice.
_MISFITS = (TypeError, ValueError, IndexError, ArithmeticError, MemoryError, NotImplementedError)


@dataclass(frozen=True)
class Graph:
    """Nodes in an order in which they can be run.

    Attributes:
        nodes: those that an output depends on.
        constants: arrays of the file, by name.
        outputs: names.
    """

    nodes: tuple[Node, ...]
    constants: Mapping[str, np.ndarray]
    outputs: tuple[str, ...]


def run(graph: Graph, tensors: Mapping[str, Any]) -> tuple[Any, ...]:
    """The graph's outputs; ``tensors`` are what it may refer to.

    Raises:
        InputError: a node does not fit what it is applied to, or is not known exactly.
    """
    values: dict[str, Any] = {"": None, **graph.constants, **tensors}
    for node in graph.nodes:
        with jax.named_scope(node.scope):
            outputs = _run_node(node, [values[name] for name in node.inputs], values)
        values.update(zip(node.outputs, outputs, strict=False))
    return tuple(values[name] for name in graph.outputs)


def _with_bodies(node: Node, values: Mapping[str, Any]) -> Node:
    """The node with its subgraphs as functions: they see what is outside of them."""
    bodies = {
        name: lambda graph=value: run(graph, values)
        for name, value in node.attributes.items()
        if isinstance(value, Graph)
    }
    if not bodies:
        return node
    return dataclasses.replace(node, attributes={**node.attributes, **bodies})


def _run_node(node: Node, inputs: list[Any], values: Mapping[str, Any]) -> tuple[Any, ...]:
    operator = known(node.operator, node.version)
    if operator is None:
        raise node.refusal(f"version {node.version} is not known")
    try:
        whole = _with_bodies(node, values)
        if whole is not node or not is_static(*inputs):
            return _as_tuple(operator.compute(whole, *inputs))
        # The standard's arithmetic overflows and divides by 0 without a word.
        quiet = np.errstate(all="ignore")
        with quiet, jax.ensure_compile_time_eval(), jax.enable_x64(True):
            return tuple(map(_static, _as_tuple(operator.compute(node, *inputs))))
    except _MISFITS as error:
        shapes = ", ".join(map(_shown, inputs))
        why = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(
            f"{node.operator} (node {node.name!r}) does not fit its inputs: {shapes}", [why[:200]]
        ) from error


def _as_tuple(outputs: Any) -> tuple[Any, ...]:
    return outputs if isinstance(outputs, tuple) else (outputs,)


def _static(value: Any) -> Any:
    """In NumPy; a list of tensors as a tuple of them."""
    return tuple(map(_static, value)) if isinstance(value, tuple) else np.asarray(value)


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return f"a list of {len(value)}"
    return "none" if value is None else f"{value.dtype}{list(value.shape)}"
