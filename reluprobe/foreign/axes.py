"""What the axes of an array stand for: units, examples, positions within an example.

An axis is a product of factors, the slowest first: once images of (height, width, channel) are
flattened, one axis has three factors, and its units are still the channels. A reshape only groups
factors anew.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Factor:
    """A factor of an axis.

    Attributes:
        size: how many values it takes.
        unit: each of them is another unit.
        origin: the axis of the batch that it walks along: 0 for examples; None for none.
        stride, offset: index i of the factor adds offset + stride·i to the index along the origin.
    """

    size: int
    unit: bool = False
    origin: int | None = None
    stride: int = 1
    offset: int = 0

    @property
    def plain(self) -> bool:
        """Whether it stands for nothing that is known."""
        return not self.unit and self.origin is None

    def split(self, major: int) -> tuple[Factor, Factor]:
        """As a slow factor of this size and a fast one."""
        minor = self.size // major
        slow = replace(self, size=major, stride=self.stride * minor, offset=0)
        return slow, replace(self, size=minor)

    def backwards(self) -> Factor:
        """From its last value to its first."""
        last = self.offset + (self.size - 1) * self.stride
        return replace(self, stride=-self.stride, offset=last)


Axis = tuple[Factor, ...]


@dataclass(frozen=True, slots=True)
class Axes:
    """An array's axes, and the axes of the batch that went into it and cannot be followed."""

    factors: tuple[Axis, ...] = ()
    lost: frozenset[int] = frozenset()

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        return tuple(math.prod(factor.size for factor in axis) for axis in self.factors)

    @property
    def has_units(self) -> bool:
        """Whether any axis has units."""
        return any(factor.unit for factor in self.flat)

    @property
    def flat(self) -> Axis:
        """The factors of all axes, the slowest first."""
        return tuple(factor for axis in self.factors for factor in axis)

    def lose(self, origins: Iterable[int]) -> Axes:
        """The same, with these axes of the batch no longer followed."""
        gone = self.lost | frozenset(origins)
        return self if gone == self.lost else replace(self, lost=gone)


def plain(shape: Sequence[int]) -> Axes:
    """Axes of which nothing is known."""
    return Axes(tuple(() if size == 1 else (Factor(size),) for size in shape))


def batch(shape: Sequence[int], followed: int) -> Axes:
    """Axes of an array of the batch: those that weights speak of are followed."""
    return Axes(
        tuple(
            (Factor(size, origin=number),) if number < followed else plain([size]).factors[0]
            for number, size in enumerate(shape)
        )
    )


def units(shape: Sequence[int]) -> Axes:
    """Axes each of which tells units apart: those of a weight."""
    return Axes(tuple((Factor(size, unit=True),) for size in shape))


def origins(factors: Iterable[Factor]) -> set[int]:
    """The axes of the batch that these walk along."""
    return {factor.origin for factor in factors if factor.origin is not None}


def blurred(axis: Axis, size: int) -> tuple[Axis, set[int]]:
    """An axis of another size made of this one, as of a sort: units stay units; what is lost."""
    unit = bool(axis) and all(factor.unit for factor in axis)
    return (Factor(size, unit=unit),) if unit or size != 1 else (), origins(axis)


def reshape(axes: Axes, shape: Sequence[int]) -> Axes:
    """Factors grouped anew; those of an uneven grouping are no longer followed."""
    left = list(axes.flat)[::-1]
    grouped: list[Axis] = []
    for number, size in enumerate(shape):
        axis: list[Factor] = []
        product = 1
        while left and (product < size or left[-1].size == 1):
            factor, wanted = left.pop(), size // product
            if factor.size > wanted:
                if size % product or factor.size % wanted or wanted == 1:
                    return _uneven(axes, shape)
                factor, rest = factor.split(wanted)
                left.append(rest)
            axis.append(factor)
            product *= factor.size
        if product != size:
            return _uneven(axes, shape)
        if number == len(shape) - 1:
            axis += left[::-1]  # of size 1, all of them
        grouped.append(tuple(axis))
    return Axes(tuple(grouped), axes.lost)


def _uneven(axes: Axes, shape: Sequence[int]) -> Axes:
    """A reshape that cuts across factors: units where all factors of more than 1 are units."""
    large = [factor for factor in axes.flat if factor.size > 1]
    if large and all(factor.unit for factor in large):
        return units(shape).lose(axes.lost | origins(large))
    return plain(shape).lose(axes.lost | origins(large))


def transpose(axes: Axes, permutation: Sequence[int]) -> Axes:
    """Axes in another order."""
    return replace(axes, factors=tuple(axes.factors[number] for number in permutation))


def spread(axes: Axes, shape: Sequence[int], dimensions: Sequence[int]) -> Axes:
    """Axes put at these dimensions of a larger array; one of size 1 may grow."""
    factors = list(plain(shape).factors)
    for number, dimension in enumerate(dimensions):
        axis = axes.factors[number]
        grown = math.prod(factor.size for factor in axis) != shape[dimension]
        factors[dimension] = (*axis, *factors[dimension]) if grown else axis
    return replace(axes, factors=tuple(factors))


def drop(axes: Axes, dimensions: Iterable[int]) -> Axes:
    """Without these axes: what was along them is summed up."""
    gone = set(dimensions)
    left = tuple(axis for number, axis in enumerate(axes.factors) if number not in gone)
    return replace(axes, factors=left)


def merge(first: Axes, second: Axes) -> Axes:
    """Axes of an elementwise operation's output, of two inputs of its rank.

    What either knows of an axis is known of it, and what one says of the batch must not be said
    otherwise by the other.
    """
    if first == second:
        return first
    lost: set[int] = set()
    merged = []
    for axis, other in zip(first.factors, second.factors, strict=True):
        both, gone = _merge_axis(axis, other)
        merged.append(both)
        lost |= gone
    return Axes(tuple(merged), first.lost | second.lost | lost)


def _merge_axis(axis: Axis, other: Axis) -> tuple[Axis, set[int]]:
    if axis == other:
        return axis, set()
    single = [factor for factor in (*axis, *other) if factor.size == 1]
    slow: list[Factor] = list(dict.fromkeys(single))
    left, right = ([f for f in side if f.size > 1] for side in (axis, other))
    fast: list[Factor] = []
    lost: set[int] = set()
    if not left or not right:  # one of them is of size 1, and grows
        return tuple(slow + left + right), lost
    while left and right:
        a, b = left.pop(), right.pop()
        if a.size != b.size:
            large, small = (a, b) if a.size > b.size else (b, a)
            if large.size % small.size:
                size = math.prod(f.size for f in (*axis,))
                unit = all(f.unit for f in axis if f.size > 1) or all(f.unit for f in other)
                return (Factor(size, unit=unit),), origins((*axis, *other))
            rest, part = large.split(large.size // small.size)
            (left if a is large else right).append(rest)
            a, b = (part, b) if a is large else (a, part)
        same, gone = _merge_factor(a, b)
        fast.append(same)
        lost |= gone
    return (*slow, *fast[::-1]), lost


def _merge_factor(first: Factor, second: Factor) -> tuple[Factor, set[int]]:
    unit = first.unit or second.unit
    if first.origin is None or second.origin is None:
        known = second if first.origin is None else first
        return replace(known, unit=unit), set()
    if replace(first, unit=unit) == replace(second, unit=unit):
        return replace(first, unit=unit), set()
    return Factor(first.size, unit=unit), origins([first, second])


def cut(axis: Axis, start: int, step: int, size: int) -> tuple[Axis, set[int]]:
    """Every so many values of an axis, from the start on; what is lost of the batch."""
    if size == math.prod(factor.size for factor in axis) and step == 1:
        return axis, set()
    large = [factor for factor in axis if factor.size > 1]
    if len(large) == 1 and large[0].origin is not None:
        one = large[0]
        moved = replace(one, size=size, offset=one.offset + start * one.stride)
        return (replace(moved, stride=one.stride * step),), set()
    return blurred(axis, size)
