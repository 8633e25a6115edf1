"""A network evaluated, and measured on the way: what its own compiled program does, and tallies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend import core
from jaxtyping import Array

from reluprobe.foreign.jaxpr import Operation
from reluprobe.foreign.measure import measured, nothing
from reluprobe.foreign.network import Level, Measured, Network
from reluprobe.foreign.running import read, run
from reluprobe.foreign.tally import Seen, added
from reluprobe.foreign.weights import Weights

Tallies = list[Seen]


def evaluate(
    network: Network, level: Level, inputs: Sequence[Array], weights: Weights
) -> tuple[list[Array], Tallies]:
    """The results of one of the network's programs, and what is seen at the sites inside it.

    Args:
        network: looked into.
        level: its program, or that of a loop or a branch in it.
        inputs: its arguments, then its constants.
        weights: which values count.
    """
    flow, graph = level.flow, level.flow.graph
    values = [*graph.inputs, *(value for value, _ in graph.constants)]
    environment = dict(zip(values, inputs, strict=True))
    seen: dict[Measured, Seen] = {}
    for operation in graph.operations:
        inner = _inside(network, level, operation)
        if not any(inner):
            run([operation], environment)
            continue
        arguments = [read(environment, atom) for atom in operation.inputs]
        outputs, tallies = _CONTROL[operation.name](network, level, operation, arguments, weights)
        environment.update(zip(operation.outputs, outputs, strict=True))
        seen.update(zip([m for some in inner for m in some], tallies, strict=True))
    for here in network.inside[flow]:
        if here.level.flow is flow:
            counted = weights.at(here.site.facts.axes)
            seen[here] = measured(here.site, here.bounds, environment, counted, weights.examples)
    results = [read(environment, atom) for atom in graph.outputs]
    return results, [seen[here] for here in network.inside[flow]]


def _inside(network: Network, level: Level, operation: Operation) -> list[tuple[Measured, ...]]:
    """The sites inside each program of a loop or a branch."""
    if operation not in level.flow.bodies:
        return []
    return [network.inside[body.flow] for body in level.inside(operation)]


def _constants(body: Level) -> list[Any]:
    return [array for _, array in body.flow.graph.constants]


def _scan(
    network: Network,
    level: Level,
    operation: Operation,
    arguments: Sequence[Array],
    weights: Weights,
) -> tuple[Sequence[Array], Tallies]:
    (body,), walked = level.inside(operation), level.flow.bodies[operation].walked
    params = operation.params
    fixed, carries = params["num_consts"], params["num_consts"] + params["num_carry"]

    def turn(carry: list[Array], slices: tuple[Array, list[Array]]) -> tuple[Any, Any]:
        iteration, arrays = slices
        inputs = [*arguments[:fixed], *carry, *arrays, *_constants(body)]
        outputs, seen = evaluate(network, body, inputs, weights.turn(walked, iteration))
        return outputs[: carries - fixed], (outputs[carries - fixed :], seen)

    iterations = jnp.arange(params["length"], dtype=jnp.int32)
    carry, (stacked, seen) = jax.lax.scan(
        turn,
        list(arguments[fixed:carries]),
        (iterations, list(arguments[carries:])),
        length=params["length"],
        reverse=params["reverse"],
        unroll=params["unroll"],
    )
    places = zip(seen, network.inside[body.flow], strict=True)
    return [*carry, *stacked], [s if m.turns(operation) else _folded(s) for s, m in places]


def _folded(seen: Seen) -> Seen:
    """What all turns of a loop show of the same units."""
    return Seen(
        flat=jnp.all(seen.flat, 0),
        finite=jnp.all(seen.finite, 0),
        positive=jnp.sum(seen.positive, 0, dtype=jnp.int32),
        sloped=jnp.sum(seen.sloped, 0, dtype=jnp.int32),
        extreme=jnp.all(seen.extreme, 0),
        highest=jnp.max(seen.highest, 0),
        lowest=jnp.min(seen.lowest, 0),
        total=jnp.sum(seen.total, 0),
        values=jnp.sum(seen.values, 0, dtype=jnp.int32),
        examples=jnp.max(seen.examples, 0),
        sides=seen.sides[0],
    )


def _while(
    network: Network,
    level: Level,
    operation: Operation,
    arguments: Sequence[Array],
    weights: Weights,
) -> tuple[Sequence[Array], Tallies]:
    (body,) = level.inside(operation)
    params = operation.params
    asks, turns = params["cond_nconsts"], params["cond_nconsts"] + params["body_nconsts"]
    goes_on = core.jaxpr_as_fun(params["cond_jaxpr"])

    def turn(state: tuple[list[Array], Tallies]) -> tuple[list[Array], Tallies]:
        carry, before = state
        inputs = [*arguments[asks:turns], *carry, *_constants(body)]
        outputs, seen = evaluate(network, body, inputs, weights)
        return outputs, [_both(a, b) for a, b in zip(before, seen, strict=True)]

    start = [nothing(m.site, lead(body.loops, m)) for m in network.inside[body.flow]]
    return jax.lax.while_loop(
        lambda state: goes_on(*arguments[:asks], *state[0])[0],
        turn,
        (list(arguments[turns:]), start),
    )


def _both(first: Seen, second: Seen) -> Seen:
    return added(first, second, examples=jnp.maximum, maximum=jnp.maximum, minimum=jnp.minimum)


def lead(outside: Sequence[Operation], here: Measured) -> tuple[int, ...]:
    """Iterations that have units of their own, of the loops further inside than these."""
    inner = here.level.loops[len(outside) :]
    return tuple(loop.params["length"] for loop in inner if here.turns(loop))


def _cond(
    network: Network,
    level: Level,
    operation: Operation,
    arguments: Sequence[Array],
    weights: Weights,
) -> tuple[Sequence[Array], Tallies]:
    bodies = list(level.inside(operation))
    index, *inputs = arguments

    def branch(taken: Level) -> Callable[..., tuple[list[Array], Tallies]]:
        def run_it(*inputs: Array) -> tuple[list[Array], Tallies]:
            outputs, tallies = evaluate(network, taken, [*inputs, *_constants(taken)], weights)
            seen = iter(tallies)
            return outputs, [
                next(seen) if body is taken else nothing(m.site, lead(level.loops, m))
                for body in bodies
                for m in network.inside[body.flow]
            ]

        return run_it

    return jax.lax.switch(index, [branch(body) for body in bodies], *inputs)


_CONTROL = {"scan": _scan, "while": _while, "cond": _cond}
