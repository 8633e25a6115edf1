"""Programs run on bounds: parameters as they are, what depends on the input as intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend import core

from reluprobe.foreign import elementwise, interval_rules, intervals
from reluprobe.foreign.intervals import Interval
from reluprobe.foreign.jaxpr import Atom, Graph, Literal, Operation, Value, called, flatten
from reluprobe.foreign.sites import Way

#: An array that no input has a say in, or bounds.
Bounded = Any
Environment = dict[Value, Bounded]


def read(environment: Mapping[Value, Bounded], atom: Atom) -> Bounded:
    """A value's bounds, its array, or a literal's."""
    return atom.val if isinstance(atom, Literal) else environment[atom]


def as_interval(bounded: Bounded) -> Interval:
    """Bounds; of an array, itself twice."""
    return bounded if isinstance(bounded, Interval) else intervals.point(bounded)


def run(operations: Sequence[Operation], environment: Environment) -> None:
    """Puts the outputs of these operations in place; of loops and branches nothing is known."""
    for operation in operations:
        arguments = [read(environment, atom) for atom in operation.inputs]
        outputs = _outputs(operation, arguments)
        environment.update(zip(operation.outputs, outputs, strict=True))


def _outputs(operation: Operation, arguments: Sequence[Bounded]) -> Sequence[Bounded]:
    if not any(isinstance(argument, Interval) for argument in arguments):
        return operation.evaluate(arguments)
    if operation.name in elementwise.WHOLE:
        body = called(operation.equation)
        assert body is not None, "what is kept whole is a call"
        return results(flatten(body), arguments)
    return interval_rules.bounded(operation, [as_interval(argument) for argument in arguments])


def results(graph: Graph, arguments: Sequence[Bounded]) -> list[Bounded]:
    """The results of a program of these arguments."""
    environment = dict(zip(graph.inputs, arguments, strict=True)) | dict(graph.constants)
    run(graph.operations, environment)
    return [read(environment, atom) for atom in graph.outputs]


def of_function(f: Callable[..., Any], arguments: Sequence[Bounded], types: Sequence[Any]) -> Any:
    """The bounds of what a JAX function gives for these arguments.

    Args:
        f: of arrays.
        arguments: arrays or bounds.
        types: the type of each argument in the network.
    """
    examples = [_example(a, dtype) for a, dtype in zip(arguments, types, strict=True)]
    closed = jax.make_jaxpr(f)(*examples)
    (output,) = results(flatten(core.ClosedJaxpr(closed.jaxpr, closed.consts)), arguments)
    return as_interval(output)


def _example(bounded: Bounded, dtype: Any) -> Any:
    array = bounded.low if isinstance(bounded, Interval) else bounded
    return jax.ShapeDtypeStruct(jnp.shape(array), dtype)


def sharpened(z: Value, way: Way, environment: Environment) -> None:
    """Bounds of f(z) that know z to be one value: from those below 0, at 0, and above it apart.

    ``z·(z > 0)`` with z from −2 to 3 has bounds of −2 and 3 where each factor has its own: from 0
    to 3 they are where those z are apart that make the second factor 0.
    """
    if all(operation.name in _SHARP for operation in way.operations):
        return
    end = environment[way.end]
    tiny = float(jnp.finfo(z.aval.dtype).tiny)
    pieces = []
    for least, most in ((-jnp.inf, -tiny), (-tiny, tiny), (tiny, jnp.inf)):
        part = Interval(*(jnp.clip(bound, least, most) for bound in environment[z]))
        inside = {**environment, z: part}
        run(way.operations, inside)
        pieces.append(as_interval(inside[way.end]))
    joined = intervals.hull(intervals.hull(pieces[0], pieces[1]), pieces[2])
    environment[way.end] = intervals.both(as_interval(end), joined)


#: What is as sharp at once, where z comes in once.
_SHARP = elementwise.named(
    "max min clamp neg convert_element_type exp tanh logistic custom_jvp_call add sub "
    "broadcast_in_dim"
)
