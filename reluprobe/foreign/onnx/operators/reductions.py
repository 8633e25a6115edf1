"""Sums, means, norms and extremes over axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax.scipy.special import logsumexp

from reluprobe.foreign.onnx.operators.registry import (
    Node,
    Tensor,
    floats_only,
    integers,
    numpy_of,
    operator,
)

Axes = tuple[int, ...] | None
Reduce = Callable[[Node, Tensor, Axes, bool], Tensor]


def _over_axes(node: Node, x: Tensor, axes: Tensor | list[int] | None, reduce: Reduce) -> Tensor:
    """No axes are all of them, or since version 18 none where the node says so."""
    chosen = axes if axes is None or isinstance(axes, list) else integers(node, axes, "axes")
    if not chosen and node.get("noop_with_empty_axes"):
        return reduce(node, x, (), bool(node["keepdims"]))
    return reduce(node, x, tuple(chosen) if chosen else None, bool(node["keepdims"]))


def _reduction(name: str, old: tuple[int, ...], new: tuple[int, ...], reduce: Reduce) -> None:
    @operator(name, old, "axes keepdims")
    def by_attribute(node: Node, x: Tensor) -> Tensor:
        return _over_axes(node, x, node.get("axes"), reduce)

    @operator(name, new, "keepdims noop_with_empty_axes")
    def by_input(node: Node, x: Tensor, axes: Tensor | None = None) -> Tensor:
        return _over_axes(node, x, axes, reduce)


def _sum(node: Node, x: Tensor, axes: Axes, keepdims: bool) -> Any:
    return numpy_of(x).sum(x, axis=axes, keepdims=keepdims, dtype=x.dtype)


def _product(node: Node, x: Tensor, axes: Axes, keepdims: bool) -> Any:
    return numpy_of(x).prod(x, axis=axes, keepdims=keepdims, dtype=x.dtype)


def _mean(node: Node, x: Tensor, axes: Axes, keepdims: bool) -> Any:
    floats_only(node, x)
    return numpy_of(x).mean(x, axis=axes, keepdims=keepdims)


def _largest(node: Node, x: Tensor, axes: Axes, keepdims: bool) -> Any:
    return numpy_of(x).max(x, axis=axes, keepdims=keepdims)


def _smallest(node: Node, x: Tensor, axes: Axes, keepdims: bool) -> Any:
    return numpy_of(x).min(x, axis=axes, keepdims=keepdims)


def _l1(node: Node, x: Tensor, axes: Axes, keepdims: bool) -> Any:
    return _sum(node, numpy_of(x).abs(x), axes, keepdims)


def _l2(node: Node, x: Tensor, axes: Axes, keepdims: bool) -> Any:
    floats_only(node, x)
    return numpy_of(x).sqrt(_sum(node, x * x, axes, keepdims))


def _sum_square(node: Node, x: Tensor, axes: Axes, keepdims: bool) -> Any:
    return _sum(node, x * x, axes, keepdims)


def _log_sum(node: Node, x: Tensor, axes: Axes, keepdims: bool) -> Any:
    floats_only(node, x)
    return numpy_of(x).log(_sum(node, x, axes, keepdims))


def _log_sum_exp(node: Node, x: Tensor, axes: Axes, keepdims: bool) -> Any:
    floats_only(node, x)
    return logsumexp(jnp.asarray(x), axis=axes, keepdims=keepdims)


_reduction("ReduceSum", (1, 11), (13,), _sum)
_reduction("ReduceMean", (1, 11, 13), (18,), _mean)
_reduction("ReduceMax", (1, 11, 12, 13), (18, 20), _largest)
_reduction("ReduceMin", (1, 11, 12, 13), (18, 20), _smallest)
_reduction("ReduceProd", (1, 11, 13), (18,), _product)
_reduction("ReduceL1", (1, 11, 13), (18,), _l1)
_reduction("ReduceL2", (1, 11, 13), (18,), _l2)
_reduction("ReduceSumSquare", (1, 11, 13), (18,), _sum_square)
_reduction("ReduceLogSum", (1, 11, 13), (18, 28), _log_sum)
_reduction("ReduceLogSumExp", (1, 11, 13), (18, 28), _log_sum_exp)
