"""Resizing images: nearest, linear and cubic, as weighted sums of picked rows, axis by axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from reluprobe.foreign.onnx.operators.registry import (
    Node,
    Tensor,
    allocatable,
    floats_only,
    integers,
    is_static,
    operator,
)

_COORDINATES = (
    "half_pixel",
    "half_pixel_symmetric",
    "pytorch_half_pixel",
    "align_corners",
    "asymmetric",
)
_ROUNDINGS = {
    "floor": np.floor,
    "ceil": np.ceil,
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
}


class _Axis(NamedTuple):
    """An axis to be resized: which, from and to how many, and by what factor."""

    axis: int
    size: int
    wanted: int
    scale: float


def _axes(
    node: Node, x: Tensor, scales: Sequence[float] | None, sizes: list[int] | None
) -> list[_Axis]:
    chosen = [axis % x.ndim for axis in node.get("axes") or range(x.ndim)]
    given = sizes if scales is None else scales
    if given is None or len(given) != len(chosen):
        raise node.refusal(f"{given} are no sizes or scales for {len(chosen)} axes")
    axes = []
    for axis, value in zip(chosen, given, strict=True):
        size = x.shape[axis]
        wanted = int(value) if scales is None else math.floor(size * value)
        axes.append(_Axis(axis, size, wanted, wanted / size if scales is None else float(value)))
    allocatable(node, [one.wanted for one in axes], x.dtype)
    return [one for one in axes if one.scale != 1 or one.wanted != one.size]


def _coordinates(node: Node, axis: _Axis, kind: str, number: type) -> np.ndarray:
    """Where each output lies on the input's axis, computed in this type."""
    places, scale = np.arange(axis.wanted).astype(number), number(axis.scale)
    half = number(0.5)
    exact = axis.scale * axis.size
    if kind == "asymmetric":
        return places / scale
    if kind == "align_corners":
        if exact != axis.wanted:
            raise node.refusal("align_corners where sizes by scale are no whole numbers")
        return places * number(axis.size - 1) / number(max(axis.wanted - 1, 1))
    if kind == "pytorch_half_pixel" and axis.wanted == 1:
        return np.zeros(1, number)
    offset = number(axis.size / 2 * (1 - axis.wanted / exact) if kind.endswith("symmetric") else 0)
    return offset + (places + half) / scale - half


def _nearest(node: Node, axis: _Axis, coordinates: str, rounding: str) -> list[np.ndarray]:
    """The picked places; where the last digit decides which, frameworks differ."""
    if rounding not in _ROUNDINGS:
        raise node.refusal(f"nearest_mode={rounding!r}; known: {', '.join(_ROUNDINGS)}")
    picked, coarser = (
        np.clip(
            _ROUNDINGS[rounding](_coordinates(node, axis, coordinates, number)), 0, axis.size - 1
        )
        for number in (np.float64, np.float32)
    )
    if (picked != coarser).any():
        raise node.refusal(f"a scale of {axis.scale} falls between two pixels: frameworks differ")
    return [picked.astype(np.int64)]


def _cubic(ratio: np.ndarray, a: float) -> list[np.ndarray]:
    """Keys' kernel at the four nearest places."""

    def near(x: np.ndarray) -> np.ndarray:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: np.ndarray) -> np.ndarray:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    return [far(ratio + 1), near(ratio), near(1 - ratio), far(2 - ratio)]


def _taps(node: Node, axis: _Axis, mode: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Places to pick, and their weights."""
    where = _coordinates(
        node, axis, node.get("coordinate_transformation_mode", "asymmetric"), np.float64
    )
    low = np.floor(where)
    ratio = where - low
    weights = [1 - ratio, ratio] if mode == "linear" else _cubic(ratio, node["cubic_coeff_a"])
    places = [low + step for step in (range(2) if mode == "linear" else range(-1, 3))]
    if node.get("exclude_outside"):
        weights = [
            np.where((place < 0) | (place >= axis.size), 0, weight)
            for place, weight in zip(places, weights, strict=True)
        ]
        whole = sum(weights)
        weights = [weight / whole for weight in weights]
    return [np.clip(place, 0, axis.size - 1).astype(np.int64) for place in places], weights


def _resized(node: Node, x: Tensor, axes: list[_Axis], rounding: str) -> Tensor:
    mode = node["mode"]
    coordinates = node.get("coordinate_transformation_mode", "asymmetric")
    if mode not in ("nearest", "linear", "cubic") or coordinates not in _COORDINATES:
        raise node.refusal(f"mode={mode!r} with coordinates {coordinates!r} is not known")
    if mode != "nearest":
        floats_only(node, x)
    x = jnp.asarray(x)
    for axis in axes:
        if mode == "nearest":
            (places,) = _nearest(node, axis, coordinates, rounding)
            x = jnp.take(x, places, axis.axis)
            continue
        shape = [-1 if i == axis.axis else 1 for i in range(x.ndim)]
        places_of_taps, weights = _taps(node, axis, mode)
        x = sum(
            jnp.take(x, places, axis.axis) * weight.astype(x.dtype).reshape(shape)
            for places, weight in zip(places_of_taps, weights, strict=True)
        )  # pyright: ignore[reportAssignmentType]
    return x


def _fixed(node: Node, scales: Tensor | None) -> list[float] | None:
    if scales is None or not scales.size:
        return None
    if not is_static(scales):
        raise node.refusal("its scales depend on the values of the network's inputs")
    return [float(scale) for scale in np.asarray(scales)]


def _upsampled(node: Node, x: Tensor, scales: Sequence[float] | None) -> Tensor:
    """As before version 11: coordinates are places / scale, rounded down."""
    if scales is None or min(scales) < 1:
        raise node.refusal(f"scales {scales}; what becomes smaller is known since version 11")
    return _resized(node, x, _axes(node, x, scales, None), "floor")


@operator("Upsample", (7,), "mode scales")
def _upsample_by_attribute(node: Node, x: Tensor) -> Tensor:
    return _upsampled(node, x, node["scales"])


@operator("Upsample", (9,), "mode")
@operator("Resize", (10,), "mode")
def _upsample(node: Node, x: Tensor, scales: Tensor) -> Tensor:
    return _upsampled(node, x, _fixed(node, scales))


@operator(
    "Resize",
    (11, 13),
    "coordinate_transformation_mode cubic_coeff_a exclude_outside extrapolation_value mode"
    " nearest_mode",
)
@operator(
    "Resize",
    (18, 19),
    "antialias axes coordinate_transformation_mode cubic_coeff_a exclude_outside"
    " extrapolation_value keep_aspect_ratio_policy mode nearest_mode",
)
def _resize(
    node: Node,
    x: Tensor,
    region: Tensor | None = None,
    scales: Tensor | None = None,
    sizes: Tensor | None = None,
) -> Tensor:
    """The region is for ``tf_crop_and_resize`` alone, which is not known."""
    if node.get("antialias") or node.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise node.refusal("antialias and keep_aspect_ratio_policy are not known")
    wanted = None if sizes is None or not sizes.size else integers(node, sizes, "sizes")
    axes = _axes(node, x, _fixed(node, scales), wanted)
    return _resized(node, x, axes, node["nearest_mode"])
