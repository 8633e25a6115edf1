"""Functional ANOVA of a full table: what each axis, pair and so on add to the variance.

A measure y of a configuration x is a sum of parts, one for each set u of axes: f_∅ the grand mean,
f_u(x_u) = mean of y over all axes but u − Σ_{v ⊂ u} f_v(x_v) (Hoeffding 1948; Hutter, Hoos and
Leyton-Brown 2014, eq. 4–6). Parts are orthogonal: their variances add up to that of y.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from reluprobe.analysis.design import Factor

SEEDS = ("seed",)
LEFT = ()


@dataclass(frozen=True)
class Component:
    """A part of the variance.

    Attributes:
        axes: whose; :data:`SEEDS`, or :data:`LEFT`.
        variance: in the measure's units, squared.
        freedom: its degrees of freedom.
        square: its mean square, on the scale of the mean of a configuration: what noise alone
            would leave equal to that of the seeds' means.
    """

    axes: tuple[str, ...]
    variance: float
    freedom: int
    square: float


def components(
    table: np.ndarray, factors: Sequence[Factor], rounding: float = 0.0
) -> Iterator[Component]:
    """Every part of a full table of values, one axis a factor, but for the grand mean."""
    pieces: list[tuple[tuple[str, ...], np.ndarray, np.ndarray, int]] = [
        ((), table, np.ones(()), 1)
    ]
    for at, factor in enumerate(factors):
        pieces = [
            ((*axes, *own), part, np.multiply.outer(weights, share), freedom * more)
            for axes, values, weights, freedom in pieces
            for own, part, share, more in _along(values, at, factor)
        ]
    for axes, part, weights, freedom in pieces:
        if axes:
            variance = float((part**2 * weights).sum())
            variance = variance if variance > rounding else 0.0
            yield Component(axes, variance, freedom, table.size * variance / freedom)


def _along(
    values: np.ndarray, at: int, factor: Factor
) -> Iterator[tuple[tuple[str, ...], np.ndarray, np.ndarray, int]]:
    """The mean along one factor, then what each of its parts adds to the parts before."""
    before = values.mean(at, keepdims=True)
    yield (), before, np.ones(1), 1
    parents, size = np.zeros(factor.size, np.int64), 1
    for part in factor.parts:
        counts = np.bincount(part.groups)
        # (group, level): the mean over the group's levels.
        folding = (part.groups == np.arange(len(counts))[:, None]) / counts[:, None]
        means = np.moveaxis(np.tensordot(folding, values, (1, at)), 0, at)
        parent = np.zeros(len(counts), np.int64)
        parent[part.groups] = parents
        yield (
            part.axes,
            means - before.take(parent, at),
            counts / factor.size,
            len(counts) - size,
        )
        before, parents, size = means, part.groups, len(counts)
