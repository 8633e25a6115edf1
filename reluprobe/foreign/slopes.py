"""Whether f′ = 0 for all of a unit's values: by autodiff, and by no more of it than is needed.

A unit is alive as soon as one of its values has a slope. So f′ is taken at the largest and at the
smallest z of each unit first, which are two of its values; only where it is 0 at both of some unit,
at all values. And where f with its f′ is the same program, step by step, as that of a ReLU, the
largest z alone decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, reduce
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend import core
from jaxtyping import Array, Bool

from reluprobe.foreign import elementwise, sampling
from reluprobe.foreign.jaxpr import Value
from reluprobe.foreign.reduction import Reduction
from reluprobe.foreign.running import Environment, run
from reluprobe.foreign.sites import Site, Way

Flat = Bool[Array, " unit"]

#: ReLUs as people write them, by whether f′ is 0 at z = 0 too.
_RELUS: Mapping[Callable[[Array], Array], bool] = {
    jax.nn.relu: True,
    lambda z: jnp.where(z > 0, z, 0): True,
    lambda z: jnp.maximum(z, 0): False,
    lambda z: jnp.maximum(0, z): False,
}


def function(z: Value, way: Way, environment: Environment) -> Callable[[Array], Array]:
    """This way's f, of arrays of the shape of z."""

    def f(values: Array) -> Array:
        inside = {**environment, z: values}
        run(way.operations, inside)
        return inside[way.end]

    return f


def slope(f: Callable[[Array], Array], z: Array) -> Array:
    """f′(z) by a backward pass: a function with its own derivative may have no other."""
    output, backward = jax.vjp(f, z)
    return backward(jnp.ones_like(output))[0]


def relu_is_flat_at_zero(site: Site, environment: Environment) -> bool | None:
    """Whether f′(0) = 0, of a site whose f is a ReLU for certain; None where it is not."""
    if len(site.ways) != 1 or site.sides:
        return None
    way, z = next(iter(site.ways)), environment[site.z]
    text = _program(function(site.z, way, environment), z.shape, str(z.dtype))
    return _relu_programs(z.shape, str(z.dtype)).get(text)


@cache
def _relu_programs(shape: Any, dtype: str) -> dict[str, bool]:
    return {_program(f, shape, dtype): flat for f, flat in _RELUS.items()}


def _program(f: Callable[[Array], Array], shape: Any, dtype: str) -> str:
    """The text of a program of f and f′: the same text is the same computation."""
    z = jax.ShapeDtypeStruct(shape, jnp.dtype(dtype))
    return _text(jax.make_jaxpr(lambda z: (f(z), slope(f, z)))(z).jaxpr)


def _text(jaxpr: Any) -> str:
    """A program written out, step by step; JAX's own text depends on what else was traced."""
    numbers: dict[Any, int] = {}

    def written(atom: Any) -> str:
        if isinstance(atom, core.Literal):
            return f"{atom.val!r}:{atom.aval}"
        return f"v{numbers.setdefault(atom, len(numbers))}:{atom.aval}"

    def parameter(value: Any) -> str:
        inner = value.jaxpr if isinstance(value, core.ClosedJaxpr) else value
        if isinstance(inner, core.Jaxpr):
            return _text(inner)
        # How a derivative is found says nothing: f′ is written out beside f.
        return "" if callable(value) else str(value)

    lines = [" ".join(map(written, jaxpr.invars))]
    for equation in jaxpr.eqns:
        params = [f"{n}={parameter(v)}" for n, v in sorted(equation.params.items()) if n != "name"]
        ends = (" ".join(map(written, side)) for side in (equation.invars, equation.outvars))
        lines.append(" ".join([equation.primitive.name, *ends, *params]))
    return "\n".join([*lines, " ".join(map(written, jaxpr.outvars))])


def flat(
    site: Site, environment: Environment, units: Reduction, highest: Array, lowest: Array
) -> Flat:
    """Whether f′ = 0 for all values that count, by all ways out of z.

    Args:
        site: whose f it is.
        environment: arrays of the program's values.
        units: sums over the values of each unit.
        highest: the largest z of each unit that counts.
        lowest: the smallest.
    """
    if any(not way.operations for way in site.ways):  # z itself goes on: its slope is 1
        return jnp.zeros(units.count, bool)

    def at_all_values() -> Flat:
        z = environment[site.z]
        slopes = [slope(function(site.z, way, environment), z) for way in site.ways]
        return reduce(jnp.logical_and, [units.max(jnp.abs(some)) == 0 for some in slopes])

    if not _is_alike_everywhere(site):
        return at_all_values()
    dtype = environment[site.z].dtype
    ends = [_flat_at(site, end.astype(dtype)) for end in (highest, lowest)]
    undecided = jnp.any(ends[0] & ends[1])
    return jax.lax.cond(undecided, at_all_values, lambda: jnp.zeros(units.count, bool))


def _is_alike_everywhere(site: Site) -> bool:
    """Whether f is of z and constants alone, with no derivative of its own: of any shape of z."""
    operations = [operation for way in site.ways for operation in way.operations]
    return not site.sides and not any(o.name in elementwise.WHOLE for o in operations)


def _flat_at(site: Site, z: Array) -> Array:
    """Whether f′(z) = 0 by all ways, of values of z in any number."""
    slopes: list[Any] = [
        slope(lambda values, way=way: sampling.applied(way, {site.z: values}, values.shape), z)
        for way in site.ways
    ]
    return reduce(jnp.logical_and, [some == 0 for some in slopes])
