"""Trees of elementwise operations: which values are a function of one value, place by place.

From a value z, elementwise operations lead to further values; those that depend on z alone (and on
parameters) are *dominated* by it. Between z and a value that it dominates lies a region: a function
f of z. Where a value is used by anything else, it *leaves* the tree.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import reduce

import jax.numpy as jnp

from reluprobe.foreign import elementwise
from reluprobe.foreign.flow import Flow
from reluprobe.foreign.jaxpr import Literal, Operation, Value


def is_floating(value: Value) -> bool:
    """Whether it has a slope: whether it is of a floating-point type."""
    return hasattr(value.aval, "dtype") and bool(jnp.issubdtype(value.aval.dtype, jnp.floating))


class Trees:
    """The elementwise trees of a program.

    Attributes:
        flow: the program.
        maker: the operation that gives a value; none of an argument.
        users: of each value that leaves its tree, who uses it; None for the program's results.

    Args:
        flow: the program.
        roots: values that begin trees of their own, whatever they are made of.
    """

    def __init__(self, flow: Flow, roots: Collection[Value] = ()) -> None:
        self.flow = flow
        self._roots = roots
        self.maker: dict[Value, Operation] = {}
        self.users: dict[Value, list[Operation | None]] = {}
        self._dominator: dict[Value, Value | None] = {}
        self._root: dict[Value, Value] = {}
        self._depth: dict[Value, int] = {}
        self._affine: dict[Operation, bool] = {}
        for value, facts in flow.facts.items():
            if facts.data:
                self._plant(value)
        for operation in flow.graph.operations:
            self._grow(operation)
        for atom in flow.graph.outputs:
            self._leave(atom, None)

    def _plant(self, value: Value) -> None:
        self._root[value], self._dominator[value], self._depth[value] = value, None, 0

    def _grow(self, operation: Operation) -> None:
        data = self.flow.data(operation)
        for value in operation.outputs:
            self.maker[value] = operation
        if data and elementwise.is_elementwise(operation):
            self._affine[operation] = elementwise.is_affine(operation, data, self.flow.depends)
            output = operation.outputs[0]
            alike = all(value.shape == output.shape for value in data)
            one = len({self._root[value] for value in data}) == 1
            if alike and one and output not in self._roots:
                above = reduce(self._common, data)
                self._dominator[output], self._root[output] = above, self._root[above]
                self._depth[output] = self._depth[above] + 1
                return
            self._plant(output)
        for value in data:
            self._leave(value, operation)

    def _leave(self, atom: Value | Literal, user: Operation | None) -> None:
        if not isinstance(atom, Literal) and self.flow.facts[atom].data:
            self.users.setdefault(atom, []).append(user)

    def _common(self, first: Value, second: Value) -> Value:
        """The nearest value that dominates both."""
        while first is not second:
            if self._depth[first] < self._depth[second]:
                first, second = second, first
            above = self._dominator[first]
            assert above is not None, "values of one tree have its root in common"
            first = above
        return first

    def path(self, value: Value) -> list[Value]:
        """The values that dominate this one, from its tree's root to itself."""
        values = [value]
        while (above := self._dominator[values[-1]]) is not None:
            values.append(above)
        return values[::-1]

    def leaving(self) -> list[Value]:
        """The floating-point values that leave their trees, in the program's order."""
        return [value for value in self.users if is_floating(value)]

    def between(self, start: Value, end: Value) -> list[Operation]:
        """The operations that lead from a value to one that it dominates, in their order."""
        needed: dict[Operation, None] = {}
        seen = {start}

        def visit(value: Value) -> None:
            if value in seen:
                return
            seen.add(value)
            operation = self.maker[value]
            for source in self.flow.data(operation):
                visit(source)
            needed[operation] = None

        visit(end)
        return list(needed)

    def function(self, start: Value, end: Value) -> tuple[Operation, ...]:
        """The same, with those that make the constants they take, to be evaluated on their own."""
        operations: dict[Operation, None] = {}
        for operation in self.between(start, end):
            for atom in operation.inputs:
                self._constants(atom, operations)
            operations[operation] = None
        return tuple(operations)

    def _constants(self, atom: Value | Literal, operations: dict[Operation, None]) -> bool:
        """Whether it is a constant, scalar or spread over an array; adds what makes it."""
        if isinstance(atom, Literal):
            return True
        maker = self.maker.get(atom)
        if maker is None or self.flow.depends(atom):
            return False
        if maker.name not in elementwise.PRIMITIVES | {"broadcast_in_dim"}:
            return False
        made: dict[Operation, None] = {}
        if not all(self._constants(source, made) for source in maker.inputs):
            return False
        operations |= {**made, maker: None}
        return True

    def is_affine(self, start: Value, end: Value) -> bool:
        """Whether the one is an affine function of the other, for any parameters."""
        return all(self._affine[operation] for operation in self.between(start, end))

    def is_rescaled(self, start: Value, end: Value) -> bool:
        """Whether it is an affine function with constants alone: ``-z``, ``z / 2``."""
        return all(
            self._affine[operation] and not self._uses_parameters(operation)
            for operation in self.between(start, end)
        )

    def _uses_parameters(self, operation: Operation) -> bool:
        return any(
            self.flow.known(atom).leaves for atom in operation.inputs if not self.flow.depends(atom)
        )

    def origin(self, value: Value, same: Callable[[Value, Value], bool]) -> Value:
        """The first value on the path to this one for which every step on to it is such a step."""
        path = self.path(value)
        while len(path) > 1 and same(path[-2], path[-1]):
            path.pop()
        return path[-1]

    def bends(self, path: Sequence[Value]) -> list[int]:
        """The steps on a path that are not affine."""
        steps = range(len(path) - 1)
        return [i for i in steps if not self.is_affine(path[i], path[i + 1])]

    def renewed(self, path: Sequence[Value]) -> list[Value]:
        """Values on a path that are a layer anew, with a bend before and behind: a norm's."""
        bends = self.bends(path)
        facts = self.flow.facts
        return (
            [
                path[i + 1]
                for i in range(bends[0], bends[-1])
                if facts[path[i + 1]].fresh and facts[path[i]].linear and not facts[path[i]].fresh
            ]
            if bends
            else []
        )


def grown(flow: Flow) -> Trees:
    """The elementwise trees of a program; where a norm makes a layer anew, another tree begins."""
    trees = Trees(flow)
    roots = {root for value in trees.leaving() for root in trees.renewed(trees.path(value))}
    return Trees(flow, roots) if roots else trees
