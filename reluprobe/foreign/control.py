"""Loops and branches: what is known of the values of the programs that they run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING

from reluprobe.foreign import axes, facts
from reluprobe.foreign.facts import Facts
from reluprobe.foreign.jaxpr import Graph, Operation

if TYPE_CHECKING:
    from reluprobe.foreign.flow import Flow

Follow = Callable[[Graph, Sequence[Facts], Sequence[Facts]], "Flow"]

#: A loop's carry is looked at again until nothing new is known of it; more than this it never took.
_TURNS = 8


@dataclass(eq=False, slots=True)
class Bodies:
    """The programs of a loop or of branches, followed.

    Attributes:
        flows: one of a loop, one a branch.
        walked: the axis of the batch that a loop walks along, None for none.
    """

    flows: tuple[Flow, ...]
    walked: int | None = None


def follow(
    operation: Operation, known: Sequence[Facts], inside: Follow
) -> tuple[Bodies, Sequence[Facts]]:
    """The programs followed, and what is known of the operation's outputs.

    Args:
        operation: a ``scan``, ``while`` or ``cond``.
        known: what is known of its inputs.
        inside: follows a program.
    """
    return {"scan": _scan, "while": _while, "cond": _cond}[operation.name](operation, known, inside)


def _constants(graph: Graph) -> list[Facts]:
    return [facts.constant(value.shape) for value, _ in graph.constants]


def _cond(
    operation: Operation, known: Sequence[Facts], inside: Follow
) -> tuple[Bodies, Sequence[Facts]]:
    index, *arguments = known
    flows = tuple(inside(body, arguments, _constants(body)) for body in operation.bodies)
    outputs = [reduce(facts.join, some) for some in zip(*[f.results for f in flows], strict=True)]
    if index.data:
        outputs = [replace(fact, data=True) for fact in outputs]
    return Bodies(flows), outputs


def _while(
    operation: Operation, known: Sequence[Facts], inside: Follow
) -> tuple[Bodies, Sequence[Facts]]:
    skipped, count = operation.params["cond_nconsts"], operation.params["body_nconsts"]
    constants, carry = list(known[skipped : skipped + count]), list(known[skipped + count :])
    flow, carry = _settled(
        lambda carry: inside(
            operation.bodies[0], [*constants, *carry], _constants(operation.bodies[0])
        ),
        carry,
    )
    return Bodies((flow,)), carry


def _scan(
    operation: Operation, known: Sequence[Facts], inside: Follow
) -> tuple[Bodies, Sequence[Facts]]:
    (body,) = operation.bodies
    count, carries = operation.params["num_consts"], operation.params["num_carry"]
    constants, arrays = list(known[:count]), known[count + carries :]
    walked = _walked(arrays, operation.params["length"])
    slices = [_slice(operation, array, walked) for array in arrays]
    carry = [
        _turning(operation, fact, body.inputs[count + number] is body.outputs[number])
        for number, fact in enumerate(known[count : count + carries])
    ]
    flow, carry = _settled(
        lambda carry: inside(body, [*constants, *carry, *slices], _constants(body)), carry
    )
    stacked = [_stack(operation, fact, walked) for fact in flow.results[carries:]]
    left = [replace(fact, loops=fact.loops - {operation}) for fact in carry]
    return Bodies((flow,), walked), [*left, *stacked]


def _settled(turn: Callable[[list[Facts]], Flow], carry: list[Facts]) -> tuple[Flow, list[Facts]]:
    """A loop followed until another turn of it says nothing new of its carry."""
    flow = turn(carry)
    for _ in range(_TURNS):
        after = [facts.join(a, b) for a, b in zip(carry, flow.results[: len(carry)], strict=True)]
        if after == carry:
            break
        carry = after
        flow = turn(carry)
    return flow, carry


def _walked(arrays: Sequence[Facts], length: int) -> int | None:
    """The axis of the batch that a loop over these walks along, whole and from its start."""
    steps = {
        axis[0].origin
        for array in arrays
        if array.data and len(axis := array.axes.factors[0]) == 1
        if axis[0] == axes.Factor(length, axis[0].unit, axis[0].origin)
    }
    return steps.pop() if len(steps) == 1 else None


def _slice(operation: Operation, array: Facts, walked: int | None) -> Facts:
    """What a loop has of an array in one iteration."""
    moved = axes.drop(array.axes, [0])
    if not array.data:
        return replace(array, axes=moved, loops=array.loops | {operation})
    gone = axes.origins(array.axes.factors[0])
    return replace(array, axes=moved if gone <= {walked} else moved.lose(gone))


def _turning(operation: Operation, fact: Facts, same: bool) -> Facts:
    """A carry that derives from no batch: a counter, by which weights are looked up."""
    if fact.data or same:
        return fact
    return replace(fact, loops=fact.loops | {operation}, leaf=False)


def _stack(operation: Operation, fact: Facts, walked: int | None) -> Facts:
    """What a loop gives of all iterations."""
    origin = walked if fact.data else None
    axis = (axes.Factor(operation.params["length"], origin=origin),)
    moved = replace(fact.axes, factors=(axis, *fact.axes.factors))
    return replace(fact, axes=moved, loops=fact.loops - {operation})
