"""Which values of a network reach a further linear layer: the one pass over it, backwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from reluprobe.foreign.flow import Flow
from reluprobe.foreign.jaxpr import Atom, Literal, Operation, Value


@dataclass(frozen=True, slots=True)
class Feeding:
    """Values that a linear layer comes behind, those of loops and branches too.

    Attributes:
        values: all of them.
        results: those that a layer comes behind because a loop or a branch gives them.
    """

    values: set[Value] = field(default_factory=set)
    results: set[Value] = field(default_factory=set)


def of_network(flow: Flow) -> Feeding:
    """The values of a whole network; its results feed nothing."""
    feeding = Feeding()
    _back(flow, [False] * len(flow.graph.outputs), feeding)
    return feeding


def _back(flow: Flow, results: Sequence[bool], feeding: Feeding) -> list[bool]:
    """Adds a program's values, by which of its results feed; whether its arguments do."""
    _add(feeding.results, flow.graph.outputs, results)
    _add(feeding.values, flow.graph.outputs, results)
    for operation in reversed(flow.graph.operations):
        outputs = [value in feeding.values for value in operation.outputs]
        if operation in flow.bodies:
            _add(feeding.values, operation.inputs, _through(flow, operation, outputs, feeding))
        elif any(outputs) or (operation in flow.linear and not flow.linear[operation].lookup):
            feeding.values.update(flow.data(operation))
    return [value in feeding.values for value in flow.graph.inputs]


def _add(values: set[Value], atoms: Iterable[Atom], feed: Iterable[bool]) -> None:
    chosen = zip(atoms, feed, strict=True)
    values.update(atom for atom, yes in chosen if yes and not isinstance(atom, Literal))


def _through(flow: Flow, operation: Operation, outputs: list[bool], feeding: Feeding) -> list[bool]:
    """Which inputs of a loop or a branch feed, by which of its outputs do."""
    flows, params = flow.bodies[operation].flows, operation.params
    if operation.name == "cond":
        branches = [_back(branch, outputs, feeding) for branch in flows]
        return [False, *(any(some) for some in zip(*branches, strict=True))]
    (body,) = flows
    if operation.name == "scan":
        skipped, count, carries = 0, params["num_consts"], params["num_carry"]
    else:
        skipped, count = params["cond_nconsts"], params["body_nconsts"]
        carries = len(outputs)
    while True:  # until the carry feeds nothing more: it only grows
        inputs = _back(body, outputs, feeding)
        carried = zip(outputs[:carries], inputs[count : count + carries], strict=True)
        after = [*(before or now for before, now in carried), *outputs[carries:]]
        if after == outputs:
            return [False] * skipped + inputs
        outputs = after
