"""Which values of z count: weights of examples and positions, followed to where z has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from reluprobe.foreign.axes import Axes, Factor, origins


def unfollowed(axes: Axes, weighted: int, walked: Sequence[int]) -> list[int]:
    """The axes of the weights that cannot be followed to a value with these axes.

    Args:
        axes: the value's.
        weighted: how many axes of the batch the weights speak of.
        walked: those that loops around the value walk along.
    """
    again = origins(axes.flat) & set(walked)  # a whole axis inside a loop along the same axis
    twice = [o for o in range(weighted) if _overlaps([f for f in axes.flat if f.origin == o])]
    # What attention has mixed in is still of the position to which a residual adds it.
    lost = axes.lost - origins(axes.flat)
    return sorted({o for o in (*lost, *again, *twice) if o < weighted})


def _overlaps(factors: Sequence[Factor]) -> bool:
    """Whether two index the same axis each for itself, as attention's queries and keys do."""
    strides = [factor.stride for factor in factors if factor.size > 1]
    return len(set(strides)) < len(strides)


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of a batch inside its program.

    Attributes:
        counted: where they are above 0, ``(example, position…)``; of an axis that a loop walks
            along, the iteration's value alone. None where everything counts.
        examples: how many examples count.
    """

    counted: Bool[Array, ...] | None
    examples: Int[Array, ""]

    def at(self, axes: Axes) -> Bool[Array, "*factor"] | None:
        """Which values count of an array with these axes, an axis for each of their factors.

        Where a sum over positions has taken an axis away, what is left of an example counts if any
        of its positions does.
        """
        if self.counted is None:
            return None
        counted, indices = self.counted, []
        for origin in range(counted.ndim):
            index = self._index(axes, origin)
            if index is None or counted.shape[origin] == 1:
                counted = jnp.any(counted, axis=origin, keepdims=True)
                index = jnp.zeros((1,) * len(axes.flat), jnp.int32)
            indices.append(index)
        return counted[tuple(indices)]

    @staticmethod
    def _index(axes: Axes, origin: int) -> Array | None:
        """The index along an axis of the batch, for each of the factors' values."""
        index = None
        for number, factor in enumerate(axes.flat):
            if factor.origin == origin:
                shape = [1] * len(axes.flat)
                shape[number] = factor.size
                steps = jnp.reshape(jnp.arange(factor.size, dtype=jnp.int32), shape)
                steps = factor.offset + factor.stride * steps
                index = steps if index is None else index + steps
        return index

    def turn(self, walked: int | None, iteration: Array) -> Weights:
        """Those of a loop's iteration."""
        if self.counted is None or walked is None or walked >= self.counted.ndim:
            return self
        now = jax.lax.dynamic_slice_in_dim(self.counted, iteration, 1, walked)
        return replace(self, counted=now)


def whole(examples: int) -> Weights:
    """All of a batch counts."""
    return Weights(None, jnp.array(examples, jnp.int32))


def given(weights: Array) -> Weights:
    """Those with a weight above 0 count."""
    counted = weights > 0
    by_example = jnp.any(counted, axis=tuple(range(1, counted.ndim)))
    return Weights(counted, jnp.sum(by_example, dtype=jnp.int32))
