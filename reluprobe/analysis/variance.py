"""Variance: the share that each axis, each pair of axes, and the seeds explain (functional ANOVA).

Hutter, Hoos and Leyton-Brown, "An Efficient Approach for Assessing Hyperparameter Importance",
ICML 2014: the mean m(θ) of a configuration θ is a sum of one term for each set U of axes, each the
mean over all other axes less the terms of U's subsets. The terms are orthogonal on a full table, so
that their variances add up to that of m.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from reluprobe.analysis.grid import Cell, Grid
from reluprobe.analysis.settings import SEED

#: Axes that are told apart together; of more, terms are summed up in one share.
MOST_TOGETHER = 3
#: Of the total: a share of less is the rounding of a computer.
NOTHING = 1e-12


@dataclass(frozen=True)
class VarianceShare:
    """The share of the variance that one axis, a pair, more axes together, or the seeds explain.

    Attributes:
        axes: the settings; ``("seed",)`` for what differs between seeds of one configuration;
            empty for the sum of what four axes and more do only together.
        share: in [0, 1].
    """

    axes: tuple[str, ...]
    share: float


def shares(grid: Grid, values: Mapping[Cell, Sequence[float]]) -> tuple[VarianceShare, ...]:
    """Shares of the variance of a measure, largest first; they add to 1. Empty where it is 0.

    Args:
        grid: the axes; a table with holes is completed by :func:`completed`.
        values: the measure of each cell's runs. Each cell counts once, however many runs it has.
    """
    if len(values) < 2:
        return ()
    table = completed(grid, {cell: float(np.mean(runs)) for cell, runs in values.items()})
    parts = dict(_parts(table))
    seeds = float(np.mean([np.var(runs) for runs in values.values()]))
    total = sum(parts.values()) + seeds
    if total <= NOTHING:
        return ()
    named = {tuple(grid.axes[n] for n in axes): part for axes, part in parts.items()}
    listed = [VarianceShare(axes, part / total) for axes, part in named.items()]
    if max(map(len, values.values())) > 1:
        listed.append(VarianceShare((SEED,), seeds / total))
    return tuple(sorted(listed, key=lambda part: -part.share))


def _parts(table: Float[np.ndarray, "*axis"]) -> Iterator[tuple[tuple[int, ...], float]]:
    """The variance of each term, by the numbers of its axes; last that of the many together."""
    axes = range(table.ndim)
    terms: dict[tuple[int, ...], Float[np.ndarray, "*axis"]] = {}
    spent, most = 0.0, min(MOST_TOGETHER, table.ndim)
    for size in range(most + 1):
        for chosen in itertools.combinations(axes, size):
            others = tuple(axis for axis in axes if axis not in chosen)
            mean = table.mean(axis=others, keepdims=True)
            below = (terms[u] for n in range(size) for u in itertools.combinations(chosen, n))
            terms[chosen] = mean - sum(below)
            if size:
                part = float(np.mean(terms[chosen] ** 2))
                spent += part
                yield chosen, part
    if most < table.ndim:
        yield (), max(0.0, float(np.var(table)) - spent)


def completed(grid: Grid, means: Mapping[Cell, float]) -> Float[np.ndarray, "*axis"]:
    """The table of a grid's axes; cells without a run hold what a model of the others expects.

    The model has a term for every value of an axis, and where the design allows it for every pair
    of values; fitted by least squares, of all that fit equally well the smallest terms.
    """
    cells = grid.product()
    known = np.array([cell in means for cell in cells])
    table = np.array([means.get(cell, np.nan) for cell in cells])
    if not known.all():
        terms = _terms(grid, cells)
        fitted, *_ = np.linalg.lstsq(terms[known], table[known] - table[known].mean(), rcond=None)
        table[~known] = table[known].mean() + terms[~known] @ fitted
    return table.reshape(grid.shape)


def _terms(grid: Grid, cells: Sequence[Cell]) -> Float[np.ndarray, "cell term"]:
    """A column for each value of an axis and, but of a star, for each pair of values."""
    one_axis = [
        np.array([[cell[n] == value for value in values] for cell in cells], float)
        for n, values in enumerate(grid.values.values())
    ]
    columns = [*one_axis]
    if grid.design != "star":
        for first, second in itertools.combinations(one_axis, 2):
            columns.append((first[:, :, None] * second[:, None, :]).reshape(len(cells), -1))
    return np.concatenate(columns, axis=1)
