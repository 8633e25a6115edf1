"""Sums and extremes over examples and positions, unit by unit, of those values that count."""

from __future__ import annotations

import math
from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from reluprobe.foreign.axes import Axes

#: Up to here float32 counts without rounding.
_EXACT = 2**24


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

    @property
    def count(self) -> int:
        """How many units there are."""
        return math.prod(self._shape) // self._all

    def number(self, flags: Array) -> Int[Array, " unit"]:
        """How many that count are true."""
        exact = self._all <= _EXACT
        sums = self._reduced(jnp.sum, flags.astype(jnp.float32 if exact else jnp.int32), 0)
        return sums.astype(jnp.int32)

    def sum(self, values: Array) -> Float[Array, " unit"]:
        """Their sum, in float32."""
        return self._reduced(jnp.sum, values.astype(jnp.float32), 0)

    def max(self, values: Array) -> Float[Array, " unit"]:
        """The largest that counts, in float32; NaN where any is."""
        return self._reduced(jnp.max, values, -jnp.inf).astype(jnp.float32)

    def min(self, values: Array) -> Float[Array, " unit"]:
        """The smallest that counts, in float32; NaN where any is."""
        return self._reduced(jnp.min, values, jnp.inf).astype(jnp.float32)

    def _reduced(self, over: Callable[..., Array], values: Array, neutral: float) -> Array:
        factors = jnp.reshape(values, self._shape)
        if self._counted is not None:
            factors = jnp.where(self._counted, factors, jnp.asarray(neutral, factors.dtype))
        return jnp.ravel(over(factors, axis=self._over))
