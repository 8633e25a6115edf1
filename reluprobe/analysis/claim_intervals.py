"""Intervals that decide claims: of a count of runs, and of the difference between two sides.

Where runs have one measure the interval is Student's, as in every table (``estimates``); where they
are counted, yes or no, it is Wilson's (1927) of the share, and Newcombe's of a difference (1998,
method 10), which are not without width where all runs agree.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from reluprobe.analysis.bootstrap import TIES
from reluprobe.analysis.estimates import INTERVAL, Estimate, Limits, estimate, quantile

#: What a difference's interval is over: pairs of one seed, two sides apart, or blocks.
Over = Literal["pairs", "two sides", "blocks"]
#: Differences that are all alike have no spread to judge by. So many and more decide: were one in
#: two of another value, five would agree in 1 of 32 experiments.
ALIKE = 5
#: z₀.₉₇₅.
Z = 1.959963984540054


@dataclass(frozen=True)
class Difference:
    """The mean of more − less with its interval, and what that is over."""

    estimate: Estimate | None
    over: Over


def counted(values: Sequence[float | None]) -> Estimate | None:
    """The share of ones among noughts and ones with its 95% Wilson interval; None without any."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    n, mean = len(known), math.fsum(known) / len(known)
    if n == 1:
        return Estimate(mean, None, 1)
    middle = (mean + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z * math.sqrt(mean * (1 - mean) / n + Z**2 / (4 * n**2)) / (1 + Z**2 / n)
    # Rounding may leave the ends a hair outside.
    low, high = min(mean, max(0.0, middle - half)), max(mean, min(1.0, middle + half))
    return Estimate(mean, max(mean - low, high - mean), n, low, high, ends=INTERVAL)


def newcombe(less: Sequence[float], more: Sequence[float]) -> Estimate | None:
    """The difference of two shares of runs that are counted; None where a side has none."""
    one, other = counted(less), counted(more)
    if one is None or other is None:
        return None
    mean, n = other.mean - one.mean, one.n + other.n
    ends = one.low, one.high, other.low, other.high
    if None in ends:
        return Estimate(mean, None, n)
    low = mean - math.hypot(other.mean - (other.low or 0.0), (one.high or 0.0) - one.mean)
    high = mean + math.hypot((other.high or 0.0) - other.mean, one.mean - (one.low or 0.0))
    return Estimate(mean, max(mean - low, high - mean), n, low, high, ends=INTERVAL)


def welch(less: Sequence[float], more: Sequence[float], limits: Limits) -> Estimate:
    """The difference of two means with the t interval of Welch (1947); no interval of one run."""
    means = [math.fsum(side) / len(side) for side in (less, more)]
    mean, n = means[1] - means[0], len(less) + len(more)
    if min(len(less), len(more)) < 2:
        return Estimate(mean, None, 1)
    parts = [
        math.fsum((v - m) ** 2 for v in side) / (len(side) - 1) / len(side)
        for side, m in zip((less, more), means, strict=True)
    ]
    error = math.sqrt(math.fsum(parts))
    if error <= TIES * max(map(abs, means)):
        return _alike(mean, n, min(len(less), len(more)))
    # In parts of their sum, whose squares are numbers however small they are.
    whole = math.fsum(parts)
    weights = [part / whole for part in parts]
    freedom = 1 / math.fsum(
        weight**2 / (len(side) - 1) for weight, side in zip(weights, (less, more), strict=True)
    )
    half = quantile(freedom) * error
    return Estimate(
        mean, half, n, max(mean - half, limits[0]), min(mean + half, limits[1]), ends=INTERVAL
    )


def of_mean(values: Sequence[float], limits: Limits) -> Estimate | None:
    """Student's interval of a mean; of values that are all alike only where they are enough."""
    whole = estimate(values, limits)
    if whole is None or whole.half_width is None:
        return whole
    if max(values) - min(values) <= TIES * max(map(abs, values)):
        return _alike(whole.mean, whole.n, whole.n)
    return whole


def _alike(mean: float, n: int, least: int) -> Estimate:
    if least < ALIKE:
        return Estimate(mean, None, n)
    return Estimate(mean, 0.0, n, mean, mean, ends=INTERVAL)


#: What each side of a block measured, by seed.
Sides = tuple[Mapping[int, float], Mapping[int, float]]


def difference(blocks: Sequence[Sides], limits: Limits, count: bool = False) -> Difference:
    """The mean of more − less, over what there is: blocks, pairs of one seed, or two sides.

    Args:
        blocks: the less and the more of each.
        limits: between what a side's values can lie.
        count: whether they are noughts and ones.
    """
    known = [(less, more) for less, more in blocks if less and more]
    width = limits[1] - limits[0]
    if len(known) > 1:
        return Difference(of_mean([_mean(*sides) for sides in known], (-width, width)), "blocks")
    if not known:
        return Difference(None, "pairs")
    ((less, more),) = known
    common = sorted(less.keys() & more.keys())
    if count:
        return Difference(newcombe([*less.values()], [*more.values()]), "two sides")
    if len(common) > 1:
        pairs = [more[seed] - less[seed] for seed in common]
        return Difference(of_mean(pairs, (-width, width)), "pairs")
    return Difference(welch([*less.values()], [*more.values()], (-width, width)), "two sides")


def _mean(less: Mapping[int, float], more: Mapping[int, float]) -> float:
    """The mean difference of one block: of the seeds that both have, where there are any."""
    common = less.keys() & more.keys()
    sides = ([side[s] for s in common or side] for side in (less, more))
    one, other = (math.fsum(side) / len(side) for side in sides)
    return other - one
