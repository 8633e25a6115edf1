"""Certificate: units that are dead for every input of a box, by bounds of a network's values.

The bounds of z follow from those of the inputs, operation by operation. A unit is certified where
the bounds of f′ on those of z are both 0, by all ways out of z: f′ is what the backward pass
computes, and its bounds follow by the same rules. Source: Gowal et al. 2018.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from reluprobe.foreign import flatness, intervals, sampling
from reluprobe.foreign.interpret import lead
from reluprobe.foreign.interval_run import (
    Bounded,
    Environment,
    as_interval,
    read,
    run,
    sharpened,
)
from reluprobe.foreign.intervals import Interval
from reluprobe.foreign.jaxpr import Operation
from reluprobe.foreign.network import Level, Measured, Network
from reluprobe.foreign.reduction import Reduction, unit_count


class Proof(NamedTuple):
    """What is proven of a site's units; of a loop's site, with an axis an iteration.

    Attributes:
        flat: f′ = 0 for every input of the box, ``(unit,)``.
        bounded: whether z has a bound, ``(unit,)``.
    """

    flat: Any
    bounded: Any


class Certificate:
    """Proofs about a network, for whatever parameters of it.

    Args:
        network: looked into.
        parameters: how many of its arguments are parameters; the others are inputs.
        box: what all values of all inputs lie between.
    """

    def __init__(self, network: Network, parameters: int, box: tuple[float, float]) -> None:
        graph = network.level.flow.graph
        inputs = [value.aval for value in graph.inputs[parameters:]]

        def prove(params: Sequence[Array], constants: Sequence[Array]) -> list[Any]:
            boxes = [intervals.of_box(aval, *box) for aval in inputs]
            _, proofs = _evaluated(network, network.level, [*params, *boxes, *constants])
            return list(zip(proofs, _flat_somewhere(network), strict=True))

        self._prove = jax.jit(prove)

    def masks(
        self, params: Sequence[Array], constants: Sequence[Array]
    ) -> list[dict[tuple[int, ...], Bool[np.ndarray, " unit"] | None]]:
        """Which units are certified, of each site, by iteration of the loops around it.

        None where no unit of a layer has bounds, or f is flat nowhere for certain.
        """
        sites = jax.device_get(self._prove(params, constants))
        return [_by_iteration(Proof(*map(np.asarray, p)), bool(flat)) for p, flat in sites]


def _flat_somewhere(network: Network) -> list[Array]:
    """Whether f is flat somewhere for certain, of each site; alike ones are looked at once."""
    keys = [tuple(sampling.key(m.site.z, way) for way in m.site.ways) for m in network.measured]
    different = dict(zip(keys, network.measured, strict=True))
    flat = {key: flatness.has_flat_stretch(m.site) for key, m in different.items()}
    return [flat[key] for key in keys]


def _by_iteration(proof: Proof, flat_somewhere: bool) -> dict[tuple[int, ...], Any]:
    told = flat_somewhere or bool(proof.flat.any())
    return {
        index: proof.flat[index] if told and proof.bounded[index].any() else None
        for index in np.ndindex(proof.flat.shape[:-1])
    }


def _evaluated(
    network: Network, level: Level, inputs: Sequence[Bounded]
) -> tuple[list[Bounded], list[Proof]]:
    """The bounds of a program's results, and what is proven at the sites inside it."""
    flow, graph = level.flow, level.flow.graph
    values = [*graph.inputs, *(value for value, _ in graph.constants)]
    environment: Environment = dict(zip(values, inputs, strict=True))
    here = [m for m in network.inside[flow] if m.level.flow is flow]
    ends = {way.end: (m.site.z, way) for m in here for way in m.site.bent}
    proofs: dict[Measured, Proof] = {}
    for operation in graph.operations:
        proofs.update(_step(network, level, operation, environment))
        for output in operation.outputs:
            if output in ends:
                sharpened(*ends[output], environment)
    proofs.update({m: _proof(m, environment) for m in here})
    results = [read(environment, atom) for atom in graph.outputs]
    return results, [proofs[m] for m in network.inside[flow]]


def _step(
    network: Network, level: Level, operation: Operation, environment: Environment
) -> dict[Measured, Proof]:
    """Puts an operation's outputs in place; what is proven inside of it."""
    arguments = [read(environment, atom) for atom in operation.inputs]
    control = _CONTROL.get(operation.name)
    if operation not in level.flow.bodies or not any(isinstance(a, Interval) for a in arguments):
        run([operation], environment)
        return {}
    bodies = list(level.inside(operation))
    inner = [m for body in bodies for m in network.inside[body.flow]]
    if control is None:
        run([operation], environment)
        return {m: _nothing(m, lead(level.loops, m)) for m in inner}
    outputs, proofs = control(network, bodies, operation, arguments)
    environment.update(zip(operation.outputs, outputs, strict=True))
    return dict(zip(inner, proofs, strict=True))


def _proof(here: Measured, environment: Environment) -> Proof:
    units = Reduction(here.site.facts.axes, None)
    z = as_interval(environment[here.site.z])
    flat = flatness.proven(here.site, {**environment, here.site.z: z})
    finite = jnp.isfinite(z.low) | jnp.isfinite(z.high)
    return Proof(
        units.max(jnp.where(flat, 0.0, 1.0)) == 0, units.min(jnp.where(finite, 1.0, 0.0)) == 1
    )


def _nothing(here: Measured, loops: Sequence[int]) -> Proof:
    none = jnp.zeros((*loops, unit_count(here.site.facts.axes)), bool)
    return Proof(none, none)


def _constants(body: Level) -> list[Any]:
    return [array for _, array in body.flow.graph.constants]


def _scan(
    network: Network, bodies: Sequence[Level], operation: Operation, arguments: Sequence[Bounded]
) -> tuple[list[Bounded], list[Proof]]:
    """A loop, turn by turn: its carry has bounds of its own in each."""
    (body,), params = bodies, operation.params
    fixed, carries = params["num_consts"], params["num_consts"] + params["num_carry"]
    carried = body.flow.graph.inputs[fixed:carries]
    moving = [body.flow.facts[value].data for value in carried]

    def as_carry(values: Sequence[Bounded]) -> list[Bounded]:
        pairs = zip(values, moving, strict=True)
        return [as_interval(v) if m or isinstance(v, Interval) else v for v, m in pairs]

    def turn(carry: list[Bounded], slices: list[Bounded]) -> tuple[Any, Any]:
        inputs = [*arguments[:fixed], *carry, *slices, *_constants(body)]
        outputs, proofs = _evaluated(network, body, inputs)
        return as_carry(outputs[: carries - fixed]), (outputs[carries - fixed :], proofs)

    carry, (stacked, proofs) = jax.lax.scan(
        turn,
        as_carry(arguments[fixed:carries]),
        list(arguments[carries:]),
        length=params["length"],
        reverse=params["reverse"],
    )
    places = zip(proofs, network.inside[body.flow], strict=True)
    return [*carry, *stacked], [p if m.turns(operation) else _in_all_turns(p) for p, m in places]


def _in_all_turns(proof: Proof) -> Proof:
    return Proof(*(jnp.all(flags, 0) for flags in proof))


def _cond(
    network: Network, bodies: Sequence[Level], operation: Operation, arguments: Sequence[Bounded]
) -> tuple[list[Bounded], list[Proof]]:
    """Branches: whichever is taken, its results lie within the hull of all."""
    _, *inputs = arguments
    branches = [_evaluated(network, body, [*inputs, *_constants(body)]) for body in bodies]
    outputs = [
        reduce(intervals.hull, map(as_interval, some))
        for some in zip(*(results for results, _ in branches), strict=True)
    ]
    return outputs, [proof for _, proofs in branches for proof in proofs]


_CONTROL = {"scan": _scan, "cond": _cond}
