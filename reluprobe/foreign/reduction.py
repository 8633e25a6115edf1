"""Sums and extremes over examples and positions, unit by unit, of those values that count."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from reluprobe.foreign.axes import Axes


def unit_count(axes: Axes) -> int:
    """How many units these axes tell apart."""
    return math.prod(factor.size for factor in axes.flat if factor.unit)


def value_count(axes: Axes) -> int:
    """How many values each unit has."""
    return math.prod(factor.size for factor in axes.flat if not factor.unit)


class Reduction:
    """Reduces arrays of a site's shape to one value a unit, ``(unit,)``.

    Args:
        axes: the site's.
        counted: which values count, an axis a factor of ``axes``, of size 1 where it says nothing
            of it; None where all count.
    """

    def __init__(self, axes: Axes, counted: Bool[Array, "*factor"] | None) -> None:
        self._shape = tuple(factor.size for factor in axes.flat)
        self._over = tuple(n for n, factor in enumerate(axes.flat) if not factor.unit)
        self._all = value_count(axes)
        self._counted = counted

    @property
    def values(self) -> Int[Array, ""]:
        """How many values of each unit count."""
        if self._counted is None:
            return jnp.array(self._all, jnp.int32)
        alike = math.prod(self._shape[n] for n in self._over if self._counted.shape[n] == 1)
        return jnp.sum(self._counted, dtype=jnp.int32) * jnp.array(alike, jnp.int32)

    def all(self, flags: Array) -> Array:
        """Whether all that count are true."""
        return self._reduced(jnp.all, flags, True)

    def count(self, flags: Array) -> Array:
        """How many that count are true, in int32."""
        return self._reduced(partial(jnp.sum, dtype=jnp.int32), flags, False)

    def sum(self, values: Array) -> Array:
        """Their sum, in float32."""
        return self._reduced(partial(jnp.sum, dtype=jnp.float32), values, 0)

    def max(self, values: Array) -> Array:
        """The largest that counts, in float32; NaN where any is."""
        return self._reduced(jnp.max, values, -jnp.inf).astype(jnp.float32)

    def min(self, values: Array) -> Array:
        """The smallest that counts, in float32; NaN where any is."""
        return self._reduced(jnp.min, values, jnp.inf).astype(jnp.float32)

    def _reduced(self, over: Callable[..., Array], values: Array, neutral: Any) -> Array:
        factors = jnp.reshape(values, self._shape)
        if self._counted is not None:
            factors = jnp.where(self._counted, factors, jnp.asarray(neutral, factors.dtype))
        return jnp.ravel(over(factors, axis=self._over))
