"""Curves by epoch, one line per configuration: in one panel, or where they are too many in many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reluprobe.analysis.learning_curves import Curve
from reluprobe.report.figures import panels, small_multiples, style
from reluprobe.report.figures.context import MOST_LINES, Entry, wrapped
from reluprobe.report.figures.style import LOOKS

Measures = Literal["share", "accuracy", "loss"]
Courses = Sequence[tuple[Entry, Curve]]
Panel = tuple[Entry, Axes, Curve]
#: Above this percentage accuracies are told apart by their errors.
ACCURATE = 80
#: The first configuration, behind the line of another.
FIRST: dict[str, Any] = {"color": style.QUIET, "linewidth": 0.9, "alpha": 0.6, "zorder": 1}
#: Of the measures in one panel.
DASHES = ("-", "--", ":")


@dataclass(frozen=True)
class Part:
    """One measure: how its axes are called, and a curve for every configuration that has it."""

    name: str
    courses: Courses
    measures: Measures = "share"
    across: str = "epoch"

    @property
    def scale(self) -> float:
        """Shares and accuracies are drawn in percent."""
        return 1.0 if self.measures == "loss" else 100.0

    def prepare(self, axes: Axes) -> None:
        """The axes of this measure, for all its curves."""
        curves = [c for _, c in self.courses]
        panels.epochs(axes, curves)
        means = [self.scale * v.mean for c in curves for v in c.values]
        if self.measures == "loss":
            panels.loss(axes, curves)
        elif self.measures == "accuracy" and max(means) > ACCURATE:
            panels.accuracy(axes.yaxis, means)
        else:
            panels.percent(axes, panels.roof(curves))


def beside(parts: Sequence[Part]) -> Figure:
    """Measures side by side, or where lines are too many below each other, one panel per line.

    Args:
        parts: each with a curve at least.
    """
    return _apart(parts) if _too_many(parts) else _together(parts)


def _too_many(parts: Sequence[Part]) -> bool:
    return max(len(p.courses) for p in parts) > MOST_LINES


def _entries(parts: Sequence[Part]) -> list[Entry]:
    """The configurations that have any of these measures: some may not have all of them."""
    return list({id(entry): entry for part in parts for entry, _ in part.courses}.values())


def _panels_of(part: Part, entries: Sequence[Entry], axes: Sequence[Axes]) -> Iterator[Panel]:
    """The panels in which there is a curve of this measure."""
    curves = {id(entry): curve for entry, curve in part.courses}
    for entry, ax in zip(entries, axes, strict=True):
        if id(entry) in curves:
            yield entry, ax, curves[id(entry)]


def _together(parts: Sequence[Part]) -> Figure:
    figure = style.canvas(style.PAGE, 2.2)
    axes = figure.subplots(1, len(parts), squeeze=False)[0]
    for ax, part in zip(axes, parts, strict=True):
        part.prepare(ax)
        for entry, curve in part.courses:
            panels.draw(ax, curve, entry.look, part.scale)
        ends = [(part.scale * c.last.mean, wrapped(e.label, 22), e.look) for e, c in part.courses]
        panels.name_ends(ax, ends, 1.6)
        ax.set_xlabel(part.across)
        ax.set_ylabel(part.name)
    return figure


def _apart(parts: Sequence[Part]) -> Figure:
    """One panel per configuration, before the first in grey; a block of panels a measure."""
    entries = _entries(parts)
    blocks = [small_multiples.Block(part.name, part.across, part.prepare) for part in parts]
    figure, panes = small_multiples.page([e.label for e in entries], blocks, height=0.62)
    for part, axes in zip(parts, panes, strict=True):
        first: Curve | None = None
        for entry, ax, curve in _panels_of(part, entries, axes):
            if entry is entries[0]:
                first = curve
            elif first is not None:
                ax.plot(first.when, [part.scale * v.mean for v in first.values], **FIRST)
            panels.draw(ax, curve, LOOKS[0], part.scale, marker="")
    return figure


def behind(parts: Sequence[Part]) -> str:
    """For the caption of :func:`beside`: what is drawn in grey where each line has a panel."""
    return f" Grey: the first of them, {_entries(parts)[0].label}." if _too_many(parts) else ""


def overlaid(parts: Sequence[Part]) -> Figure:
    """Measures of one axis: side by side, or where lines are too many one panel per configuration.

    Args:
        parts: each with a curve at least.
    """
    if not _too_many(parts):
        return _together(parts)
    entries = _entries(parts)
    whole = replace(parts[0], courses=[course for part in parts for course in part.courses])
    block = small_multiples.Block("units %", whole.across, whole.prepare)
    labels = [entry.label for entry in entries]
    figure, (axes,) = small_multiples.page(labels, [block], height=0.68, legend=True)
    keys = []
    for part, look, dash in zip(parts, LOOKS, DASHES, strict=False):
        for _, ax, curve in _panels_of(part, entries, axes):
            panels.draw(ax, curve, look, part.scale, marker="", linestyle=dash)
        name = part.name.removesuffix(" %")
        keys.append(Line2D([], [], linestyle=dash, color=look.colour, label=name))
    figure.legend(handles=keys, **style.ON_TOP)
    return figure
