"""What the learning rate does to the dead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from matplotlib.axes import Axes

from reluprobe.analysis import aggregate, splits
from reluprobe.analysis.aggregate import Estimate, Summary
from reluprobe.analysis.learning_curves import Curve
from reluprobe.config import labels
from reluprobe.records import RunRecord
from reluprobe.report import formatting
from reluprobe.report.figures import panels, style
from reluprobe.report.figures.context import MOST_LINES, LackingError, Picture, Scene, told, wrapped
from reluprobe.report.figures.style import LOOKS
from reluprobe.report.terminal import tables

Measure = Callable[[Summary], Estimate | None]
#: What CS231n says a learning rate too high can kill, in percent.
HIGH = 40


def learning_rate(scene: Scene) -> Picture:
    """Share of dead units against learning rate, a line for each of what else varies."""
    vary = aggregate.axes(scene.records)
    if "learning_rate" not in vary:
        raise LackingError("all runs have the same learning rate")
    lines, folded = _lines(scene, [n for n in vary if n != "learning_rate"])
    if not lines:
        raise LackingError("nothing was run at two learning rates with all else the same")
    shown = dict(list(lines.items())[:MOST_LINES])
    parts = {"probe": {name: _against(rows, lambda c: c.mean) for name, rows in shown.items()}}
    on_train = {
        name: _against(rows, lambda c: _trained(c, scene.definition))
        for name, rows in shown.items()
    }
    if any(c.values for c in on_train.values()):
        parts["training set"] = on_train
    figure = style.canvas(style.PAGE if len(parts) > 1 else style.COLUMN + 0.6, 2.3)
    axes = figure.subplots(1, len(parts), sharey=True, squeeze=False)[0]
    panels.percent(axes[0])
    for ax, (sample, curves) in zip(axes, parts.items(), strict=True):
        _panel(ax, list(curves.items()), list(shown.values()))
        ax.set_title(f"counted on the {sample}")
    axes[0].set_ylabel(f"{scene.word} %")
    notes = f" All of {', '.join(map(labels.name, folded))} are folded together." if folded else ""
    if len(lines) > len(shown):
        notes += f" The first {len(shown)} of {len(lines)} lines are shown."
    if any(row.diverged for rows in shown.values() for row in rows):
        notes += " ×: a rate at which runs diverged; they are left out."
    caption = (
        f"Share of {scene.word} units of the finished networks against learning rate; the dashed "
        f"line is {HIGH}%. Points are means over runs, bands their 95% intervals.{notes}"
    )
    return Picture(figure, caption, told([f"{n}: {_course(c)}" for n, c in parts["probe"].items()]))


def _lines(scene: Scene, others: Sequence[str]) -> tuple[dict[str, list[Summary]], list[str]]:
    """The configurations of each line by rate, and which settings are folded together in them.

    A line has two rates at least, and all else the same. Where that makes too many lines, one for
    each activation and optimizer.
    """
    found = _by_rate(scene, scene.records, others)
    usual = [n for n in others if n in ("activation", "optimizer")]
    if len(found) <= MOST_LINES or not usual or usual == list(others):
        return found, []
    runs = [run for rows in found.values() for row in rows for run in row.members]
    return _by_rate(scene, runs, usual), [n for n in others if n not in usual]


def _by_rate(
    scene: Scene, runs: Sequence[RunRecord], by: Sequence[str]
) -> dict[str, list[Summary]]:
    found: dict[str, list[Summary]] = {}
    rows = aggregate.summarize(runs, scene.definition, [*by, "learning_rate"])
    without = [replace(row, settings={n: row.settings[n] for n in by}) for row in rows]
    for row, named in zip(rows, tables.shortened(without), strict=True):
        name = labels.settings(named.settings) or row.members[0].config.activation
        found.setdefault(name, []).append(row)
    several = {name: rows for name, rows in found.items() if len(rows) > 1}
    return {name: aggregate.sort_summaries(rows, "learning_rate") for name, rows in several.items()}


def _panel(
    axes: Axes, curves: Sequence[tuple[str, Curve]], rows: Sequence[Sequence[Summary]]
) -> None:
    axes.set_xscale("log")
    axes.axhline(HIGH, color=style.QUIET, linewidth=0.6, linestyle=(0, (4, 3)))
    there = [(name, c, look) for (name, c), look in zip(curves, LOOKS, strict=False) if c.values]
    for _, curve, look in there:
        panels.draw(axes, curve, look, 100, markevery=1)
    for line, look in zip(rows, LOOKS, strict=False):
        lost = [_rate(row) for row in line if row.diverged]
        if lost:  # without a point, it would have a place all the same, outside the axes
            axes.plot(lost, [100] * len(lost), "x", color=look.colour, clip_on=False)
    panels.logarithmic(axes.xaxis, {_rate(row) for line in rows for row in line})
    axes.set_xlabel("learning rate")
    ends = [(100 * c.last.mean, wrapped(name, 18), look) for name, c, look in there]
    panels.name_ends(axes, ends, 1.7)


def _rate(row: Summary) -> float:
    return row.members[0].config.learning_rate


def _trained(row: Summary, definition: str) -> Estimate | None:
    found = splits.by_split(row.members, definition)
    return found.shares["train"] if found else None


def _against(rows: Sequence[Summary], measure: Measure) -> Curve:
    found = [(_rate(row), measure(row)) for row in rows]
    there = [(rate, value) for rate, value in found if value is not None]
    return Curve(tuple(r for r, _ in there), tuple(v for _, v in there))


def _course(curve: Curve) -> str:
    return ", ".join(
        f"{formatting.plus_minus(v)}% at {labels.setting(float(x))}"
        for x, v in zip(curve.when, curve.values, strict=True)
    )
