"""What every value of a network derives from: the one pass over its program, forwards."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from reluprobe.foreign import axes, axis_rules, control, elementwise, facts
from reluprobe.foreign.facts import Facts, Linear
from reluprobe.foreign.jaxpr import Atom, Graph, Literal, Operation, Value, shape_of


@dataclass(eq=False, slots=True)
class Flow:
    """A program and what is known of its values.

    Attributes:
        graph: the program.
        facts: of each of its values.
        linear: its linear layers, by their products.
        opaque: operations that depend on the batch and cannot be looked into.
        bodies: the same of the programs its loops and branches run.
    """

    graph: Graph
    facts: dict[Value, Facts]
    linear: dict[Operation, Linear] = field(default_factory=dict)
    opaque: list[Operation] = field(default_factory=list)
    bodies: dict[Operation, control.Bodies] = field(default_factory=dict)

    def known(self, atom: Atom) -> Facts:
        """What is known of a value or a literal."""
        return Facts() if isinstance(atom, Literal) else self.facts[atom]

    def depends(self, atom: Atom) -> bool:
        """Whether it depends on the batch."""
        return self.known(atom).data

    def data(self, operation: Operation) -> list[Value]:
        """Those of its inputs that depend on the batch; one that is given twice, twice."""
        return [v for v in operation.inputs if not isinstance(v, Literal) and self.facts[v].data]

    @property
    def results(self) -> list[Facts]:
        """What is known of the program's outputs."""
        return [self.known(atom) for atom in self.graph.outputs]


def follow(graph: Graph, inputs: Sequence[Facts], constants: Sequence[Facts]) -> Flow:
    """What every value derives from, where this is known of the arguments and the constants."""
    flow = Flow(graph, dict(zip(graph.inputs, inputs, strict=True)))
    values = [value for value, _ in graph.constants]
    flow.facts.update(zip(values, constants, strict=True))
    for operation in graph.operations:
        outputs = _outputs(flow, operation)
        flow.facts.update(zip(operation.outputs, outputs, strict=True))
    return flow


def _outputs(flow: Flow, operation: Operation) -> Sequence[Facts]:
    if operation.bodies:
        known = [flow.known(atom) for atom in operation.inputs]
        flow.bodies[operation], outputs = control.follow(operation, known, follow)
        return outputs
    if not flow.data(operation):
        return _parameters(flow, operation)
    if elementwise.is_elementwise(operation):
        return [_elementwise(flow, operation)]
    if operation.name in ("dot_general", "conv_general_dilated"):
        return [_product(flow, operation)]
    table = flow.known(operation.inputs[0])
    if operation.name == "gather" and table.leaves and not table.data:
        return [_lookup(flow, operation)]
    return _passed(flow, operation)


def _parameters(flow: Flow, operation: Operation) -> list[Facts]:
    """Of what does not depend on the batch."""
    known = [flow.known(atom) for atom in operation.inputs]
    leaves = facts.unique([fact.leaves for fact in known])
    loops = facts.union([fact.loops for fact in known])
    derived = [fact for fact in known if fact.leaves]
    moved = operation.name in elementwise.MOVING or operation.name in ("add", "max")
    leaf = moved and len(derived) == 1 and derived[0].leaf
    root = operation.name in ("sqrt", "rsqrt", "pow") and any(fact.leaf for fact in derived)
    return [
        Facts(
            axes=axes.plain(output.shape),
            leaves=leaves,
            loops=loops,
            leaf=leaf,
            deviation=root or any(fact.deviation for fact in known),
        )
        for output in operation.outputs
    ]


def _elementwise(flow: Flow, operation: Operation) -> Facts:
    output = operation.outputs[0]
    data = flow.data(operation)
    known = [flow.facts[value] for value in data]
    others = [flow.known(a) for a in operation.inputs if not flow.depends(a)]
    weights = [fact for fact in others if fact.leaves]
    shaped = [
        fact.axes if len(value.shape) == len(output.shape) else axes.plain(output.shape)
        for fact, value in zip(known, data, strict=True)
    ]
    merged = shaped[0]
    for more in shaped[1:]:
        merged = axes.merge(merged, more)
    merged = _grown(merged, output.shape)
    scaled = operation.name in ("mul", "div")
    fact = Facts(
        data=True,
        axes=merged,
        linear=facts.unique([fact.linear for fact in known]),
        depth=max(fact.depth for fact in known),
        fresh=_is_fresh(flow, operation, data),
        statistic=all(fact.statistic for fact in known),
        batch_statistic=all(fact.batch_statistic for fact in known),
        normalised=facts.union([f.normalised for f in known]) | _norm(known, others, merged),
        loops=facts.union([fact.loops for fact in known])
        | facts.union([fact.loops for fact in weights if scaled]),
        multiple=_multiple(flow, operation, data) if not weights else None,
        mirrored=any(fact.mirrored for fact in known),
    )
    outer = _outer(flow, operation, data) if scaled and weights else []
    return _as_linear(flow, operation, fact, weights, outer) if outer else fact


def _multiple(flow: Flow, operation: Operation, data: Sequence[Value]) -> Value | None:
    """The value that the output is a constant multiple of, and of what that is one."""
    if len(set(data)) > 1 or data[0].shape != operation.outputs[0].shape:
        return None
    if not elementwise.is_affine(operation, data, flow.depends):
        return None
    return flow.facts[data[0]].multiple or data[0]


def _grown(merged: axes.Axes, shape: Sequence[int]) -> axes.Axes:
    """Axes of size 1 that grow because a parameter is larger."""
    if merged.shape == tuple(shape):
        return merged
    return axes.spread(merged, shape, range(len(shape)))


def _norm(known: Sequence[Facts], others: Sequence[Facts], merged: axes.Axes) -> frozenset[str]:
    """Whose mean or variance these are freed of, where the operation is a batch norm's."""
    statistics = [fact.batch_statistic for fact in known]
    if any(statistics) and not all(statistics):
        return frozenset({facts.BATCH})
    running = merged.has_units and any(fact.deviation for fact in others)
    return frozenset({facts.RUNNING}) if running else frozenset()


def _is_fresh(flow: Flow, operation: Operation, data: Sequence[Value]) -> bool:
    """Whether no nonlinearity came since the last linear layer.

    A parameter of a unit's own (a norm's scale or shift) makes a new layer of what it is applied
    to; a gate leaves that of what it multiplies.
    """
    known = [flow.facts[value] for value in data]
    alive = [value for value in data if flow.facts[value].alive]
    if elementwise.is_affine(operation, data, flow.depends):
        if alive or not any(fact.linear for fact in known):
            return True
        return any(fact.axes.has_units for fact in known) and any(
            max(shape_of(atom), default=1) > 1 and flow.known(atom).leaves
            for atom in operation.inputs
            if not flow.depends(atom)
        )
    if operation.name in ("mul", "div"):
        return len(alive) == 1 and (operation.name == "mul" or operation.inputs[0] is alive[0])
    if operation.name == "select_n":  # chosen by what the batch says itself: padding
        return bool(alive) and not flow.known(operation.inputs[0]).linear
    return False


def _outer(flow: Flow, operation: Operation, data: Sequence[Value]) -> list[int]:
    """Axes along which a weight spreads what has one value there: a linear layer of one input."""
    known = [flow.facts[value] for value in data]
    if any(fact.statistic or not fact.fresh for fact in known):
        return []
    shape = operation.outputs[0].shape
    full = [value for value in data if len(value.shape) == len(shape)]
    return [d for d, n in enumerate(shape) if n > 1 and full and all(v.shape[d] == 1 for v in full)]


def _as_linear(
    flow: Flow, operation: Operation, fact: Facts, weights: Sequence[Facts], outer: Sequence[int]
) -> Facts:
    factors = list(axis_rules.without_units(fact.axes).factors)
    for number in outer:
        size = operation.outputs[0].shape[number]
        factors[number] = (axes.Factor(size, unit=True),)
    moved = replace(fact.axes, factors=tuple(factors))
    return _layer(flow, operation, moved, fact.depth, weights)


def _layer(
    flow: Flow,
    operation: Operation,
    moved: axes.Axes,
    depth: int,
    weights: Sequence[Facts],
    lookup: bool = False,
) -> Facts:
    """Of the output of a linear layer."""
    leaves = facts.unique([fact.leaves for fact in weights])
    layer = Linear(operation, leaves, depth + 1, lookup)
    flow.linear[operation] = layer
    loops = facts.union([fact.loops for fact in weights])
    return Facts(data=True, axes=moved, linear=(layer,), depth=depth + 1, loops=loops)


def _product(flow: Flow, operation: Operation) -> Facts:
    """Of a matrix product or a convolution."""
    known = [flow.known(atom) for atom in operation.inputs]
    depth = max(fact.depth for fact in known)
    weights = [fact for fact in known if not fact.data and fact.leaves]
    sides = [fact.axes if fact.data else None for fact in known]
    if operation.name == "conv_general_dilated":
        image = sides[0]
        if image is not None and weights:
            return _layer(flow, operation, axis_rules.convolved(operation, image), depth, weights)
        return _mixed(flow, operation, _blurred(operation, known))
    moved = axis_rules.multiplied(operation, sides, weighted=bool(weights))
    if weights:
        return _layer(flow, operation, moved, depth, weights)
    return _mixed(flow, operation, moved)


def _blurred(operation: Operation, known: Sequence[Facts]) -> axes.Axes:
    """Of a convolution with a fixed kernel, or with one that depends on the batch."""
    image = known[0].axes
    channels = shape_of(operation.inputs[0])[operation.params["dimension_numbers"].lhs_spec[1]]
    if known[1].data or operation.params["feature_group_count"] != channels:
        lost = axes.origins(image.flat) | image.lost | axes.origins(known[1].axes.flat)
        return axes.plain(operation.outputs[0].shape).lose(lost)
    return axis_rules.convolved(operation, image)


def _mixed(flow: Flow, operation: Operation, moved: axes.Axes) -> Facts:
    """Of a product without a weight: a graph's edges, attention's shares mix positions.

    What it mixes stays the layer that it was, if its units come through.
    """
    layers = [
        fact
        for fact in (flow.known(atom) for atom in operation.inputs)
        if fact.alive and _unit_sizes(fact.axes) and _unit_sizes(fact.axes) <= _unit_sizes(moved)
    ]
    known = [flow.known(atom) for atom in operation.inputs]
    return Facts(
        data=True,
        axes=moved,
        linear=layers[-1].linear if layers else (),
        depth=max(fact.depth for fact in known),
        fresh=bool(layers),
        loops=layers[-1].loops if layers else frozenset(),
    )


def _unit_sizes(found: axes.Axes) -> int:
    return math.prod(f.size for f in found.flat if f.unit) if found.has_units else 0


def _lookup(flow: Flow, operation: Operation) -> Facts:
    """Of rows of a table of parameters, an embedding."""
    indices = flow.known(operation.inputs[1])
    moved = axis_rules.passed(operation, [(1, indices.axes)])[0]
    table = flow.known(operation.inputs[0])
    return _layer(flow, operation, moved, indices.depth, [table], lookup=True)


def _is_statistic(known: Sequence[Facts], gone: axes.Axis, unitless: bool) -> bool:
    """Whether a sum or a maximum mixes units, or features of the batch that no layer has had."""
    features = any(factor.origin != 0 for factor in gone)
    mixed = unitless if known[0].linear else features
    return mixed or all(fact.statistic for fact in known)


def _passed(flow: Flow, operation: Operation) -> list[Facts]:
    """Of values that move or are summed up, and of what nothing is known of."""
    numbers = [n for n, atom in enumerate(operation.inputs) if flow.depends(atom)]
    known = [flow.known(operation.inputs[n]) for n in numbers]
    passing = operation.name in elementwise.PASSING
    if not passing and operation.name not in elementwise.QUIET:
        flow.opaque.append(operation)
    inputs = [(n, fact.axes) for n, fact in zip(numbers, known, strict=True)]
    multiples = {flow.known(atom).multiple or atom for atom in operation.inputs}
    mirrored = operation.name == "concatenate" and len(numbers) > 1 and len(multiples) == 1
    outputs = axis_rules.passed(operation, inputs)
    if mirrored:
        outputs = [axis_rules.beside(operation, known[0].axes)]
    results = []
    for moved in outputs:
        summed = operation.name.startswith("reduce_") and "axes" in operation.params
        gone = axis_rules.dropped(operation, known[0].axes) if summed else ()
        unitless = any(factor.unit for factor in gone) or operation.name in elementwise.MIXING
        results.append(
            Facts(
                data=True,
                axes=axis_rules.without_units(moved) if unitless else moved,
                linear=() if unitless or not passing else facts.unique(f.linear for f in known),
                depth=max(fact.depth for fact in known),
                fresh=passing and not unitless and any(fact.fresh for fact in known),
                statistic=_is_statistic(known, gone, unitless),
                batch_statistic=all(fact.batch_statistic for fact in known)
                or (moved.has_units and 0 in axes.origins(gone)),
                normalised=facts.union([fact.normalised for fact in known]),
                loops=facts.union([fact.loops for fact in known]),
                mirrored=mirrored,
            )
        )
    return results
