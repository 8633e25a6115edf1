"""Normalizations: by kept averages, or by the statistics of what is normalized."""

from __future__ import annotations

import jax.numpy as jnp
from jax import lax

from reluprobe.foreign.onnx.operators.linear import per_channel
from reluprobe.foreign.onnx.operators.registry import Node, Tensor, floats_only, operator


def _scaled(x: Tensor, mean: Tensor, variance: Tensor, epsilon: float) -> Tensor:
    return (x - mean) * lax.rsqrt(variance + epsilon)


def _standardized(x: Tensor, axes: tuple[int, ...], epsilon: float) -> Tensor:
    """With a mean of 0 and a variance of 1 over ``axes``; variance of the population."""
    mean = x.mean(axes, keepdims=True)
    centred = x - mean
    return centred * lax.rsqrt((centred * centred).mean(axes, keepdims=True) + epsilon)


def _by_averages(
    node: Node, x: Tensor, scale: Tensor, bias: Tensor, mean: Tensor, variance: Tensor
) -> Tensor:
    """(x − mean) · (scale / √(variance + epsilon)) + bias, a number a channel."""
    factor = lax.rsqrt(jnp.asarray(variance) + node["epsilon"]) * scale
    centred = x - per_channel(mean, x)
    return (centred * per_channel(factor, x) + per_channel(bias, x)).astype(x.dtype)


@operator("BatchNormalization", (6,), "epsilon is_test momentum spatial")
@operator("BatchNormalization", (7,), "epsilon momentum spatial")
@operator("BatchNormalization", (9,), "epsilon momentum")
def _batch_norm_of_inference(node: Node, x: Tensor, *averages: Tensor) -> Tensor:
    if not node.get("is_test", 1) or any(node.uses_output(i) for i in range(1, 5)):
        raise node.refusal("in training mode, which is known since version 14 of the standard")
    if not node.get("spatial", 1):
        raise node.refusal("spatial=0, statistics for each position, is not known")
    return _by_averages(node, x, *averages)


@operator("BatchNormalization", (14, 15), "epsilon momentum training_mode")
def _batch_norm(
    node: Node, x: Tensor, scale: Tensor, bias: Tensor, mean: Tensor, variance: Tensor
) -> Tensor | tuple[Tensor, ...]:
    if not node["training_mode"]:
        return _by_averages(node, x, scale, bias, mean, variance)
    axes, momentum = (0, *range(2, x.ndim)), node["momentum"]
    wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    of_batch = wide.mean(axes), wide.var(axes)
    updated = (
        (old * momentum + new * (1 - momentum)).astype(old.dtype)
        for old, new in zip((mean, variance), of_batch, strict=True)
    )
    mean_now, variance_now = (statistic.astype(mean.dtype) for statistic in of_batch)
    return _by_averages(node, x, scale, bias, mean_now, variance_now), *updated


@operator("InstanceNormalization", (6, 22), "epsilon")
def _instance_norm(node: Node, x: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    standard = _standardized(x, tuple(range(2, x.ndim)), node["epsilon"])
    return standard * per_channel(scale, x) + per_channel(bias, x)


def _stashed(node: Node, x: Tensor) -> Tensor:
    """In the type that statistics are to be taken in."""
    if node["stash_type"] not in (1, 10, 11, 16):
        raise node.refusal(f"stash_type={node['stash_type']}")
    wide = {1: jnp.float32, 10: jnp.float16, 11: jnp.float64, 16: jnp.bfloat16}
    return x.astype(wide[node["stash_type"]])


@operator("LayerNormalization", (17,), "axis epsilon stash_type")
def _layer_norm(
    node: Node, x: Tensor, scale: Tensor, bias: Tensor | None = None
) -> Tensor | tuple[Tensor, ...]:
    floats_only(node, x)
    wide = _stashed(node, x)
    axes = tuple(range(node["axis"] % x.ndim, x.ndim))
    standard = _standardized(wide, axes, node["epsilon"]).astype(x.dtype)
    normed = standard * scale if bias is None else standard * scale + bias
    if not node.uses_output(1) and not node.uses_output(2):
        return normed
    mean, variance = (f(wide, axes, keepdims=True) for f in (jnp.mean, jnp.var))
    return normed, mean, lax.rsqrt(variance + node["epsilon"])


@operator("RMSNormalization", (23,), "axis epsilon stash_type")
def _rms_norm(node: Node, x: Tensor, scale: Tensor) -> Tensor:
    """X / √(mean of x² + epsilon) · scale."""
    wide = _stashed(node, x)
    axes = tuple(range(node["axis"] % x.ndim, x.ndim))
    size = lax.rsqrt((wide * wide).mean(axes, keepdims=True) + node["epsilon"])
    return (wide * size).astype(x.dtype) * scale


@operator("GroupNormalization", (18,), "epsilon num_groups")
@operator("GroupNormalization", (21,), "epsilon num_groups stash_type")
def _group_norm(node: Node, x: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    """Scale and bias are a number a channel; before version 21, a number a group."""
    groups, channels = node["num_groups"], x.shape[1]
    wide = x if node.version < 21 else _stashed(node, x)
    grouped = wide.reshape(x.shape[0], groups, channels // groups, *x.shape[2:])
    standard = _standardized(grouped, tuple(range(2, grouped.ndim)), node["epsilon"])
    if node.version < 21:
        scale, bias = (jnp.repeat(jnp.asarray(a), channels // groups) for a in (scale, bias))
    whole = standard.reshape(x.shape).astype(x.dtype)
    return whole * per_channel(scale, x) + per_channel(bias, x)


@operator("MeanVarianceNormalization", (9, 13), "axes")
def _mean_variance_norm(node: Node, x: Tensor) -> Tensor:
    """(x − mean) / (deviation + 1e-9), as the standard's own definition has it."""
    axes = tuple(node["axes"])
    mean = x.mean(axes, keepdims=True)
    variance = (x * x).mean(axes, keepdims=True) - mean * mean
    return (x - mean) / (jnp.sqrt(variance) + 1e-9)


@operator("LpNormalization", (1, 22), "axis p")
def _lp_norm(node: Node, x: Tensor) -> Tensor:
    axis = node["axis"]
    if node["p"] == 1:
        size = jnp.abs(x).sum(axis, keepdims=True)
    elif node["p"] == 2:
        size = jnp.sqrt((x * x).sum(axis, keepdims=True))
    else:
        raise node.refusal(f"p={node['p']}; known: 1, 2")
    return jnp.where(size == 0, 0, x / jnp.where(size == 0, 1, size))


@operator("LRN", (1, 13), "alpha beta bias size")
def _local_response_norm(node: Node, x: Tensor) -> Tensor:
    """X / (bias + alpha / size · sum of squares over nearby channels) ** beta."""
    size = node["size"]
    squares = lax.reduce_window(
        x * x,
        jnp.zeros((), x.dtype),
        lax.add,
        (1, size) + (1,) * (x.ndim - 2),
        (1,) * x.ndim,
        [(0, 0), ((size - 1) // 2, size // 2)] + [(0, 0)] * (x.ndim - 2),
    )
    return x / (node["bias"] + node["alpha"] / size * squares) ** node["beta"]
