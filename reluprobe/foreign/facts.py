"""What is known of a value in a network: what it derives from, and what its axes stand for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from reluprobe.foreign import axes
from reluprobe.foreign.axes import Axes
from reluprobe.foreign.jaxpr import Operation, Value

Item = TypeVar("Item")

#: Where a batch norm took its mean and variance from, as a note says it.
BATCH, RUNNING = "its batch's statistics", "its running averages"


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear layer: a product of what depends on the batch with a weight.

    Attributes:
        operation: the product.
        leaves: paths of the parameters that its weight derives from.
        depth: linear layers on the way to it, itself among them.
        lookup: a table's rows, an embedding: no activation is expected behind it.
    """

    operation: Operation
    leaves: tuple[str, ...]
    depth: int = field(default=0, compare=False)
    lookup: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one value.

    Attributes:
        data: it depends on the batch.
        axes: what its axes stand for.
        leaves: of a value that does not: the parameters that it derives from.
        linear: of one that does: the linear layers behind it, no other in between.
        depth: linear layers on the longest way to it.
        fresh: no nonlinearity since, or a parameter of a unit's own has set it anew.
        statistic: summed up over units, as a norm's mean is.
        batch_statistic: summed up over examples, unit by unit, as a batch norm's mean is.
        leaf: a parameter as it is, but for constants: ``variance + 1e-5``.
        deviation: derives from the root of such a parameter: a running average of a batch norm.
        normalised: whose mean and variance a batch norm on its affine way used.
        loops: the loops that have another weight behind it in each iteration.
        multiple: a value that it is a constant multiple of, place by place.
        mirrored: of such multiples put side by side, as a CReLU has z and −z.
    """

    data: bool = False
    axes: Axes = field(default_factory=Axes)
    leaves: tuple[str, ...] = ()
    linear: tuple[Linear, ...] = ()
    depth: int = field(default=0, compare=False)
    fresh: bool = True
    statistic: bool = False
    batch_statistic: bool = False
    leaf: bool = False
    deviation: bool = False
    normalised: frozenset[str] = frozenset()
    loops: frozenset[Operation] = frozenset()
    multiple: Value | None = None
    mirrored: bool = False

    @property
    def alive(self) -> bool:
        """Whether it is an affine function of a linear layer's output."""
        return self.fresh and bool(self.linear)


def unique(items: Iterable[Iterable[Item]]) -> tuple[Item, ...]:
    """What is in any of these, once, in their order."""
    return tuple(dict.fromkeys(item for some in items for item in some))


def union(sets: Iterable[frozenset[Item]]) -> frozenset[Item]:
    """What is in any of these."""
    return frozenset().union(*sets)


def constant(shape: Sequence[int]) -> Facts:
    """A value that derives from no parameter and no batch."""
    return Facts(axes=axes.plain(shape))


def parameter(shape: Sequence[int], path: str) -> Facts:
    """A parameter."""
    return Facts(axes=axes.plain(shape), leaves=(path,), leaf=True)


def join(first: Facts, second: Facts) -> Facts:
    """What holds of a value that is one or the other: of a branch, or of a loop's next turn."""
    if first == second:
        return first
    if first.data and not second.data:
        return replace(first, axes=axes.merge(first.axes, second.axes))
    if second.data and not first.data:
        return replace(second, axes=axes.merge(first.axes, second.axes), depth=first.depth)
    return Facts(
        data=first.data,
        axes=axes.merge(first.axes, second.axes),
        leaves=unique([first.leaves, second.leaves]),
        linear=unique([first.linear, second.linear]),
        depth=first.depth,
        fresh=first.fresh or second.fresh,
        statistic=first.statistic and second.statistic,
        batch_statistic=first.batch_statistic and second.batch_statistic,
        leaf=first.leaf and second.leaf,
        deviation=first.deviation or second.deviation,
        normalised=first.normalised | second.normalised,
        loops=first.loops | second.loops,
    )
