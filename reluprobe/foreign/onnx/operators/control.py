"""Branches."""

from __future__ import annotations

from typing import Any

from jax import lax

from reluprobe.foreign.onnx.operators.registry import Node, Tensor, is_static, operator


@operator("If", (11, 13, 16, 19, 21, 23, 24, 25), "else_branch then_branch")
def _if(node: Node, condition: Tensor) -> tuple[Any, ...]:
    """The branch taken where that is known beforehand; else both, of which JAX picks one."""
    then, otherwise = node["then_branch"], node["else_branch"]
    if is_static(condition):
        return (then if condition.reshape(()) else otherwise)()
    return lax.cond(condition.reshape(()), then, otherwise)
