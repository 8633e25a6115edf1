"""Block characters for shares: heights for courses, shades for maps; both read without colour.

The scale is fixed, so that rows compare: nothing is stretched to its own largest value. A share of
exactly 0 has a character of its own, since no unit dead is not a few units dead.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

#: Eighths of 0 to 100%, each up to and with its upper end.
HEIGHTS = "▁▂▃▄▅▆▇█"
#: Quarters.
SHADES = "░▒▓█"
ZERO, ABSENT = ".", "-"

HEIGHTS_LEGEND = f"{ZERO} 0; {HEIGHTS} up to 12.5, 25, … 100%; {ABSENT} n/a"
SHADES_LEGEND = f"{ZERO} 0; {' '.join(SHADES)} up to 25, 50, 75, 100%"


def height(share: float | None) -> str:
    """``0.3`` → ``▃``: a share in [0, 1], in eighths."""
    return _step(share, HEIGHTS)


def shade(share: float | None) -> str:
    """``0.3`` → ``▒``: a share in [0, 1], in quarters."""
    return _step(share, SHADES)


def heights(shares: Iterable[float | None]) -> str:
    """A character a share."""
    return "".join(map(height, shares))


def _step(share: float | None, ramp: str) -> str:
    if share is None:
        return ABSENT
    return ZERO if share == 0 else ramp[min(math.ceil(share * len(ramp)), len(ramp)) - 1]
