"""A site measured inside the compiled program: values of z in, what they show of its units out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from reluprobe.foreign.jaxpr import Atom, Literal, Operation, Value
from reluprobe.foreign.network import Range
from reluprobe.foreign.reduction import Reduction, unit_count
from reluprobe.foreign.sites import Site, Way
from reluprobe.foreign.tally import Seen
from reluprobe.measures.definitions import SATURATION_MARGIN

#: Arrays of a program's values.
Environment = dict[Value, Array]


def read(environment: Mapping[Value, Array], atom: Atom) -> Array:
    """A value's array, or a literal's."""
    return atom.val if isinstance(atom, Literal) else environment[atom]


def run(operations: Sequence[Operation], environment: Environment) -> None:
    """Evaluates these operations, and puts their outputs in place."""
    for operation in operations:
        outputs = operation.evaluate([read(environment, atom) for atom in operation.inputs])
        environment.update(zip(operation.outputs, outputs, strict=True))


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
    flat = reduce(jnp.logical_and, [_slope(site.z, way, environment) == 0 for way in site.ways])
    finite = reduce(jnp.logical_and, [jnp.isfinite(values) for values in (z, *outputs)])
    size = reduce(jnp.add, [jnp.abs(values.astype(jnp.float32)) for values in outputs])
    return Seen(
        flat=units.all(flat),
        finite=units.all(finite),
        positive=units.count(z > 0),
        extreme=units.all(_at_an_end(outputs[0], bounds)),
        highest=jnp.stack([units.max(values) for values in outputs]),
        lowest=jnp.stack([units.min(values) for values in outputs]),
        total=units.sum(size),
        values=units.values,
        examples=jnp.where(units.values > 0, examples, jnp.zeros_like(examples)),
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
        extreme=yes,
        highest=-ends,
        lowest=ends,
        total=jnp.zeros(units, jnp.float32),
        values=none,
        examples=none,
        sides=jnp.full((*lead, len(site.sides)), jnp.nan, jnp.float32),
    )


def _slope(z: Value, way: Way, environment: Environment) -> Array:
    """f′(z), as the backward pass has it: what has a derivative of its own may have no other."""

    def f(values: Array) -> Array:
        inside = {**environment, z: values}
        run(way.operations, inside)
        return inside[way.end]

    output, backward = jax.vjp(f, environment[z])
    return backward(jnp.ones_like(output))[0]


def _at_an_end(outputs: Array, bounds: Range) -> Array:
    """Whether an output is at the nearer end of f's range, as ``definitions.saturated`` has it."""
    if bounds is None:
        return jnp.zeros_like(outputs, bool)
    low, high = (jnp.asarray(end, outputs.dtype) for end in bounds)
    return jnp.minimum(jnp.abs(outputs - low), jnp.abs(outputs - high)) <= SATURATION_MARGIN


def _first_of(sides: Sequence[Array]) -> Array:
    firsts = [jnp.ravel(side)[0].astype(jnp.float32) for side in sides]
    return jnp.stack(firsts) if firsts else jnp.zeros(0, jnp.float32)
