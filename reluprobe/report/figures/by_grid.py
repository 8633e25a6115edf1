"""Heat map of two settings: dead units and accuracy as colours and numbers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes

from reluprobe.analysis import aggregate, lacking
from reluprobe.analysis.aggregate import Pivot
from reluprobe.analysis.settings import value_of
from reluprobe.config import labels
from reluprobe.records import RunRecord
from reluprobe.report import formatting
from reluprobe.report.figures import style
from reluprobe.report.figures.by_rate import Measure
from reluprobe.report.figures.context import Context, Drawing, LackingError, alt_text
from reluprobe.report.terminal.tables import MOST_NAMES

#: A table of fewer of its cells is no grid: its settings were not varied together.
FILLED = 0.75
#: Those that people look at first, where they vary.
USUAL = ("activation", "learning_rate")
#: More cells than this in a row are too narrow for their numbers.
MOST_ACROSS = 14
#: From this share on a cell is so dark that light figures read better on it.
DARK = 0.66


def chosen(records: Sequence[RunRecord]) -> tuple[str, str]:
    """Two settings that were varied together, in most of their combinations.

    The usual two if they were, else the two of the most values; the one of more goes across.

    Raises:
        LackingError: there are none, or so many settings vary that the table would fold most.
    """
    pairs, vary = [], [n for n in aggregate.axes(records) if aggregate.applies_in_all(records, n)]
    if (many := len(aggregate.axes(records))) > MOST_NAMES:
        raise LackingError(f"{many} settings vary: --heatmap AXIS,AXIS says which two to show")
    for pair in itertools.combinations(vary, 2):
        combinations = {tuple(value_of(r, n) for n in pair) for r in records}
        sizes = [len({values[i] for values in combinations}) for i in (0, 1)]
        if len(combinations) >= FILLED * sizes[0] * sizes[1]:
            ordered = pair if sizes[0] <= sizes[1] or pair == USUAL else pair[::-1]
            pairs.append((pair == USUAL, len(combinations), ordered))
    if not pairs:
        raise LackingError("no two settings were varied together")
    return max(pairs)[2]


def heatmap(context: Context) -> Drawing:
    """Dead units and accuracy over two settings, in colour and in figures."""
    if (reason := lacking.shares(context.records, context.definition)) is not None:
        raise LackingError(reason)
    pair = context.grid or chosen(context.records)
    table = aggregate.pivot(context.records, *pair, context.definition)
    if table is None:
        raise LackingError(f"{pair[0]} and {pair[1]} do not both vary")
    parts: list[tuple[str, Measure]] = [(f"{context.word} %", lambda c: c.mean)]
    if any(c.accuracy for c in table.cells.values()):
        parts.append((f"{context.terms.accuracy} %", lambda c: c.accuracy))
    beside = len(table.columns) * len(parts) <= MOST_ACROSS
    shape = (1, len(parts)) if beside else (len(parts), 1)
    figure = style.canvas(style.PAGE, (0.24 * len(table.rows) + 0.75) * shape[0])
    axes = figure.subplots(*shape, sharex=True, sharey=True, squeeze=False).flat
    for ax, (name, measure) in zip(axes, parts, strict=True):
        _paint(ax, table, measure)
        ax.set_title(name)
    figure.supylabel(labels.name(pair[0]))
    figure.supxlabel(labels.name(pair[1]))
    facts = [
        f"{labels.settings(c.settings)}: {formatting.plus_minus(c.mean)}% {context.word}, "
        f"{context.terms.accuracy} {formatting.plus_minus(c.accuracy)}"
        for c in table.cells.values()
    ]
    grey = "no run there ended with finite numbers"
    rest = [labels.name(n) for n in aggregate.axes(context.records) if n not in pair]
    folded = f" All of {', '.join(rest)} are folded together." if rest else ""
    if any(c.mean is None and c.runs > c.diverged + c.failed for c in table.cells.values()):
        grey = f"{context.word} does not apply there, or no run ended with finite numbers"
    caption = (
        f"Share of {context.word} units on {context.examples} and {context.terms.accuracy} of the "
        f"finished networks by {labels.name(pair[0])} and {labels.name(pair[1])}, means over runs: "
        f"the darker, the more; grey: {grey}.{folded}"
    )
    return figure, caption, alt_text(facts)


def _paint(axes: Axes, table: Pivot, measure: Measure) -> None:
    """A cell's colour is its share, from 0 to 100%, and its number stands in it."""
    shares = {at: e for at, cell in table.cells.items() if (e := measure(cell)) is not None}
    cells = np.full((len(table.rows), len(table.columns)), np.nan)
    for at, value in shares.items():
        cells[table.rows.index(at[0]), table.columns.index(at[1])] = value.mean
    colours = colormaps[style.SEQUENCE].with_extremes(bad=style.EMPTY)
    axes.imshow(cells, colours, vmin=0, vmax=1, aspect="auto")
    for (i, j), value in np.ndenumerate(cells):
        text = "" if np.isnan(value) else formatting.percent(float(value))
        ink = style.ON_LIGHT if np.isnan(value) or value < DARK else style.ON_DARK
        axes.text(j, i, text, ha="center", va="center", color=ink, fontsize=style.SMALL)
    axes.set_xticks(range(len(table.columns)), [labels.setting(v) for v in table.columns])
    axes.set_yticks(range(len(table.rows)), [labels.setting(v) for v in table.rows])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
