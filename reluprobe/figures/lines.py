"""Measures by epoch, a line a configuration: in one panel, or where that is too much in many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reluprobe.curves import Curve
from reluprobe.figures import panels, style
from reluprobe.figures.scene import MOST_LINES, Entry, wrapped
from reluprobe.figures.style import LOOKS

Courses = Sequence[tuple[Entry, Curve]]
#: A loss that changes by more than this factor is drawn on a logarithmic axis.
DECADE = 8
#: Above this percentage accuracies are told apart by their errors.
ACCURATE = 80


@dataclass(frozen=True)
class Part:
    """One measure: how its axes are called, and a curve for every configuration that has it."""

    name: str
    courses: Courses
    measures: Literal["share", "accuracy", "loss"] = "share"
    across: str = "epoch"

    @property
    def scale(self) -> float:
        """Shares and accuracies are drawn in percent."""
        return 1.0 if self.measures == "loss" else 100.0

    def of(self, shown: Sequence[Entry]) -> Part:
        """The same of these configurations alone."""
        return replace(self, courses=[(e, c) for e, c in self.courses if e in shown])

    def prepare(self, axes: Axes) -> None:
        """The vertical axis of this measure, for all its curves."""
        found = [c for _, c in self.courses]
        panels.epochs(axes)
        if self.measures == "loss":
            means = [v.mean for c in found for v in c.values]
            if min(means) > 0 and max(means) > DECADE * min(means):
                axes.set_yscale("log")
                panels.logarithmic(axes.yaxis)
            return
        means = [100 * v.mean for c in found for v in c.values]
        if self.measures == "accuracy" and max(means) > ACCURATE:
            panels.accuracy(axes.yaxis, means)
        else:
            panels.percent(axes, panels.roof(found))


def beside(parts: Sequence[Part]) -> Figure:
    """Measures side by side, or where lines are too many below each other, a panel a line."""
    if max(len(p.courses) for p in parts) <= MOST_LINES:
        return _together(parts)
    return _apart(parts)


def _together(parts: Sequence[Part]) -> Figure:
    figure = style.canvas(style.PAGE, 2.2)
    axes = figure.subplots(1, len(parts), squeeze=False)[0]
    for ax, part in zip(axes, parts, strict=True):
        part.prepare(ax)
        for entry, curve in part.courses:
            panels.draw(ax, curve, entry.look, part.scale)
        ax.autoscale_view()
        ends = [(part.scale * c.last.mean, wrapped(e.label, 22), e.look) for e, c in part.courses]
        panels.name_ends(ax, ends, 1.6)
        ax.set_xlabel(part.across)
        ax.set_ylabel(part.name)
    return figure


def _apart(parts: Sequence[Part]) -> Figure:
    """A panel a configuration before the range of all, in grey; a block of panels a measure."""
    count = max(len(part.courses) for part in parts)
    rows = -(-count // panels.ACROSS)
    figure = style.canvas(style.PAGE, (0.95 * rows + 0.25) * len(parts))
    blocks = figure.subfigures(len(parts), 1, squeeze=False)[:, 0]
    for block, part in zip(blocks, parts, strict=True):
        axes = panels.fill(block, len(part.courses))
        part.prepare(axes[0])
        for ax, (entry, curve) in zip(axes, part.courses, strict=True):
            _range(ax, part)
            panels.draw(ax, curve, LOOKS[0], part.scale, marker="")
            ax.set_title(wrapped(entry.label, 20), fontsize=style.SMALL)
        block.supylabel(part.name, fontsize=style.TEXT)
        block.supxlabel(part.across, fontsize=style.TEXT)
    return figure


def _range(axes: Axes, part: Part) -> None:
    """From the least to the most of any configuration, behind one of them."""
    means = [
        {w: part.scale * v.mean for w, v in zip(c.when, c.values, strict=True)}
        for _, c in part.courses
    ]
    common = sorted(set.intersection(*map(set, means)))
    low, high = ([end(m[when] for m in means) for when in common] for end in (min, max))
    axes.fill_between(common, low, high, color=style.QUIET, alpha=0.25, linewidth=0)
