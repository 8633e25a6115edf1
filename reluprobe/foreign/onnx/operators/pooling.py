"""Pooling over windows and over everything."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax

from reluprobe.foreign.onnx.operators.linear import padding_of, windows_of
from reluprobe.foreign.onnx.operators.registry import Node, Tensor, floats_only, is_float, operator


class _Windows(NamedTuple):
    """Where a pooling looks, on the spatial axes.

    ``extra`` is what ceil_mode adds behind the padding, which is in no mean.
    """

    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    padding: list[tuple[int, int]]
    extra: list[int]

    def reduce(self, x: Tensor, neutral: Tensor, combine: object, padding: object) -> Tensor:
        """The windows of ``x``, combined."""
        return lax.reduce_window(
            x,
            neutral,
            combine,  # pyright: ignore[reportArgumentType]
            (1, 1, *self.sizes),
            (1, 1, *self.strides),
            [(0, 0), (0, 0), *padding],  # pyright: ignore[reportGeneralTypeIssues]
            window_dilation=(1, 1, *self.dilations),
        )

    @property
    def whole(self) -> list[tuple[int, int]]:
        """Padding, and what is added behind it."""
        return [
            (before, after + more)
            for (before, after), more in zip(self.padding, self.extra, strict=True)
        ]


def _windows(node: Node, x: Tensor) -> _Windows:
    sizes = node["kernel_shape"]
    if len(sizes) != x.ndim - 2:
        raise node.refusal(f"kernel_shape {list(sizes)} on a tensor of shape {x.shape}")
    strides, dilations, windows = windows_of(node, sizes)
    padding = padding_of(node, x.shape[2:], windows, strides)
    extra = [0] * len(sizes)
    if node.get("ceil_mode"):
        for axis, (before, after) in enumerate(padding):
            size, stride = x.shape[2 + axis], strides[axis]
            steps = math.ceil((size + before + after - windows[axis]) / stride)
            # A window that starts behind the input and its front padding is left out.
            steps -= steps * stride >= size + before
            extra[axis] = max(steps * stride + windows[axis] - (size + before + after), 0)
    return _Windows(tuple(sizes), tuple(strides), tuple(dilations), padding, extra)


@operator("MaxPool", (1,), "auto_pad kernel_shape pads strides")
@operator("MaxPool", (8,), "auto_pad kernel_shape pads storage_order strides")
@operator(
    "MaxPool",
    (10, 11, 12, 22),
    "auto_pad ceil_mode dilations kernel_shape pads storage_order strides",
)
def _max_pool(node: Node, x: Tensor) -> Tensor:
    if node.uses_output(1):
        raise node.refusal("the places of the maxima as an output are not known")
    windows = _windows(node, x)
    lowest = -np.inf if is_float(x) else jnp.iinfo(x.dtype).min
    return windows.reduce(x, np.asarray(lowest, x.dtype), lax.max, windows.whole)


@operator("AveragePool", (1,), "auto_pad kernel_shape pads strides")
@operator("AveragePool", (7,), "auto_pad count_include_pad kernel_shape pads strides")
@operator("AveragePool", (10, 11), "auto_pad ceil_mode count_include_pad kernel_shape pads strides")
@operator(
    "AveragePool",
    (19, 22),
    "auto_pad ceil_mode count_include_pad dilations kernel_shape pads strides",
)
def _average_pool(node: Node, x: Tensor) -> Tensor:
    """The mean of what a window covers; of its padding too, where the node says so."""
    floats_only(node, x)
    windows, zero = _windows(node, x), np.zeros((), x.dtype)
    total = windows.reduce(x, zero, lax.add, windows.whole)
    if not any(before or after for before, after in windows.whole):
        return total / math.prod(windows.sizes)
    counted = np.ones((1, 1, *x.shape[2:]), x.dtype)
    include = node.get("count_include_pad", 0)
    counted = np.pad(counted, [(0, 0), (0, 0), *windows.padding], constant_values=include)
    return total / windows.reduce(counted, zero, lax.add, [(0, more) for more in windows.extra])


@operator("LpPool", (2, 11), "auto_pad kernel_shape p pads strides")
@operator("LpPool", (18, 22), "auto_pad ceil_mode dilations kernel_shape p pads strides")
def _lp_pool(node: Node, x: Tensor) -> Tensor:
    windows, power = _windows(node, x), node["p"]
    total = windows.reduce(jnp.abs(x) ** power, np.zeros((), x.dtype), lax.add, windows.whole)
    return total ** (1 / power)


def _spatial(x: Tensor) -> tuple[int, ...]:
    return tuple(range(2, x.ndim))


@operator("GlobalAveragePool", (1, 22))
def _global_average_pool(node: Node, x: Tensor) -> Tensor:
    return x.mean(_spatial(x), keepdims=True)


@operator("GlobalMaxPool", (1, 22))
def _global_max_pool(node: Node, x: Tensor) -> Tensor:
    return x.max(_spatial(x), keepdims=True)


@operator("GlobalLpPool", (2, 22), "p")
def _global_lp_pool(node: Node, x: Tensor) -> Tensor:
    power = node["p"]
    return (jnp.abs(x) ** power).sum(_spatial(x), keepdims=True) ** (1 / power)
