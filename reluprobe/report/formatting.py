"""Numbers as people read them: shares, losses, intervals, durations; and the probe in words."""

from __future__ import annotations

from collections.abc import Callable

from reluprobe.analysis.aggregate import Estimate
from reluprobe.records import ProbeRecord

NOT_APPLICABLE = "n/a"

#: Writes a number; ``n/a`` for None.
Write = Callable[[float | None], str]


def percent(share: float | None) -> str:
    """``0.3744`` → ``37.4``; the column says %."""
    return NOT_APPLICABLE if share is None else f"{100 * share:.1f}"


def number(value: float | None, digits: int = 4) -> str:
    """A loss: fixed digits, or powers of ten where those would hide it."""
    if value is None:
        return NOT_APPLICABLE
    return f"{value:.{digits}f}" if abs(value) < 1000 else f"{value:.2e}"


def mean(estimate: Estimate | None, write: Write = percent) -> str:
    """``37.4``: the mean alone, where there is no room for its interval."""
    return write(None if estimate is None else estimate.mean)


def plus_minus(estimate: Estimate | None, write: Write = percent) -> str:
    """``37.4 ±1.2``; without the interval where there is but one run."""
    if estimate is None:
        return NOT_APPLICABLE
    if estimate.half_width is None:
        return write(estimate.mean)
    return f"{write(estimate.mean)} ±{write(estimate.half_width)}"


def probe_examples(probe: ProbeRecord) -> str:
    """``1,000 training examples``: what units were probed on."""
    return f"{probe.examples:,} {probe.split}ing examples"


def duration(seconds: float) -> str:
    """``47 s``, ``3 min 20 s``, ``2 h 05 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
