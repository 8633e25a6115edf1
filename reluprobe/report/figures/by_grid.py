"""Two settings as a table of colours and figures: one down, one across."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes

from reluprobe.analysis import aggregate
from reluprobe.analysis.aggregate import Pivot
from reluprobe.config import SETTINGS, labels, settings_of
from reluprobe.records import RunRecord
from reluprobe.report import formatting
from reluprobe.report.figures import style
from reluprobe.report.figures.by_rate import Measure
from reluprobe.report.figures.context import LackingError, Picture, Scene, told
from reluprobe.report.terminal.tables import MOST_NAMES

#: A table of fewer of its cells is no grid: its settings were not varied together.
FILLED = 0.75
#: Those that people look at first, where they vary.
USUAL = ("activation", "learning_rate")
#: More cells than this in a row are too narrow for their numbers.
MOST_ACROSS = 14
#: From this share on a cell is so dark that light figures read better on it.
DARK = 0.66


def chosen(records: Sequence[RunRecord]) -> tuple[str, str] | None:
    """Two settings that were varied together, in most of their combinations; None without such.

    The usual two if they were, else the two of the most values; the one of more goes across. None
    either beside many other axes, which the table would fold.
    """
    found, vary = [], [n for n in aggregate.axes(records) if _matters(records, n)]
    if len(aggregate.axes(records)) > MOST_NAMES:
        return None
    for pair in itertools.combinations(vary, 2):
        there = {tuple(getattr(r.config, n) for n in pair) for r in records}
        sizes = [len({values[i] for values in there}) for i in (0, 1)]
        if len(there) >= FILLED * sizes[0] * sizes[1]:
            ordered = pair if sizes[0] <= sizes[1] or pair == USUAL else pair[::-1]
            found.append((pair == USUAL, len(there), ordered))
    return max(found)[2] if found else None


def _matters(records: Sequence[RunRecord], name: str) -> bool:
    """Whether a setting has an effect in every run."""
    return all(SETTINGS[name].applies(settings_of(r.config)) for r in records)


def heatmap(scene: Scene) -> Picture:
    """Dead units and accuracy over two settings, in colour and in figures."""
    pair = scene.grid or chosen(scene.records)
    if pair is None:
        raise LackingError("no two settings were varied together")
    found = aggregate.pivot(scene.records, *pair, scene.definition)
    if found is None:
        raise LackingError(f"{pair[0]} and {pair[1]} do not both vary")
    parts: list[tuple[str, Measure]] = [(f"{scene.word} %", lambda c: c.mean)]
    if any(c.accuracy for c in found.cells.values()):
        parts.append(("test accuracy %", lambda c: c.accuracy))
    beside = len(found.columns) * len(parts) <= MOST_ACROSS
    shape = (1, len(parts)) if beside else (len(parts), 1)
    figure = style.canvas(style.PAGE, (0.24 * len(found.rows) + 0.75) * shape[0])
    axes = figure.subplots(*shape, sharex=True, sharey=True, squeeze=False).flat
    for ax, (name, measure) in zip(axes, parts, strict=True):
        _paint(ax, found, measure)
        ax.set_title(name)
    figure.supylabel(labels.name(pair[0]))
    figure.supxlabel(labels.name(pair[1]))
    facts = [
        f"{labels.settings(c.settings)}: {formatting.plus_minus(c.mean)}% {scene.word}, test "
        f"accuracy {formatting.plus_minus(c.accuracy)}"
        for c in found.cells.values()
    ]
    rest = [labels.name(n) for n in aggregate.axes(scene.records) if n not in pair]
    folded = f" All of {', '.join(rest)} are folded together." if rest else ""
    caption = (
        f"Share of {scene.word} units on {scene.sample} and test accuracy of the finished networks "
        f"by {labels.name(pair[0])} and {labels.name(pair[1])}, means over runs: the darker, the "
        f"more; grey: no run there ended with finite numbers.{folded}"
    )
    return Picture(figure, caption, told(facts))


def _paint(axes: Axes, found: Pivot, measure: Measure) -> None:
    """A cell's colour is its share, from 0 to 100%, and its number stands in it."""
    there = {at: e for at, cell in found.cells.items() if (e := measure(cell)) is not None}
    cells = np.full((len(found.rows), len(found.columns)), np.nan)
    for at, value in there.items():
        cells[found.rows.index(at[0]), found.columns.index(at[1])] = value.mean
    colours = colormaps[style.SEQUENCE].with_extremes(bad=style.EMPTY)
    axes.imshow(cells, colours, vmin=0, vmax=1, aspect="auto")
    for (i, j), value in np.ndenumerate(cells):
        text = "" if np.isnan(value) else formatting.percent(float(value))
        ink = style.ON_LIGHT if np.isnan(value) or value < DARK else style.ON_DARK
        axes.text(j, i, text, ha="center", va="center", color=ink, fontsize=style.SMALL)
    axes.set_xticks(range(len(found.columns)), [labels.setting(v) for v in found.columns])
    axes.set_yticks(range(len(found.rows)), [labels.setting(v) for v in found.rows])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
