"""The operators of the ONNX standard that are known exactly, by kind."""

from reluprobe.foreign.onnx.operators import (
    activations,
    constants,
    control,
    elementwise,
    indexing,
    linear,
    norms,
    pooling,
    recurrent,
    reductions,
    resize,
    sequences,
    shapes,
)

__all__ = [
    "activations",
    "constants",
    "control",
    "elementwise",
    "indexing",
    "linear",
    "norms",
    "pooling",
    "recurrent",
    "reductions",
    "resize",
    "sequences",
    "shapes",
]
