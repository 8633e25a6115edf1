"""Products with weights: matrices, convolutions and their transposes."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import lax

from reluprobe.foreign.onnx.operators.registry import Node, Tensor, numpy_of, operator


@operator("MatMul", (1, 9, 13))
def _matmul(node: Node, x: Tensor, y: Tensor) -> Tensor:
    return numpy_of(x, y).matmul(x, y)


@operator("Gemm", (6,), "alpha beta broadcast transA transB")
@operator("Gemm", (7, 9, 11, 13), "alpha beta transA transB")
def _gemm(node: Node, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Alpha · x · weight + beta · bias."""
    x = x.T if node["transA"] else x
    weight = weight.T if node["transB"] else weight
    product = jnp.matmul(x, weight)
    alpha, beta = (np.asarray(node[factor], product.dtype) for factor in ("alpha", "beta"))
    if alpha != 1:
        product = alpha * product
    if bias is None:
        return product
    return product + (bias if beta == 1 else beta * bias)


@operator("Einsum", (12, 28), "equation")
def _einsum(node: Node, *tensors: Tensor) -> Tensor:
    return jnp.einsum(node["equation"], *tensors)


def same_padding(
    mode: str, sizes: Sequence[int], windows: Sequence[int], strides: Sequence[int]
) -> list[tuple[int, int]]:
    """Padding that gives ceil(size / stride) outputs; the odd one at the end for SAME_UPPER.

    ``windows`` are the kernel's sizes with its dilation.
    """
    padding = []
    for size, window, stride in zip(sizes, windows, strides, strict=True):
        total = max((-(-size // stride) - 1) * stride + window - size, 0)
        small, large = total // 2, total - total // 2
        padding.append((small, large) if mode == "SAME_UPPER" else (large, small))
    return padding


def windows_of(node: Node, kernel: Sequence[int]) -> tuple[list[int], list[int], list[int]]:
    """A node's strides, dilations, and the sizes of its dilated kernel."""
    strides = list(node.get("strides") or [1] * len(kernel))
    dilations = list(node.get("dilations") or [1] * len(kernel))
    if len(strides) != len(kernel) or len(dilations) != len(kernel):
        raise node.refusal(f"a kernel {list(kernel)} with strides {strides}, dilations {dilations}")
    windows = [(size - 1) * dilation + 1 for size, dilation in zip(kernel, dilations, strict=True)]
    return strides, dilations, windows


def explicit_padding(node: Node, dimensions: int) -> list[tuple[int, int]]:
    """The attribute ``pads`` as (before, after) an axis; zeros where it is not set."""
    pads = list(node.get("pads") or [0] * 2 * dimensions)
    if len(pads) != 2 * dimensions:
        raise node.refusal(f"pads {pads} for {dimensions} axes")
    return list(zip(pads[:dimensions], pads[dimensions:], strict=True))


def padding_of(
    node: Node, sizes: Sequence[int], windows: Sequence[int], strides: Sequence[int]
) -> list[tuple[int, int]]:
    """A node's padding on the given spatial sizes, as its ``auto_pad`` or ``pads`` has it."""
    mode = node["auto_pad"]
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        return same_padding(mode, sizes, windows, strides)
    if mode == "VALID":
        return [(0, 0)] * len(sizes)
    if mode != "NOTSET":
        raise node.refusal(f"auto_pad={mode!r}; known: NOTSET, SAME_LOWER, SAME_UPPER, VALID")
    return explicit_padding(node, len(sizes))


def _axes_of(x: Tensor) -> tuple[str, str, str]:
    spatial = "XYZUVW"[: x.ndim - 2]
    return (f"NC{spatial}", f"OI{spatial}", f"NC{spatial}")


def per_channel(values: Tensor, x: Tensor) -> Tensor:
    """A number a channel, shaped to go with ``x`` (example, channel, …)."""
    return values.reshape(1, -1, *[1] * (x.ndim - 2))


@operator("Conv", (1, 11, 22), "auto_pad dilations group kernel_shape pads strides")
def _conv(node: Node, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    kernel = weight.shape[2:]
    if tuple(node.get("kernel_shape") or kernel) != kernel:
        raise node.refusal(f"kernel_shape {node['kernel_shape']} with weights {weight.shape}")
    strides, dilations, windows = windows_of(node, kernel)
    product = lax.conv_general_dilated(
        jnp.asarray(x),
        jnp.asarray(weight),
        strides,
        padding_of(node, x.shape[2:], windows, strides),
        rhs_dilation=dilations,
        dimension_numbers=_axes_of(x),
        feature_group_count=node["group"],
    )
    return product if bias is None else product + per_channel(bias, product)


def _transposed_padding(
    node: Node, sizes: Sequence[int], windows: Sequence[int], strides: Sequence[int]
) -> list[tuple[int, int]]:
    """What is cut off from the transposed convolution's full output, and what is added behind it.

    As (cut before, cut after) an axis; ``output_padding`` is taken off the latter.
    """
    extra = list(node.get("output_padding") or [0] * len(sizes))
    shape, mode = node.get("output_shape"), node["auto_pad"]
    if shape is None and mode not in ("SAME_UPPER", "SAME_LOWER"):
        pads = explicit_padding(node, len(sizes)) if mode == "NOTSET" else [(0, 0)] * len(sizes)
        return [(before, after - more) for (before, after), more in zip(pads, extra, strict=True)]
    if shape is None:
        shape = [size * stride for size, stride in zip(sizes, strides, strict=True)]
    cuts = []
    for size, window, stride, more, wanted in zip(
        sizes, windows, strides, extra, shape[-len(sizes) :], strict=True
    ):
        total = stride * (size - 1) + more + window - wanted
        if total % 2 and node.version < 11:
            raise node.refusal("versions of the standard differ on where the odd padding goes")
        if total < 0:
            raise node.refusal(f"an output of {wanted} is larger than the kernel reaches")
        small, large = total // 2, total - total // 2
        before, after = (small, large) if mode == "SAME_UPPER" else (large, small)
        cuts.append((before, after - more))
    return cuts


@operator(
    "ConvTranspose",
    (1, 11, 22),
    "auto_pad dilations group kernel_shape output_padding output_shape pads strides",
)
def _conv_transpose(node: Node, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """The gradient of a convolution: the input is spread by the strides, the kernel is flipped.

    ``weight`` is (channels in, channels out / groups, …).
    """
    groups, kernel = node["group"], weight.shape[2:]
    if tuple(node.get("kernel_shape") or kernel) != kernel:
        raise node.refusal(f"kernel_shape {node['kernel_shape']} with weights {weight.shape}")
    strides, dilations, windows = windows_of(node, kernel)
    cuts = _transposed_padding(node, x.shape[2:], windows, strides)
    grouped = weight.reshape(groups, weight.shape[0] // groups, *weight.shape[1:])
    flipped = jnp.flip(grouped.swapaxes(1, 2), range(3, grouped.ndim))
    product = lax.conv_general_dilated(
        jnp.asarray(x),
        flipped.reshape(groups * weight.shape[1], weight.shape[0] // groups, *kernel),
        [1] * len(kernel),
        [(w - 1 - before, w - 1 - after) for w, (before, after) in zip(windows, cuts, strict=True)],
        lhs_dilation=strides,
        rhs_dilation=dilations,
        dimension_numbers=_axes_of(x),
        feature_group_count=groups,
    )
    return product if bias is None else product + per_channel(bias, product)
