"""A site's f on a grid of z: to name it and see what is no activation, never to judge a unit."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core
from jaxtyping import Array, Float

from reluprobe.foreign.jaxpr import Atom, Literal, Operation, Value, alone, called, evaluate
from reluprobe.foreign.sites import Way

#: Where f is looked at: close together around 0, and so far out that what is bounded is flat.
_POSITIVE = (0.01, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6.5, 8, 10, 20, 100)
GRID = np.array([*(-z for z in reversed(_POSITIVE)), 0, *_POSITIVE])
#: Further out, for the ends of f's range alone.
FAR = np.array([-1e4, 1e4])

Curve = Float[np.ndarray, " z"]
Sides = Mapping[Value, Any]
#: Functions that have been sampled in this process: networks have few, and mostly the same.
_SAMPLED: dict[Hashable, list[Curve]] = {}


def grid(dtype: Any) -> Curve:
    """The values of z as a type has them, in float64: the grid, then the two far ones."""
    return np.append(GRID, FAR).astype(dtype).astype(np.float64)


def curves(z: Value, ways: Sequence[Way], sides: Sides) -> list[Curve]:
    """Each way's f on the grid, in the type of z; ``sides`` has what f takes beside it."""
    return [np.asarray(c, np.float64) for c in jax.jit(lambda: _traced(z, ways, sides))()]


def together(sites: Sequence[tuple[Value, Sequence[Way]]]) -> list[list[Curve]]:
    """The same of several sites that take nothing beside z, in one program, alike ones once."""
    keys = [tuple(key(z, way) for way in ways) for z, ways in sites]
    new = {k: site for k, site in zip(keys, sites, strict=True) if k not in _SAMPLED}
    if new:
        sampled = jax.jit(lambda: [_traced(z, ways, {}) for z, ways in new.values()])()
        for k, values in zip(new, sampled, strict=True):
            _SAMPLED[k] = [np.asarray(curve, np.float64) for curve in values]
    return [_SAMPLED[k] for k in keys]


def _traced(z: Value, ways: Sequence[Way], sides: Sides) -> list[Array]:
    points = jnp.asarray(grid(z.aval.dtype), z.aval.dtype)
    return [applied(way, {**sides, z: points}, points.shape) for way in ways]


def applied(way: Way, values: dict[Value, Any], shape: tuple[int, ...]) -> Array:
    """A way's f of values of z of any shape; ``values`` has them, and what f takes beside z."""
    for operation in way.operations:
        arguments = [a.val if isinstance(a, Literal) else values[a] for a in operation.inputs]
        (values[operation.outputs[0]],) = _spread(operation.equation, arguments, shape)
    return values[way.end]


def _spread(equation: Any, arguments: Sequence[Any], shape: tuple[int, ...]) -> list[Any]:
    """An elementwise equation's outputs for arguments of another shape than it was traced for."""
    filled = [
        jnp.broadcast_to(jnp.asarray(a, v.aval.dtype), shape)
        for a, v in zip(arguments, equation.invars, strict=True)
    ]
    if equation.primitive.name == "broadcast_in_dim":  # of a scalar
        return filled
    if (body := called(equation)) is None:
        return evaluate(alone(equation), filled)
    values: dict[Any, Any] = dict(zip(body.jaxpr.invars, filled, strict=True))
    values.update(zip(body.jaxpr.constvars, body.consts, strict=True))
    for inner in body.jaxpr.eqns:
        inputs = [v.val if isinstance(v, core.Literal) else values[v] for v in inner.invars]
        values.update(zip(inner.outvars, _spread(inner, inputs, shape), strict=True))
    return [v.val if isinstance(v, core.Literal) else values[v] for v in body.jaxpr.outvars]


def key(z: Value, way: Way) -> Hashable:
    """The same for functions of the same operations and constants."""
    numbers: dict[Atom, int] = {z: 0}
    steps = []
    for operation in way.operations:
        inputs = tuple(
            str(atom) if isinstance(atom, Literal) else numbers.get(atom, id(atom))
            for atom in operation.inputs
        )
        numbers[operation.outputs[0]] = len(numbers)
        steps.append((operation.name, inputs, _parameters(operation)))
    return (str(z.aval.dtype), *steps)


def _parameters(operation: Operation) -> str:
    return (
        ""
        if not operation.params
        else str({name: value for name, value in operation.params.items() if not callable(value)})
    )
