"""Means of an axis' values over blocks, with intervals from which the blocks' own level is taken.

A block is a configuration of all other settings, with each value of the axis; its seeds are
averaged first, as seeds of one block are not independent of each other in what the axis does there
(as in ``analysis.contrast``). Where there is one such block alone, each seed is one: runs of one
seed are paired. Blocks that lack a value are left out, so that values differ in nothing else.

The interval of value v over n blocks (Loftus and Masson 1994; Cousineau 2005, without the
correction of Morey 2008)::

    m_v ± t₀.₉₇₅,ₙ₋₁ · sd_b(y_bv − ȳ_b) / √n

is the t interval of how far v lies from the mean of the axis' values in the same block, set on the
grand mean. What all values of a block have in common is not in it: a rate at which every
activation does badly widens nobody's. It is not an interval of what another network would come to.
Of two values the deviations are ± half of the difference d, so that the two intervals do not meet
exactly where |mean d| > t₀.₉₇₅,ₙ₋₁ · sd(d) / √n: where the paired t-test rejects at 5%.

Over blocks of several configurations it says how far the effect holds among such settings: blocks
count as drawn from them. Of a grid that is all there is it covers more often. Ends are cut at what
a share can be.

How often it covered the truth, in % of 4,000 experiments of n blocks (``benchmarks/coverage.py``):
values have these shares, a block shifts all of them by a normal draw of the first deviation, on the
logit scale, and each by one of the second, and dead units are binomial. The last column is how many
times as wide Student's interval of a value's own mean is::

    shares                all, each   n = 2     3     4     6    12    30   width
    0.3, 0.3               0.5, 0.2    95.0  95.5  95.4  95.4  94.9  94.8     3.6
    0.3, 0.1               0.5, 0.2    94.6  94.1  94.1  94.7  95.1  95.1     3.1
    0.3, 0.1               1.5, 0.2    93.2  92.7  92.3  94.3  94.8  95.2     4.6
    0.3, 0.1               0.5, 1.0    94.8  94.6  94.4  95.0  94.9  95.3     1.9
    0.5, 0.3, 0.1          0.5, 0.5    95.2  94.6  94.3  94.7  95.1  95.0     1.8
    0.3, 0.01, 0.0         1.0, 0.5    93.9  92.8  92.4  92.9  94.0  95.0     1.6
    0.6, 0.3, 0.1, 0.05,
      0.02                 1.0, 0.5    94.3  93.6  93.6  94.7  94.9  95.2     2.1
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from reluprobe.analysis.bootstrap import Over
from reluprobe.analysis.design import IDLE, Grid, numbered
from reluprobe.analysis.estimates import INTERVAL, SHARE, Estimate, Limits, quantile


@dataclass(frozen=True)
class BlockMean:
    """A value's mean, and how many blocks its interval is over: 0 where no block has all values."""

    estimate: Estimate
    blocks: int
    over: Over


def block_means(
    grid: Grid, seeds: Sequence[Mapping[int, float]], limits: Limits = SHARE
) -> dict[tuple[str, int], BlockMean]:
    """The mean of every value of every axis that a configuration has, by axis and code.

    Args:
        grid: of the configurations that have the measure.
        seeds: of every configuration the measure, by seed.
        limits: between what it can lie.
    """
    if not seeds:
        return {}
    means = np.array([math.fsum(values.values()) / len(values) for values in seeds])
    return {
        (axis, code): mean
        for column, axis in enumerate(grid.axes)
        for code, mean in _of_axis(grid, column, means, seeds, limits).items()
    }


def _of_axis(
    grid: Grid,
    column: int,
    means: np.ndarray,
    seeds: Sequence[Mapping[int, float]],
    limits: Limits,
) -> dict[int, BlockMean]:
    having = np.flatnonzero(grid.codes[:, column] != IDLE)
    # Of networks that lack the measure alone: a leaky ReLU's slope, where units saturate.
    if not len(having):
        return {}
    values, places = np.unique(grid.codes[having, column], return_inverse=True)
    blocks = numbered(_rest(grid, column)[having])
    table, counts = np.zeros((2, int(blocks.max()) + 1, len(values)))
    np.add.at(table, (blocks, places), means[having])
    np.add.at(counts, (blocks, places), 1)
    whole = np.all(counts > 0, axis=1)
    paired, used = table[whole] / counts[whole], whole[blocks]
    over: Over = "blocks"
    if len(paired) == 1:
        over = "seeds"
        paired = _by_seed([seeds[row] for row in having[used]], places[used], len(values))
    if not used.any() or len(values) < 2:
        used, paired = np.ones_like(used), paired[:0]
    halves = half_widths(paired) or [None] * len(values)
    drawn = {}
    for place, (value, half) in enumerate(zip(values.tolist(), halves, strict=True)):
        rows = having[used & (places == place)]
        runs = sum(len(seeds[row]) for row in rows)
        drawn[value] = BlockMean(_mean(means[rows], runs, half, limits), len(paired), over)
    return drawn


def _rest(grid: Grid, column: int) -> np.ndarray:
    """What has to be alike in a block: the other factors, and what this axis lies within.

    What a change of this axis brings along is part of it: the slope of a leaky ReLU, and a setting
    that has one value for each of this one's.
    """
    codes = grid.codes
    rest = [factor.levels for factor in grid.factors if column not in factor.columns]
    for factor in grid.factors:
        if column in factor.columns:
            axis = grid.axes[column]
            own = next(n for n, part in enumerate(factor.parts) if axis in part.axes)
            before = {name for part in factor.parts[: own + 1] for name in part.axes}
            others = [grid.axes.index(name) for name in before - {axis}]
            beside = {grid.axes.index(name) for name in factor.parts[own].axes}
            rest += [
                codes[:, other]
                for other in others
                if other not in beside or not _one_to_one(codes[:, [column, other]])
            ]
    return np.stack(rest, 1) if rest else np.zeros((len(codes), 0), np.int64)


def _one_to_one(pairs: np.ndarray) -> bool:
    """Whether either of two settings says the other."""
    sizes = [len(np.unique(one)) for one in pairs.T]
    return sizes[0] == sizes[1] == len(np.unique(pairs, axis=0))


def _by_seed(seeds: Sequence[Mapping[int, float]], places: np.ndarray, values: int) -> np.ndarray:
    """``(seed, value)``: the seeds that every configuration of the block has."""
    common = sorted(set.intersection(*(set(one) for one in seeds)))
    rows = np.array([[one[seed] for one in seeds] for seed in common]).reshape(-1, len(seeds))
    folding = (places[:, None] == np.arange(values)) / np.bincount(places, minlength=values)
    return rows @ folding


def half_widths(paired: np.ndarray) -> list[float] | None:
    """Half of each value's interval, of ``(block, value)``; None below two blocks."""
    number = len(paired)
    if number < 2:
        return None
    deviations = paired - paired.mean(1, keepdims=True)
    spread = deviations.std(0, ddof=1)
    return (quantile(number - 1) * spread / math.sqrt(number)).tolist()


def _mean(means: np.ndarray, runs: int, half: float | None, limits: Limits) -> Estimate:
    mean = math.fsum(means) / len(means)
    if half is None:
        return Estimate(mean, None, runs, configurations=len(means))
    low, high = max(mean - half, limits[0]), min(mean + half, limits[1])
    return Estimate(mean, half, runs, low, high, len(means), INTERVAL)
