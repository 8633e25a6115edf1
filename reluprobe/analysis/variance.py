"""Variance of a measure over a grid: which share each axis, each pair, and the seeds explain.

Each configuration counts once, with the mean over its seeds. Where every combination has run, that
is the functional ANOVA, and nothing is estimated (``analysis.functional_anova``). The seeds' part
is the mean over configurations, of those with two seeds or more, of the variance (over n) between
seeds; with it the parts add up to the variance of a run drawn from the grid (law of total
variance). Shares are of the runs at hand: what seeds do to the mean of a configuration stays in the
axes' parts, the more of it the fewer seeds there are.

Where combinations are lacking, a fit of axes and pairs is decomposed over all of them
(``analysis.grid_fit``). What configurations differ by from the fit, RSS / (n − p), is what is left
(axes ``()``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reluprobe.analysis.design import Grid
from reluprobe.analysis.functional_anova import SEEDS, Component, components
from reluprobe.analysis.grid_fit import fitted

#: Variances below this, of the squared largest value, are rounding.
ROUNDING = 1e-24


@dataclass(frozen=True)
class Decomposition:
    """The parts of a measure's variance over a grid.

    Attributes:
        parts: of every axis, pair and so on; of the seeds, where a configuration has two; and of
            what is left, where it is an estimate.
        exact: whether every combination has run.
        pairs: those that were fitted, where it is an estimate.
    """

    parts: tuple[Component, ...]
    exact: bool
    pairs: tuple[tuple[str, ...], ...] = ()

    @property
    def total(self) -> float:
        """The variance."""
        return math.fsum(part.variance for part in self.parts)


def decompose(grid: Grid, seeds: Sequence[Sequence[float]]) -> Decomposition | None:
    """The parts of the variance; None where the axes cannot be told apart.

    Args:
        grid: of the configurations that have the measure.
        seeds: of every configuration the measure of each of its runs.
    """
    means = np.array([math.fsum(values) / len(values) for values in seeds])
    rounding = ROUNDING * max((abs(v) for values in seeds for v in values), default=0.0) ** 2
    if grid.complete:
        table = np.empty([factor.size for factor in grid.factors])
        table[tuple(factor.levels for factor in grid.factors)] = means
        parts = list(components(table, grid.factors, rounding))
        pairs: tuple[tuple[str, ...], ...] = ()
    else:
        fit = fitted(grid, means, rounding)
        if fit is None:
            return None
        parts, pairs = fit
    within = _between_seeds(seeds, rounding)
    return Decomposition((*parts, *([within] if within else [])), grid.complete, pairs)


def _between_seeds(seeds: Sequence[Sequence[float]], rounding: float) -> Component | None:
    several = [np.asarray(values) for values in seeds if len(values) > 1]
    if not several:
        return None
    variance = math.fsum(float(values.var()) for values in several) / len(several)
    freedom = sum(len(values) - 1 for values in several)
    pooled = math.fsum(float(values.var()) * len(values) for values in several) / freedom
    # Of the means of configurations with unlike numbers of seeds: with the harmonic mean of these.
    per_mean = math.fsum(1 / len(values) for values in seeds) / len(seeds)
    if variance <= rounding:
        variance = pooled = 0.0
    return Component(SEEDS, variance, freedom, pooled * per_mean)
