"""Activations, with the slopes that PyTorch and TensorFlow give them where they bend."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from reluprobe.foreign.onnx.operators.elementwise import clipped
from reluprobe.foreign.onnx.operators.registry import Node, Tensor, floats_only, is_float, operator


@operator("Relu", (6, 13, 14))
def _relu(node: Node, x: Tensor) -> Tensor:
    return jax.nn.relu(x)


@operator("LeakyRelu", (6, 16), "alpha")
def _leaky_relu(node: Node, x: Tensor) -> Tensor:
    return jnp.where(x > 0, x, node["alpha"] * x)


@operator("PRelu", (7, 9, 16))
def _prelu(node: Node, x: Tensor, slope: Tensor) -> Tensor:
    return jnp.where(x > 0, x, slope * x)


@operator("PRelu", (6,))
def _prelu_of_channels(node: Node, x: Tensor, slope: Tensor) -> Tensor:
    """Before version 7, the slopes are one number, or one a channel."""
    per_channel = slope.size > 1 and x.ndim > 1
    aligned = slope.reshape(-1, *[1] * (x.ndim - 2)) if per_channel else slope.reshape(())
    return jnp.where(x > 0, x, aligned * x)


@operator("Elu", (6, 22), "alpha")
def _elu(node: Node, x: Tensor) -> Tensor:
    return _elu_of(x, node["alpha"])


def _elu_of(x: Tensor, alpha: float) -> Tensor:
    return jnp.where(x > 0, x, alpha * jnp.expm1(jnp.where(x > 0, 0, x)))


@operator("Celu", (12, 28), "alpha")
def _celu(node: Node, x: Tensor) -> Tensor:
    alpha = node["alpha"]
    return jnp.where(x > 0, x, alpha * jnp.expm1(jnp.where(x > 0, 0, x) / alpha))


@operator("Selu", (6, 22), "alpha gamma")
def _selu(node: Node, x: Tensor) -> Tensor:
    return node["gamma"] * _elu_of(x, node["alpha"])


@operator("ThresholdedRelu", (10, 22), "alpha")
def _thresholded_relu(node: Node, x: Tensor) -> Tensor:
    return jnp.where(x > node["alpha"], x, 0)


@operator("Shrink", (9,), "bias lambd")
def _shrink(node: Node, x: Tensor) -> Tensor:
    floats_only(node, x)
    bias, bend = node["bias"], node["lambd"]
    return jnp.where(x < -bend, x + bias, jnp.where(x > bend, x - bias, 0))


@operator("HardSigmoid", (6, 22), "alpha beta")
def _hard_sigmoid(node: Node, x: Tensor) -> Tensor:
    line = node["alpha"] * x + node["beta"]
    return clipped(line, np.zeros((), line.dtype), np.ones((), line.dtype))


@operator("HardSwish", (14, 22))
def _hard_swish(node: Node, x: Tensor) -> Tensor:
    line = x / 6 + 0.5
    return x * clipped(line, np.zeros((), line.dtype), np.ones((), line.dtype))


@operator("Sigmoid", (6, 13))
def _sigmoid(node: Node, x: Tensor) -> Tensor:
    return jax.nn.sigmoid(x)


@operator("Softplus", (1, 22))
def _softplus(node: Node, x: Tensor) -> Tensor:
    return jax.nn.softplus(x)


@operator("Softsign", (1, 22))
def _softsign(node: Node, x: Tensor) -> Tensor:
    return x / (1 + jnp.abs(x))


@operator("Mish", (18, 22))
def _mish(node: Node, x: Tensor) -> Tensor:
    return jax.nn.mish(x)


@operator("Swish", (24,), "alpha")
def _swish(node: Node, x: Tensor) -> Tensor:
    alpha = node["alpha"]
    return x * jax.nn.sigmoid(x if alpha == 1 else alpha * x)


@operator("Gelu", (20,), "approximate")
def _gelu(node: Node, x: Tensor) -> Tensor:
    if node["approximate"] not in ("none", "tanh"):
        raise node.refusal(f"approximate={node['approximate']!r}; known: 'none', 'tanh'")
    return jax.nn.gelu(x, approximate=node["approximate"] == "tanh")


def _flat_from(axis: int, x: Tensor) -> tuple[Tensor, tuple[int, ...]]:
    """As a matrix: before version 13, softmax is taken over ``axis`` and all behind it."""
    axis = axis % x.ndim if axis < 0 else axis
    rows = int(np.prod(x.shape[:axis]))
    return x.reshape(rows, int(np.prod(x.shape[axis:]))), x.shape


@operator("Softmax", (1, 11), "axis")
def _softmax_of_rows(node: Node, x: Tensor) -> Tensor:
    rows, shape = _flat_from(node["axis"], x)
    return jax.nn.softmax(rows, -1).reshape(shape)


@operator("LogSoftmax", (1, 11), "axis")
def _log_softmax_of_rows(node: Node, x: Tensor) -> Tensor:
    rows, shape = _flat_from(node["axis"], x)
    return jax.nn.log_softmax(rows, -1).reshape(shape)


@operator("Softmax", (13,), "axis")
def _softmax(node: Node, x: Tensor) -> Tensor:
    return jax.nn.softmax(x, node["axis"])


@operator("LogSoftmax", (13,), "axis")
def _log_softmax(node: Node, x: Tensor) -> Tensor:
    return jax.nn.log_softmax(x, node["axis"])


def _hardmax_along(x: Tensor, axis: int) -> Tensor:
    first = jnp.argmax(x, axis, keepdims=True)
    places = jax.lax.broadcasted_iota(first.dtype, x.shape, axis % x.ndim)
    return (places == first).astype(x.dtype)


@operator("Hardmax", (1, 11), "axis")
def _hardmax_of_rows(node: Node, x: Tensor) -> Tensor:
    rows, shape = _flat_from(node["axis"], x)
    return _hardmax_along(rows, -1).reshape(shape)


@operator("Hardmax", (13,), "axis")
def _hardmax(node: Node, x: Tensor) -> Tensor:
    return _hardmax_along(x, node["axis"])


@operator("Dropout", (7, 10), "ratio")
def _dropout(node: Node, x: Tensor) -> tuple[Tensor, ...]:
    """In these versions it does nothing: they are for inference."""
    return x, _nothing_dropped(x, x.dtype if node.version == 7 else jnp.bool_)


@operator("Dropout", (6,), "ratio is_test")
def _dropout_by_attribute(node: Node, x: Tensor) -> tuple[Tensor, ...]:
    if not node["is_test"]:
        raise node.refusal("it is in training mode and draws at random")
    return x, _nothing_dropped(x, x.dtype)


@operator("Dropout", (12, 13, 22), "seed")
def _dropout_by_input(
    node: Node, x: Tensor, ratio: Tensor | None = None, training: Tensor | None = None
) -> tuple[Tensor, ...]:
    if training is not None and not (isinstance(training, np.ndarray) and not training.any()):
        raise node.refusal("it is in training mode and draws at random: export in evaluation mode")
    return x, _nothing_dropped(x, jnp.bool_)


def _nothing_dropped(x: Tensor, dtype: jnp.dtype) -> Tensor:
    return (np.ones if not is_float(x) else jnp.ones)(x.shape, dtype)
