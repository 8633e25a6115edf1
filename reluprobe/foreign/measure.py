"""A site measured inside the compiled program: values of z in, what they show of its units out.

Sums and extremes in float32 alone: on a CPU, XLA reduces Booleans and integers ten times as slowly.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from reluprobe.foreign import slopes
from reluprobe.foreign.network import Range
from reluprobe.foreign.reduction import Reduction, unit_count
from reluprobe.foreign.running import Environment
from reluprobe.foreign.sites import Site
from reluprobe.foreign.tally import Seen
from reluprobe.measures.definitions import SATURATION_MARGIN


def measured(
    site: Site,
    bounds: Range,
    environment: Environment,
    counted: Bool[Array, "*factor"] | None,
    examples: Int[Array, ""],
) -> Seen:
    """What this site's values of z show of its units.

    Args:
        site: with its units.
        bounds: the range of f, None where it has no two ends.
        environment: arrays of the program's values.
        counted: which values of z count, by the factors of its axes; None for all.
        examples: how many examples they are of.
    """
    units = Reduction(site.facts.axes, counted)
    z = environment[site.z]
    outputs = [environment[way.end] for way in site.outputs]
    high, low = units.max(z), units.min(z)
    flat_at_zero = slopes.relu_is_flat_at_zero(site, environment)
    if flat_at_zero is None:
        highest = jnp.stack([units.max(a) for a in outputs])
        lowest = jnp.stack([units.min(a) for a in outputs])
        flat = slopes.flat(site, environment, units, high, low)
    else:  # a ReLU: its outputs' ends are those of its inputs
        highest, lowest = jnp.maximum(high, 0)[None], jnp.maximum(low, 0)[None]
        flat = high <= 0 if flat_at_zero else high < 0
    finite = [jnp.isfinite(ends) for ends in (high, low, *highest, *lowest)]
    positive = units.number(z > 0)
    some = units.values > 0
    return Seen(
        flat=flat,
        finite=reduce(jnp.logical_and, finite) | ~some,
        positive=positive,
        # Half of what flows back passes max(z, 0) at z = 0.
        sloped=units.number(z >= 0) if flat_at_zero is False else positive,
        extreme=_all_at_ends(units, outputs[0], bounds),
        highest=highest,
        lowest=lowest,
        total=units.sum(reduce(jnp.add, [jnp.abs(a.astype(jnp.float32)) for a in outputs])),
        values=units.values,
        examples=jnp.where(some, examples, jnp.zeros_like(examples)),
        sides=_first_of([environment[side] for side in site.sides]),
    )


def nothing(site: Site, lead: Sequence[int]) -> Seen:
    """What no value shows: every "for all" holds. ``lead``: iterations with units of their own."""
    units = (*lead, unit_count(site.facts.axes))
    yes, none = jnp.ones(units, bool), jnp.zeros(lead, jnp.int32)
    ends = jnp.full((*lead, len(site.outputs), units[-1]), jnp.inf, jnp.float32)
    return Seen(
        flat=yes,
        finite=yes,
        positive=jnp.zeros(units, jnp.int32),
        sloped=jnp.zeros(units, jnp.int32),
        extreme=yes,
        highest=-ends,
        lowest=ends,
        total=jnp.zeros(units, jnp.float32),
        values=none,
        examples=none,
        sides=jnp.full((*lead, len(site.sides)), jnp.nan, jnp.float32),
    )


def _all_at_ends(units: Reduction, outputs: Array, bounds: Range) -> Bool[Array, " unit"]:
    """Whether all outputs are at the nearer end of f's range: ``definitions.saturated``."""
    if bounds is None:
        return jnp.zeros(units.count, bool)
    low, high = (jnp.asarray(end, outputs.dtype) for end in bounds)
    distance = jnp.minimum(jnp.abs(outputs - low), jnp.abs(outputs - high))
    return units.max(distance) <= SATURATION_MARGIN


def _first_of(sides: Sequence[Array]) -> Array:
    firsts = [jnp.ravel(side)[0].astype(jnp.float32) for side in sides]
    return jnp.stack(firsts) if firsts else jnp.zeros(0, jnp.float32)
