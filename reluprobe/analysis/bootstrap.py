"""Bootstrap-t interval of the mean of a few paired differences.

The differences (Efron & Tibshirani 1993, ch. 12.5; Hall 1988) are drawn anew with replacement,
each draw gives t* = (m* − m) / s*, and the interval is m − q₀.₉₇₅ · s to m − q₀.₀₂₅ · s with the
quantiles q of t*. Up to ``EXACT`` differences every draw is counted with its multinomial weight,
so that nothing is left to chance; beyond, a fixed set of ``DRAWS`` draws is used. The interval
covers the mean about as often as it says, even of a few differences that are skewed.

How often 95% intervals covered the true mean, in % of 4,000 simulated experiments of n seeds::

    differences are        n  bootstrap-t  percentile   BCa  expanded  Student's t
    normal                 4         94.5        78.9  79.0      86.6         94.9
                           5         95.0        85.1  85.0      92.8         95.5
                          10         94.6        90.1  89.7      94.5         94.9
                          20         95.0        92.7  92.5      94.9         95.2
    exponential            4         93.2        75.1  75.8      82.5         88.5
                           5         92.2        77.7  79.4      86.5         87.4
                          10         93.6        86.0  87.4      90.6         89.6
                          20         94.1        89.9  91.1      92.2         91.6
    lognormal              4         90.0        68.7  69.5      76.8         82.8
                           5         89.7        73.6  75.0      82.4         83.4
                          10         90.5        79.9  82.3      84.8         83.4
                          20         92.1        85.1  87.5      87.8         86.5
    half 0, half exp.      4         93.4        68.6  69.5      75.8         78.3
                           5         95.5        73.5  77.3      81.0         80.5
                          10         98.0        82.7  86.6      87.5         85.5
                          20         95.7        88.0  90.5      90.5         89.1

SciPy's ``bootstrap`` has the percentile and the BCa interval, and neither is honest for five
seeds; "expanded" is the percentile interval of Hesterberg 2015. Student's t is as good where
differences are normal, and falls short where they are skewed, as they are where one side has
hardly a dead unit. The price is width, in the median 1.9 times Student's at n = 4, 1.3 at 5,
1.1 at 8 (normal differences), and 2.7, 1.6, 1.2 (exponential ones). Below ``FEWEST`` the interval
is infinite. It is so also where many differences are tied, on the side where most lie: there it
reaches as far as a difference can, if that is known (the row "half 0" counts such ends).
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["CONFIDENCE", "FEWEST", "SHARES", "Change", "change", "interval"]

CONFIDENCE = 0.95
#: With three, all draws of one value alone are 3 in 27: more than a tail, and t* is infinite there.
FEWEST = 4
#: Draws counted one by one: 6,435 multisets of 8, and 24,310 of 9.
EXACT = 8
DRAWS = 9_999
#: Between what two shares can differ at most: an interval does not reach further.
SHARES = (-1.0, 1.0)
#: Differences (and the spread of a draw) smaller than this, of the largest, are rounding.
TIES = 1e-7


@dataclass(frozen=True)
class Change:
    """A mean of n paired differences and its 95% interval; None where there are too few."""

    mean: float
    low: float | None
    high: float | None
    n: int

    @property
    def has_interval(self) -> bool:
        """Whether there is an interval."""
        return self.low is not None

    @property
    def falls(self) -> bool:
        """The whole interval is below 0."""
        return self.high is not None and self.high < 0

    @property
    def rises(self) -> bool:
        """The whole interval is above 0."""
        return self.low is not None and self.low > 0


def change(
    differences: Iterable[float | None], limits: tuple[float, float] = (-math.inf, math.inf)
) -> Change | None:
    """The mean and its interval; None without a difference.

    Args:
        differences: other − baseline, one a pair; those that are None do not apply, and are
            left out.
        limits: between what a difference can lie at all.
    """
    present = [d for d in differences if d is not None]
    if not present:
        return None
    low, high = interval(present, limits) or (None, None)
    return Change(math.fsum(present) / len(present), low, high, len(present))


def interval(
    differences: Sequence[float], limits: tuple[float, float] = (-math.inf, math.inf)
) -> tuple[float, float] | None:
    """The 95% bootstrap-t interval of the mean.

    None below ``FEWEST`` differences, and where ties leave an end infinite that no limit bounds.
    Differences that are all the same make an interval without width.
    """
    if len(differences) < FEWEST:
        return None
    # Sorted, as fixed draws would otherwise depend on the order of the seeds.
    ordered = np.sort(np.asarray(differences, np.float64))
    mean = math.fsum(ordered) / len(ordered)
    centred = ordered - mean
    scale = float(np.abs(centred).max())
    if scale <= TIES * float(np.abs(ordered).max()):
        return mean, mean
    unit = centred / scale
    low, high = _quantiles(unit)
    spread = scale * math.sqrt(float(np.mean(unit**2)))
    ends = max(mean - high * spread, limits[0]), min(mean - low * spread, limits[1])
    return ends if all(map(math.isfinite, ends)) else None


def _quantiles(centred: np.ndarray) -> tuple[float, float]:
    """q₀.₀₂₅ and q₀.₉₇₅ of t*, given differences whose mean is 0 and whose largest is ±1."""
    counts, weights = _draws(len(centred))
    means = counts @ centred / len(centred)
    spreads = np.sqrt(np.maximum(counts @ centred**2 / len(centred) - means**2, 0))
    flat = spreads <= TIES
    # A draw of one value alone has no spread: it is infinitely far out, on its side.
    t = np.where(flat, np.copysign(np.inf, means), means / np.where(flat, 1, spreads))
    t[flat & (np.abs(means) <= TIES)] = 0
    # Each end from its own side, so that swapping the two sides of a pair mirrors the interval.
    return _lower(t, weights), -_lower(-t, weights)


def _lower(values: np.ndarray, weights: np.ndarray) -> float:
    """The smallest value at or below which lies at least the lower tail's weight."""
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weights[order])
    tail = (1 - CONFIDENCE) / 2
    return float(values[order[np.searchsorted(below, tail - 1e-12)]])


@functools.cache
def _draws(n: int) -> tuple[np.ndarray, np.ndarray]:
    """How often each draw takes each of n differences, and how likely the draw is."""
    if n > EXACT:
        rng = np.random.default_rng(0)
        counts = rng.multinomial(n, np.full(n, 1 / n), size=DRAWS)
        return counts.astype(np.float64), np.full(DRAWS, 1 / DRAWS)
    taken = itertools.combinations_with_replacement(range(n), n)
    counts = np.array([np.bincount(draw, minlength=n) for draw in taken])
    orders = [math.factorial(n) / math.prod(map(math.factorial, row)) for row in counts.tolist()]
    return counts.astype(np.float64), np.array(orders) / n**n
