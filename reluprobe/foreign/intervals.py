"""Intervals: what an array's values lie between, for whatever inputs of a box.

Bounds are of float32, or of float64 for what is of float64, whatever the network's own type. What
is not known lies between −∞ and ∞; NaN is no bound. Every step is widened by what its rounding can
add, in the network and in the bounds.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

#: A rounded result is off by at most ε/2 of its size, and so is its bound; or by the smallest
#: normal number, where what is smaller becomes 0.
_ROUNDINGS = 2


class Interval(NamedTuple):
    """Bounds of each value of an array, both ends among them."""

    low: Array
    high: Array

    @property
    def fixed(self) -> bool:
        """Whether it is a known array's, which no input has a say in."""
        return self.low is self.high

    @property
    def size(self) -> Array:
        """The largest absolute value."""
        return jnp.maximum(jnp.abs(self.low), jnp.abs(self.high))


def is_floating(dtype: Any) -> bool:
    """Whether values of this type are rounded real numbers."""
    return bool(jnp.issubdtype(dtype, jnp.floating))


def bounds_type(dtype: Any) -> Any:
    """The type that bounds of such values have."""
    if is_floating(dtype):
        return jnp.promote_types(dtype, jnp.float32)
    return dtype if _is_whole(dtype) else np.dtype(np.float32)


def _is_whole(dtype: Any) -> bool:
    return bool(jnp.issubdtype(dtype, jnp.integer) or jnp.issubdtype(dtype, jnp.bool_))


def point(array: Any) -> Interval:
    """The bounds of what is known: a parameter."""
    array = jnp.asarray(array)
    if not (is_floating(array.dtype) or _is_whole(array.dtype)):
        return unknown(array)
    bound = array.astype(bounds_type(array.dtype))
    return Interval(bound, bound)


def unknown(aval: Any) -> Interval:
    """The bounds of what nothing is known of."""
    dtype = bounds_type(getattr(aval, "dtype", np.dtype(np.float32)))
    low, high = _ends(dtype)
    shape = tuple(getattr(aval, "shape", ()))
    return Interval(jnp.full(shape, low, dtype), jnp.full(shape, high, dtype))


def _ends(dtype: Any) -> tuple[Any, Any]:
    if jnp.issubdtype(dtype, jnp.bool_):
        return False, True
    if jnp.issubdtype(dtype, jnp.integer):
        return jnp.iinfo(dtype).min, jnp.iinfo(dtype).max
    return -jnp.inf, jnp.inf


def of_box(array: Any, low: float, high: float) -> Interval:
    """The bounds of an input; of whole numbers, those between the two."""
    dtype = jnp.result_type(array)
    kind = bounds_type(dtype)
    if is_floating(dtype):  # 0.1 may be no number of this type: its neighbour is then in the box
        ends = [(end, float(np.asarray(end, dtype))) for end in (low, high)]
        least, most = min(ends[0]), max(ends[1])
    elif not jnp.issubdtype(dtype, jnp.bool_) and _is_whole(dtype):
        first, last = _ends(kind)
        least, most = max(math.ceil(low), first), min(math.floor(high), last)
    else:
        return unknown(array)
    return Interval(*(jnp.full(np.shape(array), end, kind) for end in (least, most)))


def hull(first: Interval, second: Interval) -> Interval:
    """What both lie in."""
    return Interval(jnp.minimum(first.low, second.low), jnp.maximum(first.high, second.high))


def both(first: Interval, second: Interval) -> Interval:
    """What lies in both, of bounds of the same values."""
    return Interval(jnp.maximum(first.low, second.low), jnp.minimum(first.high, second.high))


def widened(interval: Interval, size: Array, dtype: Any, roundings: float = _ROUNDINGS) -> Interval:
    """The interval with room for roundings of this type, of numbers up to this size.

    Where the size is 0 nothing is rounded: 0 plus 0 is 0.
    """
    info = jnp.finfo(dtype)
    room = jnp.where(size > 0, roundings * float(info.eps) * size + float(info.tiny), 0)
    return Interval(interval.low - room, interval.high + room)


def known(interval: Interval, dtype: Any) -> Interval:
    """The interval with NaN as no bound, nor what is too large for the network's type."""
    if not is_floating(interval.low.dtype):
        return interval
    most = float(jnp.finfo(dtype).max) if is_floating(dtype) else np.inf
    low, high = interval
    lost = jnp.isnan(low) | jnp.isnan(high)
    return Interval(
        jnp.where(lost | (low < -most), -jnp.inf, low),
        jnp.where(lost | (high > most), jnp.inf, high),
    )
