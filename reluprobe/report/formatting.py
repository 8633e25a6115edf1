"""How numbers and settings are written for people, in one place."""

from __future__ import annotations

from collections.abc import Callable

from reluprobe.analysis.aggregate import Estimate

NOT_APPLICABLE = "n/a"


def percent(share: float | None) -> str:
    """``0.3744`` → ``37.4``; the column says %."""
    return NOT_APPLICABLE if share is None else f"{100 * share:.1f}"


def number(value: float | None, digits: int = 4) -> str:
    """A loss: fixed digits, or powers of ten where those would hide it."""
    if value is None:
        return NOT_APPLICABLE
    return f"{value:.{digits}f}" if abs(value) < 1000 else f"{value:.2e}"


def plus_minus(found: Estimate | None, write: Callable[[float | None], str] = percent) -> str:
    """``37.4 ±1.2``; without the interval where there is but one run."""
    if found is None:
        return NOT_APPLICABLE
    if found.half_width is None:
        return write(found.mean)
    return f"{write(found.mean)} ±{write(found.half_width)}"


def duration(seconds: float) -> str:
    """``47 s``, ``3 min 20 s``, ``2 h 05 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
