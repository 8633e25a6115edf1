"""Numbers as people read them: shares, losses, intervals, durations; and the probe in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from reluprobe.analysis.aggregate import Estimate
from reluprobe.config.published import Published
from reluprobe.records import ProbeRecord

NOT_APPLICABLE = "n/a"

#: Writes a number; ``n/a`` for None.
Write = Callable[[float | None], str]


#: Writes a mean, with what stands beside it or without.
WriteEstimate = Callable[[Estimate | None], str]


def percent(share: float | None) -> str:
    """``0.3744`` → ``37.4``; the column says %."""
    return NOT_APPLICABLE if share is None else f"{100 * share:.1f}"


def published(shares: Published | None) -> str:
    """A published share in percent, or the range of several: ``37.4``, ``94.0–97.0``."""
    return "–".join(map(percent, shares)) if isinstance(shares, tuple) else percent(shares)


def number(value: float | None, digits: int = 4) -> str:
    """A loss: fixed digits, or powers of ten where those would hide it."""
    if value is None:
        return NOT_APPLICABLE
    return f"{value:.{digits}f}" if abs(value) < 1000 else f"{value:.2e}"


def file_size(count: float) -> str:
    """Bytes in powers of a thousand, as disks are sold: ``838 B``, ``1.9 MB``, ``67 GB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5 or unit == "GB":
            digits = 1 if count < 9.95 and unit != "B" else 0
            return f"{count:,.{digits}f} {unit}"
        count /= 1000
    raise AssertionError


def significant(value: float | None, digits: int = 3) -> str:
    """What may be of any size, such as an error in its targets' unit: ``0.0513``, ``12,300``."""
    if value is None:
        return NOT_APPLICABLE
    text = f"{value + 0.0:.{digits}g}"  # −0 is 0
    if "e" not in text:
        return text
    size = abs(value)
    return f"{float(text):,.0f}" if 1 <= size < 1e6 else _exponent(text)


def alike(values: Iterable[float]) -> Write:
    """What writes these and what stands beside them with as many decimals as the least asks for.

    So that three digits of each are seen, and a mean and its interval have as many decimals. Where
    they are too far apart for that, or too small or large, each is written by itself.
    """
    sizes = [abs(value) for value in values if value]
    if not sizes or not 1e-4 <= min(sizes) <= max(sizes) < 1e9:
        return significant
    decimals = max(0, 2 - math.floor(math.log10(min(sizes))))
    if max(sizes) >= 1e3 and decimals > 3:
        return significant

    def write(value: float | None) -> str:
        return NOT_APPLICABLE if value is None else f"{value:,.{decimals}f}"

    return write


def _exponent(text: str) -> str:
    mantissa, _, power = text.partition("e")
    return f"{mantissa}e{int(power)}"


def r2(value: float | None) -> str:
    """``0.981``, ``−0.120``; powers of ten where it is far below 0."""
    if value is None:
        return NOT_APPLICABLE
    text = f"{value:.3f}" if abs(value) < 1000 else _exponent(f"{value:.2e}")
    return _with_sign(text)


def points(share: float | None) -> str:
    """A change of a share in percentage points, with its sign: ``+0.3``, ``−38.2``, ``0.0``."""
    return signed(None if share is None else 100 * share, 1)


def r2_change(value: float | None) -> str:
    """A change of R², with its sign."""
    return signed(value, 3)


def loss_change(value: float | None) -> str:
    """A change of a loss, with its sign."""
    return signed(value, 4)


def rmse_change(value: float | None) -> str:
    """A change of an error in its targets' unit, with its sign."""
    if value is None:
        return NOT_APPLICABLE
    text = significant(abs(value))
    return text if not text.strip("0.") else f"{'−' if value < 0 else '+'}{text}"


def signed(value: float | None, digits: int) -> str:
    """A change with its sign; one that rounds to nothing has none."""
    if value is None:
        return NOT_APPLICABLE
    text = f"{value:+.{digits}f}" if abs(value) < 1e6 else _exponent(f"{value:+.2e}")
    return text.replace("-", "−", 1) if text.strip("+-0.") else text[1:]


def _with_sign(text: str) -> str:
    """A minus as it is printed; none before what rounds to nothing."""
    return text.replace("-", "−", 1) if text.strip("-0.") else text.lstrip("-")


def mean(estimate: Estimate | None, write: Write = percent) -> str:
    """``37.4``: the mean alone, where there is no room for its interval."""
    return write(None if estimate is None else estimate.mean)


def plus_minus(estimate: Estimate | None, write: Write = percent) -> str:
    """``37.4 ±1.2``, a mean with its interval over seeds; the mean alone where there is one run.

    ``1.4 ≤3.2`` where the interval would reach below what can be and is cut there, ``99 ≥97``
    above, ``34 [any]`` on both sides; ``22.9 (0.0–76.0)`` where there is none: the least and the
    greatest of several configurations. :func:`ends` says so.
    """
    if estimate is None:
        return NOT_APPLICABLE
    mean, low, high = map(write, (estimate.mean, estimate.low, estimate.high))
    if estimate.low is None:
        return mean
    if estimate.mixed:
        return f"{mean} ({low}–{high})"
    match estimate.cut:
        case False, False:
            return f"{mean} ±{write(estimate.half_width)}"
        case True, False:
            return f"{mean} ≤{high}"
        case False, True:
            return f"{mean} ≥{low}"
        case _:
            return f"{mean} [any]"


def ends(estimates: Iterable[Estimate | None]) -> str:
    """What stands beside these means, for whoever reads them; empty where nothing does."""
    present = [e for e in estimates if e is not None]
    cuts = {e.cut for e in present if e.half_width is not None}
    signs = ", ".join(["≤"] * ((True, False) in cuts) + ["≥"] * ((False, True) in cuts))
    kinds = {
        "±: half of the 95% interval over seeds": (False, False) in cuts,
        f"{signs}: end of a 95% interval whose other end is cut at what can be": bool(signs),
        "[any]: a 95% interval of all that can be": (True, True) in cuts,
        f"( – ): {min_max(present)}, no interval": any(e.mixed for e in present),
    }
    return "; ".join(text for text, there in kinds.items() if there)


def min_max(estimates: Iterable[Estimate | None]) -> str:
    """``min–max over 12 configurations``, ``… over 2 to 12 configurations``."""
    counts = sorted({e.configurations for e in estimates if e is not None and e.mixed})
    number = " to ".join(f"{n:,}" for n in dict.fromkeys([*counts[:1], *counts[-1:]]))
    return f"min–max over {number} configurations"


def probe_examples(probe: ProbeRecord) -> str:
    """``1,000 training examples``: what units were probed on."""
    return f"{probe.examples:,} {probe.split}ing examples"


def are_numbers(values: Iterable[object]) -> bool:
    """Whether all of these values are numbers, which have an order."""
    return all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)


def few(names: Sequence[str], most: int) -> str:
    """``a, b and 3 more``."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest:,} more" if rest > 0 else "")


def duration(seconds: float) -> str:
    """``47 s``, ``3 min 20 s``, ``2 h 05 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
