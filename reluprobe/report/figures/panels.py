"""Parts of a panel: axes, lines with bands, whiskers, and names at the ends of lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.scale import FuncScale
from matplotlib.ticker import (
    FixedLocator,
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    NullLocator,
    PercentFormatter,
)
from scipy.optimize import isotonic_regression

from reluprobe.analysis.aggregate import Estimate
from reluprobe.analysis.learning_curves import Curve
from reluprobe.config import labels
from reluprobe.report.figures import style
from reluprobe.report.figures.style import Look

#: A line with more points than this has a marker at every so many.
MARKED = 7
#: Accuracies whose errors differ by less than this factor are drawn as they are.
FAR = 5
#: A loss that changes by more than this factor is drawn on a logarithmic axis.
DECADE = 8
#: On an axis of accuracies no error is less than this, in percent: 0 has no logarithm.
LEAST_ERROR = 0.1
#: Ticks on an axis, at most, each with its number.
MOST_TICKS = 7


def draw(
    axes: Axes, curve: Curve, look: Look, scale: float = 1.0, band: bool = True, **how: Any
) -> None:
    """A curve's means, with a band between the ends of their intervals, or of what they mix."""
    mean = scale * np.array([v.mean for v in curve.values])
    options = {"marker": look.marker, "markevery": max(1, len(mean) // MARKED)} | how
    axes.plot(curve.when, mean, color=look.colour, **options)
    low, high = scale * np.array([ends(v) for v in curve.values]).T
    if band and (high > low).any():
        if axes.get_yscale() == "log":
            low = np.maximum(low, mean / 10)
        axes.fill_between(curve.when, low, high, color=look.colour, alpha=0.2, linewidth=0)


def ends(value: Estimate) -> tuple[float, float]:
    """Between which two numbers a mean's interval, or what it is a mean of, lies."""
    if value.low is None or value.high is None:
        return value.mean, value.mean
    return value.low, value.high


def percent(axes: Axes, top: float = 100.0) -> None:
    """The vertical axis is a share in percent, from 0."""
    axes.set_ylim(-0.03 * top, 1.03 * top)
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(PercentFormatter(decimals=0, symbol=""))


def accuracy(axis: Axis, means: Sequence[float]) -> None:
    """An axis for these accuracies in percent; by equal factors of the error where they are far.

    So 98 and 99% are as far apart as 96 and 98%, and a network that guesses is still in sight.
    """
    least, most = max(100 - max(means), LEAST_ERROR), 100 - min(means)
    near = most < FAR * least
    scale: Any = "linear" if near else FuncScale(axis, (_stretched, _unstretched))
    if axis is axis.axes.yaxis:
        axis.axes.set_yscale(scale)
    else:
        axis.axes.set_xscale(scale)
    ends = (100 - most - 0.5, 100 - least + 0.5) if near else (100 - 1.3 * most, 100 - 0.6 * least)
    axis.set_view_interval(*ends, ignore=True)
    if near:
        axis.set_major_locator(MaxNLocator(4))
        return
    axis.set_major_locator(FixedLocator([10, 60, 85, 95, 98, 99, 99.5]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _stretched(percent: Any) -> Any:
    return -np.log10(np.maximum(100 - percent, LEAST_ERROR))


def _unstretched(value: Any) -> Any:
    return 100 - 10**-value


def loss(axes: Axes, curves: Sequence[Curve]) -> None:
    """The vertical axis is a loss; logarithmic where it changes by more than ``DECADE``."""
    means = [v.mean for c in curves for v in c.values]
    least, most = min(means), max(means)
    if least > 0 and most > DECADE * least:
        axes.set_yscale("log")
        logarithmic(axes.yaxis)
        axes.set_ylim(least / 1.6, most * 1.6)
        return
    top = max(ends(v)[1] for c in curves for v in c.values)
    margin = 0.05 * (most - least) or 0.1
    axes.set_ylim(least - 2 * margin, min(top, most + 0.3 * (most - least)) + margin)
    axes.yaxis.set_major_locator(MaxNLocator(5))


def roof(curves: Sequence[Curve]) -> float:
    """The percent at which an axis of these shares ends: a round number above them all."""
    most = max((ends(v)[1] for c in curves for v in c.values), default=1.0)
    return next((top for top in (5, 10, 20, 40, 60, 80) if 100 * most <= top), 100)


def logarithmic(axis: Axis, values: Iterable[float] = ()) -> None:
    """Powers of ten as people write them, and no ticks between.

    Where these values are far enough apart for their numbers, the ticks are they.
    """
    ticks = sorted(set(values))
    logs = np.log10(ticks)
    apart = len(logs) > 1 and np.diff(logs).min() * MOST_TICKS >= logs[-1] - logs[0]
    axis.set_major_locator(FixedLocator(ticks) if apart else LogLocator(numticks=5))
    axis.set_major_formatter(FuncFormatter(lambda value, _: labels.setting(float(value))))
    axis.set_minor_locator(NullLocator())


def epochs(axes: Axes, curves: Sequence[Curve]) -> None:
    """The horizontal axis counts what these curves count: epochs, or parts of them."""
    first, last = min(c.when[0] for c in curves), max(c.when[-1] for c in curves)
    margin = 0.04 * (last - first) or 0.5
    axes.set_xlim(first - margin, last + margin)
    whole = all(when == int(when) for c in curves for when in c.when) or last - first > 2
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=whole))


def whisker(axes: Axes, place: float, estimate: Estimate, look: Look) -> None:
    """A share on a horizontal axis: its mean, and a line between the ends beside it."""
    line = [100 * end for end in ends(estimate)]
    axes.plot(line, [place] * 2, "-", color=look.colour, linewidth=0.9)
    axes.plot([100 * estimate.mean], [place], look.marker, color=look.colour)


def name_ends(axes: Axes, ends: Sequence[tuple[float, str, Look]], height: float) -> None:
    """Each line's name and marker right of the axes, at the height at which the line ends.

    Args:
        axes: their limits are set already.
        ends: where a line ends, in data coordinates; its name; its look.
        height: of the axes, in inches, about.
    """
    scaled = axes.transScale + axes.transLimits  # data to the axes' own 0 to 1, whatever the scale
    wanted = [float(scaled.transform((0.0, y))[1]) for y, *_ in ends]
    lines = max((text.count("\n") + 1 for _, text, _ in ends), default=1)
    places = spread(wanted, lines * 1.25 * style.SMALL / 72 / height)
    for place, (_, text, look) in zip(places, ends, strict=True):
        axes.plot(
            *([1.03], [place], look.marker), color=look.colour, transform=axes.transAxes,
            clip_on=False,
        )  # fmt: skip
        axes.text(
            *(1.06, place, text), color=look.colour, transform=axes.transAxes, va="center",
            fontsize=style.SMALL,
        )  # fmt: skip


def spread(wanted: Sequence[float], gap: float) -> list[float]:
    """Places at least ``gap`` apart, in the same order, as near to those wanted as can be.

    The least squares under that constraint: with n times the gap taken off the n-th place, it is
    isotonic regression. What then lies below 0 or above 1 moves them all.
    """
    if not wanted:
        return []
    order = np.argsort(wanted, kind="stable")
    gaps = gap * np.arange(len(wanted))
    nearest = isotonic_regression(np.clip(wanted, 0.0, 1.0)[order] - gaps).x + gaps
    over = max(0.0, nearest[-1] - 1) or min(0.0, nearest[0])
    places = np.empty(len(wanted))
    places[order] = nearest - over
    return places.tolist()
