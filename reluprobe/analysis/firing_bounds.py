"""Between which ends a unit's firing rate lies, where it fired on k of n values.

The interval of Clopper & Pearson (1934), "The use of confidence or fiducial limits illustrated in
the case of the binomial": [B(α/2; k, n−k+1), B(1−α/2; k+1, n−k)], B the quantiles of the beta
distribution. Where k is 0 or n, one end is certain and the other a one-sided bound: a unit that
never fired has a rate of at most 1 − α^(1/n), which is about 3/n (the rule of three). Each end
alone is wrong for at most 5% of units; both of a rate for which k may be 0 for at most 7.5%.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

#: 1 − the confidence of the interval.
ALPHA = 0.05
#: Of at most so many values every count that was met has its place in memory.
MOST_KEPT = 2**20


class Bounds(NamedTuple):
    """The lower and the upper end of the 95% interval of each unit's rate."""

    low: Float[np.ndarray, " unit"]
    high: Float[np.ndarray, " unit"]


def bounds(fired: Int[np.ndarray, " unit"], values: int) -> Bounds:
    """The 95% interval of each unit's firing rate, if its values are independent of one another.

    Each count is worked out once: of a million units few have a count of their own.

    Args:
        fired: of how many values z > 0, at most ``values``.
        values: of how many at all, at least 1.
    """
    distinct, places = np.unique(fired, return_inverse=True)
    if values > MOST_KEPT:
        found = _clopper_pearson(distinct, values)
    else:
        known = _known(values)
        new = distinct[np.isnan(known.low[distinct])]
        for ends, worked_out in zip(known, _clopper_pearson(new, values), strict=True):
            ends[new] = worked_out
        found = Bounds(known.low[distinct], known.high[distinct])
    return Bounds(found.low[places], found.high[places])


@lru_cache(maxsize=4)
def _known(values: int) -> Bounds:
    """Ends by count, NaN where a count was not met; filled as they are."""
    return Bounds(np.full(values + 1, np.nan), np.full(values + 1, np.nan))


def _clopper_pearson(fired: Int[np.ndarray, " count"], values: int) -> Bounds:
    if not len(fired):  # SciPy takes a while to import
        return Bounds(np.zeros(0), np.zeros(0))
    from scipy.special import betaincinv

    never, always = fired == 0, fired == values
    tail = np.where(never | always, ALPHA, ALPHA / 2)
    low = betaincinv(np.maximum(fired, 1), values - np.maximum(fired, 1) + 1, tail)
    most = np.minimum(fired, values - 1)
    high = betaincinv(most + 1, values - most, 1 - tail)
    return Bounds(np.where(never, 0.0, low), np.where(always, 1.0, high))
