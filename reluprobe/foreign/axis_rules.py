"""How each primitive moves, drops and makes axes: what its output's axes stand for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

from reluprobe.foreign import axes, elementwise
from reluprobe.foreign.axes import Axes, Axis, Factor
from reluprobe.foreign.jaxpr import Operation, shape_of


def passed(operation: Operation, data: Sequence[tuple[int, Axes]]) -> list[Axes]:
    """Axes of each output of an operation that moves values or sums them up.

    Args:
        operation: one of ``elementwise.PASSING``, or one that nothing is known of.
        data: number and axes of those of its inputs that depend on the batch.
    """
    number, source = data[0]
    shapes = [output.shape for output in operation.outputs]
    rule = _RULES.get(operation.name)
    if operation.name == "concatenate":
        return [_concatenated(operation, [facts for _, facts in data])]
    if operation.name == "gather":
        return [_gathered(operation, dict(data))]
    if operation.name == "split":
        return _split(operation, source)
    if rule is not None and number == 0:
        return [rule(operation, source)] * len(shapes)
    everything = {origin for _, facts in data for origin in axes.origins(facts.flat)}
    lost = frozenset().union(*[facts.lost for _, facts in data]) | everything
    if number == 0 and operation.name in _SAME_RANK:
        return [_along(source, shape).lose(lost - axes.origins(source.flat)) for shape in shapes]
    return [axes.plain(shape).lose(lost) for shape in shapes]


def _along(source: Axes, shape: Sequence[int]) -> Axes:
    """Axis by axis: one that keeps its size keeps what it stands for, another is blurred."""
    if len(shape) != len(source.factors):
        return axes.plain(shape).lose(axes.origins(source.flat))
    parts = [
        (axis, set()) if old == new else axes.blurred(axis, new)
        for axis, old, new in zip(source.factors, source.shape, shape, strict=True)
    ]
    lost = set().union(*[gone for _, gone in parts])
    return Axes(tuple(axis for axis, _ in parts), source.lost).lose(lost)


def _sliced(operation: Operation, source: Axes) -> Axes:
    p = operation.params
    steps = p["strides"] or [1] * len(source.factors)
    shape = operation.outputs[0].shape
    parts = [
        axes.cut(*spec)
        for spec in zip(source.factors, p["start_indices"], steps, shape, strict=True)
    ]
    lost = set().union(*[gone for _, gone in parts])
    return Axes(tuple(axis for axis, _ in parts), source.lost).lose(lost)


def _split(operation: Operation, source: Axes) -> list[Axes]:
    along, start, pieces = operation.params["axis"], 0, []
    for size in operation.params["sizes"]:
        axis, lost = axes.cut(source.factors[along], start, 1, size)
        factors = (*source.factors[:along], axis, *source.factors[along + 1 :])
        pieces.append(Axes(factors, source.lost).lose(lost))
        start += size
    return pieces


def _reversed(operation: Operation, source: Axes) -> Axes:
    factors = list(source.factors)
    for number in operation.params["dimensions"]:
        factors[number] = tuple(factor.backwards() for factor in factors[number])
    return replace(source, factors=tuple(factors))


def _sorted(operation: Operation, source: Axes) -> Axes:
    along = operation.params["dimension"]
    axis, lost = axes.blurred(source.factors[along], source.shape[along])
    factors = (*source.factors[:along], axis, *source.factors[along + 1 :])
    return Axes(factors, source.lost).lose(lost)


def _concatenated(operation: Operation, data: Sequence[Axes]) -> Axes:
    along = operation.params["dimension"]
    shape = operation.outputs[0].shape
    pieces = [facts.factors[along] for facts in data]
    unit = all(axis and all(factor.unit for factor in axis) for axis in pieces)
    flat = [axes.drop(facts, [along]) for facts in data]
    rest = reduce(axes.merge, flat)
    lost = set().union(*[axes.origins(axis) for axis in pieces])
    factors = list(rest.factors)
    factors.insert(along, (Factor(shape[along], unit=unit),))
    return Axes(tuple(factors), rest.lost).lose(lost)


def beside(operation: Operation, each: Axes) -> Axes:
    """Axes of arrays put side by side whose units are the same: z and −z of a CReLU."""
    along = operation.params["dimension"]
    factors = list(each.factors)
    factors[along] = (Factor(len(operation.inputs)), *factors[along])
    return replace(each, factors=tuple(factors))


def _gathered(operation: Operation, data: dict[int, Axes]) -> Axes:
    """Axes of rows looked up: those of the indices, and of the rows where these are taken whole."""
    numbers = operation.params["dimension_numbers"]
    sizes = operation.params["slice_sizes"]
    shape = operation.outputs[0].shape
    factors: list[Axis] = list(axes.plain(shape).factors)
    lost: set[int] = set()
    rows, indices = data.get(0), data.get(1)
    outside = [d for d in range(len(shape)) if d not in numbers.offset_dims]
    if indices is not None:
        lost |= indices.lost
        for dimension, axis in zip(outside, indices.factors[:-1], strict=True):
            factors[dimension] = axis
    if rows is None:
        for dimension in numbers.offset_dims:
            factors[dimension] = (Factor(shape[dimension], unit=True),)
        return Axes(tuple(factors)).lose(lost)
    lost |= rows.lost
    hidden = {*numbers.collapsed_slice_dims, *numbers.operand_batching_dims}
    inside = [d for d in range(len(rows.factors)) if d not in hidden]
    for dimension, row in zip(numbers.offset_dims, inside, strict=True):
        whole = sizes[row] == rows.shape[row]
        axis, gone = (
            (rows.factors[row], set())
            if whole
            else axes.blurred(rows.factors[row], shape[dimension])
        )
        factors[dimension] = axis
        lost |= gone
    batched = dict(
        zip(numbers.start_indices_batching_dims, numbers.operand_batching_dims, strict=True)
    )
    for place, row in batched.items():
        factors[outside[place]] = rows.factors[row]
    if math.prod(shape[d] for d in outside) > 1 or indices is not None:
        lost |= axes.origins(f for d in numbers.collapsed_slice_dims for f in rows.factors[d])
    return Axes(tuple(factors)).lose(lost)


def multiplied(operation: Operation, sides: Sequence[Axes | None], weighted: bool) -> Axes:
    """Axes of a ``dot_general``: shared ones, then those of each side that are not summed over.

    Args:
        operation: the product.
        sides: axes of its inputs; None for one that does not depend on the batch.
        weighted: that one is a weight: its axes tell units apart, and no other's do.
    """
    (left_sum, right_sum), (left_shared, right_shared) = operation.params["dimension_numbers"]
    sources = [
        side if side is not None else _constant_side(shape_of(value), weighted)
        for side, value in zip(sides, operation.inputs, strict=True)
    ]
    if weighted:
        sources = [
            s if side is None else without_units(s) for side, s in zip(sides, sources, strict=True)
        ]
    shared = [
        axes.merge(Axes((sources[0].factors[i],)), Axes((sources[1].factors[j],)))
        for i, j in zip(left_shared, right_shared, strict=True)
    ]
    free = [
        axis
        for source, summed, common in zip(
            sources, (left_sum, right_sum), (left_shared, right_shared), strict=True
        )
        for number, axis in enumerate(source.factors)
        if number not in summed and number not in common
    ]
    lost = sources[0].lost | sources[1].lost
    lost = lost.union(*[axis.lost for axis in shared])
    return _once(Axes((*[axis.factors[0] for axis in shared], *free), lost))


def convolved(operation: Operation, image: Axes) -> Axes:
    """Axes of a convolution of an image with a kernel that is a weight: its channels are units."""
    numbers = operation.params["dimension_numbers"]
    shape = operation.outputs[0].shape
    factors: list[Axis] = list(axes.plain(shape).factors)
    lost = set(image.lost) | axes.origins(image.factors[numbers.lhs_spec[1]])
    for into, outof in zip(
        (numbers.out_spec[0], *numbers.out_spec[2:]),
        (numbers.lhs_spec[0], *numbers.lhs_spec[2:]),
        strict=True,
    ):
        axis = tuple(replace(factor, unit=False) for factor in image.factors[outof])
        if shape[into] == image.shape[outof]:
            factors[into] = axis
        else:
            lost |= axes.origins(axis)
    channel = numbers.out_spec[1]
    factors[channel] = (Factor(shape[channel], unit=True),)
    return Axes(tuple(factors)).lose(lost)


def _constant_side(shape: Sequence[int], weighted: bool) -> Axes:
    return axes.units(shape) if weighted else axes.plain(shape)


def without_units(source: Axes) -> Axes:
    """The same, with units no longer told apart."""
    kept = tuple(tuple(replace(f, unit=False) for f in axis) for axis in source.factors)
    return replace(source, factors=kept)


def dropped(operation: Operation, source: Axes) -> Axis:
    """Factors of the axes that a sum or a maximum is taken over."""
    return tuple(factor for number in operation.params["axes"] for factor in source.factors[number])


def _once(product: Axes) -> Axes:
    """Attention's scores have an axis of queries and one of keys, both of them positions."""
    places = [origin for axis in product.factors for origin in axes.origins(axis)]
    twice = {origin for origin in places if places.count(origin) > 1}
    kept = tuple(
        tuple(Factor(f.size, unit=f.unit) if f.origin in twice else f for f in axis)
        for axis in product.factors
    )
    return Axes(kept, product.lost).lose(twice)


def _broadcast(operation: Operation, source: Axes) -> Axes:
    shape, dimensions = operation.params["shape"], operation.params["broadcast_dimensions"]
    return axes.spread(source, shape, dimensions)


_REDUCED = ("max", "min", "sum", "prod", "and", "or", "xor")
_RULES = {
    "transpose": lambda op, source: axes.transpose(source, op.params["permutation"]),
    "reshape": lambda op, source: axes.reshape(source, op.outputs[0].shape),
    "squeeze": lambda op, source: axes.reshape(source, op.outputs[0].shape),
    "expand_dims": lambda op, source: axes.reshape(source, op.outputs[0].shape),
    "broadcast_in_dim": _broadcast,
    "slice": _sliced,
    "rev": _reversed,
    "sort": _sorted,
    **{f"reduce_{name}": lambda op, s: axes.drop(s, op.params["axes"]) for name in _REDUCED},
    "argmax": lambda op, source: axes.drop(source, op.params["axes"]),
    "argmin": lambda op, source: axes.drop(source, op.params["axes"]),
}
_SAME_RANK = elementwise.named(
    "pad dynamic_slice dynamic_update_slice scatter scatter-add scatter_add scatter_max "
    "scatter_min scatter_mul cumsum cumprod cummax cummin cumlogsumexp reduce_window "
    "reduce_window_max reduce_window_min reduce_window_sum select_and_gather_add "
    "select_and_scatter_add top_k approx_top_k"
)
