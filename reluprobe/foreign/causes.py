"""Causes of death in somebody's network: a unit's weights, its bias, or its inputs.

A ReLU dies when v = max z falls to 0 or below. Where z is an affine function of one linear layer's
output, three players moved it: the layer's weights w, all further parameters on the way to z (its
bias, a norm's scale, shift and averages) b, and the layer's inputs x. v(S) is v with the players in
S at their new state and the others at their old; the Shapley value shares v(all) − v(none) among
them. Where the way only adds b, this is ``measures.attribution``'s formula. Source: Shapley 1953.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from reluprobe.foreign import elementwise, slopes
from reluprobe.foreign.flow import Flow
from reluprobe.foreign.jaxpr import Literal, Operation, Value
from reluprobe.foreign.network import Measured, Network
from reluprobe.foreign.reduction import Reduction
from reluprobe.foreign.running import Environment, read, run
from reluprobe.foreign.weights import Weights

#: The players, each at its old state (0) or its new one (1), in the order of ``Peaks``' first axis.
STATES = tuple(product((0, 1), repeat=3))  # (weights, bias, upstream)
#: v of every state, ``(state, unit)``, by the number of a site among those that are measured.
Peaks = dict[int, Float[Array, "state unit"]]


class Causes(NamedTuple):
    """How far each player moved a unit's largest z, ``(unit,)``; their sum is the whole move."""

    weights: Float[np.ndarray, " unit"]
    bias: Float[np.ndarray, " unit"]
    upstream: Float[np.ndarray, " unit"]


@dataclass(frozen=True, eq=False, slots=True)
class _Way:
    """The way from a linear layer's output to z, all of it affine and of nothing else."""

    product: Operation
    operations: tuple[Operation, ...]


def peaks(network: Network, old: Sequence[Array], new: Sequence[Array], weights: Weights) -> Peaks:
    """Give v of every state over a batch, of the sites that causes apply to.

    Args:
        network: looked into.
        old: arguments of its program, then its constants, with parameters as they were.
        new: the same with parameters as they are.
        weights: which values count.
    """
    graph, both = network.level.flow.graph, []
    values = [*graph.inputs, *(value for value, _ in graph.constants)]
    for arrays in (old, new):
        environment = dict(zip(values, arrays, strict=True))
        run(graph.operations, environment)
        both.append(environment)
    makers = {value: op for op in graph.operations for value in op.outputs}
    seen = {}
    for number, here in enumerate(network.measured):
        way = _way(network, here, makers)
        if way is None or slopes.relu_is_flat_at_zero(here.site, both[1]) is None:
            continue
        units = Reduction(here.site.facts.axes, weights.at(here.site.facts.axes))
        rows = [units.max(_z(here, way, *(both[n] for n in state))) for state in STATES]
        seen[number] = jnp.stack(rows)
    return seen


def together(first: Peaks | None, second: Peaks) -> Peaks:
    """The peaks over both batches."""
    if first is None:
        return second
    return {number: jnp.maximum(first[number], rows) for number, rows in second.items()}


def shares(rows: Float[np.ndarray, "state unit"]) -> Causes:
    """Each player's Shapley value, of v of every state."""
    v: dict[tuple[int, ...], Any] = dict(zip(STATES, np.asarray(rows, np.float64), strict=True))
    return Causes(*(_shapley(v, player) for player in range(3)))


def _shapley(v: Mapping[tuple[int, ...], Any], player: int) -> np.ndarray:
    """Σ over coalitions S of the others of |S|! (2 − |S|)! / 3! · (v(S with it) − v(S))."""
    total = np.zeros_like(v[0, 0, 0])
    for others in product((0, 1), repeat=2):
        share = (2, 1, 2)[sum(others)] / 6
        without = (*others[:player], 0, *others[player:])
        with_it = (*others[:player], 1, *others[player:])
        total = total + share * (v[with_it] - v[without])
    return total


def _way(network: Network, here: Measured, makers: Mapping[Value, Operation]) -> _Way | None:
    """The way to a site's z; None where it is not one linear layer's, or not affine."""
    flow, linear = network.level.flow, here.site.facts.linear
    if here.level is not network.level or len(linear) != 1:
        return None
    start = linear[0].operation
    if makers.get(start.outputs[0]) is not start or len(flow.data(start)) != 1:
        return None
    passed: set[Operation] = set()
    for operation in _back(here.site.z, start, makers, flow):
        if operation is None:
            return None
        passed.add(operation)
    return _Way(start, tuple(op for op in flow.graph.operations if op in passed))


def _back(
    z: Value, start: Operation, makers: Mapping[Value, Operation], flow: Flow
) -> Iterator[Operation | None]:
    """The operations from z back to the product; None for one that ends the way."""
    waiting = [z]
    while waiting:
        operation = makers.get(waiting.pop())
        if operation is start:
            continue
        if operation is None or not _is_straight(operation, flow):
            yield None
            return
        yield operation
        waiting += flow.data(operation)


def _is_straight(operation: Operation, flow: Flow) -> bool:
    """Whether it is an affine function of what depends on the batch, place by place."""
    data = flow.data(operation)
    if elementwise.is_elementwise(operation):
        return bool(data) and elementwise.is_affine(operation, data, flow.depends)
    return operation.name in elementwise.MOVING and len(data) == 1


def _z(
    here: Measured, way: _Way, weights: Environment, bias: Environment, upstream: Environment
) -> Array:
    """Give z with the layer's weights, the parameters behind it, and its inputs at these states."""
    depends = here.level.flow.depends
    arguments = [read(upstream if depends(atom) else weights, atom) for atom in way.product.inputs]
    inside = {way.product.outputs[0]: way.product.evaluate(arguments)[0]}
    for operation in way.operations:
        arguments = [
            inside[atom] if not isinstance(atom, Literal) and atom in inside else read(bias, atom)
            for atom in operation.inputs
        ]
        inside.update(zip(operation.outputs, operation.evaluate(arguments), strict=True))
    return inside[here.site.z]
