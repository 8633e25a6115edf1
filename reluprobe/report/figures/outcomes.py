"""Finished networks: configurations ranked, dead units by split, dead units against accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from reluprobe.analysis import lacking, splits
from reluprobe.analysis.aggregate import Estimate, share
from reluprobe.report import formatting
from reluprobe.report.figures import panels, small_multiples, style
from reluprobe.report.figures.context import (
    MOST_LINES,
    Context,
    Drawing,
    Entry,
    LackingError,
    alt_text,
    wrapped,
)
from reluprobe.report.figures.style import LOOKS, Look
from reluprobe.report.terminal.splits import ALONE

#: Inches of a row, and of what stands above and below the rows.
ROW, REST = 0.17, 0.62
#: Letters of a row's name on one line.
NAME = 52
#: How runs, one a point, are drawn where there are many.
FAINT: dict[str, Any] = {"alpha": 0.35, "markeredgewidth": 0, "markersize": 2.6}


def outcome(context: Context) -> Drawing:
    """Share of dead units and test accuracy at the end, one row per configuration, ranked."""
    ended = [e for e in context.entries if e.row.mean is not None]
    if (reason := lacking.shares(context.records, context.definition)) is not None:
        raise LackingError(reason)
    shown, note = context.some(ended)
    shown = sorted(shown, key=lambda e: e.row.mean.mean if e.row.mean else 0.0)
    accuracies = [
        100 * a for e in shown for r in e.runs if (a := r.final.test_accuracy) is not None
    ]
    figure = style.canvas(style.PAGE, ROW * _height([e.label for e in shown]) + REST)
    axes = figure.subplots(1, 1 + bool(accuracies), sharey=True, squeeze=False)[0]
    for n, entry in enumerate(shown):
        ends = [share(r.final.layers, context.definition) for r in entry.runs]
        _row(axes[0], n, entry.row.mean, ends)
        if accuracies:
            _row(axes[1], n, entry.row.accuracy, [r.final.test_accuracy for r in entry.runs])
    _names(axes[0], [e.label for e in shown])
    axes[0].set_xlim(-2, 102)
    axes[0].set_xlabel(f"{context.word} %")
    if accuracies:
        panels.accuracy(axes[1].xaxis, accuracies)
        axes[1].set_xlabel(f"{context.terms.accuracy} %")
    accuracy_named = context.terms.accuracy
    facts = [
        f"{e.label}: {formatting.plus_minus(e.row.mean)}% {context.word}, {accuracy_named} "
        f"{formatting.plus_minus(e.row.accuracy)}"
        for e in shown
    ]
    single = " Small points: single runs." if any(len(e.runs) > 1 for e in shown) else ""
    also = f", and {accuracy_named}," if accuracies else ""
    caption = (
        f"Share of {context.word} units on {context.examples}{also} of the finished networks, from "
        f"the fewest {context.word} to the most. "
        f"{context.seeds('Points are means', 'lines')}{single}{note}"
    )
    return figure, caption, alt_text(facts)


def _row(
    axes: Axes, place: int, estimate: Estimate | None, runs: Sequence[float | None] = ()
) -> None:
    shares = [100 * value for value in runs if value is not None]
    if len(shares) > 1:
        how: dict[str, Any] = FAINT | {"alpha": 0.7}
        axes.plot(shares, [place] * len(shares), "o", color=style.QUIET, zorder=3, **how)
    if estimate is not None:
        panels.whisker(axes, place, estimate, LOOKS[0])


def _height(labels: Sequence[str]) -> int:
    """How many rows' height they take: all take as much as the one of most lines."""
    return len(labels) * max(1 + wrapped(label, NAME).count("\n") for label in labels)


def _names(axes: Axes, labels: Sequence[str]) -> None:
    """The rows' names, the first on top, and a faint line along each."""
    axes.set_yticks(range(len(labels)), [wrapped(label, NAME) for label in labels])
    axes.set_ylim(len(labels) - 0.5, -0.5)
    for ax in axes.figure.axes:
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="y", color=style.QUIET, alpha=0.25, linewidth=0.4)
        ax.spines["left"].set_visible(False)


def samples(context: Context) -> Drawing:
    """Share of dead units of the finished networks on the probe, the test and the training set."""
    if (reason := lacking.shares(context.records, context.definition)) is not None:
        raise LackingError(reason)
    by_split = {id(e): splits.by_split(e.runs, context.definition) for e in context.entries}
    looked = [e for e in context.entries if by_split[id(e)]]
    if not looked:
        three = "no run was looked at on the probe, the test and the training set"
        raise LackingError(ALONE if context.terms.foreign else three)
    shown, note = context.some(looked)
    by_entry = [(e, s) for e in shown if (s := by_split[id(e)])]
    figure = style.canvas(style.PAGE, 1.5 * ROW * len(by_entry) + REST)
    axes = figure.subplots()
    every = dict.fromkeys(name for _, s in by_entry for name in s.examples)
    listed = [*every][: len(LOOKS)]
    names = {
        n: f"{n} ({_sizes([s.examples[n] for _, s in by_entry if n in s.examples])} examples)"
        for n in listed
    }
    for k, split in enumerate(listed):
        # A little above and below each other: where they agree all three are seen.
        for n, (_, s) in enumerate(by_entry):
            if (value := s.shares.get(split)) is not None:
                panels.whisker(axes, n + 0.25 * (k - 1), value, LOOKS[k])
    keys = [_key(LOOKS[k], names[split]) for k, split in enumerate(listed)]
    figure.legend(handles=keys, **style.ABOVE)
    _names(axes, [e.label for e, _ in by_entry])
    axes.set_xlim(-2, 102)
    axes.set_xlabel(f"{context.word} %")
    facts = [
        f"{e.label}: "
        + ", ".join(f"{formatting.plus_minus(mean)}% on {name}" for name, mean in s.shares.items())
        for e, s in by_entry
    ]
    caption = (
        f"Share of {context.word} units of the finished networks by the examples that they are "
        f"counted on: the more examples, the fewer are {context.word} on all of them. "
        f"{context.seeds('Points are means', 'lines')}{note}"
    )
    return figure, caption, alt_text(facts)


def _sizes(examples: Sequence[int]) -> str:
    """``60,000``, or where datasets differ in size ``1,000 to 60,000``."""
    low, high = f"{min(examples):,}", f"{max(examples):,}"
    return low if low == high else f"{low} to {high}"


def _key(look: Look, label: str) -> Line2D:
    return Line2D([], [], linestyle="", marker=look.marker, color=look.colour, label=label)


def accuracy(context: Context) -> Drawing:
    """Share of dead units against test accuracy of the finished networks, one point a run."""
    by_label = {e.label: _points(e, context.definition) for e in context.entries}
    with_points = [e for e in context.entries if by_label[e.label]]
    every = [p for points in by_label.values() for p in points]
    if (reason := lacking.shares(context.records, context.definition)) is not None:
        raise LackingError(reason)
    if len(every) < 2:
        accuracy = f"{'an' if context.terms.foreign else 'a'} {context.terms.accuracy}"
        both = f"both {accuracy} and a share of {context.word} units"
        raise LackingError(f"fewer than two runs ended with {both}")
    shown, note = context.some(with_points)
    if len(shown) <= MOST_LINES:
        figure = style.canvas(style.COLUMN + 0.8, 2.4)
        panel = figure.subplots()
        _prepare(panel, every)
        for entry in shown:
            _scatter(panel, by_label[entry.label], entry.look)
        ends = [(_mean([a for _, a in by_label[e.label]]), e.label, e.look) for e in shown]
        panels.name_ends(panel, ends, 1.8)
        panel.set_xlabel(f"{context.word} %")
        panel.set_ylabel(f"{context.terms.accuracy} %")
    else:
        block = small_multiples.Block(
            f"{context.terms.accuracy} %", f"{context.word} %", partial(_prepare, every=every)
        )
        figure, (axes,) = small_multiples.page([e.label for e in shown], [block], height=0.62)
        for ax, entry in zip(axes, shown, strict=True):
            ax.plot(*zip(*every, strict=True), "o", color=style.QUIET, rasterized=True, **FAINT)
            _scatter(ax, by_label[entry.label], LOOKS[0])
    facts = [
        f"{e.label}: {_span([d for d, _ in by_label[e.label]])}% {context.word}, "
        f"{context.terms.accuracy} {_span([a for _, a in by_label[e.label]])}%"
        for e in shown
    ]
    grey = "; grey: all runs" if len(shown) > MOST_LINES else ""
    caption = (
        f"Share of {context.word} units on {context.examples} against {context.terms.accuracy}, "
        f"one point a run{grey}.{note}"
    )
    return figure, caption, alt_text(facts)


def _prepare(axes: Axes, every: Sequence[tuple[float, float]]) -> None:
    axes.set_xlim(-4, 104)
    axes.xaxis.set_ticks([0, 50, 100])
    panels.accuracy(axes.yaxis, [a for _, a in every])


def _scatter(axes: Axes, points: Sequence[tuple[float, float]], look: Look) -> None:
    axes.plot(*zip(*points, strict=True), look.marker, color=look.colour)


def _points(entry: Entry, definition: str) -> list[tuple[float, float]]:
    """Each run's share of dead units and accuracy, in percent."""
    both = [(share(r.final.layers, definition), r.final.test_accuracy) for r in entry.runs]
    return [(100 * d, 100 * a) for d, a in both if d is not None and a is not None]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _span(values: Sequence[float]) -> str:
    low, high = (f"{end:.1f}" for end in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"
