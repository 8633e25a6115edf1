"""Dead units against learning rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from matplotlib.axes import Axes

from reluprobe.analysis import aggregate, lacking, splits
from reluprobe.analysis.aggregate import Estimate, Summary
from reluprobe.analysis.learning_curves import Curve
from reluprobe.analysis.settings import names_in
from reluprobe.config import labels
from reluprobe.records import RunRecord
from reluprobe.report import formatting
from reluprobe.report.figures import panels, style
from reluprobe.report.figures.context import (
    MOST_LINES,
    Context,
    Drawing,
    LackingError,
    alt_text,
    unnamed,
    wrapped,
)
from reluprobe.report.figures.style import LOOKS
from reluprobe.report.terminal import tables

Measure = Callable[[Summary], Estimate | None]
#: What CS231n says a learning rate too high can kill, in percent.
HIGH = 40
#: What it is called, ours first.
RATES = ("learning_rate", "lr")


def learning_rate(context: Context) -> Drawing:
    """Share of dead units against learning rate, a line for each of what else varies."""
    vary, rate = aggregate.axes(context.records), _setting(context)
    if (reason := lacking.shares(context.records, context.definition)) is not None:
        raise LackingError(reason)
    if rate not in vary:
        raise LackingError("all runs have the same learning rate")
    if any(_rate(run) is None for run in context.records):
        raise LackingError("the learning rates of some runs are no numbers above 0")
    lines, folded = _lines(context, [n for n in vary if n != rate])
    if not lines:
        raise LackingError("nothing was run at two learning rates with all else the same")
    shown = dict(list(lines.items())[:MOST_LINES])
    parts = {"probe": {name: _against(rows, lambda c: c.mean) for name, rows in shown.items()}}
    on_train = {
        name: _against(rows, lambda c: _trained(c, context.definition))
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
    axes[0].set_ylabel(f"{context.word} %")
    notes = f" All of {', '.join(map(labels.name, folded))} are folded together." if folded else ""
    if len(lines) > len(shown):
        notes += f" The first {len(shown)} of {len(lines)} lines are shown."
    if any(row.diverged for rows in shown.values() for row in rows):
        notes += " ×: a rate at which runs diverged; they are left out."
    drawn = [curve for curves in parts.values() for curve in curves.values()]
    beside = context.beside(value for curve in drawn for value in curve.values)
    bands = f", bands their {beside.replace('interval', 'intervals')}" if beside else ""
    caption = (
        f"Share of {context.word} units of the finished networks against learning rate; the dashed "
        f"line is {HIGH}%. Points are means over runs{bands}.{notes}"
    )
    return figure, caption, alt_text([f"{n}: {_course(c)}" for n, c in parts["probe"].items()])


def _lines(context: Context, others: Sequence[str]) -> tuple[dict[str, list[Summary]], list[str]]:
    """The configurations of each line by rate, and which settings are folded together in them.

    A line has two rates at least, and all else the same. Where that makes too many lines, one for
    each activation and optimizer.
    """
    by_name = _by_rate(context, context.records, others)
    usual = [n for n in others if n in ("activation", "optimizer")]
    if len(by_name) <= MOST_LINES or not usual or usual == list(others):
        return by_name, []
    runs = [run for rows in by_name.values() for row in rows for run in row.members]
    return _by_rate(context, runs, usual), [n for n in others if n not in usual]


def _by_rate(
    context: Context, runs: Sequence[RunRecord], by: Sequence[str]
) -> dict[str, list[Summary]]:
    by_name: dict[str, list[Summary]] = {}
    rate = _setting(context)
    rows = aggregate.summarize(runs, context.definition, [*by, rate])
    without = [replace(row, settings={n: row.settings[n] for n in by}) for row in rows]
    for row, named in zip(rows, tables.shortened(without), strict=True):
        name = labels.settings(named.settings) or unnamed(row.members[0])
        by_name.setdefault(name, []).append(row)
    several = {name: rows for name, rows in by_name.items() if len(rows) > 1}
    return {name: aggregate.sort_summaries(rows, rate) for name, rows in several.items()}


def _panel(
    axes: Axes, curves: Sequence[tuple[str, Curve]], rows: Sequence[Sequence[Summary]]
) -> None:
    axes.set_xscale("log")
    axes.axhline(HIGH, color=style.QUIET, linewidth=0.6, linestyle=(0, (4, 3)))
    drawn = [(name, c, look) for (name, c), look in zip(curves, LOOKS, strict=False) if c.values]
    for _, curve, look in drawn:
        panels.draw(axes, curve, look, 100, markevery=1)
    for line, look in zip(rows, LOOKS, strict=False):
        lost = [_rate_of(row) for row in line if row.diverged]
        if lost:  # without a point, it would have a place all the same, outside the axes
            axes.plot(lost, [100] * len(lost), "x", color=look.colour, clip_on=False)
    panels.logarithmic(axes.xaxis, {_rate_of(row) for line in rows for row in line})
    axes.set_xlabel("learning rate")
    ends = [(100 * c.last.mean, wrapped(name, 18), look) for name, c, look in drawn]
    panels.name_ends(axes, ends, 1.7)


def _setting(context: Context) -> str:
    """What the learning rate is called among the settings: foreign runs have names of their own."""
    names = names_in(context.records)
    return next((name for name in RATES if name in names), RATES[0])


def _rate(run: RunRecord) -> float | None:
    """A run's learning rate; None where it is no number that has a logarithm."""
    settings = run.settings
    rate = next((settings[name] for name in RATES if settings.get(name) is not None), None)
    return float(rate) if isinstance(rate, int | float) and rate > 0 else None


def _rate_of(row: Summary) -> float:
    rate = _rate(row.members[0])
    assert rate is not None
    return rate


def _trained(row: Summary, definition: str) -> Estimate | None:
    by_split = splits.by_split(row.members, definition)
    return by_split.shares.get("train") if by_split else None


def _against(rows: Sequence[Summary], measure: Measure) -> Curve:
    points = [(_rate_of(row), measure(row)) for row in rows]
    known = [(rate, value) for rate, value in points if value is not None]
    return Curve(tuple(r for r, _ in known), tuple(v for _, v in known))


def _course(curve: Curve) -> str:
    return ", ".join(
        f"{formatting.plus_minus(v)}% at {labels.setting(float(x))}"
        for x, v in zip(curve.when, curve.values, strict=True)
    )
