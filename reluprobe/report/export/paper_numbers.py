"""Numbers in a table for a paper: as many digits as their intervals support, a column alike.

Half of an interval's width keeps two significant digits, as the Guide to the Expression of
Uncertainty in Measurement has it (JCGM 100:2008, 7.2.6), and the mean and the ends are rounded to
the same place: 23.3349 ± 32.9812 is 23 ± 33.

What is written here is plain text, of which :mod:`~reluprobe.report.export.markup` makes Markdown
or LaTeX: ``23 ± 33``, ``−0.5``, ``1e-4``, ``(1.15 ± 0.08)e3``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from reluprobe.analysis.aggregate import Estimate
from reluprobe.config import labels
from reluprobe.records import Setting
from reluprobe.report.formatting import NOT_APPLICABLE

#: Decimals of a percentage that has no interval; significant digits of any other number.
PERCENT_DECIMALS = 1
DIGITS = 4
#: Where means lie beyond these, the column is in powers of ten.
LEAST, MOST = 1e-3, 1e4
#: An interval narrower than this part of its mean is rounding, and says nothing of digits.
ROUNDING = 1e-9

#: What stands beside a mean: half of its interval, the interval's ends, a range, or nothing.
Beside = Literal["half", "ends", "range", "nothing"]


@dataclass(frozen=True)
class Measured:
    """A mean and what stands beside it; ``low`` and ``high`` are NaN where nothing does."""

    mean: float
    low: float = math.nan
    high: float = math.nan
    beside: Beside = "nothing"

    @property
    def half(self) -> float:
        """Half of an interval's width; 0 where there is none, or what rounding leaves."""
        half = (self.high - self.low) / 2
        # A range is of what is folded: it says nothing of how well the mean is known.
        return half if self.beside != "range" and half > ROUNDING * abs(self.mean) else 0.0

    def times(self, factor: float) -> Measured:
        """The same in another unit."""
        return Measured(self.mean * factor, self.low * factor, self.high * factor, self.beside)


def of_estimate(estimate: Estimate | None) -> Measured | None:
    """A mean over runs. An interval that is cut at what can be is told by its ends."""
    if estimate is None:
        return None
    if estimate.low is None or estimate.high is None:
        return Measured(estimate.mean)
    kind: Beside = "range" if estimate.mixed else "ends" if any(estimate.cut) else "half"
    return Measured(estimate.mean, estimate.low, estimate.high, kind)


def decimals(half: float) -> int:
    """Places after the point that an interval of this half-width, above 0, supports."""
    # As rounded: 0.0996 is 0.10.
    return 1 - int(f"{half:.1e}".split("e")[1])


def fixed(value: float, places: int, signed: bool = False) -> str:
    """A number with so many decimals; below 0 of them, rounded to tens, hundreds, …."""
    rounded = round(value, places)
    text = f"{rounded:{'+' if signed and rounded else ''}.{max(places, 0)}f}"
    # What rounds to nothing has no sign.
    return (text if rounded else text.lstrip("-")).replace("-", "−")


def column(
    values: Sequence[Measured | None], percent: bool = False, signed: bool = False
) -> list[str]:
    """A column of means, all written one way.

    Args:
        values: None is a measure that does not apply.
        percent: they are shares in [0, 1], to be written in percent.
        signed: numbers above 0 have their sign, as changes do.
    """
    if percent:
        values = [v and v.times(100) for v in values]
    present = [v for v in values if v is not None]
    sizes = [abs(v.mean) for v in present if v.mean]
    powers = not percent and (max(sizes, default=1) >= MOST or min(sizes, default=1) < LEAST)
    # Where one interval has to be told by its ends, all are.
    beside: Beside = "ends" if any(v.beside == "ends" for v in present) else "half"

    def written(value: Measured | None) -> str:
        if value is None:
            return NOT_APPLICABLE
        if not powers or not value.mean:
            return _written(value, beside, percent, signed)
        exponent = math.floor(math.log10(abs(value.mean)))
        scaled = _written(value.times(10.0**-exponent), beside, percent, signed)
        return f"({scaled})e{exponent}" if " " in scaled else f"{scaled}e{exponent}"

    return [written(value) for value in values]


def _written(value: Measured, beside: Beside, percent: bool, signed: bool) -> str:
    places = decimals(value.half) if value.half else _places(value.mean, percent)
    mean = fixed(value.mean, places, signed)
    if value.beside == "nothing":
        return mean
    low, high = fixed(value.low, places, signed), fixed(value.high, places, signed)
    if value.beside == "range":
        return f"{mean} ({low} to {high})"
    return (
        f"{mean} [{low}, {high}]" if beside == "ends" else f"{mean} ± {fixed(value.half, places)}"
    )


def _places(mean: float, percent: bool) -> int:
    """Decimals of a number that has no interval to ask."""
    if percent:
        return PERCENT_DECIMALS
    return max(DIGITS - 1 - math.floor(math.log10(abs(mean))), 0) if mean else DIGITS - 1


def notation(values: Iterable[Setting]) -> Callable[[Setting], Setting]:
    """How the numbers of a setting are written: all as decimals, or all in powers of ten.

    In powers of ten if one of them would be (``labels.setting``), to three digits, or to as many as
    tell them apart. What is no number with a fraction stays what it is.
    """
    numbers = list(dict.fromkeys(v for v in values if isinstance(v, float)))
    if not any("e" in labels.setting(number) for number in numbers):
        return lambda value: value
    digits = next((n for n in range(2, 16) if _differ(numbers, n)), 16)
    return lambda value: _power(value, digits) if isinstance(value, float) else value


def _differ(numbers: Sequence[float], digits: int) -> bool:
    return len({_power(number, digits) for number in numbers}) == len(numbers)


def _power(number: float, digits: int) -> str:
    """``0.0316`` → ``3.16e-2``, ``1e-4``; 0 is 0."""
    if not number:
        return "0"
    mantissa, exponent = f"{number:.{digits}e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.').replace('-', '−')}e{int(exponent)}"
