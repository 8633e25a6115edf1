"""Proofs that f′ = 0 on an interval of z: bounds of what the backward pass computes are both 0."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import jax.numpy as jnp
from jaxtyping import Array, Bool

from reluprobe.foreign import sampling, slopes
from reluprobe.foreign.interval_run import Environment, of_function
from reluprobe.foreign.intervals import Interval
from reluprobe.foreign.sites import Site, Way

#: Stretches of z, one of which f must be flat on to be flat anywhere: below, above, about 0.
_STRETCHES = ((-1e4, -1e3), (1e3, 1e4), (-1e-3, 1e-3))


def proven(site: Site, environment: Environment) -> Bool[Array, ...]:
    """Where f′ = 0 by all ways out of z, for every z within its bounds; of the shape of z."""
    z = environment[site.z]
    if any(not way.operations for way in site.ways):  # z itself goes on: its slope is 1
        return jnp.zeros(site.z.shape, bool)
    sides = {side: environment[side] for side in site.sides}
    types = [site.z.aval.dtype, *(side.aval.dtype for side in sides)]

    def of_way(way: Way) -> Interval:
        def slope(values: Array, *beside: Array) -> Array:
            f = slopes.function(site.z, way, dict(zip(sides, beside, strict=True)))
            return slopes.slope(f, values)

        return of_function(slope, [z, *sides.values()], types)

    return _all_zero([of_way(way) for way in site.ways])


def has_flat_stretch(site: Site) -> Bool[Array, ""]:
    """Whether f is flat somewhere for certain: not where it is flat by rounding alone, as tanh is.

    An f that takes a parameter beside z is not known to be: it is told by its units.
    """
    if site.sides or any(not way.operations for way in site.ways):
        return jnp.array(False)
    dtype = site.z.aval.dtype
    ends = [jnp.asarray(end, jnp.float32) for end in zip(*_STRETCHES, strict=True)]

    def of_way(way: Way) -> Interval:
        def slope(values: Array) -> Array:
            return slopes.slope(lambda z: sampling.applied(way, {site.z: z}, z.shape), values)

        return of_function(slope, [Interval(ends[0], ends[1])], [dtype])

    return jnp.any(_all_zero([of_way(way) for way in site.ways]))


def _all_zero(bounds: Sequence[Interval]) -> Bool[Array, ...]:
    return reduce(jnp.logical_and, [(some.low == 0) & (some.high == 0) for some in bounds])
